#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/shamir.h"
#include "tests/support/seeded.h"

static void one_seed_gives_one_sequence(void **state)
{
    (void)state;
    CLEANUP(random_source_freep) struct random_source *a = seeded("one");
    CLEANUP(random_source_freep) struct random_source *b = seeded("one");
    CLEANUP(random_source_freep) struct random_source *c = seeded("two");
    uint8_t first[100], second[100], other[100];
    random_draw(a, first, sizeof first);
    random_draw(b, second, sizeof second);
    random_draw(c, other, sizeof other);
    assert_memory_equal(first, second, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    random_draw(b, second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    random_draw(a, first, sizeof first);
    random_draw(a, first, 0); /* a draw of nothing is a draw */
    random_draw(b, second, 1);
    random_draw(a, first, sizeof first);
    random_draw(b, second, sizeof second);
    assert_memory_equal(first, second, sizeof first);
}

static void a_seed_has_its_length(void **state)
{
    (void)state;
    assert_true(result_ok(crypto_start()));
    CLEANUP(secret_freep) struct secret *seed = NULL;
    assert_true(result_ok(secret_new(RANDOM_SEED_BYTES - 1, &seed)));
    struct random_source *source = NULL;
    assert_int_equal(random_source_new(seed, &source).category, CATEGORY_BUG);
    assert_null(source);
}

static void scalars_are_canonical_and_spread(void **state)
{
    (void)state;
    CLEANUP(random_source_freep) struct random_source *source = seeded("scalars");
    unsigned high = 0;
    for (unsigned k = 0; k < 2000; k++) {
        uint8_t scalar[SCALAR_BYTES];
        random_scalar(source, scalar);
        assert_true(scalar_canonical(scalar));
        high += scalar[31] >= 8; /* the upper half of [0, 2^252) */
    }
    assert_in_range(high, 850, 1150); /* 1000 expected, standard deviation 22 */
}

static void numbers_below_a_bound_are_even(void **state)
{
    (void)state;
    CLEANUP(random_source_freep) struct random_source *source = seeded("below");
    unsigned seen[6] = {0};
    for (unsigned k = 0; k < 6000; k++) {
        uint64_t value = random_below(source, 6);
        assert_true(value < 6);
        seen[value]++;
    }
    for (unsigned k = 0; k < 6; k++) assert_in_range(seen[k], 850, 1150);
    assert_int_equal(random_below(source, 1), 0);
    /* Three quarters of 2^64: without rejection, values in the lowest third would come twice as often. */
    uint64_t bound = UINT64_C(3) << 62;
    unsigned low = 0;
    for (unsigned k = 0; k < 3000; k++) {
        uint64_t value = random_below(source, bound);
        assert_true(value < bound);
        low += value < bound / 3;
    }
    assert_in_range(low, 870, 1130); /* 1000, or 1500 with the bias */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_gives_one_sequence),
        cmocka_unit_test(a_seed_has_its_length),
        cmocka_unit_test(scalars_are_canonical_and_spread),
        cmocka_unit_test(numbers_below_a_bound_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

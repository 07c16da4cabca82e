/* Difference sketches: what they tell against what the multisets are, copy by copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/random.h"
#include "crypto/sketch.h"
#include "tests/support/ok.h"
#include "tests/support/seeded.h"

/* SKETCH_SEEDS=1000000 measures how often a difference that should be told is not. */
static unsigned seeds(unsigned least)
{
    const char *text = getenv("SKETCH_SEEDS");
    return text ? (unsigned)strtoul(text, NULL, 10) : least;
}

static struct sketch_key *key_of(const char *secret, const char *context)
{
    CLEANUP(secret_freep) struct secret *bytes = NULL;
    struct sketch_key *key = NULL;
    OK(secret_from(view_text(secret), &bytes));
    OK(sketch_key_new(bytes, view_text(context), &key));
    return key;
}

static struct sketch *fresh(void)
{
    struct sketch *sketch = NULL;
    OK(sketch_new(&sketch));
    return sketch;
}

static struct sketch_difference compared(const struct sketch *a, const struct sketch *b)
{
    struct sketch_difference difference, back;
    OK(sketch_compare(a, b, &difference));
    OK(sketch_compare(b, a, &back));
    assert_true(difference.known == back.known && difference.copies == back.copies);
    return difference;
}

static void add_range(struct sketch *sketch, const struct sketch_key *key, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) sketch_add(sketch, sketch_hash(key, view_of(&i, sizeof i)));
}

/* Hashes are as good as uniform, so that drawn ones stand for those of rows. */
static void every_difference_of_up_to_1000_is_told(void **state)
{
    (void)state;
    CLEANUP(random_source_freep) struct random_source *source = seeded("differences");
    unsigned untold = 0, rounds = seeds(2000);
    for (unsigned round = 0; round < rounds; round++) {
        CLEANUP(sketch_freep) struct sketch *a = fresh(), *b = fresh();
        uint64_t items = round % 2 ? SKETCH_SURE : random_below(source, SKETCH_SURE + 1);
        uint64_t hashes[SKETCH_SURE], side = random_below(source, UINT64_MAX);
        random_draw(source, hashes, sizeof hashes);
        for (uint64_t i = 0; i < items; i++) {
            uint64_t hash = hashes[i] >> 4;
            sketch_add(i % 3 && (side >> (i % 64)) & 1 ? a : b, hash);
        }
        struct sketch_difference difference;
        OK(sketch_compare(a, b, &difference));
        assert_true(difference.known);
        untold += difference.copies != items;
    }
    if (getenv("SKETCH_SEEDS")) print_message("%u of %u differences are not told\n", untold, rounds);
    assert_int_equal(untold, 0);
}

static void what_both_have_is_not_counted(void **state)
{
    (void)state;
    CLEANUP(sketch_key_freep) struct sketch_key *key = key_of("secret", "customers");
    CLEANUP(sketch_freep) struct sketch *a = fresh(), *b = fresh();
    add_range(a, key, 0, 100000);
    add_range(b, key, 3, 100007);
    assert_int_equal(sketch_count(a), 100000);
    assert_int_equal(compared(a, b).copies, 10);
    add_range(b, key, 0, 3);
    add_range(a, key, 100000, 100007); /* in another order */
    assert_true(compared(a, b).known);
    assert_int_equal(compared(a, b).copies, 0);
}

static void copies_do_not_cancel(void **state)
{
    (void)state;
    CLEANUP(sketch_key_freep) struct sketch_key *key = key_of("secret", "customers");
    static const unsigned pairs[][2] = {{1, 3}, {2, 4}, {0, 2}, {0, 1024}, {5, 5}, {1000, 1}, {0, 70000}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        CLEANUP(sketch_freep) struct sketch *a = fresh(), *b = fresh();
        add_range(a, key, 0, 50);
        add_range(b, key, 0, 50);
        for (unsigned k = 0; k < pairs[i][0]; k++) add_range(a, key, 7, 9);
        for (unsigned k = 0; k < pairs[i][1]; k++) add_range(b, key, 7, 9);
        assert_true(compared(a, b).known);
        assert_int_equal(compared(a, b).copies, 2 * abs((int)pairs[i][0] - (int)pairs[i][1]));
    }
}

/* As many of one item gone as of another new: in a cell of both the counts cancel, and nothing else does. */
static void an_exchange_is_two_rows(void **state)
{
    (void)state;
    CLEANUP(random_source_freep) struct random_source *source = seeded("exchanges");
    for (unsigned round = 0; round < 500; round++) {
        CLEANUP(sketch_freep) struct sketch *a = fresh(), *b = fresh();
        uint64_t times = 1 + random_below(source, 40), hash = random_below(source, UINT64_MAX) >> 4;
        uint64_t other = hash ^ ((uint64_t)1 << (50 + random_below(source, 10))); /* in the same five cells */
        for (uint64_t k = 0; k < times; k++) sketch_add(a, hash);
        for (uint64_t k = 0; k < times; k++) sketch_add(b, round % 2 ? other : other ^ 1);
        struct sketch_difference difference = compared(a, b);
        /* What meets in all cells cannot be told, and is taken neither for the same nor for many. */
        assert_true(difference.known);
        assert_int_equal(difference.copies, round % 2 ? 1 : 2 * times);
    }
}

static void many_differences_are_many(void **state)
{
    (void)state;
    CLEANUP(sketch_key_freep) struct sketch_key *key = key_of("secret", "customers");
    CLEANUP(sketch_freep) struct sketch *a = fresh(), *b = fresh();
    unsigned known = 0;
    for (uint64_t end = 0; end <= 20000; end += 500) {
        struct sketch_difference difference = compared(a, b);
        assert_true(difference.known || end > SKETCH_SURE);
        if (difference.known) assert_int_equal(difference.copies, end);
        known += difference.known;
        add_range(a, key, end, end + 500);
    }
    assert_int_equal(known, 3);
}

static void joined_is_all_of_both(void **state)
{
    (void)state;
    CLEANUP(sketch_key_freep) struct sketch_key *key = key_of("secret", "customers");
    CLEANUP(sketch_freep) struct sketch *all = fresh(), *some = fresh(), *others = fresh();
    add_range(all, key, 0, 5000);
    add_range(some, key, 0, 2000);
    add_range(others, key, 2000, 5000);
    sketch_join(some, others);
    assert_int_equal(sketch_count(some), 5000);
    assert_true(compared(all, some).known);
    assert_int_equal(compared(all, some).copies, 0);
}

static void a_hash_needs_the_secret_and_the_context(void **state)
{
    (void)state;
    static const char *const words[][2] = {{"secret", "a"}, {"secret", "b"}, {"secreT", "a"}};
    uint64_t hashes[3];
    uint8_t ids[3][SKETCH_KEY_ID_BYTES];
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(sketch_key_freep) struct sketch_key *key = key_of(words[i][0], words[i][1]);
        CLEANUP(sketch_key_freep) struct sketch_key *again = key_of(words[i][0], words[i][1]);
        hashes[i] = sketch_hash(key, view_text("item"));
        memcpy(ids[i], sketch_key_id(key).data, sizeof ids[i]);
        assert_int_equal(hashes[i], sketch_hash(again, view_text("item")));
        assert_true(view_equal(sketch_key_id(key), sketch_key_id(again)));
        assert_int_not_equal(hashes[i], sketch_hash(key, view_text("iten")));
        assert_true(hashes[i] < (UINT64_C(1) << 61) - 1);
        for (size_t k = 0; k < i; k++) assert_true(hashes[i] != hashes[k] && memcmp(ids[i], ids[k], 8) != 0);
    }
}

static void bytes_are_the_sketch_and_nothing_else_is(void **state)
{
    (void)state;
    CLEANUP(sketch_key_freep) struct sketch_key *key = key_of("secret", "customers");
    CLEANUP(random_source_freep) struct random_source *source = seeded("damage");
    CLEANUP(sketch_freep) struct sketch *a = fresh(), *read = NULL;
    CLEANUP(buffer_done) struct buffer bytes = {0}, again = {0};
    add_range(a, key, 0, 3000);
    OK(sketch_write(a, &bytes));
    assert_int_equal(bytes.length, SKETCH_BYTES);
    OK(sketch_read(buffer_view(&bytes), &read));
    OK(sketch_write(read, &again));
    assert_true(view_equal(buffer_view(&bytes), buffer_view(&again)));
    for (unsigned i = 0; i < 500; i++) {
        CLEANUP(sketch_freep) struct sketch *damaged = NULL;
        size_t at = i < 8 ? i : random_below(source, SKETCH_BYTES);
        if (i < 8 && i >= 4) continue; /* of the count the lower half is in the cells */
        bytes.data[at] ^= (uint8_t)(1 << random_below(source, 8));
        assert_int_equal(sketch_read(buffer_view(&bytes), &damaged).category, CATEGORY_FALSE);
        bytes.data[at] = again.data[at];
    }
    CLEANUP(sketch_freep) struct sketch *shorter = NULL;
    assert_int_equal(sketch_read(view_of(bytes.data, bytes.length - 1), &shorter).category, CATEGORY_FALSE);
    OK(buffer_u8(&bytes, 0));
    assert_int_equal(sketch_read(buffer_view(&bytes), &shorter).category, CATEGORY_FALSE);
}

static int setup(void **state)
{
    (void)state;
    return result_ok(crypto_start()) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_difference_of_up_to_1000_is_told),
        cmocka_unit_test(what_both_have_is_not_counted),
        cmocka_unit_test(copies_do_not_cancel),
        cmocka_unit_test(an_exchange_is_two_rows),
        cmocka_unit_test(many_differences_are_many),
        cmocka_unit_test(joined_is_all_of_both),
        cmocka_unit_test(a_hash_needs_the_secret_and_the_context),
        cmocka_unit_test(bytes_are_the_sketch_and_nothing_else_is),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

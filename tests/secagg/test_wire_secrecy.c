/* Every byte that crosses between the banks and the coordinator in a run, both ways: no word of a bank's own input is
 * in it, and no sum over a part of the banks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/cohort.h"
#include "tests/support/ok.h"
#include "tests/support/seeded.h"

enum { BANKS = 5, WORDS = 40, ROUNDS = 3 };

struct tap {
    struct buffer crossed;
    struct random_source *random;
    uint64_t inputs[ROUNDS][BANKS][WORDS];
};

static bool hear(void *context, struct cohort *cohort, unsigned party, struct buffer *bytes)
{
    (void)cohort;
    (void)party;
    struct tap *tap = context;
    OK(buffer_append(&tap->crossed, buffer_view(bytes)));
    return true;
}

/* Words that occur nowhere by accident, the same ones again when a bank is asked twice for a step. */
static void plant(void *context, unsigned bank, uint64_t step, uint64_t *words, uint64_t count)
{
    struct tap *tap = context;
    assert_true(step < ROUNDS && bank >= 1 && bank <= BANKS && count == WORDS);
    memcpy(words, tap->inputs[step][bank - 1], sizeof tap->inputs[step][bank - 1]);
}

static bool crossed(const struct tap *tap, uint64_t word)
{
    uint8_t little[8], big[8];
    bytes_put_u64(little, word);
    for (size_t i = 0; i < sizeof big; i++) big[i] = little[sizeof little - 1 - i];
    return memmem(tap->crossed.data, tap->crossed.length, little, sizeof little) ||
           memmem(tap->crossed.data, tap->crossed.length, big, sizeof big);
}

static void no_input_crosses_in_the_clear(void **state)
{
    (void)state;
    static struct tap tap;
    tap.random = seeded("inputs that occur nowhere by accident");
    random_draw(tap.random, tap.inputs, sizeof tap.inputs);
    struct cohort cohort;
    OK(cohort_init(
        &(struct cohort_config){.banks = BANKS, .words = WORDS, .rounds = ROUNDS, .epoch_rounds = 2, .seed = 78},
        &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &tap, .request = hear, .reply = hear, .input = plant};
    OK(cohort_run(&cohort));
    for (unsigned bank = 1; bank <= BANKS; bank++) assert_true(cohort.parties[bank].done);

    for (size_t step = 0; step < ROUNDS; step++)
        for (size_t k = 0; k < WORDS; k++) {
            uint64_t sum = 0;
            for (size_t bank = 0; bank < BANKS; bank++) {
                assert_false(crossed(&tap, tap.inputs[step][bank][k]));
                sum += tap.inputs[step][bank][k];
                if (bank > 0 && bank < BANKS - 1) assert_false(crossed(&tap, sum)); /* nor a sum of a few */
            }
        }
    assert_true(crossed(&tap, bytes_get_u64(tap.crossed.data + tap.crossed.length / 2))); /* what is there is found */
    assert_true(tap.crossed.length > (size_t)2 * ROUNDS * BANKS * WORDS * 8); /* masked inputs, up and down */
    cohort_done(&cohort);
    buffer_done(&tap.crossed);
    random_source_free(tap.random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_input_crosses_in_the_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

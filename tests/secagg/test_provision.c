/* The keys of the largest cohort: each is compared with all others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/coordinator.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

#define BANKS MEMBERS_MAX
#define ROUNDS 16u

/* Distinct keys, number by number; what they are points of does not matter here. The high bytes tell them apart too:
 * keys whose low bytes are all the same fall into one place of the index. */
static void number_key(uint8_t *key, unsigned position, uint32_t k, bool crowded)
{
    uint32_t number = position * (ROUNDS + 1) + k + 1000;
    memset(key, 0x55, 32);
    if (!crowded) {
        uint32_t spread = number * 2654435761u;
        memcpy(key, &spread, sizeof spread);
    }
    memcpy(key + 16, &number, sizeof number);
}

struct keys {
    struct agree_public channel;
    uint8_t rounds[ROUNDS * 32], commitments[ROUNDS * 32];
};

static struct result take(struct provision *provision, const struct run *run, unsigned position, struct keys *keys)
{
    struct wire_p1 p1 = {.run = run->id,
                         .epoch = 1,
                         .first = 1,
                         .rounds = ROUNDS,
                         .leaves = provision_leaves(provision),
                         .channel = keys->channel,
                         .commitments = view_of(keys->commitments, sizeof keys->commitments)};
    p1.mask_keys = (struct view){.data = keys->rounds, .length = sizeof keys->rounds};
    return provision_take(provision, run, position, &p1);
}

static void fill(struct keys *keys, unsigned position, bool crowded)
{
    memset(keys->commitments, 0, sizeof keys->commitments);
    number_key(keys->channel.bytes, position, 0, crowded);
    for (uint32_t k = 1; k <= ROUNDS; k++) number_key(keys->rounds + (size_t)(k - 1) * 32, position, k, crowded);
}

static void a_copy_is_found_among_a_thousand(void **state)
{
    (void)state;
    struct cohort cohort;
    struct provision provision = {0};
    struct keys keys;
    OK(cohort_init(&(struct cohort_config){.banks = BANKS, .words = 1, .rounds = 1, .epoch_rounds = ROUNDS}, &cohort));
    OK(cohort_start(&cohort, 0));
    const struct run *run = &cohort.coordinator->run;
    for (unsigned crowded = 0; crowded < 2; crowded++) {
        unsigned banks = crowded ? 100 : BANKS;
        OK(provision_init(&provision, run, 1, 1, &(struct hash){0}));
        for (unsigned j = 1; j < banks; j++) {
            fill(&keys, j, crowded);
            OK(take(&provision, run, j, &keys));
        }
        /* The last bank's copies: of a round's key and of a channel key, as its own channel or in a round. */
        for (unsigned copy = 0; copy < 4; copy++) {
            fill(&keys, banks, crowded);
            uint8_t *into = copy & 1 ? keys.channel.bytes : keys.rounds + sizeof keys.rounds - 32;
            number_key(into, 7, copy & 2 ? 0 : 5, crowded);
            assert_int_equal(take(&provision, run, banks, &keys).category, CATEGORY_PEER);
            char names[80];
            (void)snprintf(names, sizeof names, "%s and %s state the same key", run_member(run, 7),
                           run_member(run, banks));
            assert_non_null(strstr(result_reason(), names));
            assert_false(provision.dealers[banks].known);
        }
        fill(&keys, banks, crowded);
        memcpy(keys.rounds, keys.channel.bytes, 32);
        assert_int_equal(take(&provision, run, banks, &keys).category, CATEGORY_PEER);
        assert_non_null(strstr(result_reason(), "uses one key twice"));
        fill(&keys, banks, crowded);
        OK(take(&provision, run, banks, &keys)); /* what was refused left nothing behind */
        assert_memory_equal(provision_mask_key(&provision, banks, ROUNDS), keys.rounds + sizeof keys.rounds - 32, 32);
    }
    provision_done(&provision);
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_copy_is_found_among_a_thousand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

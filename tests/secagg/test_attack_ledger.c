/* 4, continued. Two runs over one source, with and without one bank: at the same time, and under names that collide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static const struct cohort_config whole = {.banks = 5, .words = 8, .rounds = 1, .epoch_rounds = 2, .nonce = 1};
static const struct cohort_config lacking = {
    .banks = 5, .without = 5, .words = 8, .rounds = 1, .epoch_rounds = 2, .nonce = 2};

/* What a node's own records hold is there for every run of the node. The run's tag may be given another name. */
static void share_ledger(const struct cohort_party *from, struct cohort_party *to, const char *tag, const char *as)
{
    const struct record_map *map = &from->records.maps[0][1];
    struct effects effects = {0};
    for (size_t i = 0; i < map->count; i++) {
        if (strncmp(map->items[i].key, "ledger/", 7) != 0) continue;
        struct effect *effect = NULL;
        OK(effects_add(&effects, EFFECT_PERSIST, &effect));
        memcpy(effect->key, map->items[i].key, sizeof effect->key);
        char *at = tag ? strstr(effect->key, tag) : NULL;
        if (at) memcpy(at, as, strlen(as));
        effect->shared = true;
        OK(buffer_append(&effect->bytes, buffer_view(&map->items[i].value)));
    }
    assert_true(effects.count > 0);
    OK(records_commit(&to->records, &effects, RECORDS_ALL));
    effects_clear(&effects);
}

struct racing {
    struct cohort *first, *second;
    unsigned headers; /* of bank 1 in the second run, that left it */
};

/* Between R0 and R1 of the second run, bank 1's R1 of the first becomes durable. */
static void other_run_masks(void *context, unsigned bank, uint64_t step, uint64_t *words, uint64_t count)
{
    (void)step, (void)words, (void)count;
    struct racing *racing = context;
    if (bank == 1) share_ledger(&racing->first->parties[1], &racing->second->parties[1], NULL, NULL);
}

static bool count_headers(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)cohort;
    struct racing *racing = context;
    racing->headers += from == 1 && bytes->data[1] == MESSAGE_HEADER;
    return true;
}

static void two_runs_at_once_do_not_differ_by_a_bank(void **state)
{
    (void)state;
    struct cohort first, second;
    struct racing racing = {&first, &second, 0};
    OK(cohort_init(&whole, &first));
    OK(cohort_run(&first));
    cohort_assert_done(&first, &first.terms.cohort);
    OK(cohort_init(&lacking, &second));
    second.hooks = (struct cohort_hooks){.context = &racing, .input = other_run_masks, .request = count_headers};
    OK(cohort_run(&second));
    assert_int_equal(racing.headers, 0);
    assert_non_null(strstr(second.parties[0].reason, "bank1 ended the run"));
    assert_non_null(strstr(second.parties[0].reason, "bank5 is missing"));
    for (unsigned i = 1; i <= 4; i++) assert_int_equal(secagg_node_fold(second.parties[i].node)->step, 0);
    cohort_done(&first);
    cohort_done(&second);
}

/* A submitter who tries 2^32 nonces finds two runs whose ids begin alike: the second is another run all the same. */
static void runs_whose_names_collide_are_two_runs(void **state)
{
    (void)state;
    struct cohort first, second;
    OK(cohort_init(&whole, &first));
    OK(cohort_run(&first));
    cohort_assert_done(&first, &first.terms.cohort);
    OK(cohort_init(&lacking, &second));
    char tag[2 * HASH_BYTES + 1], as[2 * HASH_BYTES + 1];
    struct hash ids[2];
    OK(run_id(&first.terms, &ids[0]));
    OK(run_id(&second.terms, &ids[1]));
    bytes_hex(hash_view(&ids[0]), tag);
    bytes_hex(hash_view(&ids[1]), as);
    tag[16] = as[16] = 0;
    for (unsigned i = 1; i <= 4; i++) share_ledger(&first.parties[i], &second.parties[i], tag, as);
    OK(cohort_run(&second));
    assert_false(cohort_all_done(&second));
    assert_non_null(strstr(second.parties[0].reason, "bank5 is missing"));
    cohort_done(&first);
    cohort_done(&second);
}

/* A run goes on after a restart: its own entry in the ledger is no reason to refuse it. */
static void a_run_is_not_in_its_own_way(void **state)
{
    (void)state;
    struct cohort cohort;
    struct cohort_config config = whole;
    config.rounds = 2;
    OK(cohort_init(&config, &cohort));
    cohort_lose(&cohort, MESSAGE_VOTE, 0, true);
    OK(cohort_run(&cohort));
    for (unsigned i = 1; i <= 5; i++) OK(cohort_start(&cohort, i));
    cohort_lose(&cohort, MESSAGE_VOTE, 0, false);
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_at_once_do_not_differ_by_a_bank),
        cmocka_unit_test(runs_whose_names_collide_are_two_runs),
        cmocka_unit_test(a_run_is_not_in_its_own_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

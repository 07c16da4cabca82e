/* A run that ends in whatever way leaves no secret of it in the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/journal.h"
#include "node/part.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

static bool holds(struct store *store, const struct hash *run, bool secret, const char *key)
{
    struct buffer value = {0};
    bool found = false;
    OK(store_load(store, secret, run, key, &value, &found));
    buffer_done(&value);
    return found;
}

static struct sign_key *key_make(void)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct sign_key *key = NULL;
    OK(secret_new(SIGN_SEED_BYTES, &seed));
    OK(sign_key_from_seed(seed, &key));
    return key;
}

static void an_ended_run_leaves_no_secret(void **state)
{
    (void)state;
    char directory[SCRATCH_MAX];
    scratch_new(directory);
    struct config_node config = {.state = directory};
    struct bank *bank = calloc(1, sizeof *bank);
    struct part *part = calloc(1, sizeof *part);
    assert_non_null(bank);
    assert_non_null(part);
    bank->config = &config;
    OK(store_open(directory, &bank->store));
    CLEANUP(sign_key_freep) struct sign_key *key = key_make();
    OK(journal_open(bank->store, directory, key, &bank->journal));
    assert_int_equal(pthread_cond_init(&bank->changed, NULL), 0);
    part->bank = bank;
    part->state = SERVICE_RUN_OPEN;
    part->submission.id = (struct hash){{1}};
    (void)snprintf(part->hex, sizeof part->hex, "01");
    struct hash other = {{2}};
    const struct hash *runs[] = {&part->submission.id, &other};
    for (size_t i = 0; i < 2; i++) {
        const struct store_record records[] = {
            {.scope = runs[i], .key = "secret/1/channel", .value = view_text("c"), .secret = true},
            {.scope = runs[i], .key = "secret/1/own/00", .value = view_text("o"), .secret = true},
            {.scope = runs[i], .key = "secret/1/held/00", .value = view_text("h"), .secret = true},
            {.scope = runs[i], .key = "round", .value = view_text("r")},
        };
        OK(store_commit(bank->store, records, 4));
    }
    OK(part_end(part, SERVICE_RUN_FAILED, "the coordinator says so"));
    assert_false(holds(bank->store, runs[0], true, "secret/1/channel"));
    assert_false(holds(bank->store, runs[0], true, "secret/1/own/00"));
    assert_false(holds(bank->store, runs[0], true, "secret/1/held/00"));
    assert_true(holds(bank->store, runs[0], false, "round"));
    assert_true(holds(bank->store, runs[0], false, PART_KEY_END));
    assert_true(holds(bank->store, runs[1], true, "secret/1/own/00"));
    journal_close(bank->journal);
    store_close(bank->store);
    (void)pthread_cond_destroy(&bank->changed);
    free(part);
    free(bank);
    scratch_remove(directory);
}

/* After the roster has changed, the submission in the store is none of this roster's. */
static void a_run_of_another_roster_leaves_no_secret(void **state)
{
    (void)state;
    char directory[SCRATCH_MAX];
    scratch_new(directory);
    struct config_node config = {.state = directory};
    struct bank *bank = calloc(1, sizeof *bank);
    assert_non_null(bank);
    bank->config = &config;
    OK(store_open(directory, &bank->store));
    CLEANUP(sign_key_freep) struct sign_key *key = key_make();
    OK(journal_open(bank->store, directory, key, &bank->journal));
    const struct hash run = {{3}};
    const struct store_record records[] = {
        {.scope = &run, .key = "secret/1/own/00", .value = view_text("o"), .secret = true},
        {.scope = &run, .key = PART_KEY_SUBMISSION, .value = view_text("12345678 of another roster")},
        {.key = "counter/0011223344556677", .value = view_text("12345678")},
    };
    OK(store_commit(bank->store, records, 3));
    OK(parts_restore(bank));
    assert_null(bank->parts);
    assert_false(holds(bank->store, &run, true, "secret/1/own/00"));
    assert_true(holds(bank->store, &run, false, PART_KEY_SUBMISSION));
    journal_close(bank->journal);
    store_close(bank->store);
    free(bank);
    scratch_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ended_run_leaves_no_secret),
        cmocka_unit_test(a_run_of_another_roster_leaves_no_secret),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

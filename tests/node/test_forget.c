/* A run that is over is forgotten: what goes, what stays, what is refused, and that it is not begun again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/forget.h"
#include "node/journal.h"
#include "sys/file.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"
#include "tests/support/small_run.h"

static char directory[SCRATCH_MAX];
static struct config_node config = {.state = directory};

/* A bank of a run that is over, with all that a run may leave. */
struct fixture {
    struct small_run *run;
    struct bank bank;
    struct sign_key *key;
    struct hash id, seen; /* the run; another, of which an offer was seen and no more */
    char hex[2 * HASH_BYTES + 1];
};

static void put_run(struct fixture *f)
{
    CLEANUP(buffer_done) struct buffer submission = {0}, end = {0};
    OK(buffer_u64(&submission, 1000));
    OK(buffer_append(&submission, buffer_view(&f->run->consortium.submission.bytes)));
    OK(buffer_u64(&end, 2000));
    OK(service_answer_write(&(struct service_answer){.ok = false, .reason = "it was cancelled"}, &end));
    const struct store_record records[] = {
        {.scope = &f->id, .key = PART_KEY_SUBMISSION, .value = buffer_view(&submission)},
        {.scope = &f->id, .key = PART_KEY_END, .value = buffer_view(&end)},
        {.scope = &f->id, .key = "closed/00000", .value = view_text("c")},
        {.scope = &f->id, .key = "journal/bundle", .value = view_text("12345678")}, /* nothing is left to do */
        {.scope = &f->id, .key = "secret/1/own/00", .value = view_text("o"), .secret = true},
        {.scope = &f->seen, .key = "journal/seen", .value = view_text("12345678")},
        {.key = "ledger/0011/2233", .value = view_text("l")},
        {.key = "counter/0011223344556677", .value = view_text("12345678")},
    };
    OK(store_commit(f->bank.store, records, sizeof records / sizeof *records));
}

static const char *in_folder(const struct fixture *f, const char *name)
{
    static char path[SCRATCH_MAX + 128];
    (void)snprintf(path, sizeof path, "%s/runs/%s%s", directory, f->hex, name);
    return path;
}

static void put_files(struct fixture *f)
{
    char runs[FILE_PATH_MAX];
    OK(file_path(directory, "runs", runs));
    OK(file_directory(runs, 0700));
    OK(file_directory(in_folder(f, ""), 0700));
    OK(file_directory(in_folder(f, "/evidence"), 0700));
    OK(file_write(in_folder(f, "/model.json"), view_text("{}"), 0600));
    OK(file_write(in_folder(f, "/run.cfd"), view_text("bundle"), 0600));
    OK(file_write(in_folder(f, "/evidence/a.cfe"), view_text("signed"), 0600));
}

static int enter(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_new(directory);
    f->run = small_run_new(&(struct small_run_config){.banks = 3, .words = 4, .rounds = 2, .epoch_rounds = 16});
    f->bank.config = &config;
    f->bank.roster = f->run->consortium.roster;
    f->bank.position = 1;
    f->id = f->seen = f->run->consortium.submission.id;
    f->seen.bytes[HASH_BYTES - 1] ^= 1;
    bytes_hex(hash_view(&f->id), f->hex);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    OK(secret_new(SIGN_SEED_BYTES, &seed));
    OK(sign_key_from_seed(seed, &f->key));
    assert_int_equal(pthread_cond_init(&f->bank.changed, NULL), 0);
    assert_int_equal(pthread_mutex_init(&f->bank.lock, NULL), 0);
    OK(store_open(directory, &f->bank.store));
    OK(journal_open(f->bank.store, directory, f->key, &f->bank.journal));
    put_run(f);
    put_files(f);
    OK(parts_restore(&f->bank));
    *state = f;
    return 0;
}

static int leave(void **state)
{
    struct fixture *f = *state;
    while (f->bank.parts) {
        struct part *part = f->bank.parts;
        f->bank.parts = part->next;
        part_free(part);
    }
    journal_close(f->bank.journal);
    store_close(f->bank.store);
    sign_key_free(f->key);
    (void)pthread_cond_destroy(&f->bank.changed);
    (void)pthread_mutex_destroy(&f->bank.lock);
    small_run_free(f->run);
    free(f);
    scratch_remove(directory);
    return 0;
}

static bool holds(struct fixture *f, const struct hash *run, bool secret, const char *key)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    OK(store_load(f->bank.store, secret, run, key, &value, &found));
    return found;
}

static struct result count(void *visitor, const char *key, struct view value)
{
    (void)key, (void)value;
    ++*(unsigned *)visitor;
    return RESULT_OK;
}

static void is_whole(struct fixture *f)
{
    assert_true(holds(f, &f->id, false, PART_KEY_SUBMISSION) && holds(f, &f->id, false, "closed/00000"));
    assert_true(file_exists(in_folder(f, "/model.json")) && file_exists(in_folder(f, "/run.cfd")));
}

static void refused(struct fixture *f, const char *id, enum category category, const char *part)
{
    struct forgotten forgotten = {.files = 77};
    assert_int_equal(run_forget(&f->bank, id, &forgotten).category, category);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
    assert_int_equal(forgotten.files, 77);
    is_whole(f);
}

static void what_is_not_over_or_not_known_is_refused(void **state)
{
    struct fixture *f = *state;
    char other[2 * HASH_BYTES + 1], longer[2 * HASH_BYTES + 2];
    bytes_hex(hash_view(&f->seen), other);
    assert_non_null(f->bank.parts);
    f->bank.parts->state = SERVICE_RUN_OPEN;
    refused(f, f->hex, CATEGORY_FALSE, "is open: it can be forgotten when it is over");
    assert_false(atomic_load(&f->bank.parts->forgotten));
    f->bank.parts->state = SERVICE_RUN_FAILED;
    refused(f, "", CATEGORY_USAGE, "is not how a run's id begins");
    refused(f, "../x", CATEGORY_USAGE, "is not how a run's id begins");
    (void)snprintf(longer, sizeof longer, "%s0", f->hex);
    refused(f, longer, CATEGORY_USAGE, "is not how a run's id begins");
    refused(f, f->hex[0] == '0' ? "1" : "0", CATEGORY_FALSE, "no run here begins with");
    other[2 * HASH_BYTES - 1] = 0;
    refused(f, other, CATEGORY_USAGE, "more than one run here begins with");
    bytes_hex(hash_view(&f->seen), other);
    refused(f, other, CATEGORY_FALSE, "nothing is kept here of run");
}

static void a_run_is_forgotten(struct fixture *f)
{
    struct forgotten forgotten;
    struct hash model, bundle;
    unsigned records = 0;
    OK(hash_bytes(NULL, view_text("{}"), &model));
    OK(hash_bytes(NULL, view_text("bundle"), &bundle));
    OK(run_forget(&f->bank, f->hex, &forgotten));
    assert_true(hash_equal(&forgotten.run, &f->id) && !forgotten.before && forgotten.at > 0);
    assert_int_equal(forgotten.files, 3);
    assert_int_equal(forgotten.records, 4);
    assert_true(forgotten.has_model && hash_equal(&forgotten.model, &model));
    assert_true(forgotten.has_bundle && hash_equal(&forgotten.bundle, &bundle));
    assert_null(f->bank.parts);
    assert_false(file_exists(in_folder(f, "")));
    OK(store_each(f->bank.store, false, &f->id, "", count, &records));
    assert_int_equal(records, 1); /* that it was forgotten */
    assert_false(holds(f, &f->id, true, "secret/1/own/00"));
    assert_true(holds(f, NULL, false, "ledger/0011/2233") && holds(f, NULL, false, "counter/0011223344556677"));
    assert_true(holds(f, &f->seen, false, "journal/seen"));
    assert_int_equal(journal_entries(f->bank.journal), 1);
}

static void what_was_forgotten_stays_so(void **state)
{
    struct fixture *f = *state;
    struct forgotten again;
    a_run_is_forgotten(f);
    OK(run_forget(&f->bank, f->hex, &again));
    assert_true(again.before && again.at > 0 && !again.has_model);
    assert_int_equal(journal_entries(f->bank.journal), 1);
    /* Offered again, which only a coordinator does that cheats. */
    assert_int_equal(part_offered(&f->bank, buffer_view(&f->run->consortium.submission.bytes)).category,
                     CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "took part in this run, and has forgotten it since"));
    assert_null(f->bank.parts);
    /* What a process that was killed in the middle has left. */
    put_files(f);
    OK(parts_restore(&f->bank));
    assert_null(f->bank.parts);
    assert_false(file_exists(in_folder(f, "")));
    put_files(f);
    OK(run_forget(&f->bank, f->hex, &again));
    assert_false(file_exists(in_folder(f, "")));
}

/* A folder whose records are gone or of another roster, and a run that failed before it had a folder. */
static void a_half_of_a_run_can_be_forgotten(void **state)
{
    struct fixture *f = *state;
    struct forgotten forgotten;
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&f->seen), hex);
    const struct store_record end = {.scope = &f->seen, .key = PART_KEY_END, .value = view_text("12345678")};
    OK(store_commit(f->bank.store, &end, 1));
    OK(run_forget(&f->bank, hex, &forgotten));
    assert_true(forgotten.files == 0 && forgotten.records == 2 && !forgotten.has_model && !forgotten.has_bundle);
    is_whole(f);
    const struct store_record gone[] = {{.scope = &f->id, .key = PART_KEY_SUBMISSION, .erase = true},
                                        {.scope = &f->id, .key = PART_KEY_END, .erase = true}};
    OK(store_commit(f->bank.store, gone, 2));
    OK(run_forget(&f->bank, f->hex, &forgotten));
    assert_int_equal(forgotten.files, 3);
    assert_false(file_exists(in_folder(f, "")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_over_or_not_known_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(what_was_forgotten_stays_so, enter, leave),
        cmocka_unit_test_setup_teardown(a_half_of_a_run_can_be_forgotten, enter, leave),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

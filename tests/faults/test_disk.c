/* The store on a disk that fails: each write, sync, cut, opening and deletion in turn, once or from then on, or with
 * the machine's power. What was acknowledged is whole; a batch that was not is there up to the end of one of its three
 * steps (sys/store.h); the store goes on; and what was erased is nowhere on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sys/store.h"
#include "tests/faults/disk.h"
#include "tests/faults/files.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

enum { BATCHES = 5, STEPS = 3, LARGE = 9000 };

static char directory[SCRATCH_MAX];
static struct hash run = {{7}};

/* --- What is written ---------------------------------------------------------------------------------------------- */

static void secret_text(unsigned batch, char out[64])
{
    (void)snprintf(out, 64, "<the secret %u of a test that looks for it>", batch * 7919 + 13);
}

static void large_text(unsigned batch, char out[LARGE + 1])
{
    memset(out, 'a' + (int)batch, LARGE);
    out[LARGE] = 0;
}

/* Batch b: its secret is put, the vote replaced and a large record made, the secret of batch b - 1 erased. */
static struct result commit(struct store *store, unsigned batch)
{
    char secret[64], vote[16], key[16], large[LARGE + 1], before[16];
    secret_text(batch, secret);
    large_text(batch, large);
    (void)snprintf(vote, sizeof vote, "vote %u", batch);
    (void)snprintf(key, sizeof key, "own/%u", batch);
    (void)snprintf(before, sizeof before, "own/%u", batch ? batch - 1 : 0);
    const struct store_record records[] = {
        {&run, "vote", view_text(vote), false, false},
        {&run, key, view_text(secret), true, false},
        {NULL, key, view_text(large), false, false},
        {&run, before, {0}, true, true},
    };
    return store_commit(store, records, batch ? 4 : 3);
}

/* Everything the store holds after `steps` of all the batches' steps, and what it does hold; as text. */
static void expected_text(unsigned steps, struct buffer *out)
{
    char text[64], large[LARGE + 1];
    buffer_clear(out);
    for (unsigned b = 0; b < BATCHES; b++) {
        bool erased = steps >= STEPS * (b + 2);
        secret_text(b, text);
        if (steps > STEPS * b && !erased) OK(buffer_format(out, "own/%u=%s\n", b, text));
    }
    for (unsigned b = 0; b < BATCHES; b++) {
        large_text(b, large);
        if (steps > STEPS * b + 1) OK(buffer_format(out, "own/%u=%s\n", b, large));
    }
    for (unsigned b = BATCHES; b-- > 0;)
        if (steps > STEPS * b + 1) {
            OK(buffer_format(out, "vote=vote %u\n", b));
            return;
        }
}

static struct result collect(void *visitor, const char *key, struct view value)
{
    TRY(buffer_format(visitor, "%s=", key));
    TRY(buffer_append(visitor, value));
    return buffer_u8(visitor, '\n');
}

static void actual_text(struct store *store, struct buffer *out)
{
    buffer_clear(out);
    OK(store_each(store, true, &run, "", collect, out));
    OK(store_each(store, false, NULL, "", collect, out));
    OK(store_each(store, false, &run, "", collect, out));
}

/* After `done` batches, and a part of the next when it failed. */
static void expect(struct store *store, unsigned done, bool partly)
{
    CLEANUP(buffer_done) struct buffer actual = {0}, expected = {0};
    actual_text(store, &actual);
    for (unsigned step = 0; step <= (partly ? STEPS : 0); step++) {
        expected_text(STEPS * done + step, &expected);
        if (view_equal(buffer_view(&actual), buffer_view(&expected))) return;
    }
    fail_msg("after %u batches the store holds:\n%.*s", done, (int)actual.length, (const char *)actual.data);
}

static void nothing_erased_is_left(unsigned done)
{
    char secret[64];
    for (unsigned b = 0; b + 1 < done; b++) {
        secret_text(b, secret);
        if (disk_holds(view_text(secret))) fail_msg("the secret of batch %u is on the disk after %u batches", b, done);
    }
    secret_text(done - 1, secret);
    assert_true(disk_holds(view_text(secret)));
}

/* --- How it fails ------------------------------------------------------------------------------------------------- */

static void environment(struct result result, unsigned long which)
{
    if (result.category != CATEGORY_ENVIRONMENT || !strstr(result_reason(), directory))
        fail_msg("operation %lu fails with category %d: %s", which, result.category, result_reason());
}

static struct store *open_again(void)
{
    struct store *store = NULL;
    OK(store_open(directory, &store));
    return store;
}

/* One run of all batches over a disk of which one operation fails; the store goes on without being opened again. */
static bool fail_one(unsigned long which, enum disk_fault fault, bool lasts)
{
    disk_clear();
    disk_fail(which, fault, lasts);
    struct store *store = NULL;
    struct result result = store_open(directory, &store);
    if (!result_ok(result)) {
        environment(result, which);
        assert_true(disk_mend());
        store_close(open_again());
        return true;
    }
    bool failed = false;
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        result = commit(store, batch);
        if (!result_ok(result)) {
            environment(result, which);
            failed = disk_mend();
            assert_true(failed);
            expect(store, batch, true);
            OK(commit(store, batch));
        }
        expect(store, batch + 1, false);
    }
    failed = disk_mend() || failed;
    nothing_erased_is_left(BATCHES);
    store_close(store);
    store = open_again();
    expect(store, BATCHES, false);
    store_close(store);
    return failed;
}

/* The same, and the power goes with that operation. */
static bool cut_at(unsigned long which, enum disk_survival survival)
{
    disk_clear();
    disk_fail(which, DISK_CUT, true);
    struct store *store = NULL;
    struct result result = store_open(directory, &store);
    unsigned done = 0;
    while (result_ok(result) && done < BATCHES) {
        result = commit(store, done);
        done += result_ok(result);
    }
    if (!result_ok(result)) environment(result, which);
    store_close(store);
    bool cut = !result_ok(result);
    disk_power(survival, which);
    store = open_again();
    expect(store, done, cut && done < BATCHES);
    for (; done < BATCHES; done++) OK(commit(store, done));
    expect(store, BATCHES, false);
    nothing_erased_is_left(BATCHES);
    store_close(store);
    return cut;
}

static void every_operation_fails(void **state)
{
    (void)state;
    for (enum disk_fault fault = DISK_FULL; fault < DISK_CUT; fault++)
        for (unsigned lasts = 0; lasts < 2; lasts++) {
            unsigned long which = 1;
            while (fail_one(which, fault, lasts)) which++;
            assert_true(which > 50);
            print_message("fault %d, %s: %lu operations, each failed once\n", fault, lasts ? "lasting" : "once",
                          which - 1);
        }
}

static void the_power_goes_at_every_operation(void **state)
{
    (void)state;
    for (enum disk_survival survival = DISK_NONE; survival < DISK_SURVIVALS; survival++) {
        unsigned long which = 1;
        while (cut_at(which, survival)) which++;
        assert_true(which > 50);
        print_message("survival %d: power cut at each of %lu operations\n", survival, which - 1);
    }
}

/* SQLite is set up for the store by the store itself, before the disk in memory takes the place of the true one. */
static int enter(void **state)
{
    (void)state;
    files_skip_sync(); /* the disk in memory has its own */
    scratch_new(directory);
    struct store *store = NULL;
    if (!result_ok(store_open(directory, &store))) return -1;
    store_close(store);
    disk_install();
    return 0;
}

static int leave(void **state)
{
    (void)state;
    disk_clear();
    scratch_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails),
        cmocka_unit_test(the_power_goes_at_every_operation),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}

/* Every allocation fails once while the store is opened, written and read, and in TLS between two sessions in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sys/store.h"
#include "tests/faults/allocation.h"
#include "tests/faults/files.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"
#include "tests/support/tls_pair.h"

static char directory[SCRATCH_MAX];

/* --- The store ---------------------------------------------------------------------------------------------------- */

static struct result count_one(void *visitor, const char *key, struct view value)
{
    (void)key;
    (void)value;
    ++*(unsigned *)visitor;
    return RESULT_OK;
}

static struct result count_scope(void *visitor, const struct hash *scope)
{
    (void)scope;
    ++*(unsigned *)visitor;
    return RESULT_OK;
}

static struct result use_store(void *context)
{
    (void)context;
    allocation_pause();
    scratch_remove(directory);
    scratch_new(directory);
    allocation_resume();
    static const struct hash run = {{3}};
    const struct store_record records[] = {
        {&run, "vote", view_text("U"), false, false},
        {NULL, "counter", view_text("41"), false, false},
        {&run, "own/1", view_text("a secret"), true, false},
        {&run, "own/0", {0}, true, true},
    };
    CLEANUP(store_closep) struct store *store = NULL;
    CLEANUP(buffer_done) struct buffer out = {0};
    bool found = false;
    unsigned votes = 0, scopes = 0;
    TRY(store_open(directory, &store));
    TRY(store_commit(store, records, sizeof records / sizeof *records));
    TRY(store_load(store, true, &run, "own/1", &out, &found));
    TRY(store_each(store, false, &run, "vote", count_one, &votes));
    TRY(store_scopes(store, count_scope, &scopes));
    ENSURE(found && view_equal(buffer_view(&out), view_text("a secret")) && votes == 1 && scopes == 1, CATEGORY_BUG,
           "the store does not hold what it said it took");
    return RESULT_OK;
}

static void a_store(void **state)
{
    (void)state;
    allocation_loop("a store", use_store, NULL);
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static bool accept_any(void *context, const struct sign_public *peer)
{
    (void)context;
    (void)peer;
    return true;
}

static struct result new_side(struct tls_pair *pair, unsigned side)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    TRY(secret_new(SIGN_SEED_BYTES, &seed));
    memset(secret_bytes(seed), (int)side + 1, SIGN_SEED_BYTES);
    TRY(sign_key_from_seed(seed, &key));
    TRY(tls_endpoint_new(key, accept_any, NULL, &pair->endpoints[side]));
    return tls_session_new(pair->endpoints[side], side == 1, &pair->sessions[side]);
}

static struct result talk(void *context)
{
    (void)context;
    CLEANUP(tls_pair_done) struct tls_pair pair = {0};
    CLEANUP(buffer_done) struct buffer heard = {0};
    for (unsigned side = 0; side < 2; side++) TRY(new_side(&pair, side));
    tls_pair_shake(&pair);
    for (unsigned side = 0; side < 2; side++)
        ENSURE(tls_pair_state(&pair, side) == TLS_OPEN, CATEGORY_ENVIRONMENT, "no session came about");
    struct result result = tls_session_write(pair.sessions[0], view_text("hello"));
    while (result_ok(result) && tls_pair_carry(&pair, 0)) {
    }
    if (result_ok(result)) result = tls_session_read(pair.sessions[1], &heard);
    if (result.category == CATEGORY_PEER) return FAIL(CATEGORY_ENVIRONMENT, "the session broke");
    TRY(result);
    ENSURE(view_equal(buffer_view(&heard), view_text("hello")), CATEGORY_ENVIRONMENT, "a record was lost");
    return RESULT_OK;
}

static void two_sessions(void **state)
{
    (void)state;
    allocation_loop("TLS", talk, NULL);
}

static int enter(void **state)
{
    (void)state;
    files_skip_sync();
    scratch_new(directory);
    return result_ok(crypto_start()) ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store),
        cmocka_unit_test(two_sessions),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}

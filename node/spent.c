#include "node/spent.h"

#include <time.h>

#define KEY_RUN "daemon/released" /* u64 inputs ‖ u64 words */

/* "daemon/released/2026-11": u64 words */
static struct result month_key(uint64_t now_ms, char out[SPENT_KEY_BYTES])
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts;
    bool dated = gmtime_r(&seconds, &parts) && strftime(out, SPENT_KEY_BYTES, KEY_RUN "/%Y-%m", &parts) > 0;
    ENSURE(dated, CATEGORY_ENVIRONMENT, "the machine's clock shows no date; set it");
    return RESULT_OK;
}

static struct result load_run(struct store *store, const struct hash *run, struct policy_spent *ret)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    TRY(store_load(store, false, run, KEY_RUN, &value, &found));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&value), "what has left in a run");
    TRY(reader_u64(&reader, &ret->rounds));
    TRY(reader_u64(&reader, &ret->run));
    return reader_end(&reader);
}

struct result spent_load(struct store *store, const struct hash *run, uint64_t now_ms, struct policy_spent *ret)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    struct policy_spent spent = {0};
    char key[SPENT_KEY_BYTES];
    bool found = false;
    TRY(month_key(now_ms, key));
    if (run) TRY(load_run(store, run, &spent));
    TRY(store_load(store, false, NULL, key, &value, &found));
    if (found) {
        struct reader reader = reader_of(buffer_view(&value), "what has left in a month");
        TRY(reader_u64(&reader, &spent.month));
        TRY(reader_end(&reader));
    }
    *ret = spent;
    return RESULT_OK;
}

struct result spent_charge(struct store *store, const struct policy *policy, const struct hash *run, uint64_t now_ms,
                           uint64_t words, struct spent_charge *ret)
{
    struct policy_spent before;
    TRY(spent_load(store, run, now_ms, &before));
    TRY(policy_check_input(policy, &before, words));
    TRY(month_key(now_ms, ret->month));
    bytes_put_u64(ret->run_value, before.rounds + 1);
    bytes_put_u64(ret->run_value + 8, before.run + words);
    bytes_put_u64(ret->month_value, before.month + words);
    ret->records[0] =
        (struct store_record){.scope = run, .key = KEY_RUN, .value = view_of(ret->run_value, sizeof ret->run_value)};
    ret->records[1] =
        (struct store_record){.key = ret->month, .value = view_of(ret->month_value, sizeof ret->month_value)};
    return RESULT_OK;
}

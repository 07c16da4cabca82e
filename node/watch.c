/* The server's thread asks the bank. The lock, which a long step may hold, is waited for briefly: then the figures of
 * before are told, with their age. */
#include "node/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/journal.h"
#include "node/part.h"
#include "node/spent.h"
#include "node/watch_budget.h"
#include "sys/clock.h"
#include "sys/http.h"
#include "sys/log.h"
#include "sys/metrics.h"
#include "sys/vitals.h"

enum { LOCK_MS = 500 };

struct watch {
    struct bank *bank; /* borrowed */
    struct vitals vitals;
    struct vitals_serving serving;
    struct http_server *server;
};

static enum vitals_state state_of(const struct part *part)
{
    static const enum vitals_state states[] = {
        [SERVICE_RUN_OPEN] = VITALS_OPEN, [SERVICE_RUN_DONE] = VITALS_DONE, [SERVICE_RUN_FAILED] = VITALS_FAILED};
    return part->waits && part->state == SERVICE_RUN_OPEN ? VITALS_WAITS : states[part->state];
}

static struct result take_part(struct watch *watch, const struct part *part)
{
    struct vitals_run run = {.state = state_of(part), .step = part->tally.step, .since_ms = part->since};
    memcpy(run.hex, part->hex, sizeof run.hex);
    return vitals_add(&watch->vitals, &run);
}

/* Lock held. */
static struct result take_runs(struct watch *watch)
{
    const struct bank *bank = watch->bank;
    if (!bank->restored) return RESULT_OK;
    vitals_clear(&watch->vitals);
    watch->vitals.rounds_begun = bank->rounds.begun;
    watch->vitals.rounds_closed = bank->rounds.closed;
    watch->vitals.rounds_voided = bank->rounds.voided;
    watch->vitals.taken_ms = clock_monotonic_ms();
    for (const struct part *part = bank->parts; part; part = part->next)
        if (!atomic_load(&part->forgotten)) TRY(take_part(watch, part));
    return RESULT_OK;
}

static struct result take(struct watch *watch)
{
    struct bank *bank = watch->bank;
    uint64_t until = clock_now_ms() + LOCK_MS;
    const struct timespec deadline = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    watch->vitals.refused = atomic_load(&bank->refused);
    watch->vitals.traffic = transport_client_traffic(bank->client);
    if (pthread_mutex_timedlock(&bank->lock, &deadline) != 0) return RESULT_OK;
    struct result result = take_runs(watch);
    (void)pthread_mutex_unlock(&bank->lock);
    return result;
}

static struct result put_link(struct bank *bank, struct buffer *out)
{
    static const struct metric connected = {"cofferdam_coordinator_up", "Whether a connection to the coordinator is."};
    static const struct metric contact = {"cofferdam_coordinator_contact_age_seconds",
                                          "Since the coordinator last answered; absent before it did."};
    uint64_t last = atomic_load(&bank->contact_ms);
    TRY(metrics_put(&connected, transport_client_connected(bank->client), out));
    if (!last) return RESULT_OK;
    return metrics_put(&contact, (double)(clock_monotonic_ms() - last) / 1000, out);
}

static struct result put_own(struct bank *bank, struct buffer *out)
{
    static const struct metric version = {"cofferdam_roster_version", "Version of the pinned roster."};
    static const struct metric members = {"cofferdam_roster_members", "Members in the pinned roster."};
    static const struct metric entries = {"cofferdam_journal_entries", "Entries of the node's journal."};
    static const struct metric words = {"cofferdam_words_this_month",
                                        "64-bit words that left this bank in this calendar month."};
    static const struct metric most = {"cofferdam_words_a_month", "Words that the policy lets leave in a month."};
    struct policy_spent spent;
    TRY(spent_load(bank->store, NULL, clock_now_ms(), &spent));
    TRY(metrics_put(&version, bank->roster.version, out));
    TRY(metrics_put(&members, bank->roster.size, out));
    TRY(metrics_put(&entries, (double)journal_entries(bank->journal), out));
    TRY(metrics_put(&words, (double)spent.month, out));
    return metrics_put(&most, (double)bank->policy.words_month, out);
}

static struct result answer_metrics(void *context, struct http_answer *answer)
{
    struct watch *watch = context;
    TRY(take(watch));
    TRY(vitals_put(&watch->vitals, answer->body));
    TRY(put_link(watch->bank, answer->body));
    TRY(put_own(watch->bank, answer->body));
    return watch_budget_put(watch->bank, answer->body);
}

/* The roster is pinned and the journal whole before anything is served at all. */
static struct result answer_ready(void *context, struct http_answer *answer)
{
    const struct watch *watch = context;
    const struct vitals_need needs[] = {
        {"no connection to the coordinator", transport_client_connected(watch->bank->client)},
        {"the state directory cannot be written", vitals_writable(watch->vitals.directory)},
        {0},
    };
    return vitals_ready(needs, answer);
}

struct result watch_new(struct bank *bank, struct watch **ret)
{
    if (!bank->config->metrics.address) return RESULT_OK;
    CLEANUP(watch_freep) struct watch *watch = calloc(1, sizeof *watch);
    ENSURE(watch, CATEGORY_ENVIRONMENT, "no memory for metrics");
    watch->bank = bank;
    watch->vitals.version = COFFERDAM_VERSION;
    watch->vitals.directory = bank->config->state;
    watch->vitals.started_ms = clock_now_ms();
    watch->serving = (struct vitals_serving){
        .metrics = &bank->config->metrics,
        .where = bank->config_path,
        .answer_metrics = answer_metrics,
        .answer_ready = answer_ready,
        .context = watch,
    };
    TRY(vitals_serve(&watch->serving, &watch->server));
    *ret = watch;
    watch = NULL;
    return RESULT_OK;
}

void watch_free(struct watch *watch)
{
    if (!watch) return;
    http_server_free(watch->server);
    vitals_done(&watch->vitals);
    free(watch);
}

void watch_freep(struct watch **watch)
{
    watch_free(*watch);
    *watch = NULL;
}

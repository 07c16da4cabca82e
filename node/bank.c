#include "node/bank.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/base/failpoint.h"
#include "node/admit.h"
#include "node/journal.h"
#include "node/journal_facts.h"
#include "node/node_console.h"
#include "node/part.h"
#include "node/reload.h"
#include "node/watch.h"
#include "sys/clock.h"
#include "sys/control.h"
#include "sys/file.h"
#include "sys/keys.h"
#include "sys/log.h"
#include "sys/snapshot.h"

/* A request is given up on after this long and sent again: longer than the coordinator parks one. */
enum { REQUEST_MS = 30000, REST_UNREACHED_MS = 500 };
#define PSK_MIN_BYTES 32u
#define PSK_MAX_BYTES 1024u
#define KEY_ROSTER "daemon/roster" /* the pinned roster's note */

void bank_free(struct bank *bank)
{
    if (!bank) return;
    while (bank->parts) {
        struct part *part = bank->parts;
        bank->parts = part->next;
        part_free(part);
    }
    transport_client_free(bank->client);
    journal_close(bank->journal);
    store_close(bank->store);
    sign_key_free(bank->key);
    for (unsigned member = 0; member <= MEMBERS_MAX; member++) secret_free(bank->psk[member]);
    roster_done(&bank->roster);
    policy_done(&bank->policy);
    config_node_free(bank->config);
    free(bank->config_path);
    (void)pthread_cond_destroy(&bank->changed);
    (void)pthread_mutex_destroy(&bank->link);
    (void)pthread_mutex_destroy(&bank->lock);
    free(bank);
}

void bank_freep(struct bank **bank)
{
    bank_free(*bank);
}

static struct result load_roster(struct bank *bank)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(file_needed(bank->config->roster,
                    "roster: has to name the roster that all members signed; cofferdam roster sign writes it"));
    TRY(file_read(bank->config->roster, DOCUMENT_MAX, &bytes));
    TRY(result_at(roster_parse(buffer_view(&bytes), &bank->roster), "%s: ", bank->config->roster));
    bank->position = roster_position_of_node(&bank->roster, sign_key_public(bank->key));
    ENSURE(bank->position, CATEGORY_USAGE, "%s: no member has the node key of %s", bank->config->roster,
           bank->config->key);
    /* A first roster is complete only with every member's signature; a later one is judged against the pinned one. */
    if (bank->roster.version != 1) return RESULT_OK;
    return result_at(roster_verify_first(&bank->roster), "%s: ", bank->config->roster);
}

/* An officer approves what the organisation's own keys carry out: with one of those he would approve himself. */
static struct result check_officers(const struct bank *bank)
{
    const struct policy *policy = &bank->policy;
    const char *path = bank->config->policy;
    TRY(policy_check_key(policy, path, &bank->roster.coordinator, "the coordinator's key"));
    for (unsigned i = 0; i < bank->roster.size; i++) {
        bool own = i + 1 == bank->position;
        const struct roster_member *member = &bank->roster.members[i];
        TRY(policy_check_key(policy, path, &member->node, own ? "this bank's node key" : "another bank's node key"));
        TRY(policy_check_key(policy, path, &member->identity,
                             own ? "this bank's identity key" : "another bank's identity key"));
    }
    return RESULT_OK;
}

/* A budget of another name would bound nothing. */
static struct result check_budgets(const struct bank *bank)
{
    const struct policy *policy = &bank->policy;
    const char *source = bank->config->source.name;
    if (policy->privacy.budgets_count == 0 || policy_budget_of(policy, source)) return RESULT_OK;
    return FAIL(CATEGORY_USAGE,
                "%s:%u: none of the privacy budgets is of this node's source, %s (source.name in %s); give it one",
                bank->config->policy, policy_line(policy, "privacy.budgets"), source, bank->config_path);
}

static struct result load_psk(struct bank *bank, const struct config_psk *psk)
{
    unsigned position = roster_position_of_name(&bank->roster, psk->member);
    ENSURE(position && position != bank->position, CATEGORY_USAGE, "%s: psk: %s is no other member of the roster",
           bank->config_path, psk->member);
    TRY(file_needed(psk->file, "psk: has to name the file of the key that both banks agreed on"));
    TRY(file_read_secret(psk->file, PSK_MAX_BYTES, &bank->psk[position]));
    ENSURE(secret_length(bank->psk[position]) >= PSK_MIN_BYTES, CATEGORY_USAGE,
           "%s: a pre-shared key has at least %u random bytes", psk->file, PSK_MIN_BYTES);
    return RESULT_OK;
}

struct result bank_load(const char *config_path, struct bank **ret)
{
    CLEANUP(bank_freep) struct bank *bank = calloc(1, sizeof *bank);
    ENSURE(bank, CATEGORY_ENVIRONMENT, "no memory for the node");
    pthread_condattr_t attributes;
    bool made = pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&bank->changed, &attributes) == 0 && pthread_mutex_init(&bank->lock, NULL) == 0 &&
                pthread_mutex_init(&bank->link, NULL) == 0;
    ENSURE(made, CATEGORY_ENVIRONMENT, "no memory for a lock");
    bank->config_path = strdup(config_path);
    ENSURE(bank->config_path, CATEGORY_ENVIRONMENT, "no memory for the node");
    TRY(config_node_load(config_path, &bank->config));
    log_early(bank->config->log_format);
    enum log_level level = LEVEL_INFO;
    if (bank->config->log) TRY(result_at(log_level_parse(bank->config->log, &level), "%s: log: ", config_path));
    TRY(admit_load(bank->config->policy, &bank->policy));
    TRY(keys_read(bank->config->key, KEY_NODE, &bank->key));
    TRY(load_roster(bank));
    TRY(check_officers(bank));
    TRY(check_budgets(bank));
    for (unsigned i = 0; i < bank->config->psk_count; i++) TRY(load_psk(bank, &bank->config->psk[i]));
    log_start("node", level, bank->config->log_format); /* by files that are good as a whole */
    *ret = bank;
    bank = NULL;
    return RESULT_OK;
}

struct result bank_pin(struct bank *bank)
{
    CLEANUP(buffer_done) struct buffer pinned = {0};
    CLEANUP(roster_done) struct roster before = {0};
    bool found = false;
    TRY(store_load(bank->store, false, NULL, KEY_ROSTER, &pinned, &found));
    if (found) {
        TRY(roster_parse(buffer_view(&pinned), &before));
        if (hash_equal(&before.hash, &bank->roster.hash)) return RESULT_OK;
        TRY(result_at(
            roster_verify_successor(&before, &bank->roster),
            "%s is not the roster this node has pinned (version %u), nor a successor that its members signed: ",
            bank->config->roster, before.version));
    } else if (bank->roster.version > 1) {
        /* No earlier version to judge it by: only this bank's own word says that it is the right one. */
        TRY(result_at(roster_verify_member(&bank->roster, bank->position),
                      "%s has version %u and this node has pinned none before it, so this bank's own signature must be "
                      "on it (cofferdam roster sign): ",
                      bank->config->roster, bank->roster.version));
    }
    const struct store_record record = {.key = KEY_ROSTER, .value = buffer_view(&bank->roster.note)};
    TRY(store_commit(bank->store, &record, 1));
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&bank->roster.hash), hex);
    log_info("roster", "version %u is pinned, hash %s", bank->roster.version, hex);
    return RESULT_OK;
}

void bank_give_up(struct bank *bank, struct result why)
{
    char reason[SERVICE_REASON_MAX + 1];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    (void)pthread_mutex_lock(&bank->lock);
    if (result_ok(bank->failure)) {
        bank->failure = why;
        (void)snprintf(bank->failure_reason, sizeof bank->failure_reason, "%s", reason);
    }
    atomic_store(&bank->stopping, true);
    (void)pthread_cond_broadcast(&bank->changed);
    (void)pthread_mutex_unlock(&bank->lock);
}

void bank_rest(struct bank *bank, unsigned milliseconds)
{
    uint64_t until = clock_monotonic_ms() + milliseconds;
    const struct timespec deadline = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    (void)pthread_mutex_lock(&bank->lock);
    int waited = 0;
    while (!atomic_load(&bank->stopping) && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&bank->changed, &bank->lock, &deadline);
    (void)pthread_mutex_unlock(&bank->lock);
}

static struct result shared_each(void *context, bool secret, bool shared, const char *prefix,
                                 struct result (*visit)(void *visitor, const char *key, struct view value),
                                 void *visitor)
{
    (void)shared; /* no run is asked about */
    return store_each(((const struct bank *)context)->store, secret, NULL, prefix, visit, visitor);
}

/* How far this node's counter and those of the others had come, in all runs together. */
static struct result bank_load_counters(struct bank *bank)
{
    const struct record_source records = {.context = bank, .each = shared_each};
    return node_counters_load(&records, &bank->roster, &bank->counters);
}

/* Keeps why the coordinator is not reached, and logs it once; NULL: it is reached. */
static void set_trouble(struct bank *bank, const char *reason)
{
    char line[SERVICE_REASON_MAX + 1];
    (void)snprintf(line, sizeof line, "%s", reason ? reason : "");
    (void)pthread_mutex_lock(&bank->link);
    bool news = strcmp(line, bank->trouble) != 0;
    memcpy(bank->trouble, line, sizeof line);
    (void)pthread_mutex_unlock(&bank->link);
    if (!news) return;
    if (reason)
        log_warning("link", "%s", line);
    else
        log_info("link", "the coordinator at %s answers", bank->roster.address);
}

void bank_trouble(struct bank *bank, char out[SERVICE_REASON_MAX + 1])
{
    (void)pthread_mutex_lock(&bank->link);
    memcpy(out, bank->trouble, sizeof bank->trouble);
    (void)pthread_mutex_unlock(&bank->link);
}

struct result bank_ask(struct bank *bank, struct view request, unsigned patience_ms, struct buffer *reply,
                       struct service_frame *ret_frame)
{
    return bank_ask_unless(bank, NULL, request, patience_ms, reply, ret_frame);
}

struct result bank_ask_unless(struct bank *bank, const atomic_bool *given_up, struct view request, unsigned patience_ms,
                              struct buffer *reply, struct service_frame *ret_frame)
{
    uint64_t start = clock_monotonic_ms();
    for (;;) {
        ENSURE(!atomic_load(&bank->stopping), CATEGORY_ENVIRONMENT, "the node stops");
        ENSURE(!given_up || !atomic_load(given_up), CATEGORY_FALSE, "the run is given up");
        int timeout = patience_ms ? (int)patience_ms : REQUEST_MS;
        struct result result = transport_client_request(bank->client, request, timeout, reply);
        if (result_ok(result)) {
            atomic_store(&bank->contact_ms, clock_monotonic_ms());
            result = service_frame_read(buffer_view(reply), ret_frame);
            set_trouble(bank, result_ok(result) ? NULL : result_reason());
            if (!result_ok(result) || ret_frame->kind != SERVICE_WAIT) return result;
        } else if (!atomic_load(&bank->stopping)) {
            set_trouble(bank, result_reason());
            if (patience_ms) return result;
            bank_rest(bank, REST_UNREACHED_MS);
        }
        ENSURE(!patience_ms || clock_monotonic_ms() - start < patience_ms, CATEGORY_ENVIRONMENT,
               "the coordinator did not answer within %u ms", patience_ms);
    }
}

struct result bank_refuse(struct bank *bank, const struct hash *run, const char *reason, unsigned patience_ms)
{
    CLEANUP(buffer_done) struct buffer payload = {0}, request = {0}, reply = {0};
    struct service_answer answer = {.ok = false};
    struct service_frame frame;
    (void)snprintf(answer.reason, sizeof answer.reason, "%s", reason);
    TRY(service_answer_write(&answer, &payload));
    TRY(service_frame_write(SERVICE_REFUSE, run, buffer_view(&payload), &request));
    return bank_ask(bank, buffer_view(&request), patience_ms, &reply, &frame);
}

/* Joins the threads of the runs. New ones are not started any more: the service thread has ended. */
static void bank_join_runs(struct bank *bank)
{
    for (struct part *part = bank->parts; part; part = part->next)
        if (part->threaded) (void)pthread_join(part->thread, NULL);
}

/* SIGHUP: what bank_load reads has changed. Files that are wrong leave all as it was. */
static void reload(struct bank *bank)
{
    if (!result_ok(bank_check_reload(bank))) {
        log_error("node", "not reloaded, and the node goes on as it was: %s", result_reason());
        return;
    }
    log_info("node", "reloading; open runs go on");
    bank->again = true;
    atomic_store(&bank->stopping, true);
}

/* Waits for SIGTERM, SIGINT, a good SIGHUP or a thread that gives up. */
static void bank_wait(struct bank *bank, const sigset_t *signals)
{
    while (!atomic_load(&bank->stopping)) {
        int number = sigtimedwait(signals, NULL, &(struct timespec){.tv_nsec = 200000000});
        if (number == SIGTERM || number == SIGINT) log_info("node", "stopping; open runs go on at the next start");
        if (number == SIGTERM || number == SIGINT) atomic_store(&bank->stopping, true);
        if (number == SIGHUP) reload(bank);
    }
    sign_key_interrupt(bank->key); /* a thread that waits for the key's token holds the lock */
    (void)pthread_mutex_lock(&bank->lock);
    (void)pthread_cond_broadcast(&bank->changed);
    (void)pthread_mutex_unlock(&bank->lock);
}

static struct result bank_work(struct bank *bank, struct control_server *control, const sigset_t *signals)
{
    struct bank_control context = {bank, control};
    pthread_t service, commands;
    (void)pthread_mutex_lock(&bank->lock);
    struct result result = bank_load_counters(bank);
    FAILPOINT("node: before the runs are restored");
    if (result_ok(result)) result = parts_restore(bank);
    bank->restored = result_ok(result);
    FAILPOINT("node: the runs are restored");
    sign_key_wait(bank->key); /* bank_wait hears a stop; before, a token that went is an error as at any start */
    (void)pthread_mutex_unlock(&bank->lock);
    if (!result_ok(result)) bank_give_up(bank, result);
    bool serving = pthread_create(&service, NULL, bank_service_thread, bank) == 0;
    bool commanded = pthread_create(&commands, NULL, bank_control_thread, &context) == 0;
    if (!serving || !commanded) bank_give_up(bank, FAIL(CATEGORY_ENVIRONMENT, "no thread to serve with"));
    bank_wait(bank, signals);
    transport_client_interrupt(bank->client);
    control_server_wake(control);
    if (serving) (void)pthread_join(service, NULL);
    if (commanded) (void)pthread_join(commands, NULL);
    bank_join_runs(bank);
    if (!result_ok(bank->failure)) result_say("%s", bank->failure_reason);
    return bank->failure;
}

struct result bank_serve(struct bank *bank)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* threads inherit it: the main thread alone takes them */
    (void)signal(SIGPIPE, SIG_IGN);
    CLEANUP(control_server_freep) struct control_server *control = NULL;
    CLEANUP(watch_freep) struct watch *watch = NULL;
    CLEANUP(node_console_freep) struct node_console *console = NULL;
    TRY(store_open(bank->config->state, &bank->store));
    FAILPOINT("node: the store is open");
    TRY(snapshot_remove(bank->config->state)); /* of a backup that was killed */
    TRY(bank_pin(bank));
    FAILPOINT("node: the roster is pinned");
    TRY(journal_open(bank->store, bank->config->state, bank->key, &bank->journal));
    TRY(control_server_new(bank->config->state, &control));
    TRY(transport_client_new(bank->roster.address, bank->key, &bank->roster.coordinator, &bank->client));
    TRY(watch_new(bank, &watch));
    TRY(node_console_new(bank, &console));
    bank->console = console;
    const struct roster_member *self = &bank->roster.members[bank->position - 1];
    log_info("node", "cofferdam-node %s of %s (position %u) dials %s, roster version %u", COFFERDAM_VERSION, self->name,
             bank->position, bank->roster.address, bank->roster.version);
    TRY(journal_started(bank));
    return bank_work(bank, control, &signals);
}

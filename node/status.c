#include "node/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/json_text.h"
#include "crypto/base/protocol.h"
#include "node/budget.h"
#include "node/bundle.h"
#include "node/forget.h"
#include "node/journal.h"
#include "node/lock.h"
#include "node/spent.h"
#include "sys/clock.h"
#include "sys/console.h"

enum { STATUS_MS = 3000 };

static void json_freep(json_t **json)
{
    json_decref(*json);
}

static const char *state_name(enum service_run_state state)
{
    static const char *const names[] = {
        [SERVICE_RUN_OPEN] = "open", [SERVICE_RUN_DONE] = "done", [SERVICE_RUN_FAILED] = "failed"};
    return names[state];
}

static json_t *names_json(const struct roster *roster, const struct members *set)
{
    json_t *names = json_array();
    for (unsigned member = members_next(set, 0); member; member = members_next(set, member))
        (void)json_array_append_new(names, json_string(roster->members[member - 1].name));
    return names;
}

/* What this bank checked of the last sum that it voted on; NULL before the first. */
static json_t *checked_json(const struct secagg_checked *checked)
{
    CLEANUP(buffer_done) struct buffer line = {0};
    const char *text = NULL;
    if (!checked->round) return NULL;
    if (!result_ok(secagg_checked_text(checked, &line)) || !result_ok(buffer_terminate(&line, &text))) return NULL;
    return json_pack("{s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:f, s:s}", "round", (json_int_t)checked->round, "step",
                     (json_int_t)checked->step, "words", (json_int_t)checked->words, "secrets", (int)checked->secrets,
                     "inputs", (int)checked->inputs, "chunks", (int)checked->chunks, "recomputed",
                     (int)checked->recomputed, "unseen", secagg_checked_unseen(checked), "text", text);
}

static json_t *local_json(const struct part *part)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:I, s:i}", "state", state_name(part->state), "phase", part->phase, "progress",
                  part->progress, "since_ms", (json_int_t)part->since, "protocol", (int)part->submission.terms.version);
    if (json && part->state != SERVICE_RUN_OPEN)
        (void)json_object_set_new(json, "bundle", json_boolean(!part_wants_bundle(part)));
    json_t *checked = checked_json(&part->checked);
    if (json && checked) (void)json_object_set_new(json, "checked", checked);
    return json;
}

/* What is left of a run that was forgotten here; NULL when it was not. */
static json_t *forgotten_json(struct bank *bank, const struct hash *run)
{
    uint64_t at = 0;
    if (!result_ok(run_forgotten(bank, run, &at)) || !at) return NULL;
    return json_pack("{s:s, s:s, s:s, s:I}", "state", "forgotten", "phase",
                     "has forgotten this run: its journal tells when, and what was removed", "progress", "", "since_ms",
                     (json_int_t)at);
}

/* A run as this node alone knows it. */
static json_t *alone_json(const struct bank *bank, const struct part *part)
{
    const struct run_terms *terms = &part->submission.terms;
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:o}", "run", part->hex, "plan", part->submission.plan.name,
                     "submitter", bank->roster.members[terms->submitter - 1].name, "state", state_name(part->state),
                     "cohort", names_json(&bank->roster, &terms->cohort), "submitted_ms",
                     (json_int_t)part->submitted_at, "here", local_json(part));
}

/* Of a run that stands still, as the whole node does; why: the reason. */
static json_t *still_json(const char *why)
{
    return json_pack("{s:s, s:s, s:s, s:I}", "state", state_name(SERVICE_RUN_OPEN), "phase", why, "progress", "",
                     "since_ms", (json_int_t)clock_now_ms());
}

/* What this node itself knows of a run that the coordinator told of; NULL: nothing. */
static json_t *known_json(struct bank *bank, const struct hash *run)
{
    char why[SERVICE_REASON_MAX + 1];
    json_t *here = forgotten_json(bank, run);
    if (here) return here;
    if (!result_ok(lock_unless_awaited(&bank->lock, bank->key))) {
        (void)snprintf(why, sizeof why, "%s", result_reason());
        return still_json(why);
    }
    const struct part *part = part_find(bank, run);
    if (part) here = local_json(part);
    (void)pthread_mutex_unlock(&bank->lock);
    return here;
}

static json_t *told_json(struct bank *bank, const struct service_run_status *status)
{
    json_t *here = known_json(bank, &status->run);
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&status->run), hex);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:s}", "run", hex, "plan",
                             status->plan, "submitter", bank->roster.members[status->submitter - 1].name, "state",
                             state_name(status->state), "cohort", names_json(&bank->roster, &status->cohort), "awaited",
                             names_json(&bank->roster, &status->awaited), "submitted_ms",
                             (json_int_t)status->submitted_at, "since_ms", (json_int_t)status->since, "sums",
                             (json_int_t)status->step, "phase", status->phase, "progress", status->progress);
    if (json && here)
        (void)json_object_set_new(json, "here", here);
    else
        json_decref(here);
    return json;
}

static bool has_run(const json_t *runs, const char *hex)
{
    const json_t *run;
    size_t index;
    json_array_foreach(runs, index, run)
    {
        if (strcmp(json_string_value(json_object_get(run, "run")), hex) == 0) return true;
    }
    return false;
}

/* What is not among them already. Lock held. */
static void add_alone(struct bank *bank, const struct hash *id, json_t *runs)
{
    for (const struct part *part = bank->parts; part; part = part->next)
        if (!atomic_load(&part->forgotten) && (!id || hash_equal(id, &part->submission.id)) &&
            !has_run(runs, part->hex))
            (void)json_array_append_new(runs, alone_json(bank, part));
}

static json_t *protocol_json(struct bank *bank)
{
    return json_pack("{s:i, s:i, s:i}", "oldest", (int)protocol_spoken.oldest, "newest", (int)protocol_spoken.newest,
                     "link", (int)transport_client_version(bank->client));
}

/* locked: the lock is held, and what it guards can be told. */
static json_t *here_json(struct bank *bank, bool locked)
{
    char trouble[SERVICE_REASON_MAX + 1];
    json_t *runs = json_array();
    bank_trouble(bank, trouble);
    if (locked) add_alone(bank, NULL, runs);
    return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:i, s:i, s:s, s:I, s:o}", "version", COFFERDAM_VERSION, "member",
                     bank->roster.members[bank->position - 1].name, "coordinator", bank->roster.address, "connected",
                     transport_client_connected(bank->client), "trouble", trouble, "waits",
                     locked ? "" : result_reason(), "roster_version", (int)bank->roster.version, "members",
                     (int)bank->roster.size, "source", bank->config->source.name, "now_ms", (json_int_t)clock_now_ms(),
                     "runs", runs);
}

struct result status_bank(struct bank *bank, json_t **ret)
{
    struct policy_spent spent;
    double taken = 0;
    TRY(budget_taken(bank->store, bank->config->source.name, NULL, &taken));
    TRY(spent_load(bank->store, NULL, clock_now_ms(), &spent));
    bool locked =
        result_ok(lock_unless_awaited(&bank->lock, bank->key)); /* else the runs stand still, and it tells why */
    json_t *json = here_json(bank, locked);
    if (locked) (void)pthread_mutex_unlock(&bank->lock);
    ENSURE(json, CATEGORY_ENVIRONMENT, "no memory for the status");
    (void)json_object_set_new(json, "protocol", protocol_json(bank));
    (void)json_object_set_new(json, "journal", json_string(journal_path(bank->journal)));
    (void)json_object_set_new(json, "journal_entries", json_integer((json_int_t)journal_entries(bank->journal)));
    (void)json_object_set_new(json, "words_this_month", json_integer((json_int_t)spent.month));
    (void)json_object_set_new(json, "words_a_month", json_integer((json_int_t)bank->policy.words_month));
    (void)json_object_set_new(json, "budget_taken", json_real(taken));
    *ret = json;
    return RESULT_OK;
}

/* What the coordinator knows of the runs; fails when it is not reached. */
static struct result ask_runs(struct bank *bank, const struct hash *id, json_t *runs)
{
    CLEANUP(buffer_done) struct buffer request = {0}, reply = {0};
    struct service_frame frame;
    TRY(service_frame_write(SERVICE_STATUS, id, (struct view){0}, &request));
    TRY(bank_ask(bank, buffer_view(&request), STATUS_MS, &reply, &frame));
    ENSURE(frame.kind == SERVICE_STATUS, CATEGORY_PEER, "the coordinator answered something that is no status");
    struct reader reader = reader_of(frame.payload, "the coordinator's status");
    for (;;) {
        struct service_run_status status;
        bool got = false;
        TRY(service_run_status_read(&reader, bank->roster.size, &status, &got));
        if (!got) return RESULT_OK;
        (void)json_array_append_new(runs, told_json(bank, &status));
    }
}

/* Of a run that was forgotten its id is known, and no more: names and plan are the coordinator's to tell. */
struct forgetting {
    struct bank *bank;
    const struct hash *id; /* the one asked for; NULL: all */
    json_t *runs;
};

static struct result meet_scope(void *visitor, const struct hash *run)
{
    const struct forgetting *forgetting = visitor;
    char hex[2 * HASH_BYTES + 1];
    json_t *here = NULL;
    if (!forgetting->id || hash_equal(forgetting->id, run)) here = forgotten_json(forgetting->bank, run);
    if (!here) return RESULT_OK;
    bytes_hex(hash_view(run), hex);
    (void)json_array_append_new(forgetting->runs,
                                json_pack("{s:s, s:s, s:o}", "run", hex, "state", "forgotten", "here", here));
    return RESULT_OK;
}

static struct result add_forgotten(struct bank *bank, const struct hash *id, json_t *runs)
{
    struct forgetting forgetting = {bank, id, runs};
    return store_scopes(bank->store, meet_scope, &forgetting);
}

/* ---- runs of a roster before the pinned one: kept in the store and as files, and in no list of parts */

static struct result earlier_json(struct bank *bank, const struct hash *run, json_t **ret)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool kept = false, over = false;
    uint64_t since = 0;
    struct service_answer answer = {.ok = false, .reason = "ended with its roster"};
    TRY(store_load(bank->store, false, run, PART_KEY_SUBMISSION, &value, &kept));
    if (!kept) return RESULT_OK;
    TRY(store_load(bank->store, false, run, PART_KEY_END, &value, &over));
    struct reader reader = reader_of(buffer_view(&value), "the run's end");
    if (over) TRY(reader_u64(&reader, &since));
    if (over) TRY(service_answer_read(reader.rest, &answer));
    const char *state = state_name(answer.ok ? SERVICE_RUN_DONE : SERVICE_RUN_FAILED);
    *ret = json_pack("{s:s, s:s, s:s, s:I, s:{s:s, s:s}}", "run", hash_hex(run).text, "state", state, "phase",
                     "of an earlier roster", "since_ms", (json_int_t)since, "here", "state", state, "phase",
                     answer.ok ? "done" : answer.reason);
    return RESULT_OK;
}

static struct result collect(void *visitor, const struct hash *run)
{
    return buffer_append(visitor, hash_view(run));
}

/* Not while the store is walked through: who holds the lock asks the store. */
static struct result add_earlier(struct bank *bank, const struct hash *id, json_t *runs)
{
    CLEANUP(buffer_done) struct buffer scopes = {0};
    TRY(store_scopes(bank->store, collect, &scopes));
    for (size_t at = 0; at < scopes.length; at += HASH_BYTES) {
        struct hash run;
        json_t *json = NULL;
        memcpy(run.bytes, scopes.data + at, HASH_BYTES);
        TRY(lock_unless_awaited(&bank->lock, bank->key));
        bool known = part_find(bank, &run) != NULL;
        (void)pthread_mutex_unlock(&bank->lock);
        if (!known && (!id || hash_equal(id, &run))) TRY(earlier_json(bank, &run, &json));
        if (json) (void)json_array_append_new(runs, json);
    }
    return RESULT_OK;
}

/* What the coordinator does not know: runs of this process, and those in the store. Lock held at first, not after. */
static struct result add_own(struct bank *bank, const struct hash *id, bool reached, json_t *runs)
{
    add_alone(bank, id, runs); /* also what a coordinator that was restored does not know */
    (void)pthread_mutex_unlock(&bank->lock);
    if (!reached) TRY(add_forgotten(bank, id, runs));
    return add_earlier(bank, id, runs);
}

struct result status_runs(struct bank *bank, const struct hash *id, json_t **ret)
{
    CLEANUP(json_freep) json_t *runs = json_array();
    char trouble[SERVICE_REASON_MAX + 1] = "";
    bool reached = result_ok(ask_runs(bank, id, runs));
    if (!reached) {
        (void)snprintf(trouble, sizeof trouble, "%s", result_reason());
        (void)json_array_clear(runs);
    }
    if (result_ok(lock_unless_awaited(&bank->lock, bank->key)))
        TRY(add_own(bank, id, reached, runs));
    else
        (void)snprintf(trouble, sizeof trouble, "%s", result_reason());
    json_t *json =
        json_pack("{s:s, s:I, s:s, s:s, s:O}", "member", bank->roster.members[bank->position - 1].name, "now_ms",
                  (json_int_t)clock_now_ms(), "trouble", trouble, "state_directory", bank->config->state, "runs", runs);
    ENSURE(json, CATEGORY_ENVIRONMENT, "no memory for the status");
    *ret = json;
    return RESULT_OK;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The connection to the coordinator, and whether that is older than this node. */
static struct result link_lines(const json_t *json, struct buffer *out)
{
    const json_t *protocol = json_object_get(json, "protocol");
    json_int_t link = json_integer_value(json_object_get(protocol, "link"));
    json_int_t newest = json_integer_value(json_object_get(protocol, "newest"));
    const char *address = text_of(json, "coordinator"), *trouble = text_of(json, "trouble");
    TRY(buffer_format(out, "coordinator %s: %s\n", address, trouble[0] ? trouble : "connected"));
    if (trouble[0] || !link || link >= newest) return RESULT_OK;
    return buffer_format(out,
                         "coordinator %s speaks version %lld of the protocol and this node %lld; upgrade the "
                         "coordinator\n",
                         address, link, newest);
}

struct result status_lines(struct view text, struct buffer *out)
{
    CLEANUP(json_freep) json_t *json = json_loadb((const char *)text.data, text.length, 0, NULL);
    ENSURE(json, CATEGORY_ENVIRONMENT, "the node answered something that is no status");
    const json_t *runs = json_object_get(json, "runs"), *run;
    size_t index;
    TRY(buffer_format(out, "cofferdam-node %s of %s, source %s, roster version %lld with %lld members\n",
                      text_of(json, "version"), text_of(json, "member"), text_of(json, "source"),
                      json_integer_value(json_object_get(json, "roster_version")),
                      json_integer_value(json_object_get(json, "members"))));
    TRY(link_lines(json, out));
    if (text_of(json, "waits")[0]) TRY(buffer_format(out, "%s\n", text_of(json, "waits")));
    TRY(buffer_format(out, "journal %s: %lld entries\n", text_of(json, "journal"),
                      json_integer_value(json_object_get(json, "journal_entries"))));
    TRY(buffer_format(out, "released in this month: %lld words of at most %lld\n",
                      json_integer_value(json_object_get(json, "words_this_month")),
                      json_integer_value(json_object_get(json, "words_a_month"))));
    json_array_foreach(runs, index, run)
    {
        const json_t *here = json_object_get(run, "here");
        long long lasts =
            json_integer_value(json_object_get(json, "now_ms")) - json_integer_value(json_object_get(here, "since_ms"));
        const char *progress = strcmp(text_of(here, "state"), "open") == 0 ? text_of(here, "progress") : "";
        TRY(buffer_format(out, "%.12s  %s by %s: %s, for %llds%s%s\n", text_of(run, "run"), text_of(run, "plan"),
                          text_of(run, "submitter"), text_of(here, "phase"), lasts / 1000, progress[0] ? "; " : "",
                          progress));
        const char *checked = text_of(json_object_get(here, "checked"), "text");
        if (checked[0] && !strstr(progress, checked)) TRY(buffer_format(out, "              %s\n", checked));
        if (strcmp(text_of(here, "state"), "done") == 0 && json_is_false(json_object_get(here, "bundle")))
            TRY(buffer_text(out, "              its bundle is not here; the log says why\n"));
    }
    return RESULT_OK;
}

struct result forget_request(const char *run, struct buffer *out)
{
    CLEANUP(json_freep) json_t *request = json_pack("{s:s, s:s}", "ask", "forget", "run", run);
    return json_text(request, JSON_COMPACT, out);
}

/* The digest of a file that was removed. */
static struct result digest_line(const json_t *json, const char *key, const char *file, struct buffer *out)
{
    if (!json_object_get(json, key)) return RESULT_OK;
    return buffer_format(out, "%-10s %s, %s\n", key, file, text_of(json, key));
}

struct result forget_lines(struct view text, struct buffer *out)
{
    CLEANUP(json_freep) json_t *json = NULL;
    TRY(json_answer(text, &json));
    TRY(buffer_format(out, "run        %s\n", text_of(json, "run")));
    if (json_is_true(json_object_get(json, "before")))
        return buffer_text(out, "removed    nothing: it was forgotten before, as the journal tells\n");
    TRY(buffer_format(out, "removed    %lld files, %lld records of state.db\n",
                      json_integer_value(json_object_get(json, "files")),
                      json_integer_value(json_object_get(json, "records"))));
    TRY(digest_line(json, "model", "model.json", out));
    TRY(digest_line(json, "bundle", "run.cfd", out));
    return buffer_text(out, "kept       the ledger of cohorts, sketches of the rows, the privacy budget and the "
                            "message counters, which the rules "
                            "need; the journal, which tells of this\n");
}

struct result backup_answered(struct view text, struct snapshot_name *ret)
{
    CLEANUP(json_freep) json_t *json = NULL;
    TRY(json_answer(text, &json));
    (void)snprintf(ret->text, sizeof ret->text, "%s", text_of(json, "snapshot"));
    return RESULT_OK;
}

struct result status_console_lines(struct view text, struct buffer *out)
{
    CLEANUP(json_freep) json_t *json = NULL;
    TRY(json_answer(text, &json));
    return buffer_format(out, CONSOLE_LINES, text_of(json, "url"),
                         (int)json_integer_value(json_object_get(json, "minutes")));
}

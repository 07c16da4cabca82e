/* The control thread: this bank's commands ask here, over a socket that only the node's own user can open.
 *
 * A request is JSON, {"ask": "submit", ...}; the answer is what was asked for, or {"category": n, "reason": "..."}. */
#include "sys/control.h"

#include <jansson.h>
#include <string.h>

#include "analytics/json_text.h"
#include "node/backup.h"
#include "node/budget_show.h"
#include "node/forget.h"
#include "node/node_console.h"
#include "node/plans.h"
#include "node/status.h"
#include "sys/log.h"

enum { COMMAND_MS = 10000 };

static void json_freep(json_t **json)
{
    json_decref(*json);
}

static struct result text_of(const json_t *request, const char *key, const char **ret)
{
    *ret = json_string_value(json_object_get(request, key));
    ENSURE(*ret, CATEGORY_USAGE, "the request lacks \"%s\"", key);
    return RESULT_OK;
}

static struct result run_of(const json_t *request, struct hash *ret)
{
    const char *hex = NULL;
    TRY(text_of(request, "run", &hex));
    ENSURE(result_ok(bytes_unhex(view_text(hex), ret->bytes, HASH_BYTES)), CATEGORY_USAGE,
           "\"%.64s\" is not a run's id: 64 hex digits", hex);
    return RESULT_OK;
}

static struct result ask_status(struct bank *bank, const json_t *request, json_t **ret)
{
    (void)request;
    return status_bank(bank, ret);
}

static struct result ask_runs(struct bank *bank, const json_t *request, json_t **ret)
{
    struct hash id;
    if (!json_object_get(request, "run")) return status_runs(bank, NULL, ret);
    TRY(run_of(request, &id));
    return status_runs(bank, &id, ret);
}

static struct result ask_roster(struct bank *bank, const json_t *request, json_t **ret)
{
    (void)request;
    struct view note = buffer_view(&bank->roster.note);
    *ret = json_pack("{s:s#, s:s}", "roster", (const char *)note.data, (int)note.length, "member",
                     bank->roster.members[bank->position - 1].name);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "no memory for the roster");
    return RESULT_OK;
}

/* Passes a request on to the coordinator; its refusal is this command's. */
static struct result forward(struct bank *bank, enum service_kind kind, const struct hash *run, struct view payload,
                             struct hash *ret_run)
{
    CLEANUP(buffer_done) struct buffer request = {0}, reply = {0};
    struct service_frame frame;
    struct service_answer answer;
    TRY(service_frame_write(kind, run, payload, &request));
    TRY(bank_ask(bank, buffer_view(&request), COMMAND_MS, &reply, &frame));
    ENSURE(frame.kind == SERVICE_ANSWER, CATEGORY_PEER, "the coordinator answered something else than was asked");
    TRY(service_answer_read(frame.payload, &answer));
    ENSURE(answer.ok, CATEGORY_FALSE, "the coordinator says: %s", answer.reason);
    *ret_run = frame.run;
    return RESULT_OK;
}

static struct result answer_run(const struct hash *run, json_t **ret)
{
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(run), hex);
    *ret = json_pack("{s:s}", "run", hex);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "no memory for an answer");
    return RESULT_OK;
}

/* An older coordinator would not make sense of the submission. What is malformed is the coordinator's to refuse. */
static struct result check_version(struct bank *bank, struct view payload)
{
    struct service_submission submission;
    unsigned link = transport_client_version(bank->client);
    if (!link || !result_ok(service_submission_read(payload, bank->roster.size, &submission))) return RESULT_OK;
    ENSURE(
        submission.version <= link, CATEGORY_FALSE,
        "the coordinator speaks version %u of the protocol and the run is of version %u; upgrade the coordinator, or "
        "submit the run with --protocol %u",
        link, submission.version, link);
    return RESULT_OK;
}

static struct result ask_submit(struct bank *bank, const json_t *request, json_t **ret)
{
    CLEANUP(buffer_done) struct buffer payload = {0};
    const char *hex = NULL;
    uint8_t *start = NULL;
    struct hash run;
    TRY(text_of(request, "submission", &hex));
    TRY(buffer_extend(&payload, strlen(hex) / 2, &start));
    TRY(bytes_unhex(view_text(hex), start, payload.length));
    TRY(check_version(bank, buffer_view(&payload)));
    TRY(forward(bank, SERVICE_SUBMIT, NULL, buffer_view(&payload), &run));
    return answer_run(&run, ret);
}

static struct result ask_cancel(struct bank *bank, const json_t *request, json_t **ret)
{
    CLEANUP(buffer_done) struct buffer payload = {0};
    struct service_answer answer = {.ok = false};
    struct hash run;
    const char *reason = NULL;
    TRY(run_of(request, &run));
    TRY(text_of(request, "reason", &reason));
    ENSURE(strlen(reason) <= SERVICE_REASON_MAX, CATEGORY_USAGE, "the reason is longer than %u bytes",
           SERVICE_REASON_MAX);
    memcpy(answer.reason, reason, strlen(reason));
    TRY(service_answer_write(&answer, &payload));
    TRY(forward(bank, SERVICE_CANCEL, &run, buffer_view(&payload), &run));
    return answer_run(&run, ret);
}

static struct result ask_plans(struct bank *bank, const json_t *request, json_t **ret)
{
    (void)request;
    return plans_list(bank, ret);
}

static struct result ask_budget(struct bank *bank, const json_t *request, json_t **ret)
{
    (void)request;
    return budget_list(bank, ret);
}

static struct result ask_console(struct bank *bank, const json_t *request, json_t **ret)
{
    (void)request;
    return node_console_invite(bank->console, ret);
}

static json_t *hash_json(const struct hash *hash)
{
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(hash), hex);
    return json_string(hex);
}

static struct result ask_forget(struct bank *bank, const json_t *request, json_t **ret)
{
    struct forgotten forgotten;
    const char *id = NULL;
    TRY(text_of(request, "run", &id));
    TRY(run_forget(bank, id, &forgotten));
    json_t *json = json_pack("{s:o, s:I, s:b}", "run", hash_json(&forgotten.run), "forgotten_ms",
                             (json_int_t)forgotten.at, "before", forgotten.before);
    bool whole = json != NULL;
    if (whole && !forgotten.before)
        whole = json_object_set_new(json, "files", json_integer((json_int_t)forgotten.files)) == 0 &&
                json_object_set_new(json, "records", json_integer((json_int_t)forgotten.records)) == 0;
    if (whole && forgotten.has_model) whole = json_object_set_new(json, "model", hash_json(&forgotten.model)) == 0;
    if (whole && forgotten.has_bundle) whole = json_object_set_new(json, "bundle", hash_json(&forgotten.bundle)) == 0;
    if (!whole) json_decref(json);
    ENSURE(whole, CATEGORY_ENVIRONMENT, "the run is forgotten, and there is no memory for an answer");
    *ret = json;
    return RESULT_OK;
}

static struct result ask_backup(struct bank *bank, const json_t *request, json_t **ret)
{
    struct snapshot_name name;
    (void)request;
    TRY(bank_snapshot(bank, &name));
    *ret = json_pack("{s:s}", "snapshot", name.text);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "no memory for an answer");
    return RESULT_OK;
}

static const struct {
    const char *word;
    struct result (*handle)(struct bank *bank, const json_t *request, json_t **ret);
} asks[] = {
    {"status", ask_status}, {"runs", ask_runs},     {"roster", ask_roster},   {"submit", ask_submit},
    {"cancel", ask_cancel}, {"forget", ask_forget}, {"plans", ask_plans},     {"officer", plans_take},
    {"budget", ask_budget}, {"backup", ask_backup}, {"console", ask_console},
};

static struct result handle(struct bank *bank, struct view bytes, json_t **ret)
{
    CLEANUP(json_freep) json_t *request = json_loadb((const char *)bytes.data, bytes.length, 0, NULL);
    const char *word = NULL;
    ENSURE(request, CATEGORY_USAGE, "the request is not JSON");
    TRY(text_of(request, "ask", &word));
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        if (strcmp(word, asks[i].word) == 0) return asks[i].handle(bank, request, ret);
    return FAIL(CATEGORY_USAGE, "this node does not know the request \"%.32s\"", word);
}

static struct result answer(const struct bank_control *control, const struct control_request *request)
{
    CLEANUP(json_freep) json_t *json = NULL;
    struct result result = handle(control->bank, buffer_view(&request->bytes), &json);
    if (!result_ok(result)) json_decref(json); /* half of an answer */
    if (!result_ok(result)) json = json_pack("{s:i, s:s}", "category", (int)result.category, "reason", result_reason());
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(json_text(json, JSON_INDENT(2), &text));
    return control_server_reply(control->server, request->id, buffer_view(&text));
}

void *bank_control_thread(void *context)
{
    const struct bank_control *control = context;
    sign_thread_at_once(); /* a command hears that the key's token is away, and the next is answered */
    while (!atomic_load(&control->bank->stopping)) {
        struct control_request request = {0};
        bool got = false;
        struct result result = control_server_receive(control->server, -1, &request, &got);
        if (result_ok(result) && got) result = answer(control, &request);
        buffer_done(&request.bytes);
        if (result_ok(result)) continue;
        bank_give_up(control->bank, result);
        break;
    }
    fold_thread_done(); /* what a budget was computed with */
    return NULL;
}

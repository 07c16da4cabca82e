/* run submit|list|watch|show|cancel: through this bank's own node, over its control socket.
 *
 * This command never dials the coordinator. Submitting needs the organisation's identity key, which signs the run's id
 * here and is never shown to the node; everything else needs only the right to open the node's socket.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analytics/json_text.h"
#include "cli/cli.h"
#include "crypto/base/protocol.h"
#include "crypto/base/text.h"
#include "proto/secagg/secagg.h"
#include "proto/secagg/submission.h"
#include "sys/config.h"
#include "sys/control.h"
#include "sys/entropy.h"
#include "sys/file.h"
#include "sys/keys.h"

enum { ASK_MS = 20000, WATCH_TURN_MS = 150, SHORT_ID = 12 };

static void json_freep(json_t **json)
{
    json_decref(*json);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The state directory of the node that --node names: its configuration, or the directory with node.yaml. */
static struct result node_state(const char *node, char out[FILE_PATH_MAX])
{
    char path[FILE_PATH_MAX];
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    TRY(file_config(node, "node.yaml", path));
    TRY(config_node_load(path, &config));
    return file_path("", config->state, out);
}

/* Asks the node; takes the reference to the request. What the node could not do comes back as this command's failure.
 */
static struct result ask(const char *node, json_t *take_request, json_t **ret)
{
    CLEANUP(json_freep) json_t *request = take_request, *answer = NULL;
    CLEANUP(buffer_done) struct buffer text = {0}, reply = {0};
    char state[FILE_PATH_MAX];
    TRY(json_text(request, JSON_COMPACT, &text));
    TRY(node_state(node, state));
    TRY(control_request(state, buffer_view(&text), ASK_MS, &reply));
    answer = json_loadb((const char *)reply.data, reply.length, 0, NULL);
    ENSURE(answer, CATEGORY_ENVIRONMENT, "the node answered something that is no JSON");
    const json_t *category = json_object_get(answer, "category");
    ENSURE(!category, (enum category)json_integer_value(category), "%s", text_of(answer, "reason"));
    *ret = answer;
    answer = NULL;
    return RESULT_OK;
}

/* --- submit --- */

/* The cohort: the members named, or the whole roster. */
static struct result cohort_of(const struct roster *roster, const struct cli_values *names, struct members *ret)
{
    struct members cohort = names->count ? members_none(roster->size) : members_all(roster->size);
    for (size_t i = 0; i < names->count; i++) {
        unsigned position = roster_position_of_name(roster, names->items[i]);
        ENSURE(position, CATEGORY_USAGE, "%s is no member of the roster", names->items[i]);
        members_add(&cohort, position);
    }
    *ret = cohort;
    return RESULT_OK;
}

/* What `run submit` was told. */
struct submit {
    const char *node, *key, *prepare, *prepared, *protocol;
    struct cli_values members, operands;
};

/* The newest version of the protocol, unless the submitter says that the run keeps to an older one. */
static struct result submit_version(const struct submit *submit, unsigned *ret)
{
    uint64_t version = protocol_spoken.newest;
    char ours[PROTOCOL_WORDS_MAX];
    bool good = !submit->protocol || (text_whole(submit->protocol, &version) && version >= protocol_spoken.oldest &&
                                      version <= protocol_spoken.newest);
    ENSURE(good, CATEGORY_USAGE, "--protocol %s: this program speaks %s of the protocol", submit->protocol,
           protocol_words(protocol_spoken, ours));
    *ret = (unsigned)version;
    return RESULT_OK;
}

/* Signs a run of the plan, for the roster that the node has pinned. */
static struct result submit_sign(const struct submit *submit, struct buffer *out, struct hash *ret_id)
{
    CLEANUP(json_freep) json_t *pinned = NULL;
    CLEANUP(roster_done) struct roster roster = {0};
    CLEANUP(buffer_done) struct buffer note = {0};
    CLEANUP(sign_key_freep) struct sign_key *identity = NULL;
    struct members cohort;
    uint8_t nonce[NONCE_BYTES];
    unsigned version = 0;
    TRY(submit_version(submit, &version));
    TRY(ask(submit->node, json_pack("{s:s}", "ask", "roster"), &pinned));
    TRY(roster_parse(view_text(text_of(pinned, "roster")), &roster));
    TRY(cli_read(submit->operands.items[0], DOCUMENT_MAX, &note));
    TRY(cohort_of(&roster, &submit->members, &cohort));
    TRY(keys_read(submit->key, KEY_IDENTITY, &identity));
    const char *member = text_of(pinned, "member");
    unsigned position = roster_position_of_name(&roster, member);
    ENSURE(position && sign_public_equal(sign_key_public(identity), &roster.members[position - 1].identity),
           CATEGORY_USAGE, "%s is not the identity key of %s, whose node this is", submit->key, member);
    TRY(entropy_bytes(nonce, sizeof nonce));
    return submission_make(&roster, buffer_view(&note), &cohort, position, version, identity, nonce, out, ret_id);
}

static struct result submit_send(const struct submit *submit, const struct buffer *submission)
{
    CLEANUP(json_freep) json_t *answer = NULL;
    CLEANUP(buffer_done) struct buffer hex = {0}, line = {0};
    uint8_t *text = NULL;
    TRY(buffer_extend(&hex, 2 * submission->length + 1, &text));
    bytes_hex(buffer_view(submission), (char *)text);
    TRY(ask(submit->node, json_pack("{s:s, s:s}", "ask", "submit", "submission", (const char *)text), &answer));
    TRY(buffer_format(&line, "%s\n", text_of(answer, "run")));
    return cli_print(buffer_view(&line));
}

/* The run's id before anyone is asked to take part: for officers who approve this very run (rule 5). */
static struct result submit_keep(const struct submit *submit, const struct buffer *submission, const struct hash *id)
{
    char line[2 * HASH_BYTES + 2];
    TRY(cli_write(submit->prepare, buffer_view(submission), false));
    bytes_hex(hash_view(id), line);
    line[2 * HASH_BYTES] = '\n';
    return cli_print(view_of(line, sizeof line - 1));
}

struct result cli_run_submit(int argc, char **argv)
{
    struct submit submit = {0};
    const struct cli_option options[] = {{.name = "node", .required = true, .value = &submit.node},
                                         {.name = "key", .value = &submit.key},
                                         {.name = "member", .values = &submit.members},
                                         {.name = "protocol", .value = &submit.protocol},
                                         {.name = "prepare", .value = &submit.prepare},
                                         {.name = "prepared", .value = &submit.prepared},
                                         {0}};
    CLEANUP(buffer_done) struct buffer submission = {0};
    struct hash id;
    TRY(cli_parse(argc, argv, options, "PLAN.note", 0, 1, &submit.operands));
    if (submit.prepared) {
        ENSURE(submit.operands.count == 0 && !submit.key && !submit.prepare && !submit.protocol &&
                   submit.members.count == 0,
               CATEGORY_USAGE, "--prepared is a signed run already: give it with --node alone");
        TRY(cli_read(submit.prepared, 2 * DOCUMENT_MAX, &submission));
        return submit_send(&submit, &submission);
    }
    ENSURE(submit.operands.count == 1 && submit.key, CATEGORY_USAGE,
           "a PLAN.note and --key identity.key are needed; see cofferdam run submit --help");
    TRY(submit_sign(&submit, &submission, &id));
    return submit.prepare ? submit_keep(&submit, &submission, &id) : submit_send(&submit, &submission);
}

/* --- list, show, watch --- */

static struct result ask_runs(const char *node, const char *run, json_t **ret)
{
    if (run) return ask(node, json_pack("{s:s, s:s}", "ask", "runs", "run", run), ret);
    return ask(node, json_pack("{s:s}", "ask", "runs"), ret);
}

/* The one run whose id begins with the text; NULL: the newest. */
static struct result find_run(const json_t *answer, const char *prefix, json_t **ret)
{
    json_t *run, *found = NULL;
    size_t index;
    json_array_foreach(json_object_get(answer, "runs"), index, run)
    {
        if (prefix && strncmp(text_of(run, "run"), prefix, strlen(prefix)) != 0) continue;
        ENSURE(!found, CATEGORY_USAGE, "more than one run begins with %s", prefix);
        found = run;
        if (!prefix) break;
    }
    ENSURE(found, CATEGORY_FALSE, "there is no %s%s here%s%s", prefix ? "run " : "run", prefix ? prefix : "",
           text_of(answer, "trouble")[0] ? "; only this node was asked: " : "", text_of(answer, "trouble"));
    *ret = found;
    return RESULT_OK;
}

static struct result names_print(const json_t *names, const char *what, struct buffer *out)
{
    const json_t *name;
    size_t index;
    if (json_array_size(names) == 0) return RESULT_OK;
    TRY(buffer_format(out, "%s", what));
    json_array_foreach(names, index, name) TRY(buffer_format(out, " %s", json_string_value(name)));
    return buffer_text(out, "\n");
}

static struct result time_print(const json_t *run, const char *key, const char *what, struct buffer *out)
{
    time_t seconds = (time_t)(json_integer_value(json_object_get(run, key)) / 1000);
    struct tm parts;
    char text[32] = "";
    if (seconds == 0 || !gmtime_r(&seconds, &parts)) return RESULT_OK;
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
    return buffer_format(out, "%s %s\n", what, text);
}

static struct result show_print(const json_t *answer, const json_t *run, struct buffer *out)
{
    const json_t *here = json_object_get(run, "here");
    TRY(buffer_format(out, "run        %s\n", text_of(run, "run")));
    if (text_of(run, "plan")[0]) /* else the node has forgotten it, and knows nothing more */
        TRY(buffer_format(out, "plan       %s, submitted by %s\n", text_of(run, "plan"), text_of(run, "submitter")));
    TRY(buffer_format(out, "state      %s\n", text_of(run, "state")));
    TRY(names_print(json_object_get(run, "cohort"), "cohort    ", out));
    TRY(time_print(run, "submitted_ms", "submitted ", out));
    if (text_of(run, "phase")[0]) TRY(buffer_format(out, "phase      %s\n", text_of(run, "phase")));
    TRY(time_print(run, "since_ms", "since     ", out));
    TRY(names_print(json_object_get(run, "awaited"), "awaited   ", out));
    if (text_of(run, "progress")[0]) TRY(buffer_format(out, "progress   %s\n", text_of(run, "progress")));
    json_int_t version = json_integer_value(json_object_get(here, "protocol"));
    if (version) TRY(buffer_format(out, "protocol   version %lld\n", version));
    if (here) TRY(buffer_format(out, "this node  %s\n", text_of(here, "phase")));
    const char *checked = text_of(json_object_get(here, "checked"), "text");
    if (checked[0]) TRY(buffer_format(out, "checked    %s\n", checked));
    if (strcmp(text_of(here, "state"), "done") == 0)
        TRY(buffer_format(out, "model      %s/runs/%s/model.json\n", text_of(answer, "state_directory"),
                          text_of(run, "run")));
    const json_t *bundle = json_object_get(here, "bundle");
    if (json_is_true(bundle))
        TRY(buffer_format(out, "bundle     %s/runs/%s/run.cfd, which this node has replayed: it holds\n",
                          text_of(answer, "state_directory"), text_of(run, "run")));
    if (json_is_false(bundle) && strcmp(text_of(here, "state"), "done") == 0)
        TRY(buffer_text(
            out, "bundle     is not here yet: the node fetches it and replays it; if it stays away, the log says "
                 "why, and another bank's copy serves\n"));
    if (text_of(answer, "trouble")[0]) TRY(buffer_format(out, "trouble    %s\n", text_of(answer, "trouble")));
    return RESULT_OK;
}

struct result cli_run_list(int argc, char **argv)
{
    const char *node = NULL;
    bool as_json = false;
    const struct cli_option options[] = {
        {.name = "node", .required = true, .value = &node}, {.name = "json", .flag = &as_json}, {0}};
    CLEANUP(json_freep) json_t *answer = NULL;
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(cli_parse(argc, argv, options, "", 0, 0, NULL));
    TRY(ask_runs(node, NULL, &answer));
    if (as_json) return cli_print_json(json_incref(answer));
    const json_t *run;
    size_t index;
    json_array_foreach(json_object_get(answer, "runs"), index, run)
    {
        TRY(buffer_format(&out, "%.*s  %-6s", SHORT_ID, text_of(run, "run"), text_of(run, "state")));
        if (text_of(run, "plan")[0])
            TRY(buffer_format(&out, "  %s by %s", text_of(run, "plan"), text_of(run, "submitter")));
        const char *phase = text_of(run, "phase");
        if (phase[0]) TRY(buffer_format(&out, "%s%s", text_of(run, "plan")[0] ? ": " : "  ", phase));
        TRY(buffer_text(&out, "\n"));
    }
    if (text_of(answer, "trouble")[0])
        TRY(buffer_format(&out, "only this node was asked: %s\n", text_of(answer, "trouble")));
    return cli_print(buffer_view(&out));
}

struct result cli_run_show(int argc, char **argv)
{
    const char *node = NULL;
    bool as_json = false;
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "node", .required = true, .value = &node}, {.name = "json", .flag = &as_json}, {0}};
    CLEANUP(json_freep) json_t *answer = NULL;
    CLEANUP(buffer_done) struct buffer out = {0};
    json_t *run = NULL;
    TRY(cli_parse(argc, argv, options, "RUN", 0, 1, &operands));
    TRY(ask_runs(node, NULL, &answer));
    TRY(find_run(answer, operands.count ? operands.items[0] : NULL, &run));
    if (as_json) return cli_print_json(json_incref(run));
    TRY(show_print(answer, run, &out));
    return cli_print(buffer_view(&out));
}

/* What watching shows of a run: one line, printed when it changes. */
static struct result watch_line(const json_t *answer, const json_t *run, struct buffer *out)
{
    const json_t *here = json_object_get(run, "here");
    const char *phase = text_of(run, "phase"), *progress = text_of(run, "progress");
    if (!phase[0]) phase = text_of(here, "phase");
    if (text_of(answer, "trouble")[0]) progress = text_of(here, "progress");
    TRY(buffer_format(out, "%s%s%s", phase, progress[0] ? " | " : "", progress));
    const json_t *awaited = json_object_get(run, "awaited");
    if (json_array_size(awaited) > 0 && json_array_size(awaited) < json_array_size(json_object_get(run, "cohort"))) {
        const json_t *name;
        size_t index;
        TRY(buffer_text(out, " | awaited:"));
        json_array_foreach(awaited, index, name) TRY(buffer_format(out, " %s", json_string_value(name)));
    }
    if (text_of(answer, "trouble")[0]) TRY(buffer_format(out, " | %s", text_of(answer, "trouble")));
    return RESULT_OK;
}

/* Prints the line over the one before on a terminal, below it elsewhere; nothing when it is the same. */
static struct result watch_print(const struct buffer *line, struct buffer *last, bool over)
{
    if (view_equal(buffer_view(line), buffer_view(last))) return RESULT_OK;
    printf("%s%.*s%s", over ? "\r\033[K" : "", (int)line->length, (const char *)line->data, over ? "" : "\n");
    (void)fflush(stdout);
    buffer_clear(last);
    return buffer_append(last, buffer_view(line));
}

/* Whether the run is over for this bank: the coordinator's word alone is not yet this node's model. */
static bool watch_over(const json_t *run)
{
    const json_t *here = json_object_get(run, "here");
    const char *state = here ? text_of(here, "state") : text_of(run, "state");
    return strcmp(state, "open") != 0;
}

/* The run's end as exit code, after all that is known of it. */
static struct result watch_end(const json_t *answer, const json_t *run)
{
    CLEANUP(buffer_done) struct buffer shown = {0};
    const json_t *here = json_object_get(run, "here");
    TRY(show_print(answer, run, &shown));
    TRY(cli_print(buffer_view(&shown)));
    const char *state = here ? text_of(here, "state") : text_of(run, "state");
    if (strcmp(state, "done") == 0) return RESULT_OK;
    const char *reason = text_of(here ? here : run, "phase");
    ENSURE(strcmp(state, "forgotten") != 0, CATEGORY_FALSE, "this node %s", reason);
    return FAIL(secagg_plan_fails(view_text(reason)) ? CATEGORY_USAGE : CATEGORY_FALSE, "the run ended: %s", reason);
}

/* A run being watched. */
struct watching {
    const char *node, *prefix;
    char id[2 * HASH_BYTES + 1]; /* "" before the first answer */
    struct buffer last;          /* line */
    bool terminal;
};

static void watching_done(struct watching *watching)
{
    buffer_done(&watching->last);
}

/* One look; *ret_over when the run is. A node that goes away after the first look is waited for. */
static struct result watch_look(struct watching *watching, bool *ret_over)
{
    CLEANUP(json_freep) json_t *answer = NULL;
    CLEANUP(buffer_done) struct buffer line = {0};
    json_t *run = NULL;
    const char *id = watching->id[0] ? watching->id : NULL;
    struct result result = ask_runs(watching->node, id, &answer);
    if (result.category == CATEGORY_ENVIRONMENT && id) {
        TRY(buffer_format(&line, "%s", result_reason()));
        return watch_print(&line, &watching->last, watching->terminal);
    }
    TRY(result);
    TRY(find_run(answer, id ? id : watching->prefix, &run));
    (void)snprintf(watching->id, sizeof watching->id, "%s", text_of(run, "run"));
    TRY(watch_line(answer, run, &line));
    TRY(watch_print(&line, &watching->last, watching->terminal));
    *ret_over = watch_over(run);
    if (!*ret_over) return RESULT_OK;
    if (watching->terminal) printf("\n");
    return watch_end(answer, run);
}

static struct result watch(const char *node, const char *prefix)
{
    CLEANUP(watching_done)
    struct watching watching = {.node = node, .prefix = prefix, .terminal = isatty(STDOUT_FILENO) == 1};
    for (bool over = false; !over;) {
        TRY(watch_look(&watching, &over));
        if (!over) (void)usleep(WATCH_TURN_MS * 1000);
    }
    return RESULT_OK;
}

struct result cli_run_watch(int argc, char **argv)
{
    const char *node = NULL;
    struct cli_values operands = {0};
    const struct cli_option options[] = {{.name = "node", .required = true, .value = &node}, {0}};
    TRY(cli_parse(argc, argv, options, "RUN", 0, 1, &operands));
    return watch(node, operands.count ? operands.items[0] : NULL);
}

/* --- cancel --- */

struct result cli_run_cancel(int argc, char **argv)
{
    const char *node = NULL, *reason = NULL;
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "node", .required = true, .value = &node}, {.name = "reason", .value = &reason}, {0}};
    CLEANUP(json_freep) json_t *answer = NULL, *done = NULL;
    json_t *run = NULL;
    TRY(cli_parse(argc, argv, options, "RUN", 1, 1, &operands));
    TRY(ask_runs(node, NULL, &answer));
    TRY(find_run(answer, operands.items[0], &run));
    TRY(ask(node,
            json_pack("{s:s, s:s, s:s}", "ask", "cancel", "run", text_of(run, "run"), "reason",
                      reason ? reason : "no reason given"),
            &done));
    return cli_print(view_text("cancelled\n"));
}

#include "coordinator/hub_console.h"

#include <stdio.h>
#include <stdlib.h>

#include "analytics/json_text.h"
#include "coordinator/overview.h"
#include "coordinator/session.h"
#include "crypto/secret.h"
#include "proto/log/checkpoint.h"
#include "proto/run/note.h"
#include "proto/secagg/run_log.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
    TURN_MS = 400,    /* what is shown is this old at most, unless the loop is at something long */
    RUNS_SHOWN = 200, /* the newest */
};

struct hub_console {
    struct hub *hub; /* borrowed */
    struct console_config config;
    struct console *console;
    uint64_t turned_ms; /* by the steady clock */
};

/* ---- what is published: on the loop's thread */

static json_t *phases_json(struct tree *tree, const struct meter_phase phases[SECAGG_PHASES_MAX])
{
    json_t *json = json_object();
    for (size_t i = 0; i < SECAGG_PHASES_MAX && phases[i].name; i++)
        tree_put(tree, json, phases[i].name, tree_count(phases[i].ms));
    return json;
}

static json_t *run_json(struct tree *tree, struct session *session)
{
    json_t *json = overview_run(session->hub, session);
    meter_look(session);
    tree_put(tree, json, "task", json_string(session->submission.plan.task));
    tree_put(tree, json, "purpose", json_string(session->submission.plan.purpose));
    tree_put(tree, json, "phases", phases_json(tree, session->meter.phases));
    if (!session->machine || session->state != SERVICE_RUN_OPEN) return json;
    tree_put(tree, json, "round", tree_count(secagg_coordinator_round(session->machine)));
    tree_put(tree, json, "uploads", tree_count(secagg_coordinator_uploads(session->machine)));
    return json;
}

static json_t *members_json(struct tree *tree, const struct hub *hub)
{
    json_t *members = json_array();
    for (unsigned i = 0; i < hub->roster.size; i++) {
        const struct roster_member *member = &hub->roster.members[i];
        json_t *json = json_pack("{s:s, s:b}", "name", member->name, "connected",
                                 transport_server_has(hub->server, &member->node));
        tree_put(tree, json, "protocol", overview_spoken(hub, i + 1));
        tree_add(tree, members, json);
    }
    return members;
}

static json_t *text_json(const struct buffer *text)
{
    return json_loadb((const char *)text->data, text->length, 0, NULL);
}

static json_t *hash_json(const struct hash *hash)
{
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(hash), hex);
    return json_string(hex);
}

static json_t *state_json(struct tree *tree, struct hub *hub, const struct buffer *warnings)
{
    unsigned left = RUNS_SHOWN;
    json_t *state = json_object(), *runs = json_array();
    tree_put(tree, state, "program", json_string("coordinator"));
    tree_put(tree, state, "version", json_string(COFFERDAM_VERSION));
    tree_put(tree, state, "address", json_string(hub->roster.address));
    tree_put(tree, state, "roster_version", tree_count(hub->roster.version));
    tree_put(tree, state, "roster_hash", hash_json(&hub->roster.hash));
    tree_put(tree, state, "protocol", tree_count(protocol_spoken.newest));
    tree_put(tree, state, "members", members_json(tree, hub));
    tree_put(tree, state, "phases", phases_json(tree, hub->meter.phases));
    tree_put(tree, state, "refused", tree_count(hub->meter.refused));
    tree_put(tree, state, "voided", tree_count(hub->meter.rounds.voided));
    tree_put(tree, state, "warnings", text_json(warnings));
    for (struct session *session = hub->sessions; session && left; session = session->next, left--)
        tree_add(tree, runs, run_json(tree, session));
    tree_put(tree, state, "runs", runs);
    return state;
}

struct result hub_console_turn(struct hub_console *console)
{
    uint64_t now = clock_monotonic_ms();
    if (!console || now - console->turned_ms < TURN_MS || !console_watched(console->console)) return RESULT_OK;
    console->turned_ms = now;
    CLEANUP(buffer_done) struct buffer warnings = {0}, text = {0};
    struct tree tree = {0};
    TRY(log_recent(&warnings));
    json_t *state = state_json(&tree, console->hub, &warnings);
    struct result result = json_text(tree.failed ? NULL : state, JSON_COMPACT, &text);
    json_decref(state);
    TRY(result);
    return console_publish(console->console, buffer_view(&text));
}

/* ---- what is known of a run: on a thread of the server, from the store and the roster, which does not change */

static void put_cosigners(const struct hub *hub, const struct note *note, struct tree *tree, json_t *json)
{
    json_t *names = json_array();
    uint64_t time = 0;
    for (unsigned i = 0; i < hub->roster.size; i++) {
        const struct roster_member *member = &hub->roster.members[i];
        if (result_ok(note_verify_cosignature(note, member->name, &member->node, &time)))
            tree_add(tree, names, json_string(member->name));
    }
    tree_put(tree, json, "cosigned_by", names);
}

/* The checkpoint over the run's log as its latest certificate made it; none before the first. */
static struct result put_checkpoint(const struct hub *hub, const struct hash *run, uint64_t steps, struct tree *tree,
                                    json_t *json)
{
    char key[MACHINE_KEY_MAX];
    CLEANUP(buffer_done) struct buffer bytes = {0};
    CLEANUP(note_done) struct note note = {0};
    bool found = false;
    if (!steps) return RESULT_OK;
    (void)snprintf(key, sizeof key, "checkpoint/%05llu", (unsigned long long)(steps - 1));
    TRY(store_load(hub->store, false, run, key, &bytes, &found));
    if (!found) return RESULT_OK;
    TRY(note_parse(buffer_view(&bytes), &note));
    struct checkpoint checkpoint;
    TRY(checkpoint_parse(note.text, &checkpoint));
    json_t *object = json_pack("{s:I, s:o}", "size", (json_int_t)checkpoint.size, "root", hash_json(&checkpoint.root));
    put_cosigners(hub, &note, tree, object);
    tree_put(tree, json, "checkpoint", object);
    return RESULT_OK;
}

struct reading {
    struct hub *hub;
    struct hash run;
};

static struct result reading_load(void *context, bool secret, bool shared, const char *key, struct buffer *out,
                                  bool *ret_found)
{
    const struct reading *reading = context;
    return store_load(reading->hub->store, secret, shared ? NULL : &reading->run, key, out, ret_found);
}

static struct result run_details(struct reading *reading, const char *id, struct tree *tree, json_t *json)
{
    const struct record_source records = {.context = reading, .load = reading_load};
    const char *directory = reading->hub->config->state;
    CLEANUP(buffer_done) struct buffer steps = {0}, files = {0};
    struct run_log log;
    TRY(run_log_load(&records, &log));
    TRY(put_checkpoint(reading->hub, &reading->run, log.tree.size, tree, json));
    TRY(story_put(reading->hub->store, &reading->run, &steps));
    TRY(console_put_files(directory, id, &files));
    tree_put(tree, json, "steps", text_json(&steps));
    tree_put(tree, json, "files", text_json(&files));
    tree_put(tree, json, "evidence", tree_count(console_evidence(directory, id)));
    return RESULT_OK;
}

static struct result answer_run(void *context, const char *id, struct buffer *out)
{
    struct reading reading = {.hub = ((struct hub_console *)context)->hub};
    CLEANUP(buffer_done) struct buffer submission = {0};
    struct tree tree = {0};
    bool found = false;
    TRY(bytes_unhex(view_text(id), reading.run.bytes, HASH_BYTES));
    TRY(store_load(reading.hub->store, false, &reading.run, SESSION_KEY_SUBMISSION, &submission, &found));
    ENSURE(found, CATEGORY_FALSE, "this coordinator does not know the run");
    json_t *json = json_object();
    struct result result = run_details(&reading, id, &tree, json);
    if (result_ok(result)) result = json_text(tree.failed ? NULL : json, JSON_COMPACT, out);
    json_decref(json);
    return result;
}

/* ---- both */

struct result hub_console_new(struct hub *hub, struct hub_console **ret)
{
    if (!hub->config->console.address) return RESULT_OK;
    CLEANUP(hub_console_freep) struct hub_console *console = calloc(1, sizeof *console);
    ENSURE(console, CATEGORY_ENVIRONMENT, "no memory for a console");
    console->hub = hub;
    console->config = (struct console_config){
        .config = &hub->config->console,
        .where = hub->config_path,
        .directory = hub->config->state,
        .context = console,
        .run = answer_run,
    };
    TRY(console_new(&console->config, &console->console));
    *ret = console;
    console = NULL;
    return RESULT_OK;
}

void hub_console_free(struct hub_console *console)
{
    if (!console) return;
    console_free(console->console);
    free(console);
}

void hub_console_freep(struct hub_console **console)
{
    hub_console_free(*console);
    *console = NULL;
}

static json_t *invitation_json(const struct hub_console *console)
{
    struct console_invitation invitation;
    struct result result = console_invite(console ? console->console : NULL, &invitation);
    if (!result_ok(result)) return json_pack("{s:i, s:s}", "category", (int)result.category, "reason", result_reason());
    json_t *json = json_pack("{s:s, s:i}", "url", invitation.url, "minutes", (int)invitation.minutes);
    secret_bytes_wipe(&invitation, sizeof invitation);
    return json;
}

struct result hub_console_invite(const struct hub_console *console, struct buffer *out)
{
    json_t *json = invitation_json(console);
    struct result result = json_text(json, JSON_COMPACT, out);
    json_decref(json);
    return result;
}

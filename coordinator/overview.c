#include "coordinator/overview.h"

#include <string.h>

#include "analytics/json_text.h"
#include "coordinator/session.h"
#include "sys/clock.h"
#include "sys/console.h"

static void json_freep(json_t **json)
{
    json_decref(*json);
}

static const char *const state_names[] = {
    [SERVICE_RUN_OPEN] = "open", [SERVICE_RUN_DONE] = "done", [SERVICE_RUN_FAILED] = "failed"};

json_t *overview_names(const struct roster *roster, const struct members *set)
{
    json_t *names = json_array();
    for (unsigned member = members_next(set, 0); member; member = members_next(set, member))
        (void)json_array_append_new(names, json_string(roster->members[member - 1].name));
    return names;
}

json_t *overview_spoken(const struct hub *hub, unsigned member)
{
    struct protocol_range spoken = hub_spoken(hub, member);
    const char *standing = !protocol_common(spoken, protocol_spoken) ? "refused"
                           : spoken.newest < protocol_spoken.newest  ? "older"
                                                                     : "current";
    if (!spoken.newest) return json_null();
    return json_pack("{s:s, s:i, s:i, s:s}", "member", hub->roster.members[member - 1].name, "oldest",
                     (int)spoken.oldest, "newest", (int)spoken.newest, "standing", standing);
}

/* Who dialled, what it speaks, and which open run it keeps waiting for an upgrade. */
static json_t *spoken_json(const struct hub *hub)
{
    json_t *all = json_array();
    for (unsigned member = 1; member <= hub->roster.size; member++) {
        json_t *spoken = overview_spoken(hub, member);
        if (json_is_null(spoken))
            json_decref(spoken);
        else
            (void)json_array_append_new(all, spoken);
    }
    return json_pack("{s:i, s:i, s:o}", "oldest", (int)protocol_spoken.oldest, "newest", (int)protocol_spoken.newest,
                     "members", all);
}

/* Why an open run does not begin; "" when it is not for this. */
static json_t *behind_json(const struct hub *hub, const struct session *session)
{
    unsigned member = hub_behind(hub, &session->submission.terms.cohort, session->submission.terms.version);
    return json_string(member && session->state == SERVICE_RUN_OPEN ? hub->roster.members[member - 1].name : "");
}

json_t *overview_run(const struct hub *hub, const struct session *session)
{
    const struct roster *roster = &hub->roster;
    struct service_run_status status;
    session_status(session, &status);
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:s, s:o}", "run", session->hex,
                     "protocol", (int)session->submission.terms.version, "plan", status.plan, "submitter",
                     roster->members[status.submitter - 1].name, "state", state_names[status.state], "cohort",
                     overview_names(roster, &status.cohort), "awaited", overview_names(roster, &status.awaited),
                     "submitted_ms", (json_int_t)status.submitted_at, "since_ms", (json_int_t)status.since, "sums",
                     (json_int_t)status.step, "phase", status.phase, "progress", status.progress, "behind",
                     behind_json(hub, session));
}

struct result overview_json(const struct hub *hub, struct buffer *out)
{
    CLEANUP(json_freep) json_t *runs = json_array();
    for (const struct session *session = hub->sessions; session; session = session->next)
        (void)json_array_append_new(runs, overview_run(hub, session));
    CLEANUP(json_freep)
    json_t *json = json_pack("{s:s, s:o, s:i, s:i, s:I, s:O}", "version", COFFERDAM_VERSION, "protocol",
                             spoken_json(hub), "roster_version", (int)hub->roster.version, "members",
                             (int)hub->roster.size, "now_ms", (json_int_t)clock_now_ms(), "runs", runs);
    return json_text(json, JSON_INDENT(2), out);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static struct result session_lines(const json_t *session, json_int_t now, struct buffer *out)
{
    json_int_t since = json_integer_value(json_object_get(session, "since_ms"));
    const char *phase = text_of(session, "phase");
    TRY(buffer_format(out, "%.12s  %s by %s: %s%s%s, for %llds\n", text_of(session, "run"), text_of(session, "plan"),
                      text_of(session, "submitter"), text_of(session, "state"), phase[0] ? ", " : "", phase,
                      (long long)((now - since) / 1000)));
    if (text_of(session, "progress")[0]) TRY(buffer_format(out, "              %s\n", text_of(session, "progress")));
    if (text_of(session, "behind")[0])
        TRY(buffer_format(
            out, "              %s does not speak version %lld of the protocol, which the run keeps to: upgrade it\n",
            text_of(session, "behind"), json_integer_value(json_object_get(session, "protocol"))));
    const json_t *awaited = json_object_get(session, "awaited"), *name;
    size_t index;
    if (json_array_size(awaited) == 0) return RESULT_OK;
    TRY(buffer_text(out, "              awaited:"));
    json_array_foreach(awaited, index, name) TRY(buffer_format(out, " %s", json_string_value(name)));
    return buffer_text(out, "\n");
}

/* Members on other versions, and who has to upgrade. */
static struct result spoken_lines(const json_t *protocol, struct buffer *out)
{
    const json_t *member;
    size_t index;
    json_int_t newest = json_integer_value(json_object_get(protocol, "newest"));
    json_array_foreach(json_object_get(protocol, "members"), index, member)
    {
        const char *standing = text_of(member, "standing");
        json_int_t theirs = json_integer_value(json_object_get(member, "newest"));
        if (strcmp(standing, "current") == 0) continue;
        TRY(buffer_format(
            out, "%s %s: it speaks the protocol up to version %lld and this coordinator up to %lld; upgrade %s\n",
            text_of(member, "member"), strcmp(standing, "refused") == 0 ? "is refused" : "is behind", theirs, newest,
            theirs < newest ? "its node" : "the coordinator"));
    }
    return RESULT_OK;
}

struct result overview_lines(struct view json, struct buffer *out)
{
    CLEANUP(json_freep) json_t *status = json_loadb((const char *)json.data, json.length, 0, NULL);
    ENSURE(status, CATEGORY_ENVIRONMENT, "the coordinator answered something that is no status");
    TRY(buffer_format(out, "cofferdam-coordinator %s, roster version %lld with %lld members, %zu runs\n",
                      text_of(status, "version"), json_integer_value(json_object_get(status, "roster_version")),
                      json_integer_value(json_object_get(status, "members")),
                      json_array_size(json_object_get(status, "runs"))));
    TRY(spoken_lines(json_object_get(status, "protocol"), out));
    const json_t *session;
    size_t index;
    json_array_foreach(json_object_get(status, "runs"), index, session)
        TRY(session_lines(session, json_integer_value(json_object_get(status, "now_ms")), out));
    return RESULT_OK;
}

struct result overview_console_lines(struct view text, struct buffer *out)
{
    CLEANUP(json_freep) json_t *json = NULL;
    TRY(json_answer(text, &json));
    return buffer_format(out, CONSOLE_LINES, text_of(json, "url"),
                         (int)json_integer_value(json_object_get(json, "minutes")));
}

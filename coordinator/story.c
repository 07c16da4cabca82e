#include "coordinator/story.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "analytics/json_text.h"
#include "coordinator/overview.h"
#include "coordinator/session.h"
#include "sys/clock.h"

#define PREFIX "daemon/step/" /* and the step: its entry, as JSON */

static json_t *figure_json(const struct task_figure *figure)
{
    return json_pack("{s:s, s:f}", "name", figure->name, "value", figure->value);
}

/* The banks that the sum is without. */
static json_t *missing_json(const struct session *session)
{
    const struct members *cohort = &session->submission.terms.cohort;
    struct members missing = members_none(cohort->size);
    for (unsigned member = members_next(cohort, 0); member; member = members_next(cohort, member))
        if (!members_has(&session->story.survivors, member)) members_add(&missing, member);
    return overview_names(&session->hub->roster, &missing);
}

static struct result entry_text(const struct session *session, struct buffer *out)
{
    const struct fold *fold = secagg_coordinator_fold(session->machine);
    CLEANUP(buffer_done) struct buffer line = {0};
    struct task_figure figure;
    struct tree tree = {0};
    TRY(fold_progress(fold, &line));
    TRY(fold_figure(fold, &figure));
    json_t *entry = json_object();
    tree_put(&tree, entry, "step", tree_count(fold->step));
    tree_put(&tree, entry, "at_ms", tree_count(clock_now_ms()));
    tree_put(&tree, entry, "text", json_stringn((const char *)line.data, line.length));
    if (figure.name && isfinite(figure.value)) tree_put(&tree, entry, "figure", figure_json(&figure));
    if (session->story.proposed) {
        tree_put(&tree, entry, "round", tree_count(session->story.round));
        tree_put(&tree, entry, "missing", missing_json(session));
    }
    struct result result = json_text(tree.failed ? NULL : entry, JSON_COMPACT, out);
    json_decref(entry);
    return result;
}

static struct result keep(const struct session *session)
{
    char key[MACHINE_KEY_MAX];
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(entry_text(session, &text));
    (void)snprintf(key, sizeof key, PREFIX "%05llu", (unsigned long long)session->sums);
    const struct store_record record = {.scope = &session->submission.id, .key = key, .value = buffer_view(&text)};
    return store_commit(session->hub->store, &record, 1);
}

struct result story_look(struct session *session)
{
    struct story *story = &session->story;
    if (!session->machine) return RESULT_OK;
    bool closed = story->seen && session->sums > story->step;
    story->seen = true;
    story->step = session->sums;
    if (closed) {
        TRY(keep(session));
        story->proposed = false;
        return RESULT_OK;
    }
    story->proposed = secagg_coordinator_survivors(session->machine, &story->survivors);
    story->round = secagg_coordinator_round(session->machine);
    return RESULT_OK;
}

static struct result put_entry(void *visitor, const char *key, struct view value)
{
    (void)key;
    struct buffer *out = visitor;
    if (out->data[out->length - 1] != '[') TRY(buffer_text(out, ","));
    return buffer_append(out, value);
}

struct result story_put(struct store *store, const struct hash *run, struct buffer *out)
{
    TRY(buffer_text(out, "["));
    TRY(store_each(store, false, run, PREFIX, put_entry, out));
    return buffer_text(out, "]");
}

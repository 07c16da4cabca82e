#include "coordinator/bundle.h"

#include <stdio.h>
#include <stdlib.h>

#include "coordinator/session.h"
#include "crypto/base/failpoint.h"
#include "sys/log.h"

#define KEY_BUNDLE "daemon/bundle"     /* under the run: how far its file has come */
#define PREFIX_ROSTER "daemon/roster/" /* shared: each version's note */
#define KEY_ROSTER PREFIX_ROSTER "%010u"

void run_bundle_done(struct run_bundle *bundle)
{
    if (bundle->state == RUN_BUNDLE_GROWS) growing_close(&bundle->file);
    *bundle = (struct run_bundle){0};
}

struct result run_bundle_keep_roster(struct hub *hub)
{
    char key[MACHINE_KEY_MAX];
    CLEANUP(buffer_done) struct buffer kept = {0};
    bool found = false;
    (void)snprintf(key, sizeof key, KEY_ROSTER, hub->roster.version);
    TRY(store_load(hub->store, false, NULL, key, &kept, &found));
    if (found && view_equal(buffer_view(&kept), buffer_view(&hub->roster.note))) return RESULT_OK;
    const struct store_record record = {.key = key, .value = buffer_view(&hub->roster.note)};
    return store_commit(hub->store, &record, 1);
}

/* The notes of the rosters that lead to the present one without a gap, oldest first. */
struct history {
    struct buffer *notes;
    size_t count;
};

static void history_clear(struct history *history)
{
    for (size_t i = 0; i < history->count; i++) buffer_done(&history->notes[i]);
    free(history->notes);
    *history = (struct history){0};
}

static struct result history_add(struct history *history, struct view note)
{
    struct buffer *grown = realloc(history->notes, (history->count + 1) * sizeof *grown);
    ENSURE(grown, CATEGORY_ENVIRONMENT, "no memory for the rosters of a run's bundle");
    history->notes = grown;
    history->notes[history->count] = (struct buffer){0};
    TRY(buffer_append(&history->notes[history->count], note));
    history->count++;
    return RESULT_OK;
}

/* What does not lead on to the next version is left out, with all before it. */
static struct result history_extend(struct history *history, struct view note)
{
    CLEANUP(roster_done) struct roster before = {0}, after = {0};
    if (history->count > 0) TRY(roster_parse(buffer_view(&history->notes[history->count - 1]), &before));
    TRY(roster_parse(note, &after));
    if (history->count > 0 && !result_ok(roster_verify_successor(&before, &after))) history_clear(history);
    return history_add(history, note);
}

static struct result history_load(const struct hub *hub, struct history *ret)
{
    for (uint32_t version = 1; version < hub->roster.version; version++) {
        CLEANUP(buffer_done) struct buffer note = {0};
        char key[MACHINE_KEY_MAX];
        bool found = false;
        (void)snprintf(key, sizeof key, KEY_ROSTER, version);
        TRY(store_load(hub->store, false, NULL, key, &note, &found));
        if (found) TRY(history_extend(ret, buffer_view(&note)));
    }
    return history_extend(ret, buffer_view(&hub->roster.note));
}

static struct result record_load(void *context, bool secret, bool shared, const char *key, struct buffer *out,
                                 bool *ret_found)
{
    const struct session *session = context;
    return store_load(session->hub->store, secret, shared ? NULL : &session->submission.id, key, out, ret_found);
}

static struct result sink_append(void *context, struct view bytes)
{
    return growing_append(&((struct run_bundle *)context)->file, bytes);
}

/* Without a bundle a run is still a run. */
static struct result give_up(struct session *session, const char *why)
{
    log_error("run", "%.12s will have no bundle: %s", session->hex, why);
    session->bundle.state = RUN_BUNDLE_OVER;
    return RESULT_OK;
}

static struct result keep_progress(struct session *session)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    TRY(growing_sync(&session->bundle.file));
    TRY(bundle_progress_write(&session->bundle.writer.progress, &value));
    const struct store_record record = {
        .scope = &session->submission.id, .key = KEY_BUNDLE, .value = buffer_view(&value)};
    TRY(store_commit(session->hub->store, &record, 1));
    FAILPOINT("coordinator: the bundle has grown");
    return RESULT_OK;
}

static struct result begin(struct session *session)
{
    CLEANUP(history_clear) struct history history = {0};
    TRY(history_load(session->hub, &history));
    struct view *rosters = calloc(history.count, sizeof *rosters);
    ENSURE(rosters, CATEGORY_ENVIRONMENT, "no memory for a run's bundle");
    for (size_t i = 0; i < history.count; i++) rosters[i] = buffer_view(&history.notes[i]);
    struct result result =
        bundle_begin(&session->bundle.writer, rosters, history.count, buffer_view(&session->submission.bytes));
    free(rosters);
    return result_ok(result) ? keep_progress(session) : result;
}

static struct result open_file(struct session *session)
{
    struct run_bundle *bundle = &session->bundle;
    CLEANUP(buffer_done) struct buffer value = {0};
    char part[FILE_PATH_MAX], whole[FILE_PATH_MAX];
    bool found = false;
    bundle->writer = (struct bundle_writer){
        .sink = {bundle, sink_append},
        .records = {.context = session, .load = record_load},
        .terms = &session->submission.terms,
    };
    TRY(session_path(session, "run.cfd.part", part));
    TRY(session_path(session, "run.cfd", whole));
    TRY(store_load(session->hub->store, false, &session->submission.id, KEY_BUNDLE, &value, &found));
    if (found && !file_exists(part) && file_exists(whole)) {
        bundle->state = RUN_BUNDLE_OVER; /* it was finished, and the run's end not yet kept */
        return RESULT_OK;
    }
    if (found) TRY(bundle_progress_read(buffer_view(&value), &bundle->writer.progress));
    if (!found && secagg_coordinator_fold(session->machine)->step > 0)
        return give_up(session, "it began under a program that wrote none");
    struct result opened = growing_open(part, bundle->writer.progress.length, &bundle->file);
    if (opened.category == CATEGORY_FALSE) return give_up(session, result_reason());
    TRY(opened);
    bundle->state = RUN_BUNDLE_GROWS;
    return found ? RESULT_OK : begin(session);
}

struct result run_bundle_go_on(struct session *session)
{
    struct run_bundle *bundle = &session->bundle;
    if (session->state != SERVICE_RUN_OPEN) return RESULT_OK;
    if (bundle->state == RUN_BUNDLE_CLOSED) TRY(open_file(session));
    if (bundle->state != RUN_BUNDLE_GROWS) return RESULT_OK;
    if (secagg_coordinator_fold(session->machine)->step == bundle->writer.progress.steps) return RESULT_OK;
    TRY(bundle_go_on(&bundle->writer));
    return keep_progress(session);
}

/* A run that was ended from outside its machine has no signed END to close its bundle with. */
static struct result has_end(const struct session *session, bool *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    return store_load(session->hub->store, false, &session->submission.id, "ended", &bytes, ret);
}

struct result run_bundle_finish(struct session *session, struct view model)
{
    struct run_bundle *bundle = &session->bundle;
    char whole[FILE_PATH_MAX];
    bool ended = false;
    if (!session->machine) return RESULT_OK;
    TRY(run_bundle_go_on(session));
    if (bundle->state != RUN_BUNDLE_GROWS) return RESULT_OK;
    TRY(has_end(session, &ended));
    if (!model.length && !ended) return give_up(session, "nobody signed its end");
    TRY(session_path(session, "run.cfd", whole));
    struct result finished = bundle_finish(&bundle->writer, model);
    if (finished.category == CATEGORY_ENVIRONMENT) return finished;
    if (!result_ok(finished)) return give_up(session, result_reason());
    TRY(growing_finish(&bundle->file, whole, 0600));
    bundle->state = RUN_BUNDLE_OVER;
    return RESULT_OK;
}

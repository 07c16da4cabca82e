#include "tests/sim/audit.h"

#include "tests/sim/evidence.h"
#include "tests/support/memory_bundle.h"
#include "tests/support/tamper.h"
#include "tests/support/toy.h"

enum { TAMPERED = 3 }; /* copies of each form */

struct reading {
    const struct scenario *scenario;
    enum bundle_form form;   /* what is passed on, */
    struct bundle_sink sink; /* and where to; none: nothing is */
};

/* What the run computes is the scenario's, not what its plan says. */
static void submitted(void *context, struct submission *submission)
{
    const struct scenario *scenario = ((const struct reading *)context)->scenario;
    submission->plan.rounds = scenario->plan.rounds;
    submission->plan.tolerance = scenario->plan.tolerance;
    submission->plan.on_dropout = scenario->plan.on_dropout;
    submission->plan.privacy = scenario->plan.privacy;
    submission->plan.deadline_hours = scenario->plan.deadline_hours;
    if (!scenario->logistic) submission->terms.task = &toy_task;
}

struct result audit_evidence(struct consortium *consortium, const struct scenario *scenario, unsigned accomplice,
                             uint64_t *proven, uint64_t *stated)
{
    struct reading reading = {.scenario = scenario};
    const struct replay_observer observer = {.context = &reading, .submitted = submitted};
    return evidence_run(consortium, &observer, accomplice, proven, stated);
}

static struct result pass_on(void *context, const struct replay *replay, const struct bundle_entry *entry)
{
    const struct reading *reading = context;
    if (!reading->sink.append) return RESULT_OK;
    return bundle_redact(replay->form, reading->form, (enum bundle_kind)entry->kind, entry->payload, &reading->sink);
}

static struct result finish(struct consortium *consortium, bool *ret_finished)
{
    CLEANUP(buffer_done) struct buffer model = {0}, ended = {0};
    const struct record_source records = records_source(&consortium->parties[0].records);
    *ret_finished = true;
    if (consortium->parties[0].done) {
        TRY(fold_result(secagg_coordinator_fold(consortium->coordinator), consortium->members, &model));
        return bundle_finish(&consortium->bundle, buffer_view(&model));
    }
    TRY(records.load(records.context, false, false, "ended", &ended, ret_finished));
    return *ret_finished ? bundle_finish(&consortium->bundle, view_of(NULL, 0)) : RESULT_OK;
}

/* Tampered copies, none of which may hold. */
static struct result refute(const struct scenario *scenario, struct view bundle, const struct replay_observer *observer)
{
    CLEANUP(pieces_done) struct pieces pieces = {0};
    CLEANUP(buffer_done) struct buffer copy = {0};
    pieces_of(bundle, &pieces);
    for (int times = 0; times < TAMPERED; times++) {
        const char *what = NULL;
        tamper(&pieces, scenario->random, &copy, &what);
        struct result result = memory_replay(buffer_view(&copy), NULL, observer);
        ENSURE(result.category == CATEGORY_FALSE, CATEGORY_FALSE, "with %s the bundle holds all the same", what);
    }
    return RESULT_OK;
}

struct result audit_run(struct consortium *consortium, const struct scenario *scenario, struct buffer *bundle,
                        bool *ret_replayed)
{
    TRY(result_at(finish(consortium, ret_replayed), "the bundle: "));
    if (!*ret_replayed) return RESULT_OK;
    const enum bundle_form form = scenario->seed % 2 ? BUNDLE_SUMS : BUNDLE_PUBLIC;
    CLEANUP(buffer_done) struct buffer redacted = {0};
    struct reading reading = {scenario, form, memory_sink(&redacted)};
    const struct replay_observer observer = {.context = &reading, .submitted = submitted, .entry = pass_on};
    TRY(bundle_put_form(&reading.sink, form));
    TRY(result_at(memory_replay(buffer_view(bundle), &consortium->roster.hash, &observer), "the bundle: "));
    reading.sink = (struct bundle_sink){0};
    TRY(result_at(memory_replay(buffer_view(&redacted), NULL, &observer), "the bundle, redacted: "));
    TRY(refute(scenario, buffer_view(bundle), &observer));
    return refute(scenario, buffer_view(&redacted), &observer);
}

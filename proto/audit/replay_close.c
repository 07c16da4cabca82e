/* What t banks certified: the sum, the state that follows, and the log; and how the run ended. */
#include <stdlib.h>
#include <string.h>

#include "proto/audit/replay.h"
#include "proto/run/note.h"

/* The fold goes on with the sum. In the public form there is none: the banks' word stands for it. */
static struct result advance(struct replay *replay, struct hash *ret_state, struct hash *ret_model)
{
    if (replay->form == BUNDLE_PUBLIC) return RESULT_OK;
    TRY(fold_advance(&replay->fold, replay->round.sum, replay->round.words));
    *ret_state = replay->fold.state_hash;
    replay->counts.steps++;
    return fold_model(&replay->fold, replay->run.thresholds.n, &replay->model, ret_model);
}

/* When the banks signed, by their own clocks. */
static struct result note_times(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct replay_round *round = &replay->round;
    struct wire_list list;
    TRY(wire_list_decode(payload, replay->roster.size, arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct wire_signed one;
        struct wire_close vote;
        TRY(wire_signed_decode(list.items[i], replay->roster.size, arena, &one));
        TRY(wire_close_decode(one.body, replay->roster.size, arena, &vote));
        if (!round->earliest || vote.time < round->earliest) round->earliest = vote.time;
        if (vote.time > round->latest) round->latest = vote.time;
    }
    replay->counts.signatures += list.count; /* each vote's cosignature */
    return RESULT_OK;
}

struct result replay_close(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct replay_round *round = &replay->round;
    struct wire_close closed;
    TRY(run_log_take(&replay->log, &replay->run, payload, arena, &closed));
    ENSURE(closed.round == replay->last && closed.epoch == replay->epoch.epoch &&
               hash_equal(&closed.ctx, &round->ctx) && members_equal(&closed.survivors, &round->survivors) &&
               hash_equal(&closed.headers, &round->headers) && hash_equal(&closed.sum, &round->open.sum),
           CATEGORY_FALSE, "it closes something else than was opened");
    replay->state = closed.state;
    replay->model_hash = closed.model;
    TRY(advance(replay, &replay->state, &replay->model_hash));
    ENSURE(hash_equal(&replay->state, &closed.state) && hash_equal(&replay->model_hash, &closed.model), CATEGORY_FALSE,
           "the banks certified another state or model than follows from the sum");
    TRY(replay_signers(replay, payload, arena, &round->closers));
    TRY(note_times(replay, payload, arena));
    buffer_clear(&replay->certificate);
    TRY(buffer_append(&replay->certificate, payload));
    buffer_clear(&replay->retry);
    replay->fixed = false;
    replay->stage = REPLAY_CHECKPOINT;
    return RESULT_OK;
}

/* The note as it must be: the log's checkpoint, the coordinator's line, and the cosignatures of the certificate. */
static struct result expected_note(struct replay *replay, struct wire_arena *arena, const struct note *note,
                                   struct buffer *out)
{
    const struct roster *roster = &replay->roster;
    struct wire_list list;
    ENSURE(note->lines_count > 0 && !note->lines[0].timed && strcmp(note->lines[0].name, roster->coordinator_name) == 0,
           CATEGORY_FALSE, "the coordinator did not sign it");
    TRY(note_verify_line(note, &note->lines[0], &roster->coordinator));
    TRY(run_log_text(&replay->log, &replay->run.id, out));
    TRY(buffer_u8(out, '\n'));
    TRY(note_signature_line(roster->coordinator_name, &roster->coordinator, &note->lines[0].signature, out));
    TRY(wire_list_decode(buffer_view(&replay->certificate), roster->size, arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct wire_signed one;
        struct wire_close vote;
        TRY(wire_signed_decode(list.items[i], roster->size, arena, &one));
        TRY(wire_close_decode(one.body, roster->size, arena, &vote));
        const struct roster_member *member = &roster->members[one.signer - 1];
        TRY(note_cosignature_line(member->name, &member->node, vote.time, &vote.cosignature, out));
    }
    return RESULT_OK;
}

struct result replay_checkpoint(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    CLEANUP(note_done) struct note note = {0};
    CLEANUP(buffer_done) struct buffer expected = {0};
    TRY(note_parse(payload, &note));
    TRY(expected_note(replay, arena, &note, &expected));
    ENSURE(view_equal(payload, buffer_view(&expected)), CATEGORY_FALSE,
           "it is not the checkpoint of the log with the cosignatures of the certificate");
    replay->counts.signatures++;
    replay->counts.checkpoints++;
    replay->stage = replay->form == BUNDLE_PUBLIC ? REPLAY_NEXT : REPLAY_STATE;
    if (!replay->observer.round) return RESULT_OK;
    return replay->observer.round(replay->observer.context, replay, BUNDLE_CHECKPOINT);
}

struct result replay_state(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    (void)arena;
    ENSURE(view_equal(payload, buffer_view(&replay->fold.state)), CATEGORY_FALSE,
           "it is not the state that follows from the sum");
    replay->stage = REPLAY_NEXT;
    return RESULT_OK;
}

struct result replay_model(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    (void)arena;
    ENSURE(replay->form != BUNDLE_PUBLIC, CATEGORY_FALSE, "the public form holds no model");
    ENSURE(replay->fold.finished, CATEGORY_FALSE, "a model before the last step");
    ENSURE(view_equal(payload, buffer_view(&replay->model)), CATEGORY_FALSE,
           "it is not the model that follows from the sums");
    replay->counts.models++;
    replay->stage = REPLAY_MODEL;
    return RESULT_OK;
}

/* The coordinator's last word, signed as one of `kind`: after which round, and what it rests on. */
static struct result last_word(struct replay *replay, const char *kind, struct view payload, struct wire_arena *arena,
                               struct signed_body *ret)
{
    TRY(replay_signed(replay, kind, WIRE_END, 0, payload, arena, ret));
    ENSURE(ret->end.round == replay->last, CATEGORY_FALSE, "it comes after round %llu, not after round %llu",
           (unsigned long long)ret->end.round, (unsigned long long)replay->last);
    return RESULT_OK;
}

struct result replay_done(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct signed_body body;
    ENSURE(replay->stage == REPLAY_MODEL || replay->form == BUNDLE_PUBLIC, CATEGORY_FALSE,
           "it does not belong here, where the model must come");
    ENSURE(replay->log.tree.size > 0 && replay->retry.length == 0, CATEGORY_FALSE,
           "a run that is done without a closed step, or after a round that was not closed");
    TRY(last_word(replay, "done", payload, arena, &body));
    ENSURE(!hash_is_zero(&replay->model_hash) && hash_equal(&body.end.proof, &replay->model_hash), CATEGORY_FALSE,
           "it names another model than the banks certified with the last step");
    replay->stage = REPLAY_DONE;
    return RESULT_OK;
}

static struct result tell_end(struct replay *replay, unsigned signer, struct view reason)
{
    if (!replay->observer.ended) return RESULT_OK;
    return replay->observer.ended(replay->observer.context, replay, signer, reason);
}

struct result replay_refusal(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct signed_body body;
    struct wire_signed one;
    TRY(wire_signed_decode(payload, replay->roster.size, arena, &one));
    ENSURE(one.signer > 0, CATEGORY_FALSE, "a bank's refusal, signed by the coordinator");
    TRY(replay_signed(replay, "end", WIRE_END, one.signer, payload, arena, &body));
    TRY(buffer_append(&replay->refusal, payload));
    replay->stage = REPLAY_REFUSED;
    return tell_end(replay, one.signer, body.end.reason);
}

struct result replay_ended(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct signed_body body;
    struct hash proof, checkpoint;
    TRY(last_word(replay, "end", payload, arena, &body));
    TRY(run_log_checkpoint(&replay->log, &replay->run.id, &checkpoint));
    TRY(ctx_end_proof(buffer_view(&replay->retry), buffer_view(&replay->refusal), &checkpoint, &proof));
    ENSURE(hash_equal(&proof, &body.end.proof), CATEGORY_FALSE,
           "it rests on another certificate, refusal or log than what comes before it");
    TRY(buffer_append(&replay->end, payload));
    replay->stage = REPLAY_ENDED;
    return tell_end(replay, 0, body.end.reason);
}

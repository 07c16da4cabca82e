/* The order of a bundle: which entry may come where, and who takes it. What each means is in replay_epoch.c,
 * replay_round.c and replay_close.c. */
#include "proto/audit/replay.h"

#include <stdlib.h>

/* stage × kind → handler; what is not here does not belong there. */
static replay_handler *const handlers[REPLAY_STAGES][BUNDLE_KINDS] = {
    [REPLAY_ROSTER] = {[BUNDLE_ROSTER] = replay_roster},
    [REPLAY_RUN] = {[BUNDLE_ROSTER] = replay_roster, [BUNDLE_RUN] = replay_submission},
    [REPLAY_NEXT] = {[BUNDLE_P1] = replay_p1,
                     [BUNDLE_R0] = replay_r0,
                     [BUNDLE_MODEL] = replay_model,
                     [BUNDLE_REFUSAL] = replay_refusal,
                     [BUNDLE_END] = replay_ended,
                     [BUNDLE_DONE] = replay_done},
    [REPLAY_ACK] = {[BUNDLE_ACK] = replay_ack},
    [REPLAY_FIRST] = {[BUNDLE_R0] = replay_r0},
    [REPLAY_TERMS] = {[BUNDLE_VOID] = replay_void,
                      [BUNDLE_SUPERSEDED] = replay_superseded,
                      [BUNDLE_R2] = replay_r2,
                      [BUNDLE_REFUSAL] = replay_refusal,
                      [BUNDLE_END] = replay_ended},
    [REPLAY_HEADERS] = {[BUNDLE_R1] = replay_r1},
    [REPLAY_OPEN] = {[BUNDLE_OPEN] = replay_open},
    [REPLAY_SECRETS] = {[BUNDLE_SECRETS] = replay_secrets},
    [REPLAY_INPUTS] = {[BUNDLE_INPUT] = replay_input},
    [REPLAY_SUMS] = {[BUNDLE_SUM] = replay_sum},
    [REPLAY_CLOSE] = {[BUNDLE_CLOSE] = replay_close},
    [REPLAY_CHECKPOINT] = {[BUNDLE_CHECKPOINT] = replay_checkpoint},
    [REPLAY_STATE] = {[BUNDLE_STATE] = replay_state},
    [REPLAY_MODEL] = {[BUNDLE_DONE] = replay_done},
    [REPLAY_REFUSED] = {[BUNDLE_END] = replay_ended},
};

static const char *const wanted[REPLAY_STAGES] = {
    [REPLAY_ROSTER] = "the roster",
    [REPLAY_RUN] = "the submission",
    [REPLAY_NEXT] = "a round, new keys, or the end",
    [REPLAY_ACK] = "the ACK of the keys",
    [REPLAY_FIRST] = "R0 of the first round with these keys",
    [REPLAY_TERMS] = "how the round was decided",
    [REPLAY_HEADERS] = "the R1 headers",
    [REPLAY_OPEN] = "OPEN",
    [REPLAY_SECRETS] = "the revealed secrets",
    [REPLAY_INPUTS] = "a masked input",
    [REPLAY_SUMS] = "the sum",
    [REPLAY_CLOSE] = "the CLOSE certificate",
    [REPLAY_CHECKPOINT] = "the checkpoint",
    [REPLAY_STATE] = "the state",
    [REPLAY_MODEL] = "DONE",
    [REPLAY_REFUSED] = "END",
    [REPLAY_DONE] = "nothing more",
    [REPLAY_ENDED] = "nothing more",
};

struct result replay_new(enum bundle_form form, const struct replay_observer *observer, struct replay **ret)
{
    struct replay *replay = calloc(1, sizeof *replay);
    ENSURE(replay, CATEGORY_ENVIRONMENT, "out of memory for a bundle");
    replay->form = form;
    if (observer) replay->observer = *observer;
    *ret = replay;
    return RESULT_OK;
}

void replay_round_done(struct replay_round *round)
{
    free(round->sum);
    mask_set_free(round->unmasking);
    *round = (struct replay_round){0};
}

void replay_free(struct replay *replay)
{
    if (!replay) return;
    replay_round_done(&replay->round);
    fold_done(&replay->fold);
    provision_done(&replay->epoch);
    free(replay->approvals);
    submission_done(&replay->submission);
    roster_done(&replay->roster);
    buffer_done(&replay->retry);
    buffer_done(&replay->certificate);
    buffer_done(&replay->model);
    buffer_done(&replay->refusal);
    buffer_done(&replay->end);
    free(replay);
}

void replay_freep(struct replay **replay)
{
    replay_free(*replay);
    *replay = NULL;
}

struct result replay_signed(struct replay *replay, const char *kind, enum wire_type type, unsigned signer,
                            struct view bytes, struct wire_arena *arena, struct signed_body *ret)
{
    TRY(signed_read(&replay->run, kind, type, bytes, arena, ret));
    ENSURE(ret->message.signer == signer, CATEGORY_FALSE, "%s is signed by %s, not by %s", kind,
           run_member(&replay->run, ret->message.signer), run_member(&replay->run, signer));
    replay->counts.signatures++;
    return RESULT_OK;
}

struct result replay_signers(struct replay *replay, struct view bytes, struct wire_arena *arena, struct members *ret)
{
    struct wire_list list;
    unsigned size = replay->roster.size, before = 0;
    *ret = members_none(size);
    TRY(wire_list_decode(bytes, size, arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct wire_signed one;
        TRY(wire_signed_decode(list.items[i], size, arena, &one));
        ENSURE(one.signer > before, CATEGORY_FALSE, "its signatures are not in roster order");
        before = one.signer;
        members_add(ret, one.signer);
    }
    replay->counts.signatures += list.count;
    replay->counts.certificates++;
    return RESULT_OK;
}

struct result replay_take(struct replay *replay, const struct bundle_entry *entry, const struct hash *fingerprint)
{
    replay_handler *handler = handlers[replay->stage][entry->kind];
    ENSURE(handler, CATEGORY_FALSE, "it does not belong here, where %s must come", wanted[replay->stage]);
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    if (replay->observer.met) TRY(replay->observer.met(replay->observer.context, replay, entry));
    TRY(handler(replay, entry->payload, &arena));
    replay->counts.entries++;
    if (entry->kind == BUNDLE_ROSTER && fingerprint && hash_equal(&replay->roster.hash, fingerprint))
        replay->known = true;
    ENSURE(entry->kind != BUNDLE_RUN || !fingerprint || replay->known, CATEGORY_FALSE,
           "no roster of this bundle has the fingerprint that was asked for");
    return replay->observer.entry ? replay->observer.entry(replay->observer.context, replay, entry) : RESULT_OK;
}

struct result replay_end(const struct replay *replay)
{
    ENSURE(replay->stage == REPLAY_DONE || replay->stage == REPLAY_ENDED, CATEGORY_FALSE,
           "the bundle ends where %s must come", wanted[replay->stage]);
    return RESULT_OK;
}

static struct result next(struct bundle_reader *reader, struct replay *replay, const struct hash *fingerprint,
                          bool *ret_got)
{
    struct bundle_entry entry = {0};
    struct result result = bundle_next(reader, &entry, ret_got);
    replay->counts.bytes = reader->offset;
    if (result_ok(result) && *ret_got) result = replay_take(replay, &entry, fingerprint);
    if (result_ok(result) && !*ret_got) result = replay_end(replay);
    /* What is wrong here was a peer's message once; now it is what was asked about. */
    if (result.category == CATEGORY_PEER || result.category == CATEGORY_USAGE) result.category = CATEGORY_FALSE;
    return result_at(result, "entry %llu (%s, byte %llu): ", (unsigned long long)entry.number,
                     entry.kind ? bundle_kind_name(entry.kind) : "the end", (unsigned long long)entry.offset);
}

struct result replay_bundle(const struct bundle_source *source, const struct hash *fingerprint,
                            const struct replay_observer *observer, struct replay **ret)
{
    CLEANUP(bundle_reader_done) struct bundle_reader reader = {0};
    bool got = true;
    TRY(bundle_reader_open(source, &reader));
    TRY(replay_new(reader.form, observer, ret));
    while (got) TRY(next(&reader, *ret, fingerprint, &got));
    return RESULT_OK;
}

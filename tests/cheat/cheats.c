/* The cheats. Each fills play->out, or leaves it empty when it cannot be played in this reply. */
#include <string.h>

#include "tests/cheat/play.h"

/* ---- the offer of a run: other bytes of the plan, one bank less; both under the submitter's signature */

static struct result change_offer(struct play *play, bool plan)
{
    CLEANUP(buffer_done) struct buffer note = {0}, bytes = {0}, items = {0};
    struct reader reader =
        reader_of(view_of(play->frame.data + FRAME_PAYLOAD, play->frame.length - FRAME_PAYLOAD), "offers");
    struct service_item item;
    struct service_submission submission;
    bool got = false;
    TRY(service_item_read(&reader, &item, &got));
    if (!got || item.kind != SERVICE_ITEM_OFFER) return RESULT_OK;
    TRY(service_submission_read(item.bytes, size_of(play), &submission));
    TRY(copy(&note, submission.plan_note));
    if (plan)
        note.data[note.length / 2] ^= 1;
    else
        members_remove(&submission.cohort, size_of(play));
    submission.plan_note = buffer_view(&note);
    TRY(service_submission_write(&submission, &bytes));
    item.bytes = buffer_view(&bytes);
    TRY(service_item_write(&item, &items));
    return send_frame(play, SERVICE_OFFERS, NULL, buffer_view(&items));
}

static struct result play_offer_plan(struct play *play)
{
    return change_offer(play, true);
}

static struct result play_offer_cohort(struct play *play)
{
    return change_offer(play, false);
}

/* ---- provisioning: lists of what the banks signed */

enum { LIST_SHORT, LIST_DOUBLED, LIST_SWAPPED };

/* One item less, the last one a second time, or the last two in each other's place. */
static struct result change_list(const struct play *play, int how)
{
    const struct wire_list *old = &play->message->list;
    struct view items[MEMBERS_MAX + 1];
    if (old->count < 2 || old->count > MEMBERS_MAX) return RESULT_OK;
    memcpy(items, old->items, old->count * sizeof *items);
    struct wire_list list = {items, old->count};
    struct view last = items[list.count - 1];
    if (how == LIST_SHORT) list.count--;
    if (how == LIST_DOUBLED) items[list.count - 2] = last;
    if (how == LIST_SWAPPED) {
        items[list.count - 1] = items[list.count - 2];
        items[list.count - 2] = last;
    }
    return send(play, play->message->kind, &list);
}

static struct result play_short_list(struct play *play)
{
    return change_list(play, LIST_SHORT);
}

static struct result play_doubled(struct play *play)
{
    return change_list(play, LIST_DOUBLED);
}

static struct result play_swapped(struct play *play)
{
    return change_list(play, LIST_SWAPPED);
}

/* A key of its own in what a bank signed: the last byte of the first body that is not a signature's. */
static struct result play_changed_item(struct play *play)
{
    const struct wire_list *old = &play->message->list;
    struct view items[MEMBERS_MAX];
    struct wire_signed one;
    CLEANUP(buffer_done) struct buffer body = {0}, changed = {0};
    if (old->count < 1 || old->count > MEMBERS_MAX) return RESULT_OK;
    memcpy(items, old->items, old->count * sizeof *items);
    TRY(wire_signed_decode(items[0], size_of(play), play->arena, &one));
    TRY(copy(&body, one.body));
    body.data[body.length - 40] ^= 1;
    one.body = buffer_view(&body);
    TRY(wire_signed_encode(&one, &changed));
    items[0] = buffer_view(&changed);
    const struct wire_list list = {items, old->count};
    return send(play, play->message->kind, &list);
}

/* What was sealed for another bank. */
static struct result play_misdelivered(struct play *play)
{
    struct view items[MEMBERS_MAX];
    struct wire_list list = {items, 0};
    unsigned other = play->member == 1 ? 2 : 1;
    for (unsigned dealer = 1; dealer <= size_of(play); dealer++) {
        struct wire_list dealt;
        TRY(wire_list_decode(buffer_view(&memory.p2[dealer]), size_of(play), play->arena, &dealt));
        if (dealt.count < other) return RESULT_OK;
        items[list.count++] = dealt.items[other - 1];
    }
    return send(play, MESSAGE_P2S, &list);
}

/* ---- R0 */

struct round_change {
    struct wire_r0 body;
    struct wire_round round;
    bool unsigned_; /* the signature is another body's */
};

static struct result read_round(const struct play *play, struct round_change *ret)
{
    struct wire_signed one;
    ret->round = play->message->round;
    TRY(wire_signed_decode(ret->round.r0, size_of(play), play->arena, &one));
    return wire_r0_decode(one.body, size_of(play), play->arena, &ret->body);
}

static struct result send_round(const struct play *play, const struct round_change *change)
{
    CLEANUP(buffer_done) struct buffer r0 = {0};
    TRY(sign(play, change->unsigned_ ? "open" : "r0", WIRE_R0, &change->body, &r0));
    struct wire_round round = change->round;
    round.r0 = buffer_view(&r0);
    return send(play, MESSAGE_ROUND, &round);
}

#define PLAY_ROUND(name, statement)                                                                                    \
    static struct result play_r0_##name(struct play *play)                                                             \
    {                                                                                                                  \
        struct round_change change = {0};                                                                              \
        TRY(read_round(play, &change));                                                                                \
        struct wire_r0 *r0 = &change.body;                                                                             \
        statement;                                                                                                     \
        return send_round(play, &change);                                                                              \
    }
PLAY_ROUND(state, r0->state.bytes[0] ^= 1)
PLAY_ROUND(plan, r0->plan.bytes[0] ^= 1)
PLAY_ROUND(roster, r0->roster.bytes[0] ^= 1)
PLAY_ROUND(set, r0->set.bytes[0] ^= 1)
PLAY_ROUND(layout, r0->layout.bytes[0] ^= 1)
PLAY_ROUND(checkpoint, r0->checkpoint.bytes[0] ^= 1)
PLAY_ROUND(run, r0->run.bytes[0] ^= 1)
PLAY_ROUND(ahead, r0->step++)
PLAY_ROUND(epoch, r0->epoch++)
PLAY_ROUND(retry, r0->retry.bytes[0] ^= 1)
PLAY_ROUND(kind, (void)r0; change.unsigned_ = true)
PLAY_ROUND(back, if (r0->round < 3) return RESULT_OK; r0->round -= 2)

/* A round that was, again. */
static struct result play_r0_first(struct play *play)
{
    const struct buffer *first = &memory.first[play->member];
    if (!first->length || view_equal(buffer_view(first), play->frame)) return RESULT_OK;
    play->whole = true;
    return copy(play->out, buffer_view(first));
}

/* The certificate on the sum before: without its last vote, that vote replaced by another twice, none, an older one. */
static struct result change_close(const struct play *play, int how)
{
    struct wire_round round = play->message->round;
    struct wire_list list;
    struct view items[MEMBERS_MAX];
    CLEANUP(buffer_done) struct buffer close = {0};
    if (!round.close.length) return RESULT_OK;
    TRY(wire_list_decode(round.close, size_of(play), play->arena, &list));
    memcpy(items, list.items, list.count * sizeof *items);
    if (how == LIST_DOUBLED) items[list.count - 1] = items[0];
    list = (struct wire_list){items, list.count - (how == LIST_SHORT)};
    TRY(wire_list_encode(&list, &close));
    round.close = buffer_view(&close);
    return send(play, MESSAGE_ROUND, &round);
}

static struct result play_close_short(struct play *play)
{
    return change_close(play, LIST_SHORT);
}

static struct result play_close_doubled(struct play *play)
{
    return change_close(play, LIST_DOUBLED);
}

static struct result play_close_none(struct play *play)
{
    struct wire_round round = play->message->round;
    if (!round.close.length) return RESULT_OK;
    round.close = (struct view){0};
    return send(play, MESSAGE_ROUND, &round);
}

static struct result play_close_old(struct play *play)
{
    struct wire_round round = play->message->round;
    if (!memory.close.length || !round.close.length) return RESULT_OK;
    round.close = buffer_view(&memory.close);
    return send(play, MESSAGE_ROUND, &round);
}

static struct result play_finished_early(struct play *play)
{
    struct view close = play->message->round.close;
    return close.length ? send_raw(play, MESSAGE_FINISHED, close) : RESULT_OK;
}

/* In place of the proposal: the round opened once more, with another model. */
static struct result play_r0_second(struct play *play)
{
    CLEANUP(buffer_done) struct buffer r0 = {0};
    struct wire_r0 terms = play->session->machine->round.terms;
    terms.state.bytes[0] ^= 1;
    TRY(sign(play, "r0", WIRE_R0, &terms, &r0));
    const struct wire_round round = {.r0 = buffer_view(&r0)};
    return send(play, MESSAGE_ROUND, &round);
}

/* ---- R2 and VOID */

static struct result send_proposal(const struct play *play, unsigned without, bool other_headers, bool path)
{
    const struct wire_proposal *old = &play->message->proposal;
    struct wire_signed one;
    struct wire_r2 body;
    CLEANUP(buffer_done) struct buffer changed = {0};
    TRY(wire_signed_decode(old->proposal, size_of(play), play->arena, &one));
    TRY(wire_r2_decode(one.body, size_of(play), play->arena, &body));
    if (without) members_remove(&body.survivors, without);
    if (other_headers) body.headers.bytes[0] ^= 1;
    TRY(sign(play, "r2", WIRE_R2, &body, &changed));
    struct wire_proposal proposal = {.proposal = buffer_view(&changed), .path = path ? old->path : (struct view){0}};
    return send(play, MESSAGE_PROPOSAL, &proposal);
}

static struct result play_u_without_another(struct play *play)
{
    return send_proposal(play, play->member == 1 ? 2 : 1, false, true);
}

static struct result play_u_without_it(struct play *play)
{
    return send_proposal(play, play->member, false, true);
}

static struct result play_m_other(struct play *play)
{
    return send_proposal(play, 0, true, true);
}

static struct result play_m_no_path(struct play *play)
{
    return send_proposal(play, 0, false, false);
}

/* In place of the certificate: another U, when the bank has signed one already. */
static struct result play_u_second(struct play *play)
{
    struct wire_list list;
    struct wire_signed one;
    struct wire_r2 body;
    CLEANUP(buffer_done) struct buffer changed = {0};
    TRY(wire_list_decode(play->message->payload, size_of(play), play->arena, &list));
    TRY(wire_signed_decode(list.items[0], size_of(play), play->arena, &one));
    TRY(wire_r2_decode(one.body, size_of(play), play->arena, &body));
    members_remove(&body.survivors, play->member == 1 ? 2 : 1);
    body.counter = 0;
    TRY(sign(play, "r2", WIRE_R2, &body, &changed));
    struct wire_proposal proposal = {.proposal = buffer_view(&changed)};
    return send(play, MESSAGE_PROPOSAL, &proposal);
}

static struct result void_signed(const struct play *play, struct buffer *out)
{
    const struct secagg_coordinator *machine = play->session->machine;
    struct wire_void body = {
        .run = machine->run.id, .epoch = machine->round.terms.epoch, .round = machine->round.terms.round};
    return sign(play, "void", WIRE_VOID, &body, out);
}

/* Asks one bank alone to void the round. */
static struct result play_void_one(struct play *play)
{
    CLEANUP(buffer_done) struct buffer one = {0};
    TRY(void_signed(play, &one));
    return send_raw(play, MESSAGE_VOID_PROPOSAL, buffer_view(&one));
}

/* A certificate that the round is void: v votes, all of them the coordinator's, or one bank's from some round. */
static struct result send_void_certificate(const struct play *play, struct view vote)
{
    struct view items[MEMBERS_MAX];
    struct wire_list list = {items, play->session->machine->run.thresholds.v};
    for (size_t i = 0; i < list.count; i++) items[i] = vote;
    return send(play, MESSAGE_VOID_CERTIFICATE, &list);
}

static struct result play_void_own(struct play *play)
{
    CLEANUP(buffer_done) struct buffer one = {0};
    TRY(void_signed(play, &one));
    return send_void_certificate(play, buffer_view(&one));
}

static struct result play_void_doubled(struct play *play)
{
    for (unsigned i = 1; i <= size_of(play); i++)
        if (memory.voids[i].length) return send_void_certificate(play, buffer_view(&memory.voids[i]));
    return RESULT_OK;
}

static struct result play_void_alone(struct play *play)
{
    for (unsigned i = 1; i <= size_of(play); i++) {
        if (!memory.voids[i].length) continue;
        struct view item = buffer_view(&memory.voids[i]);
        const struct wire_list list = {&item, 1};
        return send(play, MESSAGE_VOID_CERTIFICATE, &list);
    }
    return RESULT_OK;
}

/* ---- the end, and what is no message of the protocol */

static struct result send_end(const struct play *play, const char *kind, bool other_run)
{
    CLEANUP(buffer_done) struct buffer one = {0};
    struct wire_end end = {.run = play->session->submission.id, .reason = view_text("because I say so")};
    if (other_run) end.run.bytes[0] ^= 1;
    TRY(sign(play, kind, WIRE_END, &end, &one));
    return send_raw(play, MESSAGE_ENDED, buffer_view(&one));
}

static struct result play_end(struct play *play)
{
    return send_end(play, "end", false);
}

/* As another kind of message is signed. */
static struct result play_end_other_kind(struct play *play)
{
    return send_end(play, "open", false);
}

static struct result play_end_other_run(struct play *play)
{
    return send_end(play, "end", true);
}

static struct result play_wait(struct play *play)
{
    return send_frame(play, SERVICE_WAIT, &play->session->submission.id, (struct view){0});
}

/* Nothing to check the sum with; and, once the others have closed it, their certificate. */
static struct result play_closed_for_pieces(struct play *play)
{
    const struct secagg_coordinator *machine = play->session->machine;
    if (machine->fold.step == 0) return play_wait(play);
    struct wire_closed closed = {.step = 0, .close = buffer_view(&machine->close)};
    return send(play, MESSAGE_CLOSED, &closed);
}

static struct result play_replay(struct play *play)
{
    const struct buffer *last = &memory.reply[play->member];
    if (!last->length || last->data[FRAME_KIND] != SERVICE_RUN) return RESULT_OK;
    play->whole = true;
    return copy(play->out, buffer_view(last));
}

/* Before its own was sent, what another bank got. */
static struct result play_misdirected(struct play *play)
{
    const struct buffer *last = &memory.reply[play->member == 1 ? 2 : 1];
    if (!last->length || last->data[FRAME_KIND] != SERVICE_RUN || last->data[FRAME_MESSAGE_KIND] != MESSAGE_PROPOSAL)
        return RESULT_OK;
    play->whole = true;
    return copy(play->out, buffer_view(last));
}

static struct result play_cut_off(struct play *play)
{
    play->whole = true;
    return copy(play->out, view_of(play->frame.data, play->frame.length - 1));
}

static struct result play_too_long(struct play *play)
{
    play->whole = true;
    TRY(copy(play->out, play->frame));
    return copy(play->out, view_text("!"));
}

static struct result play_garbage(struct play *play)
{
    play->whole = true;
    return copy(play->out, view_text("GET / HTTP/1.1\r\n\r\n"));
}

static struct result play_other_run(struct play *play)
{
    struct hash run = play->session->submission.id;
    run.bytes[0] ^= 1;
    return send_frame(play, SERVICE_RUN, &run, view_of(play->frame.data + FRAME_MESSAGE_KIND - 1, 2));
}

static struct result play_empty(struct play *play)
{
    return send_frame(play, SERVICE_RUN, &play->session->submission.id, (struct view){0});
}

static struct result play_version(struct play *play)
{
    play->whole = true;
    TRY(copy(play->out, play->frame));
    play->out->data[4]++;
    return RESULT_OK;
}

static struct result play_request(struct play *play) /* what only banks send */
{
    return send_raw(play, MESSAGE_VOTE, view_of(play->frame.data, 40));
}

static const struct cheat cheats[] = {
    {"offer-plan", CHEAT_OFFERS, play_offer_plan},
    {"offer-cohort", CHEAT_OFFERS, play_offer_cohort},
    {"attestations-short", MESSAGE_JOINED, play_short_list},
    {"attestations-doubled", MESSAGE_JOINED, play_doubled},
    {"attestations-changed", MESSAGE_JOINED, play_changed_item},
    {"p1-short", MESSAGE_P1S, play_short_list},
    {"p1-doubled", MESSAGE_P1S, play_doubled},
    {"p1-swapped", MESSAGE_P1S, play_swapped},
    {"p1-changed", MESSAGE_P1S, play_changed_item},
    {"p2-short", MESSAGE_P2S, play_short_list},
    {"p2-doubled", MESSAGE_P2S, play_doubled},
    {"p2-changed", MESSAGE_P2S, play_changed_item},
    {"p2-misdelivered", MESSAGE_P2S, play_misdelivered},
    {"acks-short", MESSAGE_ACKS, play_short_list},
    {"acks-swapped", MESSAGE_ACKS, play_swapped},
    {"acks-changed", MESSAGE_ACKS, play_changed_item},
    {"r0-state", MESSAGE_ROUND, play_r0_state},
    {"r0-plan", MESSAGE_ROUND, play_r0_plan},
    {"r0-roster", MESSAGE_ROUND, play_r0_roster},
    {"r0-set", MESSAGE_ROUND, play_r0_set},
    {"r0-layout", MESSAGE_ROUND, play_r0_layout},
    {"r0-checkpoint", MESSAGE_ROUND, play_r0_checkpoint},
    {"r0-run", MESSAGE_ROUND, play_r0_run},
    {"r0-ahead", MESSAGE_ROUND, play_r0_ahead},
    {"r0-epoch", MESSAGE_ROUND, play_r0_epoch},
    {"r0-retry", MESSAGE_ROUND, play_r0_retry},
    {"r0-kind", MESSAGE_ROUND, play_r0_kind},
    {"r0-back", MESSAGE_ROUND, play_r0_back},
    {"r0-first", MESSAGE_ROUND, play_r0_first},
    {"r0-second", MESSAGE_PROPOSAL, play_r0_second},
    {"close-short", MESSAGE_ROUND, play_close_short},
    {"close-doubled", MESSAGE_ROUND, play_close_doubled},
    {"close-none", MESSAGE_ROUND, play_close_none},
    {"close-old", MESSAGE_ROUND, play_close_old},
    {"finished-early", MESSAGE_ROUND, play_finished_early},
    {"finished-short", MESSAGE_FINISHED, play_short_list},
    {"u-without-another", MESSAGE_PROPOSAL, play_u_without_another},
    {"u-without-it", MESSAGE_PROPOSAL, play_u_without_it},
    {"u-second", MESSAGE_CERTIFICATE, play_u_second},
    {"m-other", MESSAGE_PROPOSAL, play_m_other},
    {"m-no-path", MESSAGE_PROPOSAL, play_m_no_path},
    {"certificate-short", MESSAGE_CERTIFICATE, play_short_list},
    {"certificate-doubled", MESSAGE_CERTIFICATE, play_doubled},
    {"certificate-changed", MESSAGE_CERTIFICATE, play_changed_item},
    {"void-one", MESSAGE_PROPOSAL, play_void_one},
    {"void-own", MESSAGE_PROPOSAL, play_void_own},
    {"void-doubled", MESSAGE_PROPOSAL, play_void_doubled},
    {"void-alone", MESSAGE_PROPOSAL, play_void_alone},
    {"void-for-u", MESSAGE_CERTIFICATE, play_void_own},
    {"open-sum", MESSAGE_OPENED, play_open_sum},
    {"open-ctx", MESSAGE_OPENED, play_open_ctx},
    {"open-set", MESSAGE_OPENED, play_open_set},
    {"open-headers", MESSAGE_OPENED, play_open_headers},
    {"secret-false", MESSAGE_OPENED, play_secret_false},
    {"secret-signed", MESSAGE_OPENED, play_secret_signed},
    {"open-second", MESSAGE_PIECES, play_open_second},
    {"secret-missing", MESSAGE_OPENED, play_secret_missing},
    {"header-swapped", MESSAGE_OPENED, play_header_swapped},
    {"leaves-swapped", MESSAGE_OPENED, play_leaves_swapped},
    {"word-changed", MESSAGE_PIECES, play_word_changed},
    {"pieces-of-another", MESSAGE_PIECES, play_pieces_of_another},
    {"closed-for-pieces", MESSAGE_PIECES, play_closed_for_pieces},
    {"sum-changed", MESSAGE_SUM_PIECE, play_sum_changed},
    {"closed-short", MESSAGE_CLOSED, play_closed_short},
    {"bundle-checkpoint", CHEAT_BUNDLE, play_bundle_checkpoint},
    {"end", 0, play_end},
    {"end-other-kind", 0, play_end_other_kind},
    {"end-other-run", 0, play_end_other_run},
    {"wait", 0, play_wait},
    {"replay", MESSAGE_OPENED, play_replay},
    {"misdirected", MESSAGE_PROPOSAL, play_misdirected},
    {"cut-off", 0, play_cut_off},
    {"too-long", 0, play_too_long},
    {"garbage", 0, play_garbage},
    {"other-run", 0, play_other_run},
    {"empty", 0, play_empty},
    {"version", 0, play_version},
    {"request", 0, play_request},
};

const struct cheat *cheat_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof cheats / sizeof *cheats; i++)
        if (strlen(cheats[i].name) == length && memcmp(cheats[i].name, name, length) == 0) return &cheats[i];
    return NULL;
}

#include "tests/support/stages.h"

const struct stage stage_replies[] = {
    {MESSAGE_JOINED, WIRE_ATTEST, "attest", 2},
    {MESSAGE_P1S, WIRE_P1, "p1", 1},
    {MESSAGE_P2S, WIRE_P2, "p2", 1},
    {MESSAGE_ACKS, WIRE_ACK, "ack", 1},
    {MESSAGE_ROUND, WIRE_R0, "r0", 0},
    {MESSAGE_PROPOSAL, WIRE_R2, "r2", 0},
    {MESSAGE_VOID_PROPOSAL, WIRE_VOID, "void", 0},
    {MESSAGE_CERTIFICATE, WIRE_R2, "r2", 1},
    {MESSAGE_VOID_CERTIFICATE, WIRE_VOID, "void", 1},
    {MESSAGE_OPENED, WIRE_OPEN, "open", 0},
    {MESSAGE_PIECES, WIRE_PIECES, "open", 0},
    {MESSAGE_CLOSED, WIRE_CLOSE, "close", 1},
    {MESSAGE_FINISHED, WIRE_CLOSE, "close", 1},
    {MESSAGE_ENDED, WIRE_END, "end", 0},
};
const size_t stage_replies_count = sizeof stage_replies / sizeof *stage_replies;

const struct stage stage_requests[] = {
    {MESSAGE_JOIN, WIRE_JOIN, "join", 1},    {MESSAGE_P1, WIRE_P1, "p1", 1},
    {MESSAGE_P2, WIRE_P2, "p2", 1},          {MESSAGE_ACK, WIRE_ACK, "ack", 1},
    {MESSAGE_HEADER, WIRE_R1, "r1", 1},      {MESSAGE_VOTE, WIRE_R2, "r2", 1},
    {MESSAGE_RELEASE, WIRE_R3, "r3", 1},     {MESSAGE_FETCH, WIRE_FETCH, "close", 1},
    {MESSAGE_AWAIT, WIRE_CLOSE, "close", 1}, {MESSAGE_VOID, WIRE_VOID, "void", 1},
    {MESSAGE_REFUSE, WIRE_END, "end", 1},
};
const size_t stage_requests_count = sizeof stage_requests / sizeof *stage_requests;

enum message_kind stage_held_up_by(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_VOID_PROPOSAL:
    case MESSAGE_VOID:
        return MESSAGE_PROPOSAL;
    case MESSAGE_VOID_CERTIFICATE:
        return MESSAGE_CERTIFICATE;
    case MESSAGE_CLOSED:
    case MESSAGE_ENDED:
    case MESSAGE_REFUSE:
        return MESSAGE_ROUND;
    default:
        return kind;
    }
}

struct result stage_reach(struct cohort *cohort, const struct stage *stage, bool reply)
{
    static const struct cohort_config config = {.banks = 3, .words = 3, .rounds = 1, .epoch_rounds = 1, .seed = 9};
    TRY(cohort_init(&config, cohort));
    cohort_lose(cohort, stage_held_up_by(stage->kind), reply ? 0 : 1, true);
    TRY(cohort_start_all(cohort));
    return cohort_pump(cohort);
}

struct result stage_wrap(const struct cohort *cohort, const struct stage *stage, struct view body, struct buffer *out)
{
    struct wire_signed one = {.body = body, .signer = stage->signer};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(sign_bytes(cohort->keys[stage->signer], stage->label, body, &one.signature));
    TRY(wire_signed_encode(&one, &bytes));
    struct view item = buffer_view(&bytes);
    struct wire_list list = {&item, 1};
    switch (stage->kind) {
    case MESSAGE_ROUND: {
        struct wire_round round = {.r0 = item};
        return message_encode(stage->kind, &round, out);
    }
    case MESSAGE_PROPOSAL: {
        struct wire_proposal proposal = {.proposal = item};
        return message_encode(stage->kind, &proposal, out);
    }
    case MESSAGE_OPENED: {
        struct wire_opened opened = {.open = item, .secrets = item, .headers = list};
        return message_encode(stage->kind, &opened, out);
    }
    case MESSAGE_CLOSED: {
        CLEANUP(buffer_done) struct buffer certificate = {0};
        TRY(wire_list_encode(&list, &certificate));
        struct wire_closed closed = {.close = buffer_view(&certificate)};
        return message_encode(stage->kind, &closed, out);
    }
    case MESSAGE_HEADER: {
        struct wire_header header = {.header = item, .leaves = view_of(one.signature.bytes, 32)};
        return message_encode(stage->kind, &header, out);
    }
    case MESSAGE_AWAIT: {
        struct wire_await await = {.close = item};
        return message_encode(stage->kind, &await, out);
    }
    case MESSAGE_PIECES:
    case MESSAGE_FETCH: /* nothing in them is signed */
        return message_wrap(stage->kind, body, out);
    case MESSAGE_P1S:
    case MESSAGE_P2S:
    case MESSAGE_P2:
    case MESSAGE_ACKS:
    case MESSAGE_JOINED:
    case MESSAGE_CERTIFICATE:
    case MESSAGE_VOID_CERTIFICATE:
    case MESSAGE_FINISHED:
        return message_encode(stage->kind, &list, out);
    default:
        return message_encode(stage->kind, &one, out);
    }
}

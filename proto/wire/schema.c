#include "proto/wire/schema.h"

#include <assert.h>
#include <stddef.h>

#include "proto/schema/secagg.pb-c.h"

/* A signed message with its framing: the largest is an R3 of MEMBERS_MAX shares with paths. */
#define SIGNED_MOST ((uint64_t)1 << 20)
#define CERTIFICATE_MOST ((uint64_t)2 << 20)
#define CHUNKS_MOST (SUM_WORDS_MAX / CHUNK_WORDS)
#define ROUNDS_MOST RUN_ROUNDS_MAX
#define SEALED_MOST ((uint64_t)EPOCH_ROUNDS_MAX * 2 * 32 + WIRE_PATH_MAX + 64)
#define LEAVES_MOST ((uint64_t)MEMBERS_MAX * EPOCH_ROUNDS_MAX * 2)

#define U32(type, field, low, high)                                                                                    \
    {                                                                                                                  \
        RULE_U32, offsetof(struct wire_##type, field), low, high, 0                                                    \
    }
#define U64(type, field, low, high)                                                                                    \
    {                                                                                                                  \
        RULE_U64, offsetof(struct wire_##type, field), low, high, 0                                                    \
    }
#define BYTES(type, field)                                                                                             \
    {                                                                                                                  \
        RULE_BYTES, offsetof(struct wire_##type, field), 0, sizeof(((struct wire_##type *)0)->field), 0                \
    }
#define VIEW(type, field, low, high)                                                                                   \
    {                                                                                                                  \
        RULE_VIEW, offsetof(struct wire_##type, field), low, high, 0                                                   \
    }
#define VIEWS(type, field, high, item_high)                                                                            \
    {                                                                                                                  \
        RULE_VIEWS, offsetof(struct wire_##type, field), 0, high, item_high                                            \
    }
#define MEMBERS(type, field)                                                                                           \
    {                                                                                                                  \
        RULE_MEMBERS, offsetof(struct wire_##type, field), 0, 0, 0                                                     \
    }
#define REASON(type, field)                                                                                            \
    {                                                                                                                  \
        RULE_REASON, offsetof(struct wire_##type, field), 1, WIRE_REASON_MAX, 0                                        \
    }
#define EPOCH(type) U32(type, epoch, 1, EPOCHS_MAX)
#define ROUND(type) U64(type, round, 1, ROUNDS_MOST)
#define COUNTER(type) U64(type, counter, 0, UINT64_MAX)

static const struct wire_rule signed_rules[] = {
    VIEW(signed, body, 1, SIGNED_MOST),
    BYTES(signed, signature),
    U32(signed, signer, 0, MEMBERS_MAX),
};
static const struct wire_rule list_rules[] = {VIEWS(list, items, MEMBERS_MAX, SIGNED_MOST)};
static const struct wire_rule join_rules[] = {BYTES(join, run), BYTES(join, nonce), COUNTER(join)};
static const struct wire_rule attest_rules[] = {
    BYTES(attest, run),
    BYTES(attest, roster),
    BYTES(attest, nonce),
    U32(attest, member, 1, MEMBERS_MAX),
    U64(attest, held, 0, UINT64_MAX),
};
static const struct wire_rule p1_rules[] = {
    BYTES(p1, run),
    EPOCH(p1),
    COUNTER(p1),
    U64(p1, first, 1, ROUNDS_MOST),
    U32(p1, rounds, 1, EPOCH_ROUNDS_MAX),
    BYTES(p1, checkpoint),
    BYTES(p1, channel),
    VIEW(p1, commitments, 32, EPOCH_ROUNDS_MAX * 32),
    VIEW(p1, mask_keys, 32, EPOCH_ROUNDS_MAX * 32),
    BYTES(p1, root),
    U32(p1, leaves, 1, LEAVES_MOST),
    VIEWS(p1, approvals, APPROVALS_SHOWN_MAX, APPROVAL_MAX_BYTES),
};
static const struct wire_rule p2_rules[] = {
    BYTES(p2, run), EPOCH(p2),
    COUNTER(p2),    U32(p2, to, 1, MEMBERS_MAX),
    BYTES(p2, psk), VIEW(p2, sealed, 1, SEALED_MOST),
};
static const struct wire_rule ack_rules[] = {
    BYTES(ack, run), EPOCH(ack), COUNTER(ack), BYTES(ack, set), MEMBERS(ack, dealers),
};
static const struct wire_rule r0_rules[] = {
    BYTES(r0, run),        EPOCH(r0),         ROUND(r0),        U64(r0, step, 0, ROUNDS_MOST),
    BYTES(r0, roster),     BYTES(r0, set),    BYTES(r0, plan),  BYTES(r0, state),
    BYTES(r0, checkpoint), BYTES(r0, layout), BYTES(r0, retry),
};
static const struct wire_rule r1_rules[] = {
    BYTES(r1, run),
    EPOCH(r1),
    ROUND(r1),
    COUNTER(r1),
    BYTES(r1, ctx),
    U32(r1, position, 1, MEMBERS_MAX),
    U64(r1, words, 1, SUM_WORDS_MAX),
    U32(r1, chunks, 1, CHUNKS_MOST),
    BYTES(r1, root),
};
static const struct wire_rule r2_rules[] = {
    BYTES(r2, run), EPOCH(r2), ROUND(r2), COUNTER(r2), BYTES(r2, ctx), MEMBERS(r2, survivors), BYTES(r2, headers),
};
static const struct wire_rule void_rules[] = {BYTES(void, run), EPOCH(void), ROUND(void), COUNTER(void)};
static const struct wire_rule r3_rules[] = {
    BYTES(r3, run), EPOCH(r3),      ROUND(r3),
    COUNTER(r3),    BYTES(r3, ctx), VIEWS(r3, shares, MEMBERS_MAX, 32 + WIRE_PATH_MAX),
};
static const struct wire_rule open_rules[] = {
    BYTES(open, run),         EPOCH(open),          ROUND(open),      BYTES(open, ctx),
    MEMBERS(open, survivors), BYTES(open, headers), BYTES(open, sum), BYTES(open, secrets),
};
static const struct wire_rule close_rules[] = {
    BYTES(close, run),
    EPOCH(close),
    ROUND(close),
    COUNTER(close),
    U64(close, step, 0, ROUNDS_MOST),
    BYTES(close, ctx),
    MEMBERS(close, survivors),
    BYTES(close, headers),
    BYTES(close, sum),
    BYTES(close, state),
    BYTES(close, model),
    U64(close, time, 0, INT64_MAX),
    BYTES(close, cosignature),
};
static const struct wire_rule end_rules[] = {
    BYTES(end, run), COUNTER(end), REASON(end, reason), U64(end, round, 0, ROUNDS_MOST), BYTES(end, proof),
};
static const struct wire_rule await_rules[] = {U64(await, step, 0, ROUNDS_MOST), VIEW(await, close, 0, SIGNED_MOST)};
static const struct wire_rule header_rules[] = {
    VIEW(header, header, 1, SIGNED_MOST),
    VIEW(header, leaves, 32, CHUNKS_MOST * 32),
    VIEW(header, chunk, 0, CHUNK_BYTES),
};
static const struct wire_rule chunk_rules[] = {
    ROUND(chunk),
    U32(chunk, index, 0, CHUNKS_MOST - 1),
    VIEW(chunk, words, 8, CHUNK_BYTES),
};
static const struct wire_rule fetch_rules[] = {
    ROUND(fetch),
    U32(fetch, position, 1, MEMBERS_MAX),
    U32(fetch, chunk, 0, CHUNKS_MOST - 1),
    U32(fetch, count, 0, MEMBERS_MAX),
};
static const struct wire_rule fetch_sum_rules[] = {
    U64(fetch_sum, step, 0, ROUNDS_MOST),
    U32(fetch_sum, chunk, 0, CHUNKS_MOST - 1),
};
static const struct wire_rule provision_rules[] = {
    EPOCH(provision),
    U64(provision, first, 1, ROUNDS_MOST),
    VIEW(provision, close, 0, CERTIFICATE_MOST),
};
static const struct wire_rule round_rules[] = {
    VIEW(round, r0, 1, SIGNED_MOST),
    VIEW(round, close, 0, CERTIFICATE_MOST),
    VIEW(round, retry, 0, CERTIFICATE_MOST),
};
static const struct wire_rule taken_rules[] = {ROUND(taken), U32(taken, next, 0, CHUNKS_MOST - 1)};
static const struct wire_rule proposal_rules[] = {
    VIEW(proposal, proposal, 1, SIGNED_MOST),
    VIEW(proposal, path, 0, WIRE_PATH_MAX),
};
static const struct wire_rule opened_rules[] = {
    VIEW(opened, open, 1, SIGNED_MOST),
    VIEW(opened, secrets, 32, MEMBERS_MAX * 32),
    VIEWS(opened, headers, MEMBERS_MAX, SIGNED_MOST),
    VIEWS(opened, leaves, MEMBERS_MAX, CHUNKS_MOST * 32),
};
static const struct wire_rule pieces_rules[] = {
    ROUND(pieces),
    U32(pieces, position, 1, MEMBERS_MAX),
    U32(pieces, chunk, 0, CHUNKS_MOST - 1),
    VIEWS(pieces, pieces, MEMBERS_MAX, CHUNK_BYTES),
};
static const struct wire_rule sum_piece_rules[] = {
    U64(sum_piece, step, 0, ROUNDS_MOST),
    U32(sum_piece, chunk, 0, CHUNKS_MOST - 1),
    VIEW(sum_piece, words, 8, CHUNK_BYTES),
};
static const struct wire_rule closed_rules[] = {
    U64(closed, step, 0, ROUNDS_MOST),
    VIEW(closed, close, 1, CERTIFICATE_MOST),
    VIEW(closed, previous, 0, CERTIFICATE_MOST),
};

#define SCHEMA(lower, text)                                                                                            \
    {                                                                                                                  \
        text, &cofferdam__##lower##__descriptor, sizeof(struct wire_##lower), lower##_rules,                           \
            sizeof lower##_rules / sizeof *lower##_rules                                                               \
    }

static const struct wire_schema schemas[WIRE_TYPES] = {
    [WIRE_SIGNED] = SCHEMA(signed, "a signed message"),
    [WIRE_LIST] = SCHEMA(list, "a list of signed messages"),
    [WIRE_JOIN] = SCHEMA(join, "JOIN"),
    [WIRE_ATTEST] = SCHEMA(attest, "an attestation"),
    [WIRE_P1] = SCHEMA(p1, "P1"),
    [WIRE_P2] = SCHEMA(p2, "P2"),
    [WIRE_ACK] = SCHEMA(ack, "ACK"),
    [WIRE_R0] = SCHEMA(r0, "R0"),
    [WIRE_R1] = SCHEMA(r1, "an R1 header"),
    [WIRE_R2] = SCHEMA(r2, "R2"),
    [WIRE_VOID] = SCHEMA(void, "VOID"),
    [WIRE_R3] = SCHEMA(r3, "R3"),
    [WIRE_OPEN] = SCHEMA(open, "OPEN"),
    [WIRE_CLOSE] = SCHEMA(close, "CLOSE"),
    [WIRE_END] = SCHEMA(end, "END"),
    [WIRE_AWAIT] = SCHEMA(await, "a request for the next round"),
    [WIRE_HEADER] = SCHEMA(header, "an upload's beginning"),
    [WIRE_CHUNK] = SCHEMA(chunk, "an uploaded chunk"),
    [WIRE_FETCH] = SCHEMA(fetch, "a request for masked chunks"),
    [WIRE_FETCH_SUM] = SCHEMA(fetch_sum, "a request for a sum's chunk"),
    [WIRE_PROVISION] = SCHEMA(provision, "the call to provision"),
    [WIRE_ROUND] = SCHEMA(round, "the round's opening"),
    [WIRE_TAKEN] = SCHEMA(taken, "a chunk's receipt"),
    [WIRE_PROPOSAL] = SCHEMA(proposal, "a proposal"),
    [WIRE_OPENED] = SCHEMA(opened, "the opened round"),
    [WIRE_PIECES] = SCHEMA(pieces, "masked chunks"),
    [WIRE_SUM_PIECE] = SCHEMA(sum_piece, "a sum's chunk"),
    [WIRE_CLOSED] = SCHEMA(closed, "a closed sum"),
};

const struct wire_schema *wire_schema_of(enum wire_type type)
{
    assert(type < WIRE_TYPES);
    return &schemas[type];
}

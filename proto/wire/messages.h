/* The messages of secure aggregation as validated structs (docs/protocol.md; proto/schema/secagg.proto).
 *
 * Decoding refuses, with CATEGORY_PEER: a missing, unknown, duplicate or misplaced field, trailing bytes, a number or a
 * length outside its limits, a set beyond the roster. There is one encoding of a message, and only it is accepted.
 * Views of a decoded message point into the arena it was decoded with and live as long as that.
 */
#ifndef PROTO_WIRE_MESSAGES_H
#define PROTO_WIRE_MESSAGES_H

#include "crypto/agree.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "proto/run/members.h"

/* Owns what decoded views point to. Zeroed is empty; bounded, so that a peer cannot make it grow. */
struct wire_arena {
    struct wire_block *blocks;
    size_t used;
    bool no_memory; /* a block could not be had */
    bool full;      /* a message would have needed more than is allowed */
};
void wire_arena_done(struct wire_arena *arena);

#define WIRE_NONCE_BYTES 16
#define WIRE_REASON_MAX 1024u
/* Paths in a tree of at most MEMBERS_MAX · EPOCH_ROUNDS_MAX · 2 < 2^17 leaves. */
#define WIRE_PATH_MAX ((size_t)17 * HASH_BYTES)

struct wire_signed {
    struct view body;
    struct signature signature;
    uint32_t signer; /* roster position; 0 = coordinator */
};
struct wire_list {
    const struct view *items;
    size_t count;
};

/* bodies */
struct wire_join {
    struct hash run;
    uint8_t nonce[WIRE_NONCE_BYTES];
    uint64_t counter;
};
struct wire_attest {
    struct hash run, roster;
    uint8_t nonce[WIRE_NONCE_BYTES];
    uint32_t member;
    uint64_t held;
};
struct wire_p1 {
    struct hash run;
    uint32_t epoch;
    uint64_t counter;
    uint64_t first;
    uint32_t rounds;
    struct hash checkpoint;
    struct agree_public channel;
    struct view commitments; /* rounds × 32 */
    struct view mask_keys;   /* rounds × 32 */
    struct hash root;
    uint32_t leaves;
    struct wire_list approvals; /* documents that officers signed */
};
struct wire_p2 {
    struct hash run;
    uint32_t epoch;
    uint64_t counter;
    uint32_t to;
    struct hash psk; /* id of the pair's pre-shared key, or zeros */
    struct view sealed;
};
struct wire_ack {
    struct hash run;
    uint32_t epoch;
    uint64_t counter;
    struct hash set;
    struct members dealers;
};
struct wire_r0 {
    struct hash run;
    uint32_t epoch;
    uint64_t round, step;
    struct hash roster, set, plan, state, checkpoint, layout, retry;
};
struct wire_r1 {
    struct hash run;
    uint32_t epoch;
    uint64_t round;
    uint64_t counter;
    struct hash ctx;
    uint32_t position;
    uint64_t words;
    uint32_t chunks;
    struct hash root;
};
struct wire_r2 {
    struct hash run;
    uint32_t epoch;
    uint64_t round;
    uint64_t counter;
    struct hash ctx;
    struct members survivors;
    struct hash headers;
};
struct wire_void {
    struct hash run;
    uint32_t epoch;
    uint64_t round;
    uint64_t counter;
};
struct wire_r3 {
    struct hash run;
    uint32_t epoch;
    uint64_t round;
    uint64_t counter;
    struct hash ctx;
    struct wire_list shares; /* 32 bytes and a path each */
};
struct wire_open {
    struct hash run;
    uint32_t epoch;
    uint64_t round;
    struct hash ctx;
    struct members survivors;
    struct hash headers, sum, secrets;
};
struct wire_close {
    struct hash run;
    uint32_t epoch;
    uint64_t round;
    uint64_t counter;
    uint64_t step;
    struct hash ctx;
    struct members survivors;
    struct hash headers, sum, state;
    struct hash model; /* SHA-256, after the last step; else zeros */
    uint64_t time;     /* seconds since 1970 */
    struct signature cosignature;
};
struct wire_end {
    struct hash run;
    uint64_t counter;
    struct view reason;
    uint64_t round;    /* the coordinator's last; 0 of a bank */
    struct hash proof; /* ctx_end_proof; of a run that is done, SHA-256 of its model; zeros of a bank */
};

/* requests and replies; an absent optional part is an empty view */
struct wire_await {
    uint64_t step;
    struct view close; /* optional: signed close */
};
struct wire_header {
    struct view header; /* signed r1 */
    struct view leaves; /* chunk leaf hashes under its root */
    struct view chunk;  /* optional: chunk 0 */
};
struct wire_chunk {
    uint64_t round;
    uint32_t index;
    struct view words;
};
struct wire_fetch {
    uint64_t round;
    uint32_t position, chunk, count; /* count 0: as many as fit */
};
struct wire_fetch_sum {
    uint64_t step;
    uint32_t chunk;
};
struct wire_provision {
    uint32_t epoch;
    uint64_t first;
    struct view close; /* optional: certificate of the last sum */
};
struct wire_round {
    struct view r0;    /* signed r0 */
    struct view close; /* optional: certificate of the sum before */
    struct view retry; /* optional: certificate whose hash is r0.retry */
};
struct wire_taken {
    uint64_t round;
    uint32_t next;
};
struct wire_proposal {
    struct view proposal; /* signed r2 */
    struct view path;     /* optional: of the receiver's header under r2.headers */
};
struct wire_opened {
    struct view open;         /* signed open */
    struct view secrets;      /* 32 for each member of the cohort: a of a survivor, b of another */
    struct wire_list headers; /* signed r1 of each survivor */
    struct wire_list leaves;  /* their chunk leaf hashes */
};
struct wire_pieces {
    uint64_t round;
    uint32_t position, chunk;
    struct wire_list pieces;
};
struct wire_sum_piece {
    uint64_t step;
    uint32_t chunk;
    struct view words;
};
struct wire_closed {
    uint64_t step;
    struct view close, previous;
};

enum wire_type {
    WIRE_SIGNED,
    WIRE_LIST,
    WIRE_JOIN,
    WIRE_ATTEST,
    WIRE_P1,
    WIRE_P2,
    WIRE_ACK,
    WIRE_R0,
    WIRE_R1,
    WIRE_R2,
    WIRE_VOID,
    WIRE_R3,
    WIRE_OPEN,
    WIRE_CLOSE,
    WIRE_END,
    WIRE_AWAIT,
    WIRE_HEADER,
    WIRE_CHUNK,
    WIRE_FETCH,
    WIRE_FETCH_SUM,
    WIRE_PROVISION,
    WIRE_ROUND,
    WIRE_TAKEN,
    WIRE_PROPOSAL,
    WIRE_OPENED,
    WIRE_PIECES,
    WIRE_SUM_PIECE,
    WIRE_CLOSED,
    WIRE_TYPES,
};

/* message is the struct of that type. Appends to out. CATEGORY_BUG when a field is outside its limits. */
MUST_USE struct result wire_encode(enum wire_type type, const void *message, struct buffer *out);
MUST_USE struct result wire_decode(enum wire_type type, struct view bytes, unsigned roster_size,
                                   struct wire_arena *arena, void *ret);

/* Typed: wire_p1_encode(&p1, out), wire_p1_decode(bytes, roster_size, arena, &p1). */
#define WIRE_TYPED_(name, type)                                                                                        \
    MUST_USE static inline struct result wire_##name##_encode(const struct wire_##name *message, struct buffer *out)   \
    {                                                                                                                  \
        return wire_encode(type, message, out);                                                                        \
    }                                                                                                                  \
    MUST_USE static inline struct result wire_##name##_decode(struct view bytes, unsigned roster_size,                 \
                                                              struct wire_arena *arena, struct wire_##name *ret)       \
    {                                                                                                                  \
        return wire_decode(type, bytes, roster_size, arena, ret);                                                      \
    }
WIRE_TYPED_(signed, WIRE_SIGNED)
WIRE_TYPED_(list, WIRE_LIST)
WIRE_TYPED_(join, WIRE_JOIN)
WIRE_TYPED_(attest, WIRE_ATTEST)
WIRE_TYPED_(p1, WIRE_P1)
WIRE_TYPED_(p2, WIRE_P2)
WIRE_TYPED_(ack, WIRE_ACK)
WIRE_TYPED_(r0, WIRE_R0)
WIRE_TYPED_(r1, WIRE_R1)
WIRE_TYPED_(r2, WIRE_R2)
WIRE_TYPED_(void, WIRE_VOID)
WIRE_TYPED_(r3, WIRE_R3)
WIRE_TYPED_(open, WIRE_OPEN)
WIRE_TYPED_(close, WIRE_CLOSE)
WIRE_TYPED_(end, WIRE_END)
WIRE_TYPED_(header, WIRE_HEADER)
WIRE_TYPED_(opened, WIRE_OPENED)
#undef WIRE_TYPED_

/* What travels: form ‖ kind ‖ the encoding of the kind's type. The form is 1 in every version of the protocol so far.
 */
#define WIRE_FORM 1
enum message_kind {
    /* requests, node → coordinator */
    MESSAGE_JOIN = 1,
    MESSAGE_P1,
    MESSAGE_P2,
    MESSAGE_ACK,
    MESSAGE_AWAIT,
    MESSAGE_HEADER,
    MESSAGE_CHUNK,
    MESSAGE_VOTE,
    MESSAGE_VOID,
    MESSAGE_RELEASE,
    MESSAGE_FETCH,
    MESSAGE_FETCH_SUM,
    MESSAGE_REFUSE,
    MESSAGE_REQUESTS_END,
    /* replies, coordinator → node */
    MESSAGE_JOINED = 32,
    MESSAGE_P1S,
    MESSAGE_P2S,
    MESSAGE_ACKS,
    MESSAGE_PROVISION,
    MESSAGE_ROUND,
    MESSAGE_TAKEN,
    MESSAGE_PROPOSAL,
    MESSAGE_VOID_PROPOSAL,
    MESSAGE_CERTIFICATE,
    MESSAGE_VOID_CERTIFICATE,
    MESSAGE_OPENED,
    MESSAGE_PIECES,
    MESSAGE_SUM_PIECE,
    MESSAGE_CLOSED,
    MESSAGE_FINISHED,
    MESSAGE_ENDED,
    MESSAGE_SUPERSEDED,
    MESSAGE_KINDS_END,
};
const char *message_name(unsigned kind); /* "R2 proposal"; "an unknown message" */
enum wire_type message_type(enum message_kind kind);

struct message {
    enum message_kind kind;
    struct view payload; /* as it travelled, without form and kind */
    union {
        struct wire_signed one;
        struct wire_list list;
        struct wire_await await;
        struct wire_header header;
        struct wire_chunk chunk;
        struct wire_fetch fetch;
        struct wire_fetch_sum fetch_sum;
        struct wire_provision provision;
        struct wire_round round;
        struct wire_taken taken;
        struct wire_proposal proposal;
        struct wire_opened opened;
        struct wire_pieces pieces;
        struct wire_sum_piece sum_piece;
        struct wire_closed closed;
    };
};
MUST_USE struct result message_decode(struct view bytes, unsigned roster_size, struct wire_arena *arena,
                                      struct message *ret);
/* payload NULL: an empty list. */
MUST_USE struct result message_encode(enum message_kind kind, const void *payload, struct buffer *out);
/* The same around a payload that is encoded already. */
MUST_USE struct result message_wrap(enum message_kind kind, struct view payload, struct buffer *out);

#endif

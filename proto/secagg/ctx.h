/* Names, hashes and keys of a run: what is bound into what (docs/protocol.md, Encodings and Primitives). */
#ifndef PROTO_SECAGG_CTX_H
#define PROTO_SECAGG_CTX_H

#include "crypto/secret.h"
#include "proto/wire/messages.h"

#define SEED_BYTES 32 /* a, b, u, e and every keystream key */

/* What a share is of: a bank's self-mask scalar a, or its mask-key scalar b. */
enum share_kind { SHARE_A = 0, SHARE_B = 1 };

/* One round of one epoch of a run. */
struct round_name {
    struct hash run;
    uint32_t epoch;
    uint64_t round;
};

/* H(label "ctx" ‖ run ‖ epoch ‖ r ‖ step ‖ roster ‖ set ‖ plan ‖ state ‖ checkpoint ‖ layout ‖ retry): the terms that
 * R0 carries. Every mask of the round is derived with it. */
MUST_USE struct result ctx_of(const struct wire_r0 *terms, struct hash *ret);
/* Over the bodies of all P1 of an epoch, each with its length (u32) in front, in roster order. */
MUST_USE struct result ctx_set_hash(const struct view *bodies, size_t count, struct hash *ret);
/* Of the bytes of a list of signed messages, for R0's retry. */
MUST_USE struct result ctx_certificate_hash(struct view certificate, struct hash *ret);
/* What the coordinator's END rests on: the certificate that the next R0 would name, a bank's signed refusal, either of
 * which may be empty, and the checkpoint of the log. */
MUST_USE struct result ctx_end_proof(struct view certificate, struct view refusal, const struct hash *checkpoint,
                                     struct hash *ret);
/* Of the secrets revealed in OPEN: 32 bytes for each member of the cohort. */
MUST_USE struct result ctx_secrets_hash(struct view secrets, struct hash *ret);
/* Of a sum's words. */
MUST_USE struct result ctx_sum_hash(const uint64_t *words, uint64_t count, struct hash *ret);

/* H(label "commit" ‖ run ‖ epoch ‖ r ‖ i ‖ a). */
MUST_USE struct result ctx_commitment(const struct round_name *name, unsigned position, const uint8_t a[SEED_BYTES],
                                      struct hash *ret);
/* Share leaf: H(0x00 ‖ label "share" ‖ run ‖ epoch ‖ dealer ‖ receiver ‖ r ‖ kind ‖ share). */
MUST_USE struct result ctx_share_leaf(const struct round_name *name, unsigned dealer, unsigned receiver,
                                      enum share_kind kind, const uint8_t share[SEED_BYTES], struct hash *ret);
/* Chunk leaf: H(0x00 ‖ index ‖ length ‖ bytes). */
MUST_USE struct result ctx_chunk_leaf(uint32_t index, struct view bytes, struct hash *ret);

/* Outputs are secret: guarded memory of the caller's. */

/* e = HKDF(b, "pair"): the mask key's secret. */
MUST_USE struct result ctx_mask_secret(const uint8_t b[SEED_BYTES], uint8_t e[SEED_BYTES]);
/* HKDF(salt ctx, ikm u = HKDF(a, "self"), info label "self" ‖ run ‖ epoch ‖ r ‖ i). */
MUST_USE struct result ctx_self_key(const struct round_name *name, const struct hash *ctx, unsigned position,
                                    const uint8_t a[SEED_BYTES], uint8_t key[SEED_BYTES]);
struct ctx_pair {
    unsigned mine, theirs; /* positions */
    const struct agree_public *my_public, *their_public;
    const struct secret *psk; /* or NULL */
};
/* HKDF(salt ctx, ikm X25519(e, E_theirs) ‖ psk, info label "pair" ‖ run ‖ epoch ‖ r ‖ lo ‖ hi ‖ E_lo ‖ E_hi). */
MUST_USE struct result ctx_pair_key(const struct round_name *name, const struct hash *ctx, const struct ctx_pair *pair,
                                    const uint8_t e[SEED_BYTES], uint8_t key[SEED_BYTES]);
/* The key that seals P2 from `sender` to `receiver`; round of name is not used. mine is this bank's side. */
MUST_USE struct result ctx_channel_key(const struct round_name *name, const struct ctx_pair *pair, unsigned sender,
                                       unsigned receiver, const uint8_t channel_secret[SEED_BYTES],
                                       uint8_t key[SEED_BYTES]);
/* What the seal is also bound to: label "p2" ‖ run ‖ epoch ‖ sender ‖ receiver. */
MUST_USE struct result ctx_channel_data(const struct round_name *name, unsigned sender, unsigned receiver,
                                        struct buffer *out);
/* HKDF of the key under "psk-id"; zeros where there is none. */
MUST_USE struct result ctx_psk_id(const struct secret *psk, struct hash *ret);

#endif

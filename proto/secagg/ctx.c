#include "proto/secagg/ctx.h"

#include <string.h>

#include "crypto/kdf.h"
#include "crypto/label.h"
#include "crypto/merkle.h"

static struct result put_label(const char *kind, struct buffer *out)
{
    char label[LABEL_MAX];
    return buffer_append(out, label_of(kind, label));
}

/* label ‖ run ‖ epoch ‖ r: how the info of every derivation of a round begins. */
static struct result put_name(const char *kind, const struct round_name *name, struct buffer *out)
{
    TRY(put_label(kind, out));
    TRY(buffer_append(out, hash_view(&name->run)));
    TRY(buffer_u32(out, name->epoch));
    return buffer_u64(out, name->round);
}

struct result ctx_of(const struct wire_r0 *terms, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(buffer_append(&bytes, hash_view(&terms->run)));
    TRY(buffer_u32(&bytes, terms->epoch));
    TRY(buffer_u64(&bytes, terms->round));
    TRY(buffer_u64(&bytes, terms->step));
    const struct hash *const parts[] = {&terms->roster,     &terms->set,    &terms->plan, &terms->state,
                                        &terms->checkpoint, &terms->layout, &terms->retry};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) TRY(buffer_append(&bytes, hash_view(parts[i])));
    return hash_bytes("ctx", buffer_view(&bytes), ret);
}

static struct result update_u32(struct hash_stream *stream, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_u32(bytes, value);
    return hash_update(stream, view_of(bytes, sizeof bytes));
}

struct result ctx_set_hash(const struct view *bodies, size_t count, struct hash *ret)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    TRY(hash_start(&stream, "set"));
    for (size_t i = 0; i < count; i++) {
        TRY(update_u32(&stream, (uint32_t)bodies[i].length));
        TRY(hash_update(&stream, bodies[i]));
    }
    return hash_finish(&stream, ret);
}

struct result ctx_certificate_hash(struct view certificate, struct hash *ret)
{
    return hash_bytes("certificate", certificate, ret);
}

struct result ctx_end_proof(struct view certificate, struct view refusal, const struct hash *checkpoint,
                            struct hash *ret)
{
    struct hash parts[3] = {[2] = *checkpoint};
    if (certificate.length) TRY(ctx_certificate_hash(certificate, &parts[0]));
    if (refusal.length) TRY(hash_bytes("refusal", refusal, &parts[1]));
    return hash_bytes("ended", view_of((const uint8_t *)parts, sizeof parts), ret);
}

struct result ctx_secrets_hash(struct view secrets, struct hash *ret)
{
    return hash_bytes("secrets", secrets, ret);
}

struct result ctx_sum_hash(const uint64_t *words, uint64_t count, struct hash *ret)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words in memory are the words that are hashed and sent");
    return hash_bytes("sum", view_of(words, (size_t)count * sizeof *words), ret);
}

struct result ctx_commitment(const struct round_name *name, unsigned position, const uint8_t a[SEED_BYTES],
                             struct hash *ret)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    TRY(hash_start(&stream, "commit"));
    TRY(hash_update(&stream, hash_view(&name->run)));
    TRY(update_u32(&stream, name->epoch));
    uint8_t round[8];
    bytes_put_u64(round, name->round);
    TRY(hash_update(&stream, view_of(round, sizeof round)));
    TRY(update_u32(&stream, position));
    TRY(hash_update(&stream, view_of(a, SEED_BYTES)));
    return hash_finish(&stream, ret);
}

struct result ctx_share_leaf(const struct round_name *name, unsigned dealer, unsigned receiver, enum share_kind kind,
                             const uint8_t share[SEED_BYTES], struct hash *ret)
{
    char label[LABEL_MAX];
    struct view prefix = label_of("share", label);
    uint8_t data[LABEL_MAX + HASH_BYTES + 4 + 4 + 4 + 8 + 1 + SEED_BYTES];
    uint8_t *at = data;
    memcpy(at, prefix.data, prefix.length);
    at += prefix.length;
    memcpy(at, name->run.bytes, HASH_BYTES);
    at += HASH_BYTES;
    bytes_put_u32(at, name->epoch);
    bytes_put_u32(at + 4, dealer);
    bytes_put_u32(at + 8, receiver);
    bytes_put_u64(at + 12, name->round);
    at[20] = (uint8_t)kind;
    memcpy(at + 21, share, SEED_BYTES);
    at += 21 + SEED_BYTES;
    struct result result = merkle_leaf(view_of(data, (size_t)(at - data)), ret);
    secret_bytes_wipe(data, sizeof data);
    return result;
}

struct result ctx_chunk_leaf(uint32_t index, struct view bytes, struct hash *ret)
{
    static const uint8_t leaf_prefix[1] = {0};
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    TRY(hash_start(&stream, NULL));
    TRY(hash_update(&stream, view_of(leaf_prefix, 1)));
    TRY(update_u32(&stream, index));
    TRY(update_u32(&stream, (uint32_t)bytes.length));
    TRY(hash_update(&stream, bytes));
    return hash_finish(&stream, ret);
}

/* Derivations from one scalar, without salt: info is the label alone. */
static struct result derive(const char *kind, const uint8_t scalar[SEED_BYTES], uint8_t out[SEED_BYTES])
{
    char label[LABEL_MAX];
    return kdf_hkdf(view_of(NULL, 0), view_of(scalar, SEED_BYTES), label_of(kind, label), out, SEED_BYTES);
}

struct result ctx_mask_secret(const uint8_t b[SEED_BYTES], uint8_t e[SEED_BYTES])
{
    return derive("pair", b, e);
}

struct result ctx_self_key(const struct round_name *name, const struct hash *ctx, unsigned position,
                           const uint8_t a[SEED_BYTES], uint8_t key[SEED_BYTES])
{
    CLEANUP(buffer_done) struct buffer info = {0};
    TRY(put_name("self", name, &info));
    TRY(buffer_u32(&info, position));
    /* The seed u stands in the key's own place until the key replaces it. */
    TRY(derive("self", a, key));
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_from(view_of(key, SEED_BYTES), &seed));
    return kdf_hkdf(hash_view(ctx), secret_view(seed), buffer_view(&info), key, SEED_BYTES);
}

/* X25519 ‖ psk: the input of both pairwise derivations. */
static struct result agree(const struct ctx_pair *pair, const uint8_t secret_key[SEED_BYTES], struct secret **ret)
{
    size_t psk = pair->psk ? secret_length(pair->psk) : 0;
    CLEANUP(secret_freep) struct secret *material = NULL;
    TRY(secret_new(AGREE_BYTES + psk, &material));
    TRY(agree_shared(secret_key, pair->their_public, secret_bytes(material)));
    if (psk) memcpy(secret_bytes(material) + AGREE_BYTES, secret_view(pair->psk).data, psk);
    *ret = material;
    material = NULL;
    return RESULT_OK;
}

struct result ctx_pair_key(const struct round_name *name, const struct hash *ctx, const struct ctx_pair *pair,
                           const uint8_t e[SEED_BYTES], uint8_t key[SEED_BYTES])
{
    bool low = pair->mine < pair->theirs;
    CLEANUP(buffer_done) struct buffer info = {0};
    TRY(put_name("pair", name, &info));
    TRY(buffer_u32(&info, low ? pair->mine : pair->theirs));
    TRY(buffer_u32(&info, low ? pair->theirs : pair->mine));
    TRY(buffer_append(&info, view_of(low ? pair->my_public : pair->their_public, AGREE_BYTES)));
    TRY(buffer_append(&info, view_of(low ? pair->their_public : pair->my_public, AGREE_BYTES)));
    CLEANUP(secret_freep) struct secret *material = NULL;
    TRY(agree(pair, e, &material));
    return kdf_hkdf(hash_view(ctx), secret_view(material), buffer_view(&info), key, SEED_BYTES);
}

struct result ctx_channel_data(const struct round_name *name, unsigned sender, unsigned receiver, struct buffer *out)
{
    TRY(put_label("p2", out));
    TRY(buffer_append(out, hash_view(&name->run)));
    TRY(buffer_u32(out, name->epoch));
    TRY(buffer_u32(out, sender));
    return buffer_u32(out, receiver);
}

struct result ctx_channel_key(const struct round_name *name, const struct ctx_pair *pair, unsigned sender,
                              unsigned receiver, const uint8_t channel_secret[SEED_BYTES], uint8_t key[SEED_BYTES])
{
    bool sending = pair->mine == sender;
    CLEANUP(buffer_done) struct buffer info = {0};
    TRY(ctx_channel_data(name, sender, receiver, &info));
    TRY(buffer_append(&info, view_of(sending ? pair->my_public : pair->their_public, AGREE_BYTES)));
    TRY(buffer_append(&info, view_of(sending ? pair->their_public : pair->my_public, AGREE_BYTES)));
    CLEANUP(secret_freep) struct secret *material = NULL;
    TRY(agree(pair, channel_secret, &material));
    return kdf_hkdf(view_of(NULL, 0), secret_view(material), buffer_view(&info), key, SEED_BYTES);
}

struct result ctx_psk_id(const struct secret *psk, struct hash *ret)
{
    struct hash id = {0};
    char label[LABEL_MAX];
    if (psk) TRY(kdf_hkdf(view_of(NULL, 0), secret_view(psk), label_of("psk-id", label), id.bytes, HASH_BYTES));
    *ret = id;
    return RESULT_OK;
}

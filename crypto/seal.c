#include "crypto/seal.h"

#include <sodium.h>
#include <string.h>

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(SEAL_OVERHEAD == SEAL_NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

struct result seal_box(const uint8_t key[SEAL_KEY_BYTES], struct view associated, struct view plaintext,
                       struct random_source *random, struct buffer *out)
{
    uint8_t *box;
    TRY(buffer_extend(out, SEAL_OVERHEAD, &box)); /* the fixed part first: only the rest depends on the length */
    uint8_t *unused;
    struct result result = buffer_extend(out, plaintext.length, &unused);
    if (!result_ok(result)) {
        out->length -= SEAL_OVERHEAD;
        return result;
    }
    box = out->data + out->length - plaintext.length - SEAL_OVERHEAD; /* it may have moved */
    random_draw(random, box, SEAL_NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(box + SEAL_NONCE_BYTES, NULL, plaintext.data, plaintext.length,
                                                     associated.data, associated.length, NULL, box, key);
    return RESULT_OK;
}

struct result seal_open(const uint8_t key[SEAL_KEY_BYTES], struct view associated, struct view sealed, uint8_t *out)
{
    ENSURE(sealed.length >= SEAL_OVERHEAD, CATEGORY_FALSE, "a sealed box of %zu bytes is shorter than an empty one",
           sealed.length);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data + SEAL_NONCE_BYTES,
                                                   sealed.length - SEAL_NONCE_BYTES, associated.data, associated.length,
                                                   sealed.data, key) == 0)
        return RESULT_OK;
    /* libsodium has zeroed `out`, which tests/crypto holds it to. */
    return FAIL(CATEGORY_FALSE, "a sealed box does not open: it was changed, or sealed with another key");
}

/* Argon2id at libsodium's MODERATE: some 0.7 s and 256 MiB to try one passphrase. */
static const uint8_t magic[8] = {'c', 'f', 'd', 's', 'e', 'a', 'l', '1'};
enum { HEADER_BYTES = 8 + 8 + 8 + crypto_pwhash_SALTBYTES };

static struct result stretch(struct view passphrase, const uint8_t *salt, uint64_t operations, uint64_t memory,
                             struct secret **ret)
{
    CLEANUP(secret_freep) struct secret *key = NULL;
    TRY(secret_new(SEAL_KEY_BYTES, &key));
    ENSURE(crypto_pwhash(secret_bytes(key), SEAL_KEY_BYTES, (const char *)passphrase.data, passphrase.length, salt,
                         operations, (size_t)memory, crypto_pwhash_ALG_ARGON2ID13) == 0,
           CATEGORY_ENVIRONMENT, "no memory for Argon2id: it needs %llu MiB for a moment",
           (unsigned long long)(memory >> 20));
    *ret = key;
    key = NULL;
    return RESULT_OK;
}

struct result seal_with_passphrase(struct view passphrase, struct view plaintext, struct random_source *random,
                                   struct buffer *out)
{
    ENSURE(passphrase.length > 0, CATEGORY_USAGE, "the passphrase is empty: choose one");
    ENSURE(plaintext.length > 0, CATEGORY_BUG, "nothing to seal");
    CLEANUP(buffer_done) struct buffer file = {0};
    uint8_t salt[crypto_pwhash_SALTBYTES];
    random_draw(random, salt, sizeof salt);
    TRY(buffer_append(&file, view_of(magic, sizeof magic)));
    TRY(buffer_u64(&file, crypto_pwhash_OPSLIMIT_MODERATE));
    TRY(buffer_u64(&file, crypto_pwhash_MEMLIMIT_MODERATE));
    TRY(buffer_append(&file, view_of(salt, sizeof salt)));
    uint8_t header[HEADER_BYTES]; /* a copy: the file's memory moves as it grows */
    memcpy(header, file.data, sizeof header);
    CLEANUP(secret_freep) struct secret *key = NULL;
    TRY(stretch(passphrase, salt, crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE, &key));
    TRY(seal_box(secret_bytes(key), view_of(header, sizeof header), plaintext, random, &file));
    return buffer_append(out, buffer_view(&file));
}

struct result seal_open_with_passphrase(struct view passphrase, struct view sealed, struct secret **ret)
{
    static const char wrong[] = "wrong passphrase or damaged file";
    ENSURE(sealed.length > HEADER_BYTES + SEAL_OVERHEAD, CATEGORY_FALSE, "%s", wrong);
    struct reader reader = reader_of(sealed, "a sealed file");
    struct view start, salt;
    uint64_t operations, memory;
    TRY(reader_take(&reader, sizeof magic, &start));
    TRY(reader_u64(&reader, &operations));
    TRY(reader_u64(&reader, &memory));
    TRY(reader_take(&reader, crypto_pwhash_SALTBYTES, &salt));
    ENSURE(view_equal(start, view_of(magic, sizeof magic)), CATEGORY_FALSE, "%s", wrong);
    ENSURE(operations >= crypto_pwhash_OPSLIMIT_MIN && operations <= crypto_pwhash_OPSLIMIT_SENSITIVE &&
               memory >= crypto_pwhash_MEMLIMIT_MIN && memory <= crypto_pwhash_MEMLIMIT_SENSITIVE,
           CATEGORY_FALSE, "%s", wrong);
    CLEANUP(secret_freep) struct secret *key = NULL;
    TRY(stretch(passphrase, salt.data, operations, memory, &key));
    CLEANUP(secret_freep) struct secret *plaintext = NULL;
    TRY(secret_new(reader.rest.length - SEAL_OVERHEAD, &plaintext));
    ENSURE(result_ok(
               seal_open(secret_bytes(key), view_of(sealed.data, HEADER_BYTES), reader.rest, secret_bytes(plaintext))),
           CATEGORY_FALSE, "%s", wrong);
    *ret = plaintext;
    plaintext = NULL;
    return RESULT_OK;
}

#include "crypto/hash.h"

#include <string.h>

#include "crypto/algorithms.h"
#include "crypto/label.h"

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

bool hash_is_zero(const struct hash *hash)
{
    static const struct hash zero;
    return hash_equal(hash, &zero);
}

struct hash_hex hash_hex(const struct hash *hash)
{
    struct hash_hex hex = {{0}};
    bytes_hex(hash_view(hash), hex.text);
    return hex;
}

struct result hash_bytes(const char *kind, struct view bytes, struct hash *ret)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    TRY(hash_start(&stream, kind));
    TRY(hash_update(&stream, bytes));
    return hash_finish(&stream, ret);
}

struct result hash_start(struct hash_stream *stream, const char *kind)
{
    const EVP_MD *sha256 = algorithm_sha256();
    ENSURE(sha256, CATEGORY_ENVIRONMENT, "libcrypto offers no SHA-256: check OpenSSL's configuration");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ENSURE(context, CATEGORY_ENVIRONMENT, "out of memory for a hash");
    *stream = (struct hash_stream){context};
    if (EVP_DigestInit_ex2(context, sha256, NULL) != 1) {
        hash_stream_done(stream);
        return FAIL(CATEGORY_ENVIRONMENT, "libcrypto could not start a SHA-256");
    }
    if (!kind) return RESULT_OK;
    char label[LABEL_MAX];
    return hash_update(stream, label_of(kind, label));
}

struct result hash_update(struct hash_stream *stream, struct view bytes)
{
    ENSURE(stream->context, CATEGORY_BUG, "a hash was updated before it was started");
    if (bytes.length == 0) return RESULT_OK;
    ENSURE(EVP_DigestUpdate(stream->context, bytes.data, bytes.length) == 1, CATEGORY_ENVIRONMENT,
           "libcrypto could not continue a SHA-256");
    return RESULT_OK;
}

struct result hash_finish(struct hash_stream *stream, struct hash *ret)
{
    ENSURE(stream->context, CATEGORY_BUG, "a hash was finished before it was started");
    struct hash hash;
    int done = EVP_DigestFinal_ex(stream->context, hash.bytes, NULL);
    hash_stream_done(stream);
    ENSURE(done == 1, CATEGORY_ENVIRONMENT, "libcrypto could not finish a SHA-256");
    *ret = hash;
    return RESULT_OK;
}

void hash_stream_done(struct hash_stream *stream)
{
    EVP_MD_CTX_free(stream->context); /* wipes the state, which may have seen a share */
    stream->context = NULL;
}

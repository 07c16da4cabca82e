/* SHA-256 (FIPS 180-4) over libcrypto, with domain separation. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "crypto/base/bytes.h"

#define HASH_BYTES 32

struct hash {
    uint8_t bytes[HASH_BYTES];
};

static inline struct view hash_view(const struct hash *hash)
{
    return view_of(hash->bytes, HASH_BYTES);
}
bool hash_equal(const struct hash *a, const struct hash *b); /* public values; not constant time */
bool hash_is_zero(const struct hash *hash);
/* In lower-case hex, as a value: hash_hex(&hash).text lives as long as the expression, or the variable it is kept in.
 */
struct hash_hex {
    char text[2 * HASH_BYTES + 1];
};
struct hash_hex hash_hex(const struct hash *hash);

/* H(label(kind) ‖ bytes). kind NULL leaves the label out: for formats fixed by others (RFC 6962, file digests). */
MUST_USE struct result hash_bytes(const char *kind, struct view bytes, struct hash *ret);

/* The same in pieces. A zeroed stream is invalid until started; _done frees it at any point. */
struct hash_stream {
    void *context;
};
MUST_USE struct result hash_start(struct hash_stream *stream, const char *kind);
MUST_USE struct result hash_update(struct hash_stream *stream, struct view bytes);
MUST_USE struct result hash_finish(struct hash_stream *stream, struct hash *ret); /* also releases the stream */
void hash_stream_done(struct hash_stream *stream);

#endif

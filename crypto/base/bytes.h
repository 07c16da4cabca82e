/* Views, buffers and readers: the only way bytes are laid out or taken apart.
 *
 * A view is borrowed: it never owns. A buffer owns its bytes and grows up to its limit. A reader walks a view and
 * never past its end. Integers are little-endian; a double is its IEEE 754 bits as a u64, with -0 stored as +0.
 * None of these hold secrets: secrets live in struct secret (crypto/secret.h).
 */
#ifndef CRYPTO_BASE_BYTES_H
#define CRYPTO_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/result.h"

struct view {
    const uint8_t *data;
    size_t length;
};

static inline struct view view_of(const void *data, size_t length)
{
    return (struct view){(const uint8_t *)data, length};
}
struct view view_text(const char *text);       /* without the terminating NUL */
bool view_equal(struct view a, struct view b); /* not constant time: for public bytes */

struct buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
    size_t limit; /* 0 stands for BUFFER_LIMIT */
};

/* A zeroed buffer is empty and ready. On failure an append leaves the buffer as it was. */
void buffer_done(struct buffer *buffer);  /* frees; leaves an empty buffer */
void buffer_clear(struct buffer *buffer); /* empties; keeps the memory */
MUST_USE struct result buffer_reserve(struct buffer *buffer, size_t more);
MUST_USE struct result buffer_append(struct buffer *buffer, struct view bytes);
MUST_USE struct result buffer_extend(struct buffer *buffer, size_t more, uint8_t **ret_start); /* zeroed */
MUST_USE struct result buffer_u8(struct buffer *buffer, uint8_t value);
MUST_USE struct result buffer_u32(struct buffer *buffer, uint32_t value);
MUST_USE struct result buffer_u64(struct buffer *buffer, uint64_t value);
MUST_USE struct result buffer_f64(struct buffer *buffer, double value);
MUST_USE struct result buffer_text(struct buffer *buffer, const char *text);
MUST_USE struct result buffer_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A copy with a NUL after it, which the view of the buffer does not count. */
MUST_USE struct result buffer_terminate(struct buffer *buffer, const char **ret_text);
static inline struct view buffer_view(const struct buffer *buffer)
{
    return (struct view){buffer->data, buffer->length};
}

struct reader {
    struct view rest;
    const char *what; /* names the thing read, for errors */
};

static inline struct reader reader_of(struct view bytes, const char *what)
{
    return (struct reader){bytes, what};
}
/* Each fails with CATEGORY_PEER when the bytes end too early. */
MUST_USE struct result reader_take(struct reader *reader, size_t length, struct view *ret);
MUST_USE struct result reader_u8(struct reader *reader, uint8_t *ret);
MUST_USE struct result reader_u32(struct reader *reader, uint32_t *ret);
MUST_USE struct result reader_u64(struct reader *reader, uint64_t *ret);
MUST_USE struct result reader_f64(struct reader *reader, double *ret);
MUST_USE struct result reader_end(const struct reader *reader); /* fails when bytes are left */

void bytes_put_u32(uint8_t out[4], uint32_t value);
void bytes_put_u64(uint8_t out[8], uint64_t value);
uint32_t bytes_get_u32(const uint8_t in[4]);
uint64_t bytes_get_u64(const uint8_t in[8]);

/* Lower-case hex; out holds 2·length + 1 characters. */
void bytes_hex(struct view bytes, char *out);
/* Exactly length bytes from 2·length hex digits, else CATEGORY_FALSE. */
MUST_USE struct result bytes_unhex(struct view text, uint8_t *out, size_t length);

#endif

#include "crypto/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/checked.h"
#include "crypto/base/limits.h"

struct view view_text(const char *text)
{
    return view_of(text, strlen(text));
}

bool view_equal(struct view a, struct view b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.limit = buffer->limit};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
}

struct result buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t limit = buffer->limit ? buffer->limit : BUFFER_LIMIT;
    size_t wanted;
    ENSURE(checked_add_size(buffer->length, more, &wanted) && wanted <= limit, CATEGORY_USAGE,
           "more than %zu bytes in one piece, which is over the limit", limit);
    if (wanted <= buffer->capacity) return RESULT_OK;
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    while (capacity < wanted) capacity *= 2; /* wanted is at most BUFFER_LIMIT, far from wrapping */
    uint8_t *data = realloc(buffer->data, capacity);
    ENSURE(data, CATEGORY_ENVIRONMENT, "out of memory for %zu bytes", capacity);
    buffer->data = data;
    buffer->capacity = capacity;
    return RESULT_OK;
}

struct result buffer_append(struct buffer *buffer, struct view bytes)
{
    TRY(buffer_reserve(buffer, bytes.length));
    if (bytes.length) memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
    buffer->length += bytes.length;
    return RESULT_OK;
}

struct result buffer_extend(struct buffer *buffer, size_t more, uint8_t **ret_start)
{
    TRY(buffer_reserve(buffer, more));
    *ret_start = buffer->data;
    if (more == 0) return RESULT_OK; /* where nothing starts does not matter, and an empty buffer has no memory yet */
    *ret_start += buffer->length;
    memset(*ret_start, 0, more);
    buffer->length += more;
    return RESULT_OK;
}

struct result buffer_u8(struct buffer *buffer, uint8_t value)
{
    return buffer_append(buffer, view_of(&value, 1));
}

struct result buffer_u32(struct buffer *buffer, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_u32(bytes, value);
    return buffer_append(buffer, view_of(bytes, sizeof bytes));
}

struct result buffer_u64(struct buffer *buffer, uint64_t value)
{
    uint8_t bytes[8];
    bytes_put_u64(bytes, value);
    return buffer_append(buffer, view_of(bytes, sizeof bytes));
}

struct result buffer_f64(struct buffer *buffer, double value)
{
    if (value == 0) value = 0; /* -0 compares equal to 0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (bits == UINT64_C(0x8000000000000000)) bits = 0;
    return buffer_u64(buffer, bits);
}

struct result buffer_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, view_text(text));
}

struct result buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ENSURE(length >= 0, CATEGORY_BUG, "a text could not be formatted");
    TRY(buffer_reserve(buffer, (size_t)length + 1));
    va_start(arguments, format);
    (void)vsnprintf((char *)buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
    return RESULT_OK;
}

struct result buffer_terminate(struct buffer *buffer, const char **ret_text)
{
    TRY(buffer_reserve(buffer, 1));
    buffer->data[buffer->length] = 0;
    *ret_text = (const char *)buffer->data;
    return RESULT_OK;
}

struct result reader_take(struct reader *reader, size_t length, struct view *ret)
{
    ENSURE(length <= reader->rest.length, CATEGORY_PEER, "%s ends too early", reader->what);
    *ret = view_of(reader->rest.data, length);
    reader->rest.data += length;
    reader->rest.length -= length;
    return RESULT_OK;
}

struct result reader_u8(struct reader *reader, uint8_t *ret)
{
    struct view bytes;
    TRY(reader_take(reader, 1, &bytes));
    *ret = bytes.data[0];
    return RESULT_OK;
}

struct result reader_u32(struct reader *reader, uint32_t *ret)
{
    struct view bytes;
    TRY(reader_take(reader, 4, &bytes));
    *ret = bytes_get_u32(bytes.data);
    return RESULT_OK;
}

struct result reader_u64(struct reader *reader, uint64_t *ret)
{
    struct view bytes;
    TRY(reader_take(reader, 8, &bytes));
    *ret = bytes_get_u64(bytes.data);
    return RESULT_OK;
}

struct result reader_f64(struct reader *reader, double *ret)
{
    uint64_t bits;
    TRY(reader_u64(reader, &bits));
    memcpy(ret, &bits, sizeof *ret);
    return RESULT_OK;
}

struct result reader_end(const struct reader *reader)
{
    ENSURE(reader->rest.length == 0, CATEGORY_PEER, "%s has %zu bytes too many", reader->what, reader->rest.length);
    return RESULT_OK;
}

void bytes_put_u32(uint8_t out[4], uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (8 * i));
}

void bytes_put_u64(uint8_t out[8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) out[i] = (uint8_t)(value >> (8 * i));
}

uint32_t bytes_get_u32(const uint8_t in[4])
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) value |= (uint32_t)in[i] << (8 * i);
    return value;
}

uint64_t bytes_get_u64(const uint8_t in[8])
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) value |= (uint64_t)in[i] << (8 * i);
    return value;
}

void bytes_hex(struct view bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.length; i++) {
        out[2 * i] = digits[bytes.data[i] >> 4];
        out[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    out[2 * bytes.length] = 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

struct result bytes_unhex(struct view text, uint8_t *out, size_t length)
{
    ENSURE(text.length / 2 == length && text.length % 2 == 0, CATEGORY_FALSE, "not %zu hex digits", 2 * length);
    for (size_t i = 0; i < length; i++)
        ENSURE(hex_digit(text.data[2 * i]) >= 0 && hex_digit(text.data[2 * i + 1]) >= 0, CATEGORY_FALSE,
               "not %zu lower-case hex digits", 2 * length);
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)(hex_digit(text.data[2 * i]) << 4 | hex_digit(text.data[2 * i + 1]));
    return RESULT_OK;
}

#include "proto/secagg/effects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/secagg/check.h"

static struct result __attribute__((format(printf, 2, 0)))
key_format(char key[MACHINE_KEY_MAX], const char *format, va_list arguments)
{
    int length = vsnprintf(key, MACHINE_KEY_MAX, format, arguments);
    ENSURE(length > 0 && length < (int)MACHINE_KEY_MAX, CATEGORY_BUG, "the record key %s does not fit", key);
    return RESULT_OK;
}

static struct result add_record(struct effects *effects, enum keep keep, bool erase, const char *key,
                                struct effect **ret)
{
    TRY(effects_add(effects, EFFECT_PERSIST, ret));
    memcpy((*ret)->key, key, strlen(key) + 1);
    (*ret)->secret = keep == KEEP_SECRET;
    (*ret)->shared = keep == KEEP_SHARED;
    (*ret)->erase = erase;
    return RESULT_OK;
}

struct result effect_persist(struct effects *effects, enum keep keep, struct view bytes, const char *key, ...)
{
    char text[MACHINE_KEY_MAX];
    va_list arguments;
    va_start(arguments, key);
    struct result result = key_format(text, key, arguments);
    va_end(arguments);
    TRY(result);
    struct effect *effect = NULL;
    TRY(add_record(effects, keep, false, text, &effect));
    return buffer_append(&effect->bytes, bytes);
}

struct result effect_erase(struct effects *effects, enum keep keep, const char *key, ...)
{
    char text[MACHINE_KEY_MAX];
    va_list arguments;
    va_start(arguments, key);
    struct result result = key_format(text, key, arguments);
    va_end(arguments);
    TRY(result);
    struct effect *effect = NULL;
    return add_record(effects, keep, true, text, &effect);
}

struct result effect_persist_sum(struct effects *effects, uint64_t step, const uint64_t *sum, uint64_t words)
{
    for (uint32_t c = 0; c < check_chunks(words); c++)
        TRY(effect_persist(effects, KEEP_RUN, view_of(sum + (size_t)c * CHUNK_WORDS, check_chunk_words(words, c) * 8),
                           "sum/%05llu/%05u", (unsigned long long)step, c));
    return RESULT_OK;
}

struct result effect_send(struct effects *effects, unsigned to, enum message_kind kind, const void *payload)
{
    struct effect *effect = NULL;
    TRY(effects_add(effects, EFFECT_SEND, &effect));
    effect->to = to;
    return message_encode(kind, payload, &effect->bytes);
}

struct result effect_relay(struct effects *effects, unsigned to, enum message_kind kind, struct view payload)
{
    struct effect *effect = NULL;
    TRY(effects_add(effects, EFFECT_SEND, &effect));
    effect->to = to;
    return message_wrap(kind, payload, &effect->bytes);
}

struct result effect_event(struct effects *effects, const char *format, ...)
{
    char text[WIRE_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct effect *effect = NULL;
    TRY(effects_add(effects, EFFECT_EVENT, &effect));
    return buffer_text(&effect->bytes, text);
}

struct result effect_fail(struct effects *effects, struct view reason)
{
    struct effect *effect = NULL;
    TRY(effects_add(effects, EFFECT_FAIL, &effect));
    return buffer_append(&effect->bytes, reason);
}

bool effects_persist(const struct effects *effects, size_t from)
{
    for (size_t i = from; i < effects->count; i++)
        if (effects->items[i].kind == EFFECT_PERSIST) return true;
    return false;
}

void effects_cut(struct effects *effects, size_t count)
{
    while (effects->count > count) {
        struct effect *last = &effects->items[--effects->count];
        if (last->secret && last->bytes.data) explicit_bzero(last->bytes.data, last->bytes.capacity);
        buffer_done(&last->bytes);
    }
}

static struct result load(const struct record_source *source, enum keep keep, const char *key, struct buffer *out,
                          bool *ret_found)
{
    return source->load(source->context, keep == KEEP_SECRET, keep == KEEP_SHARED, key, out, ret_found);
}

struct result record_load(const struct record_source *source, enum keep keep, struct buffer *out, bool *ret_found,
                          const char *key, ...)
{
    char text[MACHINE_KEY_MAX];
    va_list arguments;
    va_start(arguments, key);
    struct result result = key_format(text, key, arguments);
    va_end(arguments);
    TRY(result);
    return load(source, keep, text, out, ret_found);
}

struct result record_need(const struct record_source *source, enum keep keep, struct buffer *out, const char *key, ...)
{
    char text[MACHINE_KEY_MAX];
    va_list arguments;
    va_start(arguments, key);
    struct result result = key_format(text, key, arguments);
    va_end(arguments);
    TRY(result);
    bool found = false;
    TRY(load(source, keep, text, out, &found));
    ENSURE(found, CATEGORY_ENVIRONMENT, "the record %s of this run is gone: restore the state directory whole", text);
    return RESULT_OK;
}

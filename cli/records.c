#include "cli/records.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/checked.h"
#include "crypto/secret.h"

static void record_done(struct kept_record *record, bool secret)
{
    if (secret && record->value.length > 0) secret_bytes_wipe(record->value.data, record->value.length);
    buffer_done(&record->value);
}

static void map_done(struct record_map *map, bool secret)
{
    for (size_t i = 0; i < map->count; i++) record_done(&map->items[i], secret);
    free(map->items);
    *map = (struct record_map){0};
}

void records_done(struct records *records)
{
    for (size_t secret = 0; secret < 2; secret++)
        for (size_t shared = 0; shared < 2; shared++) map_done(&records->maps[secret][shared], secret == 1);
}

void records_lose_secrets(struct records *records)
{
    for (size_t shared = 0; shared < 2; shared++) map_done(&records->maps[1][shared], true);
}

/* The place of the first key that is not below the given one. */
static size_t record_place(const struct record_map *map, const char *key)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(map->items[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool record_is_at(const struct record_map *map, size_t place, const char *key)
{
    return place < map->count && strcmp(map->items[place].key, key) == 0;
}

static struct result map_grow(struct record_map *map)
{
    if (map->count < map->capacity) return RESULT_OK;
    size_t capacity = map->capacity == 0 ? 16 : map->capacity, bytes = 0;
    ENSURE(checked_mul_size(capacity, 2, &capacity) && checked_mul_size(capacity, sizeof *map->items, &bytes),
           CATEGORY_ENVIRONMENT, "too many records for this machine's memory");
    struct kept_record *items = realloc(map->items, bytes);
    ENSURE(items != NULL, CATEGORY_ENVIRONMENT, "out of memory for %zu records", capacity);
    map->items = items;
    map->capacity = capacity;
    return RESULT_OK;
}

static struct result map_put(struct record_map *map, bool secret, const char *key, struct view value)
{
    CLEANUP(buffer_done) struct buffer copy = {0};
    TRY(buffer_append(&copy, value));
    size_t place = record_place(map, key);
    if (record_is_at(map, place, key)) {
        record_done(&map->items[place], secret);
    } else {
        TRY(map_grow(map));
        memmove(&map->items[place + 1], &map->items[place], (map->count - place) * sizeof *map->items);
        map->count++;
        memset(&map->items[place], 0, sizeof map->items[place]);
        memcpy(map->items[place].key, key, strlen(key) + 1);
    }
    map->items[place].value = copy;
    copy = (struct buffer){0};
    return RESULT_OK;
}

static void map_erase(struct record_map *map, bool secret, const char *key)
{
    size_t place = record_place(map, key);
    if (!record_is_at(map, place, key)) return;
    record_done(&map->items[place], secret);
    map->count--;
    memmove(&map->items[place], &map->items[place + 1], (map->count - place) * sizeof *map->items);
}

static enum records_stage stage_of(const struct effect *effect)
{
    if (!effect->secret) return RECORDS_DECISIONS;
    return effect->erase ? RECORDS_ALL : RECORDS_SECRET_PUTS;
}

struct result records_commit(struct records *records, const struct effects *effects, enum records_stage stage)
{
    for (enum records_stage now = RECORDS_SECRET_PUTS; now <= stage; now++) {
        for (size_t i = 0; i < effects->count; i++) {
            const struct effect *effect = &effects->items[i];
            if (effect->kind != EFFECT_PERSIST || stage_of(effect) != now) continue;
            ENSURE(memchr(effect->key, 0, sizeof effect->key) != NULL, CATEGORY_BUG, "a record's key does not end");
            struct record_map *map = &records->maps[effect->secret][effect->shared];
            if (effect->erase)
                map_erase(map, effect->secret, effect->key);
            else
                TRY(map_put(map, effect->secret, effect->key, buffer_view(&effect->bytes)));
        }
    }
    return RESULT_OK;
}

struct result records_copy(const struct records *from, struct records *to)
{
    records_done(to);
    for (size_t secret = 0; secret < 2; secret++) {
        for (size_t shared = 0; shared < 2; shared++) {
            const struct record_map *map = &from->maps[secret][shared];
            for (size_t i = 0; i < map->count; i++)
                TRY(map_put(&to->maps[secret][shared], secret == 1, map->items[i].key,
                            buffer_view(&map->items[i].value)));
        }
    }
    return RESULT_OK;
}

static struct result records_load(void *context, bool secret, bool shared, const char *key, struct buffer *out,
                                  bool *ret_found)
{
    const struct records *records = context;
    const struct record_map *map = &records->maps[secret][shared];
    size_t place = record_place(map, key);
    bool found = record_is_at(map, place, key);
    buffer_clear(out);
    if (found) TRY(buffer_append(out, buffer_view(&map->items[place].value)));
    *ret_found = found;
    return RESULT_OK;
}

static struct result records_each(void *context, bool secret, bool shared, const char *prefix,
                                  struct result (*visit)(void *visitor, const char *key, struct view value),
                                  void *visitor)
{
    const struct records *records = context;
    const struct record_map *map = &records->maps[secret][shared];
    size_t length = strlen(prefix);
    for (size_t i = record_place(map, prefix); i < map->count; i++) {
        if (strncmp(map->items[i].key, prefix, length) != 0) break;
        TRY(visit(visitor, map->items[i].key, buffer_view(&map->items[i].value)));
    }
    return RESULT_OK;
}

struct record_source records_source(struct records *records)
{
    return (struct record_source){records, records_load, records_each};
}

#include "proto/machine.h"

#include <stdlib.h>
#include <string.h>

void effects_clear(struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        struct buffer *bytes = &effects->items[i].bytes;
        if (effects->items[i].secret && bytes->data) explicit_bzero(bytes->data, bytes->capacity);
        buffer_done(bytes);
    }
    free(effects->items);
    *effects = (struct effects){0};
}

struct result effects_add(struct effects *effects, enum effect_kind kind, struct effect **ret)
{
    ENSURE(effects->count < MACHINE_EFFECTS_MAX, CATEGORY_BUG, "a step has more than %u effects", MACHINE_EFFECTS_MAX);
    if (effects->count == effects->capacity) {
        size_t capacity = effects->capacity ? 2 * effects->capacity : 8;
        struct effect *items = realloc(effects->items, capacity * sizeof *items);
        ENSURE(items, CATEGORY_ENVIRONMENT, "out of memory for a step's effects");
        effects->items = items;
        effects->capacity = capacity;
    }
    struct effect *effect = &effects->items[effects->count++];
    *effect = (struct effect){.kind = kind};
    *ret = effect;
    return RESULT_OK;
}

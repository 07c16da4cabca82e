/* One encoder and one decoder for all messages, driven by the rows of schema.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/schema.h"

/* Far above what a message of MESSAGE_MAX can need: its bytes, and a struct for each of its items. */
#define ARENA_MAX ((size_t)64 << 20)

struct wire_block {
    struct wire_block *next;
    max_align_t bytes[];
};

static void *arena_take(void *context, size_t size)
{
    struct wire_arena *arena = context;
    if (size > ARENA_MAX || arena->used + sizeof(struct wire_block) + size > ARENA_MAX) {
        arena->full = true;
        return NULL;
    }
    struct wire_block *block = malloc(sizeof *block + size);
    if (!block) {
        arena->no_memory = true;
        return NULL;
    }
    arena->used += sizeof *block + size; /* many empty items are not for free */
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

static void arena_keep(void *context, void *pointer)
{
    (void)context; /* freed together, in wire_arena_done */
    (void)pointer;
}

/* What could not be taken apart for lack of memory is no peer's fault; what asks for too much of it is. */
static struct result memory_check(const struct wire_arena *arena, const struct wire_schema *schema)
{
    ENSURE(!arena->full, CATEGORY_PEER, "%s is too large", schema->name);
    ENSURE(!arena->no_memory, CATEGORY_ENVIRONMENT, "out of memory for %s", schema->name);
    return RESULT_OK;
}

void wire_arena_done(struct wire_arena *arena)
{
    while (arena->blocks) {
        struct wire_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used = 0;
    arena->no_memory = arena->full = false;
}

/* Receives a packed message and compares it with the bytes it was unpacked from. */
struct comparison {
    ProtobufCBuffer base;
    struct view rest;
    bool same;
};

static void comparison_append(ProtobufCBuffer *buffer, size_t length, const uint8_t *data)
{
    struct comparison *comparison = (struct comparison *)buffer;
    if (length > comparison->rest.length || (length && memcmp(data, comparison->rest.data, length) != 0)) {
        comparison->same = false;
        return;
    }
    comparison->rest.data += length;
    comparison->rest.length -= length;
}

/* Duplicates, unknown fields, another order and overlong integers all pack to other bytes than they came as. */
static bool is_canonical(const ProtobufCMessage *message, struct view bytes)
{
    struct comparison comparison = {.base.append = comparison_append, .rest = bytes, .same = true};
    (void)protobuf_c_message_pack_to_buffer(message, &comparison.base);
    return comparison.same && comparison.rest.length == 0;
}

static struct result take_views(const struct wire_schema *schema, const struct wire_rule *rule, size_t count,
                                const ProtobufCBinaryData *items, struct wire_arena *arena, struct wire_list *ret)
{
    ENSURE(count <= rule->most, CATEGORY_PEER, "%s has %zu items, more than %zu", schema->name, count,
           (size_t)rule->most);
    struct view *views = NULL;
    if (count) {
        views = arena_take(arena, count * sizeof *views);
        TRY(memory_check(arena, schema));
    }
    for (size_t i = 0; i < count; i++) {
        ENSURE(items[i].len >= 1 && items[i].len <= rule->item_most, CATEGORY_PEER, "an item of %s has %zu bytes",
               schema->name, items[i].len);
        views[i] = view_of(items[i].data, items[i].len);
    }
    *ret = (struct wire_list){views, count};
    return RESULT_OK;
}

static struct result take_bytes(const struct wire_schema *schema, const struct wire_rule *rule, const char *field,
                                const ProtobufCBinaryData *value, unsigned roster_size, uint8_t *at)
{
    if (rule->kind == RULE_MEMBERS) return members_from(view_of(value->data, value->len), roster_size, (void *)at);
    uint64_t least = rule->kind == RULE_BYTES ? rule->most : rule->least;
    ENSURE(value->len >= least && value->len <= rule->most, CATEGORY_PEER, "%s of %s has %zu bytes", field,
           schema->name, value->len);
    if (rule->kind == RULE_BYTES) {
        memcpy(at, value->data, value->len);
        return RESULT_OK;
    }
    if (rule->kind == RULE_REASON)
        for (size_t i = 0; i < value->len; i++)
            ENSURE(value->data[i] >= 0x20 && value->data[i] < 0x7f, CATEGORY_PEER, "%s of %s is not plain text", field,
                   schema->name);
    struct view view = view_of(value->data, value->len);
    memcpy(at, &view, sizeof view);
    return RESULT_OK;
}

static struct result take_number(const struct wire_schema *schema, const struct wire_rule *rule, const char *field,
                                 const uint8_t *from, uint8_t *at)
{
    uint64_t value;
    uint32_t small;
    if (rule->kind == RULE_U32) {
        memcpy(&small, from, sizeof small);
        value = small;
    } else {
        memcpy(&value, from, sizeof value);
    }
    ENSURE(value >= rule->least && value <= rule->most, CATEGORY_PEER, "%s of %s is %llu, which is out of range", field,
           schema->name, (unsigned long long)value);
    memcpy(at, from, rule->kind == RULE_U32 ? sizeof small : sizeof value);
    return RESULT_OK;
}

static struct result take_field(const struct wire_schema *schema, size_t index, const ProtobufCMessage *message,
                                unsigned roster_size, struct wire_arena *arena, uint8_t *ret)
{
    const struct wire_rule *rule = &schema->rules[index];
    const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[index];
    const uint8_t *from = (const uint8_t *)message + field->offset;
    uint8_t *at = ret + rule->offset;
    switch (rule->kind) {
    case RULE_U32:
    case RULE_U64:
        return take_number(schema, rule, field->name, from, at);
    case RULE_VIEWS: {
        size_t count;
        ProtobufCBinaryData *items;
        memcpy(&count, (const uint8_t *)message + field->quantifier_offset, sizeof count);
        memcpy(&items, from, sizeof items);
        return take_views(schema, rule, count, items, arena, (struct wire_list *)(void *)at);
    }
    default: {
        ProtobufCBinaryData value;
        memcpy(&value, from, sizeof value);
        if (field->label == PROTOBUF_C_LABEL_OPTIONAL) {
            protobuf_c_boolean present;
            memcpy(&present, (const uint8_t *)message + field->quantifier_offset, sizeof present);
            ENSURE(!present || value.len > 0, CATEGORY_PEER, "%s of %s is there but empty", field->name, schema->name);
        }
        return take_bytes(schema, rule, field->name, &value, roster_size, at);
    }
    }
}

struct result wire_decode(enum wire_type type, struct view bytes, unsigned roster_size, struct wire_arena *arena,
                          void *ret)
{
    const struct wire_schema *schema = wire_schema_of(type);
    ENSURE(bytes.length <= MESSAGE_MAX, CATEGORY_PEER, "%s has %zu bytes", schema->name, bytes.length);
    ProtobufCAllocator allocator = {.alloc = arena_take, .free = arena_keep, .allocator_data = arena};
    static const uint8_t nothing[1];
    ProtobufCMessage *message =
        protobuf_c_message_unpack(schema->descriptor, &allocator, bytes.length, bytes.length ? bytes.data : nothing);
    TRY(memory_check(arena, schema));
    ENSURE(message && message->n_unknown_fields == 0, CATEGORY_PEER, "%s is malformed", schema->name);
    ENSURE(is_canonical(message, bytes), CATEGORY_PEER, "%s is not in its one encoding", schema->name);
    for (size_t i = 0; i < schema->rules_count; i++) TRY(take_field(schema, i, message, roster_size, arena, ret));
    return RESULT_OK;
}

static ProtobufCBinaryData put_bytes(const struct wire_rule *rule, const uint8_t *at)
{
    struct view view;
    if (rule->kind == RULE_MEMBERS) {
        view = members_view((const struct members *)(const void *)at);
    } else if (rule->kind == RULE_BYTES) {
        view = view_of(at, (size_t)rule->most);
    } else {
        memcpy(&view, at, sizeof view);
    }
    return (ProtobufCBinaryData){.len = view.length, .data = (uint8_t *)(uintptr_t)view.data};
}

static struct result put_field(const struct wire_schema *schema, size_t index, const uint8_t *from,
                               struct wire_arena *arena, ProtobufCMessage *message)
{
    const struct wire_rule *rule = &schema->rules[index];
    const ProtobufCFieldDescriptor *field = &schema->descriptor->fields[index];
    uint8_t *to = (uint8_t *)message + field->offset;
    const uint8_t *at = from + rule->offset;
    if (rule->kind == RULE_U32 || rule->kind == RULE_U64) return take_number(schema, rule, field->name, at, to);
    if (rule->kind == RULE_VIEWS) {
        struct wire_list list;
        memcpy(&list, at, sizeof list);
        ProtobufCBinaryData *items = list.count ? arena_take(arena, list.count * sizeof *items) : NULL;
        ENSURE(items || !list.count, CATEGORY_ENVIRONMENT, "out of memory for %s", schema->name);
        for (size_t i = 0; i < list.count; i++)
            items[i] =
                (ProtobufCBinaryData){.len = list.items[i].length, .data = (uint8_t *)(uintptr_t)list.items[i].data};
        memcpy(to, &items, sizeof items);
        memcpy((uint8_t *)message + field->quantifier_offset, &list.count, sizeof list.count);
        return RESULT_OK;
    }
    ProtobufCBinaryData value = put_bytes(rule, at);
    memcpy(to, &value, sizeof value);
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL) {
        protobuf_c_boolean present = value.len > 0;
        memcpy((uint8_t *)message + field->quantifier_offset, &present, sizeof present);
    }
    return RESULT_OK;
}

struct result wire_encode(enum wire_type type, const void *message, struct buffer *out)
{
    const struct wire_schema *schema = wire_schema_of(type);
    assert(schema->rules_count == schema->descriptor->n_fields);
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    ProtobufCMessage *packed = arena_take(&arena, schema->descriptor->sizeof_message);
    ENSURE(packed, CATEGORY_ENVIRONMENT, "out of memory for %s", schema->name);
    schema->descriptor->message_init(packed);
    for (size_t i = 0; i < schema->rules_count; i++) TRY(put_field(schema, i, message, &arena, packed));
    size_t length = protobuf_c_message_get_packed_size(packed);
    ENSURE(length <= MESSAGE_MAX, CATEGORY_USAGE, "%s would have %zu bytes, more than a message may", schema->name,
           length);
    uint8_t *at;
    TRY(buffer_extend(out, length, &at));
    (void)protobuf_c_message_pack(packed, at);
    return RESULT_OK;
}

/* The limits on every field of every message: one row a field, in the order of the schema. */
#ifndef PROTO_WIRE_SCHEMA_H
#define PROTO_WIRE_SCHEMA_H

#include <protobuf-c/protobuf-c.h>

#include "proto/wire/messages.h"

enum wire_rule_kind {
    RULE_U32,     /* uint32_t, least to most */
    RULE_U64,     /* uint64_t, least to most */
    RULE_BYTES,   /* an array in the struct, exactly `most` bytes */
    RULE_VIEW,    /* struct view, least to most bytes */
    RULE_VIEWS,   /* struct wire_list: at most `most` items of 1 to `item_most` bytes */
    RULE_MEMBERS, /* struct members of the roster's size */
    RULE_REASON,  /* struct view of printable ASCII, least to most bytes */
};
struct wire_rule {
    enum wire_rule_kind kind;
    size_t offset; /* in the validated struct */
    uint64_t least, most;
    size_t item_most;
};
struct wire_schema {
    const char *name; /* for errors */
    const ProtobufCMessageDescriptor *descriptor;
    size_t size; /* of the validated struct */
    const struct wire_rule *rules;
    size_t rules_count;
};
const struct wire_schema *wire_schema_of(enum wire_type type);

#endif

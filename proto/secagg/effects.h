/* Short ways to add the effects the machines use, and to read back what was persisted. */
#ifndef PROTO_SECAGG_EFFECTS_H
#define PROTO_SECAGG_EFFECTS_H

#include "proto/machine.h"
#include "proto/wire/messages.h"

enum keep {
    KEEP_RUN,    /* a record of this run */
    KEEP_SECRET, /* of this run, in the secrets file */
    KEEP_SHARED, /* the node's own: counters, ledger */
};

#define KEY_FORMAT(at) __attribute__((format(printf, at, at + 1)))

MUST_USE struct result effect_persist(struct effects *effects, enum keep keep, struct view bytes, const char *key, ...)
    KEY_FORMAT(4);
MUST_USE struct result effect_erase(struct effects *effects, enum keep keep, const char *key, ...) KEY_FORMAT(3);
/* A sum, in chunks: "sum/STEP/CHUNK". */
MUST_USE struct result effect_persist_sum(struct effects *effects, uint64_t step, const uint64_t *sum, uint64_t words);
/* A message: kind and the struct of its type, or bytes that are encoded already. */
MUST_USE struct result effect_send(struct effects *effects, unsigned to, enum message_kind kind, const void *payload);
MUST_USE struct result effect_relay(struct effects *effects, unsigned to, enum message_kind kind, struct view payload);
MUST_USE struct result effect_event(struct effects *effects, const char *format, ...) KEY_FORMAT(2);
MUST_USE struct result effect_fail(struct effects *effects, struct view reason);
bool effects_persist(const struct effects *effects, size_t from); /* whether one of [from, count) is a PERSIST */
void effects_cut(struct effects *effects, size_t count);          /* drops (and frees) those from count on */

MUST_USE struct result record_load(const struct record_source *source, enum keep keep, struct buffer *out,
                                   bool *ret_found, const char *key, ...) KEY_FORMAT(5);
/* CATEGORY_ENVIRONMENT when it is not there: a decision says that it must be. */
MUST_USE struct result record_need(const struct record_source *source, enum keep keep, struct buffer *out,
                                   const char *key, ...) KEY_FORMAT(4);

#endif

/* Machines without I/O: bytes and time in, effects out.
 *
 * A step takes one input and appends effects. The caller carries them out in order: first all PERSIST effects of the
 * step as ONE durable batch (secret puts, then the main file, then secret erasures; see sys/store.h), then it feeds
 * INPUT_PERSISTED, and the effects of that step (the SENDs that waited) are carried out next. A step that persists
 * emits no SEND. While a batch is outstanding every other input is refused with CATEGORY_BUG by the machine's table.
 *
 * Request and reply: a node has at most one request under way for a run. SEND from a node machine is that request; the
 * daemon repeats it, byte for byte, until a reply (INPUT_MESSAGE) comes. SEND from a coordinator machine answers the
 * latest request of member `to` in this run; where none is parked, it is dropped, and the member's repeat gets it
 * again.
 */
#ifndef PROTO_MACHINE_H
#define PROTO_MACHINE_H

#include "crypto/base/bytes.h"

#define MACHINE_KEY_MAX 96u
/* A message to each member of the largest roster, or a record of each, and what a step adds to them. */
#define MACHINE_EFFECTS_MAX 4096u

enum input_kind {
    INPUT_START,        /* once after _new: begins, or goes on from what was persisted */
    INPUT_MESSAGE,      /* bytes from `from`: roster position, 0 = coordinator */
    INPUT_TIMER,        /* `now` has reached the time set (coordinator only) */
    INPUT_PERSISTED,    /* the batch of the last step is durable */
    INPUT_CONTRIBUTION, /* words: this bank's vector, asked for by EFFECT_CONTRIBUTE (node only) */
    INPUT_CANCEL,       /* an operator or the submitter ends the run; bytes: the reason */
};
struct input {
    enum input_kind kind;
    unsigned from;
    uint64_t now; /* milliseconds since the epoch, by the caller's clock */
    struct view bytes;
    const uint64_t *words;
    uint64_t words_count;
};

enum effect_kind {
    EFFECT_PERSIST,    /* key, bytes, and the flags below */
    EFFECT_SEND,       /* to, bytes */
    EFFECT_SET_TIMER,  /* at */
    EFFECT_CONTRIBUTE, /* compute this bank's vector for the current fold state and feed INPUT_CONTRIBUTION */
    EFFECT_EVENT,      /* bytes: a plain line for people (progress, who is awaited); no secret, no payload */
    EFFECT_DONE,       /* the fold is finished and its last state certified */
    EFFECT_FAIL,       /* bytes: the named, attributed reason; the run is over here */
};
struct effect {
    enum effect_kind kind;
    unsigned to;
    uint64_t at;
    char key[MACHINE_KEY_MAX]; /* PERSIST: ASCII, "/"-separated */
    bool secret;               /* PERSIST: into the secrets file */
    bool erase;                /* PERSIST: delete the key, unrecoverably */
    bool shared;               /* PERSIST: belongs to the node, not to this run (counters, ledger) */
    struct buffer bytes;
};
/* Zeroed is empty. */
struct effects {
    struct effect *items;
    size_t count;
    size_t capacity;
};
void effects_clear(struct effects *effects); /* frees everything (wiping bytes of secrets); empty again */
/* Appends an effect and returns it to be filled, or fails when the machine's bound is exceeded. */
MUST_USE struct result effects_add(struct effects *effects, enum effect_kind kind, struct effect **ret);

/* What a machine may read back: only what it persisted. `shared` as in struct effect. */
struct record_source {
    void *context;
    /* Replaces out's content; *ret_found false when there is no such key. */
    struct result (*load)(void *context, bool secret, bool shared, const char *key, struct buffer *out,
                          bool *ret_found);
    /* Calls visit for each key with the prefix, in key order. */
    struct result (*each)(void *context, bool secret, bool shared, const char *prefix,
                          struct result (*visit)(void *visitor, const char *key, struct view value), void *visitor);
};

#endif

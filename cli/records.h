/* Records in memory: what a daemon keeps in its state directory, for a party that lives inside this process.
 *
 * A batch has the durability of sys/store.h, stage by stage, so that a simulated crash can fall between its stages.
 * Secret values are wiped when they are erased, replaced or freed.
 */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include "proto/machine.h"

struct kept_record {
    char key[MACHINE_KEY_MAX];
    struct buffer value;
};
/* One ordered map for each combination of `secret` and `shared`. A zeroed one is empty. */
struct records {
    struct record_map {
        struct kept_record *items; /* in key order */
        size_t count, capacity;
    } maps[2][2];
};

/* How far a batch got before the process died; RECORDS_ALL when it did not. */
enum records_stage { RECORDS_NONE, RECORDS_SECRET_PUTS, RECORDS_DECISIONS, RECORDS_ALL };

void records_done(struct records *records);
void records_lose_secrets(struct records *records); /* as if the file of secrets were gone */
/* Carries out the PERSIST effects among the given ones, in the order of the store, up to and including a stage. */
MUST_USE struct result records_commit(struct records *records, const struct effects *effects, enum records_stage stage);
/* Replaces to's content by a copy. */
MUST_USE struct result records_copy(const struct records *from, struct records *to);
/* Reads these records; valid as long as they stay where they are. */
struct record_source records_source(struct records *records);

#endif

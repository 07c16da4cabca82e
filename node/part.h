/* One run at a node: its thread freezes the table, steps the machine, carries out what it asks for, and ends with the
 * model or a reason.
 *
 * A run is in the store from the moment its table is frozen. Before that nothing of it left this bank, and a restart
 * simply gets the offer again.
 */
#ifndef NODE_PART_H
#define NODE_PART_H

#include "node/bank.h"
#include "node/freeze.h"
#include "node/pushdown.h"
#include "proto/secagg/submission.h"

struct part {
    struct part *next;
    struct bank *bank; /* borrowed */
    struct submission submission;
    char hex[2 * HASH_BYTES + 1];
    pthread_t thread;
    bool threaded;         /* the thread is to be joined */
    atomic_bool forgotten; /* or is about to be: its thread brings nothing more (node/forget.h) */
    /* Under the node's lock: */
    bool ended; /* the thread has nothing left to do */
    enum service_run_state state;
    char reason[SERVICE_REASON_MAX + 1];   /* SERVICE_RUN_FAILED: why */
    char phase[SERVICE_REASON_MAX + 1];    /* what it is doing */
    char progress[SERVICE_REASON_MAX + 1]; /* the latest line for people */
    struct tally tally;                    /* of its rounds */
    struct secagg_checked checked;         /* of the last sum that this bank checked */
    uint64_t submitted_at, since;          /* milliseconds since the epoch: first seen here; the phase's beginning */
    bool waits;                            /* for officers to approve it */
    bool frozen_once;                      /* its table was fixed: what ended then was not refused */
    struct secagg_node *machine;
    struct buffer documents[APPROVALS_SHOWN_MAX]; /* what officers signed, for the run's log (officers_show) */
    struct view approvals[APPROVALS_SHOWN_MAX];   /* the same, as the machine borrows it */
    size_t approvals_count;
    /* The thread's own: */
    struct effects effects;
    struct frozen frozen;
    struct pushdown_pace pace; /* of its rounds, where its rows are in the database */
    struct buffer request;     /* the frame under way, repeated until there is a reply; empty: none */
    bool kept;                 /* the run and its table are in the store */
    bool sent;                 /* by the step under way */
    bool contribution_due;
    char refused[SERVICE_REASON_MAX + 1];    /* the last message that was, and why */
    char own_reason[SERVICE_REASON_MAX + 1]; /* why it failed, where the others are told less; "": they are told it */
    bool known_over;                         /* the coordinator said so itself */
    atomic_bool denied;                      /* by an officer, since this process knows the run */
};

void part_free(struct part *part);
/* A run offered: opened, and refused to the coordinator by its own thread where the bank takes no part. Lock held. */
MUST_USE struct result part_offered(struct bank *bank, struct view submission);
/* Goes on with the runs in the store. Lock held. */
MUST_USE struct result parts_restore(struct bank *bank);
struct part *part_find(const struct bank *bank, const struct hash *id); /* lock held; or NULL */
/* What the run's thread does; part_offered and parts_restore start it. */
void *part_thread(void *part);
/* Changes what people see. Lock held. */
void part_say(struct part *part, const char *phase);
/* DIR/runs/RUNID/name, the directories made. */
MUST_USE struct result part_path(const struct part *part, const char *name, char *out);

/* Its frozen rows, where they are in the database. */
MUST_USE struct result part_pushdown(const struct part *part, struct pushdown *ret);
/* Says the reason of what cannot be read or written just now, and rests: it is tried again then, as an operator can
 * cure it, and the run waits. Not under the lock. */
void part_wait(struct part *part);

/* node/prepare.c: before anything of the run leaves this bank: does it want to, and do its data fit? Freezes the table,
 * or loads it after a restart, and keeps the run. */
MUST_USE struct result part_prepare(struct part *part);

/* node/step.c: feeds the machine and carries out what it asks for. Lock held. CATEGORY_ENVIRONMENT: the store; the
 * daemon must stop. CATEGORY_PEER: refused, nothing changed. Another failure ends the run. */
MUST_USE struct result part_step(struct part *part, const struct input *input);
/* Makes the run's end durable: model and plan first, then the end; the frozen table goes. Lock held. */
MUST_USE struct result part_end(struct part *part, enum service_run_state state, const char *reason);
/* The machine erases what its own end leaves; a run that ends in another way must leave no more on the disk. */
MUST_USE struct result part_erase_secrets(struct store *store, const struct hash *run);
MUST_USE struct result part_machine_new(struct part *part);
/* What the machine has made durable. */
struct record_source part_records(struct part *part);
/* Loads the end of a run that is over; ret_over false when it is open. */
MUST_USE struct result part_load_end(struct part *part, bool *ret_over);

/* What the others are told of whatever is between the plan and this bank's rows. */
#define PART_UNFIT "its data cannot be used for this plan; its own log says why"

#define PART_MODEL "model.json"
#define PART_TABLE "table.frozen"               /* in the run's directory, as long as the run is open */
#define PART_PUSHED "table.database"            /* the same of rows in the database (node/pushdown.h) */
#define PART_KEY_SUBMISSION "daemon/submission" /* u64 time ‖ the submission */
#define PART_KEY_TABLE "daemon/table"           /* the frozen table's hash */
#define PART_KEY_PUSHED "daemon/table-key"      /* secret: of its digest, where it is in the database */
#define PART_KEY_ROWS "daemon/rows"             /* which rows it has, until an input has left (node/repetition.h) */
#define PART_KEY_END "daemon/end"               /* u64 time ‖ an answer: ok, or why it failed */

#endif

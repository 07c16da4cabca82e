/* One run at the coordinator: its terms, its machine, and carrying out what the machine asks for.
 *
 * A run lives in the store under its own scope: what was submitted, how it ended, and the machine's records. The
 * machine of an ended run is built again only when a late node asks for what it missed.
 */
#ifndef COORDINATOR_SESSION_H
#define COORDINATOR_SESSION_H

#include "coordinator/bundle.h"
#include "coordinator/hub.h"
#include "coordinator/story.h"
#include "proto/secagg/submission.h"

struct session {
    struct session *next;
    struct hub *hub; /* borrowed */
    struct submission submission;
    char hex[2 * HASH_BYTES + 1]; /* of the run's id */
    enum service_run_state state;
    char reason[SERVICE_REASON_MAX + 1];     /* SERVICE_RUN_FAILED: why */
    char progress[SERVICE_REASON_MAX + 1];   /* the latest line for people */
    char phase[SERVICE_REASON_MAX + 1];      /* the machine's, to notice when it changes */
    uint64_t submitted_at, since;            /* milliseconds since the epoch */
    struct secagg_coordinator *machine;      /* NULL: over, and nobody asked lately */
    uint64_t used_at;                        /* when somebody asked; by the steady clock */
    uint64_t sums;                           /* that the run took */
    uint64_t timer_at;                       /* 0 = none set */
    struct parked requests[MEMBERS_MAX + 1]; /* each member's latest request, by position */
    struct effects effects;                  /* of the step under way */
    struct run_bundle bundle;
    struct run_meter meter;
    struct story story;
};

/* In the store, under the run's scope, beside the machine's records: u64 time ‖ the submission. */
#define SESSION_KEY_SUBMISSION "daemon/submission"

void session_free(struct session *session);
/* A run just submitted, made durable. CATEGORY_PEER, _FALSE or _USAGE when the submission does not hold. */
MUST_USE struct result session_submit(struct hub *hub, struct view payload, struct session **ret);
/* A run from the store, its machine started when it is open. */
MUST_USE struct result session_restore(struct hub *hub, const struct hash *id, struct session **ret);
struct session *session_find(const struct hub *hub, const struct hash *id); /* or NULL */

/* Feeds the machine; carries out everything it asks for. A refused input (CATEGORY_PEER) is logged and is no failure;
 * what fails here is the store, and the daemon must stop. */
MUST_USE struct result session_step(struct session *session, const struct input *input);
/* Feeds in another member's attestation. */
MUST_USE struct result session_attested(struct session *session, unsigned member, struct view answer);
/* A machine to serve with, also for a run that is done. */
MUST_USE struct result session_machine(struct session *session);
/* After a restart, an open run: to its machine, or to its end when this program is too new for it. */
MUST_USE struct result session_go_on(struct session *session);
/* Forgets the machine of a run that is over; session_machine makes it again. */
void session_rest(struct session *session);
/* Ends an open run for a reason outside the machine. */
MUST_USE struct result session_cancel(struct session *session, const char *reason);
/* DIR/runs/RUNID/name, the directories made. */
MUST_USE struct result session_path(const struct session *session, const char *name, char out[FILE_PATH_MAX]);
/* What the machine has made durable. */
struct record_source session_records(struct session *session);
void session_status(const struct session *session, struct service_run_status *ret);

#endif

/* The parties of a simulated consortium: keys, records, and the machine of each while its process lives. */
#ifndef CLI_PARTIES_H
#define CLI_PARTIES_H

#include "cli/consortium.h"
#include "cli/network.h"
#include "proto/audit/bundle_write.h"
#include "proto/secagg/submission.h"

struct party {
    const char *name;
    struct sign_key *identity, *key; /* the coordinator has no identity of its own in the roster */
    struct records records;
    struct records copy;      /* of some time ago, for a process that starts from an old disk */
    bool copied, aged;        /* there is a copy; it was started from */
    bool bereft;              /* it was started without its secrets */
    uint64_t life;            /* how often its process has started; deliveries of an earlier life are void */
    uint64_t gone_at;         /* from then on it is down for good; 0: never */
    bool up, done, ended;     /* done: its machine says that the last state is certified; ended: that the run is over */
    char reason[1024];        /* why it ended */
    uint64_t timer, timer_at; /* the coordinator's latest timer */
    /* a member's side of request and reply */
    struct secagg_node *node;
    struct node_counters counters;
    const struct table *table;
    struct hash table_hash;
    const struct view *approvals; /* for its P1; a simulated bank has no officers but in tests */
    size_t approvals_count;
    struct buffer request;
    uint64_t request_number;
    bool waiting; /* for the reply to its request */
    bool asked;   /* for attestation, lately */
    /* the coordinator's side of the same */
    uint64_t parked; /* number of this member's latest request that has no reply; 0: none */
};

struct consortium;
/* Sees, and may change, what happens; any function may be NULL. */
struct watcher {
    void *context;
    /* After each step of a machine, before its effects are carried out. A failure ends the run. */
    struct result (*stepped)(void *context, struct consortium *consortium, unsigned number, const struct input *input,
                             struct result result, const struct effects *effects);
    /* A reply of the coordinator's before it is sent; its bytes may be changed. */
    struct result (*reply)(void *context, struct consortium *consortium, unsigned to, struct buffer *bytes);
};

struct consortium {
    const struct consortium_config *config;
    struct random_source *random; /* fresh seeds of keys and processes */
    struct roster roster;
    struct buffer plan_note;
    struct submission submission;
    struct party *parties; /* parties[0] is the coordinator, parties[i] the member at position i */
    unsigned members;
    struct secagg_coordinator *coordinator;
    struct network network;
    struct bundle_writer bundle; /* when there is a sink */
    int64_t skew_ms;             /* of the coordinator's clock */
    uint32_t epoch_rounds;       /* T; 0 = EPOCH_ROUNDS */
    uint64_t give_up_at;         /* a run that is not over by then stands still; 0: never */
    bool stands_still;           /* it did */
    struct watcher watcher;
    uint64_t said;     /* the step of the fold that progress last told */
    char refusal[512]; /* the latest message that was refused, for a run that stands still */
};

void consortium_done(struct consortium *consortium);
/* Makes keys, roster, plan note and run terms; no process lives yet. */
MUST_USE struct result consortium_init(const struct consortium_config *config, struct consortium *ret);
/* Starts or restarts the process of a party from its records, with fresh randomness; stopping forgets all but them. */
MUST_USE struct result party_start(struct consortium *consortium, unsigned number);
void party_stop(struct consortium *consortium, unsigned number);
/* Sends a reply, if the member waits for one. */
MUST_USE struct result consortium_reply(struct consortium *consortium, unsigned to, struct view bytes);
/* Carries messages until every party is done, has ended or is down for good (consortium.c). CATEGORY_FALSE when the
 * run stands still. */
MUST_USE struct result consortium_go(struct consortium *consortium);

#endif

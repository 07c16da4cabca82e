/* The in-memory network of a simulated consortium: a queue of deliveries under a virtual clock, and its faults.
 *
 * Without faults everything arrives at once and in order. With faults every choice (lost, twice, late, a crash, and
 * at which stage of a batch) is drawn from one random source, so that a seed and a commit reproduce a run.
 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include "cli/records.h"
#include "crypto/random.h"

enum delivery_kind {
    DELIVERY_START,      /* a process starts; serial: which life of it */
    DELIVERY_REQUEST,    /* member to coordinator; serial: the member's request number */
    DELIVERY_REPLY,      /* coordinator to member; serial: of the request it answers */
    DELIVERY_REPEAT,     /* the member's patience with request `serial` is at its end */
    DELIVERY_TIMER,      /* the coordinator's timer number `serial` */
    DELIVERY_CONTRIBUTE, /* the member's computation is due; serial: the member's life */
    DELIVERY_ATTEST,     /* a request for attestation, relayed to a member */
    DELIVERY_ATTESTED,   /* its answer */
    DELIVERY_ASK_AGAIN,  /* an attestation that was asked of a member may be asked again */
};
struct delivery {
    uint64_t at, order;
    enum delivery_kind kind;
    unsigned party; /* the member concerned; 0 = the coordinator */
    uint64_t serial;
    struct buffer bytes;
};
void delivery_done(struct delivery *delivery);

/* How hostile this network is; in thousandths, but for the longest delay and the number of crashes. */
struct faults {
    struct random_source *random; /* owned; NULL: no faults */
    uint64_t lost, twice, crash, crash_in_batch, blackout;
    uint64_t delay_ms;
    unsigned crashes_left;
    uint64_t lost_count, twice_count, crash_count; /* what happened */
};

struct network {
    uint64_t now; /* milliseconds, virtual */
    uint64_t order;
    struct delivery *heap;
    size_t count, capacity;
    struct faults faults;
};

void network_done(struct network *network);
/* Draws the rates of a faulty network for `members` members from the source. */
struct faults faults_from(struct random_source *take_random, unsigned members);

/* A message between two parties: lost, doubled or late where there are faults. */
MUST_USE struct result network_send(struct network *network, enum delivery_kind kind, unsigned party, uint64_t serial,
                                    struct view bytes);
/* Something local to a party: arrives for certain, at `now` + after. */
MUST_USE struct result network_after(struct network *network, uint64_t after, enum delivery_kind kind, unsigned party,
                                     uint64_t serial);
/* Takes the earliest delivery, moving the clock to it; false when there is none. The caller frees it. */
bool network_next(struct network *network, struct delivery *ret);
/* The earliest delivery, or NULL; valid until the next call. */
const struct delivery *network_peek(const struct network *network);

/* Whether the process that is about to take a step dies first. */
bool faults_crash(struct faults *faults);
/* Whether it dies while the batch of its step is written, and what had been written by then. */
bool faults_crash_in_batch(struct faults *faults, enum records_stage *ret_stage);
/* Whether a crash takes every process down. */
bool faults_blackout(struct faults *faults);
/* Uniform below the bound, or 0 without faults. */
uint64_t faults_below(struct faults *faults, uint64_t bound);

#endif

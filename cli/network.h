/* The in-memory network of a simulated consortium: a queue of deliveries under a virtual clock, and its faults.
 *
 * Without faults everything arrives at once and in order. With faults every choice (lost, twice, late, changed on the
 * way, cut off, a crash and at which stage of a batch, an old disk, a clock that jumps) is drawn from one random
 * source, so that a seed and a commit reproduce a run.
 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include "cli/records.h"
#include "crypto/base/limits.h"
#include "crypto/random.h"

/* Where the virtual clock starts, in milliseconds since the epoch: far from 0, so that it can jump back. */
#define NETWORK_START_MS UINT64_C(1700000000000)

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

enum fault_kind {
    FAULT_LOST,       /* a message is lost */
    FAULT_TWICE,      /* a message arrives twice */
    FAULT_CHANGED,    /* a message arrives with a byte changed, or cut short */
    FAULT_CUT,        /* a member, or several, cannot be reached for a while */
    FAULT_CRASH,      /* a process dies between two steps */
    FAULT_BATCH,      /* a process dies before, in the middle of or after a batch */
    FAULT_BLACKOUT,   /* a crash takes every process down */
    FAULT_OLD_DISK,   /* a process starts from a copy of its records of some time ago */
    FAULT_NO_SECRETS, /* a process starts without its secrets, which no backup holds */
    FAULT_JUMP,       /* the coordinator's clock jumps */
    FAULT_KINDS,
};
extern const char *const fault_names[FAULT_KINDS]; /* "messages lost" */

/* How hostile this network is. */
struct faults {
    struct random_source *random; /* owned; NULL: no faults */
    uint64_t until;               /* from then on nothing goes wrong any more; 0: it never stops */
    uint64_t rate[FAULT_KINDS];   /* in thousandths of the occasions */
    uint64_t delay_ms;            /* the longest that a message takes, */
    uint64_t cut_ms;              /* that members are cut off, */
    uint64_t down_ms;             /* that a process stays down, */
    uint64_t jump_ms;             /* and that the clock jumps */
    bool replies_change; /* else TLS notices a changed reply, and it is lost; a request's garbage is a bank's */
    unsigned crashes_left, old_left; /* crashes, and starts from old disks, that may still come */
    uint64_t count[FAULT_KINDS];     /* what happened */
};

struct network {
    uint64_t now; /* milliseconds, virtual */
    uint64_t order;
    unsigned members;
    struct delivery *heap;
    size_t count, capacity;
    uint64_t cut_until[MEMBERS_MAX + 1]; /* by member */
    struct faults faults;
};

void network_done(struct network *network);
/* Draws the rates of a faulty network for `members` members from the source: what a run is expected to survive. */
struct faults faults_from(struct random_source *take_random, unsigned members);

/* A message between two parties: lost, doubled, changed or late where there are faults. */
MUST_USE struct result network_send(struct network *network, enum delivery_kind kind, unsigned party, uint64_t serial,
                                    struct view bytes);
/* Something local to a party: arrives for certain, at `now` + after. */
MUST_USE struct result network_after(struct network *network, uint64_t after, enum delivery_kind kind, unsigned party,
                                     uint64_t serial);
/* Takes the earliest delivery, moving the clock to it; false when there is none. The caller frees it. */
bool network_next(struct network *network, struct delivery *ret);
/* The earliest delivery, or NULL; valid until the next call. */
const struct delivery *network_peek(const struct network *network);

/* Whether a fault of this kind happens now; counts it. */
bool network_fault(struct network *network, enum fault_kind kind);
/* Whether a process dies now by a crash of this kind, of which there are only so many. */
bool network_crash(struct network *network, enum fault_kind kind);
/* Uniform below the bound, or 0 without faults. */
uint64_t network_below(struct network *network, uint64_t bound);

#endif

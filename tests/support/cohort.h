/* A consortium of machines in memory: n nodes, a coordinator, their records, and what carries their messages.
 *
 * The analysis is a toy (toy.h). Hooks see, change and drop every message; any party can be killed at any batch and
 * started again from its records.
 */
#ifndef TESTS_SUPPORT_COHORT_H
#define TESTS_SUPPORT_COHORT_H

#include "cli/records.h"
#include "proto/run/approval.h"
#include "proto/secagg/run_log.h"
#include "proto/secagg/secagg.h"
#include "proto/wire/messages.h"
#include "tests/support/toy.h"

struct cohort;

struct cohort_config {
    unsigned banks;   /* of the roster */
    unsigned without; /* roster position left out of the cohort; 0 = none */
    uint64_t words;   /* of each sum */
    uint32_t rounds;  /* sums to take */
    uint32_t epoch_rounds;
    bool goes_on;   /* on_dropout: continue */
    double epsilon; /* 0: exact sums; else with noise, at a delta of 1e-6 */
    uint64_t seed;
    unsigned version; /* of the protocol; 0: the newest */
    uint64_t nonce;   /* of the run: two cohorts of one seed with two nonces are two runs of the same banks */
};

struct cohort_hooks {
    void *context;
    /* Return false to lose the message; the bytes may be changed. */
    bool (*request)(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes);
    bool (*reply)(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes);
    /* Changes a bank's input, which is then no longer toy_input. */
    void (*input)(void *context, unsigned bank, uint64_t step, uint64_t *words, uint64_t count);
    /* Called as a machine's step begins, and as it ends. */
    void (*around)(void *context, unsigned number, bool begins);
};

struct cohort_party {
    struct records records;
    struct node_counters counters;
    struct secagg_node *node;
    struct buffer request;
    bool up, waiting, delivered; /* waiting: for a reply; delivered: the request has reached the coordinator */
    bool parked;                 /* the coordinator holds its request */
    bool done, failed;
    bool cohort_change_approved;
    const char *source;
    struct hash table_hash;
    struct buffer documents[APPROVALS_SHOWN_MAX]; /* its officers', for its P1: cohort_approve */
    struct view approvals[APPROVALS_SHOWN_MAX];
    size_t approvals_count;
    char reason[1024];
    unsigned refused; /* messages this party refused */
    char refusal[1024];
};

struct cohort {
    struct cohort_config config;
    struct plan plan;
    struct roster roster;
    struct run_terms terms;
    struct sign_key **identities, **keys; /* by position; keys[0] is the coordinator's */
    struct random_source *random;
    struct cohort_party *parties; /* parties[0] is the coordinator */
    struct secagg_coordinator *coordinator;
    struct secret *const *psk; /* pairs[i * (banks + 1) + j], or NULL */
    const struct secret **psk_rows;
    struct cohort_hooks hooks;
    struct members lost[MESSAGE_KINDS_END]; /* by kind: messages of these banks, or to them, are lost */
    uint64_t now, timer;
    /* For benches: seconds that steps take, by the message that causes them (0: a contribution), of the coordinator and
     * of bank 1; and the bytes that bank 1 sends and gets. */
    double (*clock)(void);
    double spent[2][MESSAGE_KINDS_END];
    uint64_t carried[MESSAGE_KINDS_END];
    unsigned cause[2];
    struct buffer events; /* every EVENT, one a line */
    uint64_t batches;     /* carried out so far */
    uint64_t crash_at;    /* this batch is cut at crash_stage and its party started again; 0 = never */
    enum records_stage crash_stage;
    bool crash_all; /* ... and every other party with it */
    bool revives;   /* a party whose step lacked memory is started again, as its daemon is */
    bool broken;    /* the helper itself failed; reason of parties[0] says how */
};

MUST_USE struct result cohort_init(const struct cohort_config *config, struct cohort *ret);
void cohort_done(struct cohort *cohort);

/* An approval of this plan by an officer of a bank, unsigned; and one that goes into the P1 that the bank makes from
 * its next start on, signed by the officer of that number. */
struct approval cohort_approval(const struct cohort *cohort, unsigned bank);
MUST_USE struct result cohort_approve(struct cohort *cohort, unsigned bank, unsigned officer,
                                      struct approval *approval);

/* number 0 is the coordinator. Starting again forgets all but the records. */
MUST_USE struct result cohort_start(struct cohort *cohort, unsigned number);
void cohort_stop(struct cohort *cohort, unsigned number);
MUST_USE struct result cohort_start_all(struct cohort *cohort);
/* Carries messages until nothing moves any more. */
MUST_USE struct result cohort_pump(struct cohort *cohort);
/* Every unanswered request is delivered once more. */
void cohort_repeat(struct cohort *cohort);
/* Moves the clock to the coordinator's timer. */
MUST_USE struct result cohort_timer(struct cohort *cohort);
/* Pumps and repeats for a few turns, or until everyone is done. */
MUST_USE struct result cohort_settle(struct cohort *cohort);
/* All of it: start, pump, and repeats until every bank of the cohort is done or the run stands still. */
MUST_USE struct result cohort_run(struct cohort *cohort);
/* Feeds bytes to a machine as a message, outside the pump; effects are carried out. */
MUST_USE struct result cohort_feed(struct cohort *cohort, unsigned to, unsigned from, struct view bytes);

/* An operator ends the run at a party. */
MUST_USE struct result cohort_cancel(struct cohort *cohort, unsigned number, const char *reason);

/* Messages of a kind, to a bank or from it, are lost from now on; or arrive again. bank 0 stands for all. */
void cohort_lose(struct cohort *cohort, enum message_kind kind, unsigned bank, bool lose);
/* A message as its signer would make it: kind of signature, type and body; the coordinator is signer 0. */
MUST_USE struct result cohort_sign(const struct cohort *cohort, unsigned signer, const char *kind, enum wire_type type,
                                   const void *body, struct buffer *out);
/* The cosignature of a vote on the step that comes next in the log, as its signer would make it. */
MUST_USE struct result cohort_cosign(const struct cohort *cohort, unsigned signer, const struct run_log *before,
                                     struct wire_close *vote);
/* Prints everyone's state and every event. */
void cohort_explain(const struct cohort *cohort);
/* Fails the test with everyone's state when the run is not done with the value expected for `members`. */
void cohort_assert_done(const struct cohort *cohort, const struct members *members);
bool cohort_all_done(const struct cohort *cohort);
/* The last state's value when the sums are over `members`. */
uint64_t cohort_expected(const struct cohort *cohort, const struct members *members);
uint64_t cohort_value(const struct fold *fold);
bool cohort_event(const struct cohort *cohort, const char *part); /* whether an EVENT contains it */

#endif

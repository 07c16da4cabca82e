/* A small run of real machines in memory, and its bundle. The analysis is the toy (toy.h). */
#ifndef TESTS_SUPPORT_SMALL_RUN_H
#define TESTS_SUPPORT_SMALL_RUN_H

#include "analytics/schema.h"
#include "cli/parties.h"
#include "tests/support/memory_bundle.h"

enum { SMALL_BANKS_MAX = 100 };
struct small_run_config {
    unsigned banks;
    uint64_t words; /* of each sum */
    uint32_t rounds, epoch_rounds;
    unsigned officers; /* who approve it at each bank but the first; a fourth approves this very run */
    unsigned gone; /* this bank dies when it has sent its first input, and the run goes on without it; 0: none does */
};
struct small_run {
    struct small_run_config config;
    struct plan plan;
    struct schema schema;
    struct consortium_bank banks[SMALL_BANKS_MAX];
    char names[SMALL_BANKS_MAX][16];
    struct consortium_config how;
    struct consortium consortium;
    struct bundle_sink sink;
    struct buffer bundle;                     /* full */
    struct buffer documents[SMALL_BANKS_MAX]; /* one after the other: what a bank's officers signed */
    struct view approvals[SMALL_BANKS_MAX][APPROVALS_SHOWN_MAX];
    struct buffer hidden; /* what must not be in it: everything secret that a bank kept, sealed shares, shares */
};

/* Runs it to its end and finishes the bundle, or fails the running test. Freed with small_run_free. */
struct small_run *small_run_new(const struct small_run_config *config);
void small_run_free(struct small_run *run);
void small_run_freep(struct small_run **run);
/* What makes a replay see the toy in place of the plan's task. */
struct replay_observer small_run_observer(struct small_run *run);
/* Replays a bundle of this run in any form. */
MUST_USE struct result small_run_replay(struct small_run *run, struct view bundle);
/* Fails the running test unless a bundle does not hold, at this entry (0: which one is not known beforehand); what and
 * which tell the case. */
void small_run_refuted(struct small_run *run, struct view bundle, size_t number, const char *what, size_t which);
/* The bundle in another form; appended to out. */
void small_run_redact(struct small_run *run, enum bundle_form form, struct buffer *out);

#endif

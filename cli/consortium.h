/* A whole consortium in one process: the machines of proto/secagg, real keys and masks, an in-memory network.
 *
 * Every bank's node and the coordinator are the machines that the daemons run, each with records of its own; only what
 * carries their messages and keeps their records differs. The members' keys are made for this run and forgotten.
 * With faults, messages are lost, doubled, changed, delayed and reordered, members are cut off, the coordinator's clock
 * jumps, and processes die and start again, also in the middle of a batch; one seed decides all of it. The outcome is
 * then the same bytes, or a failure that names who and why.
 */
#ifndef CLI_CONSORTIUM_H
#define CLI_CONSORTIUM_H

#include "crypto/secret.h"
#include "data/table.h"
#include "proto/audit/bundle.h"
#include "proto/run/fold.h"

struct consortium_bank {
    const char *name;          /* a valid roster name, distinct */
    const struct table *table; /* borrowed */
};
struct consortium_config {
    const struct plan *plan; /* borrowed; its text ends in a newline */
    const struct consortium_bank *banks;
    unsigned banks_count;
    unsigned threads; /* contributions are computed on this many; the result does not depend on it */
    bool faults;
    const struct secret *seed; /* 32 bytes: keys, masks and faults come from it */
    uint64_t clock_ms;         /* the date when it begins, which signatures state; simulated time goes on from there */
    /* Where the run's bundle is written to while it goes on, form first; NULL: nowhere. */
    const struct bundle_sink *bundle;
    /* A plain line for people: progress of the fold, a crash, a restart. May be NULL. */
    void (*say)(void *context, const char *line);
    void *context;
};
struct consortium_outcome {
    struct buffer model;     /* model.json */
    struct buffer report;    /* report.html */
    struct buffer plan_note; /* the plan as its submitter signed it */
    uint64_t rounds;
    struct buffer faults; /* what the faults did: "12 messages lost, 3 doubled, ..." */
};

void consortium_outcome_done(struct consortium_outcome *outcome);
/* CATEGORY_FALSE when the run was stopped by one of its parties, CATEGORY_USAGE when there are too few banks. */
MUST_USE struct result consortium_run(const struct consortium_config *config, struct consortium_outcome *ret);
/* Refuses a consortium below the plan's cohort minimum, before anything is computed. */
MUST_USE struct result consortium_check(const struct plan *plan, unsigned banks);

#endif

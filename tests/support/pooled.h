/* A run without crypto or network: the fold over tables, its sums added in the clear. What any real run must equal. */
#ifndef TESTS_SUPPORT_POOLED_H
#define TESTS_SUPPORT_POOLED_H

#include "analytics/schema.h"
#include "proto/run/fold.h"

/* A plan with its table, ready to run. */
struct pooled {
    struct plan plan;
    struct schema schema;
    struct table *table;
};

void pooled_done(struct pooled *pooled);
/* From a plan's YAML; the table is empty. */
MUST_USE struct result pooled_init(const char *yaml, struct pooled *ret);
/* One row: texts in the order of schema_of; NULL is missing. */
MUST_USE struct result pooled_row(struct pooled *pooled, const char *const *texts);

struct pooled_options {
    unsigned parts;   /* banks: row i of the order below goes to bank i mod parts */
    unsigned threads; /* of each contribution */
    uint64_t shuffle; /* 0: as read; else the seed of a shuffle */
    unsigned stop_at; /* 0, or the step at which to stop early */
};
/* Runs the plan's task to its end. Every state goes through its bytes once. */
MUST_USE struct result pooled_run(const struct pooled *pooled, struct pooled_options options, struct fold *ret);

#endif

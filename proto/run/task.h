/* An analysis: a fold over secure sums (docs/architecture.md). One file in analytics/ implements one struct task.
 *
 * A state is bytes: fold.h puts the header (label, plan hash, step) in front, the task encodes its fields as u64 or
 * IEEE bits with counts. Every function is pure. All but contribute see public values only and must give the same bytes
 * on every machine (architecture.md says how). `plan` has been checked with `check`.
 */
#ifndef PROTO_RUN_TASK_H
#define PROTO_RUN_TASK_H

#include "proto/run/layout.h"
#include "proto/run/plan.h"

struct table;        /* data/table.h; proto never looks inside */
struct formula_sums; /* data/formula.h; nor here */

struct task_figure {
    const char *name; /* a constant: "log-likelihood" */
    double value;
};
struct task {
    const char *name; /* as in the plan's `task:` */
    /* Whether it knows differential privacy: layouts of a private plan say norm and budget of every field, and the
     * whole fold's rho is at most the plan's, whatever the sums are. */
    bool private;
    /* What the plan asks of this task beyond plan_parse: all that can be proved before a state exists. */
    struct result (*check)(const struct plan *plan);
    /* Plain words, one line for each kind of round: what sums it releases, how many numbers. For `plan check`. */
    struct result (*explain)(const struct plan *plan, struct buffer *out);
    /* The first state's fields, appended to out. */
    struct result (*start)(const struct plan *plan, struct buffer *out);
    bool (*finished)(const struct plan *plan, struct view state);
    /* The vector of the round that this (unfinished) state asks for. */
    struct result (*layout)(const struct plan *plan, struct view state, struct layout *ret);
    /* This bank's words (layout_words many, zeroed before). threads >= 1; the words do not depend on it. */
    struct result (*contribute)(const struct plan *plan, struct view state, const struct table *table, unsigned threads,
                                uint64_t *words);
    /* The same words' sums as expressions over a row, for a bank whose rows stay in a database: adds them to ret, or
     * says there why this round has none (formula_unsupported), and the rows are streamed through contribute. NULL:
     * none has. */
    struct result (*formulas)(const struct plan *plan, struct view state, struct formula_sums *ret);
    /* The next state's fields, appended to out. CATEGORY_USAGE: the sum may be true, but these data cannot be analysed
     * as planned (no positive row, bounds too wide); nobody is to blame, and the reason says what to change.
     * CATEGORY_FALSE: the sum cannot be a true one, and the reason says why. */
    struct result (*advance)(const struct plan *plan, struct view state, const uint64_t *words, struct buffer *out);
    /* model.json of a finished state, appended to out. rounds: how many sums the fold took; banks: the cohort's size.
     */
    struct result (*result)(const struct plan *plan, struct view state, uint64_t rounds, unsigned banks,
                            struct buffer *out);
    /* A short plain line on where the state stands: "Newton step 3, log-likelihood -11190.1". For progress. */
    struct result (*progress)(const struct plan *plan, struct view state, struct buffer *out);
    /* The number by which people follow how the fold comes to rest, where the state has one: else its name stays NULL.
     * Absent in tasks that have none. */
    struct result (*figure)(const struct plan *plan, struct view state, struct task_figure *ret);
};

/* The task's check, and that it knows what the plan asks of every task. */
MUST_USE struct result task_check(const struct task *task, const struct plan *plan);
/* A real number of a state: refuses NaN and infinity (the fold stops, naming `what`); -0 becomes +0. */
MUST_USE struct result task_f64(struct buffer *out, double value, const char *what);

/* The task a plan names. The list is in analytics/tasks.c; proto only declares it. */
const struct task *task_find(const char *name);
/* All names that a plan may use, with commas between, appended to out: for errors and help. */
MUST_USE struct result task_names(struct buffer *out);

#endif

/* The fold: a run's state and how a sum moves it. Node, coordinator, simulator and auditor run this same code. */
#ifndef PROTO_RUN_FOLD_H
#define PROTO_RUN_FOLD_H

#include "proto/run/task.h"

struct fold {
    const struct plan *plan; /* borrowed */
    const struct task *task; /* borrowed */
    uint64_t step;           /* sums taken so far */
    struct buffer state;     /* label "state" ‖ plan hash ‖ step ‖ the task's fields */
    struct hash state_hash;  /* H(label "state-hash" ‖ state) */
    bool finished;
    struct layout layout; /* of the next sum, when not finished; proven */
    struct hash layout_hash;
    uint64_t words; /* d */
};

void fold_done(struct fold *fold);
/* Checks the floating-point environment (round to nearest, no flush to zero) and starts at step 0. */
MUST_USE struct result fold_start(const struct plan *plan, const struct task *task, struct fold *ret);
/* From persisted state bytes. CATEGORY_FALSE when they are not a state of this plan. */
MUST_USE struct result fold_load(const struct plan *plan, const struct task *task, struct view state, struct fold *ret);
/* Next state from a sum of `words` words; fold is untouched on failure, whose category is as for the task's advance. */
MUST_USE struct result fold_advance(struct fold *fold, const uint64_t *words, uint64_t count);
/* This bank's contribution: count = fold->words. */
MUST_USE struct result fold_contribute(const struct fold *fold, const struct table *table, unsigned threads,
                                       uint64_t *words, uint64_t count);
/* The same as expressions over a row, of a task that has them (task.h). ret is empty before. */
MUST_USE struct result fold_formulas(const struct fold *fold, struct formula_sums *ret);
MUST_USE struct result fold_result(const struct fold *fold, unsigned banks, struct buffer *out);
/* The result into the empty `model`, and its SHA-256, as sha256sum tells it of model.json; nothing and zeros as long as
 * the run is not finished, or when its result cannot be written. */
MUST_USE struct result fold_model(const struct fold *fold, unsigned banks, struct buffer *model, struct hash *ret);
MUST_USE struct result fold_progress(const struct fold *fold, struct buffer *out);
MUST_USE struct result fold_figure(const struct fold *fold, struct task_figure *ret); /* its name NULL: there is none */
/* Frees what the arithmetic library keeps for the calling thread: for a thread that ends. */
void fold_thread_done(void);

#endif

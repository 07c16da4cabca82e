/* What the bank's policy says, by itself and of a plan, for whoever checks. */
#ifndef NODE_CHECK_POLICY_H
#define NODE_CHECK_POLICY_H

#include "node/bank.h"
#include "proto/run/note.h"

/* A plan's file, bare or signed; author is the first member of the roster that signed it, or NULL. */
struct check_plan {
    struct buffer bytes;
    struct note note;
    struct plan plan;
    const char *author;
};
void check_plan_done(struct check_plan *checked);
MUST_USE struct result check_plan_open(const char *path, const struct roster *roster, struct check_plan *ret);

/* What the checks before have found out of this bank. */
struct check_known {
    bool rows, month, budget;
    uint64_t rows_count, month_words;
    double budget_taken; /* of the source's privacy budget, by all runs */
};

/* Prints a line on the policy, and what is remarkable about it. */
MUST_USE struct result check_policy(const struct bank *bank);
/* Prints what would leave this bank with the plan, and what the policy says of it. CATEGORY_FALSE with the first
 * refusal. */
MUST_USE struct result check_policy_plan(const struct bank *bank, const struct check_plan *checked,
                                         const struct check_known *known);

#endif

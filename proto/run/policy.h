/* A bank's policy: which plans it takes part in and how much may leave it, whatever a plan's author or the coordinator
 * want. YAML text that the bank's officers write (docs/operators.md, Policy); its own node enforces it.
 *
 * What the policy does not allow is refused, and every answer names the line that gave it. The node asks here, and so
 * do `plan check` and `node check`: what an officer is told is what the node does.
 */
#ifndef PROTO_RUN_POLICY_H
#define PROTO_RUN_POLICY_H

#include "crypto/sign.h"
#include "proto/run/plan.h"

#define POLICY_ANY "*"                /* a list's only entry: whatever it is */
enum { POLICY_REPETITION_ROWS = 10 }; /* where the policy does not say */

struct policy_list {
    char **items; /* borrowed from the document */
    unsigned count;
};

/* Plans that are approved: the very plan by its hash; or those of an author for a purpose, of a task or of any. */
struct policy_rule {
    bool by_plan;
    struct hash plan;
    const char *author, *purpose;
    const char *task;   /* NULL: any that the policy allows */
    unsigned approvals; /* officers who must approve each of its plans; 0: nobody is asked */
};

/* Who may approve what the policy leaves to a person. */
struct policy_officer {
    const char *name;
    struct sign_public key;
};

/* Differential privacy, as (ε, δ) and as the ρ of zCDP that these allow: ρ is what is compared and added up. */
struct policy_budget {
    const char *source; /* of the bank's configuration: what all runs over it may cost, for good. NULL: of one run */
    double epsilon, delta;
    double rho; /* 0: there is no such bound */
};
struct policy_privacy {
    bool required; /* plans without privacy are refused */
    struct policy_budget run;
    struct policy_budget *budgets;
    unsigned budgets_count;
};

struct policy {
    char name[NAME_MAX_BYTES + 1]; /* of the file, without its directory: the others are told it */
    struct policy_list purposes, tasks, authors, columns, forbidden;
    uint32_t cohort_minimum;
    bool dropouts[2];     /* by enum plan_dropout */
    struct hash *changes; /* runs whose cohort may be another than before */
    unsigned changes_count;
    uint64_t rows_minimum; /* of this bank's own table */
    uint64_t rows_most;    /* a plan under privacy takes so many: a lower bound would ask how many there are */
    uint32_t cells_minimum;
    uint64_t rounds_most;            /* inputs of this bank in a run */
    uint64_t words_run, words_month; /* of 64 bits, of these inputs */
    uint32_t repetition_rows; /* by which the rows of exact runs over one source differ at the least, where they do */
    struct policy_privacy privacy;
    struct policy_rule *rules;
    unsigned rules_count;
    unsigned approvals; /* officers who must approve a plan of no rule; 0: it is refused */
    struct policy_officer *officers;
    unsigned officers_count;
    struct buffer text;
    void *raw; /* the document, which the texts above are borrowed from */
};

void policy_done(struct policy *policy);
/* path is the file's, for errors ("DIR/policy.yaml:12: ..."). CATEGORY_USAGE for what is malformed or contradicts
 * itself. */
MUST_USE struct result policy_parse(struct view text, const char *path, struct policy *ret);
/* Line of a key, as document_line; at least 1. */
unsigned policy_line(const struct policy *policy, const char *path);

/* What is known of a run. All borrowed. */
struct policy_case {
    const struct plan *plan;
    const char *author;     /* NULL: nobody yet */
    const struct hash *run; /* NULL: not submitted yet, and so without a cohort */
    unsigned cohort;        /* how many banks */
    const char *left_out;   /* a member of the roster that is not in the cohort, or NULL */
    uint64_t words;         /* words of the run's first input; 0: some have left already */
    bool rows_known, month_known;
    uint64_t rows;      /* of this bank's table */
    uint64_t month;     /* words that have left this bank in this month, in all runs */
    const char *source; /* of this bank's data, as its configuration calls it; NULL: not known */
    bool taken_known;
    double taken; /* ρ of the source's budget that other runs have spent, or hold while they are open */
};

enum policy_verdict {
    POLICY_ALLOWED,
    POLICY_REFUSED,
    POLICY_OPEN, /* cannot be told before more is known */
};
struct policy_finding {
    enum policy_verdict verdict;
    unsigned line;
    const char *text; /* what stands to reason, without the place; borrowed for the call */
};
/* Each of the policy's entries about the case, in the policy's order, until take fails. A text may be told to the other
 * members: it says what the policy asks for, never what this bank has. */
MUST_USE struct result policy_judge(const struct policy *policy, const struct policy_case *about,
                                    struct result (*take)(void *context, const struct policy_finding *finding),
                                    void *context);
/* CATEGORY_FALSE "policy.yaml:LINE: " and the first refusal. */
MUST_USE struct result policy_check(const struct policy *policy, const struct policy_case *about);
/* The same of the privacy alone, for a moment at which what other runs have taken is certain. */
MUST_USE struct result policy_check_privacy(const struct policy *policy, const struct policy_case *about);
/* The budget of a source; NULL: it has none. */
const struct policy_budget *policy_budget_of(const struct policy *policy, const char *source);
/* The first rule that the case's plan is one of; NULL: none. */
const struct policy_rule *policy_rule_of(const struct policy *policy, const struct policy_case *about);
/* How many officers must approve the case's run: 0 when none is asked. */
unsigned policy_approvals(const struct policy *policy, const struct policy_case *about);
/* Whether an officer must approve the run's cohort, which leaves out a member. */
bool policy_asks_change(const struct policy *policy, const struct policy_case *about);
/* The officer with this key, or NULL. */
const struct policy_officer *policy_officer_of(const struct policy *policy, const struct sign_public *key);
/* Officers are persons apart from the organisation's own keys: CATEGORY_USAGE, naming the line, when one has such a
 * key. path as for policy_parse. */
MUST_USE struct result policy_check_key(const struct policy *policy, const char *path, const struct sign_public *key,
                                        const char *whose);
/* Whether a rule names the very plan. */
bool policy_names_plan(const struct policy *policy, const struct hash *plan);
/* Whether the run may have another cohort than those before. */
bool policy_allows_change(const struct policy *policy, const struct hash *run);
/* "policy.yaml:14: author north, purpose credit-risk"; NULL: of plans of no rule. */
MUST_USE struct result policy_rule_words(const struct policy *policy, const struct policy_rule *rule,
                                         struct buffer *out);
/* CATEGORY_FALSE when the bank's own table is too small. For this bank alone: the sentence tells how many rows it has.
 */
MUST_USE struct result policy_check_rows(const struct policy *policy, uint64_t rows);

/* What has left this bank: inputs and their words in a run, words in a calendar month. */
struct policy_spent {
    uint64_t rounds, run, month;
};
/* CATEGORY_FALSE when an input of so many words, after those before, is one that the policy does not let leave. */
MUST_USE struct result policy_check_input(const struct policy *policy, const struct policy_spent *before,
                                          uint64_t words);

/* For an officer, in plain words: what would leave this bank, to whom, how often, under what bound; then what each
 * entry of the policy says of it. Appended to out (proto/run/policy_words.c). */
MUST_USE struct result policy_explain(const struct policy *policy, const struct policy_case *about, struct buffer *out);
/* What is remarkable about the policy by itself, a line each: lists that allow nothing. */
MUST_USE struct result policy_remarks(const struct policy *policy, struct buffer *out);

#endif

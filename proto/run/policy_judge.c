/* What a policy says of a run: each entry by itself, and the words that have left. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/run/policy_judge.h"

struct result policy_find(const struct judging *judging, enum policy_verdict verdict, const char *path,
                          const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct policy_finding finding = {verdict, policy_line(judging->policy, path), text};
    return judging->take(judging->context, &finding);
}

/* The place of the entry that has the item, or of the list when none does. */
static bool place_of(const struct policy_list *list, const char *path, const char *item, char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "%s", path);
    for (unsigned i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], item) != 0 && strcmp(list->items[i], POLICY_ANY) != 0) continue;
        (void)snprintf(out, PATH_BYTES, "%s.%u", path, i);
        return true;
    }
    return false;
}

static struct result judge_word(const struct judging *judging, const struct policy_list *list, const char *path,
                                const char *what, const char *word)
{
    char place[PATH_BYTES];
    bool allowed = place_of(list, path, word, place);
    const char *named = *word ? word : "(none)";
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, place,
                       allowed ? "%s %s" : "%s %s is not among those that this bank allows", what, named);
}

static struct result judge_purpose(const struct judging *judging)
{
    return judge_word(judging, &judging->policy->purposes, "purposes", "purpose", judging->about->plan->purpose);
}

static struct result judge_task(const struct judging *judging)
{
    return judge_word(judging, &judging->policy->tasks, "tasks", "task", judging->about->plan->task);
}

static struct result judge_author(const struct judging *judging)
{
    if (!judging->about->author)
        return policy_find(judging, POLICY_OPEN, "authors",
                           "who its author is, is not known before the plan is signed");
    return judge_word(judging, &judging->policy->authors, "authors", "author", judging->about->author);
}

static struct result judge_column(const struct judging *judging, const char *column, unsigned *allowed)
{
    char place[PATH_BYTES];
    if (place_of(&judging->policy->forbidden, "columns.forbidden", column, place))
        return policy_find(judging, POLICY_REFUSED, place, "column %s is forbidden", column);
    if (place_of(&judging->policy->columns, "columns.allowed", column, place)) {
        ++*allowed;
        return RESULT_OK;
    }
    return policy_find(judging, POLICY_REFUSED, place, "column %s is not among those that this bank allows", column);
}

/* Every column that the plan reads: one that only names a row, or decides which are held out, is read as well. */
static struct result judge_columns(const struct judging *judging)
{
    const struct plan *plan = judging->about->plan;
    const char *const others[] = {plan->target, plan->id, plan->split == SPLIT_COLUMN ? plan->split_column : ""};
    unsigned allowed = 0;
    for (size_t i = 0; i < plan->features_count; i++) TRY(judge_column(judging, plan->features[i].name, &allowed));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (*others[i]) TRY(judge_column(judging, others[i], &allowed));
    return allowed == 0 ? RESULT_OK
                        : policy_find(judging, POLICY_ALLOWED, "columns.allowed", "%u column%s of the plan", allowed,
                                      allowed == 1 ? "" : "s");
}

static struct result judge_cohort(const struct judging *judging)
{
    const struct policy *policy = judging->policy;
    const struct policy_case *about = judging->about;
    unsigned known = about->run ? about->cohort : about->plan->cohort_minimum;
    if (known >= policy->cohort_minimum)
        return policy_find(judging, POLICY_ALLOWED, "cohort.minimum", "a cohort of at least %u banks",
                           (unsigned)policy->cohort_minimum);
    if (!about->run)
        return policy_find(
            judging, POLICY_OPEN, "cohort.minimum",
            "this bank asks for a cohort of at least %u, the plan for %u; the run's own is not known yet",
            (unsigned)policy->cohort_minimum, known);
    return policy_find(judging, POLICY_REFUSED, "cohort.minimum",
                       "the cohort has %u members and this bank asks for at least %u", known,
                       (unsigned)policy->cohort_minimum);
}

/* Who picks the cohort picks whom this bank is added up with. */
static struct result judge_change(const struct judging *judging)
{
    const struct policy_case *about = judging->about;
    if (!about->run || !about->left_out) return RESULT_OK;
    bool allowed = policy_allows_change(judging->policy, about->run);
    if (policy_asks_change(judging->policy, about))
        return policy_find(
            judging, POLICY_OPEN, "cohort",
            "the cohort leaves out %s, a member of the roster; an officer of this bank must approve that of "
            "this run",
            about->left_out);
    return policy_find(
        judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, "cohort.changes",
        allowed ? "this run, whose cohort leaves out %s, a member of the roster"
                : "the cohort leaves out %s, a member of the roster, and cohort.changes does not name this run",
        about->left_out);
}

static struct result judge_dropout(const struct judging *judging)
{
    enum plan_dropout dropout = judging->about->plan->on_dropout;
    bool allowed = judging->policy->dropouts[dropout];
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, "cohort.on_dropout",
                       allowed ? "on_dropout %s" : "on_dropout %s is not among those that this bank allows",
                       dropout == DROPOUT_WAIT ? "wait" : "continue");
}

/* A plan whose bound can be anything would find out the rows of a bank by asking again and again. */
static struct result judge_most(const struct judging *judging)
{
    const struct policy *policy = judging->policy;
    const struct plan *plan = judging->about->plan;
    if (!plan_private(plan)) return RESULT_OK;
    bool allowed = plan->rows >= policy->rows_most;
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, "rows.most",
                       allowed ? "cohort.rows of a plan with privacy at least %" PRIu64
                               : "cohort.rows of a plan with privacy must be at least %" PRIu64
                                 ", so that it does not ask how many rows there are",
                       policy->rows_most);
}

static struct result judge_rows(const struct judging *judging)
{
    const struct policy *policy = judging->policy;
    const struct policy_case *about = judging->about;
    if (!about->rows_known)
        return policy_find(judging, POLICY_OPEN, "rows.minimum",
                           "this bank's table must have at least %" PRIu64
                           " rows; its node looks before anything leaves",
                           policy->rows_minimum);
    bool allowed = about->rows >= policy->rows_minimum;
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, "rows.minimum",
                       allowed ? "a table of at least %" PRIu64 " rows"
                               : "this bank's table has fewer than %" PRIu64 " rows",
                       policy->rows_minimum);
}

static struct result judge_cells(const struct judging *judging)
{
    const struct plan *plan = judging->about->plan;
    bool allowed = plan->cells_minimum >= judging->policy->cells_minimum;
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, "cells.minimum",
                       allowed ? "cells of at least %u customers, where this bank asks for %u"
                               : "the plan shows cells of %u customers and this bank asks for at least %u",
                       (unsigned)plan->cells_minimum, (unsigned)judging->policy->cells_minimum);
}

static struct result judge_rounds(const struct judging *judging)
{
    const struct plan *plan = judging->about->plan;
    uint64_t most = judging->policy->rounds_most;
    if (plan_fits(plan) && !plan_private(plan) &&
        plan->rounds > most) /* under privacy few rounds, as the task has it */
        return policy_find(judging, POLICY_REFUSED, "rounds.most",
                           "the plan trains for up to %u rounds and this bank takes part in at most %" PRIu64,
                           (unsigned)plan->rounds, most);
    return policy_find(judging, POLICY_ALLOWED, "rounds.most",
                       "at most %" PRIu64 " rounds; before one more the node ends the run", most);
}

static struct result judge_repetition(const struct judging *judging)
{
    if (plan_private(judging->about->plan))
        return policy_find(judging, POLICY_ALLOWED, "repetition.rows",
                           "repetition is asked of plans without privacy only");
    return policy_find(
        judging, POLICY_OPEN, "repetition.rows",
        "repetition: this bank's rows must be those of its earlier exact runs, or differ by at least %u; its "
        "node looks before anything leaves",
        (unsigned)judging->policy->repetition_rows);
}

static struct result judge_words(const struct judging *judging)
{
    const struct policy *policy = judging->policy;
    const struct policy_case *about = judging->about;
    if (about->words > policy->words_run)
        return policy_find(judging, POLICY_REFUSED, "words.run",
                           "the first round alone takes %" PRIu64 " words and this bank gives at most %" PRIu64
                           " in a run",
                           about->words, policy->words_run);
    TRY(policy_find(judging, POLICY_ALLOWED, "words.run",
                    "at most %" PRIu64 " words in this run; before more the node ends it", policy->words_run));
    if (!about->month_known)
        return policy_find(judging, POLICY_OPEN, "words.month",
                           "at most %" PRIu64 " words in a calendar month, over all runs; the node counts them",
                           policy->words_month);
    bool allowed = about->month <= policy->words_month && about->words <= policy->words_month - about->month;
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, "words.month",
                       allowed ? "at most %" PRIu64 " words in a calendar month, over all runs"
                               : "this run would take more than the %" PRIu64
                                 " words that this bank gives in a calendar month",
                       policy->words_month);
}

/* --- approval: by the plan's hash, or by author and purpose; a name alone is nothing, as anyone can use it --- */

static bool matches(const struct policy_rule *rule, const struct policy_case *about, bool whoever)
{
    if (rule->by_plan) return hash_equal(&rule->plan, &about->plan->hash);
    if (strcmp(rule->purpose, about->plan->purpose) != 0) return false;
    if (rule->task && strcmp(rule->task, about->plan->task) != 0) return false;
    return whoever || (about->author && strcmp(rule->author, about->author) == 0);
}

static const struct policy_rule *rule_of(const struct policy *policy, const struct policy_case *about, bool whoever)
{
    for (unsigned i = 0; i < policy->rules_count; i++)
        if (matches(&policy->rules[i], about, whoever)) return &policy->rules[i];
    return NULL;
}

const struct policy_rule *policy_rule_of(const struct policy *policy, const struct policy_case *about)
{
    return rule_of(policy, about, false);
}

static void rule_place(const struct policy *policy, const struct policy_rule *rule, char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "approve.%u", (unsigned)(rule - policy->rules));
}

unsigned policy_approvals(const struct policy *policy, const struct policy_case *about)
{
    const struct policy_rule *rule = policy_rule_of(policy, about);
    unsigned approvals = rule ? rule->approvals : policy->approvals;
    return approvals == 0 && policy_asks_change(policy, about) ? 1 : approvals;
}

bool policy_asks_change(const struct policy *policy, const struct policy_case *about)
{
    return about->run && about->left_out && policy->officers_count > 0 && !policy_allows_change(policy, about->run);
}

static const char *how_many(unsigned approvals)
{
    return approvals == 1 ? "an officer" : "two officers";
}

static struct result judge_approval(const struct judging *judging)
{
    const struct policy *policy = judging->policy;
    const struct policy_case *about = judging->about;
    char place[PATH_BYTES], hash[2 * HASH_BYTES + 1];
    const struct policy_rule *rule = policy_rule_of(policy, about);
    if (rule) {
        rule_place(policy, rule, place);
        if (rule->approvals)
            return policy_find(judging, POLICY_OPEN, place,
                               "%s of this bank must approve the plan; it waits for them (cofferdam-node plans)",
                               how_many(rule->approvals));
        return policy_find(judging, POLICY_ALLOWED, place, "the plan is approved by this rule");
    }
    rule = about->author ? NULL : rule_of(policy, about, true);
    if (rule) {
        rule_place(policy, rule, place);
        return policy_find(judging, POLICY_OPEN, place, "this rule%s, if %s is the plan's author",
                           rule->approvals ? " asks officers of this bank" : " approves the plan", rule->author);
    }
    if (policy->approvals)
        return policy_find(judging, POLICY_OPEN, "approvals",
                           "%s of this bank must approve the plan; it waits for them (cofferdam-node plans)",
                           how_many(policy->approvals));
    bytes_hex(hash_view(&about->plan->hash), hash);
    return policy_find(judging, POLICY_REFUSED, "approve",
                       "no rule approves plan %s, nor author %s with purpose %s and task %s", hash,
                       about->author ? about->author : "(nobody yet)",
                       *about->plan->purpose ? about->plan->purpose : "(none)", about->plan->task);
}

struct result policy_judge(const struct policy *policy, const struct policy_case *about,
                           struct result (*take)(void *context, const struct policy_finding *finding), void *context)
{
    static struct result (*const entries[])(const struct judging *judging) = {
        judge_purpose, judge_task,    judge_author,     judge_columns,        judge_cohort,
        judge_change,  judge_dropout, judge_most,       judge_rows,           judge_cells,
        judge_rounds,  judge_words,   judge_repetition, policy_judge_privacy, judge_approval,
    };
    const struct judging judging = {policy, about, take, context};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) TRY(entries[i](&judging));
    return RESULT_OK;
}

/* Takes findings until one refuses. */
static struct result refusal(void *context, const struct policy_finding *finding)
{
    const struct policy *policy = context;
    ENSURE(finding->verdict != POLICY_REFUSED, CATEGORY_FALSE, "%s:%u: %s", policy->name, finding->line, finding->text);
    return RESULT_OK;
}

struct result policy_check(const struct policy *policy, const struct policy_case *about)
{
    return policy_judge(policy, about, refusal, (void *)(uintptr_t)policy);
}

struct result policy_check_privacy(const struct policy *policy, const struct policy_case *about)
{
    const struct judging judging = {policy, about, refusal, (void *)(uintptr_t)policy};
    return policy_judge_privacy(&judging);
}

bool policy_names_plan(const struct policy *policy, const struct hash *plan)
{
    for (unsigned i = 0; i < policy->rules_count; i++)
        if (policy->rules[i].by_plan && hash_equal(&policy->rules[i].plan, plan)) return true;
    return false;
}

bool policy_allows_change(const struct policy *policy, const struct hash *run)
{
    for (unsigned i = 0; i < policy->changes_count; i++)
        if (hash_equal(&policy->changes[i], run)) return true;
    return false;
}

struct result policy_rule_words(const struct policy *policy, const struct policy_rule *rule, struct buffer *out)
{
    char place[PATH_BYTES], hash[2 * HASH_BYTES + 1];
    if (!rule) return buffer_format(out, "%s:%u: a plan of no rule", policy->name, policy_line(policy, "approvals"));
    rule_place(policy, rule, place);
    bytes_hex(hash_view(&rule->plan), hash);
    TRY(buffer_format(out, "%s:%u: ", policy->name, policy_line(policy, place)));
    if (rule->by_plan) return buffer_format(out, "plan %s", hash);
    TRY(buffer_format(out, "author %s, purpose %s", rule->author, rule->purpose));
    return rule->task ? buffer_format(out, ", task %s", rule->task) : RESULT_OK;
}

/* --- what only the node can look at --- */

struct result policy_check_rows(const struct policy *policy, uint64_t rows)
{
    ENSURE(rows >= policy->rows_minimum, CATEGORY_FALSE,
           "%s:%u: this bank's table has %" PRIu64 " rows and the policy asks for at least %" PRIu64, policy->name,
           policy_line(policy, "rows.minimum"), rows, policy->rows_minimum);
    return RESULT_OK;
}

static bool exceeds(uint64_t most, uint64_t before, uint64_t more)
{
    return before > most || more > most - before;
}

struct result policy_check_input(const struct policy *policy, const struct policy_spent *before, uint64_t words)
{
    ENSURE(!exceeds(policy->rounds_most, before->rounds, 1), CATEGORY_FALSE,
           "%s:%u: this bank takes part in at most %" PRIu64 " rounds of a run", policy->name,
           policy_line(policy, "rounds.most"), policy->rounds_most);
    ENSURE(!exceeds(policy->words_run, before->run, words), CATEGORY_FALSE,
           "%s:%u: this bank gives at most %" PRIu64 " words in a run", policy->name, policy_line(policy, "words.run"),
           policy->words_run);
    ENSURE(!exceeds(policy->words_month, before->month, words), CATEGORY_FALSE,
           "%s:%u: this bank gives at most %" PRIu64 " words in a calendar month", policy->name,
           policy_line(policy, "words.month"), policy->words_month);
    return RESULT_OK;
}

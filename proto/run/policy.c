/* Policies: from YAML to a struct that does not contradict itself. */
#include "proto/run/policy.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/document.h"
#include "crypto/base/text.h"
#include "crypto/sketch.h"
#include "proto/run/policy_raw.h"
#include "proto/run/task.h"

enum { LISTED_MAX = 1000, APPROVALS_MAX = 2 }; /* a person writes them; a second one looks over the first */
#define PATH_BYTES 64

struct raw_columns {
    char **allowed, **forbidden;
    unsigned allowed_count, forbidden_count;
};
struct raw_cohort {
    char *minimum, **on_dropout, **changes;
    unsigned on_dropout_count, changes_count;
};
struct raw_minimum {
    char *minimum;
};
struct raw_rounds {
    char *most;
};
struct raw_words {
    char *run, *month;
};
struct raw_repetition {
    char *rows;
};
struct raw_rule {
    char *plan, *author, *purpose, *task, *approvals;
};
struct raw_rows {
    char *minimum, *most;
};
struct raw_officer {
    char *name, *key;
};
struct raw_policy {
    char **purposes, **tasks, **authors;
    unsigned purposes_count, tasks_count, authors_count;
    struct raw_columns *columns;
    struct raw_cohort *cohort;
    struct raw_rows *rows;
    struct raw_minimum *cells;
    struct raw_rounds *rounds;
    struct raw_words *words;
    struct raw_repetition *repetition;
    struct raw_policy_privacy *privacy;
    struct raw_rule *approve;
    unsigned approve_count;
    char *approvals;
    struct raw_officer *officers;
    unsigned officers_count;
};

#define REQUIRED CYAML_FLAG_POINTER
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, flags, structure, member) CYAML_FIELD_STRING_PTR(key, flags, structure, member, 1, CYAML_UNLIMITED)
#define LIST(key, flags, structure, member)                                                                            \
    CYAML_FIELD_SEQUENCE(key, flags, structure, member, &list_entry, 0, LISTED_MAX)

static const cyaml_schema_value_t list_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 2 * HASH_BYTES),
};
static const cyaml_schema_field_t columns_fields[] = {
    LIST("allowed", REQUIRED, struct raw_columns, allowed),
    LIST("forbidden", OPTIONAL, struct raw_columns, forbidden),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t cohort_fields[] = {
    TEXT("minimum", REQUIRED, struct raw_cohort, minimum),
    LIST("on_dropout", REQUIRED, struct raw_cohort, on_dropout),
    LIST("changes", OPTIONAL, struct raw_cohort, changes),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t minimum_fields[] = {
    TEXT("minimum", REQUIRED, struct raw_minimum, minimum),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t rows_fields[] = {
    TEXT("minimum", REQUIRED, struct raw_rows, minimum),
    TEXT("most", OPTIONAL, struct raw_rows, most),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t rounds_fields[] = {
    TEXT("most", REQUIRED, struct raw_rounds, most),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t words_fields[] = {
    TEXT("run", REQUIRED, struct raw_words, run),
    TEXT("month", REQUIRED, struct raw_words, month),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t repetition_fields[] = {
    TEXT("rows", REQUIRED, struct raw_repetition, rows),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t rule_fields[] = {
    TEXT("plan", OPTIONAL, struct raw_rule, plan),           TEXT("author", OPTIONAL, struct raw_rule, author),
    TEXT("purpose", OPTIONAL, struct raw_rule, purpose),     TEXT("task", OPTIONAL, struct raw_rule, task),
    TEXT("approvals", OPTIONAL, struct raw_rule, approvals), CYAML_FIELD_END,
};
static const cyaml_schema_field_t officer_fields[] = {
    CYAML_FIELD_STRING_PTR("name", REQUIRED, struct raw_officer, name, 1, NAME_MAX_BYTES),
    TEXT("key", REQUIRED, struct raw_officer, key),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t officer_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_officer, officer_fields),
};
static const cyaml_schema_value_t rule_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_rule, rule_fields),
};
static const cyaml_schema_field_t policy_fields[] = {
    LIST("purposes", REQUIRED, struct raw_policy, purposes),
    LIST("tasks", REQUIRED, struct raw_policy, tasks),
    LIST("authors", REQUIRED, struct raw_policy, authors),
    CYAML_FIELD_MAPPING_PTR("columns", REQUIRED, struct raw_policy, columns, columns_fields),
    CYAML_FIELD_MAPPING_PTR("cohort", REQUIRED, struct raw_policy, cohort, cohort_fields),
    CYAML_FIELD_MAPPING_PTR("rows", REQUIRED, struct raw_policy, rows, rows_fields),
    CYAML_FIELD_MAPPING_PTR("cells", REQUIRED, struct raw_policy, cells, minimum_fields),
    CYAML_FIELD_MAPPING_PTR("rounds", REQUIRED, struct raw_policy, rounds, rounds_fields),
    CYAML_FIELD_MAPPING_PTR("words", REQUIRED, struct raw_policy, words, words_fields),
    CYAML_FIELD_MAPPING_PTR("repetition", OPTIONAL, struct raw_policy, repetition, repetition_fields),
    CYAML_FIELD_MAPPING_PTR("privacy", OPTIONAL, struct raw_policy, privacy, policy_raw_privacy),
    CYAML_FIELD_SEQUENCE("approve", REQUIRED, struct raw_policy, approve, &rule_entry, 0, LISTED_MAX),
    TEXT("approvals", OPTIONAL, struct raw_policy, approvals),
    CYAML_FIELD_SEQUENCE("officers", OPTIONAL, struct raw_policy, officers, &officer_entry, 0, LISTED_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t policy_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_policy, policy_fields),
};

void policy_done(struct policy *policy)
{
    free(policy->changes);
    free(policy->rules);
    free(policy->officers);
    free(policy->privacy.budgets);
    buffer_done(&policy->text);
    document_free(&policy_schema, policy->raw);
    *policy = (struct policy){0};
}

static struct result fail(const struct document *document, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct result fail(const struct document *document, const char *path, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return document_fail(document, path, "key \"%s\": %s", path, text);
}

/* --- single values --- */

static struct result whole(const struct document *document, const char *path, const char *text, uint64_t least,
                           uint64_t most, uint64_t *ret)
{
    if (!text_whole(text, ret) || *ret < least || *ret > most)
        return fail(document, path, "must be a whole number from %llu to %llu", (unsigned long long)least,
                    (unsigned long long)most);
    return RESULT_OK;
}

static struct result hash_of(const struct document *document, const char *path, const char *text, struct hash *ret)
{
    if (!result_ok(bytes_unhex(view_text(text), ret->bytes, HASH_BYTES)))
        return fail(document, path, "must be 64 hex digits, lower case");
    return RESULT_OK;
}

/* --- lists --- */

static bool lists(const struct policy_list *list, const char *item)
{
    for (unsigned i = 0; i < list->count; i++)
        if (strcmp(list->items[i], item) == 0) return true;
    return false;
}

static bool allows(const struct policy_list *list, const char *item)
{
    return lists(list, POLICY_ANY) || lists(list, item);
}

static struct result list_from(const struct document *document, const char *path, char **items, unsigned count,
                               struct policy_list *ret)
{
    char place[PATH_BYTES];
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(place, sizeof place, "%s.%u", path, i);
        if (count > 1 && strcmp(items[i], POLICY_ANY) == 0)
            return fail(document, place, "\"*\" allows whatever it is; let it stand alone, or remove it");
        for (unsigned k = 0; k < i; k++)
            if (strcmp(items[k], items[i]) == 0)
                return fail(document, place, "\"%.64s\" stands here twice; keep one", items[i]);
    }
    *ret = (struct policy_list){items, count};
    return RESULT_OK;
}

static struct result tasks_from(const struct document *document, const struct raw_policy *raw, struct policy *policy)
{
    TRY(list_from(document, "tasks", raw->tasks, raw->tasks_count, &policy->tasks));
    for (unsigned i = 0; i < raw->tasks_count; i++) {
        char place[PATH_BYTES];
        CLEANUP(buffer_done) struct buffer names = {0};
        const char *known = "";
        if (strcmp(raw->tasks[i], POLICY_ANY) == 0 || task_find(raw->tasks[i])) continue;
        (void)snprintf(place, sizeof place, "tasks.%u", i);
        TRY(task_names(&names));
        TRY(buffer_terminate(&names, &known));
        return fail(document, place, "no task is called \"%.64s\"; there are: %s", raw->tasks[i], known);
    }
    return RESULT_OK;
}

static struct result columns_from(const struct document *document, const struct raw_columns *raw, struct policy *policy)
{
    TRY(list_from(document, "columns.allowed", raw->allowed, raw->allowed_count, &policy->columns));
    TRY(list_from(document, "columns.forbidden", raw->forbidden, raw->forbidden_count, &policy->forbidden));
    for (unsigned i = 0; i < raw->forbidden_count; i++) {
        char place[PATH_BYTES];
        (void)snprintf(place, sizeof place, "columns.forbidden.%u", i);
        if (strcmp(raw->forbidden[i], POLICY_ANY) == 0)
            return fail(document, place, "\"*\" would forbid every column; leave the list of those allowed empty");
        if (lists(&policy->columns, raw->forbidden[i]))
            return fail(document, place, "column %.64s is allowed too (line %u); keep one", raw->forbidden[i],
                        document_line(document, "columns.allowed"));
    }
    return RESULT_OK;
}

static struct result cohort_from(const struct document *document, const struct raw_cohort *raw, struct policy *policy)
{
    static const char *const words[] = {[DROPOUT_WAIT] = "wait", [DROPOUT_CONTINUE] = "continue"};
    struct policy_list dropouts = {0};
    uint64_t minimum = 0;
    TRY(whole(document, "cohort.minimum", raw->minimum, COHORT_MIN, MEMBERS_MAX, &minimum));
    policy->cohort_minimum = (uint32_t)minimum;
    TRY(list_from(document, "cohort.on_dropout", raw->on_dropout, raw->on_dropout_count, &dropouts));
    char place[PATH_BYTES];
    for (unsigned i = 0; i < dropouts.count; i++) {
        bool known = false;
        for (unsigned k = 0; k < sizeof words / sizeof *words; k++) {
            if (strcmp(dropouts.items[i], words[k]) != 0) continue;
            known = policy->dropouts[k] = true;
        }
        (void)snprintf(place, sizeof place, "cohort.on_dropout.%u", i);
        if (!known) return fail(document, place, "\"%.64s\" is not known; write wait or continue", dropouts.items[i]);
    }
    policy->changes = calloc(raw->changes_count ? raw->changes_count : 1, sizeof *policy->changes);
    ENSURE(policy->changes, CATEGORY_ENVIRONMENT, "no memory for a policy");
    policy->changes_count = raw->changes_count;
    for (unsigned i = 0; i < raw->changes_count; i++) {
        (void)snprintf(place, sizeof place, "cohort.changes.%u", i);
        TRY(hash_of(document, place, raw->changes[i], &policy->changes[i]));
    }
    return RESULT_OK;
}

static struct result bounds_from(const struct document *document, const struct raw_policy *raw, struct policy *policy)
{
    uint64_t cells = 0;
    TRY(whole(document, "rows.minimum", raw->rows->minimum, 1, ROWS_MAX, &policy->rows_minimum));
    policy->rows_most = policy->rows_minimum > ROWS_DEFAULT ? ROWS_MAX : ROWS_DEFAULT;
    if (raw->rows->most)
        TRY(whole(document, "rows.most", raw->rows->most, policy->rows_minimum, ROWS_MAX, &policy->rows_most));
    TRY(whole(document, "cells.minimum", raw->cells->minimum, 1, PLAN_CELLS_MOST, &cells));
    policy->cells_minimum = (uint32_t)cells;
    TRY(whole(document, "rounds.most", raw->rounds->most, 1, RUN_ROUNDS_MAX, &policy->rounds_most));
    TRY(whole(document, "words.run", raw->words->run, 1, INT64_MAX, &policy->words_run));
    TRY(whole(document, "words.month", raw->words->month, 1, INT64_MAX, &policy->words_month));
    if (policy->words_run > policy->words_month)
        return fail(document, "words.run", "a run cannot have more words than a month (line %u); lower it",
                    document_line(document, "words.month"));
    return RESULT_OK;
}

/* One row is nothing to ask for, and more are not told from more. */
static struct result repetition_from(const struct document *document, const struct raw_repetition *raw,
                                     struct policy *policy)
{
    uint64_t rows = POLICY_REPETITION_ROWS;
    if (raw) TRY(whole(document, "repetition.rows", raw->rows, 2, SKETCH_SURE, &rows));
    policy->repetition_rows = (uint32_t)rows;
    return RESULT_OK;
}

/* --- officers --- */

static struct result officers_from(const struct document *document, const struct raw_policy *raw, struct policy *policy)
{
    policy->officers = calloc(raw->officers_count ? raw->officers_count : 1, sizeof *policy->officers);
    ENSURE(policy->officers, CATEGORY_ENVIRONMENT, "no memory for a policy");
    for (unsigned i = 0; i < raw->officers_count; i++) {
        struct policy_officer *officer = &policy->officers[i];
        char place[PATH_BYTES];
        (void)snprintf(place, sizeof place, "officers.%u.key", i);
        officer->name = raw->officers[i].name;
        if (!result_ok(bytes_unhex(view_text(raw->officers[i].key), officer->key.bytes, SIGN_PUBLIC_BYTES)) ||
            !sign_public_valid(&officer->key))
            return fail(document, place, "must be an officer's public key, 64 hex digits (cofferdam keygen --officer)");
        const struct policy_officer *same = policy_officer_of(policy, &officer->key);
        if (same) return fail(document, place, "is the key of %s too; each officer has an own one", same->name);
        (void)snprintf(place, sizeof place, "officers.%u.name", i);
        if (!text_utf8(view_text(officer->name)) || !text_printable(view_text(officer->name), ""))
            return fail(document, place, "holds a control character; remove it");
        for (unsigned k = 0; k < i; k++)
            if (strcmp(policy->officers[k].name, officer->name) == 0)
                return fail(document, place, "\"%.64s\" stands here twice; keep one", officer->name);
        policy->officers_count++;
    }
    return RESULT_OK;
}

/* No more than there are officers: such a plan would wait for ever. */
static struct result approvals_from(const struct document *document, const char *path, const char *text,
                                    const struct policy *policy, unsigned *ret)
{
    uint64_t count = 0;
    if (!text) return RESULT_OK;
    TRY(whole(document, path, text, 1, APPROVALS_MAX, &count));
    if (count > policy->officers_count)
        return fail(document, path, "%llu officers are asked for, and %u are listed under officers",
                    (unsigned long long)count, policy->officers_count);
    *ret = (unsigned)count;
    return RESULT_OK;
}

/* --- rules --- */

/* A rule that could never approve anything is one that its writer believes to do something. */
static struct result rule_allowed(const struct document *document, const char *place, const char *key,
                                  const struct policy_list *list, const char *list_path, const char *value)
{
    if (!value || allows(list, value)) return RESULT_OK;
    char path[2 * PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s.%s", place, key);
    return fail(document, path, "\"%.64s\" is not among the %s (line %u); add it there, or remove the rule", value,
                list_path, document_line(document, list_path));
}

static struct result rule_from(const struct document *document, const struct raw_rule *raw, unsigned i,
                               struct policy *policy)
{
    struct policy_rule *rule = &policy->rules[i];
    char place[PATH_BYTES], path[PATH_BYTES + 8], approvals[PATH_BYTES + 12];
    (void)snprintf(place, sizeof place, "approve.%u", i);
    (void)snprintf(approvals, sizeof approvals, "%s.approvals", place);
    (void)snprintf(path, sizeof path, "%s.plan", place);
    TRY(approvals_from(document, approvals, raw->approvals, policy, &rule->approvals));
    bool by_plan = raw->plan && !raw->author && !raw->purpose && !raw->task;
    bool by_words = !raw->plan && raw->author && raw->purpose;
    if (!by_plan && !by_words)
        return fail(document, place,
                    "name the plan's hash (plan), or its author and purpose together, and a task if you like");
    rule->by_plan = by_plan;
    if (by_plan) return hash_of(document, path, raw->plan, &rule->plan);
    rule->author = raw->author;
    rule->purpose = raw->purpose;
    rule->task = raw->task;
    TRY(rule_allowed(document, place, "author", &policy->authors, "authors", raw->author));
    TRY(rule_allowed(document, place, "purpose", &policy->purposes, "purposes", raw->purpose));
    return rule_allowed(document, place, "task", &policy->tasks, "tasks", raw->task);
}

static struct result rules_from(const struct document *document, const struct raw_policy *raw, struct policy *policy)
{
    policy->rules = calloc(raw->approve_count ? raw->approve_count : 1, sizeof *policy->rules);
    ENSURE(policy->rules, CATEGORY_ENVIRONMENT, "no memory for a policy");
    policy->rules_count = raw->approve_count;
    for (unsigned i = 0; i < raw->approve_count; i++) TRY(rule_from(document, &raw->approve[i], i, policy));
    return RESULT_OK;
}

static struct result policy_from(const struct document *document, struct policy *policy)
{
    const struct raw_policy *raw = policy->raw;
    TRY(list_from(document, "purposes", raw->purposes, raw->purposes_count, &policy->purposes));
    TRY(tasks_from(document, raw, policy));
    TRY(list_from(document, "authors", raw->authors, raw->authors_count, &policy->authors));
    TRY(columns_from(document, raw->columns, policy));
    TRY(cohort_from(document, raw->cohort, policy));
    TRY(bounds_from(document, raw, policy));
    TRY(repetition_from(document, raw->repetition, policy));
    TRY(policy_privacy_from(document, raw->privacy, &policy->privacy));
    TRY(officers_from(document, raw, policy));
    TRY(approvals_from(document, "approvals", raw->approvals, policy, &policy->approvals));
    return rules_from(document, raw, policy);
}

struct result policy_parse(struct view text, const char *path, struct policy *ret)
{
    CLEANUP(policy_done) struct policy policy = {0};
    const struct document document = {text, path, "docs/operators.md"};
    const char *slash = strrchr(path, '/');
    (void)snprintf(policy.name, sizeof policy.name, "%s", slash ? slash + 1 : path);
    TRY(document_load(&document, &policy_schema, &policy.raw));
    TRY(policy_from(&document, &policy));
    TRY(buffer_append(&policy.text, text));
    *ret = policy;
    policy = (struct policy){0};
    return RESULT_OK;
}

const struct policy_officer *policy_officer_of(const struct policy *policy, const struct sign_public *key)
{
    for (unsigned i = 0; i < policy->officers_count; i++)
        if (sign_public_equal(&policy->officers[i].key, key)) return &policy->officers[i];
    return NULL;
}

struct result policy_check_key(const struct policy *policy, const char *path, const struct sign_public *key,
                               const char *whose)
{
    const struct policy_officer *officer = policy_officer_of(policy, key);
    char place[PATH_BYTES];
    if (!officer) return RESULT_OK;
    (void)snprintf(place, sizeof place, "officers.%u.key", (unsigned)(officer - policy->officers));
    return FAIL(CATEGORY_USAGE,
                "%s:%u: the key of officer %s is %s; an officer has a key of an own (cofferdam keygen --officer)", path,
                policy_line(policy, place), officer->name, whose);
}

unsigned policy_line(const struct policy *policy, const char *path)
{
    const struct document document = {.text = buffer_view(&policy->text), .name = policy->name};
    unsigned line = document_line(&document, path);
    return line ? line : 1;
}

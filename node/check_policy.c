#include "node/check_policy.h"

#include <stdio.h>
#include <string.h>

#include "proto/run/fold.h"
#include "sys/file.h"

void check_plan_done(struct check_plan *checked)
{
    plan_done(&checked->plan);
    note_done(&checked->note);
    buffer_done(&checked->bytes);
}

static const char *author_of(const struct note *note, const struct roster *roster)
{
    for (size_t i = 0; i < note->lines_count; i++) {
        unsigned position = roster_position_of_name(roster, note->lines[i].name);
        if (!position) continue;
        const struct roster_member *member = &roster->members[position - 1];
        if (result_ok(note_verify(note, member->name, &member->identity))) return member->name;
    }
    return NULL;
}

struct result check_plan_open(const char *path, const struct roster *roster, struct check_plan *ret)
{
    TRY(file_needed(path, "--plan has to name the plan's file, signed or not"));
    TRY(file_read(path, DOCUMENT_MAX, &ret->bytes));
    bool is_note = result_ok(note_parse(buffer_view(&ret->bytes), &ret->note));
    TRY(plan_parse(is_note ? ret->note.text : buffer_view(&ret->bytes), path, &ret->plan));
    ret->author = is_note ? author_of(&ret->note, roster) : NULL;
    return RESULT_OK;
}

static void print(const struct buffer *text)
{
    printf("%.*s", (int)text->length, (const char *)text->data);
}

struct result check_policy(const struct bank *bank)
{
    const struct policy *policy = &bank->policy;
    CLEANUP(buffer_done) struct buffer remarks = {0};
    printf("policy    %s: %u rule%s approve%s plans, cohorts of at least %u, at most %llu words a month\n",
           bank->config->policy, policy->rules_count, policy->rules_count == 1 ? "" : "s",
           policy->rules_count == 1 ? "s" : "", (unsigned)policy->cohort_minimum,
           (unsigned long long)policy->words_month);
    for (unsigned i = 0; i < policy->authors.count; i++)
        if (strcmp(policy->authors.items[i], POLICY_ANY) != 0 &&
            !roster_position_of_name(&bank->roster, policy->authors.items[i]))
            printf("warning   %s:%u: %s is no member of the roster\n", policy->name, policy_line(policy, "authors"),
                   policy->authors.items[i]);
    TRY(policy_remarks(policy, &remarks));
    for (size_t at = 0; at < remarks.length;) {
        const uint8_t *end = memchr(remarks.data + at, '\n', remarks.length - at);
        size_t length = end ? (size_t)(end - (remarks.data + at)) + 1 : remarks.length - at;
        printf("warning   %.*s", (int)length, (const char *)remarks.data + at);
        at += length;
    }
    return RESULT_OK;
}

struct result check_policy_plan(const struct bank *bank, const struct check_plan *checked,
                                const struct check_known *known)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    const struct task *task = task_find(checked->plan.task);
    ENSURE(task, CATEGORY_USAGE, "no task is called \"%s\"", checked->plan.task);
    TRY(task_check(task, &checked->plan));
    TRY(fold_start(&checked->plan, task, &fold));
    const struct policy_case about = {
        .plan = &checked->plan,
        .author = checked->author,
        .words = fold.words,
        .rows_known = known->rows,
        .rows = known->rows_count,
        .month_known = known->month,
        .month = known->month_words,
        .source = bank->config->source.name,
        .taken_known = known->budget,
        .taken = known->budget_taken,
    };
    TRY(buffer_text(&out, "\nWhat each round's sum says\n"));
    TRY(task->explain(&checked->plan, &out));
    TRY(policy_explain(&bank->policy, &about, &out));
    TRY(buffer_u8(&out, '\n'));
    print(&out);
    return policy_check(&bank->policy, &about);
}

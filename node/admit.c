#include "node/admit.h"

#include "sys/file.h"

struct result admit_load(const char *path, struct policy *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(file_needed(path, "policy: has to name the file that says what this bank takes part in; cofferdam-node init "
                          "writes one into an empty folder"));
    TRY(file_read(path, DOCUMENT_MAX, &text));
    return policy_parse(buffer_view(&text), path, ret);
}

static const char *left_out(const struct run_terms *terms)
{
    for (unsigned j = 1; j <= terms->roster->size; j++)
        if (!members_has(&terms->cohort, j)) return terms->roster->members[j - 1].name;
    return NULL;
}

struct policy_case admit_case(const struct submission *submission, const struct policy_spent *spent, uint64_t words)
{
    const struct run_terms *terms = &submission->terms;
    return (struct policy_case){
        .plan = &submission->plan,
        .author = terms->roster->members[terms->submitter - 1].name,
        .run = &submission->id,
        .cohort = members_count(&terms->cohort),
        .left_out = left_out(terms),
        .words = words,
        .month_known = true,
        .month = spent->month,
    };
}

struct result admit_check(const struct policy *policy, unsigned position, const struct submission *submission,
                          const struct policy_case *about)
{
    ENSURE(members_has(&submission->terms.cohort, position), CATEGORY_FALSE,
           "the run's cohort does not name this bank");
    return policy_check(policy, about);
}

#include "node/policy.h"

#include <string.h>

static bool hex_is(const char *hex, const struct hash *hash)
{
    char text[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(hash), text);
    return strcmp(hex, text) == 0;
}

static const char *author_of(const struct submission *submission)
{
    const struct run_terms *terms = &submission->terms;
    return terms->roster->members[terms->submitter - 1].name;
}

/* By the plan's hash, or by author and purpose together. A name alone is nothing: anyone can use it. */
static bool allows(const struct config_allow *allow, const struct submission *submission)
{
    if (allow->plan) return hex_is(allow->plan, &submission->plan.hash);
    return strcmp(allow->author, author_of(submission)) == 0 && strcmp(allow->purpose, submission->plan.purpose) == 0;
}

const struct config_allow *policy_rule(const struct config_node *config, const struct submission *submission)
{
    for (unsigned i = 0; i < config->allow_count; i++)
        if (allows(&config->allow[i], submission)) return &config->allow[i];
    return NULL;
}

struct result policy_check(const struct config_node *config, unsigned position, const struct submission *submission)
{
    const struct run_terms *terms = &submission->terms;
    ENSURE(members_has(&terms->cohort, position), CATEGORY_FALSE, "the run's cohort does not name this bank");
    unsigned cohort = members_count(&terms->cohort);
    ENSURE(cohort >= config->cohort_minimum, CATEGORY_FALSE,
           "the cohort has %u members and this bank's configuration asks for at least %u", cohort,
           config->cohort_minimum);
    /* Who picks the cohort picks whom this bank is added up with. */
    for (unsigned j = 1; j <= terms->roster->size; j++)
        ENSURE(members_has(&terms->cohort, j) || policy_approves_cohort(config, &submission->id), CATEGORY_FALSE,
               "the cohort leaves out %s, a member of the roster; this bank's officer has not approved this run "
               "(approve_cohort_change)",
               terms->roster->members[j - 1].name);
    if (policy_rule(config, submission)) return RESULT_OK;
    char hash[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&submission->plan.hash), hash);
    return FAIL(CATEGORY_FALSE, "this bank's configuration allows neither plan %s nor author %s with purpose %s", hash,
                author_of(submission), submission->plan.purpose);
}

bool policy_allows_plan(const struct config_node *config, const struct hash *plan)
{
    for (unsigned i = 0; i < config->allow_count; i++)
        if (config->allow[i].plan && hex_is(config->allow[i].plan, plan)) return true;
    return false;
}

bool policy_approves_cohort(const struct config_node *config, const struct hash *run)
{
    for (unsigned i = 0; i < config->approve_count; i++)
        if (hex_is(config->approve_cohort_change[i], run)) return true;
    return false;
}

/* The daemons' configuration, a bank's policy and an officer's approval: whatever the file holds, it is loaded or
 * refused with its name in front; a policy that is loaded answers with lines of its own, and an approval that is read
 * is not taken to be signed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/run/approval.h"
#include "proto/run/policy.h"
#include "sys/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "%s: %s\n", what, result_reason());
    abort();
}

static unsigned lines_of(struct view text)
{
    unsigned lines = 1;
    for (size_t i = 0; i < text.length; i++) lines += text.data[i] == '\n';
    return lines;
}

struct looking {
    unsigned lines;
    bool refused;
};

static struct result look(void *context, const struct policy_finding *finding)
{
    struct looking *looking = context;
    must(finding->line >= 1 && finding->line <= looking->lines && *finding->text, "a finding without a place");
    looking->refused = looking->refused || finding->verdict == POLICY_REFUSED;
    return RESULT_OK;
}

static const char exact[] = "cofferdam: 1\nname: p\npurpose: credit-risk\ntask: statistics\nfeatures:\n"
                            "  - {name: age, kind: number, min: 0, max: 99, resolution: 1}\n";
static const char with_privacy[] = "cofferdam: 1\nname: p\npurpose: credit-risk\ntask: statistics\nfeatures:\n"
                                   "  - {name: age, kind: number, min: 0, max: 99, resolution: 1}\n"
                                   "privacy: {epsilon: 4, delta: 1.0e-6}\n";

/* The policy asked about a plan: what it says entry by entry is what it says in all. */
static void policy_asked(const struct policy *policy, const char *text, const char *source)
{
    CLEANUP(plan_done) struct plan plan = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    must(result_ok(plan_parse(view_text(text), "plan", &plan)), "the plan");
    const struct policy_case about = {.plan = &plan,
                                      .author = "north",
                                      .run = &plan.hash,
                                      .cohort = 5,
                                      .words = 9,
                                      .source = source,
                                      .taken_known = source != NULL,
                                      .taken = 0.5};
    struct looking looking = {.lines = lines_of(buffer_view(&policy->text))};
    must(result_ok(policy_judge(policy, &about, look, &looking)), "the judge");
    must(result_ok(policy_check(policy, &about)) == !looking.refused, "the check says another thing");
    must(looking.refused || policy_rule_of(policy, &about) || policy_approvals(policy, &about), "allowed by nobody");
    must(policy_approvals(policy, &about) <= policy->officers_count, "more approvals than officers");
    must(result_ok(policy_explain(policy, &about, &out)) && result_ok(policy_remarks(policy, &out)), "the words");
}

static void policy_read(struct view text)
{
    CLEANUP(policy_done) struct policy policy = {0};
    if (!result_ok(policy_parse(text, "dir/policy.yaml", &policy))) {
        must(strncmp(result_reason(), "dir/policy.yaml:", 16) == 0 && !policy.raw, "a refused policy");
        return;
    }
    must(policy.words_run <= policy.words_month && policy.cohort_minimum >= 3 && policy.rows_minimum >= 1, "bounds");
    must(policy.repetition_rows >= 2 && policy.repetition_rows <= 1000, "rows between runs");
    for (unsigned i = 0; i < policy.privacy.budgets_count; i++)
        must(policy.privacy.budgets[i].rho > 0 &&
                 policy_budget_of(&policy, policy.privacy.budgets[i].source) == &policy.privacy.budgets[i],
             "a budget");
    policy_asked(&policy, exact, NULL);
    policy_asked(&policy, exact, "customers");
    policy_asked(&policy, with_privacy, NULL);
    policy_asked(&policy, with_privacy, "customers");
}

static void approval_read(struct view text)
{
    struct approval approval;
    if (!result_ok(approval_parse(text, &approval))) return;
    must(approval.decision <= APPROVAL_DENY && strlen(approval.bank) <= NAME_MAX_BYTES, "an approval");
    enum category verified = approval_verify(&approval).category;
    must(verified == CATEGORY_OK || verified == CATEGORY_FALSE, "a verdict");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static int file = -1;
    if (file < 0) {
        must(result_ok(crypto_start()), "the library");
        file = memfd_create("config", 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    must(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size, "the file");
    struct config_node *node = NULL;
    struct config_coordinator *coordinator = NULL;
    if (result_ok(config_node_load(path, &node)))
        must(node->key && node->roster && node->state && node->policy && node->log && node->source.name &&
                 !node->source.file != !node->source.odbc,
             "node");
    else
        must(node == NULL && strncmp(result_reason(), path, strlen(path)) == 0, "a refused node configuration");
    if (result_ok(config_coordinator_load(path, &coordinator)))
        must(coordinator->key && coordinator->roster && coordinator->state && coordinator->log, "coordinator");
    else
        must(coordinator == NULL && strncmp(result_reason(), path, strlen(path)) == 0, "a refused configuration");
    policy_read(view_of(data, size));
    approval_read(view_of(data, size));
    config_node_free(node);
    config_coordinator_free(coordinator);
    return 0;
}

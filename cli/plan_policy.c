#include "cli/plan_policy.h"

#include "cli/cli.h"

struct policy_case plan_policy_case(const struct plan_file *file, uint64_t words)
{
    return (struct policy_case){
        .plan = &file->plan, .author = file->note.lines_count > 0 ? file->note.lines[0].name : NULL, .words = words};
}

struct result plan_policy_read(const char *path, struct policy *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(cli_read(path, DOCUMENT_MAX, &text));
    return policy_parse(buffer_view(&text), path, ret);
}

static struct result append_finding(void *context, const struct policy_finding *finding)
{
    static const char *const words[] = {
        [POLICY_ALLOWED] = "allows", [POLICY_REFUSED] = "refuses", [POLICY_OPEN] = "open"};
    json_t *json = json_pack("{s:s, s:i, s:s}", "verdict", words[finding->verdict], "line", (int)finding->line, "text",
                             finding->text);
    ENSURE(json_array_append_new(context, json) == 0, CATEGORY_ENVIRONMENT, "no memory for what a policy says");
    return RESULT_OK;
}

struct result plan_policy_json(const struct policy *policy, const struct policy_case *about, json_t **ret)
{
    json_t *findings = json_array();
    struct result judged = policy_judge(policy, about, append_finding, findings);
    bool allows = result_ok(judged) && result_ok(policy_check(policy, about));
    json_t *json = json_pack("{s:b, s:I, s:I, s:I, s:o}", "allows", allows, "rounds_most",
                             (json_int_t)policy->rounds_most, "words_run", (json_int_t)policy->words_run, "words_month",
                             (json_int_t)policy->words_month, "findings", findings);
    if (!result_ok(judged)) json_decref(json);
    TRY(judged);
    ENSURE(json, CATEGORY_ENVIRONMENT, "no memory for what a policy says");
    *ret = json;
    return RESULT_OK;
}

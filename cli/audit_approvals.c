/* Who approved a run at each bank, as its P1 say it. */
#include <string.h>

#include "cli/audit.h"
#include "cli/audit_facts.h"

static void officer_hex(const struct provision_approval *approval, char text[2 * SIGN_PUBLIC_BYTES + 1])
{
    bytes_hex(view_of(approval->officer.bytes, SIGN_PUBLIC_BYTES), text);
}

static struct result bank_text(const struct replay *replay, unsigned position, struct buffer *out)
{
    const struct replay_approvals *approvals = &replay->approvals[position];
    char hex[2 * SIGN_PUBLIC_BYTES + 1];
    TRY(buffer_format(out, "%s by ", run_member(&replay->run, position)));
    if (approvals->count == 0) return buffer_text(out, "its policy\n");
    TRY(buffer_format(out, "%u%s officer%s:", approvals->count, approvals->more ? " or more" : "",
                      approvals->count == 1 ? "" : "s"));
    for (unsigned i = 0; i < approvals->count; i++) {
        officer_hex(&approvals->items[i].approval, hex);
        TRY(buffer_format(out, "%s %s", i ? "," : "", hex));
    }
    return buffer_text(out, "\n");
}

struct result audit_approvals_text(const struct replay *replay, struct buffer *out)
{
    const struct members *cohort = run_cohort(&replay->run);
    const char *head = "approved    ";
    if (!replay->agreed) return RESULT_OK;
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        TRY(buffer_format(out, "%s ", head));
        TRY(bank_text(replay, j, out));
        head = "            ";
    }
    return RESULT_OK;
}

const char *audit_approved_by(const struct replay *replay, unsigned position)
{
    if (!replay->agreed || !members_has(run_cohort(&replay->run), position)) return NULL;
    return replay->approvals[position].count ? "officers" : "policy";
}

static json_t *time_json(uint64_t milliseconds, const char *otherwise)
{
    char text[AUDIT_TIME_BYTES];
    return json_string(milliseconds ? audit_time(milliseconds / 1000, text) : otherwise);
}

static void add_bank(const struct replay *replay, unsigned position, struct tree *tree, json_t *list)
{
    const struct replay_approvals *approvals = &replay->approvals[position];
    for (unsigned i = 0; i < approvals->count; i++) {
        const struct provision_approval *approval = &approvals->items[i].approval;
        const char *of = approval->change ? "run and its cohort" : approval->of_run ? "run" : "plan";
        char hex[2 * SIGN_PUBLIC_BYTES + 1];
        officer_hex(approval, hex);
        tree_add(tree, list,
                 json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "bank", run_member(&replay->run, position), "officer", hex,
                           "of", of, "given", time_json(approval->given, "at no time"), "expires",
                           time_json(approval->expires, "never"), "round", tree_count(approvals->items[i].round)));
    }
}

void audit_approvals_json(const struct replay *replay, struct tree *tree, json_t *root)
{
    json_t *list = json_array();
    tree_put(tree, root, "approvals", list);
    for (unsigned j = 1; j <= replay->roster.size; j++) add_bank(replay, j, tree, list);
}

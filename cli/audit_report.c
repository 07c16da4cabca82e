/* cofferdam audit report: what a bundle tells, for a compliance officer. */
#include <stdio.h>
#include <string.h>

#include "cli/audit.h"
#include "cli/audit_facts.h"
#include "cli/cli.h"

static struct result write_report(const json_t *report, const char *out, bool as_json)
{
    CLEANUP(buffer_done) struct buffer page = {0}, json = {0};
    if (out) {
        TRY(audit_page(report, &page));
        TRY(cli_write(out, buffer_view(&page), true));
    }
    if (!as_json) return RESULT_OK;
    TRY(json_text(report, JSON_INDENT(2), &json));
    TRY(buffer_u8(&json, '\n'));
    return cli_print(buffer_view(&json));
}

static struct result tell(const struct audit_facts *facts, const char *out, bool as_json)
{
    json_t *report = NULL;
    TRY(audit_json(facts, &report));
    struct result result = write_report(report, out, as_json);
    json_decref(report);
    return result;
}

struct result cli_audit_report(int argc, char **argv)
{
    const char *roster = NULL, *out = NULL;
    bool as_json = false;
    struct cli_values operands = {0};
    const struct cli_option options[] = {{.name = "out", .letter = 'o', .value = &out},
                                         {.name = "roster", .value = &roster},
                                         {.name = "json", .flag = &as_json},
                                         {0}};
    struct hash fingerprint;
    CLEANUP(audit_facts_done) struct audit_facts facts = {0};
    TRY(cli_parse(argc, argv, options, "BUNDLE", 1, 1, &operands));
    ENSURE(out || as_json, CATEGORY_USAGE, "a place for the report is missing: -o FILE.html, or --json for stdout");
    ENSURE(!as_json || !out || strcmp(out, "-") != 0, CATEGORY_USAGE,
           "-o - and --json both write to stdout; name a file after -o");
    if (roster) TRY(audit_fingerprint(roster, &fingerprint));
    const char *const inputs[] = {operands.items[0], roster};
    if (out) TRY(cli_check_output(out, inputs, roster ? 2 : 1));
    TRY(audit_facts_gather(operands.items[0], roster ? &fingerprint : NULL, &facts));
    TRY(tell(&facts, out, as_json));
    ENSURE(facts.holds, CATEGORY_FALSE, "%s: %s", facts.path, facts.reason);
    return RESULT_OK;
}

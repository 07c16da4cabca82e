/* cofferdam audit evidence: what a file proves, in words. */
#include <stdio.h>
#include <string.h>

#include "cli/audit.h"
#include "cli/cli.h"
#include "proto/audit/evidence.h"
#include "sys/file.h"

static const char *verdict_words(const struct evidence_report *report)
{
    static const char *const words[] = {
        [EVIDENCE_FALSE] = "DOES NOT HOLD: nothing follows from this file",
        [EVIDENCE_STATEMENT] =
            ("STATEMENT: this file proves nothing by itself, but that what is in it was signed; anyone "
             "can make such a file, without a key"),
        [EVIDENCE_PROVEN] = "PROVEN: nobody who keeps to the protocol signs this",
    };
    return words[report->verdict];
}

static const char *next_words(const struct evidence_report *report)
{
    if (report->verdict == EVIDENCE_FALSE)
        return "Ask for the file again, from the state directory of the bank that kept it. A file that was changed, or "
               "that was made up, accuses nobody.";
    if (report->verdict == EVIDENCE_STATEMENT)
        return "Accuse nobody with it. Ask whoever made the file, and the signer, for the reason, and the other banks "
               "for "
               "their evidence of the same round: what each was shown may together be proof.";
    if (report->coordinator)
        return "Take part in no further run of this coordinator. Send the file to every member: each can check it with "
               "this command and decide for itself. A new roster, signed by the members, replaces the coordinator.";
    return "Send the file to every member: each can check it with this command. Whether the bank's machine was broken, "
           "restored from an old copy, or dishonest, only that bank can explain; a new roster can leave it out.";
}

static struct result put(struct buffer *out, const char *title, const char *text)
{
    return text[0] ? buffer_format(out, "%-13s%s\n", title, text) : RESULT_OK;
}

static struct result put_roster(struct buffer *out, const struct evidence_report *report, bool asked)
{
    char hex[2 * HASH_BYTES + 1];
    if (!report->has_roster) return RESULT_OK;
    bytes_hex(hash_view(&report->fingerprint), hex);
    return buffer_format(out, "%-13sversion %u, %u members, fingerprint %s\n%-13s%s\n", "roster", report->version,
                         report->members, hex, "",
                         report->verdict == EVIDENCE_FALSE ? "it is in the file, which does not hold"
                         : asked                           ? "it is, or follows from, the roster you gave"
                                 : "compare it with the one your organisation has pinned (cofferdam roster show)");
}

static struct result print_words(const struct evidence_report *report, bool asked)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    char hex[2 * HASH_BYTES + 1];
    TRY(put(&out, "verdict", verdict_words(report)));
    TRY(put(&out, "what", report->claim));
    TRY(put(&out, "reason", report->reason));
    if (report->against[0])
        TRY(buffer_format(&out, "%-13s%s, %s\n", "who", report->against,
                          report->coordinator ? "the coordinator" : "a bank"));
    TRY(put_roster(&out, report, asked));
    if (report->has_run) {
        bytes_hex(hash_view(&report->run), hex);
        TRY(buffer_format(&out, "%-13s%s\n%-13splan %s, submitted by %s\n", "run", hex, "", report->plan,
                          report->submitter));
    }
    if (report->epoch) TRY(buffer_format(&out, "%-13sepoch %u", "when", report->epoch));
    if (report->epoch && report->round) TRY(buffer_format(&out, ", round %llu", (unsigned long long)report->round));
    if (report->epoch) TRY(buffer_text(&out, "\n"));
    TRY(put(&out, "signed", report->statement));
    TRY(put(&out, "why", report->because));
    for (unsigned i = 0; i < report->checked_count; i++) TRY(put(&out, i ? "" : "checked", report->checked[i]));
    TRY(put(&out, "what to do", next_words(report)));
    return cli_print(buffer_view(&out));
}

static void put_text(json_t *json, const char *key, const char *text)
{
    if (text[0]) (void)json_object_set_new(json, key, json_string(text));
}

static struct result print_json(const struct evidence_report *report)
{
    char hex[2 * HASH_BYTES + 1];
    json_t *json = json_object(), *checked = json_array();
    for (unsigned i = 0; i < report->checked_count; i++)
        (void)json_array_append_new(checked, json_string(report->checked[i]));
    put_text(json, "verdict", evidence_verdict_name(report->verdict));
    put_text(json, "meaning", verdict_words(report));
    put_text(json, "kind", report->kind);
    put_text(json, "claim", report->claim);
    put_text(json, "reason", report->reason);
    put_text(json, "against", report->against);
    if (report->against[0]) put_text(json, "role", report->coordinator ? "coordinator" : "bank");
    if (report->has_roster) {
        bytes_hex(hash_view(&report->fingerprint), hex);
        put_text(json, "roster", hex);
    }
    if (report->has_run) {
        bytes_hex(hash_view(&report->run), hex);
        put_text(json, "run", hex);
        put_text(json, "plan", report->plan);
        put_text(json, "submitter", report->submitter);
    }
    (void)json_object_set_new(json, "epoch", json_integer((json_int_t)report->epoch));
    (void)json_object_set_new(json, "round", json_integer((json_int_t)report->round));
    put_text(json, "signed", report->statement);
    put_text(json, "because", report->because);
    (void)json_object_set_new(json, "checked", checked);
    put_text(json, "next", next_words(report));
    return cli_print_json(json);
}

struct result cli_audit_evidence(int argc, char **argv)
{
    const char *roster = NULL;
    bool as_json = false;
    struct cli_values operands = {0};
    const struct cli_option options[] = {{.name = "roster", .value = &roster}, {.name = "json", .flag = &as_json}, {0}};
    struct hash fingerprint;
    struct evidence_report report;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(cli_parse(argc, argv, options, "FILE", 1, 1, &operands));
    if (roster) TRY(audit_fingerprint(roster, &fingerprint));
    TRY(cli_read(operands.items[0], EVIDENCE_FILE_MAX, &bytes));
    TRY(evidence_check(buffer_view(&bytes), roster ? &fingerprint : NULL, NULL, &report));
    TRY(as_json ? print_json(&report) : print_words(&report, roster != NULL));
    ENSURE(report.verdict != EVIDENCE_FALSE, CATEGORY_FALSE, "%s: %s", operands.items[0], report.reason);
    return RESULT_OK;
}

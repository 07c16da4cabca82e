/* Who took part, what was asked, and what protects the banks' customers. */
#include <inttypes.h>
#include <string.h>

#include "cli/audit_report.h"

/* ---- who took part */

static struct result version_rows(const json_t *versions, struct buffer *out)
{
    size_t index;
    const json_t *version;
    json_array_foreach(versions, index, version)
    {
        const json_t *signers = json_object_get(version, "signed_by"), *changes = json_object_get(version, "changes");
        TRY(buffer_format(out, "<tr><th scope=\"row\" class=\"n\">%" PRIu64 "</th><td class=\"n\">%" PRIu64 "</td><td>",
                          report_count(version, "version"), report_count(version, "members")));
        if (json_array_size(signers) > NAMES_MOST)
            TRY(buffer_format(out, "%zu members", json_array_size(signers)));
        else
            TRY(names_inline(signers, out));
        TRY(buffer_text(out, "</td><td>"));
        TRY(json_array_size(changes) ? texts_list(changes, out) : buffer_text(out, index ? "none" : "first here"));
        TRY(buffer_text(out, "</td><td>"));
        TRY(html_code(report_text(version, "fingerprint"), out));
        TRY(buffer_text(out, "</td></tr>\n"));
    }
    return RESULT_OK;
}

static struct result rosters(const json_t *report, struct buffer *out)
{
    const json_t *versions = json_object_get(json_object_get(report, "roster"), "versions");
    const json_t *last = json_array_get(versions, json_array_size(versions) - 1);
    const json_t *coordinator = json_object_get(last, "coordinator");
    TRY(html_element("h3", "The roster", out));
    TRY(buffer_text(out, "<p>The roster says who the members are and which keys are theirs. The members sign it; the "
                         "coordinator has no say in it. The coordinator of the run is <strong>"));
    TRY(html_text(report_text(coordinator, "name"), out));
    TRY(buffer_text(out, "</strong>, at "));
    TRY(html_code(report_text(coordinator, "address"), out));
    TRY(buffer_text(out, ", with the key "));
    TRY(html_code(report_text(coordinator, "key"), out));
    TRY(buffer_text(out,
                    ".</p>\n<div class=\"wide\"><table>\n<caption>Versions of the roster in this bundle; the run is "
                    "under the last</caption>\n<thead><tr><th scope=\"col\" class=\"n\">version</th><th "
                    "scope=\"col\" class=\"n\">members</th><th scope=\"col\">signed by</th><th "
                    "scope=\"col\">changes</th><th scope=\"col\">fingerprint</th></tr></thead>\n<tbody>\n"));
    TRY(version_rows(versions, out));
    return buffer_text(out, "</tbody></table></div>\n");
}

static const char *approved_words(const char *by)
{
    if (!*by) return "";
    return strcmp(by, "officers") == 0 ? "; approved by officers" : "; approved by its policy";
}

static struct result bank_rows(const json_t *report, struct buffer *out)
{
    const json_t *banks = json_object_get(report, "banks"), *bank;
    uint64_t sums = report_count(json_object_get(report, "released"), "sums");
    bool agreed = json_array_size(json_object_get(report, "key_sets")) > 0;
    size_t index;
    json_array_foreach(banks, index, bank)
    {
        bool cohort = json_is_true(json_object_get(bank, "cohort"));
        TRY(buffer_text(out, "<tr><th scope=\"row\">"));
        TRY(html_text(report_text(bank, "name"), out));
        TRY(buffer_format(out, "</th><td>%s%s%s</td>",
                          !cohort  ? "member, not in this run"
                          : agreed ? "took part"
                                   : "asked to take part",
                          json_is_true(json_object_get(bank, "submitter")) ? "; submitted and signed the plan" : "",
                          approved_words(report_text(bank, "approved_by"))));
        if (!cohort)
            TRY(buffer_text(out, "<td class=\"n\">–</td><td class=\"n\">–</td></tr>\n"));
        else
            TRY(buffer_format(out,
                              "<td class=\"n\">%" PRIu64 " of %" PRIu64 "</td><td class=\"n\">%" PRIu64 "</td></tr>\n",
                              report_count(bank, "sums_with_its_input"), sums, report_count(bank, "sums_it_checked")));
    }
    return RESULT_OK;
}

static struct result approvals(const json_t *list, struct buffer *out)
{
    static const struct html_column columns[] = {
        {"bank", "bank", 0},       {"officer's key", "officer", HTML_CODE},
        {"approves the", "of", 0}, {"signed, by the officer's clock", "given", 0},
        {"expires", "expires", 0}, {"with the keys from round", "round", HTML_COUNT}};
    if (json_array_size(list) == 0)
        return paragraph("No officer's approval is in this bundle: each bank's node says, by that, that its policy "
                         "approved the plan by itself.",
                         out);
    return html_table("Approvals of officers; at every other bank the policy approved the plan by itself", columns, 6,
                      list, out);
}

static struct result agreement(const json_t *report, struct buffer *out)
{
    TRY(html_element("h3", "How each bank agreed", out));
    TRY(buffer_text(out, "<p>"));
    TRY(html_text(report_text(json_object_get(report, "run"), "submitter"), out));
    TRY(buffer_text(out, " signed the plan, and the submission of this run with its cohort, with its identity key. "));
    if (json_array_size(json_object_get(report, "key_sets")) == 0)
        return buffer_text(out, "The bundle holds no keys that the banks of the cohort made for this run: it does not "
                                "prove that any of them took part.</p>\n");
    TRY(buffer_text(
        out, "The node of every bank in the cohort then signed one-time keys for this run alone, and that it has those "
             "of every other bank (P1 and ACK). That is how this bundle proves that a bank took part. A node does so "
             "only when its own policy approves the plan by itself, or the officers do whom that policy asks. What "
             "they signed is then in the bundle, with the keys. That an officer's key is one of that bank's officers "
             "is the bank's word: its node signed it, and its policy, which lists them, is not in the bundle.</p>\n"));
    return approvals(json_object_get(report, "approvals"), out);
}

struct result section_parties(const json_t *report, struct buffer *out)
{
    TRY(section_begin("parties", "Who took part", out));
    TRY(buffer_text(out, "<div class=\"wide\"><table>\n<caption>The members of the roster, and their part in the "
                         "run</caption>\n<thead><tr><th scope=\"col\">bank</th><th scope=\"col\">part</th><th "
                         "scope=\"col\" class=\"n\">sums with its rows</th><th scope=\"col\" class=\"n\">certified "
                         "by it</th></tr></thead>\n<tbody>\n"));
    TRY(bank_rows(report, out));
    TRY(buffer_text(out, "</tbody></table></div>\n"));
    TRY(buffer_format(out,
                      "<p>A sum counts once %" PRIu64 " banks signed that they checked it, and the bundle keeps that "
                      "many signatures: a bank with fewer, or none, can have checked all the same. Keys are <a "
                      "href=\"#keys\">at the end</a>.</p>\n",
                      report_count(json_object_get(report, "privacy"), "t")));
    TRY(agreement(report, out));
    return rosters(report, out);
}

struct result section_keys(const json_t *report, struct buffer *out)
{
    static const struct html_column keys[] = {
        {"bank", "name", 0}, {"identity key", "identity_key", HTML_CODE}, {"node key", "node_key", HTML_CODE}};
    TRY(section_begin("keys", "Keys", out));
    TRY(paragraph(
        "The identity key signs rosters, plans and runs for the organisation; the node key signs what its node "
        "says in a run.",
        out));
    TRY(buffer_text(out, "<div class=\"small\">"));
    TRY(html_table("Keys of the members (Ed25519)", keys, 3, json_object_get(report, "banks"), out));
    return buffer_text(out, "</div>\n");
}

/* ---- what was asked */

struct result section_plan(const json_t *report, struct buffer *out)
{
    static const struct html_column columns[] = {
        {"column", "name", 0}, {"role", "role", 0}, {"what the plan says of it", "words", 0}};
    static const struct html_column settings[] = {{"setting", "name", 0}, {"value", "value", 0}};
    const json_t *plan = json_object_get(report, "plan");
    const char *purpose = report_text(plan, "purpose");
    TRY(section_begin("plan", "What was asked", out));
    TRY(buffer_text(out, "<p>The plan <strong>"));
    TRY(html_text(report_text(plan, "name"), out));
    TRY(buffer_text(out, "</strong>, signed by "));
    TRY(html_text(report_text(plan, "signed_by"), out));
    TRY(buffer_text(out, *purpose ? ", names the purpose <strong>" : ", names no purpose<strong>"));
    TRY(html_text(purpose, out));
    TRY(buffer_text(out, "</strong> and asks for the task <strong>"));
    TRY(html_text(report_text(plan, "task"), out));
    TRY(buffer_text(out,
                    "</strong>. The purpose is a word that its author chose. The plan's whole text is at the end of "
                    "this page; its hash is "));
    TRY(html_code(report_text(plan, "hash"), out));
    TRY(buffer_text(out, ".</p>\n"));
    TRY(html_table("Columns of the banks' tables that the plan uses", columns, 3, json_object_get(plan, "columns"),
                   out));
    return html_table("Settings", settings, 2, json_object_get(plan, "settings"), out);
}

/* A long line, as of a model in a plan, is cut. */
static struct result plan_line(const char *line, size_t length, struct buffer *out)
{
    enum { LINE_MOST = 400 };
    CLEANUP(buffer_done) struct buffer copy = {0};
    const char *text;
    size_t kept = length > LINE_MOST ? LINE_MOST : length;
    while (kept < length && kept > 0 && ((uint8_t)line[kept] & 0xc0) == 0x80) kept--;
    TRY(buffer_append(&copy, view_of(line, kept)));
    TRY(buffer_terminate(&copy, &text));
    TRY(html_text(text, out));
    if (kept < length) TRY(buffer_format(out, " … <em>(%zu more bytes in plan.note)</em>", length - kept));
    return buffer_u8(out, '\n');
}

struct result section_plan_text(const json_t *report, struct buffer *out)
{
    TRY(section_begin("text", "The plan's text", out));
    TRY(buffer_text(out, "<pre>"));
    for (const char *line = report_text(json_object_get(report, "plan"), "text"); *line;) {
        size_t length = strcspn(line, "\n");
        TRY(plan_line(line, length, out));
        line += length + (line[length] == '\n');
    }
    return buffer_text(out, "</pre>\n");
}

/* ---- privacy */

struct result section_privacy(const json_t *report, struct buffer *out)
{
    const json_t *privacy = json_object_get(report, "privacy");
    uint64_t n = report_count(privacy, "n"), f = report_count(privacy, "f"), t = report_count(privacy, "t"),
             v = report_count(privacy, "v"), honest = report_count(privacy, "honest"),
             silent = report_count(privacy, "silent");
    bool waits = strcmp(report_text(privacy, "on_dropout"), "wait") == 0;
    TRY(section_begin("privacy", "Privacy", out));
    TRY(audit_privacy_page(report, out));
    TRY(buffer_text(out, "<table>\n<caption>The numbers that protected one bank from the others, fixed for the whole "
                         "run</caption>\n<thead><tr><th scope=\"col\">number</th><th scope=\"col\" "
                         "class=\"n\">here</th><th scope=\"col\">what it means</th></tr></thead>\n<tbody>\n"));
    TRY(buffer_format(out,
                      "<tr><th scope=\"row\">n, the cohort</th><td class=\"n\">%" PRIu64 "</td><td>Banks whose rows a "
                      "sum is over. The plan asks for at least %" PRIu64 ".</td></tr>\n",
                      n, report_count(privacy, "cohort_minimum")));
    TRY(buffer_format(out,
                      "<tr><th scope=\"row\">f, dishonest banks</th><td class=\"n\">%" PRIu64 "</td><td>Even the "
                      "coordinator together with this many banks learns of the others nothing but sums over at least "
                      "%" PRIu64 " honest banks.</td></tr>\n",
                      f, honest));
    TRY(buffer_format(out,
                      "<tr><th scope=\"row\">t, the quorum</th><td class=\"n\">%" PRIu64 "</td><td>Banks that had to "
                      "sign whose inputs go into a sum, before it was opened, and again that they checked it, before "
                      "anything was computed from it. After the inputs are in, %" PRIu64 " of %" PRIu64
                      " may fall silent.</td></tr>\n",
                      t, silent, n));
    TRY(buffer_format(out,
                      "<tr><th scope=\"row\">v, to void a round</th><td class=\"n\">%" PRIu64
                      "</td><td>Banks that have "
                      "to sign that they erased their secrets of a round and will open nothing of it. With so many, no "
                      "quorum is left that could: a round is opened or voided, never both.</td></tr>\n",
                      v));
    TRY(buffer_format(out, "<tr><th scope=\"row\">bank that is away</th><td class=\"n\">%s</td><td>%s</td></tr>\n",
                      waits ? "waited for" : "left out",
                      waits
                          ? "Every sum is over the whole cohort, so that the difference of two sums is never one "
                            "bank's."
                          : "A sum may be over fewer banks than another. The difference of two such sums tells of the "
                            "bank that was missing."));
    TRY(buffer_format(out,
                      "<tr><th scope=\"row\">smallest cell</th><td class=\"n\">%" PRIu64 "</td><td>Customers that a "
                      "cell must have to be shown in the model and in its report. The released sums themselves are not "
                      "rounded or cut: they can hold smaller cells.</td></tr>\n",
                      report_count(privacy, "cells_minimum")));
    return buffer_text(out, "</tbody></table>\n");
}

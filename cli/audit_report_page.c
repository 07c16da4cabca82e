/* The page of an audit: the verdict on top, then what a reader asks for, in the order in which it is asked. */
#include <string.h>

#include "cli/audit.h"
#include "cli/audit_facts.h"
#include "cli/audit_report.h"

static const char more_style[] =
    ":root{--good:#19703f;--bad:#a8201a}"
    "@media(prefers-color-scheme:dark){:root{--good:#6cc394;--bad:#ff8a80}}"
    "body{max-width:52rem}a{color:var(--a)}h1{line-height:1.25;margin-bottom:.3rem}h2{padding-bottom:.2rem}"
    "h3{font-size:1.05rem;margin:1.4rem 0 .3rem}.sub{margin-top:0}p,li{max-width:46rem}"
    "table{width:100%;margin-top:.6rem}td,th{vertical-align:top}thead{break-after:avoid}pre{overflow-wrap:anywhere}"
    ".verdict{border:1px solid var(--grid);border-left:.6rem solid var(--good);background:var(--soft);"
    "padding:.4rem 1.2rem;margin:1.2rem 0}.verdict h2{border:0;margin:.5rem 0 "
    ".2rem;color:var(--good);font-size:1.35rem}"
    ".verdict.bad{border-left-color:var(--bad)}.verdict.bad h2{color:var(--bad)}"
    "dl.short{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.4rem}dl.short dd{margin:0}"
    "nav ol{columns:2;column-gap:2rem;padding-left:1.4rem}nav li{break-inside:avoid}"
    "td ul{margin:.15rem 0;padding-left:1.1rem}td li{max-width:none}"
    "td code{font-size:.8rem;display:inline-block;width:max-content;max-width:34ch}"
    ".small table{font-size:.8rem}.small td,.small th{padding:.12rem .6rem .12rem 0}.time{white-space:nowrap}"
    "@media(max-width:40rem){nav ol{columns:1}dl.short{grid-template-columns:1fr}dl.short dd{margin-bottom:.4rem}}"
    "@page{size:A4;margin:17mm 16mm}"
    "@media print{body{padding:0;font-size:10pt;line-height:1.4}p,li{max-width:none}h1{font-size:19pt}"
    "h2{font-size:13pt}h3,caption{break-after:avoid}nav{display:none}a{color:inherit;text-decoration:none}"
    "table{break-inside:auto;font-size:9pt}tr{break-inside:avoid}.wide{overflow:visible}.small table{font-size:8pt}"
    "code,td code{font-size:7.5pt}.verdict{break-inside:avoid;print-color-adjust:exact}}";

/* ---- pieces */

struct result section_begin(const char *id, const char *title, struct buffer *out)
{
    TRY(buffer_format(out, "<h2 id=\"%s\">", id));
    TRY(html_text(title, out));
    return buffer_text(out, "</h2>\n");
}

struct result paragraph(const char *text, struct buffer *out)
{
    return buffer_format(out, "<p>%s</p>\n", text);
}

struct result names_inline(const json_t *names, struct buffer *out)
{
    size_t index;
    const json_t *name;
    json_array_foreach(names, index, name)
    {
        if (index) TRY(buffer_text(out, ", "));
        TRY(html_text(json_string_value(name), out));
    }
    return RESULT_OK;
}

struct result texts_list(const json_t *texts, struct buffer *out)
{
    size_t index;
    const json_t *text;
    TRY(buffer_text(out, "<ul>\n"));
    json_array_foreach(texts, index, text) TRY(html_element("li", json_string_value(text), out));
    return buffer_text(out, "</ul>\n");
}

struct result deviations_list(const json_t *report, const char *const *among, struct buffer *out)
{
    size_t index;
    const json_t *deviation;
    TRY(buffer_text(out, "<ul>\n"));
    json_array_foreach(json_object_get(report, "deviations"), index, deviation)
    {
        const char *const *kind = among;
        while (kind && *kind && strcmp(*kind, report_text(deviation, "kind")) != 0) kind++;
        if (!kind || *kind) TRY(html_element("li", report_text(deviation, "text"), out));
    }
    return buffer_text(out, "</ul>\n");
}

uint64_t report_count(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

struct result counted(uint64_t count, const char *word, struct buffer *out)
{
    TRY(html_count(count, out));
    return buffer_format(out, " %s%s", word, count == 1 ? "" : "s");
}

/* ---- the top */

/* What "it holds" is worth, by form: the sentence of audit verify, without its first word. */
static struct result what_holds(const json_t *report, struct buffer *out)
{
    const char *verdict = report_text(report, "verdict"), *colon = strstr(verdict, ": ");
    static const char *const kinds[][2] = {{"signatures", "signature"},
                                           {"certificates", "certificate"},
                                           {"inputs", "masked input"},
                                           {"sums", "sum"},
                                           {"steps", "step"}};
    const json_t *checked = json_object_get(report, "checked");
    TRY(buffer_text(out, "<p>Every check passed: "));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint64_t count = report_count(checked, kinds[i][0]);
        if (count == 0) continue;
        if (i > 0) TRY(buffer_text(out, ", "));
        TRY(counted(count, kinds[i][1], out));
    }
    TRY(buffer_text(out, ". "));
    if (!json_is_true(json_object_get(report, "finished")))
        return buffer_text(out,
                           "The run was ended before its last step; there is no model. Why is told under "
                           "<a href=\"#deviations\">Deviations</a>. When somebody was caught cheating, the proof "
                           "is not in a bundle but in evidence files at the banks (<code>runs/RUN/evidence/</code>, "
                           "<code>cofferdam audit evidence</code>): ask for them.</p>\n");
    TRY(buffer_text(out, "The finding of <code>audit verify</code>: "));
    TRY(html_text(colon ? colon + 2 : verdict, out));
    return buffer_text(out, ".</p>\n");
}

static bool is_bundle(const json_t *report)
{
    return json_is_string(json_object_get(report, "form"));
}

static struct result what_fails(const json_t *report, struct buffer *out)
{
    if (!is_bundle(report)) {
        TRY(buffer_text(out, "<p>The file was read and nothing in it could be checked: <strong>"));
        TRY(html_text(report_text(report, "reason"), out));
        return buffer_text(out, "</strong>. A bundle is the file run.cfd that every bank has of a run.</p>\n");
    }
    TRY(buffer_text(out, "<p>The first thing that does not hold: <strong>"));
    TRY(html_text(report_text(report, "reason"), out));
    return buffer_text(
        out, "</strong>.</p>\n<p>Nothing after that place was checked, and the rest of this page tells only what came "
             "before it. Do not rely on this bundle. Get the bundle again from another bank or from the coordinator, "
             "compare the SHA-256 of the files, and ask whoever gave you this one what happened to it.</p>\n");
}

static struct result whose_roster(const json_t *report, struct buffer *out)
{
    const json_t *roster = json_object_get(report, "roster");
    if (!roster) return RESULT_OK;
    if (json_is_true(json_object_get(roster, "vouched")))
        return paragraph("<strong>Who the parties are</strong> was checked against the roster that was given: the "
                         "bundle's is that one, or one that a quorum of its members signed after it.",
                         out);
    if (json_is_string(json_object_get(roster, "asked")))
        return paragraph("<strong>Who the parties are</strong> is not established: the bundle holds no roster with the "
                         "fingerprint that was given.",
                         out);
    TRY(buffer_text(out, "<p><strong>Who the parties are</strong> was not checked, since no roster was given. The "
                         "bundle shows the fingerprint "));
    TRY(html_code(report_text(roster, "fingerprint"), out));
    return buffer_text(out, ": compare it with the one that your organisation keeps (<code>cofferdam roster "
                            "show roster.note</code>). As long as nobody has, this page tells what these keys did, not "
                            "whose they are.</p>\n");
}

static struct result verdict_box(const json_t *report, struct buffer *out)
{
    bool holds = json_is_true(json_object_get(report, "holds"));
    bool finished = json_is_true(json_object_get(report, "finished"));
    TRY(buffer_format(out, "<section class=\"verdict%s\" aria-labelledby=\"verdict\"><h2 id=\"verdict\">%s</h2>\n",
                      holds ? "" : " bad",
                      !is_bundle(report) ? "✗ This is no bundle that can be read"
                      : !holds           ? "✗ The record of this run does not hold"
                      : finished         ? "✓ The record of this run holds"
                                         : "✓ The record holds, as far as the run came"));
    TRY(holds ? what_holds(report, out) : what_fails(report, out));
    TRY(whose_roster(report, out));
    return buffer_text(out, "</section>\n");
}

static struct result short_times(const json_t *run, struct buffer *out)
{
    if (!*report_text(run, "earliest")) return RESULT_OK;
    TRY(buffer_text(out, "<dt>When</dt><dd>"));
    TRY(html_text(report_text(run, "earliest"), out));
    TRY(buffer_text(out, " (first sum) to "));
    TRY(html_text(report_text(run, "latest"), out));
    return buffer_text(out, " (last), by the banks' own clocks</dd>\n");
}

static struct result short_outcome(const json_t *report, struct buffer *out)
{
    bool ended = json_array_size(json_object_get(report, "endings")) > 0;
    const json_t *model = json_object_get(report, "model"), *rows = json_object_get(model, "rows");
    TRY(buffer_format(out, "<dt>Outcome</dt><dd>%s",
                      json_is_true(json_object_get(report, "finished")) ? "finished"
                      : ended                                           ? "ended before its last step"
                              : "not told: the bundle was not read to its end"));
    if (json_is_integer(json_object_get(rows, "train"))) {
        TRY(buffer_text(out, ", with "));
        TRY(html_count(report_count(rows, "train"), out));
        TRY(buffer_text(out, " training rows"));
        if (report_count(rows, "holdout")) {
            TRY(buffer_text(out, " and "));
            TRY(html_count(report_count(rows, "holdout"), out));
            TRY(buffer_text(out, " held out"));
        }
    }
    if (json_is_false(json_object_get(model, "converged"))) TRY(buffer_text(out, "; the fit did not converge"));
    return buffer_text(out, "</dd>\n");
}

static struct result in_short(const json_t *report, struct buffer *out)
{
    const json_t *run = json_object_get(report, "run"), *plan = json_object_get(report, "plan");
    const json_t *privacy = json_object_get(report, "privacy");
    const char *purpose = report_text(plan, "purpose");
    if (!run) return RESULT_OK;
    TRY(section_begin("short", "In short", out));
    TRY(buffer_text(out, "<dl class=\"short\">\n"));
    TRY(html_item("Purpose", *purpose ? purpose : "the plan names none", out));
    TRY(html_item("Analysis", report_text(plan, "task"), out));
    TRY(html_item("Submitted by", report_text(run, "submitter"), out));
    TRY(buffer_text(out, "<dt>Banks</dt><dd>"));
    TRY(html_count(report_count(privacy, "n"), out));
    TRY(buffer_text(out, ", coordinated by "));
    TRY(html_text(report_text(run, "coordinator"), out));
    TRY(buffer_text(out, "</dd>\n"));
    TRY(short_times(run, out));
    TRY(short_outcome(report, out));
    TRY(buffer_text(out, "<dt>Released</dt><dd>"));
    TRY(released_count(report, out));
    TRY(buffer_text(out, "</dd>\n<dt>Deviations</dt><dd>"));
    size_t deviations = json_array_size(json_object_get(report, "deviations"));
    if (deviations)
        TRY(buffer_format(out, "%zu, listed below</dd>\n", deviations));
    else
        TRY(buffer_text(out, "none</dd>\n"));
    TRY(buffer_text(out, "<dt>Run</dt><dd>"));
    TRY(html_code(report_text(run, "id"), out));
    return buffer_text(out, "</dd>\n</dl>\n");
}

static struct result contents(const json_t *report, struct buffer *out)
{
    static const char *const sections[][2] = {
        {"deviations", "Deviations"},
        {"parties", "Who took part"},
        {"plan", "What was asked"},
        {"released", "What was released, and to whom"},
        {"never", "What was never released"},
        {"privacy", "Privacy"},
        {"dropouts", "Dropouts and repeated rounds"},
        {"form", "What this form of the bundle shows"},
        {"hashes", "Hashes, and how to check again"},
        {"checked", "What was checked"},
        {"review", "For a review"},
        {"rounds", "Every round"},
        {"keys", "Keys"},
        {"text", "The plan's text"},
    };
    if (!json_object_get(report, "run")) return RESULT_OK;
    TRY(buffer_text(out, "<nav aria-label=\"Contents\"><ol>\n"));
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        TRY(buffer_format(out, "<li><a href=\"#%s\">%s</a></li>\n", sections[i][0], sections[i][1]));
    return buffer_text(out, "</ol></nav>\n");
}

static struct result section_deviations(const json_t *report, struct buffer *out)
{
    TRY(section_begin("deviations", "Deviations", out));
    if (json_array_size(json_object_get(report, "deviations")) > 0) return deviations_list(report, NULL, out);
    if (!json_is_true(json_object_get(report, "holds")))
        return paragraph("None before the place where the bundle does not hold.", out);
    return paragraph("None: the run came to its end, nobody refused it, no round was voided or repeated, no bank was "
                     "missing from a sum, no key changed, and the clocks agree to within five minutes.",
                     out);
}

/* ---- the end */

static struct result section_form(const json_t *report, struct buffer *out)
{
    TRY(section_begin("form", "What this form of the bundle shows", out));
    TRY(buffer_text(out, "<p>A bundle comes in three forms: full; sums, without what was sent masked; public, without "
                         "sums and model too. This one is <strong>"));
    TRY(html_text(report_text(report, "form"), out));
    TRY(buffer_text(out, "</strong>. It shows:</p>\n"));
    TRY(texts_list(json_object_get(report, "form_shows"), out));
    TRY(paragraph("It does not show:", out));
    TRY(texts_list(json_object_get(report, "form_lacks"), out));
    return paragraph(
        "No form tells what anyone did outside this run: what a member passed on, what other runs over the "
        "same rows released, or whether the rows that a bank brought are true.",
        out);
}

static struct result section_hashes(const json_t *report, struct buffer *out)
{
    static const struct html_column columns[] = {
        {"of", "what", 0}, {"hash", "value", HTML_CODE}, {"to see it again", "command", HTML_CODE}};
    TRY(section_begin("hashes", "Hashes, and how to check again", out));
    TRY(paragraph(
        "Whoever has the bundle and the program repeats all of this, on a machine of their own, without the "
        "banks' data: <code>cofferdam audit verify</code> replays the run, <code>cofferdam audit "
        "report</code> writes this page again, the same to the byte. <code>plan.note</code>, "
        "<code>roster.note</code> and <code>model.json</code> are files that every bank has of a run that was "
        "finished; the plan's text is also at the end of this page.",
        out));
    TRY(html_table("Hashes of this run (SHA-256; of roster, run and plan with a label of the protocol before)", columns,
                   3, json_object_get(report, "hashes"), out));
    TRY(buffer_text(out, "<p>This page was made by "));
    TRY(html_text(report_text(report, "program"), out));
    TRY(buffer_text(out, " from a bundle of "));
    TRY(counted(report_count(json_object_get(report, "bundle"), "bytes"), "byte", out));
    return buffer_text(out, ".</p>\n");
}

static struct result section_checked(const json_t *report, struct buffer *out)
{
    struct audit_line lines[AUDIT_LINES];
    static const struct replay_counts none;
    const json_t *checked = json_object_get(report, "checked");
    audit_lines(&none, lines);
    TRY(section_begin("checked", "What was checked", out));
    TRY(buffer_text(out, "<table>\n<caption>What the replay checked, and how often</caption>\n<thead><tr><th "
                         "scope=\"col\">check</th><th scope=\"col\" class=\"n\">times</th></tr></thead>\n<tbody>\n"));
    for (size_t i = 0; i < AUDIT_LINES; i++) {
        TRY(buffer_text(out, "<tr><th scope=\"row\">"));
        TRY(html_text(lines[i].text, out));
        TRY(buffer_text(out, "</th><td class=\"n\">"));
        TRY(html_count(report_count(checked, lines[i].key), out));
        TRY(buffer_text(out, "</td></tr>\n"));
    }
    TRY(buffer_text(out, "</tbody></table>\n"));
    return paragraph("A zero says that there was nothing of this kind to check, or that the check did not come so far: "
                     "a form without masked inputs has none to add up. The fold is the program's word for the "
                     "computation that goes from sum to sum.",
                     out);
}

static struct result section_review(struct buffer *out)
{
    static const struct {
        const char *asked, *facts, *where;
    } rows[] = {
        {"Record of processing", "who took part and in which role, the purpose, the columns, who received what, when",
         "<a href=\"#parties\">Who took part</a>, <a href=\"#plan\">What was asked</a>, <a href=\"#released\">What was "
         "released</a>"},
        {"Purpose limitation",
         "the purpose in the signed plan; each node compared it with its own rules before it took part",
         "<a href=\"#plan\">What was asked</a>"},
        {"Data minimisation",
         "which columns were used, within which bounds; how many numbers left the banks, and that rows did not",
         "<a href=\"#released\">What was released</a>, <a href=\"#never\">What was never released</a>, <a "
         "href=\"#privacy\">Privacy</a>"},
        {"Model documentation",
         "the plan's text, its settings, the model's hash; figures are in report.html of the run",
         "<a href=\"#plan\">What was asked</a>, <a href=\"#text\">The plan's text</a>"},
        {"Reproducibility", "what was computed again, the hashes, the commands",
         "<a href=\"#checked\">What was checked</a>, <a href=\"#hashes\">Hashes</a>, <a href=\"#rounds\">Every "
         "round</a>"},
    };
    TRY(section_begin("review", "For a review", out));
    TRY(buffer_text(out, "<table>\n<caption>Where this page answers what a reviewer asks for</caption>\n<thead><tr><th "
                         "scope=\"col\">asked for</th><th scope=\"col\">facts</th><th "
                         "scope=\"col\">where</th></tr></thead>\n<tbody>\n"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        TRY(buffer_format(out, "<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td></tr>\n", rows[i].asked,
                          rows[i].facts, rows[i].where));
    TRY(buffer_text(out, "</tbody></table>\n"));
    return paragraph(
        "<strong>This page states facts that follow from signatures and computation. It makes no claim that "
        "the run, its purpose or its use complies with any law, rule or contract.</strong> That is for "
        "those to judge who know the banks' grounds for processing and their customers' consent.",
        out);
}

/* ---- the page */

static struct result sections(const json_t *report, struct buffer *out)
{
    bool opened = json_object_get(report, "run") != NULL;
    if (is_bundle(report)) TRY(section_deviations(report, out));
    if (opened) {
        TRY(section_parties(report, out));
        TRY(section_plan(report, out));
        TRY(section_released(report, out));
        TRY(section_never(report, out));
        TRY(section_privacy(report, out));
        TRY(section_dropouts(report, out));
    }
    if (json_object_get(report, "form_shows")) TRY(section_form(report, out));
    TRY(section_hashes(report, out));
    if (is_bundle(report)) TRY(section_checked(report, out));
    if (!opened) return RESULT_OK;
    TRY(section_review(out));
    TRY(section_rounds(report, out));
    TRY(section_keys(report, out));
    return section_plan_text(report, out);
}

struct result audit_page(const json_t *report, struct buffer *out)
{
    const char *name = report_text(json_object_get(report, "plan"), "name");
    CLEANUP(buffer_done) struct buffer title = {0};
    const char *text;
    TRY(*name ? buffer_format(&title, "Audit of the run “%s”", name) : buffer_text(&title, "Audit of a run"));
    TRY(buffer_terminate(&title, &text));
    TRY(html_page_begin(text, more_style, out));
    TRY(html_element("h1", text, out));
    TRY(buffer_text(out, "<p class=\"sub\">Replayed from the bundle "));
    TRY(html_code(report_text(json_object_get(report, "bundle"), "file"), out));
    TRY(buffer_text(out, "</p>\n"));
    TRY(verdict_box(report, out));
    TRY(in_short(report, out));
    TRY(contents(report, out));
    TRY(sections(report, out));
    return html_page_end(out);
}

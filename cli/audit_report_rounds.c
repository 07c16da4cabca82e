/* What the rounds released and what not; and each round by itself. */
#include <inttypes.h>
#include <string.h>

#include "cli/audit_report.h"

/* "12", or "12 to 66". */
static struct result span(uint64_t least, uint64_t most, struct buffer *out)
{
    TRY(html_count(least, out));
    if (least == most) return RESULT_OK;
    TRY(buffer_text(out, " to "));
    return html_count(most, out);
}

static struct result group_fields(const json_t *group, struct buffer *out)
{
    size_t index;
    const json_t *field, *fields = json_object_get(group, "fields");
    if (json_array_size(fields) == 0) return RESULT_OK;
    TRY(buffer_text(out, "<ul>"));
    json_array_foreach(fields, index, field)
    {
        TRY(buffer_text(out, "<li>"));
        TRY(html_text(report_text(field, "words"), out));
        TRY(buffer_text(out, ": "));
        TRY(span(report_count(field, "least"), report_count(field, "most"), out));
        TRY(buffer_text(out, "</li>"));
    }
    return buffer_text(out, "</ul>");
}

static struct result group_row(const json_t *group, struct buffer *out)
{
    uint64_t first = report_count(group, "first"), last = report_count(group, "last");
    bool known = json_is_integer(json_object_get(group, "numbers_least"));
    TRY(buffer_format(out, "<tr><th scope=\"row\">%" PRIu64, first));
    if (last != first) TRY(buffer_format(out, "–%" PRIu64, last));
    TRY(buffer_text(out, "</th><td>"));
    TRY(html_text(report_text(group, "phase"), out));
    TRY(group_fields(group, out));
    TRY(buffer_text(out, "</td><td class=\"n\">"));
    TRY(html_count(report_count(group, "sums"), out));
    TRY(buffer_text(out, "</td><td class=\"n\">"));
    TRY(known ? span(report_count(group, "numbers_least"), report_count(group, "numbers_most"), out)
              : span(report_count(group, "words_least"), report_count(group, "words_most"), out));
    return buffer_format(out, "%s</td></tr>\n", known ? "" : " words");
}

static bool has_open_round(const json_t *report)
{
    size_t index;
    const json_t *round;
    json_array_foreach(json_object_get(report, "rounds"), index, round)
    {
        if (strcmp(report_text(round, "outcome"), "open") == 0) return true;
    }
    return false;
}

struct result released_count(const json_t *report, struct buffer *out)
{
    const json_t *released = json_object_get(report, "released");
    bool known = json_is_integer(json_object_get(released, "numbers"));
    if (report_count(released, "sums") == 0)
        return buffer_text(out, has_open_round(report) ? "no sum was closed, but one may have been opened"
                                                       : "no sum was closed");
    TRY(counted(report_count(released, "sums"), "sum", out));
    TRY(buffer_text(out, " over the banks' rows, of together "));
    TRY(counted(report_count(released, known ? "numbers" : "words"), known ? "number" : "64-bit word", out));
    return known ? RESULT_OK : buffer_text(out, " (a number takes one or two)");
}

static struct result recipients(const json_t *report, struct buffer *out)
{
    const json_t *released = json_object_get(report, "released"), *to = json_object_get(released, "banks");
    TRY(buffer_text(out, json_is_true(json_object_get(report, "holds")) ? "<p>In all: "
                                                                        : "<p>Up to the place that does not hold: "));
    TRY(released_count(report, out));
    TRY(buffer_text(out, ". What was opened was seen by the coordinator (named "));
    TRY(html_text(report_text(json_object_get(report, "run"), "coordinator"), out));
    TRY(buffer_text(out, ") and by every bank of the cohort, and by nobody else through the run"));
    if (json_array_size(to) > NAMES_MOST) {
        TRY(buffer_format(out, ": the %zu banks are named under <a href=\"#parties\">Who took part</a>",
                          json_array_size(to)));
    } else {
        TRY(buffer_text(out, ": "));
        TRY(names_inline(to, out));
    }
    return buffer_text(out, ". Whoever is given this bundle in its full form or with its sums sees it too.</p>\n");
}

/* A round without an outcome may have been opened: the coordinator ends a run because of what it saw in a sum. */
static struct result open_round(const json_t *report, struct buffer *out)
{
    size_t index;
    const json_t *round;
    json_array_foreach(json_object_get(report, "rounds"), index, round)
    {
        if (strcmp(report_text(round, "outcome"), "open") != 0) continue;
        TRY(buffer_format(out,
                          "<p><strong>Round %" PRIu64 " was begun and has no outcome here.</strong> Its sum may have "
                          "been opened all the same, and seen by the coordinator and by the banks of the cohort: this "
                          "bundle cannot tell.</p>\n",
                          report_count(round, "round")));
    }
    return RESULT_OK;
}

struct result section_released(const json_t *report, struct buffer *out)
{
    const json_t *released = json_object_get(report, "released"), *group;
    size_t index;
    TRY(section_begin("released", "What was released, and to whom", out));
    TRY(recipients(report, out));
    TRY(open_round(report, out));
    if (json_array_size(json_object_get(released, "groups")) > 0) {
        TRY(buffer_text(out,
                        "<div class=\"wide\"><table>\n<caption>Rounds in which a sum was opened, those of one kind "
                        "together</caption>\n<thead><tr><th scope=\"col\">rounds</th><th scope=\"col\">what for, "
                        "and what each sum holds, with how many numbers</th><th scope=\"col\" class=\"n\">sums</th><th "
                        "scope=\"col\" class=\"n\">numbers in each</th></tr></thead>\n<tbody>\n"));
        json_array_foreach(json_object_get(released, "groups"), index, group) TRY(group_row(group, out));
        TRY(buffer_text(out, "</tbody></table></div>\n"));
    }
    TRY(html_element("h3", "What the plan said it would release", out));
    TRY(paragraph("In the words of <code>cofferdam plan check</code>, which calls each number a sum of its own:", out));
    return texts_list(json_object_get(json_object_get(report, "plan"), "releases"), out);
}

struct result section_never(const json_t *report, struct buffer *out)
{
    uint64_t voided = 0;
    size_t index;
    const json_t *round;
    json_array_foreach(json_object_get(report, "rounds"), index, round) voided +=
        strcmp(report_text(round, "outcome"), "voided") == 0;
    TRY(section_begin("never", "What was never released", out));
    TRY(buffer_text(out,
                    "<ul>\n<li>Rows and identifiers of customers: they stay in their bank's node, and no message of a "
                    "run carries one.</li>\n"
                    "<li>One bank's part of a sum: it left its bank only under one-time masks, which come off the sum, "
                    "never off one part, as long as no more banks are dishonest than <a href=\"#privacy\">Privacy</a> "
                    "says. The coordinator saw it masked, and so does who holds the full bundle.</li>\n"));
    if (voided)
        TRY(buffer_format(out,
                          "<li>Sums of the %" PRIu64
                          " voided round%s: the banks signed that they had erased what would "
                          "open them.</li>\n",
                          voided, voided == 1 ? "" : "s"));
    return buffer_text(out,
                       "<li>Sums over other banks than the certificates name: each sum was opened for one certified "
                       "set of banks, once.</li>\n</ul>\n");
}

/* ---- dropouts */

static struct result certificate_rows(const json_t *report, struct buffer *out)
{
    size_t index;
    const json_t *round;
    json_array_foreach(json_object_get(report, "rounds"), index, round)
    {
        const char *outcome = report_text(round, "outcome");
        bool voided = strcmp(outcome, "voided") == 0;
        if (!voided && strcmp(outcome, "superseded") != 0) continue;
        TRY(buffer_format(
            out, "<tr><th scope=\"row\" class=\"n\">%" PRIu64 "</th><td class=\"n\">%" PRIu64 "</td><td>%s</td><td>",
            report_count(round, "round"), report_count(round, "step"),
            voided ? "voided: nothing opened, secrets erased" : "given up; done again with the same inputs"));
        TRY(names_inline(json_object_get(round, "signed_by"), out));
        TRY(buffer_text(out, "</td></tr>\n"));
    }
    return RESULT_OK;
}

struct result section_dropouts(const json_t *report, struct buffer *out)
{
    static const char *const kinds[] = {"voided", "superseded", "open", "absent", "keys", NULL};
    CLEANUP(buffer_done) struct buffer rows = {0};
    CLEANUP(buffer_done) struct buffer list = {0};
    TRY(section_begin("dropouts", "Dropouts and repeated rounds", out));
    TRY(deviations_list(report, kinds, &list));
    TRY(certificate_rows(report, &rows));
    if (list.length <= strlen("<ul>\n</ul>\n"))
        return paragraph(json_array_size(json_object_get(report, "rounds")) == 0
                             ? "No round was begun."
                             : "None: every round was closed the first time, with the inputs of all banks of the "
                               "cohort.",
                         out);
    TRY(buffer_append(out, buffer_view(&list)));
    if (rows.length == 0) return RESULT_OK;
    TRY(buffer_text(out,
                    "<div class=\"wide\"><table>\n<caption>Certificates of rounds that were not closed</caption>\n"
                    "<thead><tr><th scope=\"col\" class=\"n\">round</th><th scope=\"col\" class=\"n\">step</th><th "
                    "scope=\"col\">what was certified</th><th scope=\"col\">signed by</th></tr></thead>\n<tbody>\n"));
    TRY(buffer_append(out, buffer_view(&rows)));
    return buffer_text(out, "</tbody></table></div>\n");
}

/* ---- every round */

static struct result round_banks(const json_t *round, struct buffer *out)
{
    const json_t *outside = json_object_get(round, "outside");
    if (!json_is_integer(json_object_get(round, "banks"))) return buffer_text(out, "–");
    TRY(buffer_format(out, "%" PRIu64, report_count(round, "banks")));
    if (json_array_size(outside) == 0) return RESULT_OK;
    TRY(buffer_text(out, ", without "));
    return names_inline(outside, out);
}

/* "2026-03-01 12:00:00 UTC" in two lines, and until when where that is another time. */
static struct result round_times(const json_t *round, struct buffer *out)
{
    enum { DATE = 10, TIME = 11, WHOLE = 23 };
    const char *earliest = report_text(round, "earliest"), *latest = report_text(round, "latest");
    bool usual = strlen(earliest) == WHOLE && strlen(latest) == WHOLE && memcmp(earliest, latest, DATE) == 0;
    if (!usual) {
        TRY(html_text(earliest, out));
        TRY(buffer_text(out, "<br>"));
        return html_text(latest, out);
    }
    TRY(buffer_format(out, "%.10s<br>%.8s", earliest, earliest + TIME));
    return strcmp(earliest, latest) == 0 ? RESULT_OK : buffer_format(out, "–%.8s", latest + TIME);
}

static struct result round_row(const json_t *round, struct buffer *out)
{
    const char *outcome = report_text(round, "outcome"), *before = report_text(round, "before");
    const json_t *numbers = json_object_get(round, "numbers"), *words = json_object_get(round, "words");
    bool closed = strcmp(outcome, "closed") == 0;
    TRY(buffer_format(
        out, "<tr><th scope=\"row\" class=\"n\">%" PRIu64 "</th><td class=\"n\">%" PRIu64 "</td><td>%s</td><td>",
        report_count(round, "round"), report_count(round, "step"), outcome));
    TRY(html_text(*before ? before : report_text(round, "phase"), out));
    TRY(buffer_text(out, "</td><td class=\"n\">"));
    if (json_is_integer(numbers))
        TRY(html_count((uint64_t)json_integer_value(numbers), out));
    else if (json_is_integer(words))
        TRY(counted((uint64_t)json_integer_value(words), "word", out));
    else
        TRY(buffer_text(out, "–"));
    TRY(buffer_text(out, "</td><td>"));
    TRY(round_banks(round, out));
    TRY(buffer_format(out, "</td><td class=\"n\">%zu</td><td class=\"n\">",
                      json_array_size(json_object_get(round, "signed_by"))));
    TRY(closed ? buffer_format(out, "%zu", json_array_size(json_object_get(round, "checked_by")))
               : buffer_text(out, "–"));
    TRY(buffer_text(out, "</td><td class=\"time\">"));
    TRY(closed ? round_times(round, out) : buffer_text(out, "–"));
    return buffer_text(out, "</td></tr>\n");
}

/* Which rounds each set of one-time keys was made for. */
static struct result key_sets(const json_t *report, struct buffer *out)
{
    const json_t *sets = json_object_get(report, "key_sets"), *set;
    size_t index;
    TRY(buffer_text(out, "<p>The banks' one-time keys are made in sets, for several rounds each; no key serves two "
                         "rounds. Made were set "));
    json_array_foreach(sets, index, set)
    {
        uint64_t first = report_count(set, "first");
        TRY(buffer_format(out, "%s%" PRIu64 " for rounds %" PRIu64 "–%" PRIu64, index ? "; " : "",
                          report_count(set, "epoch"), first, first + report_count(set, "rounds") - 1));
    }
    return buffer_text(out, ".</p>\n");
}

struct result section_rounds(const json_t *report, struct buffer *out)
{
    const json_t *rounds = json_object_get(report, "rounds"), *round;
    size_t index;
    TRY(section_begin("rounds", "Every round", out));
    if (json_array_size(rounds) == 0) return paragraph("No round was begun.", out);
    TRY(paragraph("A round asks every bank for one masked input. A step of the computation takes one round, or more "
                  "where a round was voided. Signed are the banks whose signatures fix whose inputs are in the sum, or "
                  "that the round is void; checked, those that signed that the sum is right. Times are when these "
                  "signed it, by their own clocks, the earliest and the latest.",
                  out));
    TRY(key_sets(report, out));
    TRY(buffer_text(
        out, "<div class=\"wide small\"><table>\n<caption>Rounds in order</caption>\n<thead><tr><th scope=\"col\" "
             "class=\"n\">round</th><th scope=\"col\" class=\"n\">step</th><th scope=\"col\">outcome</th><th "
             "scope=\"col\">where the computation stood</th><th scope=\"col\" class=\"n\">numbers</th><th "
             "scope=\"col\">banks</th><th scope=\"col\" class=\"n\">signed</th><th scope=\"col\" "
             "class=\"n\">checked</th><th scope=\"col\">time (UTC)</th></tr></thead>\n<tbody>\n"));
    json_array_foreach(rounds, index, round) TRY(round_row(round, out));
    return buffer_text(out, "</tbody></table></div>\n");
}

#include "analytics/report/report.h"

#include <math.h>
#include <string.h>

#include "analytics/report/report_charts.h"
#include "analytics/report/report_html.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--page:#fff;--grid:#d4d9df;--a:#1f5fa8;--b:#b4460f;--soft:#f3f5f7}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--page:#15181c;--grid:#3a4048;--a:#7db4f0;--b:#f0a070;--"
    "soft:#"
    "1e2227}}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:62rem;margin:2rem "
    "auto;padding:0 1rem}h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.2rem;border-bottom:1px solid "
    "var(--grid)}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;margin:1rem 0;font-size:.92rem}caption{text-align:left;font-"
    "weight:600;padding:.3rem 0}th,td{padding:.2rem .7rem;border-bottom:1px solid "
    "var(--grid);text-align:left;font-weight:"
    "400}thead "
    "th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}figure{display:inline-block;margin:"
    "1rem 1.5rem 1rem 0;width:min(27rem,100%)}figcaption{font-weight:600}svg{width:100%;height:auto}svg "
    "text{font-size:11px;"
    "fill:var(--ink)}.grid{stroke:var(--grid);stroke-width:1}.line{fill:none;stroke-width:2}.line.a{stroke:var(--a)}."
    "line.b{"
    "stroke:var(--b);stroke-dasharray:6 3}.line.even{stroke:var(--grid);stroke-dasharray:2 "
    "3}circle.a,.bar.a{fill:var(--a)}"
    "circle.b,.bar.b{fill:var(--b)}.legend{font-size:.85rem;margin:0}.key{display:inline-block;width:1.2em;height:.5em;"
    "margin"
    ":0 .4em 0 0}.key.a{background:var(--a)}.key.b{background:var(--b)}dt{font-weight:600}dd{margin:0 0 .5rem "
    "1rem}code{font-"
    "size:.85em;overflow-wrap:anywhere}pre{background:var(--soft);padding:.8rem;overflow-x:auto;font-size:.8rem}"
    "@media "
    "print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}figure,table{break-inside:avoid}pre{white-"
    "space:pre-wrap}}";

static bool task_is(const json_t *model, const char *task)
{
    return strcmp(report_text(model, "task"), task) == 0;
}

/* ---- what every page has */

static struct result item(const char *name, const char *text, struct buffer *out)
{
    TRY(buffer_text(out, "<dt>"));
    TRY(html_text(name, out));
    TRY(buffer_text(out, "</dt><dd>"));
    TRY(html_text(text, out));
    return buffer_text(out, "</dd>\n");
}

static struct result rows_item(const json_t *model, struct buffer *out)
{
    const json_t *rows = json_object_get(model, "rows"), *positives = json_object_get(model, "positives");
    TRY(buffer_text(out, "<dt>Rows</dt><dd>"));
    TRY(html_number(report_number(rows, "train"), 15, out));
    TRY(buffer_text(out, " training"));
    if (isfinite(report_number(positives, "train"))) {
        TRY(buffer_text(out, " ("));
        TRY(html_number(report_number(positives, "train"), 15, out));
        TRY(buffer_text(out, " positive)"));
    }
    TRY(buffer_text(out, ", "));
    TRY(html_number(report_number(rows, "holdout"), 15, out));
    return buffer_text(out, " held out</dd>\n");
}

static struct result members(const struct report_source *source, const json_t *model, struct buffer *out)
{
    TRY(buffer_format(out, "<dt>Banks</dt><dd>%.0f", report_number(model, "banks")));
    bool first = true;
    for (unsigned j = source->roster ? members_next(source->cohort, 0) : 0; j; j = members_next(source->cohort, j)) {
        TRY(buffer_text(out, first ? ": " : ", "));
        TRY(html_text(source->roster->members[j - 1].name, out));
        first = false;
    }
    return buffer_text(out, "</dd>\n");
}

static struct result head(const struct report_source *source, const json_t *model, struct buffer *out)
{
    const json_t *target = json_object_get(model, "target");
    TRY(buffer_text(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                         "content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" "
                         "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>"));
    TRY(html_text(report_text(model, "plan"), out));
    TRY(buffer_format(out, "</title><style>%s</style></head><body><main>\n", style));
    TRY(html_element("h1", report_text(model, "plan"), out));
    TRY(buffer_text(out, "<dl>\n"));
    TRY(item("Analysis", report_text(model, "task"), out));
    TRY(members(source, model, out));
    TRY(rows_item(model, out));
    if (target) {
        TRY(buffer_text(out, "<dt>Target</dt><dd>"));
        TRY(html_text(report_text(target, "column"), out));
        TRY(buffer_text(out, ", positive is "));
        TRY(html_text(report_text(target, "positive"), out));
        TRY(buffer_text(out, "</dd>\n"));
    }
    TRY(buffer_format(out, "<dt>Rounds</dt><dd>%.0f sums were opened</dd>\n", report_number(model, "rounds")));
    TRY(buffer_text(out, "<dt>Plan's hash</dt><dd><code>"));
    TRY(html_text(report_text(model, "plan_hash"), out));
    TRY(buffer_text(out, "</code></dd>\n<dt>Model's hash</dt><dd><code>"));
    TRY(html_text(report_text(model, "hash"), out));
    TRY(buffer_format(out, "</code></dd>\n<dt>Program</dt><dd>cofferdam %s</dd>\n</dl>\n", source->version));
    return RESULT_OK;
}

static struct result foot(const struct report_source *source, const json_t *model, struct buffer *out)
{
    double minimum = report_number(json_object_get(model, "cells"), "minimum");
    TRY(buffer_text(
        out,
        source->roster
            ? "<h2>What was released, and to whom</h2>\n<p>Each round opened one sum over all banks. The coordinator "
              "and "
              "every bank of the cohort saw these sums, and so does whoever is given the run's records; nobody saw one "
              "bank's part. They are exact: no noise protects single customers in them.</p>\n"
            : "<h2>What was released, and to whom</h2>\n<p>A local fit: nothing left the machine it was made on. "
              "Whoever has this report sees what is in it.</p>\n"));
    TRY(buffer_format(
        out,
        "<p>This report shows no cell with fewer than %.0f customers (of either outcome): such cells are joined "
        "with others, or withheld (–). The opened sums can hold smaller ones.</p>\n",
        minimum));
    TRY(buffer_text(
        out,
        "<h2>Limits</h2>\n<ul><li>A bank can bring false rows within the plan's bounds; the sums do not show "
        "it.</li><li>Held-out figures are of rows set aside by the plan, from the same banks and time as those that "
        "trained.</li><li>Coefficients and weights describe these rows; they are no causes.</li></ul>\n"));
    TRY(buffer_text(out, "<h2>The plan</h2>\n<pre>"));
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *plan;
    TRY(buffer_append(&text, source->plan));
    TRY(buffer_terminate(&text, &plan));
    TRY(html_text(plan, out));
    return buffer_text(out, "</pre>\n</main></body></html>\n");
}

struct definition {
    const char *name, *text;
};

static struct result definitions(const struct definition *list, size_t count, struct buffer *out)
{
    TRY(buffer_text(out, "<h2>Definitions</h2>\n<dl>\n"));
    for (size_t i = 0; i < count; i++) TRY(item(list[i].name, list[i].text, out));
    return buffer_text(out, "</dl>\n");
}

/* ---- a fitted model: logistic or scorecard */

enum { POINTS_MAX = 512 };

/* Running totals of a histogram's counts as shares; returns how many points, the first at 0. */
static size_t running(const json_t *counts, double *ret)
{
    size_t count = json_array_size(counts), index;
    double all = 0, sum = 0;
    const json_t *value;
    if (count == 0 || count + 1 >= POINTS_MAX) return 0;
    json_array_foreach(counts, index, value) all += json_number_value(value);
    if (!(all > 0)) return 0;
    ret[0] = 0;
    json_array_foreach(counts, index, value) ret[index + 1] = (sum += json_number_value(value)) / all;
    return count + 1;
}

static struct result roc(const json_t *histogram, struct buffer *out)
{
    static const char *const keys[2][2] = {{"train_negatives", "train_positives"},
                                           {"holdout_negatives", "holdout_positives"}};
    static const struct chart chart = {
        "ROC curve",
        "Share of positives found against share of negatives taken for positive, from the "
        "highest scores down",
        "false positive rate",
        "true positive rate",
        0,
        1,
        0,
        1,
        false};
    static const double even[2][2] = {{0, 0}, {1, 1}};
    TRY(chart_begin(&chart, out));
    TRY(chart_line(&chart, even, 2, "even", out));
    for (size_t set = 0; set < 2; set++) {
        double negatives[POINTS_MAX], positives[POINTS_MAX], points[POINTS_MAX][2];
        size_t count = running(json_object_get(histogram, keys[set][0]), negatives);
        if (count == 0 || running(json_object_get(histogram, keys[set][1]), positives) != count) continue;
        for (size_t i = 0; i < count; i++) {
            points[i][0] = 1 - negatives[count - 1 - i];
            points[i][1] = 1 - positives[count - 1 - i];
        }
        TRY(chart_line(&chart, (const double(*)[2])points, count, set ? "b" : "a", out));
    }
    return chart_end((const char *const[]){"a", "training", "b", "held out", NULL}, out);
}

static struct result distributions(const json_t *histogram, struct buffer *out)
{
    const json_t *edges = json_object_get(histogram, "edges");
    size_t count = json_array_size(edges);
    if (count < 2 || count >= POINTS_MAX - 1) return RESULT_OK;
    const struct chart chart = {
        "Score distributions (KS)",
        "Share of the training rows of each outcome whose score lies below; the largest distance of the "
        "two lines is KS",
        "score (log-odds)",
        "share below",
        json_number_value(json_array_get(edges, 0)),
        json_number_value(json_array_get(edges, count - 1)),
        0,
        1,
        false};
    TRY(chart_begin(&chart, out));
    for (size_t outcome = 0; outcome < 2; outcome++) {
        double shares[POINTS_MAX], points[POINTS_MAX][2];
        if (running(json_object_get(histogram, outcome ? "train_positives" : "train_negatives"), shares) != count + 2)
            continue;
        for (size_t i = 0; i < count; i++) {
            points[i][0] = json_number_value(json_array_get(edges, i));
            points[i][1] = shares[i + 1];
        }
        TRY(chart_line(&chart, (const double(*)[2])points, count, outcome ? "b" : "a", out));
    }
    return chart_end((const char *const[]){"a", "negatives", "b", "positives", NULL}, out);
}

static struct result metrics(const json_t *model, struct buffer *out)
{
    static const char *const sets[][2] = {{"train", "training"}, {"holdout", "held out"}};
    static const char *const keys[] = {"auc", "auc_error", "ks", "ks_error", "gini", "brier", "log_loss"};
    TRY(buffer_text(
        out,
        "<div class=\"wide\"><table><caption>Measures</caption><thead><tr><th scope=\"col\">rows</th><th scope=\"col\" "
        "class=\"n\">AUC</th><th scope=\"col\" class=\"n\">±</th><th scope=\"col\" class=\"n\">KS</th><th "
        "scope=\"col\" "
        "class=\"n\">+</th><th scope=\"col\" class=\"n\">Gini</th><th scope=\"col\" class=\"n\">Brier</th><th "
        "scope=\"col\" "
        "class=\"n\">log loss</th></tr></thead><tbody>\n"));
    for (size_t s = 0; s < 2; s++) {
        const json_t *set = json_object_get(json_object_get(model, "metrics"), sets[s][0]);
        if (!set) continue;
        TRY(buffer_format(out, "<tr><th scope=\"row\">%s</th>", sets[s][1]));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            TRY(buffer_text(out, "<td class=\"n\">"));
            TRY(html_number(report_number(set, keys[k]), k == 1 || k == 3 ? 2 : 5, out));
            TRY(buffer_text(out, "</td>"));
        }
        TRY(buffer_text(out, "</tr>\n"));
    }
    return buffer_text(out, "</tbody></table></div>\n");
}

static struct result fit_page(const json_t *model, struct buffer *out)
{
    static const struct html_column terms[] = {
        {"term", "term", 0}, {"estimate", "estimate", 6}, {"std. error", "std_error", 4}, {"z", "z", 4}, {"p", "p", 3}};
    const json_t *histogram = json_object_get(model, "score_histogram"), *fit = json_object_get(model, "fit");
    TRY(html_element("h2", "How well it does", out));
    TRY(metrics(model, out));
    TRY(roc(histogram, out));
    TRY(distributions(histogram, out));
    TRY(html_element("h2", "Coefficients", out));
    TRY(html_table(task_is(model, "scorecard") ? "Per unit of weight of evidence"
                                               : "Numbers per standard deviation, categories against their baseline",
                   terms, 5, json_object_get(model, "terms"), out));
    TRY(buffer_format(
        out, "<p>The fit %s after %.0f Newton steps, %.2g standard errors from the maximum; log-likelihood %.6f.</p>\n",
        json_is_true(json_object_get(model, "converged")) ? "converged" : "did not converge",
        report_number(fit, "newton_steps"), report_number(fit, "decrement"), report_number(model, "log_likelihood")));
    return RESULT_OK;
}

/* ---- scorecard */

static struct result class_name(const json_t *class, struct buffer *out)
{
    double from = report_number(class, "from"), to = report_number(class, "to");
    const json_t *levels = json_object_get(class, "levels"), *level;
    size_t index;
    json_array_foreach(levels, index, level)
    {
        if (index) TRY(buffer_text(out, ", "));
        TRY(html_text(json_string_value(level) ? json_string_value(level) : "", out));
    }
    if (isfinite(from)) {
        TRY(html_number(from, 10, out));
        TRY(buffer_text(out, isfinite(to) ? " to below " : " and above"));
    } else if (isfinite(to)) {
        TRY(buffer_text(out, "below "));
    }
    if (isfinite(to)) TRY(html_number(to, 10, out));
    if (json_is_true(json_object_get(class, "missing")) || json_is_true(json_object_get(class, "with_missing")))
        TRY(buffer_text(out, json_object_get(class, "from") ? ", or missing" : "missing"));
    return RESULT_OK;
}

static struct result class_table(const char *caption, const struct html_column *columns, size_t count,
                                 const json_t *items, struct buffer *out)
{
    size_t index;
    const json_t *one;
    TRY(buffer_text(out, "<div class=\"wide\"><table>\n"));
    TRY(html_element("caption", caption, out));
    TRY(buffer_text(out, "<thead><tr><th scope=\"col\">values</th>"));
    for (size_t c = 0; c < count; c++)
        TRY(buffer_format(out, "<th scope=\"col\" class=\"n\">%s</th>", columns[c].head));
    TRY(buffer_text(out, "</tr></thead><tbody>\n"));
    json_array_foreach(items, index, one)
    {
        TRY(buffer_text(out, "<tr><th scope=\"row\">"));
        TRY(report_text(one, "level")[0] ? html_text(report_text(one, "level"), out) : class_name(one, out));
        TRY(buffer_text(out, "</th>"));
        for (size_t c = 0; c < count; c++) {
            TRY(buffer_text(out, "<td class=\"n\">"));
            TRY(html_number(report_number(one, columns[c].key), columns[c].digits, out));
            TRY(buffer_text(out, "</td>"));
        }
        TRY(buffer_text(out, "</tr>\n"));
    }
    return buffer_text(out, "</tbody></table></div>\n");
}

/* A value of each class as a bar, from 0. */
static struct result class_chart(const char *title, const char *what, const json_t *items, const char *key,
                                 struct buffer *out)
{
    double low = 0, high = 0;
    size_t index, count = json_array_size(items);
    const json_t *one;
    json_array_foreach(items, index, one)
    {
        double value = report_number(one, key);
        if (value < low) low = value;
        if (value > high) high = value;
    }
    if (count < 2 || !(high > low)) return RESULT_OK;
    const struct chart chart = {
        title, "One bar a class, in the order of the table", "class", what, 0, (double)count, low, high, true};
    TRY(chart_begin(&chart, out));
    json_array_foreach(items, index, one)
    {
        double value = report_number(one, key);
        if (!isfinite(value)) continue;
        TRY(chart_bar(&chart, (double)index + 0.1, (double)index + 0.9, value < 0 ? value : 0, value < 0 ? 0 : value,
                      value < 0 ? "a" : "b", out));
    }
    return chart_end((const char *const[]){NULL}, out);
}

static struct result scorecard_page(const json_t *model, struct buffer *out)
{
    static const struct html_column columns[] = {{"rows", "rows", 15}, {"positive", "positives", 15},
                                                 {"rate", "rate", 4},  {"WoE", "woe", 4},
                                                 {"IV", "iv", 4},      {"points", "points", 15}};
    static const struct html_column left[] = {{"feature", "name", 0},
                                              {"information value", "iv", 4},
                                              {"why", "reason", 0},
                                              {"with", "with", 0},
                                              {"r", "r", 3}};
    const json_t *points = json_object_get(model, "points"), *feature;
    size_t index;
    TRY(html_element("h2", "The scorecard", out));
    TRY(buffer_format(
        out,
        "<p>%.10g points at odds of %.10g to 1; %.10g more double the odds. Base points %.10g, to which each "
        "feature's points are added.</p>\n",
        report_number(points, "base"), report_number(points, "odds"), report_number(points, "pdo"),
        report_number(points, "base_points")));
    json_array_foreach(json_object_get(model, "features"), index, feature)
    {
        TRY(class_table(report_text(feature, "name"), columns, 6, json_object_get(feature, "classes"), out));
        TRY(class_chart(report_text(feature, "name"), "weight of evidence", json_object_get(feature, "classes"), "woe",
                        out));
    }
    return html_table("Left out", left, 5, json_object_get(model, "left_out"), out);
}

/* ---- statistics */

static struct result statistics_page(const json_t *model, struct buffer *out)
{
    static const struct html_column numbers[] = {{"column", "name", 0},
                                                 {"mean", "mean", 6},
                                                 {"sd", "sd", 6},
                                                 {"skewness", "skewness", 4},
                                                 {"outside", "outside", 15}};
    static const struct html_column cells[] = {
        {"rows", "rows", 15}, {"positive", "positives", 15}, {"rate", "rate", 4}};
    static const struct html_column quantiles[] = {{"share below", "share", 3}, {"value", "value", 10}};
    static const struct html_column pairs[] = {{"a", "a", 0}, {"b", "b", 0}, {"r", "r", 4}};
    const json_t *features = json_object_get(model, "features"), *feature;
    size_t index;
    TRY(html_element("h2", "Columns", out));
    TRY(html_table("Moments of numbers", numbers, 5, features, out));
    json_array_foreach(features, index, feature)
    {
        bool number = strcmp(report_text(feature, "kind"), "number") == 0;
        const json_t *items = json_object_get(feature, number ? "bins" : "levels");
        TRY(html_element("h2", report_text(feature, "name"), out));
        TRY(class_table(number ? "Bins" : "Levels", cells, json_object_get(model, "target") ? 3 : 1, items, out));
        TRY(class_chart(report_text(feature, "name"), json_object_get(model, "target") ? "rate of positives" : "rows",
                        items, json_object_get(model, "target") ? "rate" : "rows", out));
        if (number) TRY(html_table("Quantiles", quantiles, 2, json_object_get(feature, "quantiles"), out));
    }
    TRY(html_element("h2", "Correlations", out));
    return html_table("Pearson's r of numbers, over rows with both values", pairs, 3,
                      json_object_get(model, "correlations"), out);
}

/* ---- evaluation */

static size_t band_points(const json_t *bands, const char *x, const char *y, bool origin, double (*ret)[2])
{
    size_t index, count = 0;
    const json_t *band;
    if (origin) ret[count][0] = ret[count][1] = 0, count++;
    json_array_foreach(bands, index, band)
    {
        if (count == POINTS_MAX) break;
        ret[count][0] = report_number(band, x);
        ret[count][1] = report_number(band, y);
        count++;
    }
    return count;
}

static struct result band_charts(const json_t *set, struct buffer *out)
{
    static const struct chart gains = {"Gains",
                                       "Share of all positives among the rows with the highest scores",
                                       "share of rows",
                                       "share of positives",
                                       0,
                                       1,
                                       0,
                                       1,
                                       false};
    static const double even[2][2] = {{0, 0}, {1, 1}};
    double points[POINTS_MAX + 1][2], most = 0;
    const json_t *bands = json_object_get(set, "bands");
    if (json_array_size(bands) < 2) return RESULT_OK;
    size_t count = band_points(bands, "rows_share", "gain", true, points);
    TRY(chart_begin(&gains, out));
    TRY(chart_line(&gains, even, 2, "even", out));
    TRY(chart_line(&gains, (const double(*)[2])points, count, "a", out));
    TRY(chart_end((const char *const[]){NULL}, out));
    count = band_points(bands, "predicted", "rate", false, points);
    for (size_t i = 0; i < count; i++) most = fmax(most, fmax(points[i][0], points[i][1]));
    const struct chart calibration = {"Calibration",
                                      "Rate of positives against the mean probability, one dot a band",
                                      "mean probability",
                                      "rate of positives",
                                      0,
                                      most,
                                      0,
                                      most,
                                      false};
    const double diagonal[2][2] = {{0, 0}, {most, most}};
    TRY(chart_begin(&calibration, out));
    TRY(chart_line(&calibration, diagonal, 2, "even", out));
    TRY(chart_dots(&calibration, (const double(*)[2])points, count, "a", out));
    return chart_end((const char *const[]){NULL}, out);
}

static struct result evaluated_set(const json_t *set, const char *name, struct buffer *out)
{
    static const struct html_column bands[] = {
        {"from score", "from", 4}, {"rows", "rows", 15},          {"positive", "positives", 15},
        {"rate", "rate", 4},       {"predicted", "predicted", 4}, {"lift", "lift", 3},
        {"gain", "gain", 4}};
    static const struct html_column cutoffs[] = {
        {"cut-off", "cutoff", 4},      {"approved", "approval_rate", 4}, {"bad rate", "bad_rate", 4},
        {"recall", "recall", 4},       {"precision", "precision", 4},    {"TP", "true_positives", 15},
        {"FP", "false_positives", 15}, {"TN", "true_negatives", 15},     {"FN", "false_negatives", 15}};
    static const struct html_column groups[] = {{"group", "group", 0},
                                                {"rows", "rows", 15},
                                                {"positive", "positives", 15},
                                                {"rate", "rate", 4},
                                                {"predicted", "predicted", 4}};
    static const struct html_column fair[] = {{"cut-off", "cutoff", 4},
                                              {"adverse impact ratio", "adverse_impact_ratio", 4},
                                              {"equal opportunity difference", "equal_opportunity_difference", 4}};
    const json_t *auc = json_object_get(set, "auc_interval"), *ks = json_object_get(set, "ks_interval");
    TRY(html_element("h2", name, out));
    TRY(buffer_format(out, "<p>AUC %.4f (95 %%: %.4f to %.4f), KS %.4f (%.4f to %.4f), Brier %.5f, log loss %.5f, PSI ",
                      report_number(set, "auc"), json_number_value(json_array_get(auc, 0)),
                      json_number_value(json_array_get(auc, 1)), report_number(set, "ks"),
                      json_number_value(json_array_get(ks, 0)), json_number_value(json_array_get(ks, 1)),
                      report_number(set, "brier"), report_number(set, "log_loss")));
    TRY(html_number(report_number(set, "psi"), 3, out));
    TRY(buffer_text(out, ".</p>\n"));
    TRY(band_charts(set, out));
    TRY(html_table("Bands, from the highest scores down", bands, 7, json_object_get(set, "bands"), out));
    TRY(html_table("Cut-offs", cutoffs, 9, json_object_get(set, "cutoffs"), out));
    TRY(html_table("Groups", groups, 5, json_object_get(set, "groups"), out));
    return html_table("Fairness", fair, 3, json_object_get(set, "fairness"), out);
}

static struct result evaluate_page(const json_t *root, struct buffer *out)
{
    static const char *const sets[][2] = {{"train", "training rows"}, {"holdout", "held-out rows"}};
    const json_t *model;
    size_t index;
    for (size_t s = 0; s < 2; s++) {
        const json_t *difference = json_object_get(json_object_get(root, "difference"), sets[s][0]);
        if (json_is_object(difference))
            TRY(buffer_format(
                out,
                "<p>On the %s the first model's AUC less the second's is %.4f (standard error %.4f, p = %.3g).</p>\n",
                sets[s][1], report_number(difference, "auc_difference"), report_number(difference, "std_error"),
                report_number(difference, "p")));
    }
    json_array_foreach(json_object_get(root, "models"), index, model) for (size_t s = 0; s < 2; s++)
    {
        CLEANUP(buffer_done) struct buffer name = {0};
        const char *text;
        const json_t *set = json_object_get(model, sets[s][0]);
        if (!set) continue;
        TRY(buffer_format(&name, "%s, %s", report_text(model, "name"), sets[s][1]));
        TRY(buffer_terminate(&name, &text));
        TRY(evaluated_set(set, text, out));
    }
    return RESULT_OK;
}

/* ---- the page */

static struct result body(const json_t *model, struct buffer *out)
{
    static const struct definition fitted[] = {
        {"AUC", "probability that a positive row has a higher score than a negative one, equal scores half; ± is what "
                "the histogram of scores leaves open"},
        {"KS", "largest distance of the two outcomes' distribution functions of the score; + is what the histogram "
               "leaves open"},
        {"Gini", "2·AUC − 1"},
        {"Brier, log loss", "mean of (p − y)², of −(y ln p + (1 − y) ln(1 − p)): exact sums"},
        {"std. error",
         "from the inverse Hessian at the maximum; z is the estimate over it, p two-sided by the normal distribution"},
        {"WoE, IV",
         "WoE = ln(share of positives / share of negatives) of a class; IV = Σ (difference of the shares) · WoE"},
        {"points", "−(pdo / ln 2) · coefficient · WoE; base points = base − (pdo / ln 2)·(ln odds + intercept)"},
    };
    static const struct definition described[] = {
        {"mean, sd, skewness", "of training rows with a value; sd with n − 1; skewness adjusted (Fisher-Pearson)"},
        {"quantiles", "linear between the two nearest ranks, exact to the plan's resolution; withheld near the ends"},
        {"rate", "positive rows over rows"},
    };
    static const struct definition evaluated[] = {
        {"AUC and its interval", "1.96 standard errors of DeLong, DeLong and Clarke-Pearson (1988) on either side"},
        {"lift, gain", "rate of a band over that of all; share of all positives from the top to here"},
        {"approved, bad rate", "share of rows below the cut-off; share of positives among them"},
        {"PSI", "Σ (share now − share in training) · ln(ratio) over the bins of the training scores"},
        {"adverse impact ratio", "least approval rate of a group by the largest; the four-fifths rule asks 0.8"},
        {"equal opportunity difference",
         "how far the groups' approval rates lie apart among rows that turn out negative"},
    };
    if (task_is(model, "statistics")) {
        TRY(statistics_page(model, out));
        return definitions(described, sizeof described / sizeof *described, out);
    }
    if (task_is(model, "evaluate")) {
        TRY(evaluate_page(model, out));
        return definitions(evaluated, sizeof evaluated / sizeof *evaluated, out);
    }
    if (task_is(model, "scorecard")) TRY(scorecard_page(model, out));
    TRY(fit_page(model, out));
    return definitions(fitted, sizeof fitted / sizeof *fitted, out);
}

struct result report_html(const struct report_source *source, struct buffer *out)
{
    json_t *model = json_loadb((const char *)source->model.data, source->model.length, 0, NULL);
    ENSURE(model, CATEGORY_BUG, "the model is not JSON");
    struct result result = head(source, model, out);
    if (result_ok(result)) result = body(model, out);
    if (result_ok(result)) result = foot(source, model, out);
    json_decref(model);
    return result;
}

#include "analytics/report/report.h"

#include <math.h>
#include <string.h>

#include "analytics/report/report_charts.h"
#include "analytics/report/report_html.h"
#include "analytics/report/report_pages.h"

static bool task_is(const json_t *model, const char *task)
{
    return strcmp(report_text(model, "task"), task) == 0;
}

/* ---- what every page has */

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
    TRY(html_page_begin(report_text(model, "plan"), "", out));
    TRY(html_element("h1", report_text(model, "plan"), out));
    TRY(buffer_text(out, "<dl>\n"));
    TRY(html_item("Analysis", report_text(model, "task"), out));
    TRY(html_item("Purpose", source->plan->purpose[0] ? source->plan->purpose : "the plan names none", out));
    TRY(members(source, model, out));
    TRY(rows_item(model, out));
    if (target) {
        TRY(buffer_text(out, "<dt>Target</dt><dd>"));
        TRY(html_text(report_text(target, "column"), out));
        TRY(buffer_text(out, ", positive is "));
        TRY(html_text(report_text(target, "positive"), out));
        TRY(buffer_text(out, "</dd>\n"));
    }
    TRY(buffer_format(out, "<dt>Rounds</dt><dd>%.0f sums %s</dd>\n", report_number(model, "rounds"),
                      source->roster ? "were opened" : "were taken here"));
    TRY(buffer_text(out, "<dt>Plan's hash</dt><dd><code>"));
    TRY(html_text(report_text(model, "plan_hash"), out));
    TRY(buffer_text(out, "</code></dd>\n<dt>Model's hash</dt><dd><code>"));
    TRY(html_text(report_text(model, "hash"), out));
    TRY(buffer_format(out, "</code></dd>\n<dt>Program</dt><dd>cofferdam %s</dd>\n", source->version));
    TRY(html_item("When", "told by each node's own records; this page is the same at every bank, to the byte", out));
    TRY(buffer_text(out, "</dl>\n"));
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
              "bank's part."
            : "<h2>What was released, and to whom</h2>\n<p>A local fit: nothing left the machine it was made on. "
              "Whoever has this report sees what is in it.</p>\n"));
    bool private = json_object_get(model, "privacy") != NULL;
    if (source->roster)
        TRY(buffer_text(out, private ? " They carried the noise told above, which protects single customers in them, "
                                       "within epsilon and delta.</p>\n"
                                     : " They are exact: no noise protects single customers in them.</p>\n"));
    TRY(buffer_format(
        out,
        "<p>This report shows no cell with fewer than %.0f customers (of either outcome): such cells are joined "
        "with others, or withheld (–).%s</p>\n",
        minimum, source->roster ? " The opened sums can hold smaller ones." : ""));
    TRY(buffer_text(
        out,
        "<h2>Limits</h2>\n<ul><li>A bank can bring false rows within the plan's bounds; the sums do not show "
        "it.</li><li>Held-out figures are of rows set aside by the plan, from the same banks and time as those that "
        "trained.</li><li>Coefficients and weights describe these rows; they are no causes.</li></ul>\n"));
    TRY(buffer_text(out, "<h2>The plan</h2>\n<pre>"));
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *plan;
    TRY(buffer_append(&text, buffer_view(&source->plan->text)));
    TRY(buffer_terminate(&text, &plan));
    TRY(html_text(plan, out));
    TRY(buffer_text(out, "</pre>\n"));
    return html_page_end(out);
}

struct definition {
    const char *name, *text;
};

static struct result definitions(const struct definition *list, size_t count, struct buffer *out)
{
    TRY(buffer_text(out, "<h2>Definitions</h2>\n<dl>\n"));
    for (size_t i = 0; i < count; i++) TRY(html_item(list[i].name, list[i].text, out));
    return buffer_text(out, "</dl>\n");
}

/* ---- statistics */

static struct result statistics_page(const json_t *model, struct buffer *out)
{
    static const struct html_column numbers[] = {{"column", "name", 0},
                                                 {"mean", "mean", 6},
                                                 {"sd", "sd", 6},
                                                 {"skewness", "skewness", 4},
                                                 {"outside", "outside", 15},
                                                 {"note", "note", 0},
                                                 {"noise (sd) of the mean", "mean_noise_sd", 2}};
    static const struct html_column cells[] = {
        {"rows", "rows", 15}, {"positive", "positives", 15}, {"rate", "rate", 4}};
    static const struct html_column quantiles[] = {{"share below", "share", 3}, {"value", "value", 10}};
    static const struct html_column pairs[] = {
        {"a", "a", 0}, {"b", "b", 0}, {"r", "r", 4}, {"noise (sd) of r", "noise_sd", 2}};
    const json_t *features = json_object_get(model, "features"), *feature;
    size_t index;
    TRY(html_element("h2", "Columns", out));
    bool private = json_object_get(model, "privacy") != NULL;
    TRY(html_table("Moments of numbers", numbers, private ? 7 : 6, features, out));
    json_array_foreach(features, index, feature)
    {
        bool number = strcmp(report_text(feature, "kind"), "number") == 0;
        const json_t *items = json_object_get(feature, number ? "bins" : "levels");
        TRY(html_element("h2", report_text(feature, "name"), out));
        TRY(report_class_table(number ? "Bins" : "Levels", cells, json_object_get(model, "target") ? 3 : 1, items,
                               out));
        TRY(report_class_chart(report_text(feature, "name"),
                               json_object_get(model, "target") ? "rate of positives" : "rows", items,
                               json_object_get(model, "target") ? "rate" : "rows", out));
        if (number) {
            const json_t *missing = json_object_get(feature, "missing");
            TRY(buffer_text(out, "<p>Missing: "));
            TRY(html_number(report_number(missing, "rows"), 15, out));
            TRY(buffer_text(out, " rows"));
            if (isfinite(report_number(missing, "positives")))
                TRY(buffer_format(out, ", %.0f of them positive", report_number(missing, "positives")));
            TRY(buffer_text(out, ".</p>\n"));
        }
        if (json_array_size(json_object_get(feature, "special")) > 0)
            TRY(report_class_table("Special codes", cells, json_object_get(model, "target") ? 3 : 1,
                                   json_object_get(feature, "special"), out));
        if (number) TRY(html_table("Quantiles", quantiles, 2, json_object_get(feature, "quantiles"), out));
    }
    TRY(html_element("h2", "Correlations", out));
    return html_table("Pearson's r of numbers, over rows with both values", pairs, private ? 4 : 3,
                      json_object_get(model, "correlations"), out);
}

/* ---- the page */

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
static const struct definition fitted_noisy[] = {
    {"AUC, KS", "as of exact counts, from a histogram of 32 probabilities with noise; ± is two standard deviations of "
                "what the noise does to them"},
    {"Gini", "2·AUC − 1"},
    {"Brier", "mean of (p − y)², from the same histogram"},
    {"std. error", "of the sample, by the inverse of the Hessian with noise, and of the noise in the last two steps; "
                   "not of what weights, ridge and few steps shrink, so there is no z and no p"},
    {"WoE, IV",
     "WoE = ln(share of positives / share of negatives) of a class; IV = Σ (difference of the shares) · WoE; of "
     "counts with noise"},
    {"points", "−(pdo / ln 2) · coefficient · WoE; base points = base − (pdo / ln 2)·(ln odds + intercept)"},
};
static const struct definition described[] = {
    {"mean, sd, skewness", "of training rows with a value; sd with n − 1; skewness adjusted (Fisher-Pearson)"},
    {"quantiles", "linear between the two nearest ranks, exact to the plan's resolution; withheld near the ends"},
    {"rate", "positive rows over rows"},
};
static const struct definition noisy[] = {
    {"mean, sd, skewness", "of training rows with a value, from sums with noise; of a skewness little is left where "
                           "the spread is a small share of max − min"},
    {"quantiles", "from histograms with noise, evenly within a bin: the rank is off by some ten times a bin's noise; "
                  "withheld near the ends"},
    {"rate", "positive rows over rows, both with noise"},
    {"noise (sd)", "standard deviation of what the noise adds, to first order"},
};
static const struct definition evaluated[] = {
    {"AUC and its interval", "1.96 standard errors of DeLong, DeLong and Clarke-Pearson (1988) on either side"},
    {"lift, gain", "rate of a band over that of all; share of all positives from the top to here"},
    {"approved, bad rate", "share of rows below the cut-off; share of positives among them"},
    {"PSI", "Σ (share now − share in training) · ln(ratio) over the bins of the training scores, or of a feature's "
            "bins, classes or levels; 0.1 asks for a look, 0.25 for a reason"},
    {"adverse impact ratio", "least approval rate of a group by the largest; the four-fifths rule asks 0.8"},
    {"equal opportunity difference", "how far the groups' approval rates lie apart among rows that turn out negative"},
};

static struct result body(const json_t *model, struct buffer *out)
{
    if (task_is(model, "statistics")) {
        TRY(statistics_page(model, out));
        if (json_object_get(model, "privacy")) return definitions(noisy, sizeof noisy / sizeof *noisy, out);
        return definitions(described, sizeof described / sizeof *described, out);
    }
    if (task_is(model, "evaluate")) {
        TRY(report_evaluate_page(model, out));
        return definitions(evaluated, sizeof evaluated / sizeof *evaluated, out);
    }
    if (task_is(model, "scorecard")) TRY(report_scorecard_page(model, out));
    TRY(report_fit_page(model, out));
    bool private = json_object_get(model, "privacy") != NULL;
    size_t count = private ? sizeof fitted_noisy / sizeof *fitted_noisy : sizeof fitted / sizeof *fitted;
    /* Those of weights and points come last, and are a scorecard's alone. */
    return definitions(private ? fitted_noisy : fitted, task_is(model, "scorecard") ? count : count - 2, out);
}

struct result report_html(const struct report_source *source, struct buffer *out)
{
    json_t *model = json_loadb((const char *)source->model.data, source->model.length, 0, NULL);
    ENSURE(model, CATEGORY_BUG, "the model is not JSON");
    struct result result = head(source, model, out);
    if (result_ok(result)) result = report_private_section(model, out);
    if (result_ok(result)) result = body(model, out);
    if (result_ok(result)) result = foot(source, model, out);
    json_decref(model);
    return result;
}

/* Pages of fitted models: logistic and scorecard. */
#include <math.h>
#include <string.h>

#include "analytics/report/report_charts.h"
#include "analytics/report/report_html.h"
#include "analytics/report/report_pages.h"

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

/* Of numbers: their scale, what fills a missing value, and how many were missing or outside the bounds. */
static struct result quality(const json_t *features, struct buffer *out)
{
    static const char *const heads[] = {"mean", "sd", "fill", "missing, training", "missing, held out", "outside"};
    size_t index, told = 0;
    const json_t *feature;
    json_array_foreach(features, index, feature)
    {
        const json_t *missing = json_object_get(feature, "rows_missing");
        if (!missing) continue;
        if (told++ == 0) {
            TRY(buffer_text(out,
                            "<div class=\"wide\"><table><caption>Numbers (values outside that count as missing are "
                            "in both columns)</caption><thead><tr><th scope=\"col\">feature</th>"));
            for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
                TRY(buffer_format(out, "<th scope=\"col\" class=\"n\">%s</th>", heads[i]));
            TRY(buffer_text(out, "</tr></thead><tbody>\n"));
        }
        const double values[] = {report_number(feature, "mean"),    report_number(feature, "sd"),
                                 report_number(feature, "fill"),    report_number(missing, "train"),
                                 report_number(missing, "holdout"), report_number(feature, "rows_outside")};
        TRY(buffer_text(out, "<tr><th scope=\"row\">"));
        TRY(html_text(report_text(feature, "name"), out));
        TRY(buffer_text(out, "</th>"));
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            TRY(buffer_text(out, "<td class=\"n\">"));
            TRY(html_number(values[i], i < 3 ? 8 : 15, out));
            TRY(buffer_text(out, "</td>"));
        }
        TRY(buffer_text(out, "</tr>\n"));
    }
    return told ? buffer_text(out, "</tbody></table></div>\n") : RESULT_OK;
}

/* Under privacy noise would decide when to end. */
static struct result planned_steps(const json_t *fit, struct buffer *out)
{
    TRY(buffer_format(out,
                      "<p>%.0f steps were taken, as many as the budget of privacy is split over: there is no test of "
                      "convergence, no likelihood and what follows from it.</p>\n",
                      report_number(fit, "newton_steps")));
    if (!(report_number(fit, "penalty") > 0)) return RESULT_OK;
    return buffer_format(out, "<p>Penalty %.6g.</p>\n", report_number(fit, "penalty"));
}

/* How the fit ended, what it leaves out, and the penalties that were tried. */
static struct result convergence(const json_t *model, struct buffer *out)
{
    static const struct html_column path[] = {{"penalty", "penalty", 5},
                                              {"terms", "terms", 15},
                                              {"Newton steps", "newton_steps", 15},
                                              {"log-likelihood", "log_likelihood", 10},
                                              {"held out", "holdout_log_likelihood", 10}};
    const json_t *fit = json_object_get(model, "fit"), *separation = json_object_get(model, "separation"), *term;
    const json_t *weights = json_object_get(fit, "class_weights"), *ratio = json_object_get(model, "lr");
    size_t index;
    TRY(html_element("h2", "Convergence", out));
    if (json_is_object(json_object_get(model, "privacy"))) return planned_steps(fit, out);
    TRY(buffer_format(
        out, "<p>The fit %s after %.0f Newton steps, %.2g standard errors from the maximum; log-likelihood %.6f.</p>\n",
        json_is_true(json_object_get(model, "converged")) ? "converged" : "did not converge",
        report_number(fit, "newton_steps"), report_number(fit, "decrement"), report_number(model, "log_likelihood")));
    TRY(buffer_text(out, "<p>Deviance "));
    TRY(html_number(report_number(model, "deviance"), 10, out));
    TRY(buffer_text(out, ", of the model without features "));
    TRY(html_number(report_number(model, "null_deviance"), 10, out));
    TRY(buffer_text(out, "; AIC "));
    TRY(html_number(report_number(model, "aic"), 10, out));
    if (json_is_object(ratio)) {
        TRY(buffer_format(out, "; likelihood ratio %.6g on %.0f degrees, p ", report_number(ratio, "statistic"),
                          report_number(ratio, "degrees")));
        TRY(html_number(report_number(ratio, "p"), 3, out));
    }
    TRY(buffer_text(out, ".</p>\n"));
    if (report_number(fit, "penalty") > 0)
        TRY(buffer_format(
            out, "<p>Penalty %.6g%s.</p>\n", report_number(fit, "penalty"),
            json_object_get(fit, "path") ? ", of those below the one under which held-out rows are likeliest" : ""));
    size_t tried = json_array_size(json_object_get(fit, "path"));
    if (tried > 0)
        TRY(buffer_text(out, "<p>Held-out rows chose the penalty: their measures above are a little too good.</p>\n"));
    if (tried > 0 && json_object_get(json_array_get(json_object_get(fit, "path"), tried - 1), "chosen"))
        TRY(buffer_text(out, "<p>The last penalty was chosen: a smaller one may do better.</p>\n"));
    if (weights)
        TRY(buffer_format(
            out,
            "<p>Class weights: a negative row weighs %.6g, a positive one %.6g. Likelihoods are weighted; "
            "probabilities are those of a population weighted so, not of the rows.</p>\n",
            report_number(weights, "negative"), report_number(weights, "positive")));
    TRY(html_table("Penalties tried", path, 5, json_object_get(fit, "path"), out));
    if (json_is_object(separation)) {
        TRY(buffer_text(out, "<p>Separation:"));
        json_array_foreach(json_object_get(separation, "terms"), index, term)
        {
            TRY(buffer_text(out, index ? ", " : " "));
            TRY(html_text(json_string_value(term) ? json_string_value(term) : "", out));
        }
        TRY(buffer_text(out, ". "));
        TRY(html_text(report_text(separation, "advice"), out));
        TRY(buffer_text(out, ".</p>\n"));
    }
    return quality(json_object_get(model, "features"), out);
}

struct result report_fit_page(const json_t *model, struct buffer *out)
{
    static const struct html_column terms[] = {
        {"term", "term", 0}, {"estimate", "estimate", 6}, {"std. error", "std_error", 4}, {"z", "z", 4}, {"p", "p", 3}};
    const json_t *histogram = json_object_get(model, "score_histogram");
    TRY(html_element("h2", "How well it does", out));
    TRY(metrics(model, out));
    TRY(roc(histogram, out));
    TRY(distributions(histogram, out));
    TRY(html_element("h2", "Coefficients", out));
    TRY(html_table(strcmp(report_text(model, "task"), "scorecard") == 0
                       ? "Per unit of weight of evidence"
                       : "Numbers per standard deviation, categories against their baseline",
                   terms, 5, json_object_get(model, "terms"), out));
    return convergence(model, out);
}

struct result report_scorecard_page(const json_t *model, struct buffer *out)
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
        TRY(report_class_table(report_text(feature, "name"), columns, 6, json_object_get(feature, "classes"), out));
        TRY(report_class_chart(report_text(feature, "name"), "weight of evidence", json_object_get(feature, "classes"),
                               "woe", out));
    }
    return html_table("Left out", left, 5, json_object_get(model, "left_out"), out);
}

/* The page of an evaluation. */
#include <math.h>
#include <string.h>

#include "analytics/report/report_charts.h"
#include "analytics/report/report_html.h"
#include "analytics/report/report_pages.h"

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

/* "AUC 0.7431 (95 %: 0.73 to 0.75)"; what is withheld is a dash. */
static struct result measure(const char *words, const json_t *set, const char *key, const char *interval, int digits,
                             struct buffer *out)
{
    const json_t *ends = interval ? json_object_get(set, interval) : NULL;
    TRY(buffer_format(out, "%s ", words));
    TRY(html_number(report_number(set, key), digits, out));
    if (json_array_size(ends) != 2) return RESULT_OK;
    TRY(buffer_text(out, " (95 %: "));
    TRY(html_number(json_number_value(json_array_get(ends, 0)), digits, out));
    TRY(buffer_text(out, " to "));
    TRY(html_number(json_number_value(json_array_get(ends, 1)), digits, out));
    return buffer_u8(out, ')');
}

static struct result evaluated_set(const json_t *set, const char *name, struct buffer *out)
{
    static const struct html_column bands[] = {{"from score (log-odds)", "from", 4},
                                               {"rows", "rows", 15},
                                               {"positive", "positives", 15},
                                               {"rate", "rate", 4},
                                               {"predicted", "predicted", 4},
                                               {"lift", "lift", 3},
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
    static const struct html_column drift[] = {{"feature", "name", 0}, {"PSI", "psi", 4}};
    TRY(html_element("h2", name, out));
    TRY(buffer_text(out, "<p>"));
    TRY(measure("AUC", set, "auc", "auc_interval", 4, out));
    TRY(measure(", KS", set, "ks", "ks_interval", 4, out));
    TRY(measure(", Brier", set, "brier", NULL, 5, out));
    TRY(measure(", log loss", set, "log_loss", NULL, 5, out));
    TRY(measure(", PSI of the score", set, "psi", NULL, 3, out));
    TRY(buffer_text(out, ".</p>\n"));
    const json_t *fit = json_object_get(set, "hosmer_lemeshow");
    if (report_number(fit, "degrees") > 0) {
        TRY(buffer_format(out, "<p>Hosmer–Lemeshow %.6g on %.0f degrees, p ", report_number(fit, "statistic"),
                          report_number(fit, "degrees")));
        TRY(html_number(report_number(fit, "p"), 3, out));
        TRY(buffer_text(out, ".</p>\n"));
    }
    TRY(band_charts(set, out));
    TRY(html_table("Bands, from the highest scores down", bands, 7, json_object_get(set, "bands"), out));
    TRY(html_table("Cut-offs", cutoffs, 9, json_object_get(set, "cutoffs"), out));
    TRY(html_table("Groups", groups, 5, json_object_get(set, "groups"), out));
    size_t index;
    const json_t *group;
    json_array_foreach(json_object_get(set, "groups"), index, group)
    {
        CLEANUP(buffer_done) struct buffer caption = {0};
        const char *text;
        TRY(buffer_format(&caption, "Cut-offs of group %s", report_text(group, "group")));
        TRY(buffer_terminate(&caption, &text));
        TRY(html_table(text, cutoffs, 9, json_object_get(group, "cutoffs"), out));
    }
    TRY(html_table("Fairness", fair, 3, json_object_get(set, "fairness"), out));
    return html_table("Stability of the features", drift, 2, json_object_get(set, "features"), out);
}

struct result report_evaluate_page(const json_t *root, struct buffer *out)
{
    /* Where the plan does not split the rows, nothing says that they are those that trained. */
    const bool split = json_is_object(json_object_get(root, "split"));
    const char *const sets[][2] = {{"train", split ? "training rows" : "all rows"}, {"holdout", "held-out rows"}};
    const json_t *model;
    size_t index;
    for (size_t s = 0; s < 2; s++) {
        const json_t *difference = json_object_get(json_object_get(root, "difference"), sets[s][0]);
        if (json_is_object(difference))
            TRY(buffer_format(
                out, "<p>On the %s the first model's AUC less the second's is %.4f (standard error %.4f, p = ",
                sets[s][1], report_number(difference, "auc_difference"), report_number(difference, "std_error")));
        if (json_is_object(difference)) {
            TRY(html_number(report_number(difference, "p"), 3, out));
            TRY(buffer_text(out, ").</p>\n"));
        }
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
        TRY(buffer_text(out, "<p>Hash of the model <code>"));
        TRY(html_text(report_text(model, "hash"), out));
        TRY(buffer_text(out, "</code>.</p>\n"));
    }
    return RESULT_OK;
}

/* cofferdam model show: a model as a person reads it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/document.h"
#include "cli/report.h"
#include "cli/show.h"
#include "crypto/base/text.h"

/* p below the smallest that is worth telling apart, as R prints it. */
static const double P_LEAST = 2e-16;

static const char *stars(double p)
{
    if (!(p <= 1)) return "";
    if (p < 0.001) return " ***";
    if (p < 0.01) return " **";
    if (p < 0.05) return " *";
    return p < 0.1 ? " ." : "";
}

static struct result show_head(const json_t *model, struct buffer *out)
{
    double banks = document_number(model, "banks");
    TRY(buffer_format(out, "%s: %s over ", document_text(model, "plan"), document_text(model, "task")));
    if (banks == 1)
        TRY(buffer_text(out, "one table, a local fit"));
    else if (banks > 1)
        TRY(buffer_format(out, "%.0f banks", banks));
    else
        TRY(buffer_text(out, "several banks"));
    const json_t *fit = json_object_get(model, "fit");
    const json_t *converged = json_object_get(model, "converged");
    TRY(buffer_format(out, "; %.0f rounds%s", document_number(model, "rounds"),
                      json_is_true(converged)    ? ", converged"
                      : json_is_false(converged) ? ", not converged"
                                                 : ""));
    if (json_is_false(json_object_get(model, "converged")) && document_text(fit, "end")[0] != 0)
        TRY(buffer_format(out, " (%s)", document_text(fit, "end")));
    if (document_number(fit, "penalty") > 0) TRY(buffer_format(out, ", penalty %.6g", document_number(fit, "penalty")));
    const json_t *path = json_object_get(fit, "path"), *weights = json_object_get(fit, "class_weights");
    size_t tried = json_array_size(path);
    if (tried > 0) TRY(buffer_format(out, ", chosen of %zu", tried));
    TRY(buffer_text(out, "\n"));
    if (tried > 0) TRY(buffer_text(out, "held-out rows chose the penalty: their measures are a little too good\n"));
    if (json_object_get(json_array_get(path, tried - 1), "chosen"))
        TRY(buffer_text(out, "the last penalty of the path was chosen: a smaller one may do better (train.penalty)\n"));
    if (weights)
        TRY(buffer_format(out,
                          "class weights: negative rows %.6g, positive %.6g; likelihoods are weighted, probabilities "
                          "those of a population weighted so\n",
                          document_number(weights, "negative"), document_number(weights, "positive")));
    const json_t *rows = json_object_get(model, "rows"), *positives = json_object_get(model, "positives");
    static const char *const sets[][2] = {{"train", "training"}, {"holdout", "held out"}};
    for (size_t i = 0; i < 2; i++) {
        double count = document_number(rows, sets[i][0]), positive = document_number(positives, sets[i][0]);
        if (i > 0 && !(count > 0)) continue;
        bool all = i == 0 && strcmp(document_text(model, "task"), "evaluate") == 0 &&
                   !json_is_object(json_object_get(model, "split"));
        TRY(buffer_format(out, "%s%.0f %s", i == 0 ? "rows: " : ", ", count, all ? "in all" : sets[i][1]));
        if (!isnan(positive)) TRY(buffer_format(out, " (%.0f positive)", positive));
    }
    TRY(buffer_text(out, "\n\n"));
    return show_privacy(model, out);
}

static int widest_term(const json_t *terms)
{
    int widest = (int)strlen("term");
    size_t index;
    const json_t *term;
    json_array_foreach(terms, index, term)
    {
        int length = (int)strlen(document_text(term, "term"));
        if (length > widest) widest = length;
    }
    return widest;
}

static struct result show_term(const json_t *term, int width, struct buffer *out)
{
    double estimate = document_number(term, "estimate"), p = document_number(term, "p");
    TRY(buffer_format(out, "%-*s ", width, document_text(term, "term")));
    if (isnan(estimate)) return buffer_text(out, "     (aliased)\n");
    TRY(buffer_format(out, "%14.6f", estimate));
    if (isnan(document_number(term, "std_error"))) return buffer_text(out, "\n");
    TRY(buffer_format(out, " %12.6f", document_number(term, "std_error")));
    if (isnan(p)) return buffer_text(out, "\n"); /* under privacy */
    TRY(buffer_format(out, " %9.3f ", document_number(term, "z")));
    if (p < P_LEAST)
        TRY(buffer_text(out, "    <2e-16"));
    else
        TRY(buffer_format(out, "%10.3g", p));
    return buffer_format(out, "%s\n", stars(p));
}

static struct result show_terms(const json_t *model, bool scorecard, struct buffer *out)
{
    const json_t *terms = json_object_get(model, "terms");
    if (json_array_size(terms) == 0) return RESULT_OK;
    int width = widest_term(terms);
    bool tested = !json_is_object(json_object_get(model, "privacy"));
    TRY(buffer_format(out, "%-*s %14s %12s", width, "term", "estimate", "std. error"));
    TRY(tested ? buffer_format(out, " %9s %10s\n", "z", "p") : buffer_text(out, "\n"));
    size_t index;
    const json_t *term;
    json_array_foreach(terms, index, term) TRY(show_term(term, width, out));
    return buffer_format(
        out, "---\n%s%s.\n\n", tested ? "p: *** below 0.001, ** below 0.01, * below 0.05, . below 0.1. " : "",
        scorecard ? "Estimates are per unit of weight of evidence" : "Numbers are on the standardised scale");
}

/* A line for each number of the model that is neither a term nor a metric, where the model has it. */
static struct result show_numbers(const json_t *model, struct buffer *out)
{
    static const struct {
        const char *key, *words;
    } numbers[] = {{"log_likelihood", "log-likelihood"},
                   {"null_deviance", "null deviance"},
                   {"deviance", "deviance"},
                   {"aic", "AIC"}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double value = document_number(model, numbers[i].key);
        if (!isnan(value)) TRY(buffer_format(out, "%-16s %14.6f\n", numbers[i].words, value));
    }
    return buffer_text(out, "\n");
}

static struct result show_metrics(const json_t *model, struct buffer *out)
{
    static const char *const names[] = {"auc", "ks", "gini", "brier", "log_loss"};
    const json_t *metrics = json_object_get(model, "metrics");
    if (json_object_size(metrics) == 0) return RESULT_OK;
    TRY(buffer_format(out, "%-10s %9s %9s %9s %9s %9s\n", "metrics", "AUC", "KS", "Gini", "Brier", "log loss"));
    static const char *const parts[] = {"train", "holdout"};
    for (size_t part = 0; part < 2; part++) {
        const json_t *values = json_object_get(metrics, parts[part]);
        if (json_object_size(values) == 0) continue;
        TRY(buffer_format(out, "%-10s", part == 0 ? "training" : "held out"));
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            double value = document_number(values, names[i]);
            if (isnan(value))
                TRY(buffer_format(out, " %9s", "-"));
            else
                TRY(buffer_format(out, " %9.4f", value));
        }
        TRY(buffer_text(out, "\n"));
    }
    return RESULT_OK;
}

/* What the numbers alone would not tell: terms without an estimate, rows that had no value, no maximum to converge to.
 */
static struct result show_notes(const json_t *model, struct buffer *out)
{
    if (json_array_size(json_object_get(model, "aliased")) > 0) {
        TRY(buffer_text(out, "\n"));
        TRY(report_aliased(model, out));
    }
    const json_t *separation = json_object_get(model, "separation"), *terms = json_object_get(separation, "terms");
    size_t index;
    const json_t *item;
    if (json_array_size(terms) > 0) {
        TRY(buffer_text(out, "\nseparation:"));
        json_array_foreach(terms, index, item)
            TRY(buffer_format(out, "%s %s", index == 0 ? "" : ",", json_string_value(item)));
        TRY(buffer_format(out, "\n  %s\n", document_text(separation, "advice")));
    }
    json_array_foreach(json_object_get(model, "features"), index, item)
    {
        const json_t *missing = json_object_get(item, "rows_missing");
        double rows = document_number(missing, "train") + document_number(missing, "holdout");
        double outside = document_number(item, "rows_outside");
        if (rows > 0)
            TRY(buffer_format(out, "\n%s: %.0f rows had no value, filled with %.6g (%s)\n", document_text(item, "name"),
                              rows, document_number(item, "fill"), document_text(item, "missing")));
        if (outside > 0)
            TRY(buffer_format(out, "\n%s: %.0f values outside the bounds (%s)\n", document_text(item, "name"), outside,
                              document_text(item, "outside")));
    }
    return RESULT_OK;
}

static struct result model_text(const json_t *model, struct buffer *out)
{
    TRY(show_head(model, out));
    if (strcmp(document_text(model, "task"), "statistics") == 0) return show_statistics(model, out);
    if (strcmp(document_text(model, "task"), "evaluate") == 0) return show_evaluation(model, out);
    bool scorecard = strcmp(document_text(model, "task"), "scorecard") == 0;
    if (scorecard) TRY(show_scorecard(model, out));
    TRY(show_terms(model, scorecard, out));
    TRY(show_numbers(model, out));
    TRY(show_metrics(model, out));
    return show_notes(model, out);
}

struct result cli_model_show(int argc, char **argv)
{
    bool as_json = false;
    struct cli_values operands = {0};
    const struct cli_option options[] = {{.name = "json", .flag = &as_json}, {0}};
    TRY(cli_parse(argc, argv, options, "MODEL.json", 1, 1, &operands));
    CLEANUP(document_freep) json_t *model = NULL;
    TRY(document_read(operands.items[0], &model));
    if (as_json) return cli_print_json(json_incref(model));
    CLEANUP(buffer_done) struct buffer text = {0}, out = {0};
    TRY(model_text(model, &text));
    TRY(text_put_plain(buffer_view(&text), "\n",
                       &out)); /* it comes from others: its names are not to drive the terminal */
    return cli_print(buffer_view(&out));
}

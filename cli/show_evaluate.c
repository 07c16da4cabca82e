#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/document.h"
#include "cli/show.h"

/* A feature's PSI that is told; 0.1 and 0.25 are the usual marks for a look and for a change. */
#define DRIFT_TOLD 0.1

static const char *const sets[] = {"train", "holdout"};

/* Where the plan does not split the rows, nothing says that they are those that trained. */
static const char *words_of(const json_t *root, size_t set)
{
    if (set) return "held out";
    return json_is_object(json_object_get(root, "split")) ? "training" : "all rows";
}

static struct result show_interval(const json_t *set, const char *key, const char *interval, struct buffer *out)
{
    const json_t *ends = json_object_get(set, interval);
    char text[64] = "-";
    if (json_array_size(ends) == 2)
        (void)snprintf(text, sizeof text, "%.4f (%.4f to %.4f)", document_number(set, key),
                       json_number_value(json_array_get(ends, 0)), json_number_value(json_array_get(ends, 1)));
    return buffer_format(out, " %27s", text);
}

static struct result show_measures(const json_t *root, struct buffer *out)
{
    const json_t *models = json_object_get(root, "models");
    size_t index;
    const json_t *model;
    TRY(buffer_format(out, "%-22s %27s %27s %8s %8s %8s\n", "", "AUC (95%)", "KS (95%)", "Brier", "log loss", "PSI"));
    json_array_foreach(models, index, model) for (size_t s = 0; s < 2; s++)
    {
        const json_t *set = json_object_get(model, sets[s]);
        if (!set) continue;
        TRY(buffer_format(out, "%-12s %-9s", document_text(model, "name"), words_of(root, s)));
        TRY(show_interval(set, "auc", "auc_interval", out));
        TRY(show_interval(set, "ks", "ks_interval", out));
        TRY(show_number(4, 8, document_number(set, "brier"), out));
        TRY(show_number(4, 8, document_number(set, "log_loss"), out));
        TRY(show_number(3, 8, document_number(set, "psi"), out));
        TRY(buffer_text(out, "\n"));
    }
    return RESULT_OK;
}

/* Features of which the rows are spread otherwise than those that trained. */
static struct result show_drift(const json_t *model, const json_t *set, const char *name, struct buffer *out)
{
    size_t index, told = 0;
    const json_t *feature;
    json_array_foreach(json_object_get(set, "features"), index, feature)
    {
        double psi = document_number(feature, "psi");
        if (isnan(psi) || psi < DRIFT_TOLD) continue;
        if (told++ == 0) TRY(buffer_format(out, "\ndrift of %s, %s: ", document_text(model, "name"), name));
        TRY(buffer_format(out, "%s%s (PSI %.3f)", told > 1 ? ", " : "", document_text(feature, "name"), psi));
    }
    return told ? buffer_text(out, "\n") : RESULT_OK;
}

static struct result show_difference(const json_t *root, struct buffer *out)
{
    const json_t *difference = json_object_get(root, "difference");
    for (size_t s = 0; s < 2; s++) {
        const json_t *set = json_object_get(difference, sets[s]);
        if (!json_is_object(set)) continue;
        TRY(buffer_format(out, "AUC of the first less the second, %s: %.4f, standard error %.4f", words_of(root, s),
                          document_number(set, "auc_difference"), document_number(set, "std_error")));
        double p = document_number(set, "p");
        TRY(isnan(p) ? buffer_text(out, "; both order the rows alike\n") : buffer_format(out, ", p = %.3g\n", p));
    }
    return RESULT_OK;
}

static struct result show_line(const json_t *item, const char *const *keys, const int *digits, size_t count,
                               struct buffer *out)
{
    for (size_t i = 0; i < count; i++) TRY(show_number(digits[i], 10, document_number(item, keys[i]), out));
    return buffer_text(out, "\n");
}

static struct result show_bands(const json_t *set, struct buffer *out)
{
    static const char *const keys[] = {"rows", "positives", "rate", "predicted", "lift", "gain"};
    static const int digits[] = {15, 15, 4, 4, 3, 4};
    size_t index;
    const json_t *band;
    TRY(buffer_format(out, "  %-10s %10s %10s %10s %10s %10s %10s\n", "band", "rows", "positive", "rate", "predicted",
                      "lift", "gain"));
    json_array_foreach(json_object_get(set, "bands"), index, band)
    {
        TRY(buffer_format(out, "  %-10zu", index + 1));
        TRY(show_line(band, keys, digits, 6, out));
    }
    const json_t *fit = json_object_get(set, "hosmer_lemeshow");
    if (document_number(fit, "degrees") > 0)
        TRY(buffer_format(out, "  Hosmer-Lemeshow %.4g on %.0f degrees, p = %.3g\n", document_number(fit, "statistic"),
                          document_number(fit, "degrees"), document_number(fit, "p")));
    return RESULT_OK;
}

static struct result show_cutoffs(const json_t *set, struct buffer *out)
{
    static const char *const keys[] = {"approval_rate", "bad_rate", "recall", "precision"};
    static const int digits[] = {4, 4, 4, 4};
    const json_t *items = json_object_get(set, "cutoffs"), *item, *fair = json_object_get(set, "fairness");
    size_t index;
    if (json_array_size(items) == 0) return RESULT_OK;
    TRY(buffer_format(out, "  %-10s %10s %10s %10s %10s%s\n", "cut-off", "approved", "bad rate", "recall", "precision",
                      fair ? "   adverse impact   equal opportunity" : ""));
    json_array_foreach(items, index, item)
    {
        TRY(buffer_format(out, "  %-10.4g", document_number(item, "cutoff")));
        for (size_t i = 0; i < 4; i++) TRY(show_number(digits[i], 10, document_number(item, keys[i]), out));
        if (fair) {
            const json_t *of = json_array_get(fair, index);
            TRY(show_number(4, 16, document_number(of, "adverse_impact_ratio"), out));
            TRY(show_number(4, 19, document_number(of, "equal_opportunity_difference"), out));
        }
        TRY(buffer_text(out, "\n"));
    }
    return RESULT_OK;
}

struct result show_evaluation(const json_t *root, struct buffer *out)
{
    const json_t *models = json_object_get(root, "models"), *model;
    size_t index;
    TRY(show_measures(root, out));
    TRY(show_difference(root, out));
    json_array_foreach(models, index, model) for (size_t s = 0; s < 2; s++)
    {
        const json_t *set = json_object_get(model, sets[s]);
        if (!set) continue;
        TRY(buffer_format(out, "\n%s, %s\n", document_text(model, "name"), words_of(root, s)));
        TRY(show_bands(set, out));
        TRY(show_cutoffs(set, out));
        TRY(show_drift(model, set, words_of(root, s), out));
    }
    return RESULT_OK;
}

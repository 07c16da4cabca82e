#include <string.h>

#include "cli/audit_facts.h"

/* By field of a task's layout; task NULL: of every task that is not named before. The first row with a phase whose
 * field a round has, names what the round is for. */
static const struct words {
    const char *task, *field, *words, *phase;
} table[] = {
    {"evaluate", "cases", "rows of each outcome, training and held out", "How the models score the rows"},
    {"evaluate", "drift", "rows in each bin, class or level of the models' features", "Tables by band, cut-off, group"},
    {"evaluate", "cutoffs", "rows of each outcome above each cut-off, by group", NULL},
    {"evaluate", "groups", "rows of each outcome in each group", "Tables by band, cut-off, group"},
    {"evaluate", "predicted", "totals of the predicted probabilities, by band and group", NULL},
    {"evaluate", "stability", "rows in each bin of the scores that the models had in training", NULL},
    {"evaluate", "joint", "rows of each outcome in each pair of the two models' bands", NULL},
    {"evaluate", "scores", "of each model the totals of its scores and of their squares", NULL},
    {NULL, "likelihood", "how well the model of that step fits (log-likelihood)", "Newton steps of the fit"},
    {NULL, "held-out likelihood", "how well it fits the rows held out", NULL},
    {NULL, "products", "products of all pairs of columns (their correlations)", "Products of columns, before the fit"},
    {NULL, "hessian", "how sharply the fit is determined, for each pair of coefficients (Hessian)", NULL},
    {NULL, "gradient", "how each column goes with the outcome (gradient)", NULL},
    {NULL, "scores", "the totals of the scores and of their squares", NULL},
    {NULL, "log loss", "total log loss, training and held out", "Standard errors and measures of the fitted model"},
    {NULL, "squared error", "total squared error, training and held out", NULL},
    {NULL, "bins", "training rows in each of ten bins of a number column", NULL},
    {NULL, "score counts", "rows of each outcome with a score between two edges of a histogram",
     "Distribution of the scores"},
    {NULL, "cells", "rows of each outcome in each bin of a number column", "Counts by bin"},
    {NULL, "pair rows", "rows with both values of a pair of number columns", NULL},
    {NULL, "pair sums", "products of pairs of number columns (their correlations)", NULL},
    {NULL, "spread", "totals of the squared distances from the mean, by number column", "Means and spreads of numbers"},
    {NULL, "drift", "totals of the distances from the mean, by number column", NULL},
    {NULL, "cubes", "totals of the cubed distances from the mean, by number column", NULL},
    {NULL, "cases", "rows of each outcome, training and held out", "First counts: rows, levels, missing values"},
    {NULL, "counts", "rows with each level, special code or no value, and in each bin of a number column", NULL},
    {NULL, "pair products", "products of pairs of number columns (their correlations)", NULL},
    {NULL, "levels", "rows with each level of a category, by outcome", NULL},
    {NULL, "missing", "rows without a value, by number column and outcome", NULL},
    {NULL, "outside", "values outside the plan's bounds, by number column", NULL},
    {NULL, "totals", "the total of each number column", NULL},
    {NULL, "special", "rows with each special code, by outcome", NULL},
    {NULL, "medians", "rows in each bin of a number column, to find its median", "Closing in on medians"},
    {NULL, "histograms", "rows in each bin of a number column, to find its quantiles", "Closing in on quantiles"},
};
enum { ROWS = sizeof table / sizeof *table };

static bool row_is(const struct words *row, const char *task, const char *field)
{
    return (!row->task || strcmp(row->task, task) == 0) && strcmp(row->field, field) == 0;
}

const char *audit_field_words(const char *task, const char *field)
{
    for (size_t i = 0; i < ROWS; i++)
        if (row_is(&table[i], task, field)) return table[i].words;
    return field;
}

static bool round_has(const struct audit_round *round, const struct words *row, const char *task)
{
    for (size_t i = 0; i < round->fields_count; i++)
        if (row_is(row, task, round->fields[i].name)) return true;
    return false;
}

const char *audit_phase(const char *task, const struct audit_round *round)
{
    if (!round->laid_out) return "Sums whose contents this form does not tell";
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].phase && round_has(round, &table[i], task)) return table[i].phase;
    return "Other sums";
}

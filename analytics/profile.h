/* What the rows hold, column by column: the sums that `statistics` reports and that `scorecard` starts from.
 *
 *   first       cases by outcome; levels by outcome; of each number its total, missing and outside, a first histogram
 *   quantiles   spread of the numbers (once), and histograms that close in on their quantiles
 *   cells       cases of each outcome in each number's bins; sums of pairs of numbers
 *
 * Bins of a number hold about as many training rows each: their edges are quantiles of the training rows, exact to the
 * plan's resolution. A bin is [edge, next edge); a missing value is in none. Everything but the counts of held-out rows
 * is of training rows. Under differential privacy the sums are others (private_profile.h).
 */
#ifndef ANALYTICS_PROFILE_H
#define ANALYTICS_PROFILE_H

#include "analytics/cases.h"
#include "analytics/private.h"
#include "analytics/quantile.h"
#include "analytics/sum.h"
#include "proto/run/task.h"

#define PROFILE_BINS_MAX ((size_t)PLAN_BINS_MAX) /* of a number */

enum profile_stage { PROFILE_FIRST, PROFILE_QUANTILES, PROFILE_CELLS, PROFILE_FINISHED };

/* What is asked beyond counts and bins. */
struct profile_options {
    size_t bins;          /* 2 to PROFILE_BINS_MAX */
    uint64_t depth;       /* the value that so many customers lie at or below, and at or above, is looked for, too */
    bool moments;         /* spread and skewness; and the sums of pairs */
    const double *shares; /* quantiles that are reported: rising, each above 0 and below 1 */
    size_t shares_count;  /* at most 20 */
    struct private_budget budget; /* under privacy: of counts, scale, cells */
};

struct profile_column {
    uint64_t missing[CASE_KINDS];                     /* numbers */
    uint64_t specials[PLAN_SPECIALS_MAX][CASE_KINDS]; /* numbers: of each special code */
    uint64_t outside;             /* numbers: training rows whose value was moved to a bound or made missing */
    double center;                /* numbers: a first mean, of values present */
    double mean, variance, third; /* with divisor n: of values present */
    size_t searches_count;        /* numbers: 0 when no value is present, and before the first sum */
    struct quantile searches[QUANTILES_MAX];
    uint64_t held[QUANTILES_MAX];  /* under privacy: how many values a search's interval is taken to hold */
    size_t cells_count;            /* bins of a number, levels of a category */
    uint64_t (*cells)[CASE_KINDS]; /* of each; of a number only after the last sum */
};

struct profile {
    const struct plan *plan; /* borrowed */
    struct profile_options options;
    enum profile_stage stage;
    uint64_t moments_known; /* the spread has been summed */
    uint64_t cases[CASE_KINDS];
    struct profile_column *columns; /* of each feature */
    double (*pairs)[6];             /* of numbers i < j, row by row: PAIR_... */
    size_t pairs_count;
};
/* Over training rows with both values, as shares of the range from the mean: how many rows, sums of a, b, a², b², ab.
 */
enum { PAIR_ROWS, PAIR_A, PAIR_B, PAIR_AA, PAIR_BB, PAIR_AB };

void profile_done(struct profile *profile);
MUST_USE struct result profile_new(const struct plan *plan, struct profile_options options, struct profile *ret);
/* The state as bytes, appended; and back. */
MUST_USE struct result profile_write(const struct profile *profile, struct buffer *out);
MUST_USE struct result profile_read(struct reader *reader, const struct plan *plan, struct profile_options options,
                                    struct profile *ret);

MUST_USE struct result profile_layout(const struct profile *profile, struct layout *ret);
MUST_USE struct result profile_contribute(const struct profile *profile, const struct table *table, unsigned threads,
                                          uint64_t *words);
/* The same as expressions over a frozen row (data/formula.h). */
MUST_USE struct result profile_formulas(const struct profile *profile, struct formula_sums *ret);
MUST_USE struct result profile_advance(struct profile *profile, const struct sum *sum);

/* A short plain line on where it stands. */
MUST_USE struct result profile_progress(const struct profile *profile, struct buffer *out);

static inline uint64_t profile_train_rows(const struct profile *profile)
{
    return profile->cases[CASE_TRAIN_NEGATIVE] + profile->cases[CASE_TRAIN_POSITIVE];
}
/* Training rows with a value that is no special code. */
uint64_t profile_present(const struct profile *profile, size_t feature);
/* The edges between a number's bins, rising; ret has room for PROFILE_BINS_MAX. Known once the quantiles are. */
size_t profile_edges(const struct profile *profile, size_t feature, double *ret);
/* The values that `depth` customers lie at or below, and at or above. False when fewer have a value. */
bool profile_ends(const struct profile *profile, size_t feature, double ret[2]);
/* Quantile k of the options' shares, interpolated as numpy does (type 7 of Hyndman and Fan 1996). */
double profile_quantile(const struct profile *profile, size_t feature, size_t share);
/* The bin of a value; the level of a code, CATEGORY_BUG when that is none of the plan's. */
size_t profile_bin(const double *edges, size_t count, double value);
MUST_USE struct result profile_level(const struct plan_feature *feature, uint16_t code, size_t *ret);
/* For the first sum: the searches of a number's ranks, over the whole grid. */
void profile_search(const struct profile *profile, size_t feature, const struct quantile *whole);

#endif

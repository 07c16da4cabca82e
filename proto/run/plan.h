/* The plan: what is computed, on which columns, with which bounds. YAML text in a signed note (contract; docs/plan.md).
 * plan_parse checks everything that can be known without data, with file:line in every error. */
#ifndef PROTO_RUN_PLAN_H
#define PROTO_RUN_PLAN_H

#include "crypto/base/limits.h"
#include "crypto/hash.h"

#define PLAN_BINS_MAX 100u   /* of a number */
#define PLAN_CLASSES_MAX 20u /* of a scorecard's feature */
#define PLAN_REASONS_MAX 10u
#define PLAN_MODELS_MAX 2u
#define PLAN_CUTOFFS_MAX 20u
#define PLAN_SPECIALS_MAX 10u /* of a number */
#define PLAN_KNOTS_MAX 20u    /* of a number */
#define PLAN_DERIVED_MAX 500u
#define PLAN_PATH_MAX 100u /* penalties */
#define PLAN_CELLS_MOST 1000000u

enum plan_kind { PLAN_NUMBER, PLAN_CATEGORY };
enum plan_missing { MISSING_REFUSE, MISSING_MEDIAN, MISSING_MEAN, MISSING_VALUE, MISSING_LEVEL };
enum plan_outside { OUTSIDE_REFUSE, OUTSIDE_CLAMP, OUTSIDE_MISSING };
enum plan_split { SPLIT_NONE, SPLIT_HASH, SPLIT_COLUMN };
/* Whether the share of positives must rise or fall from class to class of a number, in a scorecard. */
enum plan_monotone { MONOTONE_NO, MONOTONE_RISING, MONOTONE_FALLING, MONOTONE_EITHER };
enum plan_dropout { DROPOUT_WAIT, DROPOUT_CONTINUE };
/* What a run under differential privacy spends its budget on; a task knows some of them. */
enum plan_phase {
    PHASE_COUNTS, /* cases, levels, first histograms */
    PHASE_SCALE,  /* means, deviations, quantiles */
    PHASE_CELLS,  /* bins by outcome, products of pairs */
    PHASE_FIT,    /* gradients and Hessians */
    PHASE_SCORES, /* histograms of scores */
    PLAN_PHASES,
};

struct plan_feature {
    char name[NAME_MAX_BYTES + 1];
    enum plan_kind kind;
    enum plan_missing missing;
    /* numbers */
    double minimum, maximum;
    double fill;       /* for MISSING_VALUE */
    double resolution; /* > 0: step to which a median or quantile is exact */
    enum plan_outside outside;
    double *specials; /* statistics, scorecards: codes that are no quantities; each is counted by itself */
    size_t specials_count;
    /* categories: declared levels in order; an own level "missing" or "other" comes after them, in this order */
    char **levels;
    size_t levels_count; /* as declared, without "missing" and "other" */
    bool level_missing, level_other;
    size_t baseline; /* index among the declared levels, then missing, then other */
    /* scorecards */
    enum plan_monotone monotone;
    double *cuts; /* of a number: rising, within the bounds; its classes are [cut, next cut). None: found in the run */
    size_t cuts_count;
    uint32_t *class_of; /* of a category's levels as plan_feature_level counts them; NULL: found in the run */
    size_t classes;
};

/* A column of a logistic model made of one or two features, whose missing values are filled first: a hinge, what a
 * number is above a knot; or the product of two features (of a category: of each level but the baseline). */
struct plan_derived {
    char name[2 * NAME_MAX_BYTES + 2]; /* "age>30", "age:sex" */
    size_t feature, with;              /* with SIZE_MAX: a hinge */
    double knot;
};

/* A model that is evaluated: its text is in the plan, so that the plan's hash is of it too. */
struct plan_model {
    char name[NAME_MAX_BYTES + 1];
    char *json;
};

/* What a scorecard's plan asks for. */
struct plan_scorecard {
    uint32_t most;      /* classes of a feature, the one of missing values apart */
    double share;       /* least share of the training rows in a class */
    double iv;          /* least information value of a feature */
    double correlation; /* largest |r| of two features' weights of evidence */
    bool signs;         /* features whose coefficient has the wrong sign are left out */
    double pdo;         /* points that double the odds */
    double base, odds;  /* points of a row with these odds: negatives to one positive */
    uint32_t decimals;  /* of points */
    uint32_t reasons;   /* most reason codes of a row */
};

/* Differential privacy of all sums of a run together, for neighbours that differ by one row of one bank. */
struct plan_privacy {
    double epsilon, delta;       /* epsilon 0: the sums are exact, and nothing bounds what they tell */
    double rho;                  /* of zCDP, that these allow (proto/run/privacy.h) */
    bool split;                  /* the plan gives the weights */
    double weights[PLAN_PHASES]; /* how the budget is split; 0 where the plan says nothing */
};

struct plan {
    char name[NAME_MAX_BYTES + 1];
    char purpose[NAME_MAX_BYTES + 1];
    char task[NAME_MAX_BYTES + 1];
    char target[NAME_MAX_BYTES + 1];
    char positive[LEVEL_MAX_BYTES + 1];
    char **negative; /* the target's other values; none: every value but `positive` is negative */
    size_t negative_count;
    char id[NAME_MAX_BYTES + 1]; /* "" when there is none */
    enum plan_split split;
    double split_fraction; /* SPLIT_HASH: 0 < fraction < 1 */
    char split_seed[NAME_MAX_BYTES + 1];
    char split_column[NAME_MAX_BYTES + 1]; /* SPLIT_COLUMN: rows whose value is in split_holdout are held out */
    char **split_holdout;
    size_t split_holdout_count;
    struct plan_feature *features;
    size_t features_count;
    struct plan_derived *derived; /* hinges in the features' order, then products in the plan's */
    size_t derived_count;
    uint32_t cells_minimum; /* the least customers of a cell that reports, models and exports show */
    uint32_t bins;          /* of a number, about equally full: statistics, and the fine classes of a scorecard */
    struct plan_scorecard scorecard;
    struct plan_model *models; /* evaluate: one, or champion and challenger */
    size_t models_count;
    double *cutoffs; /* probabilities, rising: above or at one a row is refused credit, or acted upon */
    size_t cutoffs_count;
    size_t group;   /* the category whose levels are compared; SIZE_MAX: none */
    double penalty; /* λ >= 0 */
    double l1;      /* share of the penalty that is on |b|, the rest on b²/2; 0 to 1 */
    uint32_t path;  /* how many penalties are tried, from the least that leaves no term on; 0: `penalty` is given */
    bool balanced;  /* both outcomes weigh the same in the fit; else a positive row weighs `weight`, another 1 */
    double weight;
    double tolerance; /* on the Newton decrement */
    uint32_t rounds;  /* most Newton rounds */
    struct plan_privacy privacy;
    uint32_t cohort_minimum;
    enum plan_dropout on_dropout;
    uint64_t rows;           /* the most rows one bank may bring */
    uint32_t deadline_hours; /* coordinator ends the run after it; default 168 */
    struct hash hash;        /* H(label "plan" ‖ text) where text is the YAML */
    struct buffer text;      /* the YAML */
};

/* What a draft leaves for a person to decide; plan_parse refuses it wherever it still stands. */
#define PLAN_FILL_IN "FILL_IN"

void plan_done(struct plan *plan);
/* name is the file's, for errors ("plan.yaml:12: ..."). The text may be plain YAML or the text of a note; a newline
 * that its end lacks is added, so that a plan has one hash before and after it is signed. */
MUST_USE struct result plan_parse(struct view text, const char *name, struct plan *ret);
/* Line of a key ("train.rounds", "features.3.min"; features count from 0) in the plan's text, for those who check more
 * than plan_parse can; where the plan leaves the key out, of what is around it. */
unsigned plan_line(const struct plan *plan, const char *path);
/* Whether the plan's task fits a model, in rounds that `train` bounds. */
bool plan_fits(const struct plan *plan);
/* Whether its sums carry noise. */
static inline bool plan_private(const struct plan *plan)
{
    return plan->privacy.epsilon > 0;
}
/* "counts", "scale", ... as the key `privacy.split` has them. */
const char *plan_phase_name(enum plan_phase phase);
/* Levels of a category feature after "missing" and "other" are counted; and the name of one. */
size_t plan_feature_levels(const struct plan_feature *feature);
const char *plan_feature_level(const struct plan_feature *feature, size_t index);

#endif

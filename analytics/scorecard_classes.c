/* From fine classes to coarse ones, their weights of evidence, and the features worth fitting. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analytics/scorecard_private.h"

static struct cell train_cell(const uint64_t counts[CASE_KINDS])
{
    return (struct cell){counts[CASE_TRAIN_NEGATIVE], counts[CASE_TRAIN_POSITIVE]};
}

static struct cell joined(struct cell a, struct cell b)
{
    return (struct cell){a.negatives + b.negatives, a.positives + b.positives};
}

static uint64_t rows_of(struct cell cell)
{
    return cell.negatives + cell.positives;
}

/* What the classing of one feature works on. */
struct work {
    const struct scorecard *scorecard;
    const struct plan_feature *plan;
    const struct profile_column *column;
    struct scorecard_feature *into;
    struct cell *cells; /* of the profile, training rows */
    uint64_t least;     /* customers of an outcome in a class */
};

static struct cell all_of(const struct scorecard *scorecard)
{
    return train_cell(scorecard->profile.cases);
}

static bool enough(const struct work *work, struct cell cell)
{
    return cell.negatives >= work->least && cell.positives >= work->least;
}

static struct classing_rule rule_of(const struct work *work)
{
    const struct plan *plan = work->scorecard->plan;
    struct cell all = all_of(work->scorecard);
    return (struct classing_rule){
        .all = all,
        .rows = (uint64_t)ceil(plan->scorecard.share * (double)rows_of(all)),
        .minimum = work->least,
        .most = plan->scorecard.most,
        .monotone = work->plan->monotone,
    };
}

/* Adds a class; returns its index. */
static uint64_t add_class(struct scorecard_feature *feature, struct cell cell)
{
    feature->classes[feature->classes_count] = (struct scorecard_class){.cell = cell};
    return feature->classes_count++;
}

/* Under privacy noise may not stop a run that is paid for: a class that has not enough weighs nothing, and one too
 * small to be shown counts nobody. */
static void hide_few(struct work *work)
{
    uint64_t least = work->scorecard->plan->cells_minimum;
    for (size_t k = 0; k < work->into->classes_count; k++) {
        struct cell *cell = &work->into->classes[k].cell;
        if (cell->negatives < least || cell->positives < least) *cell = (struct cell){0};
    }
}

/* Classes of the plan's own making: taken as they are, if each has enough of both outcomes. */
static struct result given_classes(struct work *work, const uint32_t *class_of, size_t classes)
{
    for (size_t k = 0; k < classes; k++) (void)add_class(work->into, (struct cell){0});
    for (size_t c = 0; c < work->column->cells_count; c++) {
        uint64_t k = class_of ? class_of[c] : c;
        work->into->class_of[c] = k;
        work->into->classes[k].cell = joined(work->into->classes[k].cell, work->cells[c]);
    }
    if (plan_private(work->scorecard->plan)) {
        hide_few(work);
        return RESULT_OK;
    }
    for (size_t k = 0; k < classes; k++)
        ENSURE(rows_of(work->into->classes[k].cell) == 0 || enough(work, work->into->classes[k].cell), CATEGORY_USAGE,
               "%s: class %zu of the plan has fewer than %" PRIu32 " positive or negative training rows; join it with "
               "another in %s",
               work->plan->name, k + 1, work->scorecard->plan->cells_minimum, class_of ? "groups" : "cuts");
    return RESULT_OK;
}

static struct result number_classes(struct work *work)
{
    if (work->plan->cuts_count > 0) return given_classes(work, NULL, work->column->cells_count);
    size_t of_cell[PROFILE_BINS_MAX], classes;
    TRY(classing_optimal(rule_of(work), work->cells, work->column->cells_count, of_cell, &classes));
    for (size_t k = 0; k < classes; k++)
        (void)add_class(work->into, cells_of_group(work->cells, work->column->cells_count, of_cell, k));
    for (size_t c = 0; c < work->column->cells_count; c++) work->into->class_of[c] = of_cell[c];
    return RESULT_OK;
}

/* The class whose weight is nearest to 0. */
static uint64_t most_neutral(const struct scorecard *scorecard, const struct scorecard_feature *feature)
{
    uint64_t best = 0;
    double least = HUGE_VAL;
    for (size_t k = 0; k < feature->classes_count; k++) {
        struct cell cell = feature->classes[k].cell;
        double weight = cell.positives && cell.negatives ? fabs(classing_woe(cell, all_of(scorecard))) : HUGE_VAL;
        if (weight >= least) continue;
        least = weight;
        best = k;
    }
    return best;
}

/* The most neutral of the first `classes`. */
static uint64_t own_place(struct work *work, size_t classes)
{
    size_t all = work->into->classes_count;
    work->into->classes_count = classes;
    uint64_t chosen = most_neutral(work->scorecard, work->into);
    work->into->classes_count = all;
    return chosen;
}

/* Of rows without a quantity: a class of their own; with too few of them, the most neutral of the first `classes`;
 * without any, a class of nobody. */
static uint64_t own_class(struct work *work, struct cell cell, size_t classes)
{
    struct scorecard_feature *feature = work->into;
    if (rows_of(cell) == 0 || enough(work, cell)) return add_class(feature, cell);
    uint64_t chosen = own_place(work, classes);
    feature->classes[chosen].cell = joined(feature->classes[chosen].cell, cell);
    return chosen;
}

/* Missing values, and each special code. */
static void own_classes(struct work *work)
{
    size_t classes = work->into->classes_count;
    work->into->missing = UINT64_MAX;
    if (work->plan->missing != MISSING_REFUSE)
        work->into->missing = own_class(work, train_cell(work->column->missing), classes);
    for (size_t s = 0; s < work->plan->specials_count; s++)
        work->into->specials[s] = own_class(work, train_cell(work->column->specials[s]), classes);
}

/* A level with its place and customers, to be sorted by its share of positives. */
struct ranked {
    struct cell cell;
    size_t level;
};

static int by_share(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    unsigned __int128 left = (unsigned __int128)x->cell.positives * y->cell.negatives;
    unsigned __int128 right = (unsigned __int128)y->cell.positives * x->cell.negatives;
    if (left != right) return left < right ? -1 : 1;
    return x->level < y->level ? -1 : 1;
}

#define RARE SIZE_MAX /* stands for all levels that are too rare to be looked at by themselves */

static bool rare(const struct work *work, size_t level)
{
    return rows_of(work->cells[level]) > 0 && !enough(work, work->cells[level]);
}

/* Levels that a classing looks at: those with rows, but for missing values that make a class of their own. Levels with
 * too few customers of an outcome go together, so that no customer's outcome decides on a class; where they are too few
 * even so, the classing does without them. */
static size_t rank_levels(const struct work *work, struct ranked *ranked)
{
    size_t count = 0;
    struct cell few = {0};
    for (size_t level = 0; level < work->column->cells_count; level++) {
        bool missing = work->plan->level_missing && level == work->plan->levels_count;
        if (rare(work, level)) few = joined(few, work->cells[level]);
        if (rows_of(work->cells[level]) == 0 || rare(work, level) || missing) continue;
        ranked[count++] = (struct ranked){work->cells[level], level};
    }
    if (rows_of(few) > 0 && enough(work, few)) ranked[count++] = (struct ranked){few, RARE};
    qsort(ranked, count, sizeof *ranked, by_share);
    return count;
}

/* Where there are more levels than a classing takes: neighbours in one cell, of about as many rows each. */
static size_t lay_out(const struct ranked *ranked, size_t count, size_t *cell_of)
{
    uint64_t all = 0, before = 0;
    size_t cells = 0;
    for (size_t i = 0; i < count; i++) all += rows_of(ranked[i].cell);
    for (size_t i = 0; i < count; i++) {
        size_t cell = count <= CLASSING_CELLS_MAX ? i : (size_t)(before * CLASSING_CELLS_MAX / all);
        cell_of[i] = i > 0 && cell > cell_of[i - 1] ? cell_of[i - 1] + 1 : i > 0 ? cell_of[i - 1] : 0;
        cells = cell_of[i] + 1;
        before += rows_of(ranked[i].cell);
    }
    return cells;
}

static struct result sorted_classes(struct work *work, struct ranked *ranked, size_t *cell_of)
{
    size_t count = rank_levels(work, ranked), of_cell[CLASSING_CELLS_MAX], classes;
    if (count == 0) return RESULT_OK;
    struct cell cells[CLASSING_CELLS_MAX] = {0};
    size_t laid = lay_out(ranked, count, cell_of);
    for (size_t i = 0; i < count; i++) cells[cell_of[i]] = joined(cells[cell_of[i]], ranked[i].cell);
    TRY(classing_optimal(rule_of(work), cells, laid, of_cell, &classes));
    for (size_t k = 0; k < classes; k++) (void)add_class(work->into, cells_of_group(cells, laid, of_cell, k));
    for (size_t i = 0; i < count; i++)
        for (size_t level = 0; level < work->column->cells_count; level++)
            if (level == ranked[i].level || (ranked[i].level == RARE && rare(work, level)))
                work->into->class_of[level] = of_cell[cell_of[i]];
    return RESULT_OK;
}

static struct result category_classes(struct work *work)
{
    if (work->plan->class_of) return given_classes(work, work->plan->class_of, work->plan->classes);
    size_t levels = work->column->cells_count;
    for (size_t level = 0; level < levels; level++) work->into->class_of[level] = UINT64_MAX;
    struct ranked *ranked = calloc(levels + 1, sizeof *ranked);
    size_t *cell_of = calloc(levels + 1, sizeof *cell_of);
    struct result result = RESULT_OK;
    if (!ranked || !cell_of) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for %zu levels", levels);
    if (result_ok(result)) result = sorted_classes(work, ranked, cell_of);
    free(ranked);
    free(cell_of);
    TRY(result);
    size_t classes = work->into->classes_count;
    uint64_t nobody = UINT64_MAX, few = UINT64_MAX;
    for (size_t level = 0; level < levels; level++) {
        if (work->into->class_of[level] != UINT64_MAX) continue;
        bool empty = rows_of(work->cells[level]) == 0, alone = !empty && !rare(work, level);
        if (alone) work->into->class_of[level] = add_class(work->into, work->cells[level]);
        if (empty && nobody == UINT64_MAX) nobody = add_class(work->into, (struct cell){0});
        if (empty) work->into->class_of[level] = nobody;
        if (empty || alone) continue;
        /* Too few even together: with the most neutral class, or, where there is none, by themselves. */
        if (few == UINT64_MAX) few = classes > 0 ? own_place(work, classes) : add_class(work->into, (struct cell){0});
        work->into->class_of[level] = few;
        work->into->classes[few].cell = joined(work->into->classes[few].cell, work->cells[level]);
    }
    return RESULT_OK;
}

/* Weights, information value, and whether both are of use. */
static void weigh(struct work *work)
{
    struct scorecard_feature *feature = work->into;
    struct cell all = all_of(work->scorecard);
    size_t distinct = 0;
    bool few = false, private = plan_private(work->scorecard->plan);
    feature->iv = 0;
    for (size_t k = 0; k < feature->classes_count; k++) {
        struct scorecard_class *class = &feature->classes[k];
        if (private && !enough(work, class->cell)) continue;
        few = few || (rows_of(class->cell) > 0 && !enough(work, class->cell));
        if (!class->cell.positives || !class->cell.negatives) continue; /* nobody, or the only class of all */
        class->woe = classing_woe(class->cell, all);
        feature->iv += classing_iv(class->cell, all);
        distinct++;
    }
    feature->fate = distinct < 2 || few                                 ? FATE_ONE_CLASS
                    : feature->iv < work->scorecard->plan->scorecard.iv ? FATE_WEAK
                                                                        : FATE_KEPT;
    /* One weight only, shared by classes by chance, cannot be fitted either. */
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t k = 0; k < feature->classes_count; k++) {
        low = feature->classes[k].woe < low ? feature->classes[k].woe : low;
        high = feature->classes[k].woe > high ? feature->classes[k].woe : high;
    }
    if (!(low < high)) feature->fate = FATE_ONE_CLASS;
}

struct result scorecard_allocate(struct scorecard_feature *feature, size_t classes, size_t cells)
{
    free(feature->classes);
    free(feature->class_of);
    feature->classes = calloc(classes + 1, sizeof *feature->classes);
    feature->class_of = calloc(cells + 1, sizeof *feature->class_of);
    feature->cells_count = cells;
    ENSURE(feature->classes && feature->class_of, CATEGORY_ENVIRONMENT, "out of memory for the classes of a feature");
    return RESULT_OK;
}

static struct result classify(struct scorecard *scorecard, size_t f, struct cell *cells)
{
    struct work work = {
        scorecard, &scorecard->plan->features[f], &scorecard->profile.columns[f], &scorecard->features[f],
        cells,     scorecard->plan->cells_minimum};
    if (plan_private(scorecard->plan)) TRY(scorecard_private_least(scorecard, work.plan->kind, &work.least));
    TRY(scorecard_allocate(work.into, work.column->cells_count + 2 + work.plan->specials_count,
                           work.column->cells_count));
    for (size_t c = 0; c < work.column->cells_count; c++) cells[c] = train_cell(work.column->cells[c]);
    if (work.plan->kind == PLAN_NUMBER) {
        TRY(number_classes(&work));
        own_classes(&work);
    } else {
        TRY(category_classes(&work));
    }
    if (work.into->missing == UINT64_MAX) work.into->missing = work.into->classes_count;
    if (work.plan->kind == PLAN_CATEGORY) work.into->missing = work.into->classes_count;
    weigh(&work);
    return RESULT_OK;
}

/* That both outcomes are there. */
static struct result check_cases(const struct scorecard *scorecard)
{
    struct cell all = all_of(scorecard);
    uint64_t least = scorecard->plan->cells_minimum;
    if (plan_private(scorecard->plan)) return scorecard_private_enough(scorecard);
    ENSURE(all.positives >= least && all.negatives >= least && all.positives > 0 && all.negatives > 0, CATEGORY_USAGE,
           "%" PRIu64 " training rows are positive (%s = %s) and %" PRIu64 " are not; a scorecard needs %" PRIu64
           " of each (cells.minimum)",
           all.positives, scorecard->plan->target, scorecard->plan->positive, all.negatives, least);
    return RESULT_OK;
}

/* That a feature is left. */
static struct result check_kept(const struct scorecard *scorecard)
{
    size_t kept = 0, weak = 0;
    if (plan_private(scorecard->plan)) return scorecard_private_kept(scorecard);
    for (size_t f = 0; f < scorecard->plan->features_count; f++) {
        kept += scorecard->features[f].fate == FATE_KEPT;
        weak += scorecard->features[f].fate == FATE_WEAK;
    }
    ENSURE(kept > 0 || weak > 0, CATEGORY_USAGE,
           "no feature can be cut into two classes with %" PRIu32
           " customers of each outcome (cells.minimum) and %g of "
           "the rows (binning.share): they are constant, missing, or all of one outcome in every class but one; lower "
           "binning.share, or look at the data with task: statistics",
           scorecard->plan->cells_minimum, scorecard->plan->scorecard.share);
    ENSURE(kept > 0, CATEGORY_USAGE,
           "of %zu features that have two classes or more none has an information value of %g or more; lower "
           "selection.iv, or look at the data with task: statistics",
           weak, scorecard->plan->scorecard.iv);
    return RESULT_OK;
}

struct result scorecard_classify(struct scorecard *scorecard)
{
    TRY(check_cases(scorecard));
    for (size_t f = 0; f < scorecard->plan->features_count; f++) {
        struct cell *cells = calloc(scorecard->profile.columns[f].cells_count, sizeof *cells);
        ENSURE(cells, CATEGORY_ENVIRONMENT, "out of memory for the classes of %s", scorecard->plan->features[f].name);
        struct result result = classify(scorecard, f, cells);
        free(cells);
        TRY(result);
    }
    return check_kept(scorecard);
}

/* By dynamic programming over the last class: best[j][i][k] is the most information value of k classes over the cells
 * 0..j of which the last is i..j. */
#include "analytics/classing.h"

#include <stdlib.h>
#include <string.h>

#include "analytics/exact.h"

double classing_woe(struct cell cell, struct cell all)
{
    double positives = (double)cell.positives / (double)all.positives;
    return exact_log(positives / ((double)cell.negatives / (double)all.negatives));
}

double classing_iv(struct cell cell, struct cell all)
{
    double positives = (double)cell.positives / (double)all.positives;
    double negatives = (double)cell.negatives / (double)all.negatives;
    return (positives - negatives) * exact_log(positives / negatives);
}

struct step {
    double value;  /* below 0: there is no such classing */
    size_t before; /* the first cell of the class before */
};
struct search {
    struct classing_rule rule;
    size_t count;
    struct cell *spans; /* [i · count + j]: cells i..j together */
    double *values;     /* their information value; below 0 where they are no class */
    struct step *best;  /* [(k · count + i) · count + j], k classes less one */
};

static void search_done(struct search *search)
{
    free(search->spans);
    free(search->values);
    free(search->best);
}

static bool large(const struct classing_rule *rule, struct cell cell)
{
    return cell.positives >= rule->minimum && cell.negatives >= rule->minimum && cell.positives > 0 &&
           cell.negatives > 0 && cell.positives + cell.negatives >= rule->rows;
}

static struct result prepare(struct search *search, const struct cell *cells)
{
    size_t count = search->count;
    search->spans = calloc(count * count, sizeof *search->spans);
    search->values = calloc(count * count, sizeof *search->values);
    search->best = calloc(search->rule.most * count * count, sizeof *search->best);
    ENSURE(search->spans && search->values && search->best, CATEGORY_ENVIRONMENT, "out of memory for a classing");
    for (size_t i = 0; i < count; i++) {
        struct cell span = {0};
        for (size_t j = i; j < count; j++) {
            span.negatives += cells[j].negatives;
            span.positives += cells[j].positives;
            search->spans[i * count + j] = span;
            search->values[i * count + j] = large(&search->rule, span) ? classing_iv(span, search->rule.all) : -1;
        }
    }
    return RESULT_OK;
}

/* Whether b may follow a: -1 where the share of positives must fall, 1 where it must rise, 0 where it may do either. */
static bool follows(struct cell a, struct cell b, int direction)
{
    if (direction == 0) return true;
    unsigned __int128 before = (unsigned __int128)a.positives * b.negatives;
    unsigned __int128 after = (unsigned __int128)b.positives * a.negatives;
    return direction > 0 ? after > before : after < before;
}

static struct step best_before(const struct search *search, size_t i, size_t j, size_t k, int direction)
{
    size_t count = search->count;
    struct step step = {-1, 0};
    for (size_t h = 0; h < i; h++) {
        double value = search->best[((k - 1) * count + h) * count + i - 1].value;
        if (value < 0 || value <= step.value ||
            !follows(search->spans[h * count + i - 1], search->spans[i * count + j], direction))
            continue;
        step = (struct step){value, h};
    }
    return step;
}

/* Fills `best` for a direction; returns the most value and where it is. */
static double run(struct search *search, int direction, size_t *ret_classes, size_t *ret_first)
{
    size_t count = search->count;
    double most = -1;
    for (size_t k = 0; k < search->rule.most; k++)
        for (size_t i = 0; i < count; i++)
            for (size_t j = i; j < count; j++) {
                double value = search->values[i * count + j];
                struct step step = {k == 0 && i == 0 ? 0 : -1, 0};
                if (k > 0 && value >= 0) step = best_before(search, i, j, k, direction);
                if (value < 0 || step.value < 0)
                    step.value = -1;
                else
                    step.value += value;
                search->best[(k * count + i) * count + j] = step;
                if (j + 1 == count && step.value > most) {
                    most = step.value;
                    *ret_classes = k + 1;
                    *ret_first = i;
                }
            }
    return most;
}

static void trace(const struct search *search, size_t classes, size_t first, size_t *of_cell)
{
    size_t count = search->count, last = count - 1;
    for (size_t k = classes; k-- > 0;) {
        for (size_t i = first; i <= last; i++) of_cell[i] = k;
        if (k == 0) return;
        size_t before = search->best[(k * count + first) * count + last].before;
        last = first - 1;
        first = before;
    }
}

struct result classing_optimal(struct classing_rule rule, const struct cell *cells, size_t count, size_t *of_cell,
                               size_t *ret_classes)
{
    static const struct {
        int directions[2];
        size_t count;
    } tries[] = {
        [MONOTONE_NO] = {{0, 0}, 1},
        [MONOTONE_RISING] = {{1, 0}, 1},
        [MONOTONE_FALLING] = {{-1, 0}, 1},
        [MONOTONE_EITHER] = {{1, -1}, 2},
    };
    CLEANUP(search_done) struct search search = {.rule = rule, .count = count};
    TRY(prepare(&search, cells));
    double most = -1;
    *ret_classes = 1;
    memset(of_cell, 0, count * sizeof *of_cell);
    for (size_t t = 0; t < tries[rule.monotone].count; t++) {
        size_t classes = 1, first = 0;
        double value = run(&search, tries[rule.monotone].directions[t], &classes, &first);
        if (value <= most) continue;
        most = value;
        *ret_classes = classes;
        trace(&search, classes, first, of_cell);
    }
    return RESULT_OK;
}

/* AUC and KS from few score counts, against those of the sorted scores themselves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/curve.h"

enum { CASES = 200000 };
static struct scored {
    double score;
    uint8_t kind;
} cases[CASES];

static uint64_t next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

static double normal(uint64_t *state)
{
    double sum = -6;
    for (unsigned i = 0; i < 12; i++) sum += uniform(state);
    return sum;
}

static void must(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static int by_score(const void *a, const void *b)
{
    double x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x > y) - (x < y);
}

/* AUC with ties counted half, and KS, from the sorted cases themselves. */
static void exact_measures(size_t count, uint8_t first, double *auc, double *ks)
{
    double negatives = 0, positives = 0, n = 0, p = 0, pairs = 0;
    for (size_t i = 0; i < count; i++) {
        negatives += cases[i].kind == first;
        positives += cases[i].kind == first + 1;
    }
    *ks = 0;
    for (size_t i = 0, j; i < count; i = j) {
        double more_n = 0, more_p = 0;
        for (j = i; j < count && cases[j].score == cases[i].score; j++) {
            more_n += cases[j].kind == first;
            more_p += cases[j].kind == first + 1;
        }
        pairs += more_p * (n + more_n / 2);
        n += more_n;
        p += more_p;
        double gap = fabs(n / negatives - p / positives);
        if (gap > *ks) *ks = gap;
    }
    *auc = pairs / (negatives * positives);
}

/* Every edge that a run asked for. */
struct asked {
    double edges[CURVE_HISTOGRAMS * CURVE_EDGES];
    size_t count, different, histograms;
};

static void note_edges(const struct curve *curve, struct asked *asked)
{
    for (size_t e = 0; e < curve->asked; e++) {
        size_t same = 0;
        while (same < asked->count && asked->edges[same] != curve->asking[e]) same++;
        asked->different += same == asked->count;
        asked->edges[asked->count++] = curve->asking[e];
    }
    asked->histograms++;
}

/* All histograms of a run over the cases; holds their bounds. */
static void run(size_t count, struct curve *curve, struct asked *asked)
{
    uint64_t totals[CASE_KINDS] = {0};
    double total = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        totals[cases[i].kind]++;
        total += cases[i].score;
        squares += cases[i].score * cases[i].score;
    }
    double mean = total / (double)count, variance = squares / (double)count - mean * mean;
    memset(asked, 0, sizeof *asked);
    curve_start(curve, totals, mean, variance > 0 ? sqrt(variance) : 0);
    do {
        uint64_t counts[CURVE_STEP + 1][CASE_KINDS] = {{0}};
        assert_true(curve->asked > 0 && curve->asked <= CURVE_STEP);
        note_edges(curve, asked);
        for (size_t i = 0; i < count; i++) counts[curve_bin(curve, cases[i].score)][cases[i].kind]++;
        must(curve_take(curve, (const uint64_t(*)[CASE_KINDS])counts));
    } while (curve_refine(curve));
    assert_true(asked->histograms <= CURVE_HISTOGRAMS);
    assert_true(asked->different + 1 <= 256);
    assert_int_equal(curve->known, asked->different);
    qsort(cases, count, sizeof *cases, by_score);
}

enum shape { BELLS, SKEWED, TWO_HUMPS, TIES, SHAPES };

static void make_up(size_t count, enum shape shape, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        bool positive = uniform(&seed) < (shape == SKEWED ? 0.05 : 0.25), held = uniform(&seed) < 0.2;
        double z = normal(&seed), score = z + (positive ? 1 : 0);
        if (shape == SKEWED) score = z * z * z / 4 + (positive ? 1 : 0);
        if (shape == TWO_HUMPS) score = (positive ? 1.5 * z : 0.7 * z) + (uniform(&seed) < 0.3 ? 3 : 0);
        if (shape == TIES) score = floor(score * 5) / 5;
        cases[i] = (struct scored){score, (uint8_t)((held ? 2 : 0) + (positive ? 1 : 0))};
    }
}

static void many_cases_come_as_close_as_is_asked(void **state)
{
    (void)state;
    for (enum shape shape = BELLS; shape < SHAPES; shape++) {
        static struct curve curve;
        struct asked asked;
        make_up(CASES, shape, 3 + shape);
        run(CASES, &curve, &asked);
        for (uint8_t first = 0; first < CASE_KINDS; first += 2) {
            double auc, ks;
            exact_measures(CASES, first, &auc, &ks);
            struct curve_measures found = curve_measure(&curve, first);
            printf("shape %d, %zu edges in %zu: AUC within %.1e (%.1e), KS within %.1e (%.1e)\n", (int)shape,
                   asked.different, asked.histograms, fabs(found.auc - auc), found.auc_error, fabs(found.ks - ks),
                   found.ks_error);
            assert_true(fabs(found.auc - auc) <= 1e-4);
            assert_true(fabs(found.ks - ks) <= 5e-3);
        }
    }
}

/* Too few cases for their number of edges to be enough: the errors that are told must then be true ones. KS's is a
 * bound; AUC's is two standard deviations, which one in twenty passes. */
static void few_cases_come_as_close_as_they_say(void **state)
{
    (void)state;
    static const size_t counts[] = {100, 300, 1000, 4000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        unsigned tried = 0, beyond = 0;
        double worst_auc = 0, worst_ks = 0;
        for (uint64_t trial = 0; trial < 90; trial++) {
            static struct curve curve;
            struct asked asked;
            make_up(counts[c], (enum shape)(trial % 3), 1000 * c + trial);
            run(counts[c], &curve, &asked);
            for (uint8_t first = 0; first < CASE_KINDS; first += 2) {
                struct curve_measures found = curve_measure(&curve, first);
                if (found.negatives == 0 || found.positives == 0) continue;
                double auc, ks;
                exact_measures(counts[c], first, &auc, &ks);
                double error = fabs(found.auc - auc);
                tried++;
                beyond += error > found.auc_error + 1e-12;
                assert_true(error <= 2 * found.auc_error + 1e-12);
                assert_true(ks >= found.ks - 1e-12 && ks <= found.ks + found.ks_error + 1e-12);
                if (error > worst_auc) worst_auc = error;
                if (ks - found.ks > worst_ks) worst_ks = ks - found.ks;
            }
        }
        printf("%zu cases: AUC within %.1e, KS within %.1e, %u of %u beyond the error told\n", counts[c], worst_auc,
               worst_ks, beyond, tried);
        assert_true(beyond * 20 <= tried);
        assert_true(worst_auc <= 5e-4);
    }
}

/* Equal scores cannot be told apart, so edges are wasted on them; what is left are rare scores that share a stretch. */
static void ties_stay_close(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 30; trial++) {
        static struct curve curve;
        struct asked asked;
        size_t count = 200 + 300 * trial;
        make_up(count, TIES, trial);
        run(count, &curve, &asked);
        for (uint8_t first = 0; first < CASE_KINDS; first += 2) {
            double auc, ks;
            exact_measures(count, first, &auc, &ks);
            struct curve_measures found = curve_measure(&curve, first);
            assert_true(fabs(found.auc - auc) <= 2e-4 && fabs(found.auc - auc) <= found.auc_error);
            assert_true(fabs(found.ks - ks) <= 1e-9);
        }
    }
}

static void scores_without_order_end_at_once(void **state)
{
    (void)state;
    static struct curve curve;
    struct asked asked;
    for (size_t i = 0; i < 100; i++) cases[i] = (struct scored){-1.5, (uint8_t)(i % CASE_KINDS)};
    run(100, &curve, &asked); /* all equal */
    assert_true(curve_measure(&curve, CASE_TRAIN_NEGATIVE).auc == 0.5);
    assert_true(curve_measure(&curve, CASE_TRAIN_NEGATIVE).ks == 0);
    for (size_t i = 0; i < 100; i++) cases[i] = (struct scored){(double)i, (uint8_t)(i < 50 ? 0 : 1)};
    run(100, &curve, &asked); /* told apart, and none held out */
    assert_true(curve_measure(&curve, CASE_TRAIN_NEGATIVE).auc == 1);
    assert_true(curve_measure(&curve, CASE_HELD_NEGATIVE).auc_error == 0);
    for (size_t i = 0; i < 100; i++) cases[i] = (struct scored){i == 7 ? 1e9 : (double)(i % 9), (uint8_t)(i % 2)};
    run(100, &curve, &asked); /* one far away */
}

static void a_histogram_that_contradicts_is_refused(void **state)
{
    (void)state;
    static struct curve curve;
    const uint64_t totals[CASE_KINDS] = {60, 40, 0, 0};
    curve_start(&curve, totals, 0, 1);
    uint64_t counts[CURVE_STEP + 1][CASE_KINDS] = {{0}};
    counts[10][0] = 60;
    counts[10][1] = 39;
    assert_int_equal(curve_take(&curve, (const uint64_t(*)[CASE_KINDS])counts).category, CATEGORY_FALSE);
    curve_start(&curve, totals, 0, 1);
    counts[10][0] = 30;
    counts[10][1] = 40;
    counts[20][0] = 30;
    must(curve_take(&curve, (const uint64_t(*)[CASE_KINDS])counts));
    assert_true(curve_refine(&curve));
    memset(counts, 0, sizeof counts);
    counts[0][0] = 60; /* below the first new edge, where the first histogram had at most 30 */
    counts[0][1] = 40;
    assert_int_equal(curve_take(&curve, (const uint64_t(*)[CASE_KINDS])counts).category, CATEGORY_FALSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_cases_come_as_close_as_is_asked),
        cmocka_unit_test(few_cases_come_as_close_as_they_say),
        cmocka_unit_test(ties_stay_close),
        cmocka_unit_test(scores_without_order_end_at_once),
        cmocka_unit_test(a_histogram_that_contradicts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

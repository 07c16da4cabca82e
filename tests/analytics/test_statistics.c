/* The task `statistics`: against a sort and sums in double of the same rows, and against pandas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/statistics.h"
#include "tests/support/reference.h"

static json_t *result_of(const struct pooled *pooled, unsigned parts, unsigned threads, uint64_t shuffle)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    const struct pooled_options options = {.parts = parts, .threads = threads, .shuffle = shuffle};
    struct result result = pooled_run(pooled, options, &fold);
    if (result_ok(result)) result = fold_result(&fold, 1, &text);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    json_t *model = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(model);
    return model;
}

static const json_t *feature(const json_t *model, const char *name)
{
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(model, "features"), index, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0) return item;
    }
    fail_msg("no feature %s", name);
    return NULL;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("%s is no number", key);
    return json_number_value(value);
}

static void near(double found, double expected, double scale, const char *what)
{
    if (!(fabs(found - expected) <= 1e-9 * scale)) fail_msg("%s: %.17g, expected %.17g", what, found, expected);
}

static double correlation(const json_t *model, const char *a, const char *b)
{
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(model, "correlations"), index, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "a")), a) == 0 &&
            strcmp(json_string_value(json_object_get(item, "b")), b) == 0)
            return number(item, "r");
    }
    fail_msg("no correlation of %s and %s", a, b);
    return 0;
}

/* Made by statistics_constants.py: mean, sd, skewness and quantiles; Pearson's r. */
static const struct {
    const char *name;
    double mean, sd, skewness, quantiles[STATISTICS_SHARES];
} columns[] = {
    {"LIMIT_BAL",
     167484.32266666667,
     129747.66156720239,
     0.992866960519544,
     {10000.0, 20000.0, 30000.0, 50000.0, 140000.0, 240000.0, 360000.0, 430000.0, 500000.0}},
    {"AGE", 35.4855, 9.217904068090188, 0.7322458687830562, {22.0, 23.0, 25.0, 28.0, 34.0, 41.0, 49.0, 53.0, 60.0}},
    {"PAY_0", -0.0167, 1.1238015279973348, 0.7319749269085081, {-2.0, -2.0, -1.0, -1.0, 0.0, 0.0, 2.0, 2.0, 3.0}},
    {"BILL_AMT1",
     51223.3309,
     73635.86057552956,
     2.6638610220232612,
     {-81.0, 0.0, 278.9000000000001, 3558.75, 22381.5, 67091.0, 142133.70000000004, 201203.05, 350110.6799999999}},
    {"BILL_AMT6",
     38871.7604,
     59554.10753674573,
     2.8466445756603678,
     {-331.03, 0.0, 0.0, 1256.0, 17071.0, 49198.25, 112110.40000000008, 161912.0, 279505.05999999965}},
    {"PAY_AMT2",
     5921.1635,
     23040.87040205724,
     30.45381745016943,
     {0.0, 0.0, 0.0, 833.0, 2009.0, 5000.0, 10401.100000000024, 19004.34999999998, 76651.01999999999}},
};
static const struct {
    const char *a, *b;
    double r;
} pairs[] = {
    {"LIMIT_BAL", "AGE", 0.14471279755733601},
    {"BILL_AMT1", "BILL_AMT2", 0.9514836727518168},
    {"PAY_0", "PAY_AMT2", -0.07010052119393795},
};

static void taiwan_is_as_pandas_says(void **state)
{
    (void)state;
    if (!reference_present()) skip();
    struct reference reference;
    if (!result_ok(reference_load("taiwan_default", "0", &reference))) fail_msg("%s", result_reason());
    (void)snprintf(reference.pooled.plan.task, sizeof reference.pooled.plan.task, "statistics");
    const size_t holdout = reference.pooled.plan.split_holdout_count;
    reference.pooled.plan.split_holdout_count = 0; /* all rows */
    for (size_t f = 0; f < reference.pooled.plan.features_count; f++) reference.pooled.plan.features[f].resolution = 1;
    json_t *model = result_of(&reference.pooled, 5, 2, 0), *other = result_of(&reference.pooled, 3, 1, 7);
    assert_true(json_equal(model, other));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const json_t *of = feature(model, columns[i].name);
        near(number(of, "mean"), columns[i].mean, columns[i].sd, columns[i].name);
        near(number(of, "sd"), columns[i].sd, columns[i].sd, columns[i].name);
        near(number(of, "skewness"), columns[i].skewness, 1 + columns[i].skewness, columns[i].name);
        for (size_t q = 0; q < STATISTICS_SHARES; q++)
            near(number(json_array_get(json_object_get(of, "quantiles"), q), "value"), columns[i].quantiles[q],
                 columns[i].sd * 1e-3, columns[i].name);
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        near(correlation(model, pairs[i].a, pairs[i].b), pairs[i].r, 1, pairs[i].a);
    json_decref(model);
    json_decref(other);
    reference.pooled.plan.split_holdout_count = holdout;
    reference_done(&reference);
}

/* ---- made-up rows */

enum { ROWS = 900 };
static const char plan_text[] =
    "cofferdam: 1\nname: rows\npurpose: test\ntask: statistics\n"
    "target: {column: y, positive: \"1\"}\nbinning: {fine: 10}\nfeatures:\n"
    "  - {name: a, kind: number, min: 0, max: 50, missing: 0, outside: clamp, resolution: 0.5}\n"
    "  - {name: b, kind: number, min: -10, max: 90, missing: median, resolution: 0.01}\n"
    "  - {name: g, kind: category, levels: [\"p\", \"q\", \"r\", \"s\"], missing: level, other: level}\n"
    "cohort: {minimum: 3}\n";

struct rows {
    struct pooled pooled;
    double a[ROWS], b[ROWS]; /* NaN: missing */
    bool positive[ROWS];
};

/* b depends on a; of a 5 are missing, of b every seventh; level r has 4 rows, s none, other one. */
static void make(struct rows *rows)
{
    if (!result_ok(pooled_init(plan_text, &rows->pooled))) fail_msg("%s", result_reason());
    uint64_t seed = 11;
    for (size_t i = 0; i < ROWS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned u = (unsigned)(seed >> 33);
        double a = (double)(u % 120) / 2, b = (double)(u / 256 % 2000) / 100 + a / 2;
        char text_a[32], text_b[32];
        (void)snprintf(text_a, sizeof text_a, "%.1f", a);
        (void)snprintf(text_b, sizeof text_b, "%.2f", b);
        rows->a[i] = i < 5 ? (double)NAN : a > 50 ? 50 : a;
        rows->b[i] = i % 7 == 0 ? (double)NAN : strtod(text_b, NULL);
        rows->positive[i] = u / 1024 % 3 == 0;
        const char *level = i % 300 == 17 || i == 30 ? "r" : i == 40 ? "zz" : i % 3 ? "p" : i % 11 ? "q" : NULL;
        const char *texts[] = {i < 5 ? NULL : text_a, i % 7 == 0 ? NULL : text_b, level, rows->positive[i] ? "1" : "0"};
        if (!result_ok(pooled_row(&rows->pooled, texts))) fail_msg("%s", result_reason());
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t present(const double *values, double *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (!isnan(values[i])) ret[count++] = values[i];
    qsort(ret, count, sizeof *ret, by_value);
    return count;
}

static void same_moments(const json_t *of, const double *values)
{
    double sorted[ROWS], mean = 0, squares = 0, cubes = 0;
    size_t count = present(values, sorted);
    double n = (double)count;
    for (size_t i = 0; i < count; i++) mean += sorted[i] / n;
    for (size_t i = 0; i < count; i++) squares += (sorted[i] - mean) * (sorted[i] - mean);
    for (size_t i = 0; i < count; i++) cubes += (sorted[i] - mean) * (sorted[i] - mean) * (sorted[i] - mean);
    near(number(of, "mean"), mean, 10, "mean");
    near(number(of, "sd"), sqrt(squares / (n - 1)), 10, "sd");
    near(number(of, "skewness"), sqrt(n * (n - 1)) / (n - 2) * (cubes / n) / pow(squares / n, 1.5), 1, "skewness");
    for (size_t q = 0; q < STATISTICS_SHARES; q++) {
        const json_t *found = json_object_get(json_array_get(json_object_get(of, "quantiles"), q), "value");
        double at = statistics_shares[q] * (n - 1);
        if (at + 1 < 10 || n - at < 10) {
            assert_true(json_is_null(found)); /* fewer than ten customers on one side */
            continue;
        }
        size_t low = (size_t)at, high = low + 1 < count ? low + 1 : low;
        near(json_number_value(found), sorted[low] + (sorted[high] - sorted[low]) * (at - (double)low), 1, "quantile");
    }
    near(number(json_object_get(of, "observed"), "from"), sorted[9], 1, "the tenth smallest");
    near(number(json_object_get(of, "observed"), "to"), sorted[count - 10], 1, "the tenth largest");
}

static double pearson(const struct rows *rows)
{
    double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if (isnan(rows->a[i]) || isnan(rows->b[i])) continue;
        n++, a += rows->a[i], b += rows->b[i];
        aa += rows->a[i] * rows->a[i], bb += rows->b[i] * rows->b[i], ab += rows->a[i] * rows->b[i];
    }
    return (ab - a * b / n) / sqrt((aa - a * a / n) * (bb - b * b / n));
}

/* The bins are a partition of the values (and of the missing where these are too few), and their counts are right. */
static void same_bins(const json_t *of, const double *values, const bool *positive)
{
    size_t index;
    const json_t *bin;
    json_array_foreach(json_object_get(of, "bins"), index, bin)
    {
        const json_t *from = json_object_get(bin, "from"), *to = json_object_get(bin, "to");
        bool missing = json_is_true(json_object_get(bin, "with_missing"));
        double rows = 0, positives = 0;
        for (size_t i = 0; i < ROWS; i++) {
            bool in = isnan(values[i]) ? missing
                                       : (json_is_null(from) || values[i] >= json_number_value(from)) &&
                                             (json_is_null(to) || values[i] < json_number_value(to));
            rows += in;
            positives += in && positive[i];
        }
        assert_true(rows == number(bin, "rows") && positives == number(bin, "positives"));
        assert_true(positives >= 10 && rows - positives >= 10);
    }
    assert_true(index >= 8);
}

static void figures_are_those_of_a_sort(void **state)
{
    (void)state;
    static struct rows rows;
    make(&rows);
    json_t *model = result_of(&rows.pooled, 1, 1, 0), *split = result_of(&rows.pooled, 7, 3, 5);
    assert_true(json_equal(model, split));
    same_moments(feature(model, "a"), rows.a);
    same_moments(feature(model, "b"), rows.b);
    same_bins(feature(model, "a"), rows.a, rows.positive);
    same_bins(feature(model, "b"), rows.b, rows.positive);
    near(correlation(model, "a", "b"), pearson(&rows), 1, "r");
    json_decref(model);
    json_decref(split);
    pooled_done(&rows.pooled);
}

/* Five missing, four of a level, one other: none is shown, nor what it would be subtracted from. */
static void small_cells_are_not_shown(void **state)
{
    (void)state;
    static struct rows rows;
    make(&rows);
    json_t *model = result_of(&rows.pooled, 3, 1, 0);
    const json_t *of = feature(model, "a"), *missing = json_object_get(of, "missing");
    assert_true(json_is_null(json_object_get(missing, "rows")));
    size_t index, joined = 0;
    const json_t *item;
    double sum = 0;
    json_array_foreach(json_object_get(of, "bins"), index, item)
    {
        joined += json_is_true(json_object_get(item, "with_missing"));
        sum += number(item, "rows");
    }
    assert_int_equal(joined, 1);
    assert_true(sum == ROWS);
    assert_true(json_is_number(json_object_get(json_object_get(feature(model, "b"), "missing"), "rows")));
    const json_t *levels = json_object_get(feature(model, "g"), "levels");
    joined = 0, sum = 0;
    json_array_foreach(levels, index, item)
    {
        const json_t *names = json_object_get(item, "levels");
        double count = number(item, "rows");
        sum += count;
        assert_true(count == 0 || (number(item, "positives") >= 10 && count - number(item, "positives") >= 10));
        if (!names) continue;
        joined++;
        assert_int_equal(json_array_size(names), 3); /* r, other, and the smallest of the others: missing */
    }
    assert_int_equal(joined, 1);
    assert_int_equal(json_array_size(levels), 4); /* p, q, s (nobody), and the group */
    assert_true(sum == ROWS);
    json_decref(model);
    pooled_done(&rows.pooled);
}

/* No target: no rates; a rare outcome: withheld, here and in the head. */
static void outcomes_are_left_out_where_they_must(void **state)
{
    (void)state;
    static const char head[] = "cofferdam: 1\nname: rows\npurpose: test\ntask: statistics\n",
                      tail[] = "features:\n  - {name: a, kind: number, min: 0, max: 50}\ncohort: {minimum: 3}\n";
    for (int target = 0; target < 2; target++) {
        char text[400];
        struct pooled pooled;
        (void)snprintf(text, sizeof text, "%s%s%s", head, target ? "target: {column: y, positive: \"1\"}\n" : "", tail);
        if (!result_ok(pooled_init(text, &pooled))) fail_msg("%s", result_reason());
        for (int i = 0; i < 200; i++) {
            char value[8];
            (void)snprintf(value, sizeof value, "%d", i % 50);
            const char *texts[] = {value, i < 6 ? "1" : "0"};
            if (!result_ok(pooled_row(&pooled, texts))) fail_msg("%s", result_reason());
        }
        json_t *model = result_of(&pooled, 3, 1, 0);
        const json_t *bin = json_array_get(json_object_get(feature(model, "a"), "bins"), 0);
        const json_t *positives = json_object_get(model, "positives");
        assert_int_equal(positives != NULL, target);
        assert_true(!target || json_is_null(json_object_get(positives, "train")));
        assert_null(json_object_get(bin, "positives"));
        assert_true(number(bin, "rows") >= 10);
        assert_int_equal(json_object_get(json_object_get(model, "cells"), "target") != NULL, target);
        json_decref(model);
        pooled_done(&pooled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taiwan_is_as_pandas_says),
        cmocka_unit_test(figures_are_those_of_a_sort),
        cmocka_unit_test(small_cells_are_not_shown),
        cmocka_unit_test(outcomes_are_left_out_where_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

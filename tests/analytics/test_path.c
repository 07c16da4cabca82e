/* Class weights and the path of penalties, against fits that do the same otherwise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/support/pooled.h"

enum { ROWS = 2500, NUMBERS = 8, PATH = 8 };

static uint64_t seed;
static double uniform(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 40) / 0x1p24;
}

/* copies: how often a positive row stands in the table. */
static void fill(const char *train, int copies, struct pooled *pooled)
{
    CLEANUP(buffer_done) struct buffer yaml = {0};
    const char *text;
    struct result result = buffer_text(&yaml, "cofferdam: 1\nname: rows\npurpose: test\ntask: logistic\n"
                                              "target: {column: y, positive: \"1\"}\n"
                                              "split: {column: fold, holdout: [\"0\"]}\nfeatures:\n");
    for (int k = 0; k < NUMBERS && result_ok(result); k++)
        result = buffer_format(&yaml, "  - {name: x%d, kind: number, min: -4, max: 4}\n", k);
    if (result_ok(result)) result = buffer_format(&yaml, "train: {%s, rounds: 60}\ncohort: {minimum: 3}\n", train);
    if (result_ok(result)) result = buffer_terminate(&yaml, &text);
    if (result_ok(result)) result = pooled_init(text, pooled);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    seed = 11;
    for (int i = 0; i < ROWS; i++) {
        char texts[NUMBERS + 2][32];
        const char *fields[NUMBERS + 2];
        double odds = -1.2, before = 0;
        for (int k = 0; k < NUMBERS; k++) {
            before = uniform() * 2 - 1 + 0.6 * before;
            odds += before * (k == 1 ? 1.5 : k == 4 ? -1 : k == 6 ? 0.2 : 0);
            (void)snprintf(texts[k], sizeof texts[k], "%.17g", before);
        }
        bool positive = uniform() < 1 / (1 + exp(-odds));
        (void)snprintf(texts[NUMBERS], sizeof texts[NUMBERS], "%d", positive);
        (void)snprintf(texts[NUMBERS + 1], sizeof texts[NUMBERS + 1], "%d", i % 4);
        for (int k = 0; k < NUMBERS + 2; k++) fields[k] = texts[k];
        for (int c = 0; c < (positive ? copies : 1); c++)
            if (!result_ok(pooled_row(pooled, fields))) fail_msg("%s", result_reason());
    }
}

static json_t *model_of(const char *train, int copies, struct pooled_options options)
{
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    fill(train, copies, &pooled);
    struct result result = pooled_run(&pooled, options, &fold);
    if (result_ok(result)) result = fold_result(&fold, 1, &text);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    json_t *model = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(model);
    assert_true(json_is_true(json_object_get(model, "converged")));
    return model;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("%s is no number", key);
    return json_number_value(value);
}

static double estimate(const json_t *model, size_t term)
{
    return number(json_array_get(json_object_get(model, "terms"), term), "estimate");
}

/* The estimates on the columns' own scale: copies of rows change mean and spread. */
static double slope(const json_t *model, size_t term)
{
    return estimate(model, term) / number(json_array_get(json_object_get(model, "terms"), term), "sd");
}

static const struct pooled_options one = {.parts = 1, .threads = 1}, five = {.parts = 5, .threads = 2, .shuffle = 3};

static void a_weight_is_that_many_copies(void **state)
{
    (void)state;
    json_t *weighted = model_of("class_weight: 3, tolerance: 1.0e-10", 1, one);
    json_t *again = model_of("class_weight: 3, tolerance: 1.0e-10", 1, five);
    json_t *copied = model_of("tolerance: 1.0e-10", 3, one);
    assert_true(json_equal(weighted, again));
    double worst = 0;
    for (size_t t = 1; t <= NUMBERS; t++) worst = fmax(worst, fabs(slope(weighted, t) - slope(copied, t)));
    printf("three copies: slopes within %.1e, log-likelihood within %.1e\n", worst,
           fabs(number(weighted, "log_likelihood") - number(copied, "log_likelihood")));
    assert_true(worst < 1e-8);
    assert_true(fabs(number(weighted, "log_likelihood") - number(copied, "log_likelihood")) < 1e-7);
    assert_true(fabs(number(weighted, "null_deviance") - number(copied, "null_deviance")) < 1e-7);
    /* It is no sample of three times the rows: nothing that says so is given. */
    assert_true(json_is_null(json_object_get(weighted, "aic")));
    assert_true(json_is_null(json_object_get(weighted, "lr")));
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(weighted, "terms"), 1), "std_error")));
    json_decref(weighted);
    json_decref(again);
    json_decref(copied);
}

static void balanced_outcomes_weigh_the_same(void **state)
{
    (void)state;
    json_t *balanced = model_of("class_weight: balanced, tolerance: 1.0e-10", 1, five);
    const json_t *weights = json_object_get(json_object_get(balanced, "fit"), "class_weights");
    double rows = number(json_object_get(balanced, "rows"), "train");
    double positives = number(json_object_get(balanced, "positives"), "train");
    assert_true(fabs(number(weights, "positive") - rows / (2 * positives)) < 1e-12);
    assert_true(fabs(number(weights, "negative") - rows / (2 * (rows - positives))) < 1e-12);
    char train[80];
    (void)snprintf(train, sizeof train, "class_weight: %.17g, tolerance: 1.0e-10", (rows - positives) / positives);
    json_t *given = model_of(train, 1, one);
    for (size_t t = 0; t <= NUMBERS; t++) assert_true(fabs(estimate(balanced, t) - estimate(given, t)) < 1e-8);
    json_decref(balanced);
    json_decref(given);
}

static void a_path_is_its_fits(const char *l1)
{
    char train[120];
    (void)snprintf(train, sizeof train, "l1: %s, path: %d, tolerance: 1.0e-10", l1, PATH);
    json_t *model = model_of(train, 1, one), *again = model_of(train, 1, five);
    assert_true(json_equal(model, again));
    const json_t *path = json_object_get(json_object_get(model, "fit"), "path"), *tried;
    size_t index, chosen = PATH;
    double best = -INFINITY, before = INFINITY;
    assert_int_equal(json_array_size(path), PATH);
    json_array_foreach(path, index, tried)
    {
        double penalty = number(tried, "penalty"), held = number(tried, "holdout_log_likelihood");
        (void)snprintf(train, sizeof train, "l1: %s, penalty: %.17g, tolerance: 1.0e-10", l1, penalty);
        json_t *alone = model_of(train, 1, five);
        const json_t *metrics = json_object_get(json_object_get(alone, "metrics"), "holdout");
        double rows = number(json_object_get(alone, "rows"), "holdout"), terms = 0;
        for (size_t t = 1; t <= NUMBERS; t++) terms += estimate(alone, t) != 0;
        assert_true(penalty < before);
        assert_true(fabs(number(tried, "log_likelihood") - number(alone, "log_likelihood")) < 1e-7);
        assert_true(fabs(held + rows * number(metrics, "log_loss")) < 1e-6);
        assert_true(number(tried, "terms") == terms);
        if (json_object_get(tried, "chosen")) {
            chosen = index;
            assert_true(number(json_object_get(model, "fit"), "penalty") == penalty);
            for (size_t t = 0; t <= NUMBERS; t++) assert_true(fabs(estimate(model, t) - estimate(alone, t)) < 1e-8);
            assert_true(fabs(number(json_object_get(json_object_get(model, "metrics"), "holdout"), "auc") -
                             number(metrics, "auc")) <= 2 * number(metrics, "auc_error"));
        }
        if (held > best) best = held;
        before = penalty;
        json_decref(alone);
    }
    assert_true(chosen < PATH);
    assert_true(number(json_array_get(path, chosen), "holdout_log_likelihood") == best);
    /* The last penalty is a thousandth of the first. */
    assert_true(fabs(number(json_array_get(path, 0), "penalty") / before - 1000) < 1e-9);
    printf("l1 %s: penalty %zu of %d chosen, %.0f Newton steps\n", l1, chosen + 1, PATH,
           number(json_object_get(model, "fit"), "newton_steps"));
    json_decref(model);
    json_decref(again);
}

static void a_lasso_path_is_its_fits(void **state)
{
    (void)state;
    a_path_is_its_fits("1.0");
}

static void a_mixed_path_is_its_fits(void **state)
{
    (void)state;
    a_path_is_its_fits("0.3");
}

/* With the first penalty nothing is left; with one a little smaller, something is. */
static void the_first_penalty_is_the_least_that_leaves_nothing(void **state)
{
    (void)state;
    json_t *model = model_of("l1: 1.0, path: 2, tolerance: 1.0e-10", 1, one);
    const json_t *first = json_array_get(json_object_get(json_object_get(model, "fit"), "path"), 0);
    assert_true(number(first, "terms") == 0);
    char train[120];
    (void)snprintf(train, sizeof train, "l1: 1.0, penalty: %.17g, tolerance: 1.0e-12",
                   0.999 * number(first, "penalty"));
    json_t *smaller = model_of(train, 1, one);
    size_t terms = 0;
    for (size_t t = 1; t <= NUMBERS; t++) terms += estimate(smaller, t) != 0;
    assert_int_equal(terms, 1);
    json_decref(model);
    json_decref(smaller);
}

static void a_path_with_weights(void **state)
{
    (void)state;
    json_t *path = model_of("l1: 1.0, path: 4, class_weight: 3, tolerance: 1.0e-10", 1, five);
    char train[120];
    (void)snprintf(train, sizeof train, "l1: 1.0, penalty: %.17g, class_weight: 3, tolerance: 1.0e-10",
                   number(json_object_get(path, "fit"), "penalty"));
    json_t *alone = model_of(train, 1, one);
    for (size_t t = 0; t <= NUMBERS; t++) assert_true(fabs(estimate(path, t) - estimate(alone, t)) < 1e-8);
    json_decref(path);
    json_decref(alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weight_is_that_many_copies),
        cmocka_unit_test(balanced_outcomes_weigh_the_same),
        cmocka_unit_test(a_lasso_path_is_its_fits),
        cmocka_unit_test(a_mixed_path_is_its_fits),
        cmocka_unit_test(the_first_penalty_is_the_least_that_leaves_nothing),
        cmocka_unit_test(a_path_with_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

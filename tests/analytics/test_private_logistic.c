/* The task `logistic` under differential privacy: the norms it claims, a model close to the exact one when noise is
 * small, errors as large as it says, and no noise that harms. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/logistic_private.h"
#include "tests/support/ok.h"
#include "tests/support/private_model.h"
#include "tests/support/seeded.h"
#include "tests/support/sensitivity.h"

enum { BANKS = 5, TEXT_BYTES = 4096 };
static const char head[] = "cofferdam: 1\nname: rows\npurpose: test\ntask: logistic\n"
                           "target: {column: y, positive: \"1\"}\nsplit: {fraction: 0.3, seed: a}\n";

static uint64_t seed_state = 1;
static double uniform(void)
{
    seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed_state >> 40) / 0x1p24;
}
static unsigned draw(unsigned below)
{
    return (unsigned)(uniform() * below);
}

static const json_t *term(const json_t *model, size_t index)
{
    return json_array_get(json_object_get(model, "terms"), index);
}

/* ---- two numbers, a category with a level that nobody has */

static void make(struct pooled *pooled, const char *privacy, unsigned rows)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text,
                   "%sprivacy: {%s}\nfeatures:\n"
                   "  - {name: a, kind: number, min: -3, max: 3, missing: 0, outside: clamp}\n"
                   "  - {name: b, kind: number, min: 0, max: 10, missing: mean, outside: missing}\n"
                   "  - {name: g, kind: category, levels: [p, q, s], baseline: p, missing: level, other: level}\n"
                   "cohort: {minimum: 3, rows: 100000}\n",
                   head, privacy);
    OK(pooled_init(text, pooled));
    seed_state = 7;
    for (unsigned i = 0; i < rows; i++) {
        char a[32], b[32];
        double x = (uniform() + uniform() + uniform() - 1.5) * 2, z = uniform() * 10;
        bool q = uniform() < 0.4;
        bool positive = uniform() < 1 / (1 + exp(1 - x - 0.2 * z + (q ? 0.8 : 0)));
        (void)snprintf(a, sizeof a, "%.4f", x);
        (void)snprintf(b, sizeof b, "%.4f", z);
        const char *const texts[] = {uniform() < 0.02 ? NULL : a, uniform() < 0.05 ? NULL : b, q ? "q" : "p",
                                     positive ? "1" : "0"};
        OK(pooled_row(pooled, texts));
    }
}

static void a_large_epsilon_gives_almost_the_exact_model(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "epsilon: 100, delta: 1.0e-6", 20000);
    json_t *found = noisy_model(&pooled, BANKS, "close"), *exact = exact_model(&pooled, BANKS);
    for (size_t t = 0; t < 4; t++) {
        double error = fabs(sample_number(term(found, t), "estimate") - sample_number(term(exact, t), "estimate"));
        if (!(error < 0.06)) fail_msg("term %zu is off by %g", t, error);
        double ratio = sample_number(term(found, t), "std_error") / sample_number(term(exact, t), "std_error");
        if (!(ratio > 0.9 && ratio < 1.2)) fail_msg("the error of term %zu is %g of the exact one", t, ratio);
    }
    const json_t *metrics = json_object_get(json_object_get(found, "metrics"), "holdout");
    const json_t *true_metrics = json_object_get(json_object_get(exact, "metrics"), "holdout");
    assert_true(fabs(sample_number(metrics, "auc") - sample_number(true_metrics, "auc")) < 0.01);
    assert_true(fabs(sample_number(metrics, "brier") - sample_number(true_metrics, "brier")) < 0.003);
    json_decref(found);
    json_decref(exact);
    pooled_done(&pooled);
}

/* A coefficient of a level that nobody has would be noise alone. */
static void a_level_of_nobody_scores_as_the_baseline(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "epsilon: 2, delta: 1.0e-6", 20000);
    json_t *found = noisy_model(&pooled, BANKS, "nobody");
    for (size_t t = 4; t < 7; t++) { /* g=s, g=missing, g=other */
        assert_true(json_is_null(json_object_get(term(found, t), "estimate")));
        assert_true(json_is_true(json_object_get(term(found, t), "aliased")));
    }
    json_decref(found);
    pooled_done(&pooled);
}

/* ---- errors as claimed */

static void noise_is_as_large_as_the_model_says(void **state)
{
    (void)state;
    enum { SEEDS = 150 };
    struct pooled pooled;
    make(&pooled, "epsilon: 1, delta: 1.0e-6", 20000);
    double sum[4] = {0}, squares[4] = {0}, claimed[4] = {0}, areas = 0, area_squares = 0, area_claimed = 0, rows = 0;
    double row_squares = 0, rows_claimed = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        char text[32];
        (void)snprintf(text, sizeof text, "noise %u", seed);
        json_t *model = noisy_model(&pooled, BANKS, text);
        for (size_t t = 0; t < 4; t++) {
            double estimate = sample_number(term(model, t), "estimate"),
                   error = sample_number(term(model, t), "std_error");
            sum[t] += estimate;
            squares[t] += estimate * estimate;
            claimed[t] += error / SEEDS;
        }
        const json_t *metrics = json_object_get(json_object_get(model, "metrics"), "train");
        double auc = sample_number(metrics, "auc");
        areas += auc;
        area_squares += auc * auc;
        area_claimed += sample_number(metrics, "auc_error") / 2 / SEEDS;
        double train = sample_number(json_object_get(model, "rows"), "train");
        rows += train;
        row_squares += train * train;
        rows_claimed = sqrt(2) * sample_number(json_object_get(json_object_get(model, "privacy"), "noise_sd"), "cases");
        json_decref(model);
    }
    for (size_t t = 0; t < 4; t++) {
        double mean = sum[t] / SEEDS, sd = sqrt(squares[t] / SEEDS - mean * mean);
        print_message("term %zu: mean %.4f, sd %.4f, claimed %.4f (with the sample's)\n", t, mean, sd, claimed[t]);
        assert_true(sd < 1.1 * claimed[t]); /* what is claimed holds the sample's error, too, which is fixed here */
    }
    double auc_mean = areas / SEEDS, auc_sd = sqrt(area_squares / SEEDS - auc_mean * auc_mean);
    print_message("AUC: sd %.4f, claimed %.4f\n", auc_sd, area_claimed);
    assert_true(auc_sd > 0.85 * area_claimed && auc_sd < 1.2 * area_claimed);
    double mean = rows / SEEDS, sd = sqrt(row_squares / SEEDS - mean * mean);
    print_message("rows: sd %.2f, claimed %.2f\n", sd, rows_claimed);
    assert_true(sd > 0.85 * rows_claimed && sd < 1.15 * rows_claimed);
    pooled_done(&pooled);
}

/* ---- no noise harms */

static void check_real(const json_t *value, double least, double most, const char *what)
{
    if (json_is_null(value)) return;
    if (!json_is_number(value) || !(json_number_value(value) >= least && json_number_value(value) <= most))
        fail_msg("%s is %g", what, json_number_value(value));
}

static void check_metrics(const json_t *metrics)
{
    static const char *const names[] = {"auc", "ks", "brier"};
    for (size_t i = 0; i < 3; i++) check_real(json_object_get(metrics, names[i]), 0, 1, names[i]);
    check_real(json_object_get(metrics, "auc_error"), 0, 1e9, "auc_error");
}

/* Thirty rows under an epsilon of 0.01: the run ends with a model of noise, or for the reason that there is no row of
 * one outcome, never otherwise. */
static void noise_over_all_never_harms(void **state)
{
    (void)state;
    struct pooled pooled;
    unsigned done = 0;
    make(&pooled, "epsilon: 0.01, delta: 1.0e-6", 30);
    for (unsigned seed = 0; seed < 200; seed++) {
        char text[32];
        CLEANUP(fold_done) struct fold fold = {0};
        CLEANUP(buffer_done) struct buffer json = {0};
        (void)snprintf(text, sizeof text, "extreme %u", seed);
        CLEANUP(random_source_freep) struct random_source *source = seeded(text);
        struct result result = noisy_run(&pooled, (struct noisy_options){.banks = BANKS, .source = source}, &fold);
        if (!result_ok(result)) {
            assert_int_equal(result.category, CATEGORY_USAGE);
            assert_non_null(strstr(result_reason(), "no training row of one outcome"));
            continue;
        }
        done++;
        OK(fold_result(&fold, BANKS, &json));
        json_t *model = json_loadb((const char *)json.data, json.length, 0, NULL);
        assert_non_null(model);
        for (size_t t = 0; t < 7; t++) check_real(json_object_get(term(model, t), "estimate"), -1e6, 1e6, "a term");
        check_metrics(json_object_get(json_object_get(model, "metrics"), "train"));
        json_decref(model);
    }
    assert_true(done > 20);
    pooled_done(&pooled);
}

/* ---- norms */

static unsigned random_plan(struct pooled *pooled, unsigned kinds[6])
{
    static const char *const features[] = {
        "kind: number, min: -5, max: 15, missing: 2, outside: clamp",
        "kind: number, min: 0, max: 1, missing: mean, outside: missing, knots: [0.4]",
        "kind: category, levels: [\"0\", \"1\", \"2\"], missing: level, other: level",
    };
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *yaml;
    unsigned count = 2 + draw(5);
    OK(buffer_format(&text, "%sprivacy: {epsilon: %s, delta: 1.0e-6}\nfeatures:\n", head, draw(2) ? "0.5" : "50"));
    for (unsigned f = 0; f < count; f++)
        OK(buffer_format(&text, "  - {name: x%u, %s}\n", f, features[kinds[f] = draw(3)]));
    if (draw(2)) OK(buffer_text(&text, "interactions: [{of: [x0, x1]}]\n"));
    OK(buffer_format(&text, "train: {penalty: %u}\ncohort: {minimum: 3}\n", draw(2)));
    OK(buffer_terminate(&text, &yaml));
    OK(pooled_init(yaml, pooled));
    return count;
}

/* Values at the bounds and beyond, which move sums the most, and some within. */
static void random_row(struct pooled *pooled, const unsigned *kinds, unsigned count)
{
    static const char *const values[3][6] = {
        {"-5", "15", "-5", "99", "3", NULL}, {"0", "1", "7", "0.3", "0.9", NULL}, {"0", "1", "2", "other", "0", NULL}};
    const char *texts[7];
    for (unsigned f = 0; f < count; f++) texts[f] = values[kinds[f]][draw(6)];
    texts[count] = draw(2) ? "1" : "0";
    OK(pooled_row(pooled, texts));
}

static void no_row_moves_a_sum_beyond_its_norm(void **state)
{
    (void)state;
    double nearest = 0;
    unsigned done = 0;
    seed_state = 5;
    for (unsigned round = 0; round < 60; round++) {
        char text[32];
        CLEANUP(fold_done) struct fold fold = {0};
        struct pooled pooled;
        unsigned kinds[6], count = random_plan(&pooled, kinds);
        (void)snprintf(text, sizeof text, "norms %u", round);
        CLEANUP(random_source_freep) struct random_source *source = seeded(text);
        for (unsigned row = 0; row < 24; row++) random_row(&pooled, kinds, count);
        const struct noisy_options options = {
            .banks = 3 + draw(5), .source = source, .each = sensitivity_check, .context = &nearest};
        struct result result = noisy_run(&pooled, options, &fold);
        CLEANUP(buffer_done) struct buffer model = {0};
        done += result_ok(result);
        if (!result_ok(result)) assert_int_equal(result.category, CATEGORY_USAGE);
        if (result_ok(result)) OK(fold_result(&fold, options.banks, &model)); /* also of numbers or categories alone */
        pooled_done(&pooled);
    }
    print_message("%u of 60 runs went to their end; nearest to a norm: %.6f of it\n", done, nearest);
    assert_true(done > 20 && nearest > 0.999); /* the norms are met, so the test is one */
}

/* ---- banks and threads */

static void split_rows_add_up_to_the_same_sums(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "epsilon: 4, delta: 1.0e-6", 2000);
    same_however_split(&pooled);
    pooled_done(&pooled);
}

/* ---- plans */

static void refused(const char *feature, const char *more, const char *words)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%sfeatures:\n  - {name: x, %s}\n%s\ncohort: {minimum: 3}\n", head, feature,
                   more);
    plan_refused(text, words);
}

static void what_has_no_private_form_is_refused(void **state)
{
    (void)state;
#define NUMBER(rules) "kind: number, min: 0, max: 1, " rules
#define PRIVACY "privacy: {epsilon: 1, delta: 1.0e-6"
    refused(NUMBER("missing: median, outside: clamp, resolution: 0.1"), PRIVACY "}", "x: a median has no private form");
    refused(NUMBER("missing: mean"), PRIVACY "}", "outside");
    refused(NUMBER("outside: clamp"), PRIVACY "}", "missing");
    refused(NUMBER("missing: mean, outside: clamp"), PRIVACY "}\ntrain: {penalty: 1, l1: 0.5}", "train.l1");
    refused(NUMBER("missing: mean, outside: clamp"), PRIVACY "}\ntrain: {class_weight: balanced}", "class_weight");
    refused(NUMBER("missing: mean, outside: clamp"), PRIVACY ", split: {counts: 1, fit: 1}}", "\"scale\"");
    refused(NUMBER("missing: mean, outside: clamp"),
            PRIVACY ", split: {counts: 1, scale: 1, cells: 1, fit: 1, scores: 1}}", "\"cells\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_epsilon_gives_almost_the_exact_model),
        cmocka_unit_test(a_level_of_nobody_scores_as_the_baseline),
        cmocka_unit_test(noise_is_as_large_as_the_model_says),
        cmocka_unit_test(noise_over_all_never_harms),
        cmocka_unit_test(no_row_moves_a_sum_beyond_its_norm),
        cmocka_unit_test(split_rows_add_up_to_the_same_sums),
        cmocka_unit_test(what_has_no_private_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The task `scorecard` under differential privacy: the norms it claims, a scorecard close to the exact one when noise
 * is small, features left out without a second fit, and no noise that harms. */
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

#include "analytics/export/export.h"
#include "analytics/model.h"
#include "analytics/scorecard_private.h"
#include "tests/support/ok.h"
#include "tests/support/private_model.h"
#include "tests/support/seeded.h"
#include "tests/support/sensitivity.h"

enum { BANKS = 5, TEXT_BYTES = 4096, ROWS_SCORED = 1000 };
static const char head[] = "cofferdam: 1\nname: rows\npurpose: test\ntask: scorecard\n"
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

static json_t *parsed(const struct fold *fold, struct model *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    OK(fold_result(fold, BANKS, &text));
    if (ret) OK(model_parse(buffer_view(&text), "model.json", ret));
    json_t *model = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(model);
    return model;
}

static json_t *private_of(const struct pooled *pooled, const char *seed, struct model *ret)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(random_source_freep) struct random_source *source = seeded(seed);
    OK(noisy_run(pooled, (struct noisy_options){.banks = BANKS, .source = source}, &fold));
    return parsed(&fold, ret);
}

static json_t *exact_of(struct pooled *pooled, struct model *ret)
{
    CLEANUP(fold_done) struct fold fold = {0};
    struct plan_privacy before = pooled->plan.privacy;
    pooled->plan.privacy = (struct plan_privacy){0};
    OK(pooled_run(pooled, (struct pooled_options){.parts = 1, .threads = 1}, &fold));
    json_t *model = parsed(&fold, ret);
    pooled->plan.privacy = before;
    return model;
}

static const json_t *named(const json_t *array, const char *key, const char *name)
{
    size_t index;
    const json_t *item;
    json_array_foreach(array, index,
                       item) if (strcmp(json_string_value(json_object_get(item, key)), name) == 0) return item;
    return NULL;
}

/* ---- two numbers, one that the first stands for, one that the others turn around, and a category */

static const char features_text[] =
    "features:\n"
    "  - {name: a, kind: number, min: -4, max: 4, missing: mean, outside: clamp, resolution: 0.01, "
    "cuts: [-1.5, -0.5, 0.5, 1.5]}\n"
    "  - {name: b, kind: number, min: 0, max: 10, missing: mean, outside: missing, resolution: 0.01, special: [-1], "
    "cuts: [2, 4, 6, 8]}\n"
    "  - {name: g, kind: category, levels: [p, q, s], missing: level, other: level}\n"
    "  - {name: twin, kind: number, min: -4, max: 4, missing: 0, outside: clamp, resolution: 0.01, cuts: [-1.5, -0.5, "
    "0.5, 1.5]}\n"
    "  - {name: turned, kind: number, min: -6, max: 6, missing: 0, outside: clamp, resolution: 0.01}\n"
    "cohort: {minimum: 3, rows: 100000}\n";

static void make(struct pooled *pooled, const char *privacy, unsigned rows)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%sprivacy: {%s}\n%s", head, privacy, features_text);
    OK(pooled_init(text, pooled));
    seed_state = 7;
    for (unsigned i = 0; i < rows; i++) {
        char a[32], b[32], twin[32], turned[32];
        double x = (uniform() + uniform() + uniform() - 1.5) * 2, z = uniform() * 10, u = (uniform() - 0.5) * 4;
        bool q = uniform() < 0.4;
        bool positive = uniform() < 1 / (1 + exp(1.2 - 1.8 * x - 0.2 * z + 0.5 * u + (q ? 0.8 : 0)));
        (void)snprintf(a, sizeof a, "%.2f", x);
        (void)snprintf(b, sizeof b, "%.2f", uniform() < 0.1 ? -1 : z);
        (void)snprintf(twin, sizeof twin, "%.2f", x + 0.8 * (uniform() - 0.5));
        (void)snprintf(turned, sizeof turned, "%.2f", x + u);
        const char *const texts[] = {a, uniform() < 0.05 ? NULL : b, q ? "q" : "p", twin, turned, positive ? "1" : "0"};
        OK(pooled_row(pooled, texts));
    }
}

static double mean_difference(const struct pooled *pooled, const struct model *a, const struct model *b)
{
    static double odds[2][ROWS_SCORED];
    double sum = 0;
    OK(model_score(a, pooled->table, 0, ROWS_SCORED, odds[0], NULL));
    OK(model_score(b, pooled->table, 0, ROWS_SCORED, odds[1], NULL));
    for (size_t r = 0; r < ROWS_SCORED; r++) sum += fabs(odds[0][r] - odds[1][r]) / ROWS_SCORED;
    return sum;
}

static void check_reason(const json_t *model, const char *feature, const char *words)
{
    const json_t *left = named(json_object_get(model, "left_out"), "name", feature);
    if (!left) fail_msg("%s is not left out", feature);
    const char *reason = json_string_value(json_object_get(left, "reason"));
    if (!strstr(reason, words)) fail_msg("%s is left out as \"%s\"", feature, reason);
}

/* Scores that agree say that the curvature does for features left out what a second fit does. */
static void a_large_epsilon_gives_almost_the_exact_scorecard(void **state)
{
    (void)state;
    struct pooled pooled;
    struct model models[2] = {0};
    make(&pooled, "epsilon: 100, delta: 1.0e-6", 20000);
    json_t *found = private_of(&pooled, "close", &models[0]), *exact = exact_of(&pooled, &models[1]);
    double difference = mean_difference(&pooled, &models[0], &models[1]);
    print_message("log-odds differ by %.4f in the mean\n", difference);
    assert_true(difference < 0.05);
    check_reason(found, "twin", "correlated");
    check_reason(found, "turned", "wrong sign");
    check_reason(exact, "twin", "correlated");
    check_reason(exact, "turned", "wrong sign");
    double r = sample_number(named(json_object_get(found, "left_out"), "name", "twin"), "r");
    assert_true(fabs(r - sample_number(named(json_object_get(exact, "left_out"), "name", "twin"), "r")) < 0.05);
    for (size_t t = 1; t < json_array_size(json_object_get(exact, "terms")); t++) {
        const json_t *one = json_array_get(json_object_get(exact, "terms"), t);
        const json_t *of =
            named(json_object_get(found, "terms"), "term", json_string_value(json_object_get(one, "term")));
        assert_non_null(of);
        assert_true(fabs(sample_number(of, "estimate") - sample_number(one, "estimate")) < 0.06);
        double ratio = sample_number(of, "std_error") / sample_number(one, "std_error");
        if (!(ratio > 0.85 && ratio < 1.3)) fail_msg("an error is %g of the exact one", ratio);
        assert_true(json_is_null(json_object_get(of, "z")));
    }
    const json_t *metrics = json_object_get(json_object_get(found, "metrics"), "holdout");
    const json_t *true_metrics = json_object_get(json_object_get(exact, "metrics"), "holdout");
    assert_true(fabs(sample_number(metrics, "auc") - sample_number(true_metrics, "auc")) < 0.01);
    assert_int_equal(json_integer_value(json_object_get(found, "fits")), 1);
    for (size_t i = 0; i < 2; i++) model_done(&models[i]);
    json_decref(found);
    json_decref(exact);
    pooled_done(&pooled);
}

static void the_model_says_what_its_noise_is(void **state)
{
    (void)state;
    static const char *const fields[] = {"cases", "counts", "outside", "histograms", "cells", "score counts"};
    struct pooled pooled;
    make(&pooled, "epsilon: 4, delta: 1.0e-6", 20000);
    json_t *model = private_of(&pooled, "says", NULL), *privacy = json_object_get(model, "privacy");
    assert_true(sample_number(privacy, "epsilon") == 4);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_true(sample_number(json_object_get(privacy, "noise_sd"), fields[i]) > 0.5);
    assert_int_equal(json_object_size(json_object_get(privacy, "noise_sd")), 6);
    assert_true(json_is_null(json_object_get(model, "converged")));
    json_decref(model);
    pooled_done(&pooled);
}

static void other_engines_take_a_private_scorecard(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "epsilon: 4, delta: 1.0e-6", 20000);
    struct model model = {0};
    json_t *json = private_of(&pooled, "export", &model);
    const struct export_source source = {"rows", "hash", "1"};
    CLEANUP(buffer_done) struct buffer sql = {0};
    CLEANUP(buffer_done) struct buffer pmml = {0};
    CLEANUP(buffer_done) struct buffer onnx = {0};
    const char *text;
    OK(export_sql(&model, source, "rows", &sql));
    OK(export_pmml(&model, source, &pmml));
    OK(export_onnx(&model, source, &onnx));
    assert_true(onnx.length > 0);
    OK(buffer_terminate(&sql, &text));
    assert_non_null(strstr(text, "points_a"));
    assert_null(strstr(text, "points_turned"));
    OK(buffer_terminate(&pmml, &text));
    assert_non_null(strstr(text, "<Scorecard"));
    model_done(&model);
    json_decref(json);
    pooled_done(&pooled);
}

/* ---- no noise harms */

static void check_real(const json_t *value, double least, double most, const char *what)
{
    if (json_is_null(value)) return;
    if (!json_is_number(value) || !(json_number_value(value) >= least && json_number_value(value) <= most))
        fail_msg("%s is %g", what, json_number_value(value));
}

static void check_model(const json_t *model)
{
    size_t f, k;
    const json_t *feature, *class;
    json_array_foreach(json_object_get(model, "features"), f, feature)
    {
        check_real(json_object_get(feature, "iv"), 0, 100, "an information value");
        json_array_foreach(json_object_get(feature, "classes"), k, class)
        {
            if (!json_object_get(class, "woe")) continue;
            check_real(json_object_get(class, "woe"), -32, 32, "a weight");
            check_real(json_object_get(class, "points"), -1e9, 1e9, "a class's points");
            check_real(json_object_get(class, "rate"), 0, 1, "a rate");
        }
    }
    json_array_foreach(json_object_get(model, "terms"), k, class)
        check_real(json_object_get(class, "estimate"), k == 0 ? -1e6 : 0, 1e6, "a coefficient");
    check_real(json_object_get(json_object_get(json_object_get(model, "metrics"), "train"), "auc"), 0, 1, "auc");
}

/* Runs end with a scorecard of noise, or because there are too few rows, never otherwise. */
static unsigned extreme(const char *privacy, unsigned rows, unsigned seeds)
{
    struct pooled pooled;
    unsigned done = 0;
    make(&pooled, privacy, rows);
    for (unsigned seed = 0; seed < seeds; seed++) {
        char text[32];
        CLEANUP(fold_done) struct fold fold = {0};
        (void)snprintf(text, sizeof text, "extreme %u", seed);
        CLEANUP(random_source_freep) struct random_source *source = seeded(text);
        struct result result = noisy_run(&pooled, (struct noisy_options){.banks = BANKS, .source = source}, &fold);
        if (!result_ok(result)) {
            assert_int_equal(result.category, CATEGORY_USAGE);
            if (!strstr(result_reason(), "too few rows under the noise")) fail_msg("%s", result_reason());
            continue;
        }
        struct model model = {0};
        json_t *json = parsed(&fold, &model);
        done++;
        check_model(json);
        model_done(&model);
        json_decref(json);
    }
    pooled_done(&pooled);
    return done;
}

static void noise_over_all_never_harms(void **state)
{
    (void)state;
    unsigned none = extreme("epsilon: 0.01, delta: 1.0e-6", 30, 200);
    unsigned some = extreme(
        "epsilon: 0.3, delta: 1.0e-6, split: {counts: 9, scale: 1, cells: 9, fit: 0.01, scores: 0.01}", 2000, 200);
    print_message("%u of 200 runs over 30 rows made a scorecard, %u over 2,000\n", none, some);
    assert_true(some > 20);
}

/* ---- norms */

static unsigned random_plan(struct pooled *pooled, unsigned kinds[6])
{
    static const char *const features[] = {
        "kind: number, min: -5, max: 15, missing: 2, outside: clamp, resolution: 1, special: [99, 98]",
        "kind: number, min: 0, max: 1, missing: mean, outside: missing, resolution: 0.01, cuts: [0.4]",
        "kind: category, levels: [\"0\", \"1\", \"2\"], missing: level, other: level",
    };
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *yaml;
    unsigned count = 2 + draw(5);
    OK(buffer_format(&text, "%sprivacy: {epsilon: %s, delta: 1.0e-6}\nfeatures:\n", head, draw(4) ? "100" : "20"));
    for (unsigned f = 0; f < count; f++)
        OK(buffer_format(&text, "  - {name: x%u, %s}\n", f, features[kinds[f] = draw(3)]));
    OK(buffer_format(&text, "selection: {iv: 0, signs: %s}\nbinning: {fine: 6}\ncells: {minimum: 1}\n",
                     draw(3) ? "any" : "check"));
    OK(buffer_format(&text, "train: {penalty: %u}\ncohort: {minimum: 3}\n", draw(2)));
    OK(buffer_terminate(&text, &yaml));
    OK(pooled_init(yaml, pooled));
    return count;
}

/* Values at the bounds and beyond, which move sums the most, and some within. */
static void random_row(struct pooled *pooled, const unsigned *kinds, unsigned count)
{
    static const char *const values[3][6] = {
        {"-5", "15", "99", "98", "3", NULL}, {"0", "1", "7", "0.3", "0.9", NULL}, {"0", "1", "2", "other", "0", NULL}};
    const char *texts[7];
    unsigned risky = draw(2);
    for (unsigned f = 0; f < count; f++) texts[f] = values[kinds[f]][draw(3) ? 3 * risky + draw(3) : draw(6)];
    texts[count] = draw(5) ? (risky ? "1" : "0") : (risky ? "0" : "1");
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
        for (unsigned row = 0; row < 40; row++) random_row(&pooled, kinds, count);
        const struct noisy_options options = {
            .banks = 3 + draw(5), .source = source, .each = sensitivity_check, .context = &nearest};
        struct result result = noisy_run(&pooled, options, &fold);
        done += result_ok(result);
        if (!result_ok(result)) assert_int_equal(result.category, CATEGORY_USAGE);
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
    make(&pooled, "epsilon: 4, delta: 1.0e-6", 5000);
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
#define LEVELS "kind: category, levels: [a, b], missing: level, other: level"
#define PRIVACY "privacy: {epsilon: 1, delta: 1.0e-6"
    refused(NUMBER("missing: mean"), PRIVACY "}", "outside");
    refused(NUMBER("outside: clamp"), PRIVACY "}", "missing");
    refused(NUMBER("missing: mean, outside: clamp"), PRIVACY ", split: {counts: 1, scale: 1, cells: 1, fit: 1}}",
            "\"scores\"");
    refused(NUMBER("missing: mean, outside: clamp"), PRIVACY ", split: {counts: 1, cells: 1, fit: 1, scores: 1}}",
            "\"scale\"");
    refused(LEVELS, PRIVACY ", split: {counts: 1, cells: 1, fit: 1, scores: 1}}", "\"cells\"");
    refused(LEVELS, PRIVACY ", split: {counts: 1, fit: 1}}", "\"scores\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_epsilon_gives_almost_the_exact_scorecard),
        cmocka_unit_test(the_model_says_what_its_noise_is),
        cmocka_unit_test(other_engines_take_a_private_scorecard),
        cmocka_unit_test(noise_over_all_never_harms),
        cmocka_unit_test(no_row_moves_a_sum_beyond_its_norm),
        cmocka_unit_test(split_rows_add_up_to_the_same_sums),
        cmocka_unit_test(what_has_no_private_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

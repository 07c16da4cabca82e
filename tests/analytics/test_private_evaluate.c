/* The task `evaluate` under differential privacy: the norms it claims, the noise it reports, rows that a model refuses,
 * and that no noise harms it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/evaluate_private.h"
#include "tests/support/ok.h"
#include "tests/support/private_model.h"
#include "tests/support/seeded.h"
#include "tests/support/sensitivity.h"

enum { BANKS = 5, TEXT_BYTES = 8192 };

#define MODEL(slope, level, refuses, histogram)                                                                        \
    "{\"cofferdam\":1,\"task\":\"logistic\",\"target\":{\"column\":\"y\",\"positive\":\"1\"},"                         \
    "\"rows\":{\"train\":1000},\"terms\":["                                                                            \
    "{\"term\":\"(intercept)\",\"estimate\":-1.1},{\"term\":\"x\",\"estimate\":" slope "},"                            \
    "{\"term\":\"g=b\",\"estimate\":" level "}],\"features\":["                                                        \
    "{\"name\":\"x\",\"kind\":\"number\",\"min\":0,\"max\":100," refuses ",\"mean\":50,\"sd\":25,"                     \
    "\"bins\":{\"edges\":[30,70],\"rows\":[300,400,200,100],\"missing\":3}},"                                          \
    "{\"name\":\"g\",\"kind\":\"category\",\"missing\":\"refuse\",\"other\":\"refuse\",\"baseline\":\"a\","            \
    "\"levels\":[{\"level\":\"a\",\"rows\":600,\"positives\":200},{\"level\":\"b\",\"rows\":400,\"positives\":150}]}"  \
    "]" histogram
#define HISTOGRAM                                                                                                      \
    ",\"score_histogram\":{\"edges\":[-2,-1,-0.5],\"train_negatives\":[100,200,150,50],\"train_positives\":[10,40,80," \
    "70]}"
#define TAKES "\"outside\":\"clamp\",\"missing\":\"mean\",\"fill\":40"
#define REFUSES "\"outside\":\"refuse\",\"missing\":\"refuse\""
static const char first_model[] = MODEL("0.8", "0.5", TAKES, HISTOGRAM);
static const char second_model[] = MODEL("0.5", "-0.3", TAKES, "");
static const char strict_model[] = MODEL("0.5", "-0.3", REFUSES, "");

static uint64_t seed_state = 1;
static unsigned draw(unsigned below)
{
    seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed_state >> 33) % below);
}

static void near(double found, double expected, double within, const char *what)
{
    if (!(fabs(found - expected) <= within)) fail_msg("%s: %.10g, expected %.10g", what, found, expected);
}

/* ---- plans and rows */

static void put_model(const char *name, const char *text, struct buffer *out)
{
    char whole[TEXT_BYTES];
    (void)snprintf(whole, sizeof whole, "%s}", text);
    json_t *json = json_loads(whole, 0, NULL);
    assert_non_null(json);
    OK(json_put_hash(json));
    OK(buffer_format(out, "  - name: %s\n    json: '", name));
    OK(json_text(json, JSON_COMPACT, out));
    OK(buffer_text(out, "'\n"));
    json_decref(json);
}

struct options {
    const char *privacy, *second, *more;
    bool split, refuse;
};

static void write_plan(struct options options, struct buffer *out)
{
    OK(buffer_format(out,
                     "cofferdam: 1\nname: e\npurpose: test\ntask: evaluate\ntarget: {column: y, positive: \"1\"}\n%s%s"
                     "features:\n"
                     "  - {name: x, kind: number, min: 0, max: 100, outside: clamp, missing: level}\n"
                     "  - {name: g, kind: category, levels: [a, b], missing: %s, other: %s}\n"
                     "  - {name: sex, kind: category, levels: [f, m], missing: level, other: level}\nmodels:\n",
                     options.privacy, options.split ? "split: {fraction: 0.3, seed: s}\n" : "",
                     options.refuse ? "refuse" : "level", options.refuse ? "refuse" : "level"));
    put_model("first", first_model, out);
    if (options.second) put_model("second", options.second, out);
    OK(buffer_format(out, "%scohort: {minimum: 3}\n", options.more));
}

static void make(struct options options, struct pooled *pooled)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *yaml;
    write_plan(options, &text);
    OK(buffer_terminate(&text, &yaml));
    OK(pooled_init(yaml, pooled));
}

#define AT(epsilon) "privacy: {epsilon: " epsilon ", delta: 1.0e-6}\n"
static const char all_tables[] = "evaluate: {cutoffs: [0.2, 0.35, 0.5], group: sex}\n";

/* Rows that any of the models can score. */
static void fill(struct pooled *pooled, unsigned rows)
{
    seed_state = 77;
    for (unsigned i = 0; i < rows; i++) {
        double x = draw(105), odds = -1.1 + 0.8 * ((x > 100 ? 100 : x) - 50) / 25;
        bool b = draw(3) == 0;
        char text[16];
        (void)snprintf(text, sizeof text, "%.0f", x > 100 ? 100 : x);
        bool positive = draw(100000) / 1e5 < 1 / (1 + exp(-(odds + (b ? 0.6 : 0))));
        OK(pooled_row(
            pooled, (const char *const[]){text, b ? "b" : "a", draw(150) < 20 + x ? "f" : "m", positive ? "1" : "0"}));
    }
}

static json_t *finished(const struct fold *fold)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    OK(fold_result(fold, BANKS, &text));
    json_t *root = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(root);
    return root;
}

static json_t *model_of(const struct pooled *pooled, const char *seed)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(random_source_freep) struct random_source *source = seeded(seed);
    OK(noisy_run(pooled, (struct noisy_options){.banks = BANKS, .source = source}, &fold));
    assert_int_equal(fold.step, 1);
    return finished(&fold);
}

/* The plan's own sums, to which nothing is added. */
static json_t *without_noise(const struct pooled *pooled)
{
    CLEANUP(fold_done) struct fold fold = {0};
    OK(pooled_run(pooled, (struct pooled_options){.parts = 3, .threads = 2, .shuffle = 4}, &fold));
    return finished(&fold);
}

/* The exact evaluation of the same rows, whose models and plan refuse the same. */
static json_t *exact_of(struct options options, unsigned rows)
{
    struct pooled pooled;
    options.privacy = "";
    options.refuse = true;
    make(options, &pooled);
    fill(&pooled, rows);
    json_t *root = without_noise(&pooled);
    pooled_done(&pooled);
    return root;
}

static const json_t *set_of(const json_t *root, size_t model, const char *set)
{
    const json_t *found = json_object_get(json_array_get(json_object_get(root, "models"), model), set);
    assert_non_null(found);
    return found;
}

/* ---- close to exact figures */

/* Those that both tell; a noisy one is told from larger counts up. */
static void near_cutoffs(const json_t *found, const json_t *exact, double within)
{
    static const char *const keys[] = {"approval_rate", "bad_rate", "recall", "precision"};
    size_t told = 0;
    assert_int_equal(json_array_size(found), json_array_size(exact));
    for (size_t c = 0; c < json_array_size(found); c++) {
        const json_t *a = json_array_get(found, c), *b = json_array_get(exact, c);
        if (json_object_get(a, "withheld") || json_object_get(b, "withheld")) continue;
        told++;
        for (size_t k = 0; k < 4; k++) near(sample_number(a, keys[k]), sample_number(b, keys[k]), within, keys[k]);
    }
    assert_true(told > 0);
}

static void near_set(const json_t *found, const json_t *exact)
{
    near(sample_number(found, "auc"), sample_number(exact, "auc"), 2e-3 + 3 * sample_number(found, "auc_noise_sd"),
         "AUC");
    near(sample_number(found, "auc_std_error"), sample_number(exact, "auc_std_error"),
         0.2 * sample_number(exact, "auc_std_error"), "AUC's error");
    near(sample_number(found, "ks"), sample_number(exact, "ks"), 0.01 + 3 * sample_number(found, "ks_noise_sd"), "KS");
    near(sample_number(found, "brier"), sample_number(exact, "brier"), 2e-3, "Brier");
    assert_true(json_is_null(json_object_get(found, "log_loss")));
    for (size_t f = 0; f < 2; f++)
        near(sample_number(json_array_get(json_object_get(found, "features"), f), "psi"),
             sample_number(json_array_get(json_object_get(exact, "features"), f), "psi"), 0.02, "a feature's PSI");
    near_cutoffs(json_object_get(found, "cutoffs"), json_object_get(exact, "cutoffs"), 0.02);
    assert_true(json_array_size(json_object_get(found, "bands")) >= 5);
    for (size_t g = 0; g < 2; g++) {
        const json_t *a = json_array_get(json_object_get(found, "groups"), g);
        const json_t *b = json_array_get(json_object_get(exact, "groups"), g);
        near(sample_number(a, "rows"), sample_number(b, "rows"), 12, "a group");
        near(sample_number(a, "predicted"), sample_number(b, "predicted"), 0.01, "a group's prediction");
        near_cutoffs(json_object_get(a, "cutoffs"), json_object_get(b, "cutoffs"), 0.03);
    }
    for (size_t c = 0; c < 3; c++) {
        const json_t *a = json_array_get(json_object_get(found, "fairness"), c);
        const json_t *b = json_array_get(json_object_get(exact, "fairness"), c);
        if (json_is_null(json_object_get(b, "adverse_impact_ratio"))) continue; /* a group is too small there */
        near(sample_number(a, "adverse_impact_ratio"), sample_number(b, "adverse_impact_ratio"), 0.02, "the ratio");
        near(sample_number(a, "equal_opportunity_difference"), sample_number(b, "equal_opportunity_difference"), 0.02,
             "a difference");
    }
}

static void a_large_epsilon_gives_almost_exact_figures(void **state)
{
    (void)state;
    struct pooled pooled;
    const struct options options = {AT("100"), second_model, all_tables, true, false};
    make(options, &pooled);
    fill(&pooled, 6000);
    json_t *found = model_of(&pooled, "close"), *exact = exact_of(options, 6000);
    static const char *const names[] = {"train", "holdout"};
    for (size_t s = 0; s < 2; s++) {
        for (size_t m = 0; m < 2; m++) near_set(set_of(found, m, names[s]), set_of(exact, m, names[s]));
        const json_t *a = json_object_get(json_object_get(found, "difference"), names[s]);
        const json_t *b = json_object_get(json_object_get(exact, "difference"), names[s]);
        near(sample_number(a, "auc_difference"), sample_number(b, "auc_difference"),
             2e-3 + 3 * sample_number(a, "noise_sd"), "the difference");
        assert_true(sample_number(a, "std_error") >
                    sample_number(b, "std_error")); /* what is in common is not taken off */
    }
    near(sample_number(set_of(found, 0, "train"), "psi"), sample_number(set_of(exact, 0, "train"), "psi"), 0.02, "PSI");
    assert_true(json_is_null(json_object_get(set_of(found, 1, "train"), "psi"))); /* it keeps no histogram */
    near(sample_number(json_object_get(found, "rows"), "train"), sample_number(json_object_get(exact, "rows"), "train"),
         6, "rows");
    json_decref(found);
    json_decref(exact);
    pooled_done(&pooled);
}

/* ---- the noise that is reported is the noise that is there */

/* Σ rows · predicted of a list. */
static double expected_of(const json_t *list)
{
    size_t index;
    const json_t *item;
    double sum = 0;
    json_array_foreach(list, index, item) sum += sample_number(item, "rows") * sample_number(item, "predicted");
    return sum;
}

/* What the bins' middles and the distances from them add up to is what the probabilities do. */
static void predictions_of_bands_are_those_of_groups(void **state)
{
    (void)state;
    struct pooled pooled;
    make((struct options){AT("8"), second_model, all_tables, false, false}, &pooled);
    fill(&pooled, 6000);
    json_t *root = without_noise(&pooled);
    for (size_t m = 0; m < 2; m++) {
        const json_t *set = set_of(root, m, "train");
        assert_true(json_array_size(json_object_get(set, "bands")) >= 5);
        near(expected_of(json_object_get(set, "bands")), expected_of(json_object_get(set, "groups")), 1e-3, "sum");
    }
    json_decref(root);
    pooled_done(&pooled);
}

enum { SEEDS = 400 };

static void noise_is_what_the_model_says(void **state)
{
    (void)state;
    enum { AUC, BRIER, DIFFERENCE, RATIO, OPPORTUNITY, FIGURES };
    struct sample samples[FIGURES] = {0};
    struct pooled pooled;
    make((struct options){AT("2"), second_model, all_tables, false, false}, &pooled);
    fill(&pooled, 6000);
    json_t *exact = without_noise(&pooled);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        char text[32];
        (void)snprintf(text, sizeof text, "noise %u", seed);
        json_t *model = model_of(&pooled, text);
        const json_t *a = set_of(model, 0, "train"), *b = set_of(exact, 0, "train");
        sample_take(&samples[AUC], "AUC", sample_number(a, "auc") - sample_number(b, "auc"),
                    sample_number(a, "auc_noise_sd"));
        sample_take(&samples[BRIER], "Brier", sample_number(a, "brier") - sample_number(b, "brier"),
                    sample_number(a, "brier_noise_sd"));
        const json_t *fair = json_array_get(json_object_get(a, "fairness"), 1);
        const json_t *truly = json_array_get(json_object_get(b, "fairness"), 1);
        sample_take(&samples[RATIO], "adverse impact",
                    sample_number(fair, "adverse_impact_ratio") - sample_number(truly, "adverse_impact_ratio"),
                    sample_number(fair, "adverse_impact_ratio_noise_sd"));
        sample_take(&samples[OPPORTUNITY], "equal opportunity",
                    sample_number(fair, "equal_opportunity_difference") -
                        sample_number(truly, "equal_opportunity_difference"),
                    sample_number(fair, "equal_opportunity_difference_noise_sd"));
        a = json_object_get(json_object_get(model, "difference"), "train");
        b = json_object_get(json_object_get(exact, "difference"), "train");
        sample_take(&samples[DIFFERENCE], "difference",
                    sample_number(a, "auc_difference") - sample_number(b, "auc_difference"),
                    sample_number(a, "noise_sd"));
        json_decref(model);
    }
    sample_check(&samples[AUC], 0, 0.15, false);
    sample_check(&samples[BRIER], 0, 0.15, false);
    sample_check(&samples[DIFFERENCE], 0, 0.15, false);
    sample_check(&samples[RATIO], 0, 0.15, false);
    sample_check(&samples[OPPORTUNITY], 0, 0.15, false);
    json_decref(exact);
    pooled_done(&pooled);
}

/* ---- no noise harms */

static const struct limit {
    const char *suffix;
    double least, most;
} limits[] = {
    {"auc_difference", -1, 1},
    {"noise_sd", 0, 1e12},
    {"std_error", 0, 1e12},
    {"auc", 0, 1},
    {"ks", 0, 1},
    {"gini", -1, 1},
    {"brier", 0, 1},
    {"rate", 0, 1},
    {"recall", 0, 1},
    {"precision", 0, 1},
    {"predicted", 0, 1},
    {"gain", 0, 1},
    {"rows_share", 0, 1},
    {"lift", 0, 1e6},
    {"adverse_impact_ratio", 0, 1},
};

static void check_number(const char *key, double value)
{
    if (!isfinite(value)) fail_msg("%s is %g", key, value);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (strcmp(key, limits[i].suffix) == 0 && !(value >= limits[i].least && value <= limits[i].most))
            fail_msg("%s is %g", key, value);
}

/* Everything but what is said of the noise. */
static void check_tree(const char *key, const json_t *json)
{
    if (strcmp(key, "privacy") == 0) return;
    size_t index;
    const char *name;
    json_t *item;
    if (json_is_number(json)) check_number(key, json_number_value(json));
    if (json_is_object(json)) json_object_foreach((json_t *)json, name, item) check_tree(name, item);
    json_array_foreach(json, index, item) check_tree("", item);
}

static void noise_over_all_never_harms(void **state)
{
    (void)state;
    static const struct options plans[] = {
        {AT("0.01"), second_model, all_tables, true, false},
        {AT("0.01"), NULL, "cells: {minimum: 1}\n", false, false},
        {AT("0.3"), second_model, "cells: {minimum: 1}\nevaluate: {group: sex}\n", true, false},
    };
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++) {
        struct pooled pooled;
        make(plans[p], &pooled);
        fill(&pooled, 30);
        for (unsigned seed = 0; seed < 200; seed++) {
            char text[32];
            (void)snprintf(text, sizeof text, "extreme %u", seed);
            json_t *model = model_of(&pooled, text);
            check_tree("", model);
            json_decref(model);
        }
        pooled_done(&pooled);
    }
}

static void no_rows_are_no_failure(void **state)
{
    (void)state;
    struct pooled pooled;
    make((struct options){AT("1"), NULL, all_tables, false, false}, &pooled);
    json_t *model = without_noise(&pooled);
    assert_null(json_object_get(set_of(model, 0, "train"), "auc"));
    assert_true(json_is_null(json_object_get(set_of(model, 0, "train"), "brier")));
    check_tree("", model);
    json_decref(model);
    pooled_done(&pooled);
}

/* ---- norms */

/* Values at the bounds, beyond them and missing: those a model refuses, too. */
static void any_row(struct pooled *pooled)
{
    static const char *const x[] = {"0", "100", "50", "-7", "1000", NULL, "33", "85"};
    static const char *const g[] = {"a", "b", "c", NULL, "a", "b"}, *const sex[] = {"f", "m", "z", NULL};
    OK(pooled_row(pooled, (const char *const[]){x[draw(8)], g[draw(6)], sex[draw(4)], draw(2) ? "1" : "0"}));
}

static void no_row_moves_a_sum_beyond_its_norm(void **state)
{
    (void)state;
    static const char *const seconds[] = {NULL, second_model, strict_model};
    static const char *const tables[] = {all_tables, "evaluate: {cutoffs: [0.3]}\n", "evaluate: {group: sex}\n", ""};
    double nearest = 0;
    seed_state = 5;
    for (unsigned round = 0; round < 24; round++) {
        CLEANUP(fold_done) struct fold fold = {0};
        CLEANUP(random_source_freep) struct random_source *source = seeded("norms");
        struct pooled pooled;
        make(
            (struct options){draw(2) ? AT("0.5") : AT("50"), seconds[round % 3], tables[round / 3 % 4], draw(2), false},
            &pooled);
        for (unsigned row = 0; row < 24; row++) any_row(&pooled);
        const struct noisy_options options = {
            .banks = 3 + draw(5), .source = source, .each = sensitivity_check, .context = &nearest};
        OK(noisy_run(&pooled, options, &fold));
        pooled_done(&pooled);
    }
    assert_true(nearest > 0.999); /* the norms are met, so the test is one */
}

/* ---- rows that a model refuses */

static void what_a_model_refuses_is_counted(void **state)
{
    (void)state;
    struct pooled pooled, good;
    const struct options options = {AT("1"), strict_model, all_tables, false, false};
    make(options, &pooled);
    make(options, &good);
    fill(&pooled, 3000);
    fill(&good, 3000);
    static const char *const rows[][4] = {{NULL, "a", "f", "1"},
                                          {"101", "b", "m", "0"},
                                          {"-3", "a", "f", "1"},
                                          {"50", NULL, "f", "0"},
                                          {"7", "c", "m", "1"}};
    for (unsigned i = 0; i < 40; i++) OK(pooled_row(&pooled, rows[i % 5]));
    json_t *with = without_noise(&pooled), *without = without_noise(&good);
    assert_int_equal((int)sample_number(with, "rows_refused"), 40);
    assert_int_equal((int)sample_number(without, "rows_refused"), 0);
    assert_true(json_equal(json_object_get(with, "models"), json_object_get(without, "models")));
    assert_true(json_equal(json_object_get(with, "rows"), json_object_get(without, "rows")));
    json_decref(with);
    json_decref(without);
    pooled_done(&pooled);
    pooled_done(&good);
}

static void refused(struct options options, const char *words)
{
    struct pooled pooled;
    CLEANUP(fold_done) struct fold fold = {0};
    make(options, &pooled);
    assert_int_equal(fold_start(&pooled.plan, &evaluate_task, &fold).category, CATEGORY_USAGE);
    if (!strstr(result_reason(), words)) fail_msg("%s", result_reason());
    pooled_done(&pooled);
}

static void plans_that_have_no_private_form_are_refused(void **state)
{
    (void)state;
    refused((struct options){AT("1"), NULL, all_tables, false, true}, "g: under privacy a missing value");
    refused((struct options){"privacy: {epsilon: 1, delta: 1.0e-6, split: {counts: 1}}\n", NULL, "", false, false},
            "lacks \"scores\"");
    refused((struct options){"privacy: {epsilon: 1, delta: 1.0e-6, split: {counts: 1, scores: 1, fit: 1}}\n", NULL, "",
                             false, false},
            "has \"fit\"");
    /* Exact sums have no room for rows that a model refuses. */
    refused((struct options){"", strict_model, "", false, false}, "do not have g as the model first reads it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_epsilon_gives_almost_exact_figures),
        cmocka_unit_test(predictions_of_bands_are_those_of_groups),
        cmocka_unit_test(noise_is_what_the_model_says),
        cmocka_unit_test(noise_over_all_never_harms),
        cmocka_unit_test(no_rows_are_no_failure),
        cmocka_unit_test(no_row_moves_a_sum_beyond_its_norm),
        cmocka_unit_test(what_a_model_refuses_is_counted),
        cmocka_unit_test(plans_that_have_no_private_form_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

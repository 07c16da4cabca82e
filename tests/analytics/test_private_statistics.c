/* The task `statistics` under differential privacy: the norms it claims, the noise it reports, and that no noise harms
 * it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/private_project.h"
#include "analytics/statistics.h"
#include "tests/support/ok.h"
#include "tests/support/private_model.h"
#include "tests/support/seeded.h"
#include "tests/support/sensitivity.h"

enum { BANKS = 5, TEXT_BYTES = 4096 };
static const char head[] = "cofferdam: 1\nname: rows\npurpose: test\ntask: statistics\n";

static uint64_t seed_state = 1;
static unsigned draw(unsigned below)
{
    seed_state = seed_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((seed_state >> 33) % below);
}

static const json_t *item(const json_t *model, const char *list, size_t index)
{
    const json_t *found = json_array_get(json_object_get(model, list), index);
    assert_non_null(found);
    return found;
}

/* ---- two numbers that go together and a category */

static void make(struct pooled *pooled, const char *privacy, bool target, unsigned rows)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text,
                   "%sprivacy: {%s}\n%sbinning: {fine: 10}\nfeatures:\n"
                   "  - {name: a, kind: number, min: 0, max: 60, missing: 0, outside: clamp, resolution: 0.5}\n"
                   "  - {name: b, kind: number, min: -10, max: 90, missing: median, outside: missing, "
                   "resolution: 0.01}\n"
                   "  - {name: g, kind: category, levels: [\"p\", \"q\", \"s\"], missing: level, other: level}\n"
                   "cohort: {minimum: 3}\n",
                   head, privacy, target ? "target: {column: y, positive: \"1\"}\n" : "");
    OK(pooled_init(text, pooled));
    seed_state = 11;
    for (unsigned i = 0; i < rows; i++) {
        char a[32], b[32];
        unsigned value = draw(120);
        (void)snprintf(a, sizeof a, "%.1f", value / 2.0);
        (void)snprintf(b, sizeof b, "%.2f", draw(2000) / 100.0 + value / 4.0);
        const char *level = i % 3 ? "p" : i % 2 ? "q" : NULL;
        const char *texts[] = {i % 100 ? a : NULL, i % 7 ? b : NULL, level, draw(3) ? "0" : "1"};
        OK(pooled_row(pooled, texts));
    }
}

static void near(double found, double expected, double within, const char *what)
{
    if (!(fabs(found - expected) <= within)) fail_msg("%s: %.10g, exact %.10g", what, found, expected);
}

static void near_number(const json_t *found, const json_t *exact)
{
    near(sample_number(found, "mean"), sample_number(exact, "mean"), 0.1, "mean");
    near(sample_number(found, "sd"), sample_number(exact, "sd"), 0.2, "sd");
    near(sample_number(found, "skewness"), sample_number(exact, "skewness"), 0.2, "skewness");
    for (size_t q = 0; q < STATISTICS_SHARES; q++) {
        const json_t *a = json_object_get(item(found, "quantiles", q), "value");
        const json_t *b = json_object_get(item(exact, "quantiles", q), "value");
        if (json_is_number(a) && json_is_number(b)) near(json_number_value(a), json_number_value(b), 0.6, "quantile");
    }
    if (strcmp(json_string_value(json_object_get(found, "name")), "b") == 0)
        near(sample_number(json_object_get(found, "missing"), "rows"),
             sample_number(json_object_get(exact, "missing"), "rows"), 6, "missing");
}

static void a_large_epsilon_gives_almost_exact_figures(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "epsilon: 100, delta: 1.0e-6", true, 3000);
    json_t *found = noisy_model(&pooled, BANKS, "close"), *exact = exact_model(&pooled, BANKS);
    near(sample_number(json_object_get(found, "rows"), "train"), 3000, 6, "rows");
    near(sample_number(json_object_get(found, "positives"), "train"),
         sample_number(json_object_get(exact, "positives"), "train"), 4, "positives");
    for (size_t f = 0; f < 2; f++) near_number(item(found, "features", f), item(exact, "features", f));
    near(sample_number(item(found, "correlations", 0), "r"), sample_number(item(exact, "correlations", 0), "r"), 0.02,
         "r");
    const json_t *levels = item(found, "features", 2), *true_levels = item(exact, "features", 2);
    for (size_t l = 0; l < 2; l++)
        near(sample_number(item(levels, "levels", l), "rows"), sample_number(item(true_levels, "levels", l), "rows"), 6,
             "level");
    json_decref(found);
    json_decref(exact);
    pooled_done(&pooled);
}

/* ---- the noise that is reported is the noise that is there */

enum { SEEDS = 400 };

static void noise_is_what_the_model_says(void **state)
{
    (void)state;
    enum { TRAIN, LEVEL, MEAN, CORRELATION, BIN, FIGURES };
    struct sample samples[FIGURES] = {0};
    struct pooled pooled;
    make(&pooled, "epsilon: 3, delta: 1.0e-6", false, 6000);
    json_t *exact = exact_model(&pooled, BANKS);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        char text[32];
        (void)snprintf(text, sizeof text, "noise %u", seed);
        json_t *model = noisy_model(&pooled, BANKS, text);
        const json_t *sd = json_object_get(json_object_get(model, "privacy"), "noise_sd");
        const json_t *a = item(model, "features", 0), *g = item(model, "features", 2);
        const json_t *true_a = item(exact, "features", 0), *true_g = item(exact, "features", 2);
        const json_t *pair = item(model, "correlations", 0);
        sample_take(&samples[TRAIN], "rows", sample_number(json_object_get(model, "rows"), "train") - 6000,
                    sample_number(sd, "cases"));
        sample_take(&samples[LEVEL], "a level",
                    sample_number(item(g, "levels", 0), "rows") - sample_number(item(true_g, "levels", 0), "rows"),
                    sample_number(sd, "counts"));
        sample_take(&samples[MEAN], "a mean", sample_number(a, "mean") - sample_number(true_a, "mean"),
                    sample_number(a, "mean_noise_sd"));
        sample_take(&samples[CORRELATION], "a correlation",
                    sample_number(pair, "r") - sample_number(item(exact, "correlations", 0), "r"),
                    sample_number(pair, "noise_sd"));
        json_decref(model);
    }
    sample_check(&samples[TRAIN], 0, 0.15, false);
    sample_check(&samples[LEVEL], 0.3, 0.15, true); /* levels are made to add up, those of nobody not below 0 */
    sample_check(&samples[MEAN], 0.1, 0.2, false);
    sample_check(&samples[CORRELATION], 0.3, 0.25, true);
    json_decref(exact);
    pooled_done(&pooled);
}

/* ---- no noise harms */

static void check_real(const json_t *value, double least, double most, const char *what)
{
    if (!value || json_is_null(value)) return;
    double real = json_number_value(value);
    if (!json_is_number(value) || !(real >= least && real <= most)) fail_msg("%s is %g", what, real);
}

static void check_cell(const json_t *cell)
{
    check_real(json_object_get(cell, "rows"), 0, 1e12, "a count");
    check_real(json_object_get(cell, "positives"), 0, 1e12, "a count");
    check_real(json_object_get(cell, "rate"), 0, 1, "a rate");
}

static void check_feature(const json_t *of, double minimum, double maximum)
{
    size_t index;
    const json_t *one;
    check_real(json_object_get(of, "mean"), minimum, maximum, "a mean");
    check_real(json_object_get(of, "sd"), 0, 2 * (maximum - minimum), "a deviation");
    check_real(json_object_get(of, "outside"), 0, 1e12, "a count");
    check_cell(json_object_get(of, "missing"));
    json_array_foreach(json_object_get(of, "quantiles"), index, one)
        check_real(json_object_get(one, "value"), minimum, maximum, "a quantile");
    json_array_foreach(json_object_get(of, "bins"), index, one) check_cell(one);
    json_array_foreach(json_object_get(of, "levels"), index, one) check_cell(one);
}

static void noise_over_all_never_harms(void **state)
{
    (void)state;
    for (int target = 0; target < 2; target++) {
        struct pooled pooled;
        make(&pooled, "epsilon: 0.01, delta: 1.0e-6", target, 30);
        for (unsigned seed = 0; seed < 200; seed++) {
            char text[32];
            (void)snprintf(text, sizeof text, "extreme %u", seed);
            json_t *model = noisy_model(&pooled, BANKS, text);
            check_real(json_object_get(json_object_get(model, "rows"), "train"), 0, 1e12, "a count");
            check_real(json_object_get(item(model, "correlations", 0), "r"), -1, 1, "r");
            check_feature(item(model, "features", 0), 0, 60);
            check_feature(item(model, "features", 1), -10, 90);
            check_feature(item(model, "features", 2), 0, 0);
            json_decref(model);
        }
        pooled_done(&pooled);
    }
}

/* ---- norms */

static unsigned random_plan(struct pooled *pooled, unsigned kinds[6])
{
    static const char *const features[] = {
        "kind: number, min: -5, max: 15, missing: median, outside: clamp, resolution: 1",
        "kind: number, min: 0, max: 1, missing: mean, outside: missing, resolution: 1.0e-6, special: [7, 9]",
        "kind: category, levels: [\"0\", \"1\", \"2\"], missing: level, other: level",
    };
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *yaml;
    unsigned count = 1 + draw(6);
    OK(buffer_format(&text, "%sprivacy: {epsilon: %s, delta: 1.0e-6}\n%s", head, draw(2) ? "0.5" : "50",
                     draw(2) ? "split: {fraction: 0.3, seed: a}\n" : ""));
    OK(buffer_text(&text, "target: {column: y, positive: \"1\"}\nbinning: {fine: 5}\nfeatures:\n"));
    for (unsigned f = 0; f < count; f++)
        OK(buffer_format(&text, "  - {name: x%u, %s}\n", f, features[kinds[f] = draw(3)]));
    OK(buffer_text(&text, "cohort: {minimum: 3}\n"));
    OK(buffer_terminate(&text, &yaml));
    OK(pooled_init(yaml, pooled));
    return count;
}

/* Values at the bounds and beyond, which move sums the most, and some within. */
static void random_row(struct pooled *pooled, const unsigned *kinds, unsigned count)
{
    static const char *const values[3][6] = {
        {"-5", "15", "-5", "99", "3", NULL}, {"0", "1", "7", "0.3", "2", NULL}, {"0", "1", "2", "other", "0", NULL}};
    const char *texts[7];
    for (unsigned f = 0; f < count; f++) texts[f] = values[kinds[f]][draw(6)];
    texts[count] = draw(2) ? "1" : "0";
    OK(pooled_row(pooled, texts));
}

static void no_row_moves_a_sum_beyond_its_norm(void **state)
{
    (void)state;
    double nearest = 0;
    seed_state = 5;
    for (unsigned round = 0; round < 60; round++) {
        CLEANUP(fold_done) struct fold fold = {0};
        CLEANUP(random_source_freep) struct random_source *source = seeded(round % 2 ? "norms" : "more norms");
        struct pooled pooled;
        unsigned kinds[6], count = random_plan(&pooled, kinds);
        for (unsigned row = 0; row < 24; row++) random_row(&pooled, kinds, count);
        const struct noisy_options options = {
            .banks = 3 + draw(5), .source = source, .each = sensitivity_check, .context = &nearest};
        OK(noisy_run(&pooled, options, &fold));
        pooled_done(&pooled);
    }
    assert_true(nearest > 0.999); /* the norms are met, so the test is one */
}

/* Without the noise: the same state however rows are spread. */
static void sums_do_not_depend_on_banks(void **state)
{
    (void)state;
    struct pooled pooled;
    CLEANUP(fold_done) struct fold one = {0}, many = {0};
    make(&pooled, "epsilon: 2, delta: 1.0e-6", true, 1500);
    OK(pooled_run(&pooled, (struct pooled_options){.parts = 1, .threads = 1}, &one));
    OK(pooled_run(&pooled, (struct pooled_options){.parts = 7, .threads = 3, .shuffle = 5}, &many));
    assert_true(hash_equal(&one.state_hash, &many.state_hash));
    pooled_done(&pooled);
}

/* ---- projections */

static void counts_are_made_to_agree(void **state)
{
    (void)state;
    const uint64_t words[] = {5, (uint64_t)-3, 4, (uint64_t)INT64_MIN, (uint64_t)INT64_MAX};
    uint64_t ret[5];
    private_project_total(words, 3, 1, 6, ret); /* 3.5, 0, 2.5 */
    assert_true(ret[0] == 4 && ret[1] == 0 && ret[2] == 2);
    private_project_total(words, 3, 1, 21, ret); /* 10, 2, 9 */
    assert_true(ret[0] == 10 && ret[1] == 2 && ret[2] == 9);
    private_project_total(words, 3, 1, 0, ret);
    assert_true(ret[0] + ret[1] + ret[2] == 0);
    private_project_within(words, 3, 1, 10, ret);
    assert_true(ret[0] == 5 && ret[1] == 0 && ret[2] == 4);
    private_project_within(words, 3, 1, 6, ret);
    assert_true(ret[0] == 4 && ret[1] == 0 && ret[2] == 2);
    for (uint64_t total = 0; total < 100; total += 9) {
        private_project_total(words, 5, 1, total, ret);
        assert_true(ret[0] + ret[1] + ret[2] + ret[3] + ret[4] == total);
        private_project_within(words, 5, 1, total, ret);
        assert_true(ret[0] + ret[1] + ret[2] + ret[3] + ret[4] <= total);
    }
    private_project_ordered(words, 3, 6, ret); /* sums 5, 2, 6: 3.5, 3.5, 6 */
    assert_true(ret[0] == 4 && ret[1] == 0 && ret[2] == 2);
    private_project_ordered(words, 3, 9, ret); /* each gets one more: 6, -2, 5 */
    assert_true(ret[0] == 5 && ret[1] == 0 && ret[2] == 4);
    private_project_ordered(words, 1, 7, ret);
    assert_true(ret[0] == 7);
    for (uint64_t total = 0; total < 100; total += 9) {
        private_project_ordered(words, 5, total, ret);
        assert_true(ret[0] + ret[1] + ret[2] + ret[3] + ret[4] == total);
    }
    assert_true(private_clip_count((uint64_t)-1, 9) == 0 && private_clip_count(10, 9) == 9);
    assert_true(private_clip((double)NAN, -1, 1) == -1);
}

/* ---- plans */

static void refused(const char *feature, const char *more, const char *words)
{
    char text[TEXT_BYTES];
    struct pooled pooled;
    CLEANUP(fold_done) struct fold fold = {0};
    (void)snprintf(text, sizeof text, "%s%sfeatures:\n  - {name: x, %s}\ncohort: {minimum: 3}\n", head, more, feature);
    OK(pooled_init(text, &pooled));
    assert_int_equal(fold_start(&pooled.plan, &statistics_task, &fold).category, CATEGORY_USAGE);
    if (!strstr(result_reason(), words)) fail_msg("%s", result_reason());
    pooled_done(&pooled);
}

static void a_row_that_could_stop_a_run_is_refused(void **state)
{
    (void)state;
    static const char privacy[] = "privacy: {epsilon: 1, delta: 1.0e-6}\n";
    static const char x[] = "kind: number, min: 0, max: 1, missing: median, outside: clamp";
    refused("kind: number, min: 0, max: 1, outside: clamp", privacy, "x: under privacy a missing value");
    refused("kind: number, min: 0, max: 1, missing: median", privacy, "x: under privacy a value outside");
    refused("kind: category, levels: [\"a\", \"b\"], other: level", privacy, "x: under privacy a missing value");
    refused("kind: category, levels: [\"a\", \"b\"], missing: level", privacy, "x: under privacy a level not listed");
    refused(x, "privacy: {epsilon: 1, delta: 1.0e-6}\ntarget: {column: y, positive: \"1\", negative: [\"0\"]}\n",
            "target.negative");
    refused(x, "privacy: {epsilon: 1, delta: 1.0e-6, split: {counts: 1, scale: 1}}\n", "lacks \"cells\"");
    refused(x, "privacy: {epsilon: 1, delta: 1.0e-6, split: {counts: 1, scale: 1, cells: 1, fit: 1}}\n", "has \"fit\"");
}

static void a_plan_may_weigh_its_phases(void **state)
{
    (void)state;
    double sd[2];
    for (size_t i = 0; i < 2; i++) {
        struct pooled pooled;
        make(&pooled,
             i ? "epsilon: 1, delta: 1.0e-6, split: {counts: 98, scale: 1, cells: 1}" : "epsilon: 1, delta: 1.0e-6",
             true, 50);
        json_t *model = noisy_model(&pooled, BANKS, "weights");
        sd[i] = sample_number(json_object_get(json_object_get(model, "privacy"), "noise_sd"), "cases");
        json_decref(model);
        pooled_done(&pooled);
    }
    near(sd[0] / sd[1], sqrt(0.98 / 0.4), 1e-6, "the noise of two splits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_epsilon_gives_almost_exact_figures),
        cmocka_unit_test(noise_is_what_the_model_says),
        cmocka_unit_test(noise_over_all_never_harms),
        cmocka_unit_test(no_row_moves_a_sum_beyond_its_norm),
        cmocka_unit_test(sums_do_not_depend_on_banks),
        cmocka_unit_test(counts_are_made_to_agree),
        cmocka_unit_test(a_row_that_could_stop_a_run_is_refused),
        cmocka_unit_test(a_plan_may_weigh_its_phases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

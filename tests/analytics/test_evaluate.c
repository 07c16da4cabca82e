/* The task `evaluate`: every figure against a direct computation on the same rows. */
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

#include "analytics/evaluate.h"
#include "tests/support/pooled.h"

enum { ROWS = 6000 };

#define MODEL(slope, level, hash)                                                                                      \
    "{\"cofferdam\":1,\"task\":\"logistic\",\"target\":{\"column\":\"y\",\"positive\":\"1\"},\"terms\":["              \
    "{\"term\":\"(intercept)\",\"estimate\":-1.1},{\"term\":\"x\",\"estimate\":" slope "},"                            \
    "{\"term\":\"g=b\",\"estimate\":" level "}],\"features\":["                                                        \
    "{\"name\":\"x\",\"kind\":\"number\",\"min\":0,\"max\":100,\"outside\":\"clamp\",\"missing\":\"mean\","            \
    "\"fill\":40,\"mean\":50,\"sd\":25},"                                                                              \
    "{\"name\":\"g\",\"kind\":\"category\",\"missing\":\"refuse\",\"other\":\"refuse\",\"baseline\":\"a\","            \
    "\"levels\":[{\"level\":\"a\"},{\"level\":\"b\"}]}],"                                                              \
    "\"score_histogram\":{\"edges\":[-2,-1,-0.5],\"train_negatives\":[100,200,150,50],\"train_positives\":[10,40,80,"  \
    "70]},\"hash\":\"" hash "\""                                                                                       \
    "}"
/* From tests/support/model_hash.py. */
#define FIRST_HASH "68d0fc54db5e2dabac9c08fb617b0de79c263d10235c0e4e3ee1331f0562a632"
#define SECOND_HASH "a2b1e9721a05661514cf0dc00359180d1f6d4e954d84b528255f836aa066f952"
#define HEAD                                                                                                           \
    "cofferdam: 1\nname: e\npurpose: test\ntask: evaluate\ntarget: {column: y, positive: \"1\"}\n"                     \
    "split: {fraction: 0.3, seed: s}\nfeatures:\n"                                                                     \
    "  - {name: x, kind: number, min: 0, max: 100, outside: clamp, missing: level}\n"                                  \
    "  - {name: g, kind: category, levels: [a, b]}\n"                                                                  \
    "  - {name: noise, kind: number, min: 0, max: 1}\n"                                                                \
    "  - {name: sex, kind: category, levels: [f, m, x]}\n"
#define TAIL "evaluate: {cutoffs: [0.2, 0.35, 0.5], group: sex}\ncohort: {minimum: 3}\n"
static const char one_model[] = HEAD "models:\n  - {name: first, json: '" MODEL("0.8", "0.5", FIRST_HASH) "'}\n" TAIL;
static const char two_models[] = HEAD "models:\n  - {name: first, json: '" MODEL(
    "0.8", "0.5", FIRST_HASH) "'}\n"
                              "  - {name: second, json: '" MODEL("0.5", "-0.3", SECOND_HASH) "'}\n" TAIL;

static uint64_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void fill(const char *yaml, struct pooled *pooled)
{
    if (!result_ok(pooled_init(yaml, pooled))) fail_msg("%s", result_reason());
    uint64_t seed = 77;
    for (int i = 0; i < ROWS; i++) {
        double x = (double)(next(&seed) % 105), odds = -1.1 + 0.8 * ((x > 100 ? 100 : x) - 50) / 25;
        bool b = next(&seed) % 3 == 0;
        char text_x[16], noise[32];
        (void)snprintf(text_x, sizeof text_x, "%.0f", x);
        (void)snprintf(noise, sizeof noise, "%.9f", (double)(next(&seed) % 1000000000) / 1e9);
        bool positive = (double)(next(&seed) % 100000) / 1e5 < 1 / (1 + exp(-(odds + (b ? 0.6 : 0))));
        const char *sex = next(&seed) % 300 == 7 ? "x" : next(&seed) % 2 ? "f" : "m";
        const char *texts[] = {i % 50 ? text_x : NULL, b ? "b" : "a", noise, sex, positive ? "1" : "0"};
        if (!result_ok(pooled_row(pooled, texts))) fail_msg("%s", result_reason());
    }
}

static json_t *result_of(const struct pooled *pooled, struct pooled_options options)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    struct result result = pooled_run(pooled, options, &fold);
    if (result_ok(result)) result = fold_result(&fold, 1, &text);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    json_t *root = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(root);
    return root;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("%s is no number", key);
    return json_number_value(value);
}

static void near(double found, double expected, double within, const char *what)
{
    if (!(fabs(found - expected) <= within)) fail_msg("%s: %.17g, expected %.17g", what, found, expected);
}

/* ---- directly */

struct row {
    double score[2], probability[2];
    bool positive, held;
    unsigned sex;
};

static void score_rows(const struct pooled *pooled, struct row *rows)
{
    static const double slopes[2] = {0.8, 0.5}, levels[2] = {0.5, -0.3};
    uint8_t kinds[ROWS];
    assert_true(result_ok(cases_classify(&pooled->plan, pooled->table, 0, ROWS, kinds)));
    for (size_t i = 0; i < ROWS; i++) {
        double x = pooled->table->columns[0].numbers[i];
        if (isnan(x)) x = 40;
        for (int m = 0; m < 2; m++) {
            rows[i].score[m] = -1.1 + (x - 50) / 25 * slopes[m] + (pooled->table->columns[1].codes[i] ? levels[m] : 0);
            rows[i].probability[m] = 1 / (1 + exp(-rows[i].score[m]));
        }
        rows[i].held = kinds[i] >= CASE_HELD_NEGATIVE;
        rows[i].positive = kinds[i] & 1;
        rows[i].sex = pooled->table->columns[3].codes[i];
    }
}

/* Placements of DeLong for one row against all of the other outcome. */
static double placement(const struct row *rows, size_t i, int m, bool held)
{
    double sum = 0, count = 0;
    for (size_t k = 0; k < ROWS; k++) {
        if (rows[k].held != held || rows[k].positive == rows[i].positive) continue;
        double away = (rows[i].score[m] - rows[k].score[m]) * (rows[i].positive ? 1 : -1);
        sum += fabs(away) < 1e-12 ? 0.5 : away > 0 ? 1 : 0;
        count++;
    }
    return sum / count;
}

struct direct {
    double auc[2], variance[2][2], brier[2], log_loss[2], ks[2];
};

static struct direct directly(const struct row *rows, bool held)
{
    static double places[2][ROWS];
    struct direct direct = {0};
    double count[2] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].held != held) continue;
        count[rows[i].positive]++;
        for (int m = 0; m < 2; m++) {
            places[m][i] = placement(rows, i, m, held);
            if (rows[i].positive) direct.auc[m] += places[m][i];
            double p = rows[i].probability[m], y = rows[i].positive;
            direct.brier[m] += (p - y) * (p - y);
            direct.log_loss[m] -= y > 0 ? log(p) : log(1 - p);
        }
    }
    for (int m = 0; m < 2; m++) {
        direct.auc[m] /= count[1];
        direct.brier[m] /= count[0] + count[1];
        direct.log_loss[m] /= count[0] + count[1];
    }
    for (size_t i = 0; i < ROWS; i++)
        for (int a = 0; a < 2 && rows[i].held == held; a++)
            for (int b = 0; b < 2; b++) {
                double n = count[rows[i].positive];
                direct.variance[a][b] += (places[a][i] - direct.auc[a]) * (places[b][i] - direct.auc[b]) / (n - 1) / n;
            }
    for (int m = 0; m < 2; m++)
        for (size_t i = 0; i < ROWS; i++) {
            double below[2] = {0};
            if (rows[i].held != held || i % 7) continue;
            for (size_t k = 0; k < ROWS; k++)
                if (rows[k].held == held && rows[k].score[m] < rows[i].score[m] - 1e-12) below[rows[k].positive]++;
            double away = fabs(below[0] / count[0] - below[1] / count[1]);
            if (away > direct.ks[m]) direct.ks[m] = away;
        }
    return direct;
}

static void check_bands(const json_t *set, const struct row *rows, int m, bool held)
{
    size_t index;
    const json_t *band;
    double all = 0, statistic = 0;
    json_array_foreach(json_object_get(set, "bands"), index, band)
    {
        const json_t *from = json_object_get(band, "from"), *to = json_object_get(band, "to");
        double count = 0, positives = 0, predicted = 0;
        for (size_t i = 0; i < ROWS; i++) {
            if (rows[i].held != held || (json_is_number(from) && rows[i].score[m] < json_number_value(from)) ||
                (json_is_number(to) && rows[i].score[m] >= json_number_value(to)))
                continue;
            count++;
            positives += rows[i].positive;
            predicted += rows[i].probability[m];
        }
        assert_true(count == number(band, "rows") && positives == number(band, "positives"));
        near(number(band, "predicted"), predicted / count, 1e-12, "predicted");
        double mean = predicted / count;
        statistic += (positives - predicted) * (positives - predicted) / (count * mean * (1 - mean));
        all += count;
    }
    assert_true(index >= 5 && all > 1000);
    near(number(json_object_get(set, "hosmer_lemeshow"), "statistic"), statistic, 1e-8 * (1 + statistic), "HL");
    assert_int_equal((int)number(json_object_get(set, "hosmer_lemeshow"), "degrees"), held ? index : index - 2);
}

static void check_cutoffs(const json_t *set, const struct row *rows, int m, bool held)
{
    static const double cutoffs[] = {0.2, 0.35, 0.5};
    size_t index;
    const json_t *item;
    unsigned shown = 0;
    json_array_foreach(json_object_get(set, "cutoffs"), index, item)
    {
        double cells[2][2] = {{0}};
        if (json_object_get(item, "withheld")) continue;
        shown++;
        for (size_t i = 0; i < ROWS; i++)
            if (rows[i].held == held) cells[rows[i].probability[m] >= cutoffs[index]][rows[i].positive]++;
        assert_true(number(item, "true_positives") == cells[1][1] && number(item, "false_positives") == cells[1][0]);
        assert_true(number(item, "true_negatives") == cells[0][0] && number(item, "false_negatives") == cells[0][1]);
        near(number(item, "bad_rate"), cells[0][1] / (cells[0][0] + cells[0][1]), 1e-15, "bad rate");
    }
    assert_true(shown >= 2);
}

static void check_psi(const json_t *set, const struct row *rows, int m, bool held)
{
    static const double then[] = {110.0 / 700, 240.0 / 700, 230.0 / 700, 120.0 / 700};
    double now[4] = {0}, all = 0, index = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].held != held) continue;
        double score = rows[i].score[m];
        now[score < -2 ? 0 : score < -1 ? 1 : score < -0.5 ? 2 : 3]++;
        all++;
    }
    for (int b = 0; b < 4; b++)
        if (now[b] > 0) index += (now[b] / all - then[b]) * log(now[b] / all / then[b]);
    for (int b = 0; b < 4; b++) assert_true(now[b] > 0);
    near(number(set, "psi"), index, 1e-12, "PSI");
}

static void figures_are_those_of_the_rows(void **state)
{
    (void)state;
    static struct row rows[ROWS];
    struct pooled pooled;
    fill(two_models, &pooled);
    json_t *root = result_of(&pooled, (struct pooled_options){.parts = 5, .threads = 2});
    json_t *other = result_of(&pooled, (struct pooled_options){.parts = 3, .threads = 1, .shuffle = 4});
    assert_true(json_equal(root, other));
    score_rows(&pooled, rows);
    for (int set = 0; set < 2; set++) {
        struct direct direct = directly(rows, set == 1);
        const char *name = set ? "holdout" : "train";
        for (int m = 0; m < 2; m++) {
            const json_t *of = json_object_get(json_array_get(json_object_get(root, "models"), (size_t)m), name);
            near(number(of, "auc"), direct.auc[m], 1e-4, "AUC");
            near(number(of, "auc_std_error"), sqrt(direct.variance[m][m]), 1e-3 * sqrt(direct.variance[m][m]),
                 "its error");
            near(number(of, "ks"), direct.ks[m], 6e-3, "KS");
            near(number(of, "brier"), direct.brier[m], 1e-12, "Brier");
            near(number(of, "log_loss"), direct.log_loss[m], 1e-12, "log loss");
            check_bands(of, rows, m, set == 1);
            check_cutoffs(of, rows, m, set == 1);
            check_psi(of, rows, m, set == 1);
        }
        const json_t *difference = json_object_get(json_object_get(root, "difference"), name);
        double variance = direct.variance[0][0] + direct.variance[1][1] - 2 * direct.variance[0][1];
        near(number(difference, "auc_difference"), direct.auc[0] - direct.auc[1], 2e-4, "difference");
        near(number(difference, "std_error"), sqrt(variance), 0.05 * sqrt(variance), "its error");
    }
    json_decref(root);
    json_decref(other);
    pooled_done(&pooled);
}

/* The level x has a dozen rows: nothing by group at a cut-off, where it would be the total less the others. */
static void a_small_group_is_not_told(void **state)
{
    (void)state;
    struct pooled pooled;
    fill(one_model, &pooled);
    json_t *root = result_of(&pooled, (struct pooled_options){.parts = 3, .threads = 1});
    assert_null(json_object_get(root, "difference"));
    const json_t *of = json_object_get(json_array_get(json_object_get(root, "models"), 0), "train"), *item;
    size_t index, k;
    json_array_foreach(json_object_get(of, "groups"), index, item)
    {
        const json_t *cutoff;
        assert_string_not_equal(json_string_value(json_object_get(item, "group")), "x");
        json_array_foreach(json_object_get(item, "cutoffs"), k, cutoff)
            assert_true(json_is_true(json_object_get(cutoff, "withheld")));
    }
    assert_true(index < 2); /* x and the smaller of the others are one group, which is not shown */
    json_array_foreach(json_object_get(of, "fairness"), index, item)
        assert_true(json_is_null(json_object_get(item, "adverse_impact_ratio")));
    json_decref(root);
    pooled_done(&pooled);
}

/* Without the rare level the groups' figures are those of the rows. */
static void groups_are_compared(void **state)
{
    (void)state;
    static struct row rows[ROWS];
    struct pooled pooled;
    fill(one_model, &pooled);
    for (size_t i = 0; i < ROWS; i++)
        if (pooled.table->columns[3].codes[i] == 2) pooled.table->columns[3].codes[i] = 0;
    json_t *root = result_of(&pooled, (struct pooled_options){.parts = 3, .threads = 1});
    score_rows(&pooled, rows);
    const json_t *of = json_object_get(json_array_get(json_object_get(root, "models"), 0), "train");
    double approved[2] = {0}, all[2] = {0}, good[2] = {0}, goods[2] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].held) continue;
        unsigned g = rows[i].sex;
        all[g]++;
        approved[g] += rows[i].probability[0] < 0.35;
        goods[g] += !rows[i].positive;
        good[g] += !rows[i].positive && rows[i].probability[0] < 0.35;
    }
    double rate[2] = {approved[0] / all[0], approved[1] / all[1]}, chance[2] = {good[0] / goods[0], good[1] / goods[1]};
    const json_t *fair = json_array_get(json_object_get(of, "fairness"), 1);
    near(number(fair, "adverse_impact_ratio"), fmin(rate[0], rate[1]) / fmax(rate[0], rate[1]), 1e-12, "ratio");
    near(number(fair, "equal_opportunity_difference"), fabs(chance[0] - chance[1]), 1e-12, "opportunity");
    assert_int_equal(json_array_size(json_object_get(of, "groups")), 2);
    json_decref(root);
    pooled_done(&pooled);
}

static void refused(const char *yaml, const char *words)
{
    struct plan plan;
    if (!result_ok(plan_parse(view_text(yaml), "plan.yaml", &plan))) fail_msg("%s", result_reason());
    assert_int_equal(evaluate_task.check(&plan).category, CATEGORY_USAGE);
    if (!strstr(result_reason(), words)) fail_msg("%s", result_reason());
    plan_done(&plan);
}

static void models_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    refused(HEAD TAIL, "an evaluation needs a model");
    refused(HEAD "models: [{name: m, json: 'nonsense'}]\n" TAIL, "m:1: not JSON");
    char text[4096];
    (void)snprintf(text, sizeof text, "%s", one_model);
    memcpy(strstr(text, "max: 100"), "max: 101", 8);
    refused(text, "the plan's features do not have x as the model first reads it");
    (void)snprintf(text, sizeof text, "%s", one_model);
    memcpy(strstr(text, "positive: \"1\""), "positive: \"2\"", 13);
    refused(text, "the model first predicts y = 1, and the plan's target is y = 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_the_rows),
        cmocka_unit_test(a_small_group_is_not_told),
        cmocka_unit_test(groups_are_compared),
        cmocka_unit_test(models_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

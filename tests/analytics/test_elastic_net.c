/* The elastic net: as scikit-learn fits it, and at a point that no direction improves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/reference.h"

static json_t *model_of(const struct pooled *pooled, struct pooled_options options)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    struct result result = pooled_run(pooled, options, &fold);
    if (result_ok(result)) result = fold_result(&fold, 1, &text);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    json_t *model = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(model);
    return model;
}

static const json_t *term(const json_t *model, size_t index, const char **ret_name, double *ret_estimate)
{
    const json_t *item = json_array_get(json_object_get(model, "terms"), index);
    *ret_name = json_string_value(json_object_get(item, "term"));
    *ret_estimate = json_number_value(json_object_get(item, "estimate"));
    return item;
}

/* Made by elastic_net_constants.py: the coefficients that are not 0. */
struct coefficient {
    const char *name;
    double estimate;
};
static const struct coefficient fit_0[] = {
    {"(intercept)", -0.03020528576417014},
    {"status=4", -1.1347852049164104},
    {"duration", 0.23431566744677582},
    {"credit_history=4", -0.40661468091398073},
    {"purpose=1", -0.18130025106595618},
    {"purpose=3", -0.1625315351286356},
    {"amount", 0.17274898527574967},
    {"savings=5", -0.28827314077183713},
    {"employment_duration=2", 0.09828720871411291},
    {"employment_duration=4", -0.16789278465989657},
    {"installment_rate", 0.1762690047680088},
    {"personal_status_sex=3", -0.2194703072956273},
    {"age", -0.09620786594297072},
    {"other_installment_plans=3", -0.04512404859253306},
    {"housing=2", -0.12944120013039476},
};
static const struct coefficient fit_1[] = {
    {"(intercept)", 0.46521593207796386},
    {"status=2", -0.23011477994254445},
    {"status=3", -0.2615045239672966},
    {"status=4", -1.292488998499363},
    {"duration", 0.22757243310435507},
    {"credit_history=1", 0.4942122686441524},
    {"credit_history=4", -0.6361609809288957},
    {"purpose=1", -0.7668867670373521},
    {"purpose=2", -0.0795945462320524},
    {"purpose=3", -0.4035324439005802},
    {"purpose=6", 0.021904368459691032},
    {"amount", 0.30152937774340505},
    {"savings=3", -0.24824719066017534},
    {"savings=4", -0.39094473308974576},
    {"savings=5", -0.627839754215294},
    {"employment_duration=2", 0.26483620684956044},
    {"employment_duration=4", -0.473537187028094},
    {"installment_rate", 0.28280588650050303},
    {"personal_status_sex=3", -0.47899013202010066},
    {"other_debtors=2", 0.15343167476644873},
    {"other_debtors=3", -0.4594356503648264},
    {"present_residence", 0.01848528062672266},
    {"property=4", 0.1876550655843754},
    {"age", -0.1551017226245908},
    {"other_installment_plans=3", -0.19798159768287749},
    {"housing=2", -0.22328257071827962},
    {"number_credits", 0.10256862130359838},
    {"job=3", 0.004916302711485669},
    {"people_liable", -0.07903372077758672},
    {"telephone=2", -0.15132584262988438},
    {"foreign_worker=2", 0.2418653199718468},
};
static const struct coefficient fit_2[] = {
    {"(intercept)", -0.1452951739792233},
    {"status=4", -0.7084699314339332},
    {"duration", 0.2234254339504996},
    {"credit_history=1", 0.10568119825793643},
    {"credit_history=4", -0.3091121439908844},
    {"purpose=1", -0.1986516268102923},
    {"purpose=3", -0.1661818645799082},
    {"amount", 0.1708452407753419},
    {"savings=5", -0.25278708053748367},
    {"employment_duration=2", 0.14928020183469867},
    {"employment_duration=4", -0.16685481580130512},
    {"installment_rate", 0.1678414137239597},
    {"personal_status_sex=2", 0.04095201525667622},
    {"personal_status_sex=3", -0.20223699494016517},
    {"other_debtors=3", -0.017582363676736715},
    {"property=4", 0.07392129519681653},
    {"age", -0.11434020851953028},
    {"other_installment_plans=3", -0.10936247478606771},
    {"housing=2", -0.15016147191931578},
    {"people_liable", -0.01265268954060936},
    {"telephone=2", -0.03845465283457126},
};
static const struct {
    const char *penalty, *l1;
    const struct coefficient *coefficients;
    size_t count;
} fits[] = {
    {"10", "1.0", fit_0, sizeof fit_0 / sizeof *fit_0},
    {"5", "0.5", fit_1, sizeof fit_1 / sizeof *fit_1},
    {"30", "0.2", fit_2, sizeof fit_2 / sizeof *fit_2},
};

static double expected_of(size_t fit, const char *name)
{
    for (size_t i = 0; i < fits[fit].count; i++)
        if (strcmp(fits[fit].coefficients[i].name, name) == 0) return fits[fit].coefficients[i].estimate;
    return 0;
}

static void fits_are_those_of_scikit_learn(void **state)
{
    (void)state;
    if (!reference_present()) skip();
    for (size_t fit = 0; fit < sizeof fits / sizeof *fits; fit++) {
        struct reference reference;
        double worst = 0;
        size_t zeros = 0;
        if (!result_ok(reference_load("south_german_credit", fits[fit].penalty, &reference)))
            fail_msg("%s", result_reason());
        reference.pooled.plan.l1 = strtod(fits[fit].l1, NULL);
        json_t *model = model_of(&reference.pooled, (struct pooled_options){.parts = 5, .threads = 2});
        json_t *other = model_of(&reference.pooled, (struct pooled_options){.parts = 2, .threads = 1, .shuffle = 3});
        assert_true(json_equal(model, other));
        assert_true(json_is_true(json_object_get(model, "converged")));
        for (size_t t = 0; t < json_array_size(json_object_get(model, "terms")); t++) {
            const char *name;
            double estimate;
            const json_t *item = term(model, t, &name, &estimate);
            double expected = expected_of(fit, name);
            assert_true(json_is_null(json_object_get(item, "std_error")));
            assert_true((estimate == 0) == (expected == 0));
            zeros += estimate == 0;
            worst = fmax(worst, fabs(estimate - expected));
        }
        printf("penalty %s, l1 %s: %zu zeros, within %.1e, %.0f rounds\n", fits[fit].penalty, fits[fit].l1, zeros,
               worst, json_number_value(json_object_get(model, "rounds")));
        assert_true(worst <= 1e-6);
        json_decref(model);
        json_decref(other);
        reference_done(&reference);
    }
}

/* ---- made-up rows: the conditions of an optimum (Karush, Kuhn, Tucker), from the rows themselves */

enum { ROWS = 3000, NUMBERS = 6 };

static void fill(struct pooled *pooled, double (*x)[NUMBERS], double *y)
{
    CLEANUP(buffer_done) struct buffer yaml = {0};
    const char *text;
    uint64_t seed = 9;
    assert_true(result_ok(buffer_text(&yaml, "cofferdam: 1\nname: rows\npurpose: test\ntask: logistic\n"
                                             "target: {column: y, positive: \"1\"}\nfeatures:\n")));
    for (int k = 0; k < NUMBERS; k++)
        assert_true(result_ok(buffer_format(&yaml, "  - {name: x%d, kind: number, min: -1000, max: 1000}\n", k)));
    assert_true(result_ok(
        buffer_text(&yaml, "train: {penalty: 60, l1: 0.7, tolerance: 1.0e-10, rounds: 60}\ncohort: {minimum: 3}\n")));
    assert_true(result_ok(buffer_terminate(&yaml, &text)));
    if (!result_ok(pooled_init(text, pooled))) fail_msg("%s", result_reason());
    for (int i = 0; i < ROWS; i++) {
        char texts[NUMBERS + 1][32];
        const char *fields[NUMBERS + 1];
        double odds = -0.5;
        for (int k = 0; k < NUMBERS; k++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            x[i][k] = (double)(seed >> 40 & 0xffff) / 65536 - 0.5 + (k > 0 ? 0.5 * x[i][k - 1] : 0);
            (void)snprintf(texts[k], sizeof texts[k], "%.17g", x[i][k]);
            odds += x[i][k] * (k < 2 ? 2 : k == 2 ? -1 : 0);
        }
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        y[i] = (double)(seed >> 40 & 0xffff) / 65536 < 1 / (1 + exp(-odds));
        (void)snprintf(texts[NUMBERS], sizeof texts[NUMBERS], "%d", y[i] > 0);
        for (int k = 0; k <= NUMBERS; k++) fields[k] = texts[k];
        if (!result_ok(pooled_row(pooled, fields))) fail_msg("%s", result_reason());
    }
}

static void no_direction_improves_it(void **state)
{
    (void)state;
    static double x[ROWS][NUMBERS], y[ROWS];
    struct pooled pooled;
    fill(&pooled, x, y);
    json_t *model = model_of(&pooled, (struct pooled_options){.parts = 3, .threads = 1});
    double beta[NUMBERS + 1], mean[NUMBERS] = {0}, sd[NUMBERS] = {0}, gradient[NUMBERS + 1] = {0};
    const char *name;
    unsigned zeros = 0;
    for (size_t t = 0; t <= NUMBERS; t++) (void)term(model, t, &name, &beta[t]);
    for (int k = 0; k < NUMBERS; k++) {
        for (int i = 0; i < ROWS; i++) mean[k] += x[i][k] / ROWS;
        for (int i = 0; i < ROWS; i++) sd[k] += (x[i][k] - mean[k]) * (x[i][k] - mean[k]) / ROWS;
        sd[k] = sqrt(sd[k]);
    }
    for (int i = 0; i < ROWS; i++) {
        double odds = beta[0];
        for (int k = 0; k < NUMBERS; k++) odds += beta[k + 1] * (x[i][k] - mean[k]) / sd[k];
        double residual = y[i] - 1 / (1 + exp(-odds));
        gradient[0] += residual;
        for (int k = 0; k < NUMBERS; k++) gradient[k + 1] += residual * (x[i][k] - mean[k]) / sd[k];
    }
    assert_true(fabs(gradient[0]) <= 1e-6);
    for (int k = 1; k <= NUMBERS; k++) {
        double left = gradient[k] - 60 * 0.3 * beta[k], lasso = 60 * 0.7;
        zeros += beta[k] == 0;
        if (beta[k] == 0)
            assert_true(fabs(left) <= lasso);
        else
            assert_true(fabs(left - (beta[k] > 0 ? lasso : -lasso)) <= 1e-6);
    }
    assert_true(zeros > 0 && zeros < NUMBERS);
    json_decref(model);
    pooled_done(&pooled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_are_those_of_scikit_learn),
        cmocka_unit_test(no_direction_improves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

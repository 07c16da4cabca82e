/* Hinges and products in the logistic fit: the maximum of the likelihood of the columns that docs/logistic.md defines,
 * and a model that scores them as the training did. */
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

#include "analytics/logistic_design.h"
#include "analytics/model.h"
#include "tests/support/pooled.h"

enum { ROWS = 3000, COLUMNS = 12 };

static const char yaml[] =
    "cofferdam: 1\nname: rows\npurpose: test\ntask: logistic\n"
    "target: {column: y, positive: \"1\"}\nfeatures:\n"
    "  - {name: age, kind: number, min: 18, max: 90, knots: [30, 60], missing: mean}\n"
    "  - {name: debt, kind: number, min: 0, max: 10}\n"
    "  - {name: sex, kind: category, levels: [f, m], baseline: m}\n"
    "  - {name: job, kind: category, levels: [a, b, c], missing: level}\n"
    "interactions: [{of: [age, debt]}, {of: [debt, sex]}, {of: [sex, job]}, {of: [debt, debt]}]\n"
    "train: {tolerance: 1.0e-10}\ncohort: {minimum: 3}\n";
static const char *const names[COLUMNS + 4] = {
    "(intercept)", "age",    "debt",     "sex=f",      "job=b",       "job=c",       "job=missing",
    "age>30",      "age>60", "age:debt", "debt:sex=f", "sex=f:job=b", "sex=f:job=c", "sex=f:job=missing",
    "debt:debt"};

struct row {
    double age, debt; /* age NAN: missing */
    bool f, positive;
    char job; /* 0: missing */
};
static struct row rows[ROWS];

static double uniform(void)
{
    static uint64_t seed = 3;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 40) / 0x1p24;
}

static void fill(struct pooled *pooled)
{
    if (!result_ok(pooled_init(yaml, pooled))) fail_msg("%s", result_reason());
    for (size_t i = 0; i < ROWS; i++) {
        struct row *row = &rows[i];
        char age[32], debt[32];
        *row = (struct row){18 + floor(uniform() * 72), uniform() * 10, uniform() < 0.5, false,
                            "cab"[(int)(uniform() * 3)]};
        if (uniform() < 0.1) row->job = 0;
        double odds = -1 + (row->age > 60 ? (row->age - 60) / 10 : 0) + (row->f ? 0.2 : -0.2) * row->debt;
        row->positive = uniform() < 1 / (1 + exp(-odds));
        if (uniform() < 0.1) row->age = (double)NAN;
        (void)snprintf(age, sizeof age, "%.0f", row->age);
        (void)snprintf(debt, sizeof debt, "%.17g", row->debt);
        const char job[2] = {row->job, 0};
        const char *texts[] = {isnan(row->age) ? NULL : age, debt, row->f ? "f" : "m", row->job ? job : NULL,
                               row->positive ? "1" : "0"};
        if (!result_ok(pooled_row(pooled, texts))) fail_msg("%s", result_reason());
    }
}

static json_t *model_of(const struct pooled *pooled, struct pooled_options options, struct buffer *text)
{
    CLEANUP(fold_done) struct fold fold = {0};
    struct result result = pooled_run(pooled, options, &fold);
    if (result_ok(result)) result = fold_result(&fold, 1, text);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    json_t *json = json_loadb((const char *)text->data, text->length, 0, NULL);
    assert_non_null(json);
    assert_true(json_is_true(json_object_get(json, "converged")));
    return json;
}

/* The columns as the documentation has them, computed here from the rows. */
static void columns_of(const struct row *row, const double mean[2], const double sd[2], double *x)
{
    double age = ((isnan(row->age) ? mean[0] : row->age) - mean[0]) / sd[0], debt = (row->debt - mean[1]) / sd[1];
    double hinges[2] = {age - (30 - mean[0]) / sd[0], age - (60 - mean[0]) / sd[0]};
    double c = row->job == 'c', b = row->job == 'b', none = row->job == 0, f = row->f;
    const double all[] = {1,
                          age,
                          debt,
                          f,
                          b,
                          c,
                          none,
                          hinges[0] > 0 ? hinges[0] : 0,
                          hinges[1] > 0 ? hinges[1] : 0,
                          age * debt,
                          debt * f,
                          f * b,
                          f * c,
                          f * none,
                          debt * debt};
    memcpy(x, all, sizeof all);
}

/* At the maximum every column's residuals add up to nothing. */
static void the_fit_is_the_maximum(void **state)
{
    (void)state;
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(buffer_done) struct buffer text = {0}, other = {0};
    enum { TERMS = 15 };
    double estimates[TERMS], mean[2], sd[2], gradient[TERMS] = {0}, likelihood = 0, worst = 0;
    fill(&pooled);
    json_t *json = model_of(&pooled, (struct pooled_options){.parts = 5, .threads = 2, .shuffle = 9}, &text);
    json_t *same = model_of(&pooled, (struct pooled_options){.parts = 1, .threads = 1}, &other);
    assert_true(json_equal(json, same));
    const json_t *terms = json_object_get(json, "terms");
    assert_int_equal(json_array_size(terms), TERMS);
    for (size_t t = 0; t < TERMS; t++) {
        const json_t *term = json_array_get(terms, t);
        assert_string_equal(json_string_value(json_object_get(term, "term")), names[t]);
        estimates[t] = json_number_value(json_object_get(term, "estimate"));
        assert_true(json_number_value(json_object_get(term, "std_error")) > 0);
        if (t != 1 && t != 2) continue;
        mean[t - 1] = json_number_value(json_object_get(term, "mean"));
        sd[t - 1] = json_number_value(json_object_get(term, "sd"));
    }
    for (size_t i = 0; i < ROWS; i++) {
        double x[TERMS], score = 0;
        columns_of(&rows[i], mean, sd, x);
        for (size_t t = 0; t < TERMS; t++) score += x[t] * estimates[t];
        double probability = 1 / (1 + exp(-score));
        likelihood += log(rows[i].positive ? probability : 1 - probability);
        for (size_t t = 0; t < TERMS; t++) gradient[t] += x[t] * (rows[i].positive - probability);
    }
    for (size_t t = 0; t < TERMS; t++) worst = fmax(worst, fabs(gradient[t]));
    double told = json_number_value(json_object_get(json, "log_likelihood"));
    printf("gradient at most %.1e, log-likelihood within %.1e\n", worst, fabs(likelihood - told));
    assert_true(worst < 1e-6);
    assert_true(fabs(likelihood - told) < 1e-7);
    json_decref(json);
    json_decref(same);
}

static void the_model_scores_as_training_did(void **state)
{
    (void)state;
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    CLEANUP(model_done) struct model model = {0};
    CLEANUP(logistic_done) struct logistic trained = {0};
    static double odds[ROWS], chance[ROWS], parts[64];
    fill(&pooled);
    struct result result = pooled_run(&pooled, (struct pooled_options){.parts = 3, .threads = 1}, &fold);
    if (result_ok(result)) result = fold_result(&fold, 1, &text);
    if (result_ok(result)) result = model_parse(buffer_view(&text), "model.json", &model);
    if (result_ok(result)) {
        size_t header = sizeof "cofferdam/1/state" + HASH_BYTES + sizeof(uint64_t);
        result = logistic_parse(&pooled.plan, view_of(fold.state.data + header, fold.state.length - header), &trained);
    }
    if (result_ok(result)) result = model_score(&model, pooled.table, 0, ROWS, odds, chance);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    assert_int_equal(model.derived_count, 6);
    struct design *design = calloc(1, sizeof *design);
    assert_non_null(design);
    assert_true(result_ok(design_init(&trained, pooled.table, design)));
    for (uint64_t begin = 0; begin < ROWS; begin += GRAM_ROWS) {
        size_t count = ROWS - begin < GRAM_ROWS ? (size_t)(ROWS - begin) : GRAM_ROWS;
        assert_true(result_ok(design_load(design, begin, count)));
        for (size_t r = 0; r < count; r++) {
            double sum = model.intercept;
            assert_true(design->score[r] == odds[begin + r]); /* to the bit */
            assert_true(design->probability[r] == chance[begin + r]);
            assert_true(result_ok(model_parts(&model, pooled.table, begin + r, parts)));
            for (size_t k = 0; k < model.features_count + model.derived_count; k++) sum += parts[k];
            assert_true(sum == odds[begin + r]);
        }
    }
    design_done(design);
    free(design);
}

/* A number that is the product of two others: one of both columns is aliased, the fit stays the same. */
static void products_of_aliased_columns(void **state)
{
    (void)state;
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    CLEANUP(model_done) struct model model = {0};
    static const char twins[] = "cofferdam: 1\nname: rows\npurpose: test\ntask: logistic\n"
                                "target: {column: y, positive: \"1\"}\nfeatures:\n"
                                "  - {name: a, kind: number, min: 0, max: 10}\n"
                                "  - {name: twin, kind: number, min: 0, max: 20}\n"
                                "  - {name: g, kind: category, levels: [p, q, never]}\n"
                                "interactions: [{of: [twin, g]}, {of: [a, g]}]\ncohort: {minimum: 3}\n";
    if (!result_ok(pooled_init(twins, &pooled))) fail_msg("%s", result_reason());
    for (size_t i = 0; i < 500; i++) {
        char a[32], twin[32];
        double value = floor(uniform() * 10);
        bool q = uniform() < 0.5;
        (void)snprintf(a, sizeof a, "%.0f", value);
        (void)snprintf(twin, sizeof twin, "%.0f", 2 * value);
        const char *texts[] = {a, twin, q ? "q" : "p", uniform() < 0.2 + 0.05 * value * q ? "1" : "0"};
        if (!result_ok(pooled_row(&pooled, texts))) fail_msg("%s", result_reason());
    }
    json_t *json = model_of(&pooled, (struct pooled_options){.parts = 2, .threads = 1}, &text);
    static const char *const expected[] = {"twin", "g=never", "twin:g=never", "a:g=q", "a:g=never"};
    const json_t *aliased = json_object_get(json, "aliased");
    assert_int_equal(json_array_size(aliased), 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(json_string_value(json_array_get(aliased, i)), expected[i]);
    if (!result_ok(model_parse(buffer_view(&text), "model.json", &model))) fail_msg("%s", result_reason());
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fit_is_the_maximum),
        cmocka_unit_test(the_model_scores_as_training_did),
        cmocka_unit_test(products_of_aliased_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The pooled fits of independent software (../shared/reference) against the fold over five parts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/reference.h"

/* Runs the set's plan and gives its model. Fails the test with the reason. */
static json_t *model_of(const struct reference *reference, struct pooled_options options)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    struct result result = pooled_run(&reference->pooled, options, &fold);
    if (result_ok(result)) result = fold_result(&fold, options.parts, &text);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    json_t *model = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(model);
    return model;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static const json_t *term(const json_t *model, const char *name)
{
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(model, "terms"), index, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "term")), name) == 0) return item;
    }
    fail_msg("no term %s", name);
    return NULL;
}

/* The reference standardises over all rows, the product over training rows: an estimate per unit of the reference's. */
static double rescale(const json_t *reference, const json_t *item, const char *name)
{
    const json_t *number_of =
        json_object_get(json_object_get(json_object_get(reference, "preprocessing"), "numeric"), name);
    return number_of ? number(number_of, "sd") / number(item, "sd") : 1;
}

static double intercept_shift(const json_t *reference, const json_t *model)
{
    double shift = 0;
    const char *name;
    json_t *of;
    json_t *numeric = json_object_get(json_object_get(reference, "preprocessing"), "numeric");
    json_object_foreach(numeric, name, of)
    {
        const json_t *item = term(model, name);
        if (!json_is_number(json_object_get(item, "estimate"))) continue;
        shift += number(item, "estimate") * (number(of, "mean") - number(item, "mean")) / number(item, "sd");
    }
    return shift;
}

static void compare_coefficients(const json_t *reference, const json_t *model)
{
    double worst = 0, worst_error = 0;
    const char *name;
    json_t *expected;
    json_t *coefficients = json_object_get(json_object_get(reference, "a_logistic"), "coef");
    json_object_foreach(coefficients, name, expected)
    {
        bool intercept = strcmp(name, "(Intercept)") == 0;
        const json_t *item = term(model, intercept ? "(intercept)" : name);
        double scale = intercept ? 1 : rescale(reference, item, name);
        double estimate = number(item, "estimate") * scale + (intercept ? intercept_shift(reference, model) : 0);
        double distance = fabs(estimate - number(expected, "b")) / number(expected, "se");
        if (distance > worst) worst = distance;
        if (intercept) continue; /* its standard error is at another origin */
        double error = fabs(number(item, "std_error") * scale / number(expected, "se") - 1);
        if (error > worst_error) worst_error = error;
    }
    printf("  coefficients within %.1e of a standard error, standard errors within %.1e\n", worst, worst_error);
    assert_true(worst <= 1e-6);
    assert_true(worst_error <= 1e-5);
}

static void compare_metrics(const json_t *reference, const json_t *model)
{
    static const char *const sets[][2] = {{"train", "train"}, {"holdout", "test"}};
    for (size_t i = 0; i < 2; i++) {
        const json_t *mine = json_object_get(json_object_get(model, "metrics"), sets[i][0]);
        const json_t *theirs = json_object_get(json_object_get(reference, "a_logistic"), sets[i][1]);
        double auc = fabs(number(mine, "auc") - number(theirs, "auc"));
        double ks = fabs(number(mine, "ks") - number(theirs, "ks"));
        printf("  %s: AUC within %.1e, KS within %.1e\n", sets[i][0], auc, ks);
        assert_true(auc <= 1e-4);
        assert_true(ks <= 5e-3);
        assert_true(fabs(number(mine, "brier") - number(theirs, "brier")) <= 1e-9);
        assert_true(fabs(number(mine, "log_loss") - number(theirs, "logloss")) <= 1e-9);
        assert_true(fabs(number(mine, "gini") - (2 * number(mine, "auc") - 1)) <= 1e-12);
    }
}

static void compare_aliased(const json_t *reference, const json_t *model)
{
    const json_t *expected = json_object_get(json_object_get(reference, "preprocessing"), "aliased_left_out");
    const json_t *aliased = json_object_get(model, "aliased");
    assert_int_equal(json_array_size(aliased), json_array_size(expected));
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const char *name = json_string_value(json_array_get(expected, i));
        assert_string_equal(json_string_value(json_array_get(aliased, i)), name);
        assert_true(json_is_null(json_object_get(term(model, name), "estimate")));
    }
}

static void compare_fit(const json_t *reference, const json_t *model)
{
    const json_t *fit = json_object_get(reference, "a_logistic");
    double expected = number(fit, "loglik");
    double distance = fabs(number(model, "log_likelihood") / expected - 1);
    printf("  %.0f rounds; log-likelihood within %.1e of its size\n", number(model, "rounds"), distance);
    assert_true(distance <= 1e-9);
    assert_true(fabs(number(model, "aic") / number(fit, "aic") - 1) <= 1e-9);
    assert_true(fabs(number(model, "null_deviance") / (-2 * number(fit, "loglik_null")) - 1) <= 1e-9);
}

static void same_as_the_reference(const char *set, const char *penalty)
{
    if (!reference_present()) skip();
    struct reference reference;
    if (!result_ok(reference_load(set, penalty, &reference))) fail_msg("%s", result_reason());
    printf("%s\n", set);
    json_t *model = model_of(&reference, (struct pooled_options){.parts = 5, .threads = 2});
    assert_true(json_is_true(json_object_get(model, "converged")));
    compare_fit(reference.json, model);
    compare_aliased(reference.json, model);
    compare_coefficients(reference.json, model);
    compare_metrics(reference.json, model);
    json_decref(model);
    reference_done(&reference);
}

static void german_credit(void **state)
{
    (void)state;
    same_as_the_reference("german_credit", "0");
}

static void taiwan_default(void **state)
{
    (void)state;
    same_as_the_reference("taiwan_default", "0");
}

static void hmda(void **state)
{
    (void)state;
    same_as_the_reference("hmda", "0");
}

static void telco_churn(void **state)
{
    (void)state;
    same_as_the_reference("telco_churn", "0");
}

/* Where the reference found columns of one class: they are named, and the small penalty that it took gives its fit (on
 * the scale of all rows, so nearly ours: the penalty weighs the numbers by their spread). */
static void separated(const char *set)
{
    if (!reference_present()) skip();
    struct reference reference;
    if (!result_ok(reference_load(set, "0", &reference))) fail_msg("%s", result_reason());
    json_t *model = model_of(&reference, (struct pooled_options){.parts = 5, .threads = 2});
    assert_true(json_is_false(json_object_get(model, "converged")));
    const json_t *fit = json_object_get(reference.json, "a_logistic");
    const json_t *expected = json_object_get(json_object_get(fit, "why_ridge"), "one_class_columns");
    const json_t *names = json_object_get(json_object_get(model, "separation"), "terms");
    assert_int_equal(json_array_size(names), json_array_size(expected));
    for (size_t i = 0; i < json_array_size(expected); i++)
        assert_string_equal(json_string_value(json_array_get(names, i)),
                            json_string_value(json_object_get(json_array_get(expected, i), "column")));
    compare_aliased(reference.json, model);
    json_decref(model);
    reference_done(&reference);
    if (!result_ok(reference_load(set, "0.01", &reference))) fail_msg("%s", result_reason());
    model = model_of(&reference, (struct pooled_options){.parts = 5, .threads = 2});
    assert_true(json_is_true(json_object_get(model, "converged")));
    fit = json_object_get(reference.json, "a_logistic");
    double distance = fabs(number(model, "log_likelihood") / number(fit, "loglik") - 1);
    const json_t *train = json_object_get(json_object_get(model, "metrics"), "train");
    double auc = fabs(number(train, "auc") - number(json_object_get(fit, "train"), "auc"));
    printf("%s, penalty 0.01: log-likelihood within %.1e of its size, AUC within %.1e\n", set, distance, auc);
    assert_true(distance <= 1e-6);
    assert_true(auc <= 1e-4);
    json_decref(model);
    reference_done(&reference);
}

static void credit_data(void **state)
{
    (void)state;
    separated("credit_data");
}

static void bank_marketing(void **state)
{
    (void)state;
    separated("bank_marketing");
}

/* The reference's ridge with penalty 1, to what the scale allows. */
static void ridge(void **state)
{
    (void)state;
    if (!reference_present()) skip();
    static const char *const sets[] = {"german_credit", "taiwan_default", "hmda", "telco_churn"};
    for (size_t i = 0; i < 4; i++) {
        struct reference reference;
        if (!result_ok(reference_load(sets[i], "1", &reference))) fail_msg("%s", result_reason());
        json_t *model = model_of(&reference, (struct pooled_options){.parts = 5, .threads = 2});
        const json_t *fit = json_object_get(reference.json, "b_logistic_l2");
        const json_t *held = json_object_get(json_object_get(model, "metrics"), "holdout");
        double distance = fabs(number(model, "log_likelihood") / number(fit, "loglik") - 1);
        double auc = fabs(number(held, "auc") - number(json_object_get(fit, "test"), "auc"));
        printf("%s, penalty 1: log-likelihood within %.1e of its size, AUC within %.1e\n", sets[i], distance, auc);
        assert_true(distance <= 1e-4);
        assert_true(auc <= 5e-4);
        json_decref(model);
        reference_done(&reference);
    }
}

/* Three, five, eleven banks; rows as read or shuffled; one thread or two. */
static void dealing_real_rows_changes_no_bit(void **state)
{
    (void)state;
    if (!reference_present()) skip();
    static const char *const sets[] = {"german_credit", "taiwan_default", "hmda", "telco_churn"};
    static const struct pooled_options options[] = {{.parts = 1, .threads = 1},
                                                    {.parts = 3, .threads = 2, .shuffle = 1},
                                                    {.parts = 5, .threads = 1},
                                                    {.parts = 11, .threads = 2, .shuffle = 2}};
    for (size_t i = 0; i < 4; i++) {
        struct reference reference;
        if (!result_ok(reference_load(sets[i], "0", &reference))) fail_msg("%s", result_reason());
        struct hash expected;
        for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
            CLEANUP(fold_done) struct fold fold = {0};
            if (!result_ok(pooled_run(&reference.pooled, options[k], &fold))) fail_msg("%s", result_reason());
            if (k == 0) expected = fold.state_hash;
            assert_true(hash_equal(&fold.state_hash, &expected));
        }
        reference_done(&reference);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(german_credit), cmocka_unit_test(taiwan_default),
        cmocka_unit_test(hmda),          cmocka_unit_test(telco_churn),
        cmocka_unit_test(credit_data),   cmocka_unit_test(bank_marketing),
        cmocka_unit_test(ridge),         cmocka_unit_test(dealing_real_rows_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

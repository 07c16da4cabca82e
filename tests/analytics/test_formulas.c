/* Whole folds of every task, over plans and rows drawn at random: in each round the words that SQLite and PostgreSQL
 * come to by the round's formulas are those of `contribute`, bit for bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/cases.h"
#include "analytics/elementary.h"
#include "analytics/formulas.h"
#include "analytics/sweep.h"
#include "tests/support/databases.h"
#include "tests/support/ok.h"
#include "tests/support/pooled.h"
#include "tests/support/stored.h"

enum { ROWS = 700, SEEDS = 2, TEXT = 64 };

static bool with_postgres;
static uint64_t seed;

static uint64_t next(void)
{
    seed += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double uniform(void)
{
    return (double)(next() >> 11) * 0x1p-53;
}

static const char *one_of(const char *a, const char *b)
{
    return next() % 2 ? a : b;
}

/* ---- plans and rows. Columns: a, b, c, tiny (which has values next to 0), g, h, y. */

static double lowest, highest; /* of c */

static void put_plan(const char *task, const char *special, const char *rest, struct buffer *out)
{
    lowest = -ldexp(uniform(), (int)(next() % 30) - 10);
    highest = ldexp(uniform() + 0.01, (int)(next() % 30) - 10);
    OK(buffer_format(out, "cofferdam: 1\nname: rows\npurpose: test\ntask: %s\ntarget: {column: y, positive: \"1\"}\n",
                     task));
    OK(buffer_text(out, strstr(rest, "path") || next() % 3 ? "split: {fraction: 0.3, seed: s}\n" : ""));
    OK(buffer_format(
        out,
        "features:\n  - {name: a, kind: number, min: 0, max: 50, missing: %s, outside: clamp, resolution: 0.5%s}\n",
        one_of("median", "mean"), special));
    OK(buffer_text(out, "  - {name: b, kind: number, min: -10, max: 90, resolution: 0.01}\n"));
    OK(buffer_format(
        out, "  - {name: c, kind: number, min: %.17g, max: %.17g, missing: %s, outside: %s, resolution: %.17g}\n",
        lowest, highest, one_of("median", "0"), one_of("missing", "clamp"), (highest - lowest) / 1e5));
    OK(buffer_text(out, "  - {name: tiny, kind: number, min: -1, max: 1, resolution: 0.001}\n"));
    OK(buffer_format(out, "  - {name: g, kind: category, levels: [u, v, w], missing: level%s}\n",
                     one_of(", other: level", "")));
    OK(buffer_text(out, "  - {name: h, kind: category, levels: [p, q]}\n"));
    OK(buffer_format(out, "%s\ncohort: {minimum: 3}\n", rest));
}

static void put_row(struct pooled *pooled, bool special)
{
    static const char *const tiny[] = {"0", "1", "-1", "5e-324", "-3e-320", "1e-300", "-1e-170", "1e-60"};
    bool other = pooled->plan.features[4].level_other;
    char a[TEXT], b[TEXT], c[TEXT], small[TEXT];
    double x = uniform() * 60 - 5, y = uniform() * 100 - 10, z = lowest + uniform() * 1.2 * (highest - lowest);
    (void)snprintf(a, sizeof a, "%.1f", x);
    (void)snprintf(b, sizeof b, "%.17g", y);
    (void)snprintf(c, sizeof c, "%.17g", z);
    (void)snprintf(small, sizeof small, "%.17g", uniform() * 2 - 1);
    size_t level = next() % (other ? 4 : 3);
    double odds = x / 20 - y / 30 + (level == 1 ? 1 : 0) - 1;
    const char *texts[] = {next() % 9 ? a : NULL,
                           b,
                           next() % 7 ? c : NULL,
                           next() % 2 ? small : tiny[next() % (sizeof tiny / sizeof *tiny)],
                           next() % 8 ? (const char *[]){"u", "v", "w", "else"}[level] : NULL,
                           one_of("p", "q"),
                           uniform() < 1 / (1 + exp(-odds)) ? "1" : "0"};
    if (special && next() % 11 == 0) texts[0] = one_of("-1", "999");
    OK(pooled_row(pooled, texts));
}

static void make(const char *task, const char *special, const char *rest, struct pooled *ret)
{
    CLEANUP(buffer_done) struct buffer yaml = {0};
    const char *text;
    put_plan(task, special, rest, &yaml);
    OK(buffer_terminate(&yaml, &text));
    OK(pooled_init(text, ret));
    OK(task_check(task_find(task), &ret->plan));
    for (int row = 0; row < ROWS; row++) put_row(ret, *special);
    OK(cases_hold_out(&ret->plan, ret->table));
}

/* ---- a fold, round by round */

static void expect_words(const struct fold *fold, struct stored *stored, const struct formula_sums *sums,
                         const struct table *table, const uint64_t *expected)
{
    size_t count = sweep_offset(&fold->layout, fold->layout.fields_count);
    __int128 *values = calloc(count + 1, sizeof *values);
    uint64_t *words = calloc(fold->words + 1, sizeof *words);
    assert_true(values && words);
    stored_values(stored, sums, values, count);
    OK(sweep_words(&fold->layout, table->rows, values, words));
    for (size_t f = 0; f < fold->layout.fields_count; f++) {
        const struct layout_field *field = &fold->layout.fields[f];
        for (uint64_t k = 0; k < field->length * field->words; k++) {
            uint64_t at = layout_offset(&fold->layout, f) + k;
            if (words[at] != expected[at])
                fail_msg("%s, %s, step %llu: word %llu of \"%s\" is %llx, not %llx", stored->dialect->name,
                         fold->task->name, (unsigned long long)fold->step, (unsigned long long)k, field->name,
                         (unsigned long long)words[at], (unsigned long long)expected[at]);
        }
    }
    free(values);
    free(words);
}

static void expect_round(const struct fold *fold, const struct table *table, struct stored *engines, size_t count,
                         uint64_t *words)
{
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    const char *why = NULL;
    bool supported;
    OK(fold_contribute(fold, table, 1, words, fold->words));
    OK(fold_formulas(fold, &sums));
    OK(formula_supported(&sums, &supported, &why));
    if (!supported) fail_msg("%s, step %llu: %s", fold->task->name, (unsigned long long)fold->step, why);
    for (size_t e = 0; e < count; e++) expect_words(fold, &engines[e], &sums, table, words);
}

/* model: what came of it, appended; may be NULL. */
static void expect_fold(const struct pooled *pooled, uint64_t rounds_least, struct buffer *model)
{
    CLEANUP(fold_done) struct fold fold = {0};
    struct stored engines[2];
    size_t count = with_postgres ? 2 : 1;
    for (size_t e = 0; e < count; e++)
        stored_init(e == 0 ? STORED_SQLITE : STORED_POSTGRESQL, pooled->table, &engines[e]);
    OK(fold_start(&pooled->plan, task_find(pooled->plan.task), &fold));
    while (!fold.finished) {
        uint64_t *words = calloc(fold.words + 1, sizeof *words);
        assert_non_null(words);
        expect_round(&fold, pooled->table, engines, count, words);
        OK(fold_advance(&fold, words, fold.words));
        free(words);
    }
    assert_true(fold.step >= rounds_least);
    if (model) OK(fold_result(&fold, 1, model));
    for (size_t e = 0; e < count; e++) stored_done(&engines[e]);
}

static void expect_task(const char *task, const char *special, const char *rest, uint64_t rounds_least)
{
    for (uint64_t s = 1; s <= SEEDS; s++) {
        CLEANUP(pooled_done) struct pooled pooled = {0};
        seed = s;
        make(task, special, rest, &pooled);
        expect_fold(&pooled, rounds_least, NULL);
    }
}

static void statistics(void **state)
{
    (void)state;
    expect_task("statistics", "", "binning: {fine: 12}", 3);
    expect_task("statistics", ", special: [-1, 999]", "binning: {fine: 5}", 3);
}

static void logistic(void **state)
{
    (void)state;
    expect_task("logistic", "", "train: {penalty: 0.01, tolerance: 1.0e-8, rounds: 30}", 8);
}

static void logistic_with_hinges_products_and_weights(void **state)
{
    (void)state;
    expect_task("logistic", "",
                "interactions: [{of: [b, h]}, {of: [a, b]}]\ntrain: {penalty: 0.1, class_weight: balanced, rounds: 30}",
                8);
}

static void logistic_along_a_path(void **state)
{
    (void)state;
    expect_task("logistic", "", "train: {path: 4, l1: 0.5, rounds: 30}", 8);
}

static void scorecard(void **state)
{
    (void)state;
    expect_task("scorecard", "", "binning: {fine: 12}", 8);
    expect_task("scorecard", ", special: [-1, 999]", "binning: {fine: 8}", 8);
}

/* The models of a logistic run and of a scorecard's, of the same rows. */
static void evaluation(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer rest = {0};
    const char *text;
    OK(buffer_text(&rest, "evaluate: {cutoffs: [0.2, 0.35, 0.5], group: g}\nmodels:\n"));
    for (int m = 0; m < 2; m++) {
        CLEANUP(pooled_done) struct pooled pooled = {0};
        seed = 7;
        make(m ? "scorecard" : "logistic", "", m ? "binning: {fine: 9}" : "interactions: [{of: [b, h]}]", &pooled);
        OK(buffer_format(&rest, "  - {name: model%d, json: '", m));
        expect_fold(&pooled, 5, &rest);
        OK(buffer_text(&rest, "'}\n"));
    }
    OK(buffer_terminate(&rest, &text));
    CLEANUP(pooled_done) struct pooled pooled = {0};
    seed = 7;
    make("evaluate", "", text, &pooled);
    expect_fold(&pooled, 3, NULL);
}

/* ---- the logistic function by itself, at scores that rows seldom reach */

enum { SCORES_MAX = 6000 };
static double scores[SCORES_MAX], probabilities[SCORES_MAX], tails[SCORES_MAX];
static uint16_t places[SCORES_MAX];
static size_t scores_count;

static void add_score(double score)
{
    const double around[] = {score, nextafter(score, HUGE_VAL), nextafter(score, -HUGE_VAL)};
    for (size_t i = 0; i < 3; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            assert_true(scores_count < SCORES_MAX);
            scores[scores_count++] = sign * around[i] + 0.0;
        }
}

static void make_scores(void)
{
    seed = 11;
    for (int k = 0; k <= 1021; k += 3) add_score((k + 0.5) * ELEMENTARY_LN2_HIGH);
    for (int exponent = -1074; exponent <= 10; exponent += 9) add_score(ldexp(1, exponent));
    static const double some[] = {0, 36.7, 137.9, 138.6, 707.9, 708, 708.1, 744.5, 745.2, 1000, 1e6};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) add_score(some[i]);
    while (scores_count + 6 <= SCORES_MAX) add_score(uniform() * (next() % 2 ? 5 : 720));
    elementary_logistic(PATH_PORTABLE, scores, scores_count, probabilities, tails);
    for (size_t i = 0; i < scores_count; i++) places[i] = (uint16_t)i;
}

/* The tail, as it goes into sums: 0 where it is so small that nothing of it is left. */
static int64_t tail_integer(double tail)
{
    return elementary_round(tail * 0x1p50);
}

static void logistic_function_in(enum stored_engine engine)
{
    struct column columns[] = {
        {.numbers = scores}, {.spec = {.kind = COLUMN_CATEGORY}, .codes = places}, {.numbers = probabilities}};
    struct table table = {.columns = columns, .columns_count = 3, .rows = scores_count};
    struct stored stored;
    stored_init(engine, &table, &stored);
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    struct formulas_logistic of = formulas_logistic(&sums, formula_number(&sums, 0, -2e6, 2e6));
    uint32_t place = formula_within(&sums, formula_code(&sums, 1), 0, (double)scores_count - 1);
    uint32_t expected = formula_number(&sums, 2, 0x1p-1023, 1);
    uint32_t coarse = formula_flush(&sums, expected, FORMULAS_FLUSH);
    formula_sum_by(&sums, 0, place, scores_count, formulas_flag(&sums, formula_equal(&sums, of.probability, expected)));
    formula_sum_by(&sums, scores_count, place, scores_count,
                   formulas_flag(&sums, formula_equal(&sums, of.coarse, coarse)));
    formula_sum_by(&sums, 2 * scores_count, place, scores_count, formulas_fixed(&sums, of.tail, 50));
    __int128 *found = calloc(3 * scores_count, sizeof *found);
    assert_non_null(found);
    stored_values(&stored, &sums, found, 3 * scores_count);
    for (size_t i = 0; i < scores_count; i++)
        if (found[i] != 1 || found[scores_count + i] != 1 || found[2 * scores_count + i] != tail_integer(tails[i]))
            fail_msg("%s: score %a: probability %d, coarse %d, tail %lld, not %lld", stored.dialect->name, scores[i],
                     (int)found[i], (int)found[scores_count + i], (long long)found[2 * scores_count + i],
                     (long long)tail_integer(tails[i]));
    free(found);
    stored_done(&stored);
}

static void logistic_function(void **state)
{
    (void)state;
    logistic_function_in(STORED_SQLITE);
    if (with_postgres) logistic_function_in(STORED_POSTGRESQL);
}

static void private_sums_are_unsupported(void **state)
{
    (void)state;
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    const char *why = NULL;
    bool supported = true;
    OK(pooled_init("cofferdam: 1\nname: rows\npurpose: test\ntask: statistics\n"
                   "target: {column: y, positive: \"1\"}\nfeatures:\n"
                   "  - {name: a, kind: number, min: 0, max: 50, missing: mean, outside: clamp, resolution: 0.5}\n"
                   "privacy: {epsilon: 2, delta: 1.0e-6}\ncohort: {minimum: 3}\n",
                   &pooled));
    OK(fold_start(&pooled.plan, task_find("statistics"), &fold));
    OK(fold_formulas(&fold, &sums));
    OK(formula_supported(&sums, &supported, &why));
    assert_false(supported);
    assert_string_equal(why, "sums with noise");
}

/* Which of the first rounds of a run over so many numbers have formulas. */
static void expect_many(const char *task, unsigned columns, const bool *expected, size_t rounds)
{
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer yaml = {0};
    const char *text;
    OK(buffer_format(&yaml, "cofferdam: 1\nname: rows\npurpose: test\ntask: %s\n", task));
    OK(buffer_text(&yaml, "target: {column: y, positive: \"1\"}\nfeatures:\n"));
    for (unsigned k = 0; k < columns; k++)
        OK(buffer_format(&yaml, "  - {name: x%u, kind: number, min: 0, max: 1, resolution: 0.01}\n", k));
    OK(buffer_text(&yaml, "cohort: {minimum: 3}\n"));
    OK(buffer_terminate(&yaml, &text));
    OK(pooled_init(text, &pooled));
    for (int row = 0; row < ROWS; row++) {
        char values[64][TEXT];
        const char *texts[65];
        for (unsigned k = 0; k < columns; k++) {
            (void)snprintf(values[k], TEXT, "%.4f", uniform());
            texts[k] = values[k];
        }
        texts[columns] = one_of("0", "1");
        OK(pooled_row(&pooled, texts));
    }
    OK(fold_start(&pooled.plan, task_find(task), &fold));
    for (size_t round = 0; round < rounds; round++) {
        CLEANUP(formula_sums_done) struct formula_sums sums = {0};
        bool supported;
        uint64_t *words = calloc(fold.words + 1, sizeof *words);
        assert_non_null(words);
        OK(fold_formulas(&fold, &sums));
        OK(formula_supported(&sums, &supported, NULL));
        assert_int_equal(supported, expected[round]);
        OK(fold_contribute(&fold, pooled.table, 1, words, fold.words));
        OK(fold_advance(&fold, words, fold.words));
        free(words);
    }
}

/* Counts, means and spreads, products of all columns, a Newton step; counts, quantiles, cells and pairs. */
static void products_of_many_columns_are_streamed(void **state)
{
    (void)state;
    expect_many("logistic", 20, (const bool[]){true, true, true, true}, 4);
    expect_many("logistic", 31, (const bool[]){true, true, false, true}, 4);
    expect_many("logistic", 32, (const bool[]){true, true, false, false}, 4);
    expect_many("statistics", 22, (const bool[]){true, true, true}, 3);
    expect_many("statistics", 23, (const bool[]){true, true, false}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logistic_function),
        cmocka_unit_test(statistics),
        cmocka_unit_test(logistic),
        cmocka_unit_test(logistic_with_hinges_products_and_weights),
        cmocka_unit_test(logistic_along_a_path),
        cmocka_unit_test(scorecard),
        cmocka_unit_test(evaluation),
        cmocka_unit_test(private_sums_are_unsupported),
        cmocka_unit_test(products_of_many_columns_are_streamed),
    };
    make_scores();
    with_postgres = postgres_start();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (with_postgres) postgres_stop();
    return failed;
}

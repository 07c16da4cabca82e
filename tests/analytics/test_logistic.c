/* The logistic task over made-up tables: equal however rows are dealt, medians as a sort gives them, ridge, collinear
 * columns, separation, bad input, and sums that cannot be true. */
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

enum { ROWS = 3000 };

static const char plan_text[] =
    "cofferdam: 1\nname: made-up\npurpose: test\ntask: logistic\n"
    "target: {column: bad, positive: \"1\"}\n"
    "id: customer\n"
    "split: {fraction: 0.2, seed: 2026q4}\n"
    "features:\n"
    "  - {name: income, kind: number, min: 0, max: 100000, missing: median, outside: clamp, resolution: 0.01}\n"
    "  - {name: age, kind: number, min: 18, max: 99, missing: mean}\n"
    "  - {name: debt, kind: number, min: -50, max: 50, missing: 1.5, outside: missing}\n"
    "  - {name: half, kind: number, min: 9, max: 49.5, missing: mean}\n"
    "  - {name: constant, kind: number, min: 0, max: 1}\n"
    "  - {name: home, kind: category, levels: [\"own\", \"rent\", \"never\"], baseline: \"rent\", missing: level, "
    "other: level}\n"
    "  - {name: tenant, kind: category, levels: [\"no\", \"yes\"], baseline: \"no\"}\n"
    "train: {penalty: %s, tolerance: 1.0e-8, rounds: 30}\n";

static uint64_t next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

static void must(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

/* A row of the plan above: income, age, debt, half, constant, home, tenant, bad, customer. */
static void add_row(struct pooled *pooled, uint64_t *seed, unsigned row)
{
    char income[32], age[32], debt[32], half[32], id[32];
    double earned = exp(8 + 2.2 * uniform(seed)), years = 18 + floor(60 * uniform(seed));
    double owed = 120 * uniform(seed) - 60;
    const char *homes[] = {"own", "rent", "rent", "boat", NULL};
    const char *home = homes[next(seed) % 5];
    bool tenant = home && strcmp(home, "rent") == 0;
    (void)snprintf(income, sizeof income, "%.2f", next(seed) % 50 == 0 ? 200000 : earned);
    (void)snprintf(age, sizeof age, "%.0f", years);
    (void)snprintf(half, sizeof half, "%.1f", years / 2);
    (void)snprintf(debt, sizeof debt, "%.3f", owed);
    (void)snprintf(id, sizeof id, "c%u", row);
    bool no_income = next(seed) % 9 == 0, no_age = next(seed) % 30 == 0;
    double score = -1 + 0.03 * owed - 0.02 * (years - 40) - 0.1 * (earned / 5000) + (tenant ? 0.5 : 0);
    const char *bad = uniform(seed) < 1 / (1 + exp(-score)) ? "1" : "0";
    const char *texts[] = {no_income ? NULL : income,
                           no_age ? NULL : age,
                           debt,
                           no_age ? NULL : half,
                           "0.5",
                           home,
                           tenant ? "yes" : "no",
                           bad,
                           id};
    must(pooled_row(pooled, texts));
}

static void make(struct pooled *pooled, const char *penalty, unsigned rows)
{
    char text[sizeof plan_text + 64];
    (void)snprintf(text, sizeof text, plan_text, penalty);
    must(pooled_init(text, pooled));
    uint64_t seed = 7;
    for (unsigned row = 0; row < rows; row++) add_row(pooled, &seed, row);
}

static void run(const struct pooled *pooled, struct pooled_options options, struct fold *fold, struct buffer *model)
{
    must(pooled_run(pooled, options, fold));
    must(fold_result(fold, 5, model)); /* the same number of banks: it is printed */
}

static void dealing_rows_changes_no_bit(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "0", ROWS);
    CLEANUP(fold_done) struct fold first = {0};
    CLEANUP(buffer_done) struct buffer expected = {0};
    run(&pooled, (struct pooled_options){.parts = 1, .threads = 1}, &first, &expected);
    static const struct pooled_options others[] = {{.parts = 3, .threads = 1},
                                                   {.parts = 5, .threads = 2, .shuffle = 11},
                                                   {.parts = 11, .threads = 1, .shuffle = 5},
                                                   {.parts = 1, .threads = 2},
                                                   {.parts = 1, .threads = 7, .shuffle = 3}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CLEANUP(fold_done) struct fold fold = {0};
        CLEANUP(buffer_done) struct buffer model = {0};
        run(&pooled, others[i], &fold, &model);
        assert_true(hash_equal(&fold.state_hash, &first.state_hash));
        assert_true(view_equal(buffer_view(&model), buffer_view(&expected)));
    }
    pooled_done(&pooled);
}

/* All score edges of a run, from the layouts of its sums. */
static void all_score_edges_make_one_histogram(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "0", ROWS);
    uint64_t edges = 0, histograms = 0;
    for (unsigned step = 1, finished = 0; !finished; step++) {
        CLEANUP(fold_done) struct fold fold = {0};
        must(pooled_run(&pooled, (struct pooled_options){.parts = 3, .threads = 1, .stop_at = step}, &fold));
        finished = fold.finished;
        if (finished || strcmp(fold.layout.fields[0].name, "score counts") != 0) continue;
        edges += fold.layout.fields[0].length / CASE_KINDS - 1;
        histograms++;
    }
    assert_true(histograms > 1 && histograms <= CURVE_HISTOGRAMS);
    assert_true(edges + 1 <= 256);
    pooled_done(&pooled);
}

static json_t *model_of(const struct pooled *pooled)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    run(pooled, (struct pooled_options){.parts = 4, .threads = 2}, &fold, &text);
    json_t *model = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(model);
    return model;
}

static const json_t *item_of(const json_t *model, const char *list, const char *key, const char *name)
{
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(model, list), index, item)
    {
        if (strcmp(json_string_value(json_object_get(item, key)), name) == 0) return item;
    }
    fail_msg("no %s in %s", name, list);
    return NULL;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Training rows: those whose id the split does not hold out. */
static bool trains(const struct pooled *pooled, uint64_t row)
{
    const struct column *ids = &pooled->table->columns[schema_id(&pooled->plan)];
    struct view id = view_of(ids->texts.data + ids->starts[row], ids->starts[row + 1] - ids->starts[row]);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    must(buffer_text(&bytes, "cofferdam/1/split"));
    must(buffer_u8(&bytes, 0));
    must(buffer_text(&bytes, "2026q4"));
    must(buffer_u8(&bytes, 0));
    must(buffer_append(&bytes, id));
    struct hash hash;
    must(hash_bytes(NULL, buffer_view(&bytes), &hash));
    return (double)bytes_get_u64(hash.bytes) >= 0.2 * 0x1p64;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Values of a number's training rows, sorted; returns how many are there. */
static size_t sorted(const struct pooled *pooled, size_t column, double *values)
{
    size_t count = 0;
    for (uint64_t row = 0; row < pooled->table->rows; row++) {
        double value = pooled->table->columns[column].numbers[row];
        if (trains(pooled, row) && !isnan(value)) values[count++] = value;
    }
    qsort(values, count, sizeof *values, by_value);
    return count;
}

static void fills_and_scales_are_those_of_the_rows(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "0", ROWS);
    json_t *model = model_of(&pooled);
    static double values[ROWS];
    size_t count = sorted(&pooled, 0, values);
    const json_t *income = item_of(model, "features", "name", "income");
    double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    assert_true(fabs(number(income, "fill") - median) <= 1e-9);
    assert_true(number(income, "rows_outside") == (double)pooled.table->columns[0].clamped);
    assert_true(pooled.table->columns[0].clamped > 0);
    double rows = number(json_object_get(model, "rows"), "train"), missing = rows - (double)count,
           sum = missing * median;
    for (size_t i = 0; i < count; i++) sum += values[i];
    double mean = sum / rows, squares = missing * (median - mean) * (median - mean);
    for (size_t i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
    assert_true(fabs(number(income, "mean") / mean - 1) <= 1e-13);
    assert_true(fabs(number(income, "sd") / sqrt(squares / rows) - 1) <= 1e-13);
    assert_true(number(json_object_get(income, "rows_missing"), "train") == missing);
    count = sorted(&pooled, 1, values);
    sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    assert_true(fabs(number(item_of(model, "features", "name", "age"), "fill") / (sum / (double)count) - 1) <= 1e-13);
    const json_t *debt = item_of(model, "features", "name", "debt");
    assert_true(number(debt, "fill") == 1.5);
    assert_true(number(debt, "rows_outside") == (double)pooled.table->columns[2].outside);
    json_decref(model);
    pooled_done(&pooled);
}

static void dependent_columns_are_aliased_in_order(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "0", ROWS);
    json_t *model = model_of(&pooled);
    const char *expected[] = {"half", "constant", "home=never", "tenant=yes"};
    const json_t *aliased = json_object_get(model, "aliased");
    assert_int_equal(json_array_size(aliased), 4);
    for (size_t i = 0; i < 4; i++) assert_string_equal(json_string_value(json_array_get(aliased, i)), expected[i]);
    assert_true(json_is_null(json_object_get(item_of(model, "terms", "term", "half"), "estimate")));
    assert_true(json_is_true(json_object_get(model, "converged")));
    assert_true(json_is_null(json_object_get(model, "separation")));
    json_decref(model);
    pooled_done(&pooled);
}

/* At the maximum of the penalised likelihood its gradient is nothing: Σ (y - p) x = λ b, with probabilities from
 * model.json alone. Says as well that the model file is enough to score, and its log-likelihood. */
static void check_maximum(const struct pooled *pooled, const json_t *json, double penalty)
{
    struct model model;
    char *text = json_dumps(json, JSON_REAL_PRECISION(17));
    must(model_parse(view_text(text), "model.json", &model));
    free(text);
    static double chance[ROWS], odds[ROWS];
    /* The table's codes are by the plan's order of levels, the model's by that of their bytes. */
    assert_int_equal(model_score(&model, pooled->table, 0, pooled->table->rows, odds, chance).category, CATEGORY_BUG);
    static uint16_t codes[ROWS];
    struct table table = *pooled->table;
    struct column columns[16];
    memcpy(columns, table.columns, table.columns_count * sizeof *columns);
    table.columns = columns;
    for (uint64_t row = 0; row < table.rows; row++) {
        codes[row] = columns[5].codes[row];
        for (uint16_t level = 0; level < model.specs[5].levels_count && columns[5].codes[row] < CODE_OTHER; level++)
            if (strcmp(model.specs[5].levels[level], columns[5].spec.levels[columns[5].codes[row]]) == 0)
                codes[row] = level;
    }
    columns[5].codes = codes;
    columns[5].spec = model.specs[5];
    must(model_score(&model, &table, 0, table.rows, odds, chance));
    double intercept = 0, debt = 0, own = 0, likelihood = 0;
    const struct model_feature *of = &model.features[2];
    for (uint64_t row = 0; row < pooled->table->rows; row++) {
        if (!trains(pooled, row)) continue;
        bool bad = pooled->table->columns[schema_target(&pooled->plan)].codes[row] == 0;
        double residual = (bad ? 1 : 0) - chance[row], value = pooled->table->columns[2].numbers[row];
        intercept += residual;
        debt += residual * ((isnan(value) ? of->fill : value) - of->mean) * of->inverse;
        own += pooled->table->columns[5].codes[row] == 0 ? residual : 0;
        likelihood += log(bad ? chance[row] : 1 - chance[row]);
    }
    assert_true(fabs(intercept) <= 1e-6);
    assert_true(fabs(debt - penalty * of->estimate) <= 1e-6);
    assert_true(fabs(own - penalty * number(item_of(json, "terms", "term", "home=own"), "estimate")) <= 1e-6);
    assert_true(fabs(number(json, "log_likelihood") / likelihood - 1) <= 1e-11);
    model_done(&model);
}

static void the_model_file_alone_scores_to_the_maximum(void **state)
{
    (void)state;
    static const char *const penalties[] = {"0", "0.01", "25"};
    double size[3];
    for (size_t i = 0; i < 3; i++) {
        struct pooled pooled;
        make(&pooled, penalties[i], ROWS);
        json_t *model = model_of(&pooled);
        check_maximum(&pooled, model, strtod(penalties[i], NULL));
        size[i] = fabs(number(item_of(model, "terms", "term", "debt"), "estimate"));
        json_decref(model);
        pooled_done(&pooled);
    }
    assert_true(size[0] > size[1] && size[1] > size[2]); /* a penalty shrinks */
}

static const char small_plan[] = "cofferdam: 1\nname: small\npurpose: test\ntask: logistic\n"
                                 "target: {column: y, positive: \"yes\"}\n"
                                 "features:\n"
                                 "  - {name: x, kind: number, min: 0, max: 10}\n"
                                 "  - {name: g, kind: category, levels: [\"a\", \"b\", \"c\"], baseline: \"a\"}\n"
                                 "train: {penalty: %s, tolerance: 1.0e-8, rounds: 30}\n";

static void make_small(struct pooled *pooled, const char *penalty, bool separate_by_x)
{
    char text[sizeof small_plan + 64];
    (void)snprintf(text, sizeof text, small_plan, penalty);
    must(pooled_init(text, pooled));
    uint64_t seed = 3;
    for (unsigned row = 0; row < 300; row++) {
        char x[16];
        unsigned value = (unsigned)(next(&seed) % 11);
        const char *level = row % 30 == 0 ? "c" : row % 2 ? "a" : "b";
        bool yes = separate_by_x ? value >= 5 : next(&seed) % 11 < value;
        if (!separate_by_x && level[0] == 'c') yes = false;
        (void)snprintf(x, sizeof x, "%u", value);
        const char *texts[] = {x, level, yes ? "yes" : "no"};
        must(pooled_row(pooled, texts));
    }
}

static void separation_is_named_and_a_penalty_cures_it(void **state)
{
    (void)state;
    for (unsigned by_x = 0; by_x < 2; by_x++) {
        struct pooled pooled;
        make_small(&pooled, "0", by_x);
        json_t *model = model_of(&pooled);
        assert_true(json_is_false(json_object_get(model, "converged")));
        const json_t *separation = json_object_get(model, "separation");
        const json_t *names = json_object_get(separation, "terms");
        assert_string_equal(json_string_value(json_array_get(names, 0)), by_x ? "x" : "g=c");
        if (!by_x) assert_int_equal(json_array_size(names), 1);
        assert_non_null(strstr(json_string_value(json_object_get(separation, "advice")), "train.penalty"));
        json_decref(model);
        pooled_done(&pooled);
        make_small(&pooled, "0.1", by_x);
        model = model_of(&pooled);
        assert_true(json_is_true(json_object_get(model, "converged")));
        assert_true(json_is_null(json_object_get(model, "separation")));
        json_decref(model);
        pooled_done(&pooled);
    }
}

static void one_class_is_refused_in_words(void **state)
{
    (void)state;
    for (unsigned positive = 0; positive < 2; positive++) {
        struct pooled pooled;
        char text[sizeof small_plan + 64];
        (void)snprintf(text, sizeof text, small_plan, "0");
        must(pooled_init(text, &pooled));
        const char *texts[] = {"1", "a", positive ? "yes" : "no"};
        for (unsigned row = 0; row < 20; row++) must(pooled_row(&pooled, texts));
        CLEANUP(fold_done) struct fold fold = {0};
        struct result result = pooled_run(&pooled, (struct pooled_options){.parts = 3, .threads = 1}, &fold);
        assert_int_equal(result.category, CATEGORY_USAGE);
        assert_non_null(strstr(result_reason(), positive ? "all 20 training rows are positive (y = yes)"
                                                         : "none of the 20 training rows is positive (y = yes)"));
        pooled_done(&pooled);
    }
}

/* One category alone: each estimate is a difference of log-odds, whatever the baseline; no numbers, no hold-out. */
static void a_category_alone_has_a_closed_form(void **state)
{
    (void)state;
    static const char *const baselines[] = {"a", "missing", "other"};
    static const char *const texts[] = {"a", "b", NULL, "elsewhere"};
    static const char *const names[] = {"a", "b", "missing", "other"};
    static const double rows[4][2] = {{30, 10}, {25, 25}, {7, 14}, {9, 3}}; /* negative, positive */
    for (size_t b = 0; b < 3; b++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "cofferdam: 1\nname: one\npurpose: test\ntask: logistic\ntarget: {column: y, positive: \"1\"}\n"
                       "features:\n  - {name: g, kind: category, levels: [\"a\", \"b\"], baseline: \"%s\", "
                       "missing: level, other: level}\ntrain: {penalty: 0, tolerance: 1.0e-10, rounds: 25}\n",
                       baselines[b]);
        struct pooled pooled;
        must(pooled_init(text, &pooled));
        for (size_t level = 0; level < 4; level++) {
            for (size_t y = 0; y < 2; y++) {
                const char *row[] = {texts[level], y ? "1" : "0"};
                for (double i = rows[level][y]; i > 0; i--) must(pooled_row(&pooled, row));
            }
        }
        json_t *model = model_of(&pooled);
        assert_true(json_is_true(json_object_get(model, "converged")));
        assert_null(json_object_get(json_object_get(model, "metrics"), "holdout"));
        size_t base = b == 0 ? 0 : b + 1;
        double intercept = log(rows[base][1] / rows[base][0]);
        assert_true(fabs(number(item_of(model, "terms", "term", "(intercept)"), "estimate") - intercept) <= 1e-10);
        for (size_t level = 0; level < 4; level++) {
            if (level == base) continue;
            (void)snprintf(text, sizeof text, "g=%s", names[level]);
            const json_t *term = item_of(model, "terms", "term", text);
            double expected = log(rows[level][1] / rows[level][0]) - intercept;
            double variance = 1 / rows[level][0] + 1 / rows[level][1] + 1 / rows[base][0] + 1 / rows[base][1];
            assert_true(fabs(number(term, "estimate") - expected) <= 1e-10);
            assert_true(fabs(number(term, "std_error") / sqrt(variance) - 1) <= 1e-10);
        }
        json_decref(model);
        pooled_done(&pooled);
    }
}

/* What a row gives is the same on every path of this processor. */
static void paths_give_the_same_bits(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "0", 700);
    CLEANUP(fold_done) struct fold fold = {0};
    must(pooled_run(&pooled, (struct pooled_options){.parts = 1, .threads = 1, .stop_at = 6}, &fold));
    size_t header = sizeof "cofferdam/1/state" + HASH_BYTES + sizeof(uint64_t);
    struct logistic logistic;
    must(logistic_parse(&pooled.plan, view_of(fold.state.data + header, fold.state.length - header), &logistic));
    struct design plain, other;
    must(design_init(&logistic, pooled.table, &plain));
    must(design_init(&logistic, pooled.table, &other));
    plain.path = PATH_PORTABLE;
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
        if (!path_supported(path)) continue;
        other.path = path;
        static const size_t blocks[][2] = {{0, 512}, {512, 188}, {3, 1}, {100, 7}};
        for (size_t b = 0; b < 4; b++) {
            must(design_load(&plain, blocks[b][0], blocks[b][1]));
            must(design_load(&other, blocks[b][0], blocks[b][1]));
            size_t bytes = blocks[b][1] * sizeof(double);
            for (size_t t = 0; t < plain.terms; t++)
                assert_memory_equal(plain.x + t * GRAM_ROWS, other.x + t * GRAM_ROWS, bytes);
            assert_memory_equal(plain.score, other.score, bytes);
            assert_memory_equal(plain.residual, other.residual, bytes);
            assert_memory_equal(plain.likelihood, other.likelihood, bytes);
        }
    }
    design_done(&plain);
    design_done(&other);
    logistic_done(&logistic);
    pooled_done(&pooled);
}

/* Changes each word of each stage's true sum in turn, by a lot: most such sums contradict something. */
static void sums_that_cannot_be_true_are_refused(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "0", 400);
    struct fold fold;
    must(fold_start(&pooled.plan, task_find("logistic"), &fold));
    unsigned refused = 0, tried = 0;
    while (!fold.finished) {
        uint64_t *words = calloc(fold.words, sizeof *words);
        must(fold_contribute(&fold, pooled.table, 1, words, fold.words));
        for (uint64_t i = 0; i < fold.words; i += 1 + fold.words / 40) {
            struct hash before = fold.state_hash;
            uint64_t held = words[i];
            words[i] ^= UINT64_C(1) << 62;
            CLEANUP(fold_done) struct fold twin = {0};
            must(fold_load(&pooled.plan, fold.task, buffer_view(&fold.state), &twin));
            struct result result = fold_advance(&twin, words, twin.words);
            tried++;
            refused += !result_ok(result);
            if (!result_ok(result)) {
                assert_int_equal(result.category, CATEGORY_FALSE);
                assert_true(hash_equal(&before, &twin.state_hash));
            }
            words[i] = held;
        }
        must(fold_advance(&fold, words, fold.words));
        free(words);
    }
    printf("%u of %u false sums refused\n", refused, tried);
    assert_true(refused * 10 >= tried * 8);
    fold_done(&fold);
    pooled_done(&pooled);
}

/* A flipped bit may give another state; it must not give a crash, here or in what is computed from it. */
static void go_on_from(const struct pooled *pooled, struct view bytes)
{
    CLEANUP(fold_done) struct fold back = {0};
    if (!result_ok(fold_load(&pooled->plan, task_find("logistic"), bytes, &back))) return;
    if (back.finished || back.words >= 1000000) return;
    uint64_t *words = calloc(back.words, sizeof *words);
    if (result_ok(fold_contribute(&back, pooled->table, 1, words, back.words)))
        (void)result_ok(fold_advance(&back, words, back.words));
    free(words);
}

static void a_damaged_state_is_refused(void **state)
{
    (void)state;
    struct pooled pooled;
    make(&pooled, "0", 400);
    for (unsigned stop = 1; stop <= 6; stop++) {
        CLEANUP(fold_done) struct fold fold = {0}, back = {0};
        must(pooled_run(&pooled, (struct pooled_options){.parts = 3, .threads = 1, .stop_at = stop}, &fold));
        uint8_t *bytes = fold.state.data;
        for (size_t at = 0; at < fold.state.length; at++) {
            if (at % 37 == 0)
                assert_int_equal(fold_load(&pooled.plan, fold.task, view_of(bytes, at), &back).category,
                                 CATEGORY_FALSE);
            uint8_t bit = at % 2 ? 0x40 : 0x01;
            bytes[at] ^= bit;
            go_on_from(&pooled, buffer_view(&fold.state));
            bytes[at] ^= bit;
        }
    }
    pooled_done(&pooled);
}

static void plans_it_cannot_prove_are_refused(void **state)
{
    (void)state;
    struct pooled pooled;
    make_small(&pooled, "0", false);
    const struct task *task = task_find("logistic");
    must(task->check(&pooled.plan));
    CLEANUP(buffer_done) struct buffer text = {0};
    must(task->explain(&pooled.plan, &text));
    assert_true(text.length > 0);
    pooled.plan.features[0].missing = MISSING_LEVEL;
    assert_int_equal(task->check(&pooled.plan).category, CATEGORY_USAGE);
    pooled.plan.features[0].missing = MISSING_REFUSE;
    pooled.plan.features[0].outside = OUTSIDE_MISSING;
    assert_int_equal(task->check(&pooled.plan).category, CATEGORY_USAGE);
    pooled.plan.features[0].outside = OUTSIDE_REFUSE;
    pooled.plan.rows = UINT64_C(1) << 40;
    assert_int_equal(task->check(&pooled.plan).category, CATEGORY_USAGE);
    pooled.plan.rows = 1000;
    pooled.plan.penalty = -1;
    assert_int_equal(task->check(&pooled.plan).category, CATEGORY_USAGE);
    pooled_done(&pooled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dealing_rows_changes_no_bit),
        cmocka_unit_test(all_score_edges_make_one_histogram),
        cmocka_unit_test(fills_and_scales_are_those_of_the_rows),
        cmocka_unit_test(dependent_columns_are_aliased_in_order),
        cmocka_unit_test(the_model_file_alone_scores_to_the_maximum),
        cmocka_unit_test(separation_is_named_and_a_penalty_cures_it),
        cmocka_unit_test(one_class_is_refused_in_words),
        cmocka_unit_test(a_category_alone_has_a_closed_form),
        cmocka_unit_test(paths_give_the_same_bits),
        cmocka_unit_test(sums_that_cannot_be_true_are_refused),
        cmocka_unit_test(a_damaged_state_is_refused),
        cmocka_unit_test(plans_it_cannot_prove_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

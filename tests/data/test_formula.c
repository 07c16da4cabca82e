/* Formulas: what they are written as, and every operation in SQLite and in PostgreSQL against the same one in C, on
 * values that are hard: of either sign, denormal, at powers of two and next to them. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/databases.h"
#include "tests/support/ok.h"
#include "tests/support/stored.h"

enum { VALUES_MAX = 4000, OPERATIONS_MAX = 80 };
/* Columns: the value, the row's number, and what each operation must come to. */
enum { VALUE, ROW, EXPECTED };

static bool with_postgres;
static double values[VALUES_MAX];
static size_t values_count;

static void add_value(double value)
{
    const double around[] = {value, nextafter(value, HUGE_VAL), nextafter(value, -HUGE_VAL)};
    for (size_t i = 0; i < 3; i++) {
        assert_true(values_count + 2 < VALUES_MAX);
        values[values_count++] = around[i] + 0.0;
        values[values_count++] = 0.0 - around[i];
    }
}

static void make_values(void)
{
    static const double some[] = {0,   0.1, 0.25, 0.3, 0.5, 1,   1.5,  2,      2.5,      3,
                                  3.5, 7,   10,   100, 708, 1e9, 1e15, 0x1p51, 0x1.8p52, 0x1p53};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) add_value(some[i]);
    for (int exponent = -1074; exponent <= 60; exponent += 7) add_value(ldexp(1, exponent));
    for (int exponent = -545; exponent <= -530; exponent++) add_value(ldexp(1.4142135623730951, exponent));
    uint64_t seed = 5;
    for (int i = 0; i < 150; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        add_value(ldexp((double)(seed >> 11), (int)(seed % 1080) - 1074));
    }
}

/* ---- operations */

static double constant; /* of the operation at hand */

static uint32_t build_add(struct formula_sums *sums, uint32_t a)
{
    return formula_add(sums, a, formula_real(sums, constant));
}
static double do_add(double a)
{
    return a + constant;
}
static uint32_t build_subtract(struct formula_sums *sums, uint32_t a)
{
    return formula_subtract(sums, formula_real(sums, constant), a);
}
static double do_subtract(double a)
{
    return constant - a;
}
static uint32_t build_multiply(struct formula_sums *sums, uint32_t a)
{
    return formula_multiply(sums, a, formula_real(sums, constant));
}
static double do_multiply(double a)
{
    return a * constant;
}
static uint32_t build_divide(struct formula_sums *sums, uint32_t a)
{
    return formula_divide(sums, a, formula_real(sums, constant));
}
static double do_divide(double a)
{
    return a / constant;
}
static uint32_t build_square(struct formula_sums *sums, uint32_t a)
{
    return formula_multiply(sums, a, a);
}
static double do_square(double a)
{
    return a * a;
}
static uint32_t build_flush(struct formula_sums *sums, uint32_t a)
{
    return formula_flush(sums, a, -200);
}
static double do_flush(double a)
{
    return fabs(a) < 0x1p-200 ? 0 : a;
}
static uint32_t build_negate(struct formula_sums *sums, uint32_t a)
{
    return formula_negate(sums, a);
}
static double do_negate(double a)
{
    return -a;
}
static uint32_t build_magnitude(struct formula_sums *sums, uint32_t a)
{
    return formula_magnitude(sums, a);
}
static double do_magnitude(double a)
{
    return fabs(a);
}
/* A product of two values that are not known, each kept from being too small. */
static uint32_t build_product(struct formula_sums *sums, uint32_t a)
{
    uint32_t b = formula_flush(sums, formula_add(sums, a, formula_real(sums, constant)), -200);
    return formula_multiply(sums, build_flush(sums, a), b);
}
static double do_product(double a)
{
    return do_flush(a) * do_flush(a + constant);
}
static uint32_t build_quotient(struct formula_sums *sums, uint32_t a)
{
    return formula_divide(sums, build_flush(sums, a),
                          formula_add(sums, formula_real(sums, constant), formula_magnitude(sums, a)));
}
static double do_quotient(double a)
{
    return do_flush(a) / (constant + fabs(a));
}

static const struct operation {
    const char *name;
    uint32_t (*build)(struct formula_sums *sums, uint32_t a);
    double (*in_c)(double a);
    double constant;
} operations[] = {
    {"a + 0.1", build_add, do_add, 0.1},
    {"a + magic", build_add, do_add, 0x1.8p52},
    {"a + tiny", build_add, do_add, 0x1p-1074},
    {"1 - a", build_subtract, do_subtract, 1},
    {"a * 0.1", build_multiply, do_multiply, 0.1},
    {"a * 1", build_multiply, do_multiply, 1},
    {"a * 0", build_multiply, do_multiply, 0},
    {"a * -0.75", build_multiply, do_multiply, -0.75},
    {"a * 2^-600", build_multiply, do_multiply, 0x1p-600},
    {"a * 1.1 2^-1060", build_multiply, do_multiply, 0x1.1p-1060},
    {"a * least", build_multiply, do_multiply, 0x1p-1074},
    {"a * 3e200", build_multiply, do_multiply, 3e200},
    {"a / 3", build_divide, do_divide, 3},
    {"a / -1e5", build_divide, do_divide, -1e5},
    {"a / 1e300", build_divide, do_divide, 1e300},
    {"a / 0.7", build_divide, do_divide, 0.7},
    {"a / 2^-30", build_divide, do_divide, 0x1p-30},
    {"a²", build_square, do_square, 0},
    {"flush", build_flush, do_flush, 0},
    {"-a", build_negate, do_negate, 0},
    {"|a|", build_magnitude, do_magnitude, 0},
    {"a·(a + 0.3)", build_product, do_product, 0.3},
    {"a / (1 + |a|)", build_quotient, do_quotient, 1},
    {"a / (0.1 + |a|)", build_quotient, do_quotient, 0.1},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static double bound_of(void)
{
    double most = 0;
    for (size_t i = 0; i < values_count; i++) most = fabs(values[i]) > most ? fabs(values[i]) : most;
    return most;
}

struct made {
    struct column columns[EXPECTED + OPERATIONS_MAX];
    struct table table;
};

static void made_done(struct made *made)
{
    free(made->columns[ROW].codes);
    for (size_t k = EXPECTED; k < made->table.columns_count; k++) free(made->columns[k].numbers);
}

/* Also a row whose value is missing. */
static void make(struct made *made)
{
    made->table =
        (struct table){.columns = made->columns, .columns_count = EXPECTED + OPERATIONS, .rows = values_count};
    made->columns[VALUE].numbers = values;
    made->columns[ROW].spec.kind = COLUMN_CATEGORY;
    made->columns[ROW].codes = calloc(values_count, sizeof(uint16_t));
    assert_non_null(made->columns[ROW].codes);
    for (size_t i = 0; i < values_count; i++) made->columns[ROW].codes[i] = (uint16_t)i;
    for (size_t o = 0; o < OPERATIONS; o++) {
        double *expected = calloc(values_count, sizeof *expected);
        assert_non_null(expected);
        constant = operations[o].constant;
        for (size_t i = 0; i < values_count; i++) expected[i] = operations[o].in_c(values[i]) + 0.0;
        made->columns[EXPECTED + o].numbers = expected;
    }
}

static void expect_operation(struct stored *stored, size_t o)
{
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    const char *why = NULL;
    bool supported;
    double most = bound_of();
    uint32_t a = formula_number(&sums, VALUE, -most, most);
    uint32_t expected = formula_number(&sums, EXPECTED + o, -DBL_MAX, DBL_MAX);
    constant = operations[o].constant;
    uint32_t same = formula_equal(&sums, operations[o].build(&sums, a), expected);
    uint32_t flag = formula_choose(&sums, same, formula_integer(&sums, 1), formula_integer(&sums, 0));
    uint32_t row = formula_within(&sums, formula_code(&sums, ROW), 0, (double)values_count - 1);
    formula_sum_by(&sums, 0, row, values_count, flag);
    OK(formula_supported(&sums, &supported, &why));
    if (!supported) fail_msg("%s: %s", operations[o].name, why);
    __int128 *found = calloc(values_count, sizeof *found);
    assert_non_null(found);
    stored_values(stored, &sums, found, values_count);
    for (size_t i = 0; i < values_count; i++)
        if (found[i] != 1)
            fail_msg("%s: %s of %a is not %a", stored->dialect->name, operations[o].name, values[i],
                     operations[o].in_c(values[i]));
    free(found);
}

static void operations_in(enum stored_engine engine)
{
    struct made made = {0};
    struct stored stored;
    make(&made);
    stored_init(engine, &made.table, &stored);
    for (size_t o = 0; o < OPERATIONS; o++) expect_operation(&stored, o);
    stored_done(&stored);
    made_done(&made);
}

static void sqlite_computes_as_c_does(void **state)
{
    (void)state;
    operations_in(STORED_SQLITE);
}

static void postgresql_computes_as_c_does(void **state)
{
    (void)state;
    if (!with_postgres) skip();
    operations_in(STORED_POSTGRESQL);
}

/* ---- operations that give integers, read row by row */

static const double edges[] = {-1e9, -2.5, -1, 0, 0x1p-1074, 0.1, 0.25, 0.3, 1, 3.5, 708};
static const int64_t entries[] = {5, -7, 0, INT64_C(1) << 50, -(INT64_C(1) << 40), 3, 9};
enum { EDGES = sizeof edges / sizeof *edges, ENTRIES = sizeof entries / sizeof *entries };
enum { INTEGERS_NARROW, INTEGERS_WIDE, INTEGERS_BIN, INTEGERS_TABLE, INTEGERS_QUOTIENT, INTEGERS_PRODUCT, INTEGERS };

static int64_t bin_of(double value)
{
    int64_t bin = 0;
    while (bin < EDGES && edges[bin] <= value) bin++;
    return bin;
}

static bool small(double value)
{
    return fabs(value) <= 0x1p51;
}

static __int128 integer_in_c(size_t which, double value)
{
    switch (which) {
    case INTEGERS_NARROW:
        return small(value) ? llrint(value) : 0;
    case INTEGERS_WIDE:
        return llrint(value);
    case INTEGERS_BIN:
        return bin_of(value);
    case INTEGERS_TABLE:
        return bin_of(value) < ENTRIES ? entries[bin_of(value)] : 0;
    case INTEGERS_QUOTIENT:
        return llrint(value) / 7;
    default:
        return (__int128)(bin_of(value) - 5) * ((INT64_C(1) << 31) + 3);
    }
}

static uint32_t integer_in_formula(struct formula_sums *sums, size_t which, uint32_t a)
{
    double most = 0x1p51;
    uint32_t narrow = formula_choose(sums, formula_at_most(sums, formula_magnitude(sums, a), formula_real(sums, most)),
                                     a, formula_real(sums, 0));
    uint32_t wide = formula_round(sums, a), bin = formula_bin(sums, a, edges, EDGES);
    switch (which) {
    case INTEGERS_NARROW:
        return formula_round(sums, formula_within(sums, narrow, -most, most));
    case INTEGERS_WIDE:
        return wide;
    case INTEGERS_BIN:
        return bin;
    case INTEGERS_TABLE:
        return formula_table_integer(sums, bin, entries, ENTRIES);
    case INTEGERS_QUOTIENT:
        return formula_quotient(sums, wide, formula_integer(sums, 7));
    default:
        return formula_multiply(sums, formula_subtract(sums, bin, formula_integer(sums, 5)),
                                formula_integer(sums, (INT64_C(1) << 31) + 3));
    }
}

static void integers_in(enum stored_engine engine)
{
    struct made made = {0};
    struct stored stored;
    double most = bound_of();
    make(&made);
    stored_init(engine, &made.table, &stored);
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    uint32_t a = formula_number(&sums, VALUE, -most, most);
    uint32_t row = formula_within(&sums, formula_code(&sums, ROW), 0, (double)values_count - 1);
    for (size_t which = 0; which < INTEGERS; which++) {
        formula_sum_by(&sums, which * (values_count + 1), row, values_count, integer_in_formula(&sums, which, a));
        formula_sum(&sums, which * (values_count + 1) + values_count, integer_in_formula(&sums, which, a));
    }
    __int128 *found = calloc(INTEGERS * (values_count + 1), sizeof *found);
    assert_non_null(found);
    stored_values(&stored, &sums, found, INTEGERS * (values_count + 1));
    for (size_t which = 0; which < INTEGERS; which++) {
        __int128 all = 0, *of = found + which * (values_count + 1);
        for (size_t i = 0; i < values_count; i++) {
            all += integer_in_c(which, values[i]);
            if (of[i] != integer_in_c(which, values[i]))
                fail_msg("%s: operation %zu of %a is %lld, not %lld", stored.dialect->name, which, values[i],
                         (long long)of[i], (long long)integer_in_c(which, values[i]));
        }
        assert_true(of[values_count] == all);
    }
    free(found);
    stored_done(&stored);
    made_done(&made);
}

static void sqlite_gives_the_same_integers(void **state)
{
    (void)state;
    integers_in(STORED_SQLITE);
}

static void postgresql_gives_the_same_integers(void **state)
{
    (void)state;
    if (!with_postgres) skip();
    integers_in(STORED_POSTGRESQL);
}

/* ---- powers of two */

static void powers_in(enum stored_engine engine)
{
    enum { POWERS = 1022 };
    static double numbers[POWERS], lowered[POWERS];
    static uint16_t codes[POWERS];
    struct column columns[] = {
        {.numbers = numbers}, {.spec = {.kind = COLUMN_CATEGORY}, .codes = codes}, {.numbers = lowered}};
    struct table table = {.columns = columns, .columns_count = 3, .rows = POWERS};
    for (int k = 0; k < POWERS; k++) {
        numbers[k] = 1 + ldexp((double)(k * 37 % 1000), -52);
        codes[k] = (uint16_t)k;
        lowered[k] = ldexp(numbers[k], -k);
    }
    struct stored stored;
    stored_init(engine, &table, &stored);
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    uint32_t k = formula_within(&sums, formula_code(&sums, 1), 0, POWERS - 1);
    uint32_t power = formula_lower(&sums, formula_number(&sums, 0, 1, 2), k);
    uint32_t same = formula_equal(&sums, power, formula_number(&sums, 2, 0x1p-1022, 2));
    formula_sum(&sums, 0, formula_choose(&sums, same, formula_integer(&sums, 1), formula_integer(&sums, 0)));
    __int128 found = 0;
    stored_values(&stored, &sums, &found, 1);
    assert_int_equal((long)found, POWERS);
    stored_done(&stored);
}

static void powers_of_two_are_exact(void **state)
{
    (void)state;
    powers_in(STORED_SQLITE);
    if (with_postgres) powers_in(STORED_POSTGRESQL);
}

/* ---- missing values, keys, wide sums */

static void choices_in(enum stored_engine engine)
{
    double numbers[] = {1, NAN, -2, NAN, 5, 0.5};
    uint16_t codes[] = {0, 1, 2, 0, 65535, 65534};
    uint8_t marks[] = {0, 1, 2, 3, 0, 4}, held[] = {0, 1, 0, 0, 1, 0};
    struct column columns[] = {
        {.spec = {.kind = COLUMN_NUMBER, .outside = COLUMN_OUTSIDE_CLAMP}, .numbers = numbers, .marks = marks},
        {.spec = {.kind = COLUMN_TEXT}},
        {.spec = {.kind = COLUMN_CATEGORY}, .codes = codes}};
    struct table table = {.columns = columns, .columns_count = 3, .rows = 6, .held = held};
    struct stored stored;
    stored_init(engine, &table, &stored);
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    uint32_t a = formula_number(&sums, 0, -5, 5), code = formula_code(&sums, 2), mark = formula_mark(&sums, 0);
    uint32_t zero = formula_integer(&sums, 0), one = formula_integer(&sums, 1), nothing = formula_nothing(&sums);
    uint32_t positive = formula_less(&sums, formula_real(&sums, 0), a); /* of a missing one: no */
    uint32_t missing = formula_missing(&sums, a);
    formula_sum(&sums, 0, formula_choose(&sums, positive, one, zero));
    formula_sum(&sums, 1, formula_choose(&sums, formula_either(&sums, missing, positive), one, zero));
    formula_sum(&sums, 2, formula_choose(&sums, formula_both(&sums, missing, formula_held(&sums)), one, zero));
    formula_sum(&sums, 3, formula_round(&sums, formula_multiply(&sums, a, formula_real(&sums, 0x1p59))));
    formula_sum(&sums, 4, nothing);
    uint32_t special = formula_choose(&sums, formula_at_most(&sums, formula_integer(&sums, 3), mark),
                                      formula_subtract(&sums, mark, formula_integer(&sums, 3)), nothing);
    formula_count(&sums, 5, formula_within(&sums, special, 0, 1), 2);
    uint32_t level = formula_choose(&sums, formula_equal(&sums, code, formula_integer(&sums, 65535)),
                                    formula_integer(&sums, 3), code);
    level = formula_choose(&sums, formula_equal(&sums, code, formula_integer(&sums, 65534)), nothing, level);
    formula_count(&sums, 7, formula_within(&sums, level, 0, 3), 4);
    __int128 found[11] = {0};
    stored_values(&stored, &sums, found, 11);
    const double expected[11] = {3, 5, 1, 4.5 * 0x1p59, 0, 1, 1, 2, 1, 1, 1};
    for (size_t i = 0; i < 11; i++)
        if ((double)found[i] != expected[i]) fail_msg("sum %zu is %g, not %g", i, (double)found[i], expected[i]);
    stored_done(&stored);
}

static void missing_values_are_in_no_sum(void **state)
{
    (void)state;
    choices_in(STORED_SQLITE);
    if (with_postgres) choices_in(STORED_POSTGRESQL);
}

/* Of no rows, all sums are 0. */
static void no_rows_give_no_sums(void **state)
{
    (void)state;
    struct column columns[] = {{.spec = {.kind = COLUMN_CATEGORY}}};
    struct table table = {.columns = columns, .columns_count = 1};
    for (int engine = STORED_SQLITE; engine <= (with_postgres ? STORED_POSTGRESQL : STORED_SQLITE); engine++) {
        struct stored stored;
        stored_init((enum stored_engine)engine, &table, &stored);
        CLEANUP(formula_sums_done) struct formula_sums sums = {0};
        uint32_t code = formula_code(&sums, 0);
        formula_sum(&sums, 0, code);
        formula_count(&sums, 1, formula_within(&sums, code, 0, 1), 2);
        __int128 found[3] = {0};
        stored_values(&stored, &sums, found, 3);
        for (size_t i = 0; i < 3; i++) assert_true(found[i] == 0);
        stored_done(&stored);
    }
}

/* ---- what is written, and what is refused */

static void expect_sql(const struct formula_sums *sums, const struct dialect *dialect, const char *const *texts,
                       size_t count)
{
    CLEANUP(formula_queries_done) struct formula_queries queries = {0};
    OK(formula_sql(sums, dialect, "t", &queries));
    assert_int_equal(queries.count, count);
    for (size_t q = 0; q < count; q++) assert_string_equal(queries.items[q].text, texts[q]);
}

static void statements_are_as_documented(void **state)
{
    (void)state;
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    uint32_t a = formula_number(&sums, 3, 0, 100);
    uint32_t share = formula_divide(&sums, a, formula_real(&sums, 100)); /* the guard, and a use too many: a layer */
    formula_sum(&sums, 1, formula_round(&sums, formula_multiply(&sums, share, share)));
    formula_count(&sums, 5, formula_bin(&sums, a, (const double[]){10, 50}, 2), 3);
    const char *const postgresql[] = {
        "WITH layer1 AS (SELECT (CASE WHEN abs(c3) <= '2.4703282292062327e-322'::float8 THEN '0'::float8 ELSE (c3 / "
        "'100'::float8) END) AS t2 FROM t OFFSET 0) SELECT CAST(sum(((CASE WHEN abs(t2) <= "
        "'1.5717277847026285e-162'::float8 THEN '0'::float8 ELSE (t2 * t2) END)::int4)) AS text) FROM layer1",
        "SELECT CAST(k AS text), CAST(count(*) AS text) FROM (SELECT unnest(ARRAY[(width_bucket(c3::float8, "
        "'{10,50}'::float8[]))]) AS k FROM t OFFSET 0) AS keyed WHERE k IS NOT NULL GROUP BY k",
    };
    const char *const sqlite[] = {
        "WITH layer1 AS (SELECT (c3 / (25.0*4.0)) AS t2 FROM t LIMIT -1 OFFSET 0) SELECT CAST(sum((CAST(((t2 * t2) + "
        "6755399441055744.0) - 6755399441055744.0 AS INTEGER))) AS TEXT) FROM layer1",
        "SELECT CAST(k AS TEXT), CAST(count(*) AS TEXT) FROM (SELECT CASE unfolded.column1 WHEN 0 THEN (CASE WHEN c3 "
        "IS "
        "NOT NULL THEN CASE WHEN c3 < (25.0*2.0) THEN CASE WHEN c3 < (5.0*2.0) THEN 0 ELSE 1 END ELSE 2 END END) END "
        "AS "
        "k FROM t CROSS JOIN (VALUES (0)) AS unfolded LIMIT -1 OFFSET 0) AS keyed WHERE k IS NOT NULL GROUP BY k",
    };
    expect_sql(&sums, &dialect_postgresql, postgresql, 2);
    expect_sql(&sums, &dialect_sqlite, sqlite, 2);
}

/* More sums than a statement has columns, and an expression that is nested too deep for one: both are split. */
static void long_and_deep_formulas_are_split(void **state)
{
    (void)state;
    enum { SUMS = 2500, DEPTH = 500 };
    double number = 3;
    struct column columns[] = {{.numbers = &number}};
    struct table table = {.columns = columns, .columns_count = 1, .rows = 1};
    for (int engine = STORED_SQLITE; engine <= (with_postgres ? STORED_POSTGRESQL : STORED_SQLITE); engine++) {
        struct stored stored;
        stored_init((enum stored_engine)engine, &table, &stored);
        CLEANUP(formula_sums_done) struct formula_sums sums = {0};
        uint32_t a = formula_number(&sums, 0, 0, 3), deep = a;
        for (size_t i = 0; i < SUMS; i++)
            formula_sum(&sums, i, formula_round(&sums, formula_add(&sums, a, formula_real(&sums, (double)i))));
        for (size_t i = 0; i < DEPTH; i++) deep = formula_add(&sums, deep, formula_real(&sums, (double)i));
        formula_sum(&sums, SUMS, formula_round(&sums, deep));
        __int128 found[SUMS + 1] = {0};
        stored_values(&stored, &sums, found, SUMS + 1);
        for (size_t i = 0; i < SUMS; i++) assert_true(found[i] == (__int128)(3 + i));
        assert_true(found[SUMS] == 3 + DEPTH * (DEPTH - 1) / 2);
        stored_done(&stored);
    }
}

static void expect_unsupported(const struct formula_sums *sums, const char *part)
{
    const char *why = NULL;
    bool supported = true;
    OK(formula_supported(sums, &supported, &why));
    assert_false(supported);
    assert_non_null(strstr(why, part));
}

static void what_could_fail_is_unsupported(void **state)
{
    (void)state;
    CLEANUP(formula_sums_done) struct formula_sums product = {0}, quotient = {0}, large = {0}, integer = {0};
    uint32_t a = formula_number(&product, 0, -1, 1), b = formula_number(&product, 1, -1, 1);
    (void)formula_multiply(&product, a, b);
    expect_unsupported(&product, "product could be too small");
    a = formula_number(&quotient, 0, -1, 1);
    b = formula_number(&quotient, 1, 1, 2);
    (void)formula_divide(&quotient, a, b);
    expect_unsupported(&quotient, "quotient could be too small");
    a = formula_number(&large, 0, 0, 1e300);
    (void)formula_multiply(&large, a, a);
    expect_unsupported(&large, "too large for a double");
    a = formula_number(&integer, 0, 0, 0x1p63);
    (void)formula_round(&integer, a);
    expect_unsupported(&integer, "2^62");
}

static void misuse_is_a_bug(void **state)
{
    (void)state;
    CLEANUP(formula_sums_done) struct formula_sums sums = {0};
    bool supported;
    (void)formula_add(&sums, formula_integer(&sums, 1), formula_real(&sums, 1));
    struct result result = formula_supported(&sums, &supported, NULL);
    assert_int_equal(result.category, CATEGORY_BUG);
    assert_non_null(strstr(result_reason(), "two reals or two integers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_as_documented),
        cmocka_unit_test(sqlite_computes_as_c_does),
        cmocka_unit_test(postgresql_computes_as_c_does),
        cmocka_unit_test(sqlite_gives_the_same_integers),
        cmocka_unit_test(postgresql_gives_the_same_integers),
        cmocka_unit_test(powers_of_two_are_exact),
        cmocka_unit_test(missing_values_are_in_no_sum),
        cmocka_unit_test(no_rows_give_no_sums),
        cmocka_unit_test(long_and_deep_formulas_are_split),
        cmocka_unit_test(what_could_fail_is_unsupported),
        cmocka_unit_test(misuse_is_a_bug),
    };
    make_values();
    with_postgres = postgres_start();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (with_postgres) postgres_stop();
    return failed;
}

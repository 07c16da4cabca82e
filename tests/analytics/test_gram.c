#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "analytics/elementary.h"
#include "analytics/gram.h"

enum { TERMS = 21, TURNS = 40 };

static uint64_t seed = UINT64_C(0x9E3779B97F4A7C15);

static double draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) * 0x1p-53;
}

static double block[TERMS * GRAM_ROWS], weight[GRAM_ROWS], grid[TERMS], beta[TERMS];

enum kind { ORDINARY, HEAVY, EXTREME };

/* Ordinary values reach a few thousand on the grid; heavy ones the grid's end now and then; extreme ones always. */
static void fill(enum kind kind)
{
    for (size_t t = 0; t < TERMS; t++) {
        grid[t] = 1024 * (1 + (double)(t % 3));
        beta[t] = draw() - 0.5;
        for (size_t r = 0; r < GRAM_ROWS; r++) {
            double value = 2 * (draw() + draw() - 1);
            if (kind == HEAVY && draw() < 0.02) value = (draw() < 0.5 ? 32767 : -32767) / grid[t];
            if (kind == EXTREME) value = (draw() < 0.9 ? 32767 : -32766.6) / grid[t];
            block[t * GRAM_ROWS + r] = value;
        }
    }
    for (size_t r = 0; r < GRAM_ROWS; r++) weight[r] = kind == EXTREME ? 0.25 : draw() / 4;
}

/* The definition in gram.h, one record at a time. */
static void expect_sums(const struct gram *gram, size_t terms, const size_t *rows, size_t blocks)
{
    for (size_t i = 0; i < terms; i++)
        for (size_t j = i; j < terms; j++) {
            int64_t want = 0;
            for (size_t k = 0; k < blocks; k++)
                for (size_t r = 0; r < rows[k]; r++) {
                    double left = block[i * GRAM_ROWS + r] * grid[i], right = block[j * GRAM_ROWS + r] * grid[j];
                    want += elementary_round(left * (weight[r] * 4)) * elementary_round(right);
                }
            assert_int_equal(gram_sum(gram, i, j), want);
        }
}

static void each_path_gives_the_sums_of_single_records(void **state)
{
    (void)state;
    static const size_t terms[] = {1, 3, 4, 5, 8, TERMS}, rows[] = {GRAM_ROWS, 1, 333};
    for (enum kind kind = ORDINARY; kind <= EXTREME; kind++) {
        fill(kind);
        for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
            if (!path_supported(path)) continue;
            for (size_t k = 0; k < sizeof terms / sizeof *terms; k++) {
                CLEANUP(gram_freep) struct gram *gram = NULL;
                assert_true(result_ok(gram_new(path, terms[k], grid, 4, &gram)));
                for (size_t turn = 0; turn < 3; turn++) assert_true(gram_add(gram, block, weight, rows[turn]));
                expect_sums(gram, terms[k], rows, 3);
            }
        }
    }
}

static void every_number_of_rows(void **state)
{
    (void)state;
    fill(HEAVY);
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
        if (!path_supported(path)) continue;
        for (size_t rows = 0; rows <= 70; rows++) {
            CLEANUP(gram_freep) struct gram *gram = NULL;
            assert_true(result_ok(gram_new(path, 7, grid, 4, &gram)));
            size_t all[2] = {GRAM_ROWS, rows}; /* a short block after a full one: nothing is left of the full one */
            assert_true(gram_add(gram, block, weight, all[0]));
            assert_true(gram_add(gram, block, weight, all[1]));
            expect_sums(gram, 7, all, 2);
        }
    }
}

static void scores_are_summed_in_order(void **state)
{
    (void)state;
    double score[GRAM_ROWS + 1];
    fill(ORDINARY);
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
        if (!path_supported(path)) continue;
        for (size_t turn = 0; turn < 100; turn++) {
            size_t rows = turn <= 70 ? turn : GRAM_ROWS - turn, terms = turn % (TERMS + 1);
            score[rows] = 77;
            gram_scores(path, block, terms, beta, rows, score);
            assert_true(score[rows] == 77);
            for (size_t r = 0; r < rows; r++) {
                double want = 0;
                for (size_t t = 0; t < terms; t++) want += block[t * GRAM_ROWS + r] * beta[t];
                assert_memory_equal(&score[r], &want, sizeof want);
            }
        }
    }
}

static void projections_are_sums_of_rounded_products(void **state)
{
    (void)state;
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
        if (!path_supported(path)) continue;
        fill(HEAVY);
        for (size_t rows = 0; rows <= GRAM_ROWS; rows += rows < 70 ? 1 : 221) {
            __int128 sums[TERMS], total = 5;
            for (size_t t = 0; t < TERMS; t++) sums[t] = ((__int128)1 << 100) + (__int128)t;
            assert_true(gram_project(path, block, TERMS, weight, 0x1p44, rows, sums));
            assert_true(gram_total(path, block, 0x1p44, rows, &total));
            for (size_t t = 0; t < TERMS; t++) {
                __int128 want = ((__int128)1 << 100) + (__int128)t;
                for (size_t r = 0; r < rows; r++) want += llrint(block[t * GRAM_ROWS + r] * weight[r] * 0x1p44);
                assert_true(sums[t] == want);
            }
            for (size_t r = 0; r < rows; r++) total -= llrint(block[r] * 0x1p44);
            assert_true(total == 5);
        }
    }
}

/* Nothing is clipped in silence. */
static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    static const double bad[] = {40000, -40000, 1e300, HUGE_VAL, -HUGE_VAL, NAN};
    __int128 sums[TERMS] = {0};
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
        if (!path_supported(path)) continue;
        for (size_t k = 0; k < 2 * sizeof bad / sizeof *bad; k++) {
            fill(ORDINARY);
            CLEANUP(gram_freep) struct gram *gram = NULL;
            assert_true(result_ok(gram_new(path, TERMS, grid, 4, &gram)));
            assert_true(gram_add(gram, block, weight, GRAM_ROWS));
            assert_true(gram_project(path, block, TERMS, weight, 1, GRAM_ROWS, sums));
            size_t at = (size_t)(draw() * GRAM_ROWS * TERMS), row = at % GRAM_ROWS;
            double value = bad[k / 2];
            if (k % 2) {
                weight[row] = value; /* only the weighted value is beyond */
                block[at] = 8;
            } else {
                block[at] = value / grid[at / GRAM_ROWS];
            }
            assert_false(gram_add(gram, block, weight, GRAM_ROWS));
            assert_false(gram_project(path, block, TERMS, weight, 0x1p62, GRAM_ROWS, sums));
            if (row) assert_true(gram_add(gram, block, weight, row)); /* rows behind the last are not looked at */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_gives_the_sums_of_single_records),
        cmocka_unit_test(every_number_of_rows),
        cmocka_unit_test(scores_are_summed_in_order),
        cmocka_unit_test(projections_are_sums_of_rounded_products),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Differential privacy through the machines, tried: runs of five banks and a coordinator, in each of whose sums one
 * bank's input has a row more or not. The adversary is the coordinator and one bank together: it knows every sum that
 * opens, all other rows, and its own noise. What it finds out of a sum is held against the promise for that sum. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/private.h"
#include "proto/run/privacy.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/guesses.h"
#include "tests/support/ok.h"

enum { BANKS = 5, SPY = 5, WORDS = 3, ROUNDS = 64, RUNS = 8 };
static const double risk = 1e-6;         /* that a bound is none */
static const int64_t row_word = 1 << 20; /* the toy's bound for each word of a row */

struct game {
    unsigned rows;                /* in question, of the first bank; the promise is for one */
    int64_t noise[ROUNDS][WORDS]; /* the spy's own */
    struct guesses guesses;
};

/* As often as not, and the spy does not know when. */
static bool has_row(uint64_t step)
{
    return step % 2 == 1;
}

static void add_row(void *context, unsigned bank, uint64_t step, uint64_t *words, uint64_t count)
{
    const struct game *game = context;
    for (uint64_t k = 0; k < count && bank == 1 && has_row(step); k++) words[k] += (uint64_t)(game->rows * row_word);
}

static bool spy(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    struct game *game = context;
    const struct secagg_node *node = cohort->parties[from].node;
    if (from != SPY || bytes->data[1] != MESSAGE_HEADER) return true;
    assert_non_null(node->noise.values);
    for (uint64_t k = 0; k < WORDS; k++) game->noise[node->fold.step][k] = (int64_t)node->noise.values[k];
    return true;
}

static const uint8_t *find_sum(const struct cohort *cohort, unsigned step)
{
    char key[32];
    (void)snprintf(key, sizeof key, "sum/%05u/00000", step);
    const struct record_map *map = &cohort->parties[1].records.maps[false][0];
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0 && map->items[i].value.length == 8 * WORDS)
            return map->items[i].value.data;
    fail_msg("no sum %s", key);
    return NULL;
}

/* How much likelier a sum is with the rows than without. */
static double ratio_of(const struct cohort *cohort, const struct game *game, unsigned step, double variance)
{
    const uint8_t *sum = find_sum(cohort, step);
    double ratio = 0, row = (double)game->rows * (double)row_word;
    for (uint64_t k = 0; k < WORDS; k++) {
        uint64_t word = bytes_get_u64(sum + 8 * k);
        for (unsigned bank = 1; bank <= BANKS; bank++) word -= toy_input(bank, step, k);
        double seen = (double)((int64_t)word - game->noise[step][k]);
        ratio += (seen * row - row * row / 2) / variance;
    }
    return ratio;
}

/* Of one row in one sum, and the variance of the noise that it takes. */
static double promised_by(const struct cohort *cohort, double *ret_variance)
{
    CLEANUP(fold_done) struct fold fold = {0};
    OK(fold_start(&cohort->plan, cohort->terms.task, &fold));
    double sigma = private_sigma(&fold.layout.fields[0]);
    *ret_variance = sigma * sigma;
    return layout_rho(&fold.layout);
}

static void play(struct game *game, uint64_t seed)
{
    const struct cohort_config config = {
        .banks = BANKS, .words = WORDS, .rounds = ROUNDS, .epoch_rounds = ROUNDS, .epsilon = 400, .seed = seed};
    struct cohort cohort;
    double variance;
    OK(cohort_init(&config, &cohort));
    cohort.hooks = (struct cohort_hooks){.context = game, .input = add_row, .request = spy};
    OK(cohort_run(&cohort));
    assert_true(cohort_all_done(&cohort));
    game->guesses.promised = promised_by(&cohort, &variance);
    for (unsigned step = 0; step < ROUNDS; step++)
        guesses_add(&game->guesses, has_row(step), ratio_of(&cohort, game, step, variance));
    cohort_done(&cohort);
}

/* The least ρ that the guesses agree with, over the promised one. */
static double play_all(unsigned rows)
{
    struct game game = {.rows = rows};
    for (unsigned i = 0; i < RUNS; i++) play(&game, RUNS * rows + i);
    double any = guesses_rho(&game.guesses, risk), gaussian = guesses_gaussian_rho(&game.guesses, risk);
    print_message(
        "%u row(s): rho is %.3g at least whatever the noise, %.3g by Gaussian noise; promised for one: %.3g\n", rows,
        any, gaussian, game.guesses.promised);
    return gaussian / game.guesses.promised;
}

static void a_row_is_hidden_as_promised(void **state)
{
    (void)state;
    double shown = play_all(1);
    assert_true(shown <= 1);
    assert_true(shown >= 0.2); /* in epsilon not far from half */
}

/* As one row with half of the noise would be. */
static void two_rows_are_not(void **state)
{
    (void)state;
    assert_true(play_all(2) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_hidden_as_promised),
        cmocka_unit_test(two_rows_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Differential privacy, tried: an adversary who knows all but whether one row is in plays whole private runs, and what
 * it finds out is held against what the plan promises.
 *
 * A run goes as at the banks: contribute, each bank's noise as its node draws it, the sum, advance. The adversary knows
 * every other row, the noise of the banks that collude (one of five), and the state of each round. So it knows what the
 * row would add to each sum, and adds up how much likelier the sums are with it. The row is as bad as one can be: at
 * the bounds, against the trend.
 *
 * The same with too little noise must be found out, or the test would see nothing.
 */
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
#include "tests/support/guesses.h"
#include "tests/support/ok.h"
#include "tests/support/pooled.h"
#include "tests/support/seeded.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { BANKS = 5, HONEST = 4, ROWS = 1200, STEPS_MAX = 8, NUMBERS = 3 };
/* Runs with the row, and as many without. */
enum { KEPT_RUNS = 1500, HALF_RUNS = 1000, BARE_RUNS = 150 };
static const double risk = 1e-6; /* that a bound is none */

static const char plan[] = "cofferdam: 1\n"
                           "name: audit\n"
                           "purpose: test\n"
                           "task: %s\n"
                           "target: {column: y, positive: \"1\"}\n"
                           "features:\n"
                           "  - {name: a, kind: number, min: -1, max: 1, missing: mean, outside: clamp, "
                           "resolution: 0.001}\n"
                           "  - {name: b, kind: number, min: -1, max: 1, missing: mean, outside: clamp, "
                           "resolution: 0.001}\n"
                           "  - {name: c, kind: number, min: -1.005, max: 1.005, missing: mean, outside: clamp, "
                           "resolution: 0.001}\n"
                           "  - {name: d, kind: category, levels: [m, n], baseline: m, other: level, missing: level}\n"
                           "cohort: {minimum: 5, rows: 2000}\n"
                           "privacy: {epsilon: 8, delta: 1.0e-6}\n";

/* What is done to the noise: a factor of 1, or a mistake that must be found. */
struct trial {
    const char *task;
    double factor;
    unsigned runs; /* with the row, and as many without */
};

struct audit {
    struct trial trial;
    struct pooled without, with; /* neighbours */
    struct random_source *random;
    struct guesses all, fields[STEPS_MAX][LAYOUT_FIELDS_MAX]; /* of a whole run; of one sum's field alone */
    double spent; /* of the promise, by how far the row moved the sums: the mean over runs */
};

/* One round of a run: what the banks do, and what the adversary makes of it. */
struct play {
    struct audit *audit;
    struct fold fold;
    bool with;
    uint64_t *sum, *before, *after, *noise; /* after: the sum over the rows with the one in question */
    double ratio, spent;
};

/* ---- neighbours */

/* Every number at a bound, as often at one as at the other, and few positives: the row's columns are as long as they
 * count in full, and its outcome is not what the others' would lead to. */
static void add_rows(struct pooled *pooled)
{
    static const char *const bounds[] = {"-1", "1"}, *const levels[] = {"m", "n"}, *const outcomes[] = {"0", "1"};
    for (unsigned i = 0; i < ROWS; i++) {
        const char *texts[] = {bounds[i & 1], bounds[i >> 1 & 1], bounds[i >> 2 & 1], levels[i >> 3 & 1],
                               outcomes[i % 17 == 0]};
        OK(pooled_row(pooled, texts));
    }
}

static void audit_init(struct audit *audit, const struct trial *trial)
{
    char yaml[sizeof plan + 32];
    (void)snprintf(yaml, sizeof yaml, plan, trial->task);
    *audit = (struct audit){.trial = *trial, .random = seeded(trial->task)};
    OK(pooled_init(yaml, &audit->without));
    OK(pooled_init(yaml, &audit->with));
    add_rows(&audit->without);
    add_rows(&audit->with);
    OK(pooled_row(&audit->with, (const char *[]){"9", "9", "1", "n", "1"}));
    audit->all.promised = audit->without.plan.privacy.rho;
}

static void audit_done(struct audit *audit)
{
    pooled_done(&audit->without);
    pooled_done(&audit->with);
    random_source_free(audit->random);
}

/* ---- a round */

static void round_init(struct play *play)
{
    uint64_t count = play->fold.words;
    play->sum = calloc(count, sizeof *play->sum);
    play->before = calloc(count, sizeof *play->before);
    play->after = calloc(count, sizeof *play->after);
    play->noise = calloc(count, sizeof *play->noise);
    assert_true(play->sum && play->before && play->after && play->noise);
}

static void round_done(struct play *play)
{
    free(play->sum);
    free(play->before);
    free(play->after);
    free(play->noise);
}

/* layout_variance takes most of a run's time, and has few different arguments. */
static struct noise_variance variance_of(const struct layout_field *field)
{
    static struct known {
        struct layout_field field;
        struct noise_variance variance;
    } known[64];
    static size_t count;
    for (size_t i = 0; i < count && i < COUNT(known); i++) {
        const struct layout_field *of = &known[i].field;
        if (of->length == field->length && of->l2 == field->l2 && of->rho == field->rho) return known[i].variance;
    }
    struct known *next = &known[count++ % COUNT(known)];
    next->field = *field;
    OK(layout_variance(field, HONEST, &next->variance));
    return next->variance;
}

/* As layout_noise does; the first run compares. */
static void draw(const struct layout *layout, struct random_source *random, uint64_t *noise)
{
    memset(noise, 0, layout_values(layout) * sizeof *noise);
    for (size_t i = 0; i < layout->fields_count; noise += layout->fields[i++].length)
        if (layout->fields[i].length > 0)
            OK(noise_fill(random, variance_of(&layout->fields[i]), noise, layout->fields[i].length));
}

static void assert_drawn_as_by_nodes(const struct play *play)
{
    const struct layout *layout = &play->fold.layout;
    struct random_source *random = seeded("a node"), *same = seeded("a node");
    draw(layout, random, play->sum);
    OK(layout_noise(layout, HONEST, same, play->noise));
    assert_memory_equal(play->sum, play->noise, layout_values(layout) * sizeof *play->noise);
    random_source_free(random);
    random_source_free(same);
}

/* Of the last bank, whose noise the adversary knows, it is left in play->noise. */
static void add_noise(struct play *play)
{
    const struct layout *layout = &play->fold.layout;
    for (unsigned bank = 0; bank < BANKS; bank++) {
        draw(layout, play->audit->random, play->noise);
        for (uint64_t k = 0; k < layout_values(layout); k++)
            play->noise[k] = (uint64_t)(int64_t)(play->audit->trial.factor * (double)(int64_t)play->noise[k]);
        layout_add_noise(layout, play->noise, play->sum);
    }
}

struct moved {
    double product, square; /* of what was seen with what the row adds; of that */
};

static struct moved moved_in(const struct play *play, const struct layout_field *field, uint64_t word, uint64_t value)
{
    struct moved moved = {0};
    for (uint64_t k = 0; k < field->length; k++, word += field->words, value++) {
        __int128 without = layout_get(field, play->before + word);
        double row = (double)(layout_get(field, play->after + word) - without);
        double seen = (double)(layout_get(field, play->sum + word) - without - (int64_t)play->noise[value]);
        moved.product += seen * row;
        moved.square += row * row;
    }
    return moved;
}

/* A field alone: in a run without the row, what was seen, and the same with the row. So both have the same past. */
static void guess_field(struct play *play, size_t index, struct moved moved, double variance)
{
    const struct layout_field *field = &play->fold.layout.fields[index];
    struct guesses *guesses = &play->audit->fields[play->fold.step][index];
    if (play->with || moved.square == 0) return;
    guesses->promised = field->rho;
    guesses_add(guesses, false, (moved.product - moved.square / 2) / variance);
    guesses_add(guesses, true, (moved.product + moved.square / 2) / variance);
}

static void guess(struct play *play)
{
    const struct layout *layout = &play->fold.layout;
    uint64_t word = 0, value = 0;
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        struct moved moved = moved_in(play, field, word, value);
        double sigma = ldexp(private_sigma(field), field->fraction_bits), variance = sigma * sigma;
        guess_field(play, i, moved, variance);
        play->ratio += (moved.product - moved.square / 2) / variance;
        play->spent += moved.square / (2 * variance);
        word += field->length * field->words;
        value += field->length;
    }
}

static void play_round(struct play *play)
{
    struct fold *fold = &play->fold;
    round_init(play);
    if (play->audit->all.runs[0] == 0) assert_drawn_as_by_nodes(play);
    OK(fold_contribute(fold, play->audit->without.table, 1, play->before, fold->words));
    OK(fold_contribute(fold, play->audit->with.table, 1, play->after, fold->words));
    for (uint64_t i = 0; i < fold->words; i++) play->sum[i] = play->with ? play->after[i] : play->before[i];
    add_noise(play);
    guess(play);
    OK(fold_advance(fold, play->sum, fold->words));
    round_done(play);
}

static void play_run(struct audit *audit, bool with)
{
    struct play play = {.audit = audit, .with = with};
    const struct plan *of = &audit->without.plan;
    double promised = 0;
    OK(fold_start(of, task_find(of->task), &play.fold));
    while (!play.fold.finished) {
        assert_true(play.fold.step < STEPS_MAX);
        promised = privacy_compose(promised, layout_rho(&play.fold.layout));
        play_round(&play);
    }
    assert_true(promised <= of->privacy.rho);
    assert_true(play.spent <= promised);
    guesses_add(&audit->all, with, play.ratio);
    audit->spent += play.spent / (2.0 * audit->trial.runs);
    fold_done(&play.fold);
}

static void play_all(struct audit *audit, const struct trial *trial)
{
    audit_init(audit, trial);
    for (unsigned i = 0; i < trial->runs; i++) {
        play_run(audit, false);
        play_run(audit, true);
    }
}

/* ---- what the guesses prove */

static double epsilon_of(const struct audit *audit, double rho)
{
    return rho > 0 ? privacy_epsilon(rho, audit->without.plan.privacy.delta) : 0;
}

static double tell(const struct audit *audit, const char *how, double rho)
{
    double epsilon = epsilon_of(audit, rho);
    print_message("%s, noise times %g: %s epsilon is %.3g at least, rho %.3g (promised: %.3g, %.3g; the row itself "
                  "spends %.3g)\n",
                  audit->trial.task, audit->trial.factor, how, epsilon, rho, audit->without.plan.privacy.epsilon,
                  audit->all.promised, audit->spent);
    return epsilon;
}

/* Fields in which the row shows; those that are found to have too little noise. */
struct fields {
    unsigned shown, broken;
};

static struct fields judge_fields(const struct audit *audit)
{
    struct fields fields = {0};
    for (size_t i = 0; i < STEPS_MAX * LAYOUT_FIELDS_MAX; i++) {
        const struct guesses *guesses = &audit->fields[i / LAYOUT_FIELDS_MAX][i % LAYOUT_FIELDS_MAX];
        if (guesses->runs[0] == 0) continue;
        fields.shown++;
        fields.broken += guesses_rho(guesses, risk) > guesses->promised;
    }
    return fields;
}

/* The promise holds, and the row is one that it is needed for. */
static void assert_kept(const char *task, unsigned shown)
{
    static struct audit audit;
    play_all(&audit, &(struct trial){task, 1, KEPT_RUNS});
    double promised = audit.without.plan.privacy.epsilon, any = guesses_rho(&audit.all, risk);
    double gaussian = guesses_gaussian_rho(&audit.all, risk);
    assert_true(tell(&audit, "whatever the noise,", any) <= promised);
    assert_true(tell(&audit, "by Gaussian noise,", gaussian) <= promised);
    assert_true(epsilon_of(&audit, gaussian) >= promised / 2);
    assert_true(any >= audit.all.promised / 5);
    assert_true(audit.spent >= 0.75 * audit.all.promised);
    struct fields fields = judge_fields(&audit);
    assert_int_equal(fields.shown, shown);
    assert_int_equal(fields.broken, 0);
    audit_done(&audit);
}

static void assert_found(const char *task)
{
    static struct audit audit;
    play_all(&audit, &(struct trial){task, 0.5, HALF_RUNS});
    double promised = audit.without.plan.privacy.epsilon;
    assert_true(tell(&audit, "whatever the noise,", guesses_rho(&audit.all, risk)) > promised);
    assert_true(tell(&audit, "by Gaussian noise,", guesses_gaussian_rho(&audit.all, risk)) > promised);
    audit_done(&audit);
}

/* A sum that lacks its noise is found by itself. */
static void assert_each_found(const char *task, unsigned shown)
{
    static struct audit audit;
    play_all(&audit, &(struct trial){task, 0, BARE_RUNS});
    struct fields fields = judge_fields(&audit);
    assert_int_equal(fields.shown, shown);
    assert_int_equal(fields.broken, shown);
    audit_done(&audit);
}

enum { LOGISTIC_FIELDS = 13, STATISTICS_FIELDS = 10 };

static void the_logistic_score_keeps_its_promise(void **state)
{
    (void)state;
    assert_kept("logistic", LOGISTIC_FIELDS);
}

static void half_the_noise_of_a_logistic_score_is_found(void **state)
{
    (void)state;
    assert_found("logistic");
}

static void sums_of_a_logistic_score_without_noise_are_found(void **state)
{
    (void)state;
    assert_each_found("logistic", LOGISTIC_FIELDS);
}

static void statistics_keep_their_promise(void **state)
{
    (void)state;
    assert_kept("statistics", STATISTICS_FIELDS);
}

static void half_the_noise_of_statistics_is_found(void **state)
{
    (void)state;
    assert_found("statistics");
}

static void sums_of_statistics_without_noise_are_found(void **state)
{
    (void)state;
    assert_each_found("statistics", STATISTICS_FIELDS);
}

static void chances_are_bounded_as_in_tables(void **state)
{
    (void)state;
    /* Ten of ten at 5 %: 0.05^(1/10). Three of ten at 2.5 %: 0.0667 and 0.6525. Five of 1000 at 2.5 %: 0.0016, 0.0116.
     */
    assert_true(fabs(guesses_chance_low(10, 10, 0.05) - 0.741134) < 1e-6);
    assert_true(fabs(guesses_chance_low(3, 10, 0.025) - 0.066740) < 1e-6);
    assert_true(fabs(guesses_chance_high(3, 10, 0.025) - 0.652453) < 1e-6);
    assert_true(fabs(guesses_chance_low(5, 1000, 0.025) - 0.001625) < 1e-6);
    assert_true(fabs(guesses_chance_high(5, 1000, 0.025) - 0.011630) < 1e-6);
    assert_true(guesses_chance_low(0, 10, 0.025) == 0 && guesses_chance_high(10, 10, 0.025) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chances_are_bounded_as_in_tables),
        cmocka_unit_test(the_logistic_score_keeps_its_promise),
        cmocka_unit_test(half_the_noise_of_a_logistic_score_is_found),
        cmocka_unit_test(sums_of_a_logistic_score_without_noise_are_found),
        cmocka_unit_test(statistics_keep_their_promise),
        cmocka_unit_test(half_the_noise_of_statistics_is_found),
        cmocka_unit_test(sums_of_statistics_without_noise_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

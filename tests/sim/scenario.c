#include "tests/sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/cases.h"
#include "crypto/hash.h"
#include "proto/run/privacy.h"

enum {
    MINUTE_MS = 60000,
    /* Hours until a run's deadline: beyond every fault, so that an end by it says that somebody is awaited. */
    DEADLINE_HOURS = 3,
};

static const char plan_text[] = "cofferdam: 1\n"
                                "name: simulated\n"
                                "purpose: tests\n"
                                "task: logistic\n"
                                "target: {column: y, positive: \"1\"}\n"
                                "features:\n"
                                "  - {name: x, kind: number, min: 0, max: 1000, resolution: 1}\n"
                                "train: {penalty: 1, tolerance: 1.0e-4, rounds: 4}\n"
                                "cohort: {minimum: 3, on_dropout: wait, rows: 1000}\n";

void scenario_done(struct scenario *scenario)
{
    for (unsigned i = 0; scenario->items && i < scenario->banks; i++) {
        free((char *)(uintptr_t)scenario->items[i].name);
        table_free((struct table *)(uintptr_t)scenario->items[i].table);
    }
    free(scenario->items);
    random_source_free(scenario->faults.random);
    random_source_free(scenario->random);
    schema_done(&scenario->schema);
    plan_done(&scenario->plan);
    *scenario = (struct scenario){0};
}

static uint64_t below(const struct scenario *scenario, uint64_t bound)
{
    return random_below(scenario->random, bound);
}

static bool one_in(const struct scenario *scenario, uint64_t chances)
{
    return below(scenario, chances) == 0;
}

static struct result source_of(uint64_t seed, const char *purpose, struct random_source **ret)
{
    uint8_t bytes[8];
    struct hash hash;
    bytes_put_u64(bytes, seed);
    TRY(hash_bytes(purpose, view_of(bytes, sizeof bytes), &hash));
    CLEANUP(secret_freep) struct secret *secret = NULL;
    TRY(secret_from(hash_view(&hash), &secret));
    return random_source_new(secret, ret);
}

/* A row of the bank whose number is the first row's x. */
static struct result add_row(struct scenario *scenario, struct table *table, unsigned x)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%u", x);
    struct view fields[2];
    const struct view target = view_text(one_in(scenario, 2) ? "1" : "0");
    for (size_t k = 0; k < 2; k++)
        fields[k] = scenario->schema.specs[k].kind == COLUMN_NUMBER ? view_text(number) : target;
    return table_add_row(table, fields, NULL);
}

static struct result draw_bank(struct scenario *scenario, unsigned position)
{
    char name[16];
    (void)snprintf(name, sizeof name, "bank-%u", position);
    struct consortium_bank *bank = &scenario->items[position - 1];
    bank->name = strdup(name);
    struct table *table = NULL;
    TRY(table_new(scenario->schema.specs, scenario->schema.count, 1000, &table));
    bank->table = table;
    ENSURE(bank->name, CATEGORY_ENVIRONMENT, "out of memory");
    TRY(add_row(scenario, table, position));
    for (uint64_t more = 12 + below(scenario, 12); more > 0; more--)
        TRY(add_row(scenario, table, (unsigned)below(scenario, 1000)));
    return cases_hold_out(&scenario->plan, table);
}

static unsigned draw_size(const struct scenario *scenario)
{
    uint64_t roll = below(scenario, 100);
    if (roll < 60) return 3 + (unsigned)below(scenario, 4);
    if (roll < 90) return 7 + (unsigned)below(scenario, 4);
    if (roll < 97) return 11 + (unsigned)below(scenario, 10);
    return 21 + (unsigned)below(scenario, 20);
}

static void draw_shape(struct scenario *scenario)
{
    scenario->banks = draw_size(scenario);
    bool small = scenario->banks <= 7;
    scenario->rounds = 1 + (uint32_t)below(scenario, scenario->banks > 20 ? 2 : 5);
    scenario->epoch_rounds = 1u << below(scenario, 4);
    scenario->logistic = small && one_in(scenario, 16);
    scenario->goes_on = !scenario->logistic && one_in(scenario, 4);
    scenario->private = !scenario->logistic && scenario->seed % 3 == 0;
    scenario->adversary = one_in(scenario, 4);
    scenario->samples = one_in(scenario, scenario->adversary ? 2 : 8);
    bool large = small && one_in(scenario, scenario->goes_on ? 4 : 24);
    scenario->words = large ? CHUNK_WORDS + 5 : 1 + below(scenario, 16);
    if (scenario->adversary) return;
    struct thresholds thresholds;
    if (one_in(scenario, scenario->goes_on ? 2 : 5) && result_ok(thresholds_of(scenario->banks, &thresholds)))
        scenario->gone = 1 + (unsigned)below(scenario, thresholds.f + 1);
    for (unsigned left = scenario->gone; left > 0;) {
        unsigned bank = 1 + (unsigned)below(scenario, scenario->banks);
        if (scenario->gone_at[bank]) continue;
        scenario->gone_at[bank] = NETWORK_START_MS + 1 + below(scenario, 2 * MINUTE_MS);
        left--;
    }
}

static struct result draw_faults(struct scenario *scenario)
{
    static const uint64_t most[FAULT_KINDS] = {
        [FAULT_LOST] = 400,       [FAULT_TWICE] = 400, [FAULT_CHANGED] = 150,  [FAULT_CUT] = 20,
        [FAULT_CRASH] = 60,       [FAULT_BATCH] = 120, [FAULT_BLACKOUT] = 200, [FAULT_OLD_DISK] = 600,
        [FAULT_NO_SECRETS] = 200, [FAULT_JUMP] = 50};
    struct faults *faults = &scenario->faults;
    TRY(source_of(scenario->seed, "faults", &faults->random));
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        if (one_in(scenario, 2)) faults->rate[kind] = 1 + below(scenario, most[kind]);
    faults->replies_change = scenario->adversary;
    faults->delay_ms = one_in(scenario, 2) ? 1 : 1 + below(scenario, 3000);
    faults->cut_ms = 1000 + below(scenario, 5 * MINUTE_MS);
    faults->down_ms = 1000 + below(scenario, 3 * MINUTE_MS);
    faults->jump_ms = 1000 + below(scenario, 20 * MINUTE_MS);
    faults->until = NETWORK_START_MS + 1 + below(scenario, 20 * MINUTE_MS);
    faults->crashes_left = 1 + (unsigned)below(scenario, 4 * (scenario->banks + 1));
    struct thresholds thresholds;
    TRY(thresholds_of(scenario->banks, &thresholds));
    if (one_in(scenario, 4)) faults->old_left = 1 + (unsigned)below(scenario, thresholds.f);
    return RESULT_OK;
}

/* The toy reads how many sums there are, and of how many words, from these fields; see toy.h. */
static void draw_plan(struct scenario *scenario)
{
    struct plan *plan = &scenario->plan;
    plan->deadline_hours = DEADLINE_HOURS;
    plan->on_dropout = scenario->goes_on ? DROPOUT_CONTINUE : DROPOUT_WAIT;
    if (scenario->logistic) return;
    plan->rounds = scenario->rounds;
    plan->tolerance = (double)scenario->words;
    if (scenario->private) plan->privacy = (struct plan_privacy){4, 1e-6, privacy_budget(4, 1e-6), false, {0}};
}

struct result scenario_draw(uint64_t seed, struct scenario *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->seed = seed;
    TRY(source_of(seed, "scenario", &ret->random));
    draw_shape(ret);
    TRY(draw_faults(ret));
    TRY(plan_parse(view_text(plan_text), "plan.yaml", &ret->plan));
    TRY(schema_of(&ret->plan, &ret->schema));
    ENSURE(ret->schema.count == 2, CATEGORY_BUG, "the simulated plan has %zu columns", ret->schema.count);
    ret->items = calloc(ret->banks, sizeof *ret->items);
    ENSURE(ret->items, CATEGORY_ENVIRONMENT, "out of memory");
    for (unsigned i = 1; i <= ret->banks; i++) TRY(draw_bank(ret, i));
    draw_plan(ret);
    return RESULT_OK;
}

struct result scenario_describe(const struct scenario *scenario, struct buffer *out)
{
    TRY(buffer_format(out, "seed %llu: %u banks, %s", (unsigned long long)scenario->seed, scenario->banks,
                      scenario->logistic ? "logistic" : "toy"));
    if (!scenario->logistic)
        TRY(buffer_format(out, " of %u sums of %llu words", scenario->rounds, (unsigned long long)scenario->words));
    TRY(buffer_format(out, ", epochs of %u rounds, on_dropout %s%s%s%s", scenario->epoch_rounds,
                      scenario->goes_on ? "continue" : "wait", scenario->private ? ", with noise" : "",
                      scenario->samples ? ", sums are sampled" : "",
                      scenario->adversary ? ", a cheating coordinator" : ""));
    if (scenario->gone) TRY(buffer_format(out, ", %u banks die for good", scenario->gone));
    TRY(buffer_format(out,
                      "; faults for %llu s:", (unsigned long long)(scenario->faults.until - NETWORK_START_MS) / 1000));
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        if (scenario->faults.rate[kind])
            TRY(buffer_format(out, " %s %llu/1000,", fault_names[kind],
                              (unsigned long long)scenario->faults.rate[kind]));
    return buffer_format(out, " up to %llu ms late", (unsigned long long)scenario->faults.delay_ms);
}

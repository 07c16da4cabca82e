#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/adversary.h"
#include "tests/sim/audit.h"
#include "tests/sim/oracle.h"
#include "tests/support/memory_bundle.h"
#include "tests/support/toy.h"

enum { HOUR_MS = 3600000, CHEAT_MS = 600000 };

void sim_add(struct sim_tally *sum, const struct sim_tally *more)
{
    sum->seeds += more->seeds;
    sum->finished += more->finished;
    sum->ended += more->ended;
    sum->cheated += more->cheated;
    sum->replayed += more->replayed;
    sum->rounds += more->rounds;
    sum->released += more->released;
    sum->voided += more->voided;
    sum->refused += more->refused;
    sum->cheats += more->cheats;
    sum->proven += more->proven;
    sum->stated += more->stated;
    for (int kind = 0; kind < FAULT_KINDS; kind++) sum->faults[kind] += more->faults[kind];
}

struct world {
    struct scenario scenario;
    struct consortium_config config;
    struct consortium consortium;
    struct oracle oracle;
    struct adversary adversary;
    struct buffer bundle;
    struct bundle_sink sink;
    bool replayed;
    uint64_t proven, stated; /* by the evidence that parties kept */
};

static void world_done(struct world *world)
{
    adversary_done(&world->adversary);
    if (world->oracle.scenario) oracle_done(&world->oracle);
    consortium_done(&world->consortium);
    buffer_done(&world->bundle);
    scenario_done(&world->scenario);
}

static struct result stepped(void *context, struct consortium *consortium, unsigned number, const struct input *input,
                             struct result result, const struct effects *effects)
{
    struct world *world = context;
    TRY(oracle_stepped(&world->oracle, consortium, number, input, result, effects));
    if (!world->scenario.adversary || number != 0 || input->kind != INPUT_MESSAGE) return RESULT_OK;
    return adversary_hear(&world->adversary, input->from, input->bytes);
}

static struct result reply(void *context, struct consortium *consortium, unsigned to, struct buffer *bytes)
{
    struct world *world = context;
    return world->scenario.adversary ? adversary_reply(&world->adversary, consortium, to, bytes) : RESULT_OK;
}

static void say(void *context, const char *line)
{
    const struct world *world = context;
    uint64_t now = world->consortium.network.now - NETWORK_START_MS;
    printf("%8llu.%03llu %s\n", (unsigned long long)now / 1000, (unsigned long long)now % 1000, line);
}

static struct result world_init(struct world *world, uint64_t seed, bool trace)
{
    struct scenario *scenario = &world->scenario;
    TRY(scenario_draw(seed, scenario));
    CLEANUP(secret_freep) struct secret *keys = NULL;
    world->sink = memory_sink(&world->bundle);
    TRY(secret_new(RANDOM_SEED_BYTES, &keys));
    random_draw(scenario->random, secret_bytes(keys), RANDOM_SEED_BYTES);
    world->config = (struct consortium_config){.plan = &scenario->plan,
                                               .banks = scenario->items,
                                               .banks_count = scenario->banks,
                                               .threads = 1,
                                               .seed = keys,
                                               .faults = trace, /* machines' events are told */
                                               .say = trace ? say : NULL,
                                               .context = world,
                                               .bundle = &world->sink};
    struct consortium *consortium = &world->consortium;
    TRY(consortium_init(&world->config, consortium));
    world->config.seed = NULL;
    random_source_free(consortium->network.faults.random);
    consortium->network.faults = scenario->faults;
    scenario->faults.random = NULL;
    consortium->epoch_rounds = scenario->epoch_rounds;
    /* The deadline of the plan, and a clock that is behind, are over by then; a cheat would go on for ever. */
    uint64_t longest = scenario->adversary ? CHEAT_MS : ((uint64_t)scenario->plan.deadline_hours + 1) * HOUR_MS;
    consortium->give_up_at = scenario->faults.until + longest;
    return RESULT_OK;
}

/* What every party takes from the plan as it was submitted; the toy reads its fields otherwise. */
static void set_plan(struct world *world)
{
    struct plan *plan = &world->consortium.submission.plan;
    const struct plan *drawn = &world->scenario.plan;
    plan->rounds = drawn->rounds;
    plan->tolerance = drawn->tolerance;
    plan->on_dropout = drawn->on_dropout;
    plan->privacy = drawn->privacy;
    plan->deadline_hours = drawn->deadline_hours;
    if (!world->scenario.logistic) world->consortium.submission.terms.task = &toy_task;
    for (unsigned i = 1; i <= world->scenario.banks; i++)
        world->consortium.parties[i].gone_at = world->scenario.gone_at[i];
}

static void count(const struct world *world, struct sim_tally *tally)
{
    const struct network *network = &world->consortium.network;
    struct sim_tally one = {.seeds = 1,
                            .cheated = world->scenario.adversary,
                            .replayed = world->replayed,
                            .rounds = world->oracle.closed,
                            .released = world->oracle.opened,
                            .voided = world->oracle.voided,
                            .refused = world->oracle.refused,
                            .cheats = world->adversary.cheats,
                            .proven = world->proven,
                            .stated = world->stated};
    if (world->consortium.parties[0].done)
        one.finished = 1;
    else if (!world->scenario.adversary)
        one.ended = 1;
    memcpy(one.faults, network->faults.count, sizeof one.faults);
    sim_add(tally, &one);
}

static struct result go(struct world *world, bool trace)
{
    struct consortium *consortium = &world->consortium;
    if (trace) {
        CLEANUP(buffer_done) struct buffer line = {0};
        TRY(scenario_describe(&world->scenario, &line));
        printf("%.*s\n", (int)line.length, (const char *)line.data);
    }
    set_plan(world);
    TRY(oracle_init(&world->oracle, consortium, &world->scenario));
    if (world->scenario.adversary) adversary_init(&world->adversary, consortium, world->scenario.random);
    consortium->watcher = (struct watcher){world, stepped, reply};
    struct result result = consortium_go(consortium);
    /* A cheating coordinator may keep a run from ending; what it may not is checked at every step. */
    if (!world->scenario.adversary || !consortium->stands_still) TRY(result);
    TRY(oracle_over(&world->oracle));
    TRY(audit_evidence(consortium, &world->scenario, world->scenario.adversary ? world->adversary.accomplice : 0,
                       &world->proven, &world->stated));
    return audit_run(consortium, &world->scenario, &world->bundle, &world->replayed);
}

struct result sim_run(uint64_t seed, bool trace, struct sim_tally *tally)
{
    static struct world world; /* large */
    world = (struct world){0};
    TRY(crypto_start());
    struct result result = world_init(&world, seed, trace);
    if (result_ok(result)) result = go(&world, trace);
    count(&world, tally);
    world_done(&world);
    return result;
}

/* The allocations in the steps of a machine fail, one at a time: of a node's and of the coordinator's, in a whole run
 * and after a restart in the middle of one. A party that lacked memory starts again from its records; the run ends with
 * the right sum, nobody is blamed, nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "tests/faults/allocation.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

/* party: whose allocations fail; hold: the message that is lost until the party has been started again, or 0: then only
 * its first steps, which restore it, are those whose allocations fail. */
struct scene {
    unsigned party;
    enum message_kind hold;
    bool secrets_lost; /* when it is started again: its round is voided */
    unsigned steps;    /* of it so far */
};

enum { STEPS_RESTORED = 1, STEPS_VOIDING = 4 };

static bool is_counted(struct scene *scene, bool ends)
{
    if (!scene->hold) return true;
    unsigned most = scene->secrets_lost ? STEPS_VOIDING : STEPS_RESTORED;
    scene->steps += ends;
    return scene->steps - ends < most;
}

static void around(void *context, unsigned number, bool begins)
{
    struct scene *scene = context;
    if (number != scene->party || !is_counted(scene, !begins)) return;
    if (begins)
        allocation_resume();
    else
        allocation_pause();
}

static struct result play(struct scene *scene, struct cohort *cohort, unsigned long which)
{
    struct cohort_config config = {.banks = 3, .words = 3, .rounds = 1, .epoch_rounds = 1, .seed = 5};
    scene->steps = 0;
    TRY(cohort_init(&config, cohort));
    cohort->revives = true;
    if (scene->hold) {
        cohort_lose(cohort, scene->hold, 0, true);
        TRY(cohort_start_all(cohort));
        TRY(cohort_pump(cohort));
        cohort_lose(cohort, scene->hold, 0, false);
    }
    if (scene->secrets_lost) {
        cohort_stop(cohort, scene->party);
        records_lose_secrets(&cohort->parties[scene->party].records);
    }
    cohort->hooks = (struct cohort_hooks){.context = scene, .around = around};
    allocation_fail(which);
    allocation_pause();
    TRY(scene->hold ? cohort_start(cohort, scene->party) : cohort_start_all(cohort));
    cohort_repeat(cohort);
    return cohort_settle(cohort);
}

static bool fail_one(struct scene *scene, unsigned long which)
{
    long alive = allocation_alive();
    struct cohort cohort;
    struct result result = play(scene, &cohort, which);
    bool failed = allocation_stop();
    if (!result_ok(result)) fail_msg("allocation %lu: category %d: %s", which, result.category, result_reason());
    for (unsigned i = 0; i <= 3; i++)
        if (cohort.parties[i].refused) fail_msg("allocation %lu: refused: %s", which, cohort.parties[i].refusal);
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
    ERR_clear_error();
    if (allocation_alive() != alive) fail_msg("allocation %lu: %ld are lost", which, allocation_alive() - alive);
    return failed;
}

/* One allocation in three, another third in each scene; each where EVERY_ALLOCATION is set, which takes minutes. */
static void fail_each(struct scene scene)
{
    static unsigned long scenes;
    const unsigned long step = getenv("EVERY_ALLOCATION") ? 1 : 3;
    unsigned long which = 1 + scenes++ % step;
    while (fail_one(&scene, which)) which += step;
    assert_true(which > 10);
    print_message("party %u, %s%s: of some %lu allocations one in %lu failed\n", scene.party,
                  scene.hold ? message_name(scene.hold) : "a whole run",
                  scene.secrets_lost ? ", without its secrets" : "", which - 1, step);
}

static void a_node(void **state)
{
    (void)state;
    fail_each((struct scene){.party = 1});
}

static void a_coordinator(void **state)
{
    (void)state;
    fail_each((struct scene){.party = 0});
}

static void a_restarted_node(void **state)
{
    (void)state;
    static const enum message_kind held[] = {MESSAGE_P1S,         MESSAGE_ACKS,   MESSAGE_ROUND,   MESSAGE_PROPOSAL,
                                             MESSAGE_CERTIFICATE, MESSAGE_OPENED, MESSAGE_FINISHED};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) fail_each((struct scene){.party = 1, .hold = held[i]});
}

static void a_node_without_its_secrets(void **state)
{
    (void)state;
    fail_each((struct scene){.party = 1, .hold = MESSAGE_PROPOSAL, .secrets_lost = true});
    fail_each((struct scene){.party = 1, .hold = MESSAGE_CERTIFICATE, .secrets_lost = true});
}

static void a_restarted_coordinator(void **state)
{
    (void)state;
    static const enum message_kind held[] = {MESSAGE_ACK, MESSAGE_HEADER, MESSAGE_VOTE, MESSAGE_RELEASE, MESSAGE_AWAIT};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) fail_each((struct scene){.party = 0, .hold = held[i]});
}

/* What a daemon makes for a run before its first step. */
static struct result make_machines(void *context)
{
    struct cohort *cohort = context;
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct secagg_node_config node_config = {.terms = &cohort->terms,
                                             .position = 1,
                                             .key = cohort->keys[1],
                                             .counters = &cohort->parties[1].counters,
                                             .records = records_source(&cohort->parties[1].records)};
    struct secagg_coordinator_config config = {
        .terms = &cohort->terms, .key = cohort->keys[0], .records = records_source(&cohort->parties[0].records)};
    struct secagg_node *node = NULL;
    struct secagg_coordinator *coordinator = NULL;
    TRY(secret_new(RANDOM_SEED_BYTES, &seed));
    TRY(random_source_new(seed, &node_config.random));
    TRY(secagg_node_new(&node_config, &node));
    secagg_node_free(node);
    TRY(secagg_coordinator_new(&config, &coordinator));
    secagg_coordinator_free(coordinator);
    return RESULT_OK;
}

static void machines_are_made(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = 3, .words = 3, .rounds = 1, .seed = 5}, &cohort));
    allocation_loop("machines", make_machines, &cohort);
    cohort_done(&cohort);
}

/* What libraries make on first use is made. */
static int play_once(void **state)
{
    (void)state;
    struct cohort cohort;
    struct scene scene = {0};
    struct result result = play(&scene, &cohort, 0);
    cohort_done(&cohort);
    return result_ok(result) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_are_made),
        cmocka_unit_test(a_node),
        cmocka_unit_test(a_coordinator),
        cmocka_unit_test(a_restarted_node),
        cmocka_unit_test(a_node_without_its_secrets),
        cmocka_unit_test(a_restarted_coordinator),
    };
    return cmocka_run_group_tests(tests, play_once, NULL);
}

/* What an audit's report makes of rounds that do not happen every day: given up, voided, without a bank, at odd times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/audit_facts.h"
#include "tests/support/ok.h"

enum { BANKS = 4, ROUNDS = 7 };

struct world {
    struct roster_member members[BANKS];
    struct replay replay;
    struct audit_round rounds[ROUNDS];
    struct audit_keys keys[2];
    struct audit_clock clock;
    struct audit_ending endings[2];
    struct audit_facts facts;
    struct tree tree;
};

static void round_is(struct audit_round *round, uint64_t number, uint64_t step, enum bundle_kind decision)
{
    *round = (struct audit_round){.number = number, .step = step, .epoch = 1, .decision = decision};
    round->in = round->voters = round->closers = members_none(BANKS);
    round->laid_out = true;
    round->fields[0] = (struct audit_field){"likelihood", 1};
    round->fields[1] = (struct audit_field){"gradient", 3 + step};
    round->fields_count = 2;
    round->words = 2 * (4 + step);
    if (decision == BUNDLE_R0) return;
    for (unsigned j = 1; j <= 3; j++) members_add(&round->voters, j);
    if (decision == BUNDLE_VOID) return;
    round->in = members_all(BANKS);
    if (decision == BUNDLE_SUPERSEDED) return;
    round->closers = round->voters;
    round->earliest = 1000000 + 60 * number;
    round->latest = round->earliest + 2;
}

static struct world *world_new(void)
{
    static const char *const names[BANKS] = {"north", "south", "east", "west"};
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    for (size_t i = 0; i < BANKS; i++) {
        (void)snprintf(world->members[i].name, sizeof world->members[i].name, "%s", names[i]);
        memset(world->members[i].identity.bytes, (int)i + 1, SIGN_PUBLIC_BYTES);
        memset(world->members[i].node.bytes, (int)i + 101, SIGN_PUBLIC_BYTES);
    }
    struct replay *replay = &world->replay;
    replay->stage = REPLAY_DONE;
    replay->roster = (struct roster){.version = 1, .members = world->members, .size = BANKS, .coordinator_name = "hub"};
    replay->run.terms.roster = &replay->roster;
    replay->run.terms.cohort = members_all(BANKS);
    (void)snprintf(replay->submission.plan.task, sizeof replay->submission.plan.task, "%s", "logistic");
    for (uint64_t i = 0; i < ROUNDS; i++) round_is(&world->rounds[i], i + 1, i, BUNDLE_CHECKPOINT);
    world->keys[0] = (struct audit_keys){1, 0, 1, 16};
    world->facts = (struct audit_facts){.holds = true,
                                        .replay = replay,
                                        .rosters = &replay->roster,
                                        .rosters_count = 1,
                                        .rounds = world->rounds,
                                        .rounds_count = ROUNDS,
                                        .keys = world->keys,
                                        .keys_count = 1,
                                        .endings = world->endings,
                                        .clocks = &world->clock};
    return world;
}

/* The only deviation there is has this kind and text; NULL: there is none. */
static void deviates(struct world *world, const char *kind, const char *text)
{
    json_t *list = json_array();
    OK(audit_deviations(&world->facts, &world->tree, list));
    assert_false(world->tree.failed);
    if (json_array_size(list) != (kind != NULL)) fail_msg("%zu deviations", json_array_size(list));
    if (kind) {
        assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "kind")), kind);
        assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "text")), text);
    }
    json_decref(list);
    free(world);
}

static void nothing_happened(void **state)
{
    (void)state;
    deviates(world_new(), NULL, NULL);
}

static void rounds_given_up_and_voided(void **state)
{
    (void)state;
    struct world *world = world_new();
    round_is(&world->rounds[2], 3, 2, BUNDLE_SUPERSEDED);
    deviates(world, "superseded",
             "Round 3: certified and then given up, as too many banks had lost what opens it; the step was done again "
             "with the same inputs.");
    world = world_new();
    round_is(&world->rounds[0], 1, 0, BUNDLE_VOID);
    round_is(&world->rounds[3], 4, 3, BUNDLE_VOID);
    round_is(&world->rounds[4], 5, 3, BUNDLE_VOID);
    deviates(world, "voided",
             "Rounds 1, 4–5: voided. Nothing was opened, the banks erased their secrets of it, and the step was done "
             "again.");
    world = world_new();
    round_is(&world->rounds[6], 7, 6, BUNDLE_R0);
    deviates(world, "open",
             "Round 7: begun, and neither closed nor voided when the run was ended; its sum may have been opened.");
    world = world_new();
    round_is(&world->rounds[6], 7, 6, BUNDLE_R0);
    world->facts.holds = false;
    deviates(world, "open", "Round 7: begun, and not checked to its end, for the bundle does not hold there.");
}

static void banks_are_missing(void **state)
{
    (void)state;
    struct world *world = world_new();
    for (size_t i = 1; i < 4; i++) members_remove(&world->rounds[i].in, 3);
    deviates(world, "absent", "Rounds 2–4: the sum was taken without east.");
    world = world_new();
    members_remove(&world->replay.run.terms.cohort, 2);
    for (size_t i = 0; i < ROUNDS; i++) members_remove(&world->rounds[i].in, 2);
    deviates(
        world, "cohort",
        "1 member of the roster is not in this run's cohort; a node whose rows were used with another cohort before "
        "takes part only when its officer approved the change.");
}

static void clocks_and_pauses(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->rounds[5].latest = world->rounds[5].earliest + CLOCKS_APART_MOST;
    deviates(world, NULL, NULL);
    world = world_new();
    world->rounds[6].latest = world->rounds[6].earliest + 3 * 3600 + 20 * 60;
    deviates(
        world, "clocks",
        "Round 7: the banks' own times of one and the same step are up to 3 h 20 min apart; a clock is wrong, or a "
        "bank answered late.");
    world = world_new();
    for (size_t i = 4; i < ROUNDS; i++) {
        world->rounds[i].earliest += 7200;
        world->rounds[i].latest += 7200;
    }
    deviates(world, "pause", "Before round 5 was closed, the run stood still for 2 h 0 min.");
    world = world_new();
    world->clock = (struct audit_clock){4, 6, 5000, 4910};
    world->facts.clocks_count = 1;
    deviates(world, "clocks", "Round 6: the clock of west stands 1 min earlier than at its signature before.");
}

static void keys_and_ends(void **state)
{
    (void)state;
    struct world *world = world_new();
    world->keys[1] = (struct audit_keys){3, 1, 5, 16};
    world->facts.keys_count = 2;
    deviates(world, "keys",
             "Before round 5 the banks made their one-time keys 2 times; those made before were not used.");
    world = world_new();
    world->endings[0] = (struct audit_ending){2, "no <more>"};
    world->facts.endings_count = 1;
    deviates(world, "refusal", "south ended the run, in its own words: no <more>");
    world = world_new();
    world->endings[0] = (struct audit_ending){0, "the plan's deadline"};
    world->facts.endings_count = 1;
    deviates(world, "ended",
             "The coordinator (hub) ended the run before its last step; why is its word alone: the plan's deadline");
}

static void rosters_change(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "boss coordinates in place of hub", "the coordinator has a new key", "new became a member",
        "east has a new identity key",      "west has a new node key",       "south is a member no more"};
    struct world *world = world_new();
    struct roster_member after[BANKS];
    memcpy(after, world->members, sizeof after);
    (void)snprintf(after[1].name, sizeof after[1].name, "%s", "new");
    after[2].identity.bytes[0] ^= 1;
    after[3].node.bytes[0] ^= 1;
    struct roster next = world->replay.roster;
    next.version = 2;
    next.members = after;
    (void)snprintf(next.coordinator_name, sizeof next.coordinator_name, "%s", "boss");
    next.coordinator.bytes[0] ^= 1;
    json_t *list = json_array();
    audit_roster_changes(&world->replay.roster, &next, &world->tree, list);
    assert_int_equal(json_array_size(list), sizeof changes / sizeof *changes);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        assert_string_equal(json_string_value(json_array_get(list, i)), changes[i]);
    json_decref(list);
    free(world);
}

/* Rounds of one kind are told together, across those that were not closed; what was not opened is not counted. */
static void groups(void **state)
{
    (void)state;
    struct world *world = world_new();
    round_is(&world->rounds[2], 3, 2, BUNDLE_VOID);
    round_is(&world->rounds[3], 4, 2, BUNDLE_SUPERSEDED);
    world->rounds[0].fields[0].name = "cases";
    json_t *root = json_object();
    audit_rounds_json(&world->facts, &world->tree, root);
    assert_false(world->tree.failed);
    json_t *released = json_object_get(root, "released"), *list = json_object_get(released, "groups");
    assert_int_equal(json_array_size(list), 2);
    const json_t *second = json_array_get(list, 1);
    assert_int_equal(json_integer_value(json_object_get(released, "sums")), 5);
    assert_int_equal(json_integer_value(json_object_get(released, "numbers")), 4 + 5 + 8 + 9 + 10);
    assert_int_equal(json_integer_value(json_object_get(second, "first")), 2);
    assert_int_equal(json_integer_value(json_object_get(second, "last")), 7);
    assert_int_equal(json_integer_value(json_object_get(second, "sums")), 4);
    assert_int_equal(json_integer_value(json_object_get(second, "numbers_least")), 5);
    assert_int_equal(json_integer_value(json_object_get(second, "numbers_most")), 10);
    assert_string_equal(json_string_value(json_object_get(second, "phase")), "Newton steps of the fit");
    const json_t *given_up = json_array_get(json_object_get(root, "rounds"), 3);
    assert_string_equal(json_string_value(json_object_get(given_up, "outcome")), "superseded");
    assert_int_equal(json_array_size(json_object_get(given_up, "signed_by")), 3);
    assert_null(json_object_get(given_up, "sum"));
    json_decref(root);
    free(world);
}

static void times(void **state)
{
    (void)state;
    char text[AUDIT_TIME_BYTES];
    assert_string_equal(audit_time(1772366400, text), "2026-03-01 12:00:00 UTC");
    assert_string_equal(audit_time(UINT64_MAX, text), "18446744073709551615 seconds after 1970");
    assert_string_equal(audit_time((uint64_t)1 << 62, text), "4611686018427387904 seconds after 1970");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happened),
        cmocka_unit_test(rounds_given_up_and_voided),
        cmocka_unit_test(banks_are_missing),
        cmocka_unit_test(clocks_and_pauses),
        cmocka_unit_test(keys_and_ends),
        cmocka_unit_test(rosters_change),
        cmocka_unit_test(groups),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

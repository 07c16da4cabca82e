#!/usr/bin/env python3
"""Proves that the simulator finds bugs: plants one fault at a time in the machines, and runs the simulator's seeds until
something does not hold. A mutant that survives all seeds fails the test, and so does one whose place is gone.

    mutants.py BUILD [NAME...]      BUILD/mutants/NAME.c, and the program made with it
"""
import os
import pathlib
import subprocess
import sys

SECAGG = "proto/secagg/"
# name: file, what stands there, what a careless hand would make of it
MUTANTS = {
    "accept_t_minus_1_votes": ("run.c", 'certificate(run, "r2", WIRE_R2, run->thresholds.t,',
                               'certificate(run, "r2", WIRE_R2, run->thresholds.t - 1,'),
    "count_a_vote_twice": ("run.c", "ENSURE(members_count(&signers) >= need,", "ENSURE(list.count >= need,",
                           "ENSURE(!members_has(&signers, vote.message.signer),", "ENSURE(true,"),
    "accept_v_minus_1_voids": ("run.c", "WIRE_VOID, run->thresholds.v,", "WIRE_VOID, run->thresholds.v - 1,"),
    "u_without_the_cohort": ("run.c", "    if (run->terms.plan->on_dropout == DROPOUT_WAIT) {", "    if (false) {"),
    "one_bank_says_the_coordinator_is_old": ("catchup.c", "if (ahead < coordinator->run.thresholds.t) return RESULT_OK;",
                                             "if (ahead < 1) return RESULT_OK;"),
    "vote_twice": ("vote.c", "    if (node->state == NODE_VOTED) {", "    if (false) {"),
    "forget_the_vote": ("vote.c", 'TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->round.vote), "r2/%05llu", round));',
                        ""),
    "void_keeps_its_secrets": ("vote.c", "    TRY(node_erase_round(node, round, effects));\n    return node_keep_round",
                               "    return node_keep_round"),
    "void_after_release": ("node.c", "[NODE_RELEASED] = {[MESSAGE_OPENED] = open_take,",
                           "[NODE_RELEASED] = {[MESSAGE_OPENED] = open_take,\n"
                           "                       [MESSAGE_VOID_PROPOSAL] = vote_take_void_proposal,"),
    "vote_after_void": ("node.c", "[NODE_VOIDED] = {", "[NODE_VOIDED] = {[MESSAGE_PROPOSAL] = vote_take_proposal,"),
    "forget_the_release": ("release.c", 'TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->round.release), '
                           '"release/%05llu", round));', ""),
    "release_keeps_its_secrets": ("release.c", "    TRY(node_erase_round(node, vote.round, effects));\n"
                                  "    return node_keep_round(node, effects);\n}\n\n/* Too few",
                                  "    return node_keep_round(node, effects);\n}\n\n/* Too few"),
    "release_both_kinds_to_the_late": ("release.c", "members_has(survivors, j) ? SHARE_A : SHARE_B",
                                       "members_has(survivors, j) && node->fold.step % 2 == 0 ? SHARE_A : SHARE_B"),
    "mask_afresh_after_a_crash": ("r1.c", "if (round->header.length) return compare_header(node, &root, effects);", "",
                                  "static struct result compare_header", "struct result compare_header(struct secagg_node "
                                  "*node, const struct hash *root, struct effects *effects);\nstruct result compare_header"),
    "forget_the_masked_input": ("r1.c", 'TRY(effect_persist(effects, KEEP_RUN, buffer_view(&round->header), "r1/%05llu",\n'
                                "                       (unsigned long long)round->terms.round));", ""),
    "acknowledge_a_chunk_before_it_is_durable": (
        "r1.c", 'return effect_persist(effects, KEEP_RUN, words, "y/%05llu/%05u/%05u",\n'
        "                          (unsigned long long)coordinator->round.terms.round, from, index);",
        "(void)effects;\n    return RESULT_OK;"),
    "a_later_round_first": ("r0.c", "    ENSURE(r0->round > node->last, CATEGORY_PEER,",
                            "    ENSURE(r0->round != node->last, CATEGORY_PEER,"),
    "trust_the_state_in_r0": ("r0.c", "ENSURE(hash_equal(&r0->state, &node->fold.state_hash), CATEGORY_PEER,",
                              "ENSURE(true, CATEGORY_PEER,"),
    "an_old_disk_joins": ("attest.c", "    if (highest <= mine) return RESULT_OK;", "    if (highest <= mine || mine) return RESULT_OK;"),
    "forget_the_counter": ("counters.c", "    if (counted) {", "    if (counted && counters->mine % 4 != 3) {"),
    "trust_the_secrets_in_open": ("verify.c", "    if (fits.category == CATEGORY_PEER) return false_secret(node, check, position, effects);\n"
                                              "    TRY(fits);\n", "    (void)fits;\n",
                                  "if (!hash_equal(&hash, &check->open.sum)) return false_sum(node, effects);", ""),
    "trust_a_sampled_sum": ("verify.c", "    if (memcmp(check->part, check->sum + first, words * 8) != 0) return "
                            "false_sum(node, effects);\n", ""),
    "erasures_are_not_repeated": ("node.c", "    TRY(node_repeat_erasures(node, effects));\n", ""),
    "forget_the_noise": ("noise.c", "effect_persist(effects, KEEP_SECRET, view_of(record, sizeof record), KEY_NOISE)", "RESULT_OK"),
    "an_input_is_added_twice": ("r1.c", "    if (upload->next > 0 || !header->chunk.length) return RESULT_OK;",
                                "    if (!header->chunk.length) return RESULT_OK;\n    upload->next = 0;"),
}

# Of those that few seeds show, one that did: it is tried first, and all of them where it does so no more.
SEEDS = {"accept_t_minus_1_votes": 36, "count_a_vote_twice": 33, "u_without_the_cohort": 126, "vote_after_void": 37,
         "trust_the_state_in_r0": 33, "an_old_disk_joins": 96, "trust_the_secrets_in_open": 126, "trust_a_sampled_sum": 34}


def plant(name, build):
    path, *changes = MUTANTS[name]
    text = pathlib.Path(SECAGG + path).read_text()
    for old, new in zip(changes[::2], changes[1::2]):
        if text.count(old) != 1:
            sys.exit(f"{name}: {SECAGG}{path} has {text.count(old)} places for it, not one; plant it anew")
        text = text.replace(old, new)
    target = pathlib.Path(build, "mutants", name + ".c")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def complaint(program, *seeds):
    """The simulator's first line about a seed that found the fault; None where none did."""
    run = subprocess.run([program, *seeds], capture_output=True, text=True)
    return run.stderr.splitlines()[0] if run.returncode == 1 and run.stderr.startswith("seed ") else None


def find(name, program):
    one = SEEDS.get(name)
    return (one and complaint(program, "--seeds", str(one), "--count", "1")) or complaint(program)


def main():
    build, names = sys.argv[1], sys.argv[2:] or list(MUTANTS)
    for name in names:
        plant(name, build)
    programs = [f"{build}/mutants/{name}" for name in names]
    subprocess.run(["make", "-s", f"-j{os.cpu_count()}", f"BUILD={build}", *programs], check=True)
    survived = []
    for name, program in zip(names, programs):
        found = find(name, program)
        print(f"{name}: {found or 'NOT FOUND'}", flush=True)
        if not found:
            survived.append(name)
    print(f"{len(names) - len(survived)} of {len(names)} mutants found")
    return 1 if survived else 0


sys.exit(main())

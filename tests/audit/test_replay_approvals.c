/* What a bundle says of the officers who approved its run, and that nobody can say otherwise afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/run/approval.h"
#include "tests/support/ok.h"
#include "tests/support/small_run.h"
#include "tests/support/tamper.h"

enum { FORMS = 3 };

/* A run that two officers of each bank but the first approve, and whose keys last for one round. */
static struct small_run *run;
static struct buffer forms[FORMS];
static struct pieces pieces; /* of the full one */

static int setup(void **state)
{
    (void)state;
    run = small_run_new(
        &(struct small_run_config){.banks = 3, .words = 3, .rounds = 2, .epoch_rounds = 1, .officers = 2});
    for (unsigned form = 0; form < FORMS; form++) small_run_redact(run, form, &forms[form]);
    pieces_of(buffer_view(&forms[BUNDLE_FULL]), &pieces);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pieces_done(&pieces);
    for (unsigned form = 0; form < FORMS; form++) buffer_done(&forms[form]);
    small_run_free(run);
    return 0;
}

static void it_tells_whose_officers_approved(void **state)
{
    (void)state;
    struct memory_bundle memory;
    const struct replay_observer observer = small_run_observer(run);
    for (unsigned form = 0; form < FORMS; form++) {
        const struct bundle_source source = memory_source(&memory, buffer_view(&forms[form]));
        CLEANUP(replay_freep) struct replay *replay = NULL;
        OK(replay_bundle(&source, &run->consortium.roster.hash, &observer, &replay));
        assert_int_equal(replay->epoch.epoch, 2); /* and each is told once */
        assert_int_equal(replay->approvals[1].count, 0);
        for (unsigned j = 2; j <= 3; j++) {
            const struct replay_approvals *approvals = &replay->approvals[j];
            struct approval second;
            OK(approval_parse(run->approvals[j - 1][1], &second));
            assert_int_equal(approvals->count, 2);
            assert_false(approvals->more);
            assert_int_equal(approvals->items[1].round, 1);
            assert_memory_equal(&approvals->items[1].approval.officer, &second.officer, sizeof second.officer);
        }
    }
}

/* The bank's own node key signs its P1: a bank that says another thing afterwards than the others heard is found out,
 * and so is one whose officers never said it. */
static void p1_says_otherwise(struct view first, struct view second, size_t count, size_t blamed, const char *why)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer body = {0}, payload = {0}, bundle = {0};
    const struct view items[] = {first, second};
    struct wire_p1 p1;
    size_t number = 1;
    while (piece_kind(pieces.items[number]) != BUNDLE_P1) number++;
    const struct view was = piece_payload(pieces.items[number]);
    OK(wire_p1_decode(message_body(BUNDLE_P1, was, 1, &arena), 3, &arena, &p1));
    assert_int_equal(p1.approvals.count, 2);
    p1.approvals = (struct wire_list){items, count};
    OK(wire_p1_encode(&p1, &body));
    const struct view changed = buffer_view(&body);
    signed_again(BUNDLE_P1, was, 1, run->consortium.parties[2].key, SIGNER_AS_IT_WAS, &changed, &payload);
    pieces_with(&pieces, number, buffer_view(&payload), &bundle);
    small_run_refuted(run, buffer_view(&bundle), number + blamed, why, 2);
    if (!strstr(result_reason(), why)) fail_msg("not \"%s\": %s", why, result_reason());
}

static void approvals_stay_as_they_were(void **state)
{
    (void)state;
    const struct view *own = run->approvals[1], *other = run->approvals[2];
    CLEANUP(buffer_done) struct buffer altered = {0};
    OK(buffer_append(&altered, own[0]));
    altered.data[altered.length - 2] = altered.data[altered.length - 2] == '0' ? '1' : '0';
    p1_says_otherwise(own[0], own[1], 1, 1, "acknowledged other keys");
    p1_says_otherwise(own[0], own[1], 0, 1, "acknowledged other keys");
    p1_says_otherwise(own[1], own[0], 2, 1, "acknowledged other keys");
    p1_says_otherwise(own[0], other[1], 2, 0, "an approval in P1 of bank-2: it is of another bank");
    p1_says_otherwise(own[0], own[0], 2, 0, "P1 of bank-2 has two approvals of one officer");
    p1_says_otherwise(buffer_view(&altered), own[1], 2, 0, "an approval in P1 of bank-2: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_whose_officers_approved),
        cmocka_unit_test(approvals_stay_as_they_were),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

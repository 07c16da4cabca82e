/* What a bank says that it checked is what it checked: all of a small sum, the chunks that its dice chose of a large
 * one, and nothing of a sum that it only caught up with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static void says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void text_says(const struct secagg_checked *checked, const char *part)
{
    CLEANUP(buffer_done) struct buffer line = {0};
    const char *text = NULL;
    OK(secagg_checked_text(checked, &line));
    OK(buffer_terminate(&line, &text));
    says(text, part);
}

static void a_small_sum_is_checked_in_full(void **state)
{
    (void)state;
    struct cohort cohort;
    const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 8};
    OK(cohort_init(&five, &cohort));
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    for (unsigned i = 1; i <= 5; i++) {
        const struct secagg_checked checked = secagg_node_checked(cohort.parties[i].node);
        struct secagg_checked kept;
        const struct record_source records = records_source(&cohort.parties[i].records);
        assert_true(checked.round == 3 && checked.step == 2 && checked.words == 8);
        assert_true(checked.secrets == 5 && checked.inputs == 5 && checked.chunks == 1 && checked.recomputed == 1);
        assert_true(secagg_checked_unseen(&checked) == 0);
        OK(secagg_checked_load(&records, &kept));
        assert_memory_equal(&kept, &checked, sizeof kept);
    }
    assert_true(cohort_event(&cohort, "round 3 checked here: 5 secrets fit their commitments, 5 masked inputs their "
                                      "signatures; all 8 words of the sum were computed again"));
    cohort_done(&cohort);
}

/* A cohort in which chunks are left out: of 40 banks each checks fewer than all. */
static void a_large_sum_is_checked_as_far_as_is_said(void **state)
{
    (void)state;
    struct cohort cohort;
    const struct cohort_config many = {.banks = 40, .words = 2 * CHUNK_WORDS + 4, .rounds = 1, .epoch_rounds = 1};
    OK(cohort_init(&many, &cohort));
    cohort_lose(&cohort, MESSAGE_OPENED, 0, true);
    OK(cohort_start_all(&cohort));
    for (unsigned i = 1; i <= 40; i++) cohort.parties[i].node->close_full_bytes = 1000;
    OK(cohort_settle(&cohort));
    cohort_lose(&cohort, MESSAGE_PIECES, 0, true);
    cohort_lose(&cohort, MESSAGE_OPENED, 0, false);
    OK(cohort_settle(&cohort));
    unsigned drawn[41] = {0};
    for (unsigned i = 1; i <= 40; i++)
        for (unsigned c = 0; c < 3; c++) drawn[i] += cohort.parties[i].node->check.chosen[c];
    cohort_lose(&cohort, MESSAGE_PIECES, 0, false);
    OK(cohort_settle(&cohort));
    unsigned some = 0;
    for (unsigned i = 1; i <= 40; i++) {
        const struct secagg_checked checked = secagg_node_checked(cohort.parties[i].node);
        if (!checked.round) continue; /* closed by others before it came to it */
        assert_true(checked.chunks == 3 && checked.recomputed == drawn[i]);
        assert_true(secagg_checked_unseen(&checked) > 0.0 && secagg_checked_unseen(&checked) < 0.5);
        some += drawn[i] < 3;
        text_says(&checked, drawn[i] < 3
                                ? "chunks of the sum were computed again; one false chunk goes unseen here with"
                                : "all 262148 words of the sum were computed again");
    }
    assert_true(some > 0);
    cohort_done(&cohort);
}

/* Bank 5 learns of the first sum from the others' certificate: it has checked none of it, and says nothing. */
static void a_sum_that_was_caught_up_with_is_not_called_checked(void **state)
{
    (void)state;
    struct cohort cohort;
    const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 1, .epoch_rounds = 8};
    OK(cohort_init(&five, &cohort));
    cohort_lose(&cohort, MESSAGE_OPENED, 5, true);
    OK(cohort_run(&cohort));
    cohort_lose(&cohort, MESSAGE_OPENED, 5, false);
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    const struct secagg_checked checked = secagg_node_checked(cohort.parties[5].node);
    CLEANUP(buffer_done) struct buffer line = {0};
    assert_true(checked.round == 0);
    OK(secagg_checked_text(&checked, &line));
    assert_int_equal(line.length, 0);
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_sum_is_checked_in_full),
        cmocka_unit_test(a_large_sum_is_checked_as_far_as_is_said),
        cmocka_unit_test(a_sum_that_was_caught_up_with_is_not_called_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

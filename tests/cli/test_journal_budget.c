/* A journal's privacy budget: what must add up, what is refused, and what it comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/journal_budget.h"
#include "tests/support/ok.h"

static struct sign_key *key;
static struct roster_member member = {.name = "north"};
static struct roster_file rosters = {.roster = {.members = &member, .size = 1}};

static int enter(void **state)
{
    (void)state;
    CLEANUP(secret_freep) struct secret *seed = NULL;
    OK(secret_new(SIGN_SEED_BYTES, &seed));
    OK(sign_key_from_seed(seed, &key));
    member.node = *sign_key_public(key);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    sign_key_freep(&key);
    return 0;
}

/* An entry of a run; its facts, or none. */
struct told {
    uint8_t run;
    const char *event, *facts;
};

#define RESERVED(rho) "{\"source\":\"customers\",\"rho\":" rho ",\"delta\":1e-06}"
#define CHARGED(step, rho, spent) "{\"step\":" step ",\"rho\":" rho ",\"spent\":" spent "}"
#define SENT(round, step)                                                                                              \
    "{\"round\":" round ",\"step\":" step ",\"words\":1,\"bytes\":8,\"root\":\"00\",\"header\":\"00\"}"
#define RELEASED(spent, freed) "{\"spent\":" spent ",\"freed\":" freed "}"

/* What the node would have written, signed and chained. */
static void write_journal(const struct told *told, size_t count, struct buffer *out)
{
    struct journal_head head = {0};
    CLEANUP(buffer_done) struct buffer start = {0};
    char hex[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(member.node.bytes, SIGN_PUBLIC_BYTES), hex);
    OK(buffer_format(&start, "{\"member\":\"north\",\"key\":\"%s\",\"roster\":\"00\"}", hex));
    struct journal_entry entry = {.time = 1, .event = "started", .facts = buffer_view(&start)};
    OK(journal_add(&head, key, &entry, out));
    for (size_t i = 0; i < count; i++) {
        entry = (struct journal_entry){.time = 2, .has_run = true, .run = {{told[i].run}}};
        entry.facts = view_text(told[i].facts);
        (void)snprintf(entry.event, sizeof entry.event, "%s", told[i].event);
        OK(journal_add(&head, key, &entry, out));
    }
}

static struct result read_journal(const struct told *told, size_t count, struct journal_book *book)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    write_journal(told, count, &bytes);
    *book = (struct journal_book){.rosters = &rosters, .rosters_count = 1};
    return journal_book_read(book, buffer_view(&bytes));
}

/* 0.5 + 0.25; then the same step masked again in another round, which costs nothing. */
static const struct told whole[] = {
    {1, "reserved", RESERVED("1.0")},
    {1, "charged", CHARGED("0", "0.5", "0.5")},
    {1, "sent", SENT("1", "0")},
    {2, "reserved", RESERVED("2.0")},
    {1, "charged", CHARGED("1", "0.25", "0.75")},
    {1, "sent", SENT("2", "1")},
    {1, "sent", SENT("3", "1")},
    {1, "released", RELEASED("0.75", "0.25")},
    {2, "charged", CHARGED("0", "0.125", "0.125")},
    {2, "sent", SENT("1", "0")},
    {3, "sent", SENT("1", "0")}, /* of exact sums */
};
enum { WHOLE = sizeof whole / sizeof *whole };

static void what_adds_up_is_told_by_run_and_by_source(void **state)
{
    (void)state;
    CLEANUP(journal_book_done) struct journal_book book = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    const char *text = NULL;
    OK(read_journal(whole, WHOLE, &book));
    size_t index;
    json_t *run;
    json_array_foreach(book.runs, index, run)
    {
        OK(journal_show_run(run, &out));
    }
    OK(journal_budget_show(book.runs, &out));
    OK(buffer_terminate(&out, &text));
    static const char *const said[] = {
        "  privacy    rho 0.75 spent (epsilon ",
        " at delta 1e-06) in 2 steps, of rho 1 reserved; the rest is free again\n",
        "  privacy    rho 0.125 spent (epsilon ",
        " in 1 steps, of rho 2 reserved\n",
        "budget       source customers: all runs together spent rho 0.875, open ones hold rho 1.875 more\n",
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(text, said[i])) fail_msg("not \"%s\" in:\n%s", said[i], text);
    CLEANUP(buffer_done) struct buffer table = {0};
    OK(buffer_append(&table, buffer_view(&book.table)));
    OK(buffer_terminate(&table, &text));
    assert_non_null(strstr(text, "charged   step 2: rho 0.25 of the privacy budget, 0.75 of it in all\n"));
    assert_non_null(strstr(text, "released  rho 0.25 of the privacy budget was not spent and is free again\n"));
}

/* The whole journal with one of its entries another. */
static void what_does_not_add_up_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        struct told told;
        const char *part;
    } cases[] = {
        {0, {1, "reserved", RESERVED("0.7")}, "rho 0.75 is more than the run reserved"},
        {0, {1, "reserved", RESERVED("0.0")}, "no plan reserves rho 0"},
        {0, {1, "reserved", RESERVED("1e300")}, "no plan reserves"},
        {0, {1, "reserved", RESERVED("1")}, "\"reserved\" without \"rho\""},
        {0, {1, "reserved", "{\"source\":\"customers\",\"rho\":1.0,\"delta\":1.0}"}, "no plan reserves"},
        {0, {3, "seen", "{}"}, "\"seen\" without"},
        {0, {3, "reserved", RESERVED("1.0")}, "line 3: a step is charged and the run holds no privacy budget"},
        {1, {1, "charged", CHARGED("0", "0.5", "0.4")}, "do not add up to rho 0.4"},
        {1, {1, "charged", CHARGED("0", "-0.5", "0.5")}, "\"charged\" without \"rho\""},
        {1, {1, "charged", CHARGED("0", "1e308", "0.5")}, "do not add up"},
        {1, {1, "charged", CHARGED("1", "0.5", "0.5")}, "the input of step 0 left, and the privacy budget was not"},
        {3, {1, "reserved", RESERVED("1.0")}, "the run reserved its privacy budget before"},
        {4, {1, "charged", CHARGED("0", "0.25", "0.75")}, "\"charged\" of step 0, after that of step 0"},
        {4, {1, "released", RELEASED("0.5", "0.5")}, "the input of step 1 left"},
        {6, {1, "sent", SENT("3", "2")}, "the input of step 2 left, and the privacy budget was not charged for it"},
        {7, {1, "released", RELEASED("0.5", "0.25")}, "what is freed of the privacy budget is not what the run left"},
        {7, {1, "released", RELEASED("0.75", "0.5")}, "what is freed of the privacy budget is not what the run left"},
        {7, {3, "released", RELEASED("0.0", "0.0")}, "the run holds no privacy budget to free"},
        {10, {1, "released", RELEASED("0.75", "0.25")}, "the run holds no privacy budget to free"},
        {10, {1, "sent", SENT("4", "1")}, "the input of step 1 left"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(journal_book_done) struct journal_book book = {0};
        struct told changed[WHOLE];
        memcpy(changed, whole, sizeof changed);
        changed[cases[i].at] = cases[i].told;
        assert_int_equal(read_journal(changed, WHOLE, &book).category, CATEGORY_FALSE);
        if (!strstr(result_reason(), cases[i].part))
            fail_msg("%zu: \"%s\" does not say \"%s\"", i, result_reason(), cases[i].part);
    }
}

/* Other entries may have facts of any name. */
static void what_only_looks_like_a_reservation_is_none(void **state)
{
    (void)state;
    static const struct told told[] = {
        {1, "later", "{\"reserved\":{\"rho\":1e308,\"delta\":2.0},\"released\":3}"},
        {2, "later", "{\"reserved\":\"all\"}"},
    };
    CLEANUP(journal_book_done) struct journal_book book = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    OK(read_journal(told, 2, &book));
    OK(journal_budget_show(book.runs, &out));
    for (size_t i = 0; i < 2; i++) OK(journal_budget_show_run(json_array_get(book.runs, i), &out));
    assert_int_equal(out.length, 0);
}

/* A replay whose plan and step cost what the journal of `whole` says of its first run and step. */
static void replay_make(struct replay *replay)
{
    struct layout_field field = layout_exact("value", 1, 1, 0, 1);
    field.l2 = 1;
    field.rho = 0.5;
    *replay = (struct replay){.form = BUNDLE_FULL, .submission.plan.privacy = {.epsilon = 1, .delta = 1e-6, .rho = 1}};
    OK(layout_add(&replay->fold.layout, field));
}

static void differs(struct result result, const char *part)
{
    assert_int_equal(result.category, CATEGORY_FALSE);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

static void a_bundle_proves_what_a_run_may_cost_and_its_steps_did(void **state)
{
    (void)state;
    CLEANUP(journal_book_done) struct journal_book book = {0};
    struct replay replay;
    OK(read_journal(whole, WHOLE, &book));
    const json_t *run = json_array_get(book.runs, 0), *exact = json_array_get(book.runs, 2);
    struct plan_privacy *privacy = &replay.submission.plan.privacy;
    replay_make(&replay);
    OK(journal_budget_opened(run, &replay));
    OK(journal_budget_input(run, &replay));
    differs(journal_budget_input(exact, &replay), "which the journal did not charge to the privacy budget");
    replay.round.terms.step = 2;
    differs(journal_budget_input(run, &replay), "which the journal did not charge to the privacy budget");
    replay.round.terms.step = 1;
    differs(journal_budget_input(run, &replay), "step 1 costs rho 0.5, and the journal charged rho 0.25");
    replay.form = BUNDLE_PUBLIC;
    OK(journal_budget_input(run, &replay));
    privacy->rho = 2;
    differs(journal_budget_opened(run, &replay), "reserves another privacy budget than the plan has");
    *privacy = (struct plan_privacy){.epsilon = 1, .delta = 1e-7, .rho = 1};
    differs(journal_budget_opened(run, &replay), "reserves another privacy budget than the plan has");
    *privacy = (struct plan_privacy){0};
    differs(journal_budget_opened(run, &replay), "reserves another privacy budget than the plan has");
    OK(journal_budget_opened(exact, &replay));
    OK(journal_budget_input(exact, &replay));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_proves_what_a_run_may_cost_and_its_steps_did),
        cmocka_unit_test(what_adds_up_is_told_by_run_and_by_source),
        cmocka_unit_test(what_does_not_add_up_is_refused),
        cmocka_unit_test(what_only_looks_like_a_reservation_is_none),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, enter, leave);
}

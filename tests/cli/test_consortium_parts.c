/* The parts of a simulated consortium that need no protocol: records, network, contributions on threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/contributions.h"
#include "cli/network.h"

static void must(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void add(struct effects *effects, const char *key, const char *value, bool secret, bool erase)
{
    struct effect *effect = NULL;
    must(effects_add(effects, EFFECT_PERSIST, &effect));
    effect->secret = secret;
    effect->erase = erase;
    memcpy(effect->key, key, strlen(key) + 1);
    must(buffer_text(&effect->bytes, value));
}

static bool holds(struct records *records, bool secret, const char *key, const char *value)
{
    struct record_source source = records_source(records);
    struct buffer out = {0};
    bool found = false;
    must(source.load(source.context, secret, false, key, &out, &found));
    bool same = found && view_equal(buffer_view(&out), view_text(value));
    assert_true(found || out.length == 0);
    buffer_done(&out);
    return same;
}

static struct result collect(void *visitor, const char *key, struct view value)
{
    (void)value;
    TRY(buffer_text(visitor, key));
    return buffer_text(visitor, " ");
}

static void records_keep_their_order(void **state)
{
    (void)state;
    struct records records = {0};
    struct effects effects = {0};
    const char *const keys[] = {"round/3", "epoch/1", "round/1", "ledger", "round/2", "rounds"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) add(&effects, keys[i], keys[i], false, false);
    must(records_commit(&records, &effects, RECORDS_ALL));
    struct record_source source = records_source(&records);
    struct buffer seen = {0};
    must(source.each(source.context, false, false, "round/", collect, &seen));
    assert_true(view_equal(buffer_view(&seen), view_text("round/1 round/2 round/3 ")));
    buffer_clear(&seen);
    must(source.each(source.context, true, false, "", collect, &seen));
    assert_int_equal(seen.length, 0);
    must(source.each(source.context, false, true, "", collect, &seen));
    assert_int_equal(seen.length, 0);
    buffer_done(&seen);
    effects_clear(&effects);
    add(&effects, "round/2", "", false, true);
    add(&effects, "epoch/1", "replaced", false, false);
    must(records_commit(&records, &effects, RECORDS_ALL));
    assert_false(holds(&records, false, "round/2", "round/2"));
    assert_true(holds(&records, false, "epoch/1", "replaced"));
    effects_clear(&effects);
    records_done(&records);
}

/* A batch that puts a secret, decides, and erases an older secret, cut off at every stage. */
static void a_batch_is_cut_between_its_stages(void **state)
{
    (void)state;
    for (enum records_stage stage = RECORDS_NONE; stage <= RECORDS_ALL; stage++) {
        struct records records = {0};
        struct effects effects = {0};
        add(&effects, "old", "spent", true, false);
        must(records_commit(&records, &effects, RECORDS_ALL));
        effects_clear(&effects);
        add(&effects, "old", "", true, true);
        add(&effects, "vote", "U", false, false);
        add(&effects, "new", "fresh", true, false);
        must(records_commit(&records, &effects, stage));
        assert_int_equal(holds(&records, true, "new", "fresh"), stage >= RECORDS_SECRET_PUTS);
        assert_int_equal(holds(&records, false, "vote", "U"), stage >= RECORDS_DECISIONS);
        assert_int_equal(holds(&records, true, "old", "spent"), stage < RECORDS_ALL);
        effects_clear(&effects);
        records_done(&records);
    }
}

static struct random_source *source_of(uint8_t first)
{
    struct secret *seed = NULL;
    struct random_source *source = NULL;
    must(secret_new(RANDOM_SEED_BYTES, &seed));
    secret_bytes(seed)[0] = first;
    must(random_source_new(seed, &source));
    secret_free(seed);
    return source;
}

static void deliveries_come_in_time_then_in_order(void **state)
{
    (void)state;
    struct network network = {0};
    struct random_source *random = source_of(1);
    for (uint64_t i = 0; i < 500; i++) must(network_after(&network, random_below(random, 20), DELIVERY_REQUEST, 1, i));
    uint64_t at = 0, order = 0, count = 0;
    for (struct delivery delivery; network_next(&network, &delivery); count++) {
        assert_true(delivery.at > at || (delivery.at == at && (count == 0 || delivery.order > order)));
        assert_int_equal(network.now, delivery.at);
        at = delivery.at;
        order = delivery.order;
        delivery_done(&delivery);
    }
    assert_int_equal(count, 500);
    assert_null(network_peek(&network));
    network_done(&network);
    random_source_free(random);
}

static void without_faults_nothing_is_lost(void **state)
{
    (void)state;
    struct network network = {0};
    for (uint64_t i = 0; i < 100; i++) must(network_send(&network, DELIVERY_REPLY, 1, i, view_text("reply")));
    for (uint64_t i = 0; i < 100; i++) {
        struct delivery delivery;
        assert_true(network_next(&network, &delivery));
        assert_int_equal(delivery.serial, i);
        assert_int_equal(delivery.at, 0);
        delivery_done(&delivery);
    }
    for (int kind = 0; kind < FAULT_KINDS; kind++) assert_false(network_fault(&network, (enum fault_kind)kind));
    network_done(&network);
}

/* The deliveries of a faulty network, as text. */
static void faulty(uint8_t seed, struct buffer *out)
{
    struct network network = {.members = 5, .faults = faults_from(source_of(seed), 5)};
    network.faults.rate[FAULT_CUT] = 0; /* else it is not known how many are lost */
    for (uint64_t i = 0; i < 300; i++) {
        must(network_send(&network, DELIVERY_REQUEST, 1, i, view_text("x")));
        if (network_crash(&network, FAULT_CRASH)) must(buffer_text(out, "crash "));
    }
    const uint64_t *happened = network.faults.count;
    assert_true(happened[FAULT_CRASH] <= 18);
    assert_int_equal(network.count, 300 + happened[FAULT_TWICE] - happened[FAULT_LOST]);
    for (struct delivery delivery; network_next(&network, &delivery);) {
        must(buffer_format(out, "%u@%u ", (unsigned)delivery.serial, (unsigned)delivery.at));
        delivery_done(&delivery);
    }
    network_done(&network);
}

static void a_seed_decides_every_fault(void **state)
{
    (void)state;
    struct buffer first = {0}, again = {0}, other = {0};
    faulty(7, &first);
    faulty(7, &again);
    faulty(8, &other);
    assert_true(view_equal(buffer_view(&first), buffer_view(&again)));
    assert_false(view_equal(buffer_view(&first), buffer_view(&other)));
    buffer_done(&first);
    buffer_done(&again);
    buffer_done(&other);
}

/* A task that counts rows, and fails for a table without any. */
static struct result count_rows(const struct plan *plan, struct view state, const struct table *table, unsigned threads,
                                uint64_t *words)
{
    (void)plan, (void)state;
    assert_true(threads >= 1);
    ENSURE(table->rows > 0, CATEGORY_USAGE, "no rows at all");
    words[0] = table->rows;
    return RESULT_OK;
}

static void contributions_do_not_depend_on_threads(void **state)
{
    (void)state;
    const struct task task = {.name = "count", .contribute = count_rows};
    const struct plan plan = {.rows = 1000};
    const struct fold fold = {.plan = &plan, .task = &task, .words = 1};
    struct table tables[9];
    for (unsigned threads = 1; threads <= 20; threads++) {
        struct contribution due[9];
        for (size_t i = 0; i < 9; i++) {
            tables[i] = (struct table){.rows = i + 1};
            due[i] = (struct contribution){&fold, &tables[i], "a bank", NULL};
        }
        must(contributions_compute(due, 9, threads));
        for (size_t i = 0; i < 9; i++) assert_int_equal(due[i].words[0], i + 1);
        contributions_done(due, 9);
        tables[4].rows = tables[6].rows = 0;
        due[4].bank = "the fifth bank";
        assert_int_equal(contributions_compute(due, 9, threads).category, CATEGORY_USAGE);
        assert_string_equal(result_reason(), "the fifth bank: no rows at all");
        contributions_done(due, 9);
    }
}

int main(void)
{
    if (!result_ok(crypto_start())) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_keep_their_order),
        cmocka_unit_test(a_batch_is_cut_between_its_stages),
        cmocka_unit_test(deliveries_come_in_time_then_in_order),
        cmocka_unit_test(without_faults_nothing_is_lost),
        cmocka_unit_test(a_seed_decides_every_fault),
        cmocka_unit_test(contributions_do_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/limits.h"
#include "proto/run/fold.h"
#include "proto/run/split.h"

/* A toy analysis: the state is a number of rounds left and a running value; each sum moves the value. */
static struct result toy_check(const struct plan *plan)
{
    (void)plan;
    return RESULT_OK;
}

static struct result toy_put(struct buffer *out, uint64_t left, double value)
{
    TRY(buffer_u64(out, left));
    return task_f64(out, value, "the toy value");
}

static struct result toy_start(const struct plan *plan, struct buffer *out)
{
    return toy_put(out, plan->rounds, 0);
}

static struct result toy_take(struct view state, uint64_t *ret_left, double *ret_value)
{
    struct reader reader = reader_of(state, "the toy state");
    TRY(reader_u64(&reader, ret_left));
    TRY(reader_f64(&reader, ret_value));
    return reader_end(&reader);
}

static bool toy_finished(const struct plan *plan, struct view state)
{
    (void)plan;
    uint64_t left = 1;
    double value;
    return result_ok(toy_take(state, &left, &value)) && left == 0;
}

static struct result toy_layout(const struct plan *plan, struct view state, struct layout *ret)
{
    uint64_t left;
    double value;
    TRY(toy_take(state, &left, &value));
    struct layout layout = {0};
    TRY(layout_add(&layout, layout_exact("count", 1, 1, 0, 1)));
    struct layout_field wide = {.name = "wide", .length = 2, .words = 2};
    TRY(layout_fraction_bits(wide.name, 1000, plan->rows, 2, 20, 50, &wide.fraction_bits));
    wide.bound = layout_bound(1000, wide.fraction_bits);
    TRY(layout_add(&layout, wide));
    *ret = layout;
    return RESULT_OK;
}

static struct result toy_contribute(const struct plan *plan, struct view state, const struct table *table,
                                    unsigned threads, uint64_t *words)
{
    (void)table;
    (void)threads;
    struct layout layout;
    TRY(toy_layout(plan, state, &layout));
    words[0] = 3;
    layout_put(&layout.fields[1], -((__int128)5 << layout.fields[1].fraction_bits), words + 1);
    layout_put(&layout.fields[1], (__int128)7 << layout.fields[1].fraction_bits, words + 3);
    return RESULT_OK;
}

static struct result toy_advance(const struct plan *plan, struct view state, const uint64_t *words, struct buffer *out)
{
    struct layout layout;
    uint64_t left;
    double value;
    TRY(toy_layout(plan, state, &layout));
    TRY(toy_take(state, &left, &value));
    ENSURE(words[0] % 3 == 0, CATEGORY_FALSE, "the count cannot be a true one");
    double low = layout_real(&layout.fields[1], words + 1), high = layout_real(&layout.fields[1], words + 3);
    return toy_put(out, left - 1, words[0] == 0 ? (low + high) / (double)words[0] : value + low + high);
}

static struct result toy_result(const struct plan *plan, struct view state, uint64_t rounds, unsigned banks,
                                struct buffer *out)
{
    (void)plan;
    uint64_t left;
    double value;
    TRY(toy_take(state, &left, &value));
    return buffer_format(out, "%.0f after %u rounds by %u banks", value, (unsigned)rounds, banks);
}

static struct result toy_say(const struct plan *plan, struct view state, struct buffer *out)
{
    (void)plan;
    (void)state;
    return buffer_text(out, "toy");
}

static const struct task toy = {
    .name = "toy",
    .check = toy_check,
    .start = toy_start,
    .finished = toy_finished,
    .layout = toy_layout,
    .contribute = toy_contribute,
    .advance = toy_advance,
    .result = toy_result,
    .progress = toy_say,
};
static const struct plan plan = {.rounds = 2, .rows = 1000000, .hash = {{1, 2, 3}}};

static void add_contributions(const struct fold *fold, unsigned banks, uint64_t *sum)
{
    uint64_t words[5];
    assert_int_equal(fold->words, 5);
    memset(sum, 0, sizeof words);
    for (unsigned bank = 0; bank < banks; bank++) {
        assert_true(result_ok(fold_contribute(fold, NULL, 1, words, 5)));
        for (size_t i = 0; i < 5; i++) sum[i] += words[i];
    }
}

static void a_fold_runs_to_its_result(void **state)
{
    (void)state;
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    assert_true(result_ok(fold_start(&plan, &toy, &fold)));
    for (unsigned round = 0; round < 2; round++) {
        assert_false(fold.finished);
        assert_int_equal(fold.step, round);
        uint64_t sum[5];
        add_contributions(&fold, 3, sum);
        assert_int_equal(fold_result(&fold, 3, &out).category, CATEGORY_BUG);
        assert_int_equal(fold_advance(&fold, sum, 4).category, CATEGORY_BUG);
        assert_true(result_ok(fold_advance(&fold, sum, 5)));
    }
    assert_true(fold.finished);
    assert_true(result_ok(fold_result(&fold, 3, &out)));
    assert_true(view_equal(buffer_view(&out), view_text("12 after 2 rounds by 3 banks")));
}

static void a_state_goes_through_bytes(void **state)
{
    (void)state;
    CLEANUP(fold_done) struct fold fold = {0}, back = {0};
    assert_true(result_ok(fold_start(&plan, &toy, &fold)));
    uint64_t sum[5];
    add_contributions(&fold, 3, sum);
    assert_true(result_ok(fold_advance(&fold, sum, 5)));
    assert_true(result_ok(fold_load(&plan, &toy, buffer_view(&fold.state), &back)));
    assert_int_equal(back.step, 1);
    assert_true(hash_equal(&back.state_hash, &fold.state_hash));
    assert_true(hash_equal(&back.layout_hash, &fold.layout_hash));
    struct plan other = plan;
    other.hash.bytes[0]++;
    CLEANUP(fold_done) struct fold refused = {0};
    assert_int_equal(fold_load(&other, &toy, buffer_view(&fold.state), &refused).category, CATEGORY_FALSE);
    for (size_t length = 0; length < fold.state.length; length++)
        assert_int_equal(fold_load(&plan, &toy, view_of(fold.state.data, length), &refused).category, CATEGORY_FALSE);
}

static void a_failed_advance_changes_nothing(void **state)
{
    (void)state;
    CLEANUP(fold_done) struct fold fold = {0};
    assert_true(result_ok(fold_start(&plan, &toy, &fold)));
    struct hash before = fold.state_hash;
    static const uint64_t impossible[5] = {1}, infinite[5] = {0, 0, 0, 1, 0};
    assert_int_equal(fold_advance(&fold, impossible, 5).category, CATEGORY_FALSE);
    assert_int_equal(fold_advance(&fold, infinite, 5).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "the toy value is not a finite number; the run cannot go on");
    assert_int_equal(fold.step, 0);
    assert_true(hash_equal(&before, &fold.state_hash));
}

static void two_words_carry_what_one_cannot(void **state)
{
    (void)state;
    const struct layout_field field = {.name = "wide", .length = 1, .bound = 1, .fraction_bits = 20, .words = 2};
    const __int128 big = ((__int128)1 << 90) + 12345;
    const __int128 values[] = {0, 1, -1, big, -big, ((__int128)1 << 48) - 1, -((__int128)1 << 48)};
    const size_t count = sizeof values / sizeof *values;
    uint64_t sum[2] = {0};
    __int128 expected = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t words[2];
        layout_put(&field, values[i], words);
        assert_true(layout_get(&field, words) == values[i]);
        for (unsigned bank = 0; bank < MEMBERS_MAX / count; bank++) {
            sum[0] += words[0];
            sum[1] += words[1];
            expected += values[i];
        }
    }
    assert_true(layout_get(&field, sum) == expected);
    const struct layout_field narrow = {.name = "narrow", .length = 1, .bound = 1, .fraction_bits = 3, .words = 1};
    uint64_t word;
    layout_put(&narrow, -20, &word);
    assert_true(layout_real(&narrow, &word) == -2.5);
}

static void overflow_is_refused_by_name(void **state)
{
    (void)state;
    struct layout layout = {0};
    uint64_t most = (UINT64_MAX >> 1) / MEMBERS_MAX / 1000000;
    assert_true(result_ok(layout_add(&layout, layout_exact("fits", 1, most, 0, 1))));
    assert_true(result_ok(layout_prove(&layout, 1000000)));
    assert_true(result_ok(layout_add(&layout, layout_exact("bursts", 1, most + 1, 0, 1))));
    assert_int_equal(layout_prove(&layout, 1000000).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "\"bursts\""));
    assert_int_equal(layout_add(&layout, layout_exact("long", SUM_WORDS_MAX, 1, 0, 1)).category, CATEGORY_USAGE);
    uint8_t bits;
    assert_true(result_ok(layout_fraction_bits("one", 1.0, 1000000, 1, 10, 50, &bits)));
    assert_true((uint64_t)1 << bits <= most && (uint64_t)1 << (bits + 1) > most);
    assert_int_equal(layout_fraction_bits("one", 1e9, 1000000, 1, 10, 50, &bits).category, CATEGORY_USAGE);
    assert_int_equal(layout_fraction_bits("one", NAN, 1000000, 2, 10, 50, &bits).category, CATEGORY_USAGE);
}

static void layouts_that_differ_hash_differently(void **state)
{
    (void)state;
    struct layout a = {0}, b = {0};
    assert_true(result_ok(layout_add(&a, layout_exact("x", 3, 8, 2, 1))));
    assert_true(result_ok(layout_add(&b, layout_exact("x", 3, 8, 3, 1))));
    struct hash hash_a, hash_b;
    assert_true(result_ok(layout_hash(&a, &hash_a)));
    assert_true(result_ok(layout_hash(&b, &hash_b)));
    assert_false(hash_equal(&hash_a, &hash_b));
}

static void the_split_takes_its_fraction(void **state)
{
    (void)state;
    unsigned held = 0, differs = 0;
    for (unsigned i = 0; i < 4000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "c%u", i);
        bool a, b, again;
        assert_true(result_ok(split_holds_out("2026q4", 0.2, view_text(id), &a)));
        assert_true(result_ok(split_holds_out("2026q4", 0.2, view_text(id), &again)));
        assert_true(result_ok(split_holds_out("other", 0.2, view_text(id), &b)));
        assert_int_equal(a, again);
        held += a;
        differs += a != b;
    }
    assert_in_range(held, 700, 900); /* 800 expected, standard deviation 25 */
    assert_in_range(differs, 1100, 1460);
    bool ignored;
    assert_int_equal(split_holds_out("s", 1.0, view_text("x"), &ignored).category, CATEGORY_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fold_runs_to_its_result),        cmocka_unit_test(a_state_goes_through_bytes),
        cmocka_unit_test(a_failed_advance_changes_nothing), cmocka_unit_test(two_words_carry_what_one_cannot),
        cmocka_unit_test(overflow_is_refused_by_name),      cmocka_unit_test(layouts_that_differ_hash_differently),
        cmocka_unit_test(the_split_takes_its_fraction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Plans: what each key means, and what each wrong one is answered with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/run/plan.h"

/* Line numbers in the tests below count in this text. */
static const char *const contract[] = {
    /* 1 */ "cofferdam: 1",
    /* 2 */ "name: credit-default",
    /* 3 */ "purpose: credit-risk            # checked against each bank's policy",
    /* 4 */ "task: logistic",
    /* 5 */ "target: {column: default, positive: \"1\"}",
    /* 6 */ "id: customer_id",
    /* 7 */ "split: {fraction: 0.2, seed: 2026q4}",
    /* 8 */ "features:",
    /* 9 */ "  - {name: limit, kind: number, min: 0, max: 1000000, missing: median, outside: refuse, resolution: 1}",
    /* 10 */ "  - {name: sex, kind: category, levels: [\"1\", \"2\"], baseline: \"1\", missing: level, other: level}",
    /* 11 */ "  - name: rate",
    /* 12 */ "    kind: number",
    /* 13 */ "    min: -0.5",
    /* 14 */ "    max: 1.5",
    /* 15 */ "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}",
    /* 16 */ "cohort: {minimum: 5, on_dropout: wait, rows: 10000000}",
};
enum { LINES = sizeof contract / sizeof *contract };

/* The contract's plan with line `line` replaced (0: none; NULL: left out). */
static void text_with(unsigned line, const char *replacement, struct buffer *out)
{
    buffer_clear(out);
    for (unsigned i = 0; i < LINES; i++) {
        const char *text = i + 1 == line ? replacement : contract[i];
        if (!text) continue;
        assert_true(result_ok(buffer_text(out, text)));
        assert_true(result_ok(buffer_text(out, "\n")));
    }
}

static void must_parse(struct view text, struct plan *ret)
{
    struct result result = plan_parse(text, "plan.yaml", ret);
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void parse_with(unsigned line, const char *replacement, struct plan *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    text_with(line, replacement, &text);
    must_parse(buffer_view(&text), ret);
}

static void the_contract_is_read(void **state)
{
    (void)state;
    CLEANUP(plan_done) struct plan plan = {0};
    parse_with(0, NULL, &plan);
    assert_string_equal(plan.name, "credit-default");
    assert_string_equal(plan.purpose, "credit-risk");
    assert_string_equal(plan.task, "logistic");
    assert_string_equal(plan.target, "default");
    assert_string_equal(plan.positive, "1");
    assert_int_equal(plan.negative_count, 0);
    assert_string_equal(plan.id, "customer_id");
    assert_int_equal(plan.split, SPLIT_HASH);
    assert_true(plan.split_fraction == 0.2);
    assert_string_equal(plan.split_seed, "2026q4");
    assert_int_equal(plan.features_count, 3);
    const struct plan_feature *limit = &plan.features[0], *sex = &plan.features[1], *rate = &plan.features[2];
    assert_int_equal(limit->kind, PLAN_NUMBER);
    assert_true(limit->minimum == 0 && limit->maximum == 1e6 && limit->resolution == 1);
    assert_int_equal(limit->missing, MISSING_MEDIAN);
    assert_int_equal(limit->outside, OUTSIDE_REFUSE);
    assert_int_equal(sex->kind, PLAN_CATEGORY);
    assert_int_equal(sex->levels_count, 2);
    assert_true(sex->level_missing && sex->level_other);
    assert_int_equal(plan_feature_levels(sex), 4);
    assert_string_equal(plan_feature_level(sex, 1), "2");
    assert_string_equal(plan_feature_level(sex, 2), "missing");
    assert_string_equal(plan_feature_level(sex, 3), "other");
    assert_int_equal(sex->baseline, 0);
    assert_true(rate->minimum == -0.5 && rate->maximum == 1.5);
    assert_int_equal(rate->missing, MISSING_REFUSE);
    assert_true(rate->resolution == 2.0 / 1048576);
    assert_true(plan.penalty == 0 && plan.tolerance == 1e-8);
    assert_int_equal(plan.rounds, 25);
    assert_int_equal(plan.cohort_minimum, 5);
    assert_int_equal(plan.rows, 10000000);
    assert_int_equal(plan.deadline_hours, 168);
}

static void defaults(void **state)
{
    (void)state;
    static const char text[] =
        "cofferdam: 1\nname: a\ntask: logistic\nfeatures: [{name: x, kind: number, min: 0, max: 1}, "
        "{name: c, kind: category, levels: [a, b]}]";
    CLEANUP(plan_done) struct plan plan = {0};
    must_parse(view_text(text), &plan);
    assert_string_equal(plan.target, "");
    assert_string_equal(plan.id, "");
    assert_string_equal(plan.purpose, "");
    assert_int_equal(plan.split, SPLIT_NONE);
    assert_true(plan.penalty == 0 && plan.tolerance == 1e-8);
    assert_int_equal(plan.rounds, 25);
    assert_int_equal(plan.cohort_minimum, COHORT_DEFAULT);
    assert_int_equal(plan.rows, ROWS_DEFAULT);
    assert_int_equal(plan.deadline_hours, 168);
    assert_int_equal(plan.on_dropout, DROPOUT_WAIT);
    assert_int_equal(plan.features[1].missing, MISSING_REFUSE);
    assert_false(plan.features[1].level_other);
    assert_int_equal(plan.features[1].baseline, 0);
}

static void other_ways_to_say_it(void **state)
{
    (void)state;
    CLEANUP(plan_done) struct plan plan = {0};
    parse_with(9, "  - {name: limit, kind: number, min: 0, max: 10, missing: 2.5, outside: clamp}", &plan);
    assert_int_equal(plan.features[0].missing, MISSING_VALUE);
    assert_true(plan.features[0].fill == 2.5);
    assert_int_equal(plan.features[0].outside, OUTSIDE_CLAMP);
    plan_done(&plan);
    parse_with(9, "  - {name: limit, kind: number, min: 0, max: 10, missing: mean, outside: missing}", &plan);
    assert_int_equal(plan.features[0].missing, MISSING_MEAN);
    assert_int_equal(plan.features[0].outside, OUTSIDE_MISSING);
    plan_done(&plan);
    parse_with(10, "  - {name: sex, kind: category, levels: [a], baseline: other, other: level}", &plan);
    assert_int_equal(plan.features[1].baseline, 1);
    plan_done(&plan);
    parse_with(10, "  - {name: sex, kind: category, levels: [a], baseline: missing, missing: level, other: level}",
               &plan);
    assert_int_equal(plan.features[1].baseline, 1);
    plan_done(&plan);
    parse_with(10, "  - {name: sex, kind: category, levels: [a, missing], baseline: missing}", &plan);
    assert_int_equal(plan.features[1].baseline, 1); /* a declared level of that name, where there is no own one */
    plan_done(&plan);
    parse_with(7, "split: {column: fold, holdout: [\"0\", \"9\"]}", &plan);
    assert_int_equal(plan.split, SPLIT_COLUMN);
    assert_string_equal(plan.split_column, "fold");
    assert_int_equal(plan.split_holdout_count, 2);
    assert_string_equal(plan.split_holdout[1], "9");
    plan_done(&plan);
    parse_with(16, "cohort: {minimum: 3, rows: 1, deadline: 12h}", &plan);
    assert_int_equal(plan.cohort_minimum, 3);
    assert_int_equal(plan.rows, 1);
    assert_int_equal(plan.deadline_hours, 12);
    plan_done(&plan);
    parse_with(16, "cohort: {deadline: 3d}", &plan);
    assert_int_equal(plan.deadline_hours, 72);
}

static void the_hash_is_of_the_text(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer text = {0};
    CLEANUP(plan_done) struct plan with = {0}, without = {0}, other = {0};
    text_with(0, NULL, &text);
    must_parse(buffer_view(&text), &with);
    must_parse(view_of(text.data, text.length - 1), &without); /* its last newline left off */
    assert_true(hash_equal(&with.hash, &without.hash));
    struct hash expected;
    assert_true(result_ok(hash_bytes("plan", buffer_view(&text), &expected)));
    assert_true(hash_equal(&with.hash, &expected));
    parse_with(4, "task:  logistic", &other);
    assert_false(hash_equal(&with.hash, &other.hash));
    assert_int_equal(plan_line(&with, "features.2.max"), 14);
    assert_int_equal(plan_line(&with, "train.rounds"), 15);
    assert_int_equal(plan_line(&with, "features.1.outside"), 10);
}

struct wrong {
    unsigned line;
    const char *replacement;
    const char *reason; /* the whole of it */
};

static void expect(const struct wrong *cases, size_t count)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    for (size_t i = 0; i < count; i++) {
        text_with(cases[i].line, cases[i].replacement, &text);
        CLEANUP(plan_done) struct plan plan = {0};
        struct result result = plan_parse(buffer_view(&text), "plan.yaml", &plan);
        if (result.category != CATEGORY_USAGE) fail_msg("taken, or another category: %s", cases[i].reason);
        assert_string_equal(result_reason(), cases[i].reason);
    }
}
#define EXPECT(cases) expect(cases, sizeof(cases) / sizeof *(cases))

static void wrong_documents(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {1, "cofferdam: 2",
         "plan.yaml:1: key \"cofferdam\": \"2\" is another version of plans; this program reads "
         "version 1"},
        {4, NULL, "plan.yaml:1: key \"task\" is missing; add it"},
        {4, "tsak: logistic", "plan.yaml:4: key \"tsak\" is not known here; see docs/plan.md for the keys"},
        {4, "task: [logistic]", "plan.yaml:4: key \"task\": must be a single value"},
        {4, "task: ", "plan.yaml:4: key \"task\": must not be empty"},
        {4, "task: a\ntask: b", "plan.yaml:5: key \"task\" stands here twice; keep one"},
        {4, "task: &a logistic", "plan.yaml:4: anchors (&name) are not taken; write the value out"},
        {4, "task: *a", "plan.yaml:4: aliases (*name) are not taken; write the value out"},
        {4, "task: !!str logistic", "plan.yaml:4: tags (!name) are not taken; leave it out"},
        {4, "task:\tlogistic", "plan.yaml:4: a control character (byte 0x09); use spaces and plain line ends"},
        {4, "task: logistic\r",
         "plan.yaml:4: a line end of another system (CR LF); save it with plain ones, or run: sed -i 's/\\r$//' FILE"},
        {4, "task: \xff", "plan.yaml: not UTF-8 text; save it as UTF-8"},
        {4, "task: \"a", "plan.yaml:5: not well-formed YAML: did not find expected key"},
        {4, "task: logistic\n---\ncofferdam: 1", "plan.yaml:5: a second document begins here; a file holds one"},
        {5, "target: default", "plan.yaml:5: key \"target\": must hold keys of its own, {key: value}"},
        {5, "target: {positive: \"1\"}", "plan.yaml:5: key \"column\" is missing; add it"},
        {5, "target: {column: d, negative: [\"0\"]}",
         "plan.yaml:5: key \"target.negative\": needs the other value beside it: positive"},
        {5, "target: {column: d, positive: \"1\", negative: [\"0\", \"1\"]}",
         "plan.yaml:5: key \"target.negative\": \"1\" is the positive value; a row is one or the other"},
        {5, "target: {column: d, positive: \"1\", negative: [\"0\", \"0\"]}",
         "plan.yaml:5: key \"target.negative\": \"0\" stands there twice; keep one"},
        {5, "target: {column: FILL_IN}",
         "plan.yaml:5: key \"target.column\": is still to be filled in; decide and write it"},
        {3, "purpose: FILL_IN", "plan.yaml:3: key \"purpose\": is still to be filled in; decide and write it"},
        {2, "name: \" a\"",
         "plan.yaml:2: key \"name\": begins or ends with a blank, which is easily overlooked; "
         "remove it"},
        {2, "name: \"a\\tb\"", "plan.yaml:2: key \"name\": holds a control character; remove it"},
        {2, "name: \"a\\0b\"", "plan.yaml:2: a key or a value holds a NUL byte"},
        {2, "\"na\\0me\": a", "plan.yaml:2: a key or a value holds a NUL byte"},
        {2, "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "plan.yaml:2: key \"name\": has 65 bytes; at most 64 are taken"},
    };
    EXPECT(cases);
    CLEANUP(plan_done) struct plan plan = {0};
    assert_int_equal(plan_parse(view_text("cofferdam: 1\nname: a\ntask: b\nfeatures: []\n"), "p", &plan).category,
                     CATEGORY_USAGE);
    assert_string_equal(result_reason(), "p:4: key \"features\": the list has too few entries");
    assert_int_equal(plan_parse(view_text(""), "p", &plan).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "p:1: the file is empty");
    assert_int_equal(plan_parse(view_text("- a\n- b\n"), "p", &plan).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(),
                        "p:1: this is another kind of file; it must hold keys and values, see docs/plan.md");
    assert_int_equal(plan_parse(view_text("a: [[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]\n"), "p", &plan).category,
                     CATEGORY_USAGE);
    assert_string_equal(result_reason(), "p:1: nested deeper than 8 levels");
    CLEANUP(buffer_done) struct buffer text = {0};
    for (unsigned key = 0; key <= 64; key++) assert_true(result_ok(buffer_format(&text, "key%u: 1\n", key)));
    assert_int_equal(plan_parse(buffer_view(&text), "p", &plan).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "p:65: more than 64 keys in one mapping");
    char level[LEVEL_MAX_BYTES + 2] = {0}, line[LEVEL_MAX_BYTES + 128];
    memset(level, 'v', LEVEL_MAX_BYTES + 1);
    (void)snprintf(line, sizeof line, "  - {name: sex, kind: category, levels: [a, %s]}", level);
    text_with(10, line, &text);
    assert_int_equal(plan_parse(buffer_view(&text), "p", &plan).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "p:10: key \"levels\": longer than allowed: vvvv"));
}

static void wrong_privacy(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {16, "privacy: {epsilon: 4}",
         "plan.yaml:16: key \"privacy\": needs its delta; write privacy: {epsilon: 4, delta: 1.0e-6}"},
        {16, "privacy: {delta: 1.0e-6}",
         "plan.yaml:16: key \"privacy\": needs its epsilon; write privacy: {epsilon: 4, delta: 1.0e-6}"},
        {16, "privacy: {epsilon: 0, delta: 1.0e-6}",
         "plan.yaml:16: key \"privacy.epsilon\": 0 is not above 0 and at most 100"},
        {16, "privacy: {epsilon: -1, delta: 1.0e-6}",
         "plan.yaml:16: key \"privacy.epsilon\": -1 is not above 0 and at most 100"},
        {16, "privacy: {epsilon: 101, delta: 1.0e-6}",
         "plan.yaml:16: key \"privacy.epsilon\": 101 is not above 0 and at most 100"},
        {16, "privacy: {epsilon: 4, delta: 0}",
         "plan.yaml:16: key \"privacy.delta\": 0 is not above 0 and at most 0.001"},
        {16, "privacy: {epsilon: 4, delta: 1}",
         "plan.yaml:16: key \"privacy.delta\": 1 is not above 0 and at most 0.001"},
        {16, "privacy: {epsilon: 1.0e-300, delta: 1.0e-300}",
         "plan.yaml:16: key \"privacy.epsilon\": 1.0e-300 with a delta of 1.0e-300 leaves nothing to spend"},
        {16, "privacy: {epsilon: 4, delta: 1.0e-6, unit: row}",
         "plan.yaml:16: key \"privacy.unit\": \"row\" is not known; what is protected is a customer"},
        {16, "privacy: {epsilon: 4, delta: 1.0e-6, split: {fit: 0}}",
         "plan.yaml:16: key \"privacy.split.fit\": 0 is not a weight from 0.001 to 1000"},
        {16, "privacy: {epsilon: 4, delta: 1.0e-6, split: {fitting: 1}}",
         "plan.yaml:16: key \"fitting\" is not known here; see docs/plan.md for the keys"},
    };
    EXPECT(cases);
}

static void wrong_numbers(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {14, "    max: nan", "plan.yaml:14: feature \"rate\", key \"max\": \"nan\" is not a finite decimal number"},
        {14, "    max: 1e999", "plan.yaml:14: feature \"rate\", key \"max\": \"1e999\" is not a finite decimal number"},
        {14, "    max: 1.5abc",
         "plan.yaml:14: feature \"rate\", key \"max\": \"1.5abc\" is not a finite decimal number"},
        {14, NULL, "plan.yaml:11: feature \"rate\", key \"max\": is missing; a number needs min and max"},
        {14, "    max: -0.5", "plan.yaml:13: feature \"rate\", key \"min\": -0.5 is not below max, -0.5"},
        {14, "    max: -1", "plan.yaml:13: feature \"rate\", key \"min\": -0.5 is not below max, -1"},
        {14, "    max: 1.5\n    max: 1.6", "plan.yaml:15: key \"max\" stands here twice; keep one"},
        {14, "    max: 1.5\n    resolution: 0", "plan.yaml:15: feature \"rate\", key \"resolution\": must be above 0"},
        {14, "    max: 1.5\n    resolution: -1", "plan.yaml:15: feature \"rate\", key \"resolution\": must be above 0"},
        {14, "    max: 1.5\n    resolution: 1.0e-13",
         "plan.yaml:15: feature \"rate\", key \"resolution\": max minus min holds more than 2^40 steps of it; make it "
         "coarser"},
        {14, "    max: 1.5\n    missing: 2",
         "plan.yaml:15: feature \"rate\", key \"missing\": the value 2 lies outside "
         "min and max"},
        {14, "    max: 1.5\n    missing: level",
         "plan.yaml:15: feature \"rate\", key \"missing\": a number has no levels; write median, mean, a value or "
         "refuse"},
        {14, "    max: 1.5\n    missing: zero",
         "plan.yaml:15: feature \"rate\", key \"missing\": \"zero\" is none of median, mean, a number or refuse"},
        {14, "    max: 1.5\n    outside: ignore",
         "plan.yaml:15: feature \"rate\", key \"outside\": \"ignore\" is none of refuse, clamp or missing"},
        {14, "    max: 1.5\n    outside: missing",
         "plan.yaml:15: feature \"rate\", key \"outside\": missing turns such a value into a missing one, which "
         "\"missing: refuse\" refuses; choose a fill"},
        {14, "    max: 1.5\n    levels: [a, b]",
         "plan.yaml:15: feature \"rate\", key \"levels\": belongs to a category; remove it or change kind"},
        {12, "    kind: integer",
         "plan.yaml:12: feature \"rate\", key \"kind\": \"integer\" is none of number or category"},
        {12, NULL, "plan.yaml:11: key \"kind\" is missing; add it"},
        {9, "  - {name: big, kind: number, min: -1e308, max: 1e308}",
         "plan.yaml:9: feature \"big\", key \"max\": min and max reach beyond 1e+100 or are closer than 1e-100; take "
         "another unit"},
        {9, "  - {name: small, kind: number, min: 0, max: 1e-200}",
         "plan.yaml:9: feature \"small\", key \"max\": min and max reach beyond 1e+100 or are closer than 1e-100; take "
         "another unit"},
        {14, "    max: 1.5\n    resolution: 3",
         "plan.yaml:15: feature \"rate\", key \"resolution\": is more than max minus min; make it finer"},
        {15, "train: {penalty: -1}", "plan.yaml:15: key \"train.penalty\": must not be negative; 0 means none"},
        {15, "train: {tolerance: 0}", "plan.yaml:15: key \"train.tolerance\": 0 is not from 1e-14 to 0.1"},
        {15, "train: {tolerance: 1}", "plan.yaml:15: key \"train.tolerance\": 1 is not from 1e-14 to 0.1"},
        {15, "train: {rounds: 0}", "plan.yaml:15: key \"train.rounds\": \"0\" is not a whole number from 1 to 1000"},
        {15, "train: {rounds: 1.5}",
         "plan.yaml:15: key \"train.rounds\": \"1.5\" is not a whole number from 1 to 1000"},
        {9, "  - {name: limit, kind: number, min: 0, max: 1000000, knots: [5, 5]}",
         "plan.yaml:9: feature \"limit\", key \"knots\": 5 does not come after 5; write them in rising order"},
        {9, "  - {name: limit, kind: number, min: 0, max: 1000000, knots: [1000000]}",
         "plan.yaml:9: feature \"limit\", key \"knots\": 1000000 is not between min and max"},
        {9, "  - {name: limit, kind: number, min: 0, max: 1000000, knots: [much]}",
         "plan.yaml:9: feature \"limit\", key \"knots\": \"much\" is not a finite decimal number"},
        {15, "interactions: [{of: [limit, age]}]",
         "plan.yaml:15: key \"interactions\", number 1: \"age\" is none of the features; a product needs both of its "
         "parts "
         "among them"},
        {15, "interactions: [{of: [limit, rate]}, {of: [rate, limit]}]",
         "plan.yaml:15: key \"interactions\", number 2: \"limit:rate\" is there already; keep one"},
        {15, "interactions: [{of: [limit]}]", "plan.yaml:15: key \"of\": the list has too few entries"},
        {15, "interactions: [{of: [sex, sex]}]",
         "plan.yaml:15: key \"interactions\", number 1: a category's product with itself says nothing new; remove it"},
        {15, "train: {path: 1}", "plan.yaml:15: key \"train.path\": \"1\" is not a whole number from 2 to 100"},
        {15, "train: {path: 20, penalty: 1}",
         "plan.yaml:15: key \"train.path\": finds the penalty; remove train.penalty"},
        {15, "train: {class_weight: heavy}",
         "plan.yaml:15: key \"train.class_weight\": \"heavy\" is neither balanced nor what a positive row weighs "
         "against "
         "another, from 0.001 to 1000"},
        {15, "train: {class_weight: 0}",
         "plan.yaml:15: key \"train.class_weight\": \"0\" is neither balanced nor what a positive row weighs against "
         "another, from 0.001 to 1000"},
        {15, "train: {step: 1}", "plan.yaml:15: key \"step\" is not known here; see docs/plan.md for the keys"},
    };
    EXPECT(cases);
}

static void wrong_categories(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {10, "  - {name: sex, kind: category}",
         "plan.yaml:10: feature \"sex\", key \"levels\": is missing; list the values that the column may have"},
        {10, "  - {name: sex, kind: category, levels: []}",
         "plan.yaml:10: key \"levels\": the list has too few entries"},
        {10, "  - {name: sex, kind: category, levels: [a, {b: c}]}",
         "plan.yaml:10: key \"levels\": must be a single value"},
        {2, "name: \"safe\\u202eevil\"", "plan.yaml:2: key \"name\": holds a control character; remove it"},
        {10, "  - {name: sex, kind: category, levels: a}", "plan.yaml:10: key \"levels\": must be a list, [a, b, c]"},
        {10, "  - {name: sex, kind: category, levels: [a]}",
         "plan.yaml:10: feature \"sex\", key \"levels\": one level says nothing; a category needs at least two"},
        {10, "  - {name: sex, kind: category, levels: [a, b, a]}",
         "plan.yaml:10: feature \"sex\", key \"levels\": \"a\" stands there twice; keep one"},
        {10, "  - {name: sex, kind: category, levels: [a, \"\"]}",
         "plan.yaml:10: feature \"sex\", key \"levels\": level 2 must not be empty"},
        {10, "  - {name: sex, kind: category, levels: [a, missing], missing: level}",
         "plan.yaml:10: feature \"sex\", key \"levels\": \"missing\" is the name of the level that \"missing: level\" "
         "makes; rename it"},
        {10, "  - {name: sex, kind: category, levels: [a, other], other: level}",
         "plan.yaml:10: feature \"sex\", key \"levels\": \"other\" is the name of the level that \"other: level\" "
         "makes; rename it"},
        {10,
         "  - {name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, kind: category, levels: [a, "
         "b]}",
         "plan.yaml:10: feature \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", key \"name\": "
         "has 65 "
         "bytes; at most 64 are taken"},
        {10, "  - {name: sex, kind: category, levels: [a, b], baseline: c}",
         "plan.yaml:10: feature \"sex\", key \"baseline\": \"c\" is none of the levels"},
        {10, "  - {name: sex, kind: category, levels: [a, b], baseline: other}",
         "plan.yaml:10: feature \"sex\", key \"baseline\": \"other\" is none of the levels"},
        {10, "  - {name: sex, kind: category, levels: [a, b], missing: median}",
         "plan.yaml:10: feature \"sex\", key \"missing\": \"median\" is none of level or refuse, which a category may "
         "have"},
        {10, "  - {name: sex, kind: category, levels: [a, b], min: 1}",
         "plan.yaml:10: feature \"sex\", key \"min\": belongs to a number; remove it or change kind"},
        {10, "  - {name: limit, kind: category, levels: [a, b]}",
         "plan.yaml:10: feature \"limit\" stands there twice; keep one"},
        {10, "  - {name: a=b, kind: category, levels: [a, b]}",
         "plan.yaml:10: feature \"a=b\", key \"name\": terms of a model are called (intercept) and NAME=LEVEL; rename "
         "the column"},
    };
    EXPECT(cases);
}

static void wrong_parts(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {5, "target: {column: limit}",
         "plan.yaml:5: key \"target.column\": \"limit\" is also a feature; a model would read its answer or a name"},
        {6, "id: sex", "plan.yaml:6: key \"id\": \"sex\" is also a feature; a model would read its answer or a name"},
        {6, "id: default", "plan.yaml:6: key \"id\": \"default\" is the target.column already; a column has one part"},
        {7, "split: {column: rate, holdout: [a]}",
         "plan.yaml:7: key \"split.column\": \"rate\" is also a feature; a model would read its answer or a name"},
        {7, "split: {fraction: 1, seed: a}",
         "plan.yaml:7: key \"split.fraction\": 1 is not between 0 and 1; leave split out to hold nothing out"},
        {7, "split: {fraction: 0.2}", "plan.yaml:7: key \"split\": fraction and seed belong together; add the other"},
        {7, "split: {fraction: 0.2, seed: a, column: fold}",
         "plan.yaml:7: key \"split\": either fraction and seed, or column and holdout; not both"},
        {7, "split: {column: fold}", "plan.yaml:7: key \"split\": needs fraction and seed, or column and holdout"},
        {7, "split: {column: fold, holdout: [a, a]}",
         "plan.yaml:7: key \"split.holdout\": \"a\" stands there twice; keep one"},
        {16, "cohort: {minimum: 2}",
         "plan.yaml:16: key \"cohort.minimum\": with two banks each subtracts itself and "
         "knows the other; 3 is the least"},
        {16, "cohort: {minimum: 1001}",
         "plan.yaml:16: key \"cohort.minimum\": \"1001\" is not a whole number from 3 to 1000"},
        {16, "cohort: {rows: 0}",
         "plan.yaml:16: key \"cohort.rows\": \"0\" is not a whole number from 1 to 1000000000"},
        {16, "cohort: {rows: 1.0e7}",
         "plan.yaml:16: key \"cohort.rows\": \"1.0e7\" is not a whole number from 1 to 1000000000"},
        {16, "cohort: {on_dropout: continue}",
         "plan.yaml:16: key \"cohort.on_dropout\": \"continue\" needs differential privacy: two exact sums over "
         "different "
         "banks show what one of them brought; write wait, or add privacy: {epsilon: ..., delta: ...}"},
        {16, "cohort: {on_dropout: stop}",
         "plan.yaml:16: key \"cohort.on_dropout\": \"stop\" is not known; write wait or continue"},
        {16, "cohort: {deadline: 7}",
         "plan.yaml:16: key \"cohort.deadline\": \"7\" is not a time from 1h to 366d; write days or hours, 7d or 12h"},
        {16, "cohort: {deadline: 0h}",
         "plan.yaml:16: key \"cohort.deadline\": \"0h\" is not a time from 1h to 366d; write days or hours, 7d or 12h"},
        {16, "cohort: {deadline: 9999999d}",
         "plan.yaml:16: key \"cohort.deadline\": \"9999999d\" is not a time from 1h to 366d; write days or hours, 7d "
         "or "
         "12h"},
    };
    EXPECT(cases);
}

/* 700 levels in each of three categories: each feature fits, all of them do not. */
static void too_many_terms(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer text = {0};
    assert_true(result_ok(buffer_text(&text, "cofferdam: 1\nname: a\ntask: b\nfeatures:\n")));
    for (unsigned feature = 0; feature < 3; feature++) {
        assert_true(result_ok(buffer_format(&text, "  - {name: f%u, kind: category, levels: [l", feature)));
        for (unsigned level = 1; level < 700; level++) assert_true(result_ok(buffer_format(&text, ", l%u", level)));
        assert_true(result_ok(buffer_text(&text, "]}\n")));
    }
    CLEANUP(plan_done) struct plan plan = {0};
    assert_int_equal(plan_parse(buffer_view(&text), "p", &plan).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(),
                        "p:7: feature \"f2\" brings the model over 2000 terms; drop features or levels");
}

static void too_many_of_a_kind(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer text = {0};
    CLEANUP(plan_done) struct plan plan = {0};
    assert_true(result_ok(buffer_text(&text, "cofferdam: 1\nname: a\ntask: b\nfeatures:\n")));
    for (unsigned i = 0; i <= FEATURES_MAX; i++)
        assert_true(result_ok(buffer_format(&text, "  - {name: f%u, kind: number, min: 0, max: 1}\n", i)));
    assert_int_equal(plan_parse(buffer_view(&text), "p", &plan).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "p:4: key \"features\": the list has too many entries");
    buffer_clear(&text);
    assert_true(result_ok(buffer_text(&text, "cofferdam: 1\nname: a\ntask: b\nfeatures:\n")));
    assert_true(result_ok(buffer_text(&text, "  - {name: f, kind: category, levels: [l")));
    for (unsigned i = 0; i < LEVELS_MAX; i++) assert_true(result_ok(buffer_format(&text, ", l%u", i)));
    assert_true(result_ok(buffer_text(&text, "]}\n")));
    assert_int_equal(plan_parse(buffer_view(&text), "p", &plan).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "p:5: key \"levels\": the list has too many entries");
}

static void the_negatives_may_be_named(void **state)
{
    (void)state;
    CLEANUP(plan_done) struct plan plan = {0};
    parse_with(5, "target: {column: default, positive: \"1\", negative: [\"0\", no]}", &plan);
    assert_int_equal(plan.negative_count, 2);
    assert_string_equal(plan.negative[0], "0");
    assert_string_equal(plan.negative[1], "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contract_is_read), cmocka_unit_test(defaults),
        cmocka_unit_test(other_ways_to_say_it), cmocka_unit_test(the_hash_is_of_the_text),
        cmocka_unit_test(wrong_documents),      cmocka_unit_test(wrong_privacy),
        cmocka_unit_test(wrong_numbers),        cmocka_unit_test(wrong_categories),
        cmocka_unit_test(wrong_parts),          cmocka_unit_test(too_many_terms),
        cmocka_unit_test(too_many_of_a_kind),   cmocka_unit_test(the_negatives_may_be_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Joined sources: the join of a split file is the file, whatever the order of the joined rows; what does not find
 * together is counted exactly; each reason has the place of the source that holds the value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "data/csv_records.h"
#include "data/join.h"
#include "tests/support/ok.h"
#include "tests/support/text_source.h"

enum { TABLES = 300, ROWS_MOST = 60, KEYS = 40, KEY_BYTES = 40 };

#define SOURCE(name, text)                                                                                             \
    {                                                                                                                  \
        name, {(const uint8_t *)(text), sizeof(text) - 1}, 0                                                           \
    }

static struct join_source source_of(const char *name, const struct text_source *text, const char *key)
{
    return (struct join_source){
        .name = name, .place = text->name, .file = true, .key = key, .origin = text_origin(text)};
}

/* What comes of joining: the table's canonical bytes, the records as a witness sees them, the losses. */
struct joined {
    struct table *table;
    struct buffer canonical, witnessed;
    struct join_losses losses;
};

static void joined_done(struct joined *joined)
{
    table_free(joined->table);
    buffer_done(&joined->canonical);
    buffer_done(&joined->witnessed);
}

static struct result collect(void *context, struct view piece)
{
    return buffer_append(context, piece);
}

static struct result join_read(const struct join_source *sources, size_t count, const struct csv_options *options,
                               const struct column_spec *specs, size_t specs_count, struct joined *ret)
{
    CLEANUP(join_freep) struct join *join = NULL;
    TRY(join_new(sources, count, &join));
    struct csv_options own = *options;
    own.parts = join_parts(join);
    own.witness = (struct csv_witness){&ret->witnessed, collect};
    TRY(csv_read_records("joined", join_origin(join), &own, specs, specs_count, 1000, &ret->table));
    ret->losses = *join_losses(join);
    return table_canonical(ret->table, collect, &ret->canonical);
}

static const char *const levels[] = {"x", "y"};
static const struct column_spec specs[] = {
    {.name = "a", .kind = COLUMN_NUMBER, .maximum = 1000, .missing_allowed = true},
    {.name = "b", .kind = COLUMN_NUMBER, .maximum = 1000, .missing_allowed = true},
    {.name = "c", .kind = COLUMN_CATEGORY, .levels = levels, .levels_count = 2, .missing_allowed = true},
};
static const struct csv_options plain = {0};

static void refused(const struct join_source *sources, size_t count, const struct csv_options *options,
                    const struct column_spec *wanted, size_t wanted_count, const char *reason)
{
    CLEANUP(joined_done) struct joined joined = {0};
    assert_int_equal(join_read(sources, count, options, wanted, wanted_count, &joined).category, CATEGORY_USAGE);
    if (!strstr(result_reason(), reason)) fail_msg("not \"%s\" but: %s", reason, result_reason());
}

/* --- random tables -------------------------------------------------------------------------------------------------
 */

static uint64_t random_state;
static unsigned random_below(unsigned bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % bound);
}

/* Short ones, long ones that begin alike, ones that differ in length alone. */
static void key_text(unsigned key, char out[KEY_BYTES])
{
    static const char *const before[] = {"", "customer-of-the-bank-", "00000", "00000000"};
    (void)snprintf(out, KEY_BYTES, "%s%u", before[key % 4], key);
}

static void shuffle(unsigned *items, unsigned count)
{
    for (unsigned k = count; k > 1; k--) {
        unsigned other = random_below(k), item = items[k - 1];
        items[k - 1] = items[other];
        items[other] = item;
    }
}

static void put(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct buffer *out, const char *format, ...)
{
    char line[200];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    OK(buffer_append(out, view_of(line, (size_t)length)));
}

static const char *text_of(struct buffer *buffer)
{
    const char *text;
    OK(buffer_terminate(buffer, &text));
    return text;
}

/* The rows of a first source by key (KEYS: none), and which keys the joined sources have. */
struct world {
    unsigned rows[ROWS_MOST], count;
    bool has[2][KEYS];
    unsigned nameless[2]; /* rows of the joined sources without a key */
    bool required[2];
    /* what should come of it */
    struct buffer core, crm, desk, whole;
    struct join_losses losses;
    unsigned left;
};

static void world_done(struct world *world)
{
    buffer_done(&world->core);
    buffer_done(&world->crm);
    buffer_done(&world->desk);
    buffer_done(&world->whole);
}

static void choose(struct world *world)
{
    world->count = 1 + random_below(ROWS_MOST);
    for (unsigned k = 0; k < world->count; k++) world->rows[k] = random_below(12) ? random_below(KEYS) : KEYS;
    for (unsigned s = 0; s < 2; s++) {
        unsigned gaps = random_below(5);
        for (unsigned k = 0; k < KEYS; k++) world->has[s][k] = gaps == 0 || random_below(gaps + 1) > 0;
        world->nameless[s] = random_below(4);
        world->required[s] = random_below(3) == 0;
    }
}

/* A joined file in some order: key first in one, last in the other; "-" and the empty field are no keys. */
static void write_side(const struct world *world, unsigned s, struct buffer *out)
{
    unsigned order[KEYS + 4], count = 0;
    for (unsigned k = 0; k < KEYS; k++)
        if (world->has[s][k]) order[count++] = k;
    for (unsigned k = 0; k < world->nameless[s]; k++) order[count++] = KEYS;
    shuffle(order, count);
    put(out, s ? "c,id\n" : "kundennr;b\n");
    for (unsigned k = 0; k < count; k++) {
        char key[KEY_BYTES];
        key_text(order[k], key);
        if (order[k] == KEYS) (void)snprintf(key, sizeof key, "%s", k % 2 && !s ? "-" : "");
        if (s)
            put(out, "%s,%s\n", order[k] % 3 ? "x" : "y", key);
        else
            put(out, "%s;%u,5\n", key, order[k]);
    }
}

/* By counting one by one: the whole file, and the losses. */
static void expect(struct world *world)
{
    bool used[KEYS] = {0};
    struct join_losses *losses = &world->losses;
    *losses = (struct join_losses){.count = 2, .rows = world->count};
    put(&world->core, "n,a\n");
    put(&world->whole, "n,a,b,c\n");
    for (unsigned row = 0; row < world->count; row++) {
        unsigned key = world->rows[row];
        char text[KEY_BYTES] = "", b[20] = "";
        const bool crm = key < KEYS && world->has[0][key], desk = key < KEYS && world->has[1][key];
        if (key < KEYS) key_text(key, text);
        if (key < KEYS) used[key] = true;
        if (crm) (void)snprintf(b, sizeof b, "%u.5", key);
        put(&world->core, "%s,%u\n", text, row);
        losses->keyless += key == KEYS;
        losses->joined[0].unmatched += key < KEYS && !crm;
        losses->joined[1].unmatched += key < KEYS && !desk;
        if ((world->required[0] && !crm) || (world->required[1] && !desk)) {
            losses->left_out++;
            continue;
        }
        world->left++;
        put(&world->whole, "%s,%u,%s,%s\n", text, row, b, !desk ? "" : key % 3 ? "x" : "y");
    }
    for (unsigned s = 0; s < 2; s++) {
        losses->joined[s].rows = losses->joined[s].keyless = world->nameless[s];
        for (unsigned k = 0; k < KEYS; k++) {
            losses->joined[s].rows += world->has[s][k];
            losses->joined[s].orphans += world->has[s][k] && !used[k];
        }
    }
}

static void same_losses(const struct join_losses *found, const struct join_losses *wanted)
{
    assert_int_equal(found->rows, wanted->rows);
    assert_int_equal(found->keyless, wanted->keyless);
    assert_int_equal(found->left_out, wanted->left_out);
    assert_int_equal(found->count, wanted->count);
    for (size_t s = 0; s < wanted->count; s++) {
        assert_int_equal(found->joined[s].rows, wanted->joined[s].rows);
        assert_int_equal(found->joined[s].keyless, wanted->joined[s].keyless);
        assert_int_equal(found->joined[s].orphans, wanted->joined[s].orphans);
        assert_int_equal(found->joined[s].unmatched, wanted->joined[s].unmatched);
    }
}

static void check_world(void)
{
    static const char *const unknown[] = {"-"};
    CLEANUP(world_done) struct world world = {0};
    CLEANUP(joined_done) struct joined joined = {0}, unsplit = {0};
    choose(&world);
    write_side(&world, 0, &world.crm);
    write_side(&world, 1, &world.desk);
    expect(&world);
    const struct text_source core = {"core.csv", view_text(text_of(&world.core)), 0},
                             crm = {"crm.csv", view_text(text_of(&world.crm)), ';'},
                             desk = {"desk.csv", view_text(text_of(&world.desk)), 0};
    struct join_source sources[] = {source_of("core", &core, "n"), source_of("crm", &crm, "kundennr"),
                                    source_of("desk", &desk, "id")};
    sources[1].written = (struct csv_options){.decimal_comma = true, .missing = unknown, .missing_count = 1};
    sources[1].required = world.required[0];
    sources[2].required = world.required[1];
    if (!world.left) {
        refused(sources, 3, &plain, specs, 3, "no row is left");
        return;
    }
    OK(join_read(sources, 3, &plain, specs, 3, &joined));
    same_losses(&joined.losses, &world.losses);
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    OK(csv_reader_new("whole.csv", &plain, specs, 3, 1000, &reader));
    OK(csv_reader_feed(reader, view_text(text_of(&world.whole))));
    OK(csv_reader_finish(reader, &unsplit.table));
    OK(table_canonical(unsplit.table, collect, &unsplit.canonical));
    assert_true(view_equal(buffer_view(&joined.canonical), buffer_view(&unsplit.canonical)));
}

static void the_join_of_split_files_is_the_file_and_losses_are_exact(void **state)
{
    (void)state;
    random_state = 7;
    for (unsigned k = 0; k < TABLES; k++) check_world();
}

/* --- single rules --------------------------------------------------------------------------------------------------
 */

static const struct text_source core = SOURCE("core.csv", "id,a,t\n1,10,u\n2,20,v\n1,30,w\n");

static void a_witness_sees_the_records_of_the_unsplit_file(void **state)
{
    (void)state;
    static const struct text_source crm = SOURCE("crm.csv", "b,nr,c\n7,2,x\n8,1,y\n");
    static const char whole[] = "1\0"
                                "10\0"
                                "u\0"
                                "8\0"
                                "y\0"
                                "2\0"
                                "20\0"
                                "v\0"
                                "7\0"
                                "x\0"
                                "1\0"
                                "30\0"
                                "w\0"
                                "8\0"
                                "y";
    const struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &crm, "nr")};
    CLEANUP(joined_done) struct joined joined = {0};
    OK(join_read(sources, 2, &plain, specs, 3, &joined));
    assert_true(view_equal(buffer_view(&joined.witnessed), view_of(whole, sizeof whole)));
}

static void a_key_that_stands_twice_is_refused_in_a_joined_source_alone(void **state)
{
    (void)state;
    static const struct text_source twice = SOURCE("crm.csv", "nr,b,c\n2,1,x\n11,1,x\n\"1\",1,x\n,1,x\n,2,x\n1,1,x\n");
    const struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &twice, "nr")};
    refused(sources, 2, &plain, specs, 3,
            "crm.csv:4 and crm.csv:7 have the same key in column nr, and a row that matches would be there twice");
}

static void keys_are_equal_letter_for_letter(void **state)
{
    (void)state;
    static const struct text_source crm = SOURCE("crm.csv", "nr,b,c\n01,1,x\n1 ,1,x\n1.0,1,x\n2,2,y\n");
    const struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &crm, "nr")};
    CLEANUP(joined_done) struct joined joined = {0};
    OK(join_read(sources, 2, &plain, specs, 3, &joined));
    assert_int_equal(joined.losses.joined[0].unmatched, 2);
    assert_int_equal(joined.losses.joined[0].orphans, 3);
}

static void a_name_that_two_have_is_refused_until_it_says_whose(void **state)
{
    (void)state;
    static const struct text_source crm = SOURCE("crm.csv", "nr,a,b,c\n1,5,6,x\n2,7,8,y\n");
    const struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &crm, "nr")};
    refused(sources, 2, &plain, specs, 3,
            "core.csv:1: a is a column of core.csv and of crm.csv; say which one is meant, core.a or crm.a");
    static const char *const names[] = {"core.a", "crm.a"};
    static const double wanted[] = {10, 5};
    for (size_t k = 0; k < 2; k++) {
        const struct csv_column columns[] = {{.name = "a", .source = names[k]}, {.name = "b", .source = "crm.b"}};
        const struct csv_options options = {.columns = columns, .columns_count = 2};
        CLEANUP(joined_done) struct joined joined = {0};
        OK(join_read(sources, 2, &options, specs, 3, &joined));
        assert_true(joined.table->columns[0].numbers[0] == wanted[k]);
        assert_true(joined.table->columns[1].numbers[0] == 6);
    }
    const struct csv_column key = {.name = "a", .source = "crm.nr"};
    refused(sources, 2, &(struct csv_options){.columns = &key, .columns_count = 1}, specs, 3,
            "there is no column crm.nr"); /* a joined key is no column */
}

static void a_scan_names_the_columns_so_that_each_is_one(void **state)
{
    (void)state;
    static const struct text_source crm = SOURCE("crm.csv", "nr,a,b\n1,\"5,5\",6\n2,NA,8\n");
    static const char *const unknown[] = {"NA"}, *const names[] = {"id", "core.a", "t", "crm.a", "plan_b"};
    struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &crm, "nr")};
    sources[1].written = (struct csv_options){.decimal_comma = true, .missing = unknown, .missing_count = 1};
    const struct csv_column column = {.name = "plan_b", .source = "b"};
    CLEANUP(join_freep) struct join *join = NULL;
    CLEANUP(csv_scan_freep) struct csv_scan *scan = NULL;
    OK(join_new(sources, 2, &join));
    OK(csv_scan_records("joined", join_origin(join),
                        &(struct csv_options){.columns = &column, .columns_count = 1, .parts = join_parts(join)},
                        &scan));
    assert_int_equal(scan->columns_count, 5);
    for (size_t k = 0; k < 5; k++) assert_string_equal(scan->columns[k].name, names[k]);
    assert_true(scan->columns[3].numeric && scan->columns[3].maximum == 5.5);
    assert_int_equal(scan->columns[3].missing, 1);
}

static void a_reason_has_the_place_of_the_source_that_holds_the_value(void **state)
{
    (void)state;
    static const struct text_source crm = SOURCE("crm.csv", "nr,b,c\n2,1,x\n\n");
    static const struct text_source wrong = SOURCE("crm.csv", "nr,b,c\n3,wrong,x\n2,1,\"x\n\"\n1,bad,x\n");
    static const struct text_source wrong_core = SOURCE("core.csv", "id,a\n2,1\n1,much\n");
    static const struct column_spec strict[] = {{.name = "a", .kind = COLUMN_NUMBER, .maximum = 1000},
                                                {.name = "b", .kind = COLUMN_NUMBER, .maximum = 1000}};
    struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &wrong, "nr")};
    refused(sources, 2, &plain, specs, 2, "crm.csv:5: column b: \"bad\" is not a number");
    assert_null(strstr(result_reason(), "core.csv"));
    sources[1].file = false;
    refused(sources, 2, &plain, specs, 2, "crm.csv, row 5: column b: \"bad\" is not a number");
    sources[1] = source_of("crm", &crm, "nr");
    refused(sources, 2, &plain, strict, 2, "core.csv:2: crm has no row with its key: column b: no value");
    sources[0] = source_of("core", &wrong_core, "id");
    refused(sources, 2, &plain, specs, 2, "core.csv:3: column a: \"much\" is not a number");
}

static void a_source_without_its_key_or_without_rows_is_refused(void **state)
{
    (void)state;
    static const struct text_source empty = SOURCE("core.csv", "id,a\n"), crm = SOURCE("crm.csv", "nr,b\n"),
                                    twice = SOURCE("crm.csv", "nr,b,b\n");
    struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &crm, "id")};
    refused(sources, 2, &plain, specs, 2, "crm.csv:1: there is no column id, by which rows are to be joined");
    sources[1] = source_of("crm", &twice, "nr");
    refused(sources, 2, &plain, specs, 2, "crm.csv:1: two columns are named \"b\"");
    sources[1] = source_of("crm", &crm, "nr");
    sources[0] = source_of("core", &core, "nr");
    refused(sources, 2, &plain, specs, 2, "core.csv:1: there is no column nr, by which rows are to be joined");
    sources[0] = source_of("core", &empty, "id");
    refused(sources, 2, &plain, specs, 2, "core.csv: no row is there to join others to");
    sources[0] = source_of("core", &core, "id");
    sources[1].required = true;
    refused(sources, 2, &plain, specs, 2, "core.csv: no row is left: none of 3 has its match");
    CLEANUP(joined_done) struct joined joined = {0};
    sources[1].required = false;
    OK(join_read(sources, 2, &plain, specs, 2, &joined)); /* a joined source may be empty */
    assert_int_equal(joined.table->columns[1].missing, 3);
}

static void consent_may_stand_in_a_joined_source(void **state)
{
    (void)state;
    static const struct text_source crm = SOURCE("crm.csv", "nr,b,ok\n1,kaputt,nein\n2,1,ja\n");
    static const char *const yes[] = {"ja"};
    const struct join_source sources[] = {source_of("core", &core, "id"), source_of("crm", &crm, "nr")};
    const struct csv_options options = {.consent = {.column = "crm.ok", .given = yes, .given_count = 1}};
    CLEANUP(joined_done) struct joined joined = {0};
    OK(join_read(sources, 2, &options, specs, 2, &joined));
    assert_int_equal(joined.table->rows, 1);
    assert_int_equal(joined.table->without_consent, 2);
    assert_int_equal(joined.losses.joined[0].unmatched, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_join_of_split_files_is_the_file_and_losses_are_exact),
        cmocka_unit_test(a_witness_sees_the_records_of_the_unsplit_file),
        cmocka_unit_test(a_key_that_stands_twice_is_refused_in_a_joined_source_alone),
        cmocka_unit_test(keys_are_equal_letter_for_letter),
        cmocka_unit_test(a_name_that_two_have_is_refused_until_it_says_whose),
        cmocka_unit_test(a_scan_names_the_columns_so_that_each_is_one),
        cmocka_unit_test(a_reason_has_the_place_of_the_source_that_holds_the_value),
        cmocka_unit_test(a_source_without_its_key_or_without_rows_is_refused),
        cmocka_unit_test(consent_may_stand_in_a_joined_source),
    };
    return cmocka_run_group_tests_name("joined sources", tests, NULL, NULL);
}

/* Every allocation fails once, in what reads and writes documents, messages and tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <gmp.h>

#include "analytics/model.h"
#include "crypto/timestamp.h"
#include "data/csv_records.h"
#include "data/join.h"
#include "proto/run/note.h"
#include "proto/run/plan.h"
#include "proto/run/policy.h"
#include "proto/run/roster.h"
#include "proto/run/service.h"
#include "proto/wire/messages.h"
#include "sys/config.h"
#include "sys/file.h"
#include "tests/faults/allocation.h"
#include "tests/support/ok.h"
#include "tests/support/pooled.h"
#include "tests/support/text_source.h"

#define CORPUS "tests/fuzz/corpus/"

static void read_corpus(const char *name, struct buffer *out)
{
    char path[256];
    (void)snprintf(path, sizeof path, CORPUS "%s", name);
    OK(file_read(path, MESSAGE_MAX, out));
}

/* What comes out of it; the first time it is remembered, then it is to be the same. */
struct outcome {
    struct view in, more;
    const char *path;
    struct hash hash;
    bool known;
};

static struct result compare(struct outcome *outcome, struct view out)
{
    struct hash hash;
    TRY(hash_bytes("outcome", out, &hash));
    if (outcome->known && !hash_equal(&hash, &outcome->hash)) return FAIL(CATEGORY_BUG, "another result");
    outcome->hash = hash;
    outcome->known = true;
    return RESULT_OK;
}

static void loop_over(const char *corpus, struct result (*scenario)(void *context))
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    read_corpus(corpus, &bytes);
    struct outcome outcome = {.in = buffer_view(&bytes)};
    allocation_loop(corpus, scenario, &outcome);
}

/* --- Messages ----------------------------------------------------------------------------------------------------- */

enum { ROSTER = 3, STRUCT_MOST = 4096 };

static struct result decode_and_encode(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer again = {0};
    static _Alignas(max_align_t) uint8_t body[STRUCT_MOST];
    enum wire_type type = (enum wire_type)outcome->in.data[0];
    struct view bytes = view_of(outcome->in.data + 1, outcome->in.length - 1);
    TRY(wire_decode(type, bytes, ROSTER, &arena, body));
    TRY(wire_encode(type, body, &again));
    return compare(outcome, buffer_view(&again));
}

static void wire_messages(void **state)
{
    (void)state;
    unsigned tried = 0;
    DIR *directory = opendir(CORPUS "wire");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strncmp(entry->d_name, "body-", 5) != 0 && strncmp(entry->d_name, "signed-", 7) != 0) continue;
        char name[300];
        (void)snprintf(name, sizeof name, "wire/%s", entry->d_name);
        loop_over(name, decode_and_encode);
        tried++;
    }
    (void)closedir(directory);
    assert_true(tried > 20);
}

/* --- Documents ---------------------------------------------------------------------------------------------------- */

static struct result parse_plan(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(plan_done) struct plan plan = {0};
    TRY(plan_parse(outcome->in, "plan", &plan));
    return compare(outcome, hash_view(&plan.hash));
}

static struct result parse_roster(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(roster_done) struct roster roster = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(roster_parse(outcome->in, &roster));
    TRY(roster_text(&roster, &text));
    return compare(outcome, buffer_view(&text));
}

static struct result parse_note(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(note_done) struct note note = {0};
    CLEANUP(secret_freep) struct secret *seed = NULL;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    CLEANUP(buffer_done) struct buffer more = {0};
    TRY(note_parse(outcome->in, &note));
    TRY(secret_new(SIGN_SEED_BYTES, &seed));
    TRY(sign_key_from_seed(seed, &key));
    TRY(note_add(outcome->in, "someone", key, &more));
    return compare(outcome, buffer_view(&more));
}

static void documents(void **state)
{
    (void)state;
    loop_over("plan/contract", parse_plan);
    loop_over("plan/small", parse_plan);
    loop_over("roster/first", parse_roster);
    loop_over("roster/second", parse_roster);
    loop_over("note/roster", parse_note);
}

/* That a key is there is found by looking for it: where that fails, the key is not taken for absent. */
static struct result refuse_points(void *context)
{
    const struct outcome *outcome = context;
    CLEANUP(plan_done) struct plan plan = {0};
    struct result result = plan_parse(outcome->in, "plan", &plan);
    if (result_ok(result)) return FAIL(CATEGORY_BUG, "a logistic plan with points is taken");
    return result.category == CATEGORY_USAGE && strstr(result_reason(), "points") ? RESULT_OK : result;
}

static void a_key_is_not_overlooked(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer text = {0};
    read_corpus("plan/small", &text);
    OK(buffer_text(&text, "points: {pdo: 20}\n"));
    struct outcome outcome = {.in = buffer_view(&text)};
    allocation_loop("points", refuse_points, &outcome);
}

/* The request, the trusted certificates and the response. */
static struct result verify_timestamp(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(timestamp_trust_done) struct timestamp_trust trust = {0};
    CLEANUP(buffer_done) struct buffer query = {0};
    struct view text = view_text("cofferdam/1/run/00\n1\nAAAA\n");
    struct timestamp said = {0};
    TRY(timestamp_request(text, 1, &query));
    TRY(timestamp_trust_read(outcome->more, &trust));
    struct result result = timestamp_verify(outcome->in, text, &trust, &said);
    /* Of some allocations that fail, OpenSSL says that a chain or a signature does not hold. */
    if (result.category == CATEGORY_FALSE) return FAIL(CATEGORY_ENVIRONMENT, "a good response is refused");
    TRY(result);
    return compare(outcome, view_of(&said, sizeof said));
}

static void timestamps(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer trust = {0}, response = {0};
    read_corpus("timestamp/trust.pem", &trust);
    read_corpus("timestamp/granted", &response);
    struct outcome outcome = {.in = buffer_view(&response), .more = buffer_view(&trust)};
    allocation_loop("a time-stamp", verify_timestamp, &outcome);
}

static struct result load_node(void *context)
{
    struct outcome *outcome = context;
    struct config_node *config = NULL;
    TRY(config_node_load(outcome->path, &config));
    struct result result = compare(outcome, view_text(config->source.name));
    config_node_free(config);
    return result;
}

static struct result load_coordinator(void *context)
{
    struct outcome *outcome = context;
    struct config_coordinator *config = NULL;
    TRY(config_coordinator_load(outcome->path, &config));
    struct result result = compare(outcome, view_text(config->listen));
    config_coordinator_free(config);
    return result;
}

static struct result read_policy(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(policy_done) struct policy policy = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(policy_parse(outcome->in, "policy.yaml", &policy));
    TRY(buffer_format(&out, "%u %u %llu %s", policy.rules_count, policy.changes_count,
                      (unsigned long long)policy.words_month, policy.columns.items[1]));
    return compare(outcome, buffer_view(&out));
}

static void configurations(void **state)
{
    (void)state;
    loop_over("config/policy.yaml", read_policy);
    struct outcome node = {.path = CORPUS "config/node.yaml"}, coordinator = {.path = CORPUS "config/coordinator.yaml"};
    allocation_loop("config/node.yaml", load_node, &node);
    allocation_loop("config/coordinator.yaml", load_coordinator, &coordinator);
}

/* --- Tables and models -------------------------------------------------------------------------------------------- */

static const char plan_text[] = "cofferdam: 1\nname: faults\npurpose: test\ntask: logistic\n"
                                "target: {column: y, positive: \"1\"}\nfeatures:\n"
                                "  - {name: x, kind: number, min: 0, max: 10, missing: median, resolution: 1}\n"
                                "  - {name: g, kind: category, levels: [\"a\", \"b\"], missing: level}\n"
                                "train: {penalty: 0.1, tolerance: 1.0e-8, rounds: 25}\n"
                                "split: {fraction: 0.2, seed: s}\ncells: {minimum: 3}\n";
static const char rows_text[] =
    "y,x,g\n1,1,a\n0,2,b\n1,3,a\n0,4,b\n1,,a\n0,6,\n1,7,b\n0,8,a\n1,9,b\n0,1,a\n1,2,b\n0,3,\n";

static struct result collect(void *context, struct view piece)
{
    return buffer_append(context, piece);
}

static struct result read_rows(const struct pooled *pooled, struct table **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    struct csv_options options = {.delimiter = ','};
    TRY(csv_reader_new("rows.csv", &options, pooled->schema.specs, pooled->schema.count, 100, &reader));
    TRY(csv_reader_feed(reader, view_text(rows_text)));
    return csv_reader_finish(reader, ret);
}

static struct result read_table(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(table_freep) struct table *table = NULL, *back = NULL;
    CLEANUP(buffer_done) struct buffer bytes = {0}, again = {0};
    TRY(pooled_init(plan_text, &pooled));
    TRY(read_rows(&pooled, &table));
    TRY(table_canonical(table, collect, &bytes));
    TRY(table_load(buffer_view(&bytes), "rows", pooled.schema.specs, pooled.schema.count, 100, &back));
    TRY(table_canonical(back, collect, &again));
    return compare(outcome, buffer_view(&again));
}

static struct result read_joined(void *context)
{
    static const char core_text[] = "id,y,x\n1,1,1\n2,0,2\n3,1,3\n4,0,4\n", groups_text[] = "g,nr\nb,4\na,1\nb,2\n";
    const struct text_source core = {"core.csv", view_text(core_text), 0},
                             groups = {"groups.csv", view_text(groups_text), 0};
    const struct join_source sources[] = {
        {.name = "core", .place = "core.csv", .file = true, .key = "id", .origin = text_origin(&core)},
        {.name = "groups", .place = "groups.csv", .file = true, .key = "nr", .origin = text_origin(&groups)}};
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(join_freep) struct join *join = NULL;
    CLEANUP(table_freep) struct table *table = NULL;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(pooled_init(plan_text, &pooled));
    TRY(join_new(sources, 2, &join));
    const struct csv_options options = {.parts = join_parts(join)};
    TRY(csv_read_records("joined", join_origin(join), &options, pooled.schema.specs, pooled.schema.count, 100, &table));
    TRY(table_canonical(table, collect, &bytes));
    return compare(context, buffer_view(&bytes));
}

static void tables(void **state)
{
    (void)state;
    struct outcome outcome = {0}, joined = {0};
    allocation_loop("a table", read_table, &outcome);
    allocation_loop("a joined table", read_joined, &joined);
}

static struct result train(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(pooled_done) struct pooled pooled = {0};
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(buffer_done) struct buffer model = {0};
    TRY(pooled_init(plan_text, &pooled));
    table_free(pooled.table);
    pooled.table = NULL;
    TRY(read_rows(&pooled, &pooled.table));
    TRY(pooled_run(&pooled, (struct pooled_options){.parts = 1, .threads = 1}, &fold));
    TRY(fold_result(&fold, 3, &model));
    return compare(outcome, buffer_view(&model));
}

static void a_fold_and_its_model(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    allocation_loop("a fold", train, &outcome);
}

static struct result score(void *context)
{
    struct outcome *outcome = context;
    CLEANUP(model_done) struct model model = {0};
    struct result parsed = model_parse(outcome->in, "model.json", &model);
    /* Of some allocations that fail, jansson says that the text is wrong. */
    if (parsed.category == CATEGORY_USAGE) return FAIL(CATEGORY_ENVIRONMENT, "a good model is refused");
    TRY(parsed);
    CLEANUP(table_freep) struct table *table = NULL;
    TRY(table_new(model.specs, model.features_count, 10, &table));
    struct view fields[FEATURES_MAX] = {{0}};
    for (size_t f = 0; f < model.features_count; f++)
        fields[f] = model.specs[f].kind == COLUMN_NUMBER ? view_text("1") : view_text(model.specs[f].levels[0]);
    double odds = 0, chance = 0;
    TRY(table_add_row(table, fields, NULL));
    TRY(model_score(&model, table, 0, 1, &odds, &chance));
    return compare(outcome, view_of(&chance, sizeof chance));
}

static void a_model_scores(void **state)
{
    (void)state;
    loop_over("model/small.json", score);
}

/* GMP, under MPFR, ends the program when it has no memory (a daemon starts again from its records): it is spared. */
static void *spare_allocate(size_t size)
{
    allocation_pause();
    void *memory = malloc(size);
    allocation_resume();
    return memory;
}

static void *spare_reallocate(void *memory, size_t before, size_t size)
{
    (void)before;
    allocation_pause();
    void *moved = realloc(memory, size);
    allocation_resume();
    return moved;
}

static void spare_free(void *memory, size_t size)
{
    (void)size;
    free(memory);
}

int main(void)
{
    mp_set_memory_functions(spare_allocate, spare_reallocate, spare_free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_messages),           cmocka_unit_test(documents),  cmocka_unit_test(configurations),
        cmocka_unit_test(a_key_is_not_overlooked), cmocka_unit_test(tables),     cmocka_unit_test(a_fold_and_its_model),
        cmocka_unit_test(a_model_scores),          cmocka_unit_test(timestamps),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

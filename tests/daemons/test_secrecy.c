/* What a coordinator holds after a whole run between real processes: its state directory and its log at the most
 * talkative level hold every masked vector that crossed the wire, and the sums, but no value of a row and no bank's
 * vector. Each bank's vectors are computed here again, from its rows. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/schema.h"
#include "data/csv.h"
#include "proto/run/fold.h"
#include "sys/file.h"
#include "tests/support/scratch.h"

enum { BANKS = 3, TABLE_BITS = 20, TELLING = 1 << 20 };

static const char *const banks[BANKS] = {"north", "south", "east"};
static char directory[SCRATCH_MAX];

/* Pairs of neighbouring words, both large enough not to come up by chance. */
struct pair {
    uint64_t first, second;
    bool used, found;
};
struct pairs {
    struct pair *slots; /* open addressing over 2^TABLE_BITS */
    size_t count, found;
};

static size_t pair_hash(uint64_t first, uint64_t second)
{
    return (size_t)((first * UINT64_C(0x9e3779b97f4a7c15) ^ second * UINT64_C(0xc2b2ae3d27d4eb4f)) >>
                    (64 - TABLE_BITS));
}

static struct pair *pair_find(const struct pairs *pairs, uint64_t first, uint64_t second)
{
    size_t at = pair_hash(first, second);
    while (pairs->slots[at].used && (pairs->slots[at].first != first || pairs->slots[at].second != second))
        at = (at + 1) & (((size_t)1 << TABLE_BITS) - 1);
    return &pairs->slots[at];
}

static bool telling(uint64_t word)
{
    int64_t value = (int64_t)word;
    return value > TELLING || value < -TELLING;
}

static void pairs_add(struct pairs *pairs, const uint64_t *words, uint64_t count)
{
    for (uint64_t k = 0; k + 1 < count; k++) {
        if (!telling(words[k]) || !telling(words[k + 1])) continue;
        assert_true(pairs->count < ((size_t)1 << (TABLE_BITS - 1)));
        struct pair *pair = pair_find(pairs, words[k], words[k + 1]);
        if (pair->used) continue;
        *pair = (struct pair){.first = words[k], .second = words[k + 1], .used = true};
        pairs->count++;
    }
}

static struct pairs vectors, sums;
/* Values of rows, as bytes: ids as they are written, numbers as text and as their bits. */
static struct {
    uint8_t bytes[32];
    size_t length;
} values[BANKS * 4];
static size_t values_count;
static size_t bytes_read;

static void value_add(const void *bytes, size_t length)
{
    assert_true(length <= sizeof values[0].bytes && values_count < sizeof values / sizeof *values);
    memcpy(values[values_count].bytes, bytes, length);
    values[values_count++].length = length;
}

static int look(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F || about->st_size == 0) return 0;
    CLEANUP(buffer_done) struct buffer file = {0};
    assert_true(result_ok(file_read(path, BUFFER_LIMIT, &file)));
    bytes_read += file.length;
    for (size_t i = 0; i < values_count; i++)
        if (memmem(file.data, file.length, values[i].bytes, values[i].length))
            fail_msg("%s holds a value of a row (number %zu)", path, i);
    for (size_t at = 0; at + 16 <= file.length; at++) {
        uint64_t first = bytes_get_u64(file.data + at), second = bytes_get_u64(file.data + at + 8);
        if (pair_find(&vectors, first, second)->used) fail_msg("%s holds a part of a bank's vector", path);
        struct pair *sum = pair_find(&sums, first, second);
        if (sum->used && !sum->found) {
            sum->found = true;
            sums.found++;
        }
    }
    return 0;
}

static void run_the_consortium(void)
{
    char command[SCRATCH_MAX + 64];
    (void)snprintf(command, sizeof command, "E2E_DIR=%s tests/daemons/secrecy_stage", directory);
    assert_int_equal(system(command), 0);
}

/* The whole fold once more, in the open: every bank's vector of every round, and the sums. */
static void compute_vectors(void)
{
    char path[SCRATCH_MAX + 64];
    CLEANUP(buffer_done) struct buffer text = {0};
    CLEANUP(plan_done) struct plan plan = {0};
    CLEANUP(schema_done) struct schema schema = {0};
    CLEANUP(fold_done) struct fold fold = {0};
    struct table *tables[BANKS] = {0};
    (void)snprintf(path, sizeof path, "%s/plan.yaml", directory);
    assert_true(result_ok(file_read(path, DOCUMENT_MAX, &text)));
    assert_true(result_ok(plan_parse(buffer_view(&text), "plan.yaml", &plan)));
    assert_true(result_ok(schema_of(&plan, &schema)));
    for (size_t bank = 0; bank < BANKS; bank++) {
        (void)snprintf(path, sizeof path, "%s/%s/rows.csv", directory, banks[bank]);
        assert_true(
            result_ok(csv_read(path, &(struct csv_options){0}, schema.specs, schema.count, plan.rows, &tables[bank])));
    }
    assert_true(result_ok(fold_start(&plan, task_find(plan.task), &fold)));
    while (!fold.finished) {
        uint64_t *sum = calloc(fold.words, sizeof *sum), *words = calloc(fold.words, sizeof *words);
        assert_true(sum && words);
        for (size_t bank = 0; bank < BANKS; bank++) {
            memset(words, 0, fold.words * sizeof *words);
            assert_true(result_ok(fold_contribute(&fold, tables[bank], 1, words, fold.words)));
            pairs_add(&vectors, words, fold.words);
            for (uint64_t k = 0; k < fold.words; k++) sum[k] += words[k];
        }
        pairs_add(&sums, sum, fold.words);
        assert_true(result_ok(fold_advance(&fold, sum, fold.words)));
        free(sum);
        free(words);
    }
    for (size_t bank = 0; bank < BANKS; bank++) table_free(tables[bank]);
}

static void list_values(void)
{
    for (unsigned bank = 0; bank < BANKS; bank++) {
        char text[32];
        (void)snprintf(text, sizeof text, "MARKER-%s", banks[bank]);
        value_add(text, strlen(text));
        (void)snprintf(text, sizeof text, "31%u.4159265", bank + 1);
        value_add(text, strlen(text));
        double number = strtod(text, NULL);
        value_add(&number, sizeof number);
        (void)snprintf(text, sizeof text, "4%u.2718281828", bank + 1);
        number = strtod(text, NULL);
        value_add(&number, sizeof number);
    }
}

static void the_coordinator_holds_sums_and_nothing_else(void **state)
{
    (void)state;
    char path[SCRATCH_MAX + 64];
    scratch_new(directory);
    run_the_consortium();
    vectors.slots = calloc((size_t)1 << TABLE_BITS, sizeof *vectors.slots);
    sums.slots = calloc((size_t)1 << TABLE_BITS, sizeof *sums.slots);
    assert_true(vectors.slots && sums.slots);
    compute_vectors();
    list_values();
    assert_true(vectors.count > 100);
    (void)snprintf(path, sizeof path, "%s/coordinator", directory);
    assert_int_equal(nftw(path, look, 16, FTW_PHYS), 0);
    /* The search works: it finds the sums, which the coordinator is there to hold. */
    print_message("%zu bytes at the coordinator; of %zu pairs of words of banks' vectors none, of %zu of sums %zu\n",
                  bytes_read, vectors.count, sums.count, sums.found);
    assert_true(sums.found > 0);
    free(vectors.slots);
    free(sums.slots);
    scratch_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_coordinator_holds_sums_and_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

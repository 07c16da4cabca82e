/* Rows in PostgreSQL: fetched into memory, against frozen in the database and streamed each round, and against sums
 * that the database computes (node/pushdown.h). Each way in a process of its own, whose peak memory is told; all three
 * give the same words. PUSHDOWN_ROWS: how many rows of 20 columns, 200,000 where it is not given. The server is this
 * machine's, started for the bench alone, with PostgreSQL's own settings but fsync off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/bench.h"
#include "node/pushdown.h"
#include "tests/support/databases.h"
#include "tests/support/scratch.h"

enum { ROUNDS = 6, FEATURES = 19, NUMBERS = 15, TEXT_MAX = 1 << 14 };
enum way { MEMORY, STREAMED, PUSHED, WAYS };
static const char *const names[] = {"memory", "streamed", "pushed"};

/* What a process tells the one that started it. */
struct told {
    double freeze, rounds[ROUNDS];
    double peak; /* MiB */
    struct hash words[ROUNDS];
    uint64_t rounds_count;
};

static char directory[SCRATCH_MAX], connection[DATABASE_TEXT_MAX], plan_text[TEXT_MAX];

static uint64_t rows_wanted(void)
{
    const char *text = getenv("PUSHDOWN_ROWS");
    return text ? strtoull(text, NULL, 10) : 200000;
}

static void put(char *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(char *out, const char *format, ...)
{
    const size_t length = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out + length, TEXT_MAX - length, format, arguments);
    va_end(arguments);
}

static void make_rows(uint64_t rows)
{
    static char sql[TEXT_MAX];
    put(sql, "CREATE TABLE customers AS SELECT (random() < 0.2)::integer AS y");
    for (unsigned k = 0; k < NUMBERS; k++) put(sql, ", round((random() * 1000)::numeric, 2)::float8 AS x%u", k);
    for (unsigned k = NUMBERS; k < FEATURES; k++) put(sql, ", chr(97 + (random() * 4)::integer) AS x%u", k);
    put(sql, " FROM generate_series(1, %llu); CREATE SCHEMA frozen;", (unsigned long long)rows);
    postgres_sql(sql);
}

static void make_plan(uint64_t rows)
{
    put(plan_text, "cofferdam: 1\nname: bench\npurpose: bench\ntask: logistic\ntarget: {column: y, positive: \"1\"}\n"
                   "features:\n");
    for (unsigned k = 0; k < NUMBERS; k++)
        put(plan_text, "  - {name: x%u, kind: number, min: 0, max: 1000, resolution: 1}\n", k);
    for (unsigned k = NUMBERS; k < FEATURES; k++)
        put(plan_text, "  - {name: x%u, kind: category, levels: [a, b, c, d, e], baseline: a}\n", k);
    put(plan_text, "cohort: {minimum: 3, rows: %llu}\n", (unsigned long long)(rows < 100000 ? 100000 : rows));
}

static double peak_memory(void)
{
    char line[256];
    double kibibytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0) kibibytes = strtod(line + 6, NULL);
    if (status) (void)fclose(status);
    return kibibytes / 1024;
}

static void freeze(enum way way, const struct pushdown *pushdown, struct frozen *frozen, struct told *told)
{
    const double start = bench_wall();
    char path[SCRATCH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/frozen", directory);
    if (way == MEMORY)
        bench_need(freeze_source(pushdown->source, pushdown->plan, NULL, path, frozen));
    else
        bench_need(pushdown_freeze(pushdown, NULL, frozen));
    told->freeze = bench_wall() - start;
}

static void contribute(enum way way, const struct pushdown *pushdown, const struct frozen *frozen, struct fold *fold,
                       struct told *told)
{
    const uint64_t count = fold->words;
    struct pushdown_pace pace = {0}; /* unknown: the bench looks at either way */
    const double start = bench_wall();
    uint64_t *words = calloc(count + 1, sizeof *words);
    if (way == MEMORY)
        bench_need(fold_contribute(fold, frozen->table, 1, words, count));
    else
        bench_need(pushdown_contribute(pushdown, &pace, frozen, fold, 1, words));
    told->rounds[told->rounds_count] = bench_wall() - start;
    bench_need(hash_bytes(NULL, view_of(words, count * sizeof *words), &told->words[told->rounds_count]));
    told->rounds_count++;
    bench_need(fold_advance(fold, words, count));
    free(words);
}

static void go(enum way way, struct told *told)
{
    struct config_odbc odbc = {.connection = connection, .table = (char[]){"customers"}, .schema = (char[]){"frozen"}};
    const struct config_source source = {
        .name = (char[]){"customers"}, .odbc = &odbc, .pushdown = way != MEMORY, .delimiter = ',', .decimal = '.'};
    static const struct hash run = {{1}};
    struct plan plan = {0};
    struct frozen frozen = {0};
    struct fold fold = {0};
    bench_need(plan_parse(view_text(plan_text), "plan.yaml", &plan));
    struct pushdown pushdown = {.source = &source, .plan = &plan, .run = &run};
    bench_need(file_path(directory, "mark", pushdown.path));
    struct task task = *task_find(plan.task);
    if (way == STREAMED) task.formulas = NULL;
    freeze(way, &pushdown, &frozen, told);
    bench_need(fold_start(&plan, &task, &fold));
    while (!fold.finished && told->rounds_count < ROUNDS) contribute(way, &pushdown, &frozen, &fold, told);
    told->peak = peak_memory();
    if (way != MEMORY) bench_need(pushdown_drop(&pushdown));
    fold_done(&fold);
    frozen_done(&frozen);
    plan_done(&plan);
}

static void in_a_process(enum way way, struct told *ret)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static struct told told;
        go(way, &told);
        _exit(write(ends[1], &told, sizeof told) == (ssize_t)sizeof told ? 0 : 1);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], ret, sizeof *ret), sizeof *ret);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void print(const char *what, enum way way, uint64_t rows, double value, double memory, const char *unit)
{
    char name[128];
    (void)snprintf(name, sizeof name, "pushdown_%s_%s_%llux20", what, names[way], (unsigned long long)rows);
    const bool compared = way != MEMORY && memory > 0;
    bench_print(&(struct bench_line){.name = name,
                                     .value = value,
                                     .unit = unit,
                                     .against = compared ? "rows fetched into memory, same rows, same machine" : NULL,
                                     .ratio = compared ? value / memory : 0});
}

int main(void)
{
    static struct told told[WAYS];
    const uint64_t rows = rows_wanted();
    bench_need(crypto_start());
    scratch_new(directory);
    if (!postgres_start()) {
        scratch_remove(directory);
        return 0; /* it has said what is missing */
    }
    postgres_connection(true, connection);
    make_plan(rows);
    make_rows(rows);
    for (enum way way = MEMORY; way < WAYS; way++) in_a_process(way, &told[way]);
    for (enum way way = MEMORY; way < WAYS; way++) {
        assert_int_equal(told[way].rounds_count, told[MEMORY].rounds_count);
        print("peak_memory", way, rows, told[way].peak, told[MEMORY].peak, "MiB");
        print("freeze", way, rows, told[way].freeze, told[MEMORY].freeze, "s");
        for (uint64_t k = 0; k < told[way].rounds_count; k++) {
            char what[32];
            (void)snprintf(what, sizeof what, "round%llu", (unsigned long long)k + 1);
            if (!hash_equal(&told[way].words[k], &told[MEMORY].words[k]))
                bench_need(FAIL(CATEGORY_BUG, "round %llu, %s: other words", (unsigned long long)k + 1, names[way]));
            print(what, way, rows, told[way].rounds[k], told[MEMORY].rounds[k], "s");
        }
    }
    postgres_stop();
    scratch_remove(directory);
    return 0;
}

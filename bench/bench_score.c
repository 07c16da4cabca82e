/* Scoring rows with a scorecard of 15 features and 6 classes each: probability, points and reason codes, on one core,
 * once the rows are parsed; against parsing them. */
#include <stdio.h>
#include <stdlib.h>

#include "analytics/json_text.h"
#include "analytics/model.h"
#include "bench/bench.h"

enum { ROWS = 100000, FEATURES = 15, CLASSES = 6 };

struct work {
    struct model model;
    struct table *table;
    char (*texts)[FEATURES][8];
    double total;
};

static struct result write_model(struct buffer *out)
{
    TRY(buffer_text(out, "{\"cofferdam\":1,\"task\":\"scorecard\",\"target\":{\"column\":\"y\",\"positive\":\"1\"},"
                         "\"terms\":[{\"term\":\"(intercept)\",\"estimate\":-1.5}],"
                         "\"points\":{\"base_points\":500,\"reasons\":4},\"features\":["));
    for (int f = 0; f < FEATURES; f++) {
        TRY(buffer_format(out,
                          "%s{\"name\":\"x%d\",\"kind\":\"number\",\"min\":0,\"max\":1000,\"outside\":\"refuse\","
                          "\"missing\":\"refuse\",\"classes\":[",
                          f ? "," : "", f));
        for (int c = 0; c < CLASSES; c++) {
            TRY(buffer_text(out, c ? ",{\"from\":" : "{\"from\":"));
            TRY(c ? buffer_format(out, "%d", c * 1000 / CLASSES) : buffer_text(out, "null"));
            TRY(buffer_text(out, ",\"to\":"));
            TRY(c + 1 < CLASSES ? buffer_format(out, "%d", (c + 1) * 1000 / CLASSES) : buffer_text(out, "null"));
            TRY(buffer_format(out, ",\"rows\":100,\"log_odds\":%.3f,\"points\":%d}", 0.1 * (c - 2), 10 * (2 - c) + f));
        }
        TRY(buffer_text(out, "]}"));
    }
    return buffer_text(out, "]}");
}

static struct result give_hash(struct buffer *text)
{
    json_t *json;
    TRY(json_parse(buffer_view(text), "model.json", &json));
    struct result result = json_put_hash(json);
    buffer_clear(text);
    if (result_ok(result)) result = json_text(json, JSON_COMPACT | JSON_REAL_PRECISION(17), text);
    json_decref(json);
    return result;
}

static void add_rows(const struct work *work, struct table *table)
{
    struct view fields[FEATURES];
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t f = 0; f < FEATURES; f++) fields[f] = view_text(work->texts[row][f]);
        bench_need(table_add_row(table, fields, NULL));
    }
}

static void parse(void *context)
{
    struct work *work = context;
    CLEANUP(table_freep) struct table *table = NULL;
    bench_need(table_new(work->model.specs, FEATURES, ROWS, &table));
    add_rows(work, table);
}

static void score(void *context)
{
    struct work *work = context;
    size_t reasons[PLAN_REASONS_MAX], count;
    double probability, points;
    for (uint64_t row = 0; row < ROWS; row++) {
        bench_need(model_score(&work->model, work->table, row, 1, NULL, &probability));
        bench_need(model_points(&work->model, work->table, row, &points, reasons, &count));
        work->total += probability + points + (double)count; /* so that nothing is left out */
    }
}

int main(void)
{
    struct work work = {0};
    CLEANUP(buffer_done) struct buffer json = {0};
    uint64_t seed = 1;
    bench_need(write_model(&json));
    bench_need(give_hash(&json));
    bench_need(model_parse(buffer_view(&json), "model.json", &work.model));
    work.texts = calloc(ROWS, sizeof *work.texts);
    if (!work.texts) abort();
    for (size_t row = 0; row < ROWS; row++)
        for (size_t f = 0; f < FEATURES; f++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            (void)snprintf(work.texts[row][f], sizeof work.texts[row][f], "%u", (unsigned)(seed >> 33) % 1000);
        }
    bench_need(table_new(work.model.specs, FEATURES, ROWS, &work.table));
    add_rows(&work, work.table);
    struct bench_measure measure = bench_compare(score, parse, &work);
    bench_print(&(struct bench_line){"score_scorecard_15", ROWS / measure.seconds, "rows/s", "parsing the same rows",
                                     measure.speed, 0.15, "min"});
    table_free(work.table);
    model_done(&work.model);
    free(work.texts);
    return work.total > 0 ? 0 : 1;
}

#include "node/check_pushdown.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/cases.h"
#include "node/pushdown.h"
#include "node/pushed.h"

enum { ROUNDS_SHOWN_MAX = 1000 };

struct showing {
    const struct plan *plan;
    const struct odbc_frozen_about *about;
    bool sql, shown;
    uint64_t first; /* step of the rounds that the line is of */
    struct buffer line;
};

static void showing_done(struct showing *showing)
{
    buffer_done(&showing->line);
}

static void print_line(const struct showing *showing, uint64_t end)
{
    char rounds[64];
    if (showing->line.length == 0) return;
    if (end - showing->first == 1)
        (void)snprintf(rounds, sizeof rounds, "round %" PRIu64, end);
    else
        (void)snprintf(rounds, sizeof rounds, "rounds %" PRIu64 " to %" PRIu64, showing->first + 1, end);
    printf("  %-24s %.*s\n", rounds, (int)showing->line.length, (const char *)showing->line.data);
}

static struct result line_of(const struct fold *fold, bool there, size_t statements, const char *why,
                             struct buffer *out)
{
    if (there)
        TRY(buffer_format(out, "in the database, %zu statement%s:", statements, statements == 1 ? "" : "s"));
    else
        TRY(buffer_format(out, "streamed, as of %s:", why));
    for (size_t f = 0; f < fold->layout.fields_count; f++)
        TRY(buffer_format(out, "%s %s", f ? "," : "", fold->layout.fields[f].name));
    return RESULT_OK;
}

/* Rounds that are alike share a line. */
static struct result show_round(struct showing *showing, const struct fold *fold)
{
    CLEANUP(pushed_done) struct pushed pushed = {0};
    CLEANUP(buffer_done) struct buffer line = {0};
    bool there;
    const char *why;
    TRY(pushed_of(fold, showing->about->dialect, showing->about->name, &pushed, &there, &why));
    TRY(line_of(fold, there, pushed.queries.count, why, &line));
    if (view_equal(buffer_view(&line), buffer_view(&showing->line))) return RESULT_OK;
    print_line(showing, fold->step);
    buffer_clear(&showing->line);
    TRY(buffer_append(&showing->line, buffer_view(&line)));
    showing->first = fold->step;
    for (size_t k = 0; showing->sql && there && k < pushed.queries.count; k++)
        printf("    %s;\n", pushed.queries.items[k].text);
    return RESULT_OK;
}

static struct result show_rounds(struct showing *showing, struct table *table)
{
    CLEANUP(fold_done) struct fold fold = {0};
    TRY(cases_hold_out(showing->plan, table));
    TRY(fold_start(showing->plan, task_find(showing->plan->task), &fold));
    while (!fold.finished && fold.step < ROUNDS_SHOWN_MAX) {
        TRY(show_round(showing, &fold));
        const uint64_t count = fold.words; /* of this round */
        uint64_t *words = calloc(count + 1, sizeof *words);
        ENSURE(words, CATEGORY_ENVIRONMENT, "no memory for a contribution");
        struct result result = fold_contribute(&fold, table, 1, words, count);
        if (result_ok(result)) result = fold_advance(&fold, words, count);
        secret_bytes_wipe(words, count * sizeof *words);
        free(words);
        if (!result_ok(result)) { /* few rows may be too few for what the plan wants to know */
            print_line(showing, fold.step + 1);
            printf("  further rounds           cannot be told from these rows alone: %s\n", result_reason());
            return RESULT_OK;
        }
    }
    print_line(showing, fold.step);
    return RESULT_OK;
}

/* The first part of the source will do. */
static struct result show_part(void *context, struct table *table)
{
    struct showing *showing = context;
    if (showing->shown || table->rows == 0) return RESULT_OK;
    TRY(show_rounds(showing, table));
    showing->shown = true;
    return FAIL(CATEGORY_FALSE, "enough is read");
}

static struct result show_plan(const struct config_source *source, const struct plan *plan,
                               const struct odbc_frozen_about *about, bool sql)
{
    CLEANUP(source_options_done) struct source_options options = {0};
    CLEANUP(schema_done) struct schema schema = {0};
    CLEANUP(table_freep) struct table *last = NULL;
    struct join_losses losses; /* told of the source already */
    CLEANUP(showing_done) struct showing showing = {.plan = plan, .about = about, .sql = sql};
    TRY(schema_of(plan, &schema));
    TRY(source_options_of(source, plan->purpose, &options));
    options.csv.leave_out = true; /* what does not fit is told already */
    printf("          as over the first rows of this bank alone:\n");
    struct result result =
        source_read_in_pieces(source, &options.csv, schema.specs, schema.count, plan->rows,
                              (struct csv_pieces){PUSHDOWN_PART_ROWS, &showing, show_part}, &last, &losses);
    if (showing.shown)
        printf("          a round like one before is streamed where that takes less time: once, to know, then by what "
               "they took\n");
    return showing.shown ? RESULT_OK : result;
}

struct result check_pushdown(const struct config_source *source, const struct plan *plan, bool sql)
{
    struct odbc_frozen_about about;
    TRY(pushdown_about(source, &about));
    printf("pushdown  a run's rows are frozen in %s, in %s; %s checks their digest each round\n", about.engine,
           about.own_file ? "a file in the state directory" : about.name,
           about.digests ? "it" : "this node, reading them all,");
    return plan ? show_plan(source, plan, &about, sql) : RESULT_OK;
}

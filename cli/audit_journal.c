/* cofferdam audit journal: what a node says that it did, and whether that holds. */
#include <stdlib.h>
#include <string.h>

#include "cli/bundle_file.h"
#include "cli/journal_budget.h"
#include "cli/journal_compare.h"

struct audit {
    struct roster_file *rosters;
    size_t rosters_count;
    struct journal_book book;
    struct bundle_file bundle;
    struct journal_compare compare;
    struct replay *replay;
    struct buffer bytes; /* of the journal */
    char reason[1024];   /* why it does not hold */
};

static void audit_done(struct audit *audit)
{
    for (size_t i = 0; i < audit->rosters_count; i++) roster_file_done(&audit->rosters[i]);
    free(audit->rosters);
    journal_book_done(&audit->book);
    bundle_file_close(&audit->bundle);
    replay_free(audit->replay);
    buffer_done(&audit->bytes);
}

/* A first roster is signed by all its members; of a later one only whoever has those before can tell. */
static struct result check_signed(const char *path, const struct roster_file *file)
{
    if (file->roster.version != 1) return RESULT_OK;
    return result_at(roster_verify_first(&file->roster), "%s: ", path);
}

static struct result read_rosters(const struct cli_values *paths, struct audit *audit)
{
    audit->rosters = calloc(paths->count, sizeof *audit->rosters);
    ENSURE(audit->rosters, CATEGORY_ENVIRONMENT, "no memory for %zu rosters", paths->count);
    for (; audit->rosters_count < paths->count; audit->rosters_count++) {
        struct result read =
            roster_file_read(paths->items[audit->rosters_count], &audit->rosters[audit->rosters_count]);
        if (result_ok(read))
            read = check_signed(paths->items[audit->rosters_count], &audit->rosters[audit->rosters_count]);
        if (read.category == CATEGORY_FALSE) read.category = CATEGORY_USAGE; /* it is not what is asked about */
        TRY(read);
    }
    audit->book.rosters = audit->rosters;
    audit->book.rosters_count = audit->rosters_count;
    return RESULT_OK;
}

/* The journal, and then the bundle; a failure's reason names which. */
static struct result check(struct audit *audit, const char *journal, const char *bundle)
{
    struct bundle_source source;
    TRY(cli_read(journal, BUFFER_LIMIT, &audit->bytes));
    TRY(result_at(journal_book_read(&audit->book, buffer_view(&audit->bytes)), "%s: ", journal));
    if (!bundle) return RESULT_OK;
    TRY(bundle_file_open(bundle, &audit->bundle, &source));
    return result_at(journal_compare(&audit->book, &source, &audit->compare, &audit->replay), "%s: ", bundle);
}

static const char *verdict(const struct audit *audit, bool holds)
{
    if (!holds) return "DOES NOT HOLD";
    return audit->replay
               ? "HOLDS: the journal is as the node wrote it, and says what the run's bundle proves"
               : "HOLDS: the journal is as the node wrote it. That its end was not cut off, the bundle of its "
                 "latest run shows";
}

static struct result print_json(const struct audit *audit, bool holds)
{
    const struct journal_book *book = &audit->book;
    json_t *budgets = NULL;
    TRY(journal_budget_sources(book->runs, &budgets));
    json_t *json =
        json_pack("{s:b, s:s, s:s, s:I, s:I, s:I, s:O, s:o}", "holds", holds, "verdict", verdict(audit, holds),
                  "member", book->member, "entries", (json_int_t)book->head.entries, "from", (json_int_t)book->earliest,
                  "to", (json_int_t)book->latest, "runs", book->runs, "budgets", budgets);
    if (json && !holds) (void)json_object_set_new(json, "reason", json_string(audit->reason));
    if (json && holds && audit->replay)
        (void)json_object_set_new(
            json, "bundle",
            json_pack("{s:O, s:I, s:I, s:I, s:I, s:I}", "run", json_object_get(audit->compare.run, "run"), "inputs",
                      (json_int_t)audit->compare.inputs, "votes", (json_int_t)audit->compare.votes, "voids",
                      (json_int_t)audit->compare.voids, "steps", (json_int_t)audit->compare.steps, "missing_steps",
                      (json_int_t)audit->compare.missing));
    return cli_print_json(json);
}

static struct result show_head(const struct audit *audit, struct buffer *out)
{
    const struct journal_book *book = &audit->book;
    TRY(buffer_format(out, "\njournal      %llu entries of %s%s\n", (unsigned long long)book->head.entries,
                      book->member[0] ? book->member : "nobody",
                      book->whole ? ""
                                  : "; the line after them does not hold, and what follows is told as they have it"));
    for (size_t i = 0; i < audit->rosters_count; i++) {
        char hex[2 * HASH_BYTES + 1];
        bytes_hex(hash_view(&audit->rosters[i].roster.hash), hex);
        TRY(buffer_format(out, "roster       version %u, fingerprint %s: compare it with the one you know\n",
                          audit->rosters[i].roster.version, hex));
    }
    return RESULT_OK;
}

static struct result print_table(const struct audit *audit, bool holds)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    size_t index;
    const json_t *run;
    TRY(buffer_append(&out, buffer_view(&audit->book.table)));
    TRY(show_head(audit, &out));
    json_array_foreach(audit->book.runs, index, run)
    {
        TRY(journal_show_run(run, &out));
    }
    TRY(journal_budget_show(audit->book.runs, &out));
    if (holds && audit->replay) {
        TRY(buffer_format(&out, "bundle       %s, of run %.12s\n", audit->bundle.path,
                          journal_book_text(audit->compare.run, "run")));
        TRY(journal_compare_show(&audit->compare, audit->replay, &out));
    }
    TRY(buffer_format(&out, "%s\n", verdict(audit, holds)));
    return cli_print(buffer_view(&out));
}

struct result cli_audit_journal(int argc, char **argv)
{
    struct cli_values operands = {0}, rosters = {0};
    const char *bundle = NULL;
    bool as_json = false;
    const struct cli_option options[] = {{.name = "roster", .required = true, .values = &rosters},
                                         {.name = "bundle", .value = &bundle},
                                         {.name = "json", .flag = &as_json},
                                         {0}};
    CLEANUP(audit_done) struct audit audit = {0};
    TRY(cli_parse(argc, argv, options, "JOURNAL", 1, 1, &operands));
    TRY(read_rosters(&rosters, &audit));
    struct result result = check(&audit, operands.items[0], bundle);
    if (!result_ok(result) && result.category != CATEGORY_FALSE) return result;
    bool holds = result_ok(result);
    (void)snprintf(audit.reason, sizeof audit.reason, "%s", holds ? "" : result_reason());
    TRY(as_json ? print_json(&audit, holds) : print_table(&audit, holds));
    return holds ? RESULT_OK : FAIL(CATEGORY_FALSE, "%s", audit.reason);
}

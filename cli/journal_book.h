/* A node's journal as an officer reads it: verified line by line, told as a table, and gathered run by run.
 *
 * What a run's entries say is kept as JSON, since that is what they are: {"run", "plan", "plan_hash", "purpose", ...,
 * "rows", "columns", "reserved": {...}, "charged": [{"step", "rho", "spent"}, ...], "released": {...}, "sent":
 * [{"round", "step", "numbers", "bytes", "root", "header"}, ...], "void", "voted", "closed", "evidence", "state":
 * "open" | "done" | "refused" | "ended", ..., "bundle": {...}, "forgotten": {...}}.
 */
#ifndef CLI_JOURNAL_BOOK_H
#define CLI_JOURNAL_BOOK_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/roster.h"
#include "proto/log/journal.h"

struct journal_book {
    const struct roster_file *rosters; /* borrowed: whose keys may sign */
    size_t rosters_count;
    struct buffer keys;              /* node keys of the bank, an array of struct sign_public; the last signs */
    char member[NAME_MAX_BYTES + 1]; /* whose journal this is; "" until its first entry */
    struct journal_head head;        /* of what holds: */
    bool whole;                      /* all of it */
    uint64_t earliest, latest;
    json_t *runs;        /* array, in the order in which they appear */
    struct buffer table; /* a line an entry */
};
void journal_book_done(struct journal_book *book);
/* All of a journal's bytes. CATEGORY_FALSE with "line N: " and the reason when it does not hold; the book has what
 * stands before. */
MUST_USE struct result journal_book_read(struct journal_book *book, struct view bytes);
json_t *journal_book_run(const struct journal_book *book, const struct hash *id); /* borrowed; or NULL */
/* The member of a list ("sent", "closed", ...) of a run whose `name` is this number; borrowed, or NULL. */
json_t *journal_book_find(const json_t *run, const char *list, const char *name, uint64_t number);
const char *journal_book_text(const json_t *object, const char *name); /* "" where there is none */
uint64_t journal_book_number(const json_t *object, const char *name);  /* 0 where there is none */

/* cli/journal_show.c: an entry as a line of the table; a run's summary. Appended, fit for a terminal. */
MUST_USE struct result journal_show_entry(const struct journal_entry *entry, const json_t *facts, struct buffer *out);
MUST_USE struct result journal_show_run(const json_t *run, struct buffer *out);

#endif

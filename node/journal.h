/* The node's journal (proto/log/journal.h) in DIR/journal.jsonl: what this bank did, for its officers.
 *
 * The store is the truth of what was done, and the journal follows it: an entry is committed to the store together with
 * what it tells of, in one transaction, and then appended to the file, before anything that waits for the commit leaves
 * the node. The store keeps the journal's head, and the last entries until the file has them durably; so a process that
 * dies anywhere finds at its next start what the file must be, and writes what is missing. An entry has a key within
 * its run: what is done again after a restart is told once.
 *
 * A file that is not what the node wrote (changed, cut, or longer than the store knows of) keeps the node from
 * starting.
 */
#ifndef NODE_JOURNAL_H
#define NODE_JOURNAL_H

#include <jansson.h>

#include "crypto/sign.h"
#include "sys/store.h"

#define JOURNAL_FILE "journal.jsonl"
#define JOURNAL_KEY_MAX 120u
#define JOURNAL_NOTES_MAX 16u /* a step of the machine adds a few */

/* Entries to be made. Zeroed is none. */
struct journal_note {
    const struct hash *run;    /* borrowed; NULL: of no run */
    char key[JOURNAL_KEY_MAX]; /* within the run; "": told as often as it happens */
    const char *event;
    json_t *facts;
};
struct journal_notes {
    struct journal_note items[JOURNAL_NOTES_MAX];
    size_t count;
};
void journal_notes_done(struct journal_notes *notes);
/* CATEGORY_ENVIRONMENT when the facts are NULL: out of memory on the way. A key that is among them already is told
 * once.
 */
MUST_USE struct result journal_note(struct journal_notes *notes, const struct hash *run, const char *event,
                                    json_t *take_facts, const char *key, ...) __attribute__((format(printf, 5, 6)));

struct journal;
/* Checks the file against the store, and finishes what a crash left open. Store and key are borrowed.
 * CATEGORY_ENVIRONMENT with the remedy when the file is not what the node wrote. */
MUST_USE struct result journal_open(struct store *store, const char *directory, const struct sign_key *key,
                                    struct journal **ret);
/* In order: from now on the file alone has the last entries too, and a shorter one is refused. Accepts NULL. */
void journal_close(struct journal *journal);
/* A batch of the store and the entries that tell of it, together and durably; then the entries are in the file.
 * Thread-safe. CATEGORY_ENVIRONMENT: the store or the file; the batch may be durable then, and its entries with it. */
MUST_USE struct result journal_commit(struct journal *journal, const struct store_record *records, size_t count,
                                      const struct journal_notes *notes);
/* Does something at a moment at which the file has every entry that the store knows of, and none is added. */
MUST_USE struct result journal_still(struct journal *journal, struct result (*work)(void *context), void *context);
/* Whether the run's entry of this key is made. */
MUST_USE struct result journal_tells(struct journal *journal, const struct hash *run, const char *key, bool *ret);
const char *journal_path(const struct journal *journal);
uint64_t journal_entries(struct journal *journal);

/* Only looks whether the file is what the node wrote. */
MUST_USE struct result journal_check(struct store *store, const char *directory, uint64_t *ret_entries);

#endif

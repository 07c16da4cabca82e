/* A node's journal: what it did, in its own words and under its own key. One line an entry, each with the hash of the
 * line before:
 *
 *   {"entry":7,"time":1763776084,"event":"sent","previous":"HEX","run":"HEX","facts":{...},"signature":"HEX"}
 *
 * Every line is a JSON object in this one spelling; "run" is left out where there is none; entries count from 1, times
 * are seconds since 1970, the first entry's "previous" is zeros. The signature is Ed25519 with the node key over
 * label("journal") ‖ the line up to the comma before "signature"; "previous" is H("journal-entry", the line without its
 * newline). What the facts of an event are is in docs/compliance.md; here they are any JSON object.
 *
 * A line that was changed, dropped, doubled or moved is noticed. A journal that lost its end is a journal still: that
 * is noticed only by who knows a later entry. The node does (its database keeps the head), and so does whoever holds
 * the bundle of a run that the journal should tell of.
 *
 * Nothing here does I/O or knows the time.
 */
#ifndef PROTO_LOG_JOURNAL_H
#define PROTO_LOG_JOURNAL_H

#include "crypto/base/limits.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

#define JOURNAL_EVENT_MAX 15u

/* Where a journal ends. Zeroed: it is empty. */
struct journal_head {
    uint64_t entries;
    struct hash last; /* of the last line */
};

struct journal_entry {
    uint64_t number; /* from 1 */
    uint64_t time;
    char event[JOURNAL_EVENT_MAX + 1]; /* a word of small letters */
    struct hash previous;
    bool has_run;
    struct hash run;
    struct view facts;   /* a JSON object; borrowed */
    struct view covered; /* what is signed; borrowed */
    struct signature signature;
};

/* Appends the next line to out and moves the head. Of the entry, time, event, run and facts are taken. CATEGORY_BUG
 * when they cannot stand in a line; head and out are then as before. */
MUST_USE struct result journal_add(struct journal_head *head, const struct sign_key *key,
                                   const struct journal_entry *entry, struct buffer *out);
/* A line without its newline. CATEGORY_FALSE when it is not spelled as an entry is; the facts' inside is not looked at.
 */
MUST_USE struct result journal_parse(struct view line, struct journal_entry *ret);
/* CATEGORY_FALSE when another key signed it. */
MUST_USE struct result journal_verify(const struct journal_entry *entry, const struct sign_public *key);

/* Reads a journal in pieces, and gives each entry that follows from the one before. It does not look at signatures:
 * `entry` does, who knows which key to expect. Reasons begin with "line N: ", which is also the entry's number. */
struct journal_reader {
    struct journal_head head; /* set it to begin after an entry that is known */
    void *context;
    struct result (*entry)(void *context, const struct journal_entry *entry); /* may be NULL */
    struct buffer partial;                                                    /* the line that a piece ended in */
};
void journal_reader_done(struct journal_reader *reader);
MUST_USE struct result journal_reader_take(struct journal_reader *reader, struct view piece);
/* CATEGORY_FALSE when the last line has no newline. */
MUST_USE struct result journal_reader_end(const struct journal_reader *reader);

#endif

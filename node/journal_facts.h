/* What the node's journal tells: the event and the facts of each kind of entry (docs/compliance.md lists them). Never a
 * row, a value of one, or a number about another bank.
 */
#ifndef NODE_JOURNAL_FACTS_H
#define NODE_JOURNAL_FACTS_H

#include "node/journal.h"
#include "node/part.h"
#include "proto/run/approval.h"

/* Commits of their own: the node has started; a run was offered; its plan is allowed here; its bundle is kept; an
 * evidence file is about to be written (its name, digest and claim). */
MUST_USE struct result journal_started(struct bank *bank);
MUST_USE struct result journal_seen(struct part *part);
MUST_USE struct result journal_approved(struct part *part);
/* An entry for the batch that keeps an officer's word: who said what, and the document as it was signed. */
MUST_USE struct result journal_officer(const struct approval *approval, const char *name, struct view document,
                                       struct journal_notes *notes);
MUST_USE struct result journal_bundle(struct part *part, const struct hash *digest, uint64_t bytes);
MUST_USE struct result journal_evidence(const struct part *part, const char *file, const struct hash *digest,
                                        bool proven, const char *claim);

/* Entries for a batch that the caller commits: the table is frozen; what a step of the machine makes durable; the run
 * is done (digest of its model.json), or has ended here. */
MUST_USE struct result journal_frozen(struct part *part, struct journal_notes *notes);
MUST_USE struct result journal_step(struct part *part, struct journal_notes *notes);
MUST_USE struct result journal_done(struct part *part, const struct hash *model, struct journal_notes *notes);
MUST_USE struct result journal_ended(struct bank *bank, const struct hash *run, const char *reason,
                                     struct journal_notes *notes);
/* A run's files and records go; model and bundle are digests of files that are among them, or NULL. */
MUST_USE struct result journal_forgotten(const struct hash *run, unsigned files, size_t records,
                                         const struct hash *model, const struct hash *bundle,
                                         struct journal_notes *notes);

#define JOURNAL_KEY_BUNDLE "bundle"

#endif

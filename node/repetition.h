/* What a node remembers of the rows that it has released exact sums over, and the rule against subtracting one of them
 * from another (docs/security.md, Subtraction).
 *
 * A run's rows are kept as sketches (node/rows.h): for itself as long as nothing of it has left, under PART_KEY_ROWS;
 * for good from the batch that lets its first input leave, under "daemon/rows/SOURCE/RUN", the first 16 hex digits of
 * H(label "source" ‖ its name) and of the run's id. Runs over the very same rows share one entry. The key of the hashes
 * is made from the state directory's rows.key. Plans with privacy are not asked, and leave nothing here.
 */
#ifndef NODE_REPETITION_H
#define NODE_REPETITION_H

#include "node/part.h"
#include "node/rows.h"

#define REPETITION_KEY_FILE "rows.key"       /* in the state directory, mode 0600 */
#define REPETITION_KEY_PREFIX "daemon/rows/" /* of the node's own records */

/* The key for a source's rows; the secret is made where there is none yet. */
MUST_USE struct result repetition_key(const char *state, const char *source, struct sketch_key **ret);

/* CATEGORY_FALSE when the rows differ by few from those of an earlier run and no officer approves that: the sentence is
 * for this bank alone. Lock held. */
MUST_USE struct result repetition_check(struct bank *bank, const struct submission *submission,
                                        const struct rows *rows);

/* Records for the batch that lets an input leave. */
enum { REPETITION_RECORDS = 2 };
struct repetition_change {
    struct store_record records[REPETITION_RECORDS]; /* they borrow from this struct and from the submission */
    size_t count;
    struct buffer key, value;
};
void repetition_change_done(struct repetition_change *change);
/* At a run's first input: checks once more, since another run may have released its sums meanwhile, and moves what is
 * kept. Nothing at a later one. Fails as repetition_check does. Lock held. */
MUST_USE struct result repetition_charge(struct bank *bank, const struct submission *submission,
                                         struct repetition_change *change);

#endif

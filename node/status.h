/* What a node tells about itself and its runs, as JSON: for `cofferdam-node status` and `cofferdam run ...`. */
#ifndef NODE_STATUS_H
#define NODE_STATUS_H

#include <jansson.h>

#include "node/bank.h"
#include "sys/snapshot.h"

/* {"member", "coordinator", "trouble", "roster_version", ..., "runs": [what this node itself knows]}. */
MUST_USE struct result status_bank(struct bank *bank, json_t **ret);
/* The runs as the coordinator tells them, each with what this node is doing in it ("here"); of this node alone, and
 * "trouble", when the coordinator is not reached. id NULL: all. */
MUST_USE struct result status_runs(struct bank *bank, const struct hash *id, json_t **ret);
/* The first of the two as lines for people. */
MUST_USE struct result status_lines(struct view json, struct buffer *out);

/* The request that a run be forgotten, and its answer as lines for people; a refusal is the failure that it tells. */
MUST_USE struct result forget_request(const char *run, struct buffer *out);
MUST_USE struct result forget_lines(struct view json, struct buffer *out);

/* What the daemon said of the snapshot that a backup asks for: a refusal is the failure that it tells. */
MUST_USE struct result backup_answered(struct view json, struct snapshot_name *ret);
/* The answer to "console" as lines; a refusal is the failure that it tells. */
MUST_USE struct result status_console_lines(struct view json, struct buffer *out);

#endif

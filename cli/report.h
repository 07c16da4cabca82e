/* What a fit says to the person who started it: progress on stderr, a summary on stdout. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* A line at a time: over the line before on a terminal, else one below the other. Zeroed is ready. */
struct progress {
    bool live, open;
};
struct progress progress_start(void);
void progress_line(void *progress, const char *line);
/* Before anything else is said. */
void progress_end(struct progress *progress);

/* Appends a line for each term of a model that has no estimate, and why. */
MUST_USE struct result report_aliased(const json_t *model, struct buffer *out);
/* Appends the summary of a model.json: rounds, rows, log-likelihood, AUC, terms without an estimate. */
MUST_USE struct result report_summary(struct view model, struct buffer *out);

#endif

/* Between score.c and score_metrics.c. */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include "analytics/model.h"
#include "cli/cli.h"
#include "data/csv.h"

/* The model's columns and `count` more after them; the caller frees the array. */
MUST_USE struct result score_specs(const struct model *model, const struct column_spec *more, size_t count,
                                   struct column_spec **ret);
MUST_USE struct result score_spec_name(struct column_spec *spec, const char *name);

/* Prints the measures of a model on the rows of files that have its target: apart for the rows that its own split
 * trains on and holds out. text: the model's file again, for what scoring
 * does not need of it. */
MUST_USE struct result score_metrics(const struct model *model, struct view text, const char *model_path,
                                     const struct cli_values *files, const struct csv_options *options, bool json);

#endif

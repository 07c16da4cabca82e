/* How `cofferdam model show` prints what is not a linear model. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* Under differential privacy: what is promised, and the noise of each sum; nothing for another model. Appended. */
MUST_USE struct result show_privacy(const json_t *model, struct buffer *out);

/* Columns with their moments and quantiles, then each one's bins or levels. Appended. */
MUST_USE struct result show_statistics(const json_t *model, struct buffer *out);

/* The scorecard as a bank prints it: features, classes, points; then what was left out and why. Appended. */
MUST_USE struct result show_scorecard(const json_t *model, struct buffer *out);

/* Measures of the models, their difference, bands and cut-offs. Appended. */
MUST_USE struct result show_evaluation(const json_t *root, struct buffer *out);

/* For these: what a class or bin covers, "18 to below 25", "a, b", with missing values where it holds them; and a
 * number with so many significant digits, or a dash. */
MUST_USE struct result show_range(const json_t *cell, const char *missing, struct buffer *out);
MUST_USE struct result show_number(int digits, int width, double value, struct buffer *out);
int show_widest(const json_t *items, const char *key);

#endif

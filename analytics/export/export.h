/* Models in the formats that scoring engines read. What every format does with a value:
 *
 *   missing        filled, or its class's or level's, where the model has a rule; else the row has no score
 *   outside        moved to the bound, or missing, where the model says so; else the row has no score
 *   unseen level   "other" where the model has it; else the row has no score
 *
 * A row without a score is NULL in SQL, NaN in ONNX, and the result that the engine calls invalid in PMML
 * (returnInvalid). A feature that has the name of something an export computes is CATEGORY_USAGE.
 */
#ifndef ANALYTICS_EXPORT_EXPORT_H
#define ANALYTICS_EXPORT_EXPORT_H

#include "analytics/model.h"

/* Texts that say where a model is from; they become comments and headers. */
struct export_source {
    const char *plan, *plan_hash, *version;
};

/* One SELECT over `table`: its columns, log_odds, probability; of a scorecard also points and each feature's
 * points_NAME. In the SQL that SQLite (with math functions) and PostgreSQL share. Columns hold numbers, or texts as the
 * plan has levels; NULL is a missing value. Appended. */
MUST_USE struct result export_sql(const struct model *model, struct export_source source, const char *table,
                                  struct buffer *out);
/* PMML 4.4 (dmg.org): a RegressionModel whose derived fields are the parts of the log-odds; or a Scorecard with reason
 * codes. Appended. */
MUST_USE struct result export_pmml(const struct model *model, struct export_source source, struct buffer *out);

/* ONNX (IR version 8, operators 13, ai.onnx.ml 2): an input [rows, 1] for each feature, double or text, NaN or an empty
 * text when missing; outputs [rows, 1] probability and log_odds, of a scorecard also points and points_by_feature
 * [rows, features]. Appended. */
MUST_USE struct result export_onnx(const struct model *model, struct export_source source, struct buffer *out);

/* For the writers. */
MUST_USE struct result export_check_names(const struct model *model);
/* A number that reads as the same double again and never as an integer. */
MUST_USE struct result export_number(double value, struct buffer *out);

#endif

/* The model as one SELECT: the innermost level cleans each column, the next gives each feature's part, the outer ones
 * add up. */
#include "analytics/export/export.h"

/* A text between quotes, each quote within twice. */
static struct result quoted(char quote, const char *before, const char *text, struct buffer *out)
{
    TRY(buffer_u8(out, (uint8_t)quote));
    for (const char *part = before; *part; part++) TRY(buffer_u8(out, (uint8_t)*part));
    for (; *text; text++) {
        if (*text == quote) TRY(buffer_u8(out, (uint8_t)quote));
        TRY(buffer_u8(out, (uint8_t)*text));
    }
    return buffer_u8(out, (uint8_t)quote);
}

static struct result column(const char *before, const struct column_spec *spec, struct buffer *out)
{
    return quoted('"', before, spec->name, out);
}

/* The number of a row, NULL when it is missing: bounds applied. A row that must be refused is NULL further out. */
static struct result clean_number(const struct column_spec *spec, struct buffer *out)
{
    TRY(buffer_text(out, "CASE WHEN CAST("));
    TRY(column("", spec, out));
    TRY(buffer_text(out, " AS DOUBLE PRECISION) < "));
    TRY(export_number(spec->minimum, out));
    TRY(buffer_text(out, " THEN "));
    TRY(spec->outside == COLUMN_OUTSIDE_CLAMP ? export_number(spec->minimum, out) : buffer_text(out, "NULL"));
    TRY(buffer_text(out, " WHEN CAST("));
    TRY(column("", spec, out));
    TRY(buffer_text(out, " AS DOUBLE PRECISION) > "));
    TRY(export_number(spec->maximum, out));
    TRY(buffer_text(out, " THEN "));
    TRY(spec->outside == COLUMN_OUTSIDE_CLAMP ? export_number(spec->maximum, out) : buffer_text(out, "NULL"));
    TRY(buffer_text(out, " ELSE CAST("));
    TRY(column("", spec, out));
    return buffer_text(out, " AS DOUBLE PRECISION) END");
}

static struct result clean(const struct column_spec *spec, struct buffer *out)
{
    TRY(buffer_text(out, ",\n         "));
    if (spec->kind == COLUMN_NUMBER) {
        TRY(clean_number(spec, out));
    } else {
        TRY(buffer_text(out, "CAST("));
        TRY(column("", spec, out));
        TRY(buffer_text(out, " AS TEXT)"));
    }
    TRY(buffer_text(out, " AS "));
    return column("v_", spec, out);
}

/* A value outside its bounds that the model refuses, where missing ones have a rule of their own. */
static struct result refuse_outside(const struct column_spec *spec, struct buffer *out)
{
    if (spec->outside != COLUMN_OUTSIDE_REFUSE || !spec->missing_allowed) return RESULT_OK;
    TRY(buffer_text(out, "WHEN "));
    TRY(column("v_", spec, out));
    TRY(buffer_text(out, " IS NULL AND "));
    TRY(column("", spec, out));
    return buffer_text(out, " IS NOT NULL THEN NULL ");
}

/* "(x - mean) * (1/sd) * estimate", as scoring does it. */
static struct result linear(const struct model_feature *feature, const struct column_spec *spec, struct buffer *out)
{
    TRY(buffer_text(out, "CASE "));
    TRY(refuse_outside(spec, out));
    TRY(buffer_text(out, "WHEN TRUE THEN ("));
    if (spec->missing_allowed) TRY(buffer_text(out, "COALESCE("));
    TRY(column("v_", spec, out));
    if (spec->missing_allowed) {
        TRY(buffer_text(out, ", "));
        TRY(export_number(feature->fill, out));
        TRY(buffer_text(out, ")"));
    }
    TRY(buffer_text(out, " - ("));
    TRY(export_number(feature->mean, out));
    TRY(buffer_text(out, ")) * "));
    TRY(export_number(feature->inverse, out));
    TRY(buffer_text(out, " * ("));
    TRY(export_number(feature->estimate, out));
    return buffer_text(out, ") END");
}

static struct result classes(const struct model_feature *feature, const struct column_spec *spec, const double *values,
                             struct buffer *out)
{
    TRY(buffer_text(out, "CASE "));
    TRY(refuse_outside(spec, out));
    TRY(buffer_text(out, "WHEN "));
    TRY(column("v_", spec, out));
    TRY(buffer_text(out, " IS NULL THEN "));
    TRY(spec->missing_allowed ? export_number(values[feature->edges_count + 1], out) : buffer_text(out, "NULL"));
    for (size_t e = 0; e < feature->edges_count; e++) {
        TRY(buffer_text(out, " WHEN "));
        TRY(column("v_", spec, out));
        TRY(buffer_text(out, " < "));
        TRY(export_number(feature->edges[e], out));
        TRY(buffer_text(out, " THEN "));
        TRY(export_number(values[e], out));
    }
    TRY(buffer_text(out, " ELSE "));
    TRY(export_number(values[feature->edges_count], out));
    return buffer_text(out, " END");
}

static struct result levels(const struct model_feature *feature, const struct column_spec *spec, const double *values,
                            struct buffer *out)
{
    TRY(buffer_text(out, "CASE WHEN "));
    TRY(column("v_", spec, out));
    TRY(buffer_text(out, " IS NULL THEN "));
    TRY(spec->missing_allowed ? export_number(values[spec->levels_count], out) : buffer_text(out, "NULL"));
    for (size_t level = 0; level < spec->levels_count; level++) {
        TRY(buffer_text(out, " WHEN "));
        TRY(column("v_", spec, out));
        TRY(buffer_text(out, " = "));
        TRY(quoted('\'', "", feature->levels[level], out));
        TRY(buffer_text(out, " THEN "));
        TRY(export_number(values[level], out));
    }
    TRY(buffer_text(out, " ELSE "));
    TRY(spec->other_allowed ? export_number(values[feature->levels_count - 1], out) : buffer_text(out, "NULL"));
    return buffer_text(out, " END");
}

static struct result part(const struct model *model, size_t f, const char *prefix, bool points, struct buffer *out)
{
    const struct model_feature *feature = &model->features[f];
    const struct column_spec *spec = &model->specs[f];
    const double *values = points ? feature->points : feature->estimates;
    TRY(buffer_text(out, ",\n       "));
    TRY(!feature->number   ? levels(feature, spec, values, out)
        : model->scorecard ? classes(feature, spec, values, out)
                           : linear(feature, spec, out));
    TRY(buffer_text(out, " AS "));
    return column(prefix, spec, out);
}

/* base + f1 + f2 + ..., from the left as scoring adds. */
static struct result total(const struct model *model, double base, const char *prefix, const char *name,
                           struct buffer *out)
{
    TRY(buffer_text(out, ",\n       "));
    TRY(export_number(base, out));
    for (size_t f = 0; f < model->features_count; f++) {
        TRY(buffer_text(out, " + "));
        TRY(column(prefix, &model->specs[f], out));
    }
    return buffer_format(out, " AS %s", name);
}

/* A comment stays one. */
static struct result comment(const char *text, struct buffer *out)
{
    for (; *text; text++) TRY(buffer_u8(out, *text == '\n' || *text == '\r' ? ' ' : (uint8_t)*text));
    return RESULT_OK;
}

struct result export_sql(const struct model *model, struct export_source source, const char *table, struct buffer *out)
{
    TRY(export_check_names(model));
    TRY(buffer_format(out, "-- %s of plan ", model->scorecard ? "Scorecard" : "Logistic model"));
    TRY(comment(source.plan, out));
    TRY(buffer_text(out, ", hash "));
    TRY(comment(source.plan_hash, out));
    TRY(buffer_text(out, "; model "));
    TRY(comment(model->hash, out));
    TRY(buffer_format(out, "; written by cofferdam %s.\n-- The probability of ", source.version));
    TRY(comment(model->target, out));
    TRY(buffer_text(out, " = "));
    TRY(comment(model->positive, out));
    TRY(buffer_text(out, "; NULL for a row that the model refuses.\nSELECT scored.*, 1.0 / (1.0 + EXP(-log_odds)) AS "
                         "probability\nFROM (SELECT parts.*"));
    TRY(total(model, model->intercept, "odds_", "log_odds", out));
    if (model->scorecard) TRY(total(model, model->base_points, "points_", "points", out));
    TRY(buffer_text(out, "\nFROM (SELECT clean.*"));
    for (size_t f = 0; f < model->features_count; f++) {
        TRY(part(model, f, "odds_", false, out));
        if (model->scorecard) TRY(part(model, f, "points_", true, out));
    }
    TRY(buffer_text(out, "\nFROM (SELECT source.*"));
    for (size_t f = 0; f < model->features_count; f++) TRY(clean(&model->specs[f], out));
    TRY(buffer_text(out, "\n      FROM "));
    TRY(quoted('"', "", table, out));
    return buffer_text(out, " AS source) AS clean) AS parts) AS scored;\n");
}

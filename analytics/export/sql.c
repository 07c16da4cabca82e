/* The model as one SELECT. Each output is a scalar subquery over the row: its innermost level makes a number or the
 * index of a class or level of each column, the next each feature's part, the outer ones add up. Names inside are
 * numbered and no column of the table is in their scope but by name, so that none can be taken for another. */
#include <stdio.h>
#include <string.h>

#include "analytics/export/export.h"
#include "analytics/profile.h"

enum { TABLE_NAME_MAX = 256 };

static const double *values_of(const struct model_feature *feature, bool points)
{
    return points ? feature->points : feature->estimates;
}

/* A text between quotes, each quote within twice. */
static struct result quoted(char quote, const char *before, const char *text, struct buffer *out)
{
    TRY(buffer_u8(out, (uint8_t)quote));
    TRY(buffer_text(out, before));
    for (; *text; text++) {
        if (*text == quote) TRY(buffer_u8(out, (uint8_t)quote));
        TRY(buffer_u8(out, (uint8_t)*text));
    }
    return buffer_u8(out, (uint8_t)quote);
}

/* The table's column, as a number or as a text. */
static struct result column(const struct column_spec *spec, struct buffer *out)
{
    TRY(buffer_text(out, "CAST(source."));
    TRY(quoted('"', "", spec->name, out));
    return buffer_text(out, spec->kind == COLUMN_NUMBER ? " AS DOUBLE PRECISION)" : " AS TEXT)");
}

static struct result when(const struct column_spec *spec, const char *operation, double value, struct buffer *out)
{
    TRY(buffer_text(out, " WHEN "));
    TRY(column(spec, out));
    TRY(buffer_format(out, " %s ", operation));
    TRY(export_number(value, out));
    return buffer_text(out, " THEN ");
}

/* What stands for a value: a number, or an index; NULL: the row is refused. */
struct stand_in {
    bool refused, index;
    double number;
    size_t place;
};

static struct result put(struct stand_in of, struct buffer *out)
{
    if (of.refused) return buffer_text(out, "NULL");
    return of.index ? buffer_format(out, "%zu", of.place) : export_number(of.number, out);
}

/* A number of the row: itself, or in a scorecard which class it is in. */
static struct result clean_number(const struct model *model, size_t f, struct buffer *out)
{
    const struct model_feature *feature = &model->features[f];
    const struct column_spec *spec = &model->specs[f];
    const struct stand_in missing = {!spec->missing_allowed, model->scorecard, feature->fill, feature->edges_count + 1};
    struct stand_in low = missing, high = missing;
    if (spec->outside == COLUMN_OUTSIDE_REFUSE) low.refused = high.refused = true;
    if (spec->outside == COLUMN_OUTSIDE_CLAMP) {
        low = (struct stand_in){false, model->scorecard, spec->minimum, 0};
        high = (struct stand_in){false, model->scorecard, spec->maximum, feature->edges_count};
    }
    TRY(buffer_text(out, "CASE WHEN "));
    TRY(column(spec, out));
    TRY(buffer_text(out, " IS NULL THEN "));
    TRY(put(missing, out));
    for (size_t k = 0; k < feature->specials_count; k++) {
        TRY(when(spec, "=", feature->specials[k], out));
        TRY(buffer_format(out, "%zu", feature->edges_count + 2 + k));
    }
    TRY(when(spec, "<", spec->minimum, out));
    TRY(put(low, out));
    TRY(when(spec, ">", spec->maximum, out));
    TRY(put(high, out));
    for (size_t e = 0; e < feature->edges_count; e++) {
        TRY(when(spec, "<", feature->edges[e], out));
        TRY(buffer_format(out, "%zu", e));
    }
    TRY(buffer_text(out, " ELSE "));
    TRY(model->scorecard ? buffer_format(out, "%zu", feature->edges_count) : column(spec, out));
    return buffer_text(out, " END");
}

/* Which level the row has. */
static struct result clean_level(const struct model *model, size_t f, struct buffer *out)
{
    const struct model_feature *feature = &model->features[f];
    const struct column_spec *spec = &model->specs[f];
    TRY(buffer_text(out, "CASE WHEN "));
    TRY(column(spec, out));
    TRY(buffer_text(out, " IS NULL THEN "));
    TRY(put((struct stand_in){!spec->missing_allowed, true, 0, spec->levels_count}, out));
    for (size_t level = 0; level < spec->levels_count; level++) {
        TRY(buffer_text(out, " WHEN "));
        TRY(column(spec, out));
        TRY(buffer_text(out, " = "));
        TRY(quoted('\'', "", feature->levels[level], out));
        TRY(buffer_format(out, " THEN %zu", level));
    }
    TRY(buffer_text(out, " ELSE "));
    TRY(put((struct stand_in){!spec->other_allowed, true, 0, feature->levels_count - 1}, out));
    return buffer_text(out, " END");
}

static struct result clean(const struct model *model, size_t f, struct buffer *out)
{
    TRY(model->features[f].number ? clean_number(model, f, out) : clean_level(model, f, out));
    return buffer_format(out, " AS v%zu", f + 1);
}

/* "(x - mean) * (1/sd)", as scoring does it. */
static struct result standardised(const struct model *model, size_t f, struct buffer *out)
{
    TRY(buffer_format(out, "(v%zu - (", f + 1));
    TRY(export_number(model->features[f].mean, out));
    TRY(buffer_text(out, ")) * "));
    return export_number(model->features[f].inverse, out);
}

static struct result part(const struct model *model, size_t f, bool points, struct buffer *out)
{
    const struct model_feature *feature = &model->features[f];
    const double *values = values_of(feature, points);
    if (feature->number && !model->scorecard) {
        TRY(standardised(model, f, out));
        TRY(buffer_text(out, " * ("));
        TRY(export_number(feature->estimate, out));
        return buffer_u8(out, ')');
    }
    size_t count = model_attributes(feature);
    TRY(buffer_format(out, "CASE v%zu", f + 1));
    for (size_t k = 0; k < count; k++) {
        TRY(buffer_format(out, " WHEN %zu THEN ", k));
        TRY(export_number(values[k], out));
    }
    return buffer_text(out, " END");
}

static struct result hinge(const struct model *model, const struct model_derived *derived, struct buffer *out)
{
    TRY(buffer_text(out, "CASE WHEN "));
    TRY(standardised(model, derived->feature, out));
    TRY(buffer_text(out, " > "));
    TRY(export_number(derived->knot, out));
    TRY(buffer_text(out, " THEN ("));
    TRY(standardised(model, derived->feature, out));
    TRY(buffer_text(out, " - ("));
    TRY(export_number(derived->knot, out));
    TRY(buffer_text(out, ")) * ("));
    TRY(export_number(derived->estimates[0], out));
    return buffer_text(out, ") ELSE 0.0 END");
}

/* Numbers of a product one after another, then the estimate of its levels. */
static struct result product(const struct model *model, const struct model_derived *derived, struct buffer *out)
{
    const size_t parts[] = {derived->feature, derived->with};
    bool level[2];
    for (size_t i = 0; i < 2; i++) {
        level[i] = !model->features[parts[i]].number;
        if (level[i]) continue;
        TRY(buffer_u8(out, '('));
        TRY(standardised(model, parts[i], out));
        TRY(buffer_text(out, ") * "));
    }
    if (level[0] && level[1])
        TRY(buffer_format(out, "CASE v%zu * %zu + v%zu", parts[0] + 1, derived->widths[1], parts[1] + 1));
    else if (level[0] || level[1])
        TRY(buffer_format(out, "CASE v%zu", parts[level[0] ? 0 : 1] + 1));
    else
        return export_number(derived->estimates[0], out);
    for (size_t k = 0; k < derived->widths[0] * derived->widths[1]; k++) {
        if (derived->estimates[k] == 0) continue;
        TRY(buffer_format(out, " WHEN %zu THEN ", k));
        TRY(export_number(derived->estimates[k], out));
    }
    return buffer_text(out, " ELSE 0.0 END");
}

/* "FROM (SELECT ... AS v1, ... AS v2) AS clean" */
static struct result from_clean(const struct model *model, size_t first, size_t count, struct buffer *out)
{
    TRY(buffer_text(out, "\n      FROM (SELECT "));
    for (size_t f = first; f < first + count; f++) {
        if (f > first) TRY(buffer_text(out, ",\n             "));
        TRY(clean(model, f, out));
    }
    return buffer_text(out, ") AS clean");
}

/* base + first + second + ..., from the left as scoring adds. */
static struct result total(const struct model *model, bool points, struct buffer *out)
{
    size_t derived = points ? 0 : model->derived_count;
    TRY(buffer_text(out, "(SELECT "));
    TRY(export_number(points ? model->base_points : model->intercept, out));
    for (size_t p = 0; p < model->features_count + derived; p++) TRY(buffer_format(out, " + p%zu", p + 1));
    TRY(buffer_text(out, " AS total\n    FROM (SELECT "));
    for (size_t f = 0; f < model->features_count; f++) {
        if (f > 0) TRY(buffer_text(out, ",\n           "));
        TRY(part(model, f, points, out));
        TRY(buffer_format(out, " AS p%zu", f + 1));
    }
    for (size_t d = 0; d < derived; d++) {
        const struct model_derived *of = &model->derived[d];
        TRY(buffer_text(out, ",\n           "));
        TRY(of->with == SIZE_MAX ? hinge(model, of, out) : product(model, of, out));
        TRY(buffer_format(out, " AS p%zu", model->features_count + d + 1));
    }
    TRY(from_clean(model, 0, model->features_count, out));
    return buffer_text(out, ") AS parts)");
}

static struct result feature_points(const struct model *model, size_t f, struct buffer *out)
{
    TRY(buffer_text(out, "  (SELECT "));
    TRY(part(model, f, true, out));
    TRY(from_clean(model, f, 1, out));
    TRY(buffer_text(out, ") AS "));
    TRY(quoted('"', "points_", model->specs[f].name, out));
    return buffer_text(out, ",\n");
}

/* A comment stays one. */
static struct result comment(const char *text, struct buffer *out)
{
    for (; *text; text++) TRY(buffer_u8(out, *text == '\n' || *text == '\r' ? ' ' : (uint8_t)*text));
    return RESULT_OK;
}

static struct result head(const struct model *model, struct export_source source, struct buffer *out)
{
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
    return buffer_text(out, "; NULL for a row that the model refuses.\n");
}

/* "schema.table": each part between quotes. */
static struct result put_table(const char *table, struct buffer *out)
{
    while (*table) {
        char part[TABLE_NAME_MAX];
        size_t length = strcspn(table, ".");
        ENSURE(length > 0 && length < sizeof part && (!table[length] || table[length + 1]), CATEGORY_USAGE,
               "--table is not a name, or a schema's and a table's with a dot between");
        memcpy(part, table, length);
        part[length] = 0;
        TRY(quoted('"', "", part, out));
        if (table[length]) TRY(buffer_u8(out, '.'));
        table += length + (table[length] ? 1 : 0);
    }
    return RESULT_OK;
}

struct result export_sql(const struct model *model, struct export_source source, const char *table, struct buffer *out)
{
    TRY(export_check_names(model));
    TRY(head(model, source, out));
    TRY(buffer_text(out, "SELECT\n  (SELECT 1.0 / (1.0 + EXP(-total)) FROM "));
    TRY(total(model, false, out));
    TRY(buffer_text(out, " AS sum) AS probability,\n  "));
    TRY(total(model, false, out));
    TRY(buffer_text(out, " AS log_odds,\n"));
    if (model->scorecard) {
        TRY(buffer_text(out, "  "));
        TRY(total(model, true, out));
        TRY(buffer_text(out, " AS points,\n"));
        for (size_t f = 0; f < model->features_count; f++) TRY(feature_points(model, f, out));
    }
    TRY(buffer_text(out, "  source.*\nFROM "));
    TRY(put_table(table, out));
    return buffer_text(out, " AS source;\n");
}

/* PMML 4.4. Values are judged by the mining schema (missing, outside, invalid), as the standard has it:
 * docs/exports.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/export/export.h"

/* Text of an attribute or element. */
static struct result escaped(const char *text, struct buffer *out)
{
    for (; *text; text++) {
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '"' ? "&quot;"
                                            : NULL;
        TRY(entity ? buffer_text(out, entity) : buffer_u8(out, (uint8_t)*text));
    }
    return RESULT_OK;
}

static struct result attribute(const char *name, const char *text, struct buffer *out)
{
    TRY(buffer_format(out, " %s=\"", name));
    TRY(escaped(text, out));
    return buffer_u8(out, '"');
}

static struct result number(const char *name, double value, struct buffer *out)
{
    return buffer_format(out, " %s=\"%.17g\"", name, value == 0 ? 0 : value);
}

/* A number that is refused outside its bounds is valid within; a category without "other" among its levels. */
static struct result data_field(const struct model_feature *feature, const struct column_spec *spec, struct buffer *out)
{
    bool is_number = spec->kind == COLUMN_NUMBER;
    TRY(buffer_text(out, "    <DataField"));
    TRY(attribute("name", spec->name, out));
    TRY(buffer_format(out, " optype=\"%s\" dataType=\"%s\"", is_number ? "continuous" : "categorical",
                      is_number ? "double" : "string"));
    if (is_number ? spec->outside != COLUMN_OUTSIDE_REFUSE : spec->other_allowed) return buffer_text(out, "/>\n");
    TRY(buffer_text(out, ">\n"));
    if (is_number) {
        TRY(buffer_text(out, "      <Interval closure=\"closedClosed\""));
        TRY(number("leftMargin", spec->minimum, out));
        TRY(number("rightMargin", spec->maximum, out));
        TRY(buffer_text(out, "/>\n"));
    }
    for (size_t k = 0; k < feature->specials_count; k++) {
        TRY(buffer_text(out, "      <Value"));
        TRY(number("value", feature->specials[k], out));
        TRY(buffer_text(out, "/>\n"));
    }
    for (size_t level = 0; !is_number && level < spec->levels_count; level++) {
        TRY(buffer_text(out, "      <Value"));
        TRY(attribute("value", feature->levels[level], out));
        TRY(buffer_text(out, "/>\n"));
    }
    return buffer_text(out, "    </DataField>\n");
}

static struct result mining_field(const struct model *model, size_t f, struct buffer *out)
{
    const struct model_feature *feature = &model->features[f];
    const struct column_spec *spec = &model->specs[f];
    TRY(buffer_text(out, "      <MiningField"));
    TRY(attribute("name", spec->name, out));
    TRY(buffer_text(out, " usageType=\"active\" invalidValueTreatment=\"returnInvalid\""));
    /* With special codes, which may lie outside the bounds, the classes themselves say what becomes of others there. */
    if (spec->kind == COLUMN_NUMBER && spec->outside != COLUMN_OUTSIDE_REFUSE && feature->specials_count == 0) {
        TRY(buffer_format(out, " outliers=\"%s\"",
                          spec->outside == COLUMN_OUTSIDE_CLAMP ? "asExtremeValues" : "asMissingValues"));
        TRY(number("lowValue", spec->minimum, out));
        TRY(number("highValue", spec->maximum, out));
    }
    if (!spec->missing_allowed) TRY(buffer_text(out, " missingValueTreatment=\"returnInvalid\""));
    if (spec->missing_allowed && feature->number && !model->scorecard) {
        TRY(buffer_text(out, " missingValueTreatment=\"asValue\""));
        TRY(number("missingValueReplacement", feature->fill, out));
    }
    return buffer_text(out, "/>\n");
}

static struct result schema(const struct model *model, struct buffer *out)
{
    TRY(buffer_text(out, "    <MiningSchema>\n"));
    for (size_t f = 0; f < model->features_count; f++) TRY(mining_field(model, f, out));
    return buffer_text(out, "    </MiningSchema>\n");
}

/* ---- regression */

/* Names of the derived fields must be none of the columns': no plan has a name with "=" in it. */
static struct result part_name(size_t f, struct buffer *out)
{
    return buffer_format(out, "=part%zu", f + 1);
}

static struct result derived_number(const struct model_feature *feature, const struct column_spec *spec,
                                    struct buffer *out)
{
    TRY(buffer_text(out, "        <Apply function=\"*\">\n          <Apply function=\"-\">\n            <FieldRef"));
    TRY(attribute("field", spec->name, out));
    TRY(buffer_format(out, "/>\n            <Constant dataType=\"double\">%.17g</Constant>\n          </Apply>\n",
                      feature->mean));
    return buffer_format(out, "          <Constant dataType=\"double\">%.17g</Constant>\n        </Apply>\n",
                         feature->inverse);
}

/* A number for each level. */
static struct result derived_levels(const struct model_feature *feature, const struct column_spec *spec,
                                    const double *values, struct buffer *out)
{
    TRY(buffer_text(out, "        <MapValues outputColumn=\"part\" dataType=\"double\""));
    if (spec->missing_allowed) TRY(number("mapMissingTo", values[spec->levels_count], out));
    if (spec->other_allowed) TRY(number("defaultValue", values[(feature->levels_count - 1)], out));
    TRY(buffer_text(out, ">\n          <FieldColumnPair column=\"level\""));
    TRY(attribute("field", spec->name, out));
    TRY(buffer_text(out, "/>\n          <InlineTable>\n"));
    for (size_t level = 0; level < spec->levels_count; level++) {
        TRY(buffer_text(out, "            <row><level>"));
        TRY(escaped(feature->levels[level], out));
        TRY(buffer_format(out, "</level><part>%.17g</part></row>\n", values[level]));
    }
    return buffer_text(out, "          </InlineTable>\n        </MapValues>\n");
}

static struct result open_derived(size_t d, const char *suffix, size_t level, struct buffer *out)
{
    return buffer_format(out,
                         "      <DerivedField name=\"=derived%zu%s%zu\" optype=\"continuous\" "
                         "dataType=\"double\">\n",
                         d + 1, suffix, level);
}

static struct result derived_hinge(const struct model *model, size_t d, struct buffer *out)
{
    TRY(open_derived(d, ".", 0, out));
    TRY(buffer_text(
        out, "        <Apply function=\"max\">\n          <Apply function=\"-\">\n            <FieldRef field=\""));
    TRY(part_name(model->derived[d].feature, out));
    TRY(buffer_format(out,
                      "\"/>\n            <Constant dataType=\"double\">%.17g</Constant>\n          </Apply>\n"
                      "          <Constant dataType=\"double\">0</Constant>\n        </Apply>\n",
                      model->derived[d].knot));
    return buffer_text(out, "      </DerivedField>\n");
}

/* Of two categories: for each level of the first whether the row has it, and what the second's levels then add. Of one:
 * what its levels add for each unit of the number. */
static struct result derived_product(const struct model *model, size_t d, struct buffer *out)
{
    const struct model_derived *derived = &model->derived[d];
    const struct model_feature *a = &model->features[derived->feature], *b = &model->features[derived->with];
    size_t width = derived->widths[1];
    for (size_t level = 0; level < derived->widths[0] && !b->number; level++) {
        TRY(open_derived(d, ".", level, out));
        TRY(derived_levels(b, &model->specs[derived->with], derived->estimates + level * width, out));
        TRY(buffer_text(out, "      </DerivedField>\n"));
        if (a->number) return RESULT_OK;
        double *own = calloc(derived->widths[0], sizeof *own);
        ENSURE(own, CATEGORY_ENVIRONMENT, "out of memory for an export");
        own[level] = 1;
        struct result result = open_derived(d, ".is", level, out);
        if (result_ok(result)) result = derived_levels(a, &model->specs[derived->feature], own, out);
        free(own);
        TRY(result);
        TRY(buffer_text(out, "      </DerivedField>\n"));
    }
    if (a->number || !b->number) return RESULT_OK;
    TRY(open_derived(d, ".", 0, out));
    TRY(derived_levels(a, &model->specs[derived->feature], derived->estimates, out));
    return buffer_text(out, "      </DerivedField>\n");
}

static struct result transformations(const struct model *model, struct buffer *out)
{
    TRY(buffer_text(out, "    <LocalTransformations>\n"));
    for (size_t f = 0; f < model->features_count; f++) {
        TRY(buffer_text(out, "      <DerivedField name=\""));
        TRY(part_name(f, out));
        TRY(buffer_text(out, "\" optype=\"continuous\" dataType=\"double\">\n"));
        TRY(model->features[f].number
                ? derived_number(&model->features[f], &model->specs[f], out)
                : derived_levels(&model->features[f], &model->specs[f], model->features[f].estimates, out));
        TRY(buffer_text(out, "      </DerivedField>\n"));
    }
    for (size_t d = 0; d < model->derived_count; d++)
        TRY(model->derived[d].with == SIZE_MAX ? derived_hinge(model, d, out) : derived_product(model, d, out));
    return buffer_text(out, "    </LocalTransformations>\n");
}

static struct result reference(const char *suffix, size_t d, size_t level, struct buffer *out)
{
    return buffer_format(out, "        <FieldRef field=\"=derived%zu%s%zu\"/>\n", d + 1, suffix, level);
}

static struct result part_reference(size_t f, struct buffer *out)
{
    TRY(buffer_text(out, "        <FieldRef field=\""));
    TRY(part_name(f, out));
    return buffer_text(out, "\"/>\n");
}

static struct result predictor_terms(const struct model *model, size_t d, struct buffer *out)
{
    const struct model_derived *derived = &model->derived[d];
    bool a_number = model->features[derived->feature].number;
    bool b_number = derived->with != SIZE_MAX && model->features[derived->with].number;
    bool both = derived->with != SIZE_MAX && !a_number && !b_number;
    bool plain = derived->with == SIZE_MAX || (a_number && b_number);
    for (size_t level = 0; level < (both ? derived->widths[0] : 1); level++) {
        TRY(buffer_text(out, "      <PredictorTerm"));
        TRY(number("coefficient", plain ? derived->estimates[0] : 1, out));
        TRY(buffer_text(out, ">\n"));
        if (a_number && derived->with != SIZE_MAX) TRY(part_reference(derived->feature, out));
        if (b_number) TRY(part_reference(derived->with, out));
        if (both) TRY(reference(".is", d, level, out));
        if (!a_number || !b_number) TRY(reference(".", d, level, out));
        TRY(buffer_text(out, "      </PredictorTerm>\n"));
    }
    return RESULT_OK;
}

/* Two categories: the positive value with the predictors, the other with nothing; the logit link between them. */
static struct result regression(const struct model *model, struct buffer *out)
{
    TRY(buffer_text(out, "  <RegressionModel functionName=\"classification\" normalizationMethod=\"logit\">\n"));
    TRY(schema(model, out));
    TRY(buffer_text(out,
                    "    <Output>\n      <OutputField name=\"probability\" optype=\"continuous\" dataType=\"double\" "
                    "feature=\"probability\" value=\"positive\"/>\n    </Output>\n"));
    TRY(transformations(model, out));
    TRY(buffer_format(out, "    <RegressionTable intercept=\"%.17g\" targetCategory=\"positive\">\n",
                      model->intercept));
    for (size_t f = 0; f < model->features_count; f++) {
        TRY(buffer_text(out, "      <NumericPredictor name=\""));
        TRY(part_name(f, out));
        TRY(buffer_u8(out, '"'));
        TRY(number("coefficient", model->features[f].number ? model->features[f].estimate : 1, out));
        TRY(buffer_text(out, "/>\n"));
    }
    for (size_t d = 0; d < model->derived_count; d++) TRY(predictor_terms(model, d, out));
    return buffer_text(out,
                       "    </RegressionTable>\n    <RegressionTable intercept=\"0\" targetCategory=\"negative\"/>\n"
                       "  </RegressionModel>\n");
}

/* ---- scorecard */

static struct result open_attribute(double points, struct buffer *out)
{
    TRY(buffer_text(out, "        <Attribute"));
    TRY(number("partialScore", points, out));
    return buffer_text(out, ">\n");
}

static struct result predicate(const struct column_spec *spec, const char *operator_name, struct buffer *out)
{
    TRY(buffer_text(out, "          <SimplePredicate"));
    TRY(attribute("field", spec->name, out));
    return buffer_format(out, " operator=\"%s\"", operator_name);
}

static struct result missing_attribute(const struct model_feature *feature, const struct column_spec *spec, size_t at,
                                       struct buffer *out)
{
    if (!spec->missing_allowed) return RESULT_OK;
    TRY(open_attribute(feature->points[at], out));
    TRY(predicate(spec, "isMissing", out));
    return buffer_text(out, "/>\n        </Attribute>\n");
}

static struct result simple(const struct column_spec *spec, const char *operation, double value, struct buffer *out)
{
    TRY(predicate(spec, operation, out));
    TRY(number("value", value, out));
    return buffer_text(out, "/>\n");
}

/* Special codes, then missing values: those outside the bounds with them, where that is the rule and no outlier
 * treatment says it. */
static struct result codes(const struct model_feature *feature, const struct column_spec *spec, struct buffer *out)
{
    size_t missing = feature->edges_count + 1;
    for (size_t k = 0; k < feature->specials_count; k++) {
        TRY(open_attribute(feature->points[missing + 1 + k], out));
        TRY(simple(spec, "equal", feature->specials[k], out));
        TRY(buffer_text(out, "        </Attribute>\n"));
    }
    if (feature->specials_count == 0 || spec->outside != COLUMN_OUTSIDE_MISSING)
        return missing_attribute(feature, spec, missing, out);
    TRY(open_attribute(feature->points[missing], out));
    TRY(buffer_text(out, "          <CompoundPredicate booleanOperator=\"or\">\n"));
    TRY(predicate(spec, "isMissing", out));
    TRY(buffer_text(out, "/>\n"));
    TRY(simple(spec, "lessThan", spec->minimum, out));
    TRY(simple(spec, "greaterThan", spec->maximum, out));
    return buffer_text(out, "          </CompoundPredicate>\n        </Attribute>\n");
}

/* In order, the first that holds counts: so "below the next edge" is enough. */
static struct result intervals(const struct model_feature *feature, const struct column_spec *spec, struct buffer *out)
{
    TRY(codes(feature, spec, out));
    for (size_t e = 0; e < feature->edges_count; e++) {
        TRY(open_attribute(feature->points[e], out));
        TRY(predicate(spec, "lessThan", out));
        TRY(number("value", feature->edges[e], out));
        TRY(buffer_text(out, "/>\n        </Attribute>\n"));
    }
    TRY(open_attribute(feature->points[feature->edges_count], out));
    TRY(predicate(spec, "isNotMissing", out));
    return buffer_text(out, "/>\n        </Attribute>\n");
}

static struct result categories(const struct model_feature *feature, const struct column_spec *spec, struct buffer *out)
{
    TRY(missing_attribute(feature, spec, spec->levels_count, out));
    for (size_t level = 0; level < spec->levels_count; level++) {
        TRY(open_attribute(feature->points[level], out));
        TRY(predicate(spec, "equal", out));
        TRY(attribute("value", feature->levels[level], out));
        TRY(buffer_text(out, "/>\n        </Attribute>\n"));
    }
    if (!spec->other_allowed) return RESULT_OK;
    TRY(open_attribute(feature->points[feature->levels_count - 1], out));
    TRY(predicate(spec, "isNotMissing", out));
    return buffer_text(out, "/>\n        </Attribute>\n");
}

static struct result characteristic(const struct model_feature *feature, const struct column_spec *spec,
                                    struct buffer *out)
{
    TRY(buffer_text(out, "      <Characteristic"));
    TRY(attribute("name", spec->name, out));
    TRY(attribute("reasonCode", spec->name, out));
    TRY(number("baselineScore", feature->best, out));
    TRY(buffer_text(out, ">\n"));
    TRY(feature->number ? intervals(feature, spec, out) : categories(feature, spec, out));
    return buffer_text(out, "      </Characteristic>\n");
}

static struct result scorecard(const struct model *model, struct buffer *out)
{
    TRY(buffer_text(out, "  <Scorecard functionName=\"regression\" useReasonCodes=\"true\" "
                         "reasonCodeAlgorithm=\"pointsBelow\" baselineMethod=\"max\""));
    TRY(number("initialScore", model->base_points, out));
    TRY(buffer_text(out, ">\n"));
    TRY(schema(model, out));
    TRY(buffer_text(out, "    <Output>\n      <OutputField name=\"points\" optype=\"continuous\" dataType=\"double\" "
                         "feature=\"predictedValue\"/>\n"));
    for (size_t i = 1; i <= model->reasons; i++)
        TRY(buffer_format(out,
                          "      <OutputField name=\"reason_%zu\" optype=\"categorical\" dataType=\"string\" "
                          "feature=\"reasonCode\" rank=\"%zu\"/>\n",
                          i, i));
    TRY(buffer_text(out, "    </Output>\n    <Characteristics>\n"));
    for (size_t f = 0; f < model->features_count; f++) TRY(characteristic(&model->features[f], &model->specs[f], out));
    return buffer_text(out, "    </Characteristics>\n  </Scorecard>\n");
}

struct result export_pmml(const struct model *model, struct export_source source, struct buffer *out)
{
    TRY(buffer_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PMML xmlns=\"http://www.dmg.org/PMML-4_4\" "
                         "version=\"4.4\">\n  <Header"));
    TRY(buffer_text(out, " description=\"Plan "));
    TRY(escaped(source.plan, out));
    TRY(buffer_text(out, ", hash "));
    TRY(escaped(source.plan_hash, out));
    TRY(buffer_text(out, "; positive is "));
    TRY(escaped(model->target, out));
    TRY(buffer_text(out, " = "));
    TRY(escaped(model->positive, out));
    TRY(buffer_text(out, "\">\n    <Application name=\"cofferdam\""));
    TRY(attribute("version", source.version, out));
    TRY(buffer_format(out, "/>\n  </Header>\n  <DataDictionary numberOfFields=\"%zu\">\n", model->features_count));
    for (size_t f = 0; f < model->features_count; f++) TRY(data_field(&model->features[f], &model->specs[f], out));
    TRY(buffer_text(out, "  </DataDictionary>\n"));
    TRY(model->scorecard ? scorecard(model, out) : regression(model, out));
    return buffer_text(out, "</PMML>\n");
}

/* The model as an ONNX graph: each feature is cleaned, becomes the index of its class or level (or stays a number),
 * which a table turns into its part; the parts are added up in the order of scoring. All in double precision.
 *
 * The graph is written node by node: the bytes of two GraphProto in a row are those of one with the nodes of both
 * (Protocol Buffers, encoding, "Merging").
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/export/export.h"
#include "onnx/onnx.pb-c.h"

enum { IR_VERSION = 8, OPSET = 13, ML_OPSET = 2, INPUTS_MAX = 3 };

struct value {
    char name[2 * NAME_MAX_BYTES];
};
struct writer {
    const struct model *model;
    struct buffer graph;
    char prefix[NAME_MAX_BYTES + 2]; /* of inner values: no feature's name begins with it */
    size_t named;
    struct value refused;  /* a NaN */
    struct value *cleaned; /* of each feature: a number on the model's scale, or the index of its class or level */
};

static struct result pack(const ProtobufCMessage *message, struct buffer *out)
{
    uint8_t *start;
    size_t length = protobuf_c_message_get_packed_size(message);
    TRY(buffer_extend(out, length, &start));
    ENSURE(protobuf_c_message_pack(message, start) == length, CATEGORY_BUG, "an ONNX message has two lengths");
    return RESULT_OK;
}

static void choose_prefix(struct writer *writer)
{
    size_t length = 0;
    for (bool free = false; !free && length <= NAME_MAX_BYTES;) {
        writer->prefix[length++] = '_';
        free = true;
        for (size_t f = 0; f < writer->model->features_count; f++)
            free = free && strncmp(writer->model->specs[f].name, writer->prefix, length) != 0;
    }
}

static struct value fresh(struct writer *writer)
{
    struct value value;
    (void)snprintf(value.name, sizeof value.name, "%s%zu", writer->prefix, ++writer->named);
    return value;
}

static struct value named(const char *name)
{
    struct value value;
    (void)snprintf(value.name, sizeof value.name, "%s", name);
    return value;
}

/* ---- constants */

static struct result initializer(struct writer *writer, Onnx__TensorProto *tensor, struct value *ret)
{
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    *ret = fresh(writer);
    tensor->name = ret->name;
    tensor->has_data_type = 1;
    graph.n_initializer = 1;
    graph.initializer = &tensor;
    return pack(&graph.base, &writer->graph);
}

static struct result number(struct writer *writer, double of, struct value *ret)
{
    Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
    tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    tensor.n_double_data = 1;
    tensor.double_data = &of;
    return initializer(writer, &tensor, ret);
}

static struct result integer(struct writer *writer, size_t of, struct value *ret)
{
    Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
    int64_t value = (int64_t)of;
    tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
    tensor.n_int64_data = 1;
    tensor.int64_data = &value;
    return initializer(writer, &tensor, ret);
}

/* The values and a NaN after them. */
static struct result table(struct writer *writer, const double *values, size_t count, struct value *ret)
{
    Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
    int64_t length = (int64_t)count + 1;
    double *all = calloc(count + 1, sizeof *all);
    ENSURE(all, CATEGORY_ENVIRONMENT, "out of memory for an export");
    memcpy(all, values, count * sizeof *all);
    all[count] = (double)NAN;
    tensor.n_dims = 1;
    tensor.dims = &length;
    tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    tensor.n_double_data = count + 1;
    tensor.double_data = all;
    struct result result = initializer(writer, &tensor, ret);
    free(all);
    return result;
}

/* ---- nodes */

struct operation {
    const char *name, *domain;
    Onnx__AttributeProto **attributes;
    size_t attributes_count;
};

static struct result node_to(struct writer *writer, struct operation operation, const struct value *inputs,
                             size_t count, const struct value *output)
{
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__NodeProto node = ONNX__NODE_PROTO__INIT, *nodes = &node;
    char **names = calloc(count + 1, sizeof *names);
    ENSURE(names, CATEGORY_ENVIRONMENT, "out of memory for an export");
    for (size_t i = 0; i < count; i++) names[i] = (char *)inputs[i].name;
    names[count] = (char *)output->name;
    node.n_input = count;
    node.input = names;
    node.n_output = 1;
    node.output = names + count;
    node.op_type = (char *)operation.name;
    node.domain = (char *)operation.domain;
    node.n_attribute = operation.attributes_count;
    node.attribute = operation.attributes;
    graph.n_node = 1;
    graph.node = &nodes;
    struct result result = pack(&graph.base, &writer->graph);
    free(names);
    return result;
}

static struct result node(struct writer *writer, const char *name, const struct value *inputs, size_t count,
                          struct value *ret)
{
    *ret = fresh(writer);
    return node_to(writer, (struct operation){.name = name}, inputs, count, ret);
}

static struct result two(struct writer *writer, const char *name, struct value a, struct value b, struct value *ret)
{
    const struct value inputs[] = {a, b};
    return node(writer, name, inputs, 2, ret);
}

/* a where the condition holds, else what *value was. */
static struct result where(struct writer *writer, struct value condition, struct value a, struct value *value)
{
    const struct value inputs[] = {condition, a, *value};
    return node(writer, "Where", inputs, 3, value);
}

/* ---- a feature */

/* The value inside its bounds, or NaN; outside: whether the row must be refused for it. */
static struct result clean(struct writer *writer, size_t f, struct value *ret, struct value *outside)
{
    const struct column_spec *spec = &writer->model->specs[f];
    struct value minimum, maximum, below, above;
    *ret = named(spec->name);
    TRY(number(writer, spec->minimum, &minimum));
    TRY(number(writer, spec->maximum, &maximum));
    TRY(two(writer, "Less", *ret, minimum, &below));
    TRY(two(writer, "Greater", *ret, maximum, &above));
    bool clamp = spec->outside == COLUMN_OUTSIDE_CLAMP;
    TRY(where(writer, below, clamp ? minimum : writer->refused, ret));
    TRY(where(writer, above, clamp ? maximum : writer->refused, ret));
    return two(writer, "Or", below, above, outside);
}

/* The value and a constant. */
static struct result with_number(struct writer *writer, const char *operation, double of, struct value *value)
{
    struct value constant;
    TRY(number(writer, of, &constant));
    return two(writer, operation, *value, constant, value);
}

/* "(x - mean) * (1/sd)", as scoring does it. */
static struct result standardised(struct writer *writer, size_t f, struct value *ret)
{
    const struct model_feature *feature = &writer->model->features[f];
    const struct column_spec *spec = &writer->model->specs[f];
    struct value outside, missing, constant;
    TRY(clean(writer, f, ret, &outside));
    if (spec->missing_allowed) {
        TRY(node(writer, "IsNaN", ret, 1, &missing));
        TRY(number(writer, feature->fill, &constant));
        TRY(where(writer, missing, constant, ret));
    }
    TRY(with_number(writer, "Sub", feature->mean, ret));
    TRY(with_number(writer, "Mul", feature->inverse, ret));
    return spec->outside == COLUMN_OUTSIDE_REFUSE ? where(writer, outside, writer->refused, ret) : RESULT_OK;
}

/* Which of a number's classes: an index into its table, whose last place is for rows that are refused. */
static struct result class_of(struct writer *writer, size_t f, struct value *ret)
{
    const struct model_feature *feature = &writer->model->features[f];
    const struct column_spec *spec = &writer->model->specs[f];
    size_t missing_at = feature->edges_count + 1, refused_at = model_attributes(feature);
    struct value value, outside, condition, constant;
    TRY(clean(writer, f, &value, &outside));
    TRY(integer(writer, feature->edges_count, ret));
    for (size_t e = feature->edges_count; e > 0; e--) {
        TRY(number(writer, feature->edges[e - 1], &constant));
        TRY(two(writer, "Less", value, constant, &condition));
        TRY(integer(writer, e - 1, &constant));
        TRY(where(writer, condition, constant, ret));
    }
    TRY(node(writer, "IsNaN", &value, 1, &condition));
    TRY(integer(writer, spec->missing_allowed ? missing_at : refused_at, &constant));
    TRY(where(writer, condition, constant, ret));
    if (spec->outside == COLUMN_OUTSIDE_REFUSE) {
        TRY(integer(writer, refused_at, &constant));
        TRY(where(writer, outside, constant, ret));
    }
    for (size_t k = 0; k < feature->specials_count; k++) {
        TRY(number(writer, feature->specials[k], &constant));
        TRY(two(writer, "Equal", named(spec->name), constant, &condition));
        TRY(integer(writer, missing_at + 1 + k, &constant));
        TRY(where(writer, condition, constant, ret));
    }
    return RESULT_OK;
}

/* Which of a category's levels; an empty text is a missing value. */
static struct result level_of(struct writer *writer, size_t f, struct value *ret)
{
    const struct model_feature *feature = &writer->model->features[f];
    const struct column_spec *spec = &writer->model->specs[f];
    size_t count = spec->levels_count, refused_at = feature->levels_count;
    ProtobufCBinaryData *keys = calloc(count + 1, sizeof *keys);
    int64_t *places = calloc(count + 1, sizeof *places);
    Onnx__AttributeProto attributes[] = {ONNX__ATTRIBUTE_PROTO__INIT, ONNX__ATTRIBUTE_PROTO__INIT,
                                         ONNX__ATTRIBUTE_PROTO__INIT};
    Onnx__AttributeProto *list[] = {&attributes[0], &attributes[1], &attributes[2]};
    const struct value input = named(spec->name);
    struct result result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for an export");
    if (keys && places) {
        for (size_t level = 0; level < count; level++) {
            keys[level] = (ProtobufCBinaryData){strlen(feature->levels[level]), (uint8_t *)feature->levels[level]};
            places[level] = (int64_t)level;
        }
        places[count] = (int64_t)(spec->missing_allowed ? count : refused_at);
        attributes[0].name = (char *)"keys_strings";
        attributes[0].has_type = attributes[1].has_type = attributes[2].has_type = 1;
        attributes[0].type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS;
        attributes[0].n_strings = count + 1;
        attributes[0].strings = keys;
        attributes[1].name = (char *)"values_int64s";
        attributes[1].type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
        attributes[1].n_ints = count + 1;
        attributes[1].ints = places;
        attributes[2].name = (char *)"default_int64";
        attributes[2].type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        attributes[2].has_i = 1;
        attributes[2].i = (int64_t)(spec->other_allowed ? refused_at - 1 : refused_at);
        *ret = fresh(writer);
        result = node_to(writer, (struct operation){"LabelEncoder", "ai.onnx.ml", list, 3}, &input, 1, ret);
    }
    free(keys);
    free(places);
    return result;
}

static struct result look_up(struct writer *writer, const double *values, size_t count, struct value at,
                             struct value *ret)
{
    struct value all;
    TRY(table(writer, values, count, &all));
    return two(writer, "Gather", all, at, ret);
}

/* What the feature adds to the log-odds, and of a scorecard to the points. */
static struct result feature_parts(struct writer *writer, size_t f, struct value *odds, struct value *points)
{
    const struct model_feature *feature = &writer->model->features[f];
    size_t count = model_attributes(feature);
    struct value *at = &writer->cleaned[f];
    if (feature->number && !writer->model->scorecard) {
        TRY(standardised(writer, f, at));
        *odds = *at;
        return with_number(writer, "Mul", feature->estimate, odds);
    }
    TRY(feature->number ? class_of(writer, f, at) : level_of(writer, f, at));
    TRY(look_up(writer, feature->estimates, count, *at, odds));
    return writer->model->scorecard ? look_up(writer, feature->points, count, *at, points) : RESULT_OK;
}

static struct result hinge(struct writer *writer, const struct model_derived *derived, struct value *ret)
{
    struct value below, zero;
    *ret = writer->cleaned[derived->feature];
    TRY(with_number(writer, "Sub", derived->knot, ret));
    TRY(number(writer, 0, &zero));
    TRY(two(writer, "Less", *ret, zero, &below));
    TRY(where(writer, below, zero, ret));
    return with_number(writer, "Mul", derived->estimates[0], ret);
}

/* The estimates of a product's levels, by the index that a refused row has too: those are NaN. */
static struct result product_table(struct writer *writer, const struct model_derived *derived, const size_t width[2],
                                   struct value at, struct value *ret)
{
    double *values = calloc(width[0] * width[1], sizeof *values);
    ENSURE(values, CATEGORY_ENVIRONMENT, "out of memory for an export");
    for (size_t a = 0; a < width[0]; a++)
        for (size_t b = 0; b < width[1]; b++)
            values[a * width[1] + b] = a < derived->widths[0] && b < derived->widths[1]
                                           ? derived->estimates[a * derived->widths[1] + b]
                                           : (double)NAN;
    struct result result = look_up(writer, values, width[0] * width[1], at, ret);
    free(values);
    return result;
}

/* Numbers of a product one after another, times the estimate of its levels. */
static struct result product(struct writer *writer, const struct model_derived *derived, struct value *ret)
{
    const size_t parts[] = {derived->feature, derived->with};
    struct value at = {""}, numbers = {""}, constant;
    size_t width[] = {1, 1};
    for (size_t i = 0; i < 2; i++) {
        struct value part = writer->cleaned[parts[i]];
        struct value *into = writer->model->features[parts[i]].number ? &numbers : &at;
        if (into == &at) width[i] = derived->widths[i] + 1;
        if (!into->name[0]) {
            *into = part;
            continue;
        }
        if (into == &at) {
            TRY(integer(writer, width[1], &constant));
            TRY(two(writer, "Mul", at, constant, &at));
        }
        TRY(two(writer, into == &at ? "Add" : "Mul", *into, part, into));
    }
    *ret = numbers;
    if (!at.name[0]) return with_number(writer, "Mul", derived->estimates[0], ret);
    TRY(product_table(writer, derived, width, at, &at));
    if (!numbers.name[0]) {
        *ret = at;
        return RESULT_OK;
    }
    return two(writer, "Mul", numbers, at, ret);
}

static struct result derived_part(struct writer *writer, size_t d, struct value *ret)
{
    const struct model_derived *derived = &writer->model->derived[d];
    return derived->with == SIZE_MAX ? hinge(writer, derived, ret) : product(writer, derived, ret);
}

/* ---- the graph */

/* base + first + second + ..., from the left as scoring adds. */
static struct result total(struct writer *writer, double base, const struct value *parts, size_t count,
                           const char *name)
{
    struct value sum;
    const struct value output = named(name);
    TRY(number(writer, base, &sum));
    for (size_t p = 0; p < count; p++) {
        const struct value inputs[] = {sum, parts[p]};
        bool last = p + 1 == count;
        sum = last ? output : fresh(writer);
        TRY(node_to(writer, (struct operation){.name = "Add"}, inputs, 2, &sum));
    }
    return RESULT_OK;
}

/* One column of as many rows as are given; or as many columns. */
static struct result declare(struct writer *writer, const char *name, bool text, size_t columns, bool input)
{
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__ValueInfoProto value = ONNX__VALUE_INFO_PROTO__INIT, *values = &value;
    Onnx__TypeProto type = ONNX__TYPE_PROTO__INIT;
    Onnx__TypeProto__Tensor tensor = ONNX__TYPE_PROTO__TENSOR__INIT;
    Onnx__TensorShapeProto shape = ONNX__TENSOR_SHAPE_PROTO__INIT;
    Onnx__TensorShapeProto__Dimension rows = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT, width = rows;
    Onnx__TensorShapeProto__Dimension *dimensions[] = {&rows, &width};
    rows.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    rows.dim_param = (char *)"rows";
    width.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    width.dim_value = (int64_t)columns;
    shape.n_dim = 2;
    shape.dim = dimensions;
    tensor.has_elem_type = 1;
    tensor.elem_type = text ? ONNX__TENSOR_PROTO__DATA_TYPE__STRING : ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    tensor.shape = &shape;
    type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type.tensor_type = &tensor;
    value.name = (char *)name;
    value.type = &type;
    *(input ? &graph.n_input : &graph.n_output) = 1;
    *(input ? &graph.input : &graph.output) = &values;
    return pack(&graph.base, &writer->graph);
}

static struct result outputs(struct writer *writer, const struct value *odds, const struct value *points)
{
    const struct model *model = writer->model;
    const struct value log_odds = named("log_odds"), probability = named("probability"),
                       by_feature = named("points_by_feature");
    TRY(total(writer, model->intercept, odds, model->features_count + model->derived_count, log_odds.name));
    TRY(node_to(writer, (struct operation){.name = "Sigmoid"}, &log_odds, 1, &probability));
    TRY(declare(writer, probability.name, false, 1, false));
    TRY(declare(writer, log_odds.name, false, 1, false));
    if (!model->scorecard) return RESULT_OK;
    Onnx__AttributeProto axis = ONNX__ATTRIBUTE_PROTO__INIT, *list = &axis;
    axis.name = (char *)"axis";
    axis.has_type = axis.has_i = 1;
    axis.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    axis.i = 1;
    TRY(total(writer, model->base_points, points, model->features_count, "points"));
    TRY(node_to(writer, (struct operation){"Concat", NULL, &list, 1}, points, model->features_count, &by_feature));
    TRY(declare(writer, "points", false, 1, false));
    return declare(writer, by_feature.name, false, model->features_count, false);
}

static struct result write_graph(struct writer *writer)
{
    const struct model *model = writer->model;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    graph.name = (char *)(model->scorecard ? "scorecard" : "logistic");
    TRY(pack(&graph.base, &writer->graph));
    TRY(number(writer, (double)NAN, &writer->refused));
    struct value *odds = calloc(model->features_count + model->derived_count, sizeof *odds);
    writer->cleaned = calloc(model->features_count, sizeof *writer->cleaned);
    struct value *points = calloc(model->features_count, sizeof *points);
    struct result result =
        odds && points && writer->cleaned ? RESULT_OK : FAIL(CATEGORY_ENVIRONMENT, "out of memory for an export");
    for (size_t f = 0; f < model->features_count && result_ok(result); f++) {
        result = declare(writer, model->specs[f].name, !model->features[f].number, 1, true);
        if (result_ok(result)) result = feature_parts(writer, f, &odds[f], &points[f]);
    }
    for (size_t d = 0; d < model->derived_count && result_ok(result); d++)
        result = derived_part(writer, d, &odds[model->features_count + d]);
    if (result_ok(result)) result = outputs(writer, odds, points);
    free(writer->cleaned);
    free(odds);
    free(points);
    return result;
}

static struct result write_model(struct writer *writer, struct export_source source, Onnx__GraphProto *graph,
                                 struct buffer *out)
{
    const char *const facts[][2] = {{"plan", source.plan},
                                    {"plan_hash", source.plan_hash},
                                    {"model_hash", writer->model->hash},
                                    {"target", writer->model->target},
                                    {"positive", writer->model->positive}};
    enum { FACTS = sizeof facts / sizeof *facts };
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto sets[] = {ONNX__OPERATOR_SET_ID_PROTO__INIT, ONNX__OPERATOR_SET_ID_PROTO__INIT};
    Onnx__OperatorSetIdProto *set_list[] = {&sets[0], &sets[1]};
    Onnx__StringStringEntryProto entries[FACTS];
    Onnx__StringStringEntryProto *entry_list[FACTS];
    sets[0].domain = (char *)"";
    sets[0].version = OPSET;
    sets[1].domain = (char *)"ai.onnx.ml";
    sets[1].version = ML_OPSET;
    sets[0].has_version = sets[1].has_version = model.has_ir_version = 1;
    for (size_t i = 0; i < FACTS; i++) {
        entries[i] = (Onnx__StringStringEntryProto)ONNX__STRING_STRING_ENTRY_PROTO__INIT;
        entries[i].key = (char *)facts[i][0];
        entries[i].value = (char *)facts[i][1];
        entry_list[i] = &entries[i];
    }
    model.ir_version = IR_VERSION;
    model.n_opset_import = 2;
    model.opset_import = set_list;
    model.producer_name = (char *)"cofferdam";
    model.producer_version = (char *)source.version;
    model.n_metadata_props = FACTS;
    model.metadata_props = entry_list;
    model.graph = graph;
    return pack(&model.base, out);
}

struct result export_onnx(const struct model *model, struct export_source source, struct buffer *out)
{
    struct writer writer = {.model = model};
    TRY(export_check_names(model));
    choose_prefix(&writer);
    struct result result = write_graph(&writer);
    Onnx__GraphProto *graph = NULL;
    if (result_ok(result)) {
        graph = onnx__graph_proto__unpack(NULL, writer.graph.length, writer.graph.data);
        result = graph ? write_model(&writer, source, graph, out)
                       : FAIL(CATEGORY_ENVIRONMENT, "out of memory for an export");
    }
    if (graph) onnx__graph_proto__free_unpacked(graph, NULL);
    buffer_done(&writer.graph);
    return result;
}

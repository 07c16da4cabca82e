/* From expressions to SELECT statements. An expression that is written more than once becomes a column of a layer, so a
 * statement has layers, the table innermost, the sums outermost (layer 0):
 *
 *   WITH layer2 AS (SELECT ... AS t5 FROM frozen OFFSET 0), layer1 AS (SELECT ... AS t7, t5 FROM layer2 OFFSET 0)
 *   SELECT sum(...), ... FROM layer1
 *
 * Every column is computed in the last layer that comes before its first use, and carried no further than it must. */
#include "data/formula_sql.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "data/formula_node.h"

enum { PART_BITS = 30 };

/* What is known of a node in the statement at hand. */
struct role {
    size_t uses; /* how often it is written */
    bool named;  /* as a column of a subquery */
    size_t depth;
    int layer; /* named: where it is computed; else where it is written; -1: nowhere */
    int least; /* named, or a column: the outermost layer that reads it; INT_MAX: none */
};
struct work {
    const struct formula_sums *sums;
    const struct dialect *dialect;
    const char *table;
    struct role *roles;
    int layers;
    bool fits;
};
/* The sums of a statement: all single ones, all counts by key, or all sums by key. */
struct batch {
    const struct formula_output *outputs;
    size_t count;
};

static const struct formula_node *node_at(const struct work *work, uint32_t node)
{
    return &work->sums->nodes[node];
}

static bool is_column(const struct formula_node *node)
{
    return node->kind == FORMULA_NUMBER || node->kind == FORMULA_CODE || node->kind == FORMULA_MARK ||
           node->kind == FORMULA_HELD;
}

static bool is_constant(const struct formula_node *node)
{
    return node->kind == FORMULA_REAL || node->kind == FORMULA_INTEGER || node->kind == FORMULA_NOTHING;
}

/* Rather written again than carried: what stands for its operand, and conditions on columns. */
static bool is_light(const struct work *work, const struct formula_node *node)
{
    if (node->kind == FORMULA_WITHIN) return true;
    if (node->type != FORMULA_TYPE_CONDITION) return false;
    for (size_t i = 0; i < 3 && node->operands[i] != FORMULA_NONE; i++) {
        const struct formula_node *operand = node_at(work, node->operands[i]);
        if (!is_column(operand) && !is_constant(operand)) return false;
    }
    return true;
}

static bool wide(const struct work *work, uint32_t value)
{
    return value != FORMULA_NONE && work->dialect->sum_bits < 62 &&
           formula_most(node_at(work, value)) >= (double)((int64_t)1 << work->dialect->sum_bits);
}

/* How often a node's text has its operand i in it. */
static size_t mentions(const struct work *work, const struct formula_node *node, size_t i)
{
    if (i > 0) return 1;
    double most = formula_most(node);
    switch (node->kind) {
    case FORMULA_FLUSH:
        return 2;
    case FORMULA_MULTIPLY:
    case FORMULA_DIVIDE:
        return node->guard > 0 && work->dialect->underflow_fails ? 2 : 1;
    case FORMULA_ROUND:
        return work->dialect->repeats(DIALECT_ROUND, most) ? 2 : 1;
    case FORMULA_BIN:
        return work->dialect->repeats(DIALECT_BIN, most) ? 2 : 1;
    case FORMULA_TABLE:
        return work->dialect->repeats(DIALECT_TABLE, most) ? 2 : 1;
    default:
        return 1;
    }
}

/* ---- who is computed where. Operands have lower numbers than what is made of them. */

static void count_uses(struct work *work, struct batch batch)
{
    for (size_t o = 0; o < batch.count; o++) {
        const struct formula_output *output = &batch.outputs[o];
        if (output->value != FORMULA_NONE) work->roles[output->value].uses += wide(work, output->value) ? 2 : 1;
        if (output->key != FORMULA_NONE) work->roles[output->key].uses++;
    }
    for (size_t n = work->sums->nodes_count; n-- > 0;) {
        const struct formula_node *node = &work->sums->nodes[n];
        struct role *role = &work->roles[n];
        if (role->uses == 0 || is_column(node) || is_constant(node)) continue;
        role->named = role->uses > 1 && !is_light(work, node);
        size_t written = role->named ? 1 : role->uses;
        for (size_t i = 0; i < 3 && node->operands[i] != FORMULA_NONE; i++)
            work->roles[node->operands[i]].uses += written * mentions(work, node, i);
    }
}

/* How deep a node's own text is nested: choices by halves, where the dialect has no better. */
static size_t depth_of(const struct work *work, const struct formula_node *node)
{
    size_t depth = 1;
    if ((node->kind == FORMULA_BIN || node->kind == FORMULA_TABLE) && mentions(work, node, 0) > 1)
        for (size_t left = node->count; left > 1; left = (left + 1) / 2) depth++;
    return depth;
}

/* No text is nested deeper than the dialect takes. */
static void limit_depth(struct work *work)
{
    for (size_t n = 0; n < work->sums->nodes_count; n++) {
        const struct formula_node *node = &work->sums->nodes[n];
        struct role *role = &work->roles[n];
        size_t deepest = 0;
        for (size_t i = 0; i < 3 && node->operands[i] != FORMULA_NONE; i++) {
            const struct role *operand = &work->roles[node->operands[i]];
            if (!operand->named && operand->depth > deepest) deepest = operand->depth;
        }
        role->depth = deepest + depth_of(work, node);
        if (role->depth >= work->dialect->depth_most && role->uses > 0 && !is_light(work, node)) role->named = true;
    }
}

static void need(struct work *work, uint32_t n, int layer)
{
    const struct formula_node *node = node_at(work, n);
    struct role *role = &work->roles[n];
    if (is_constant(node)) return;
    if (is_column(node) || role->named) role->least = layer < role->least ? layer : role->least;
    if (is_column(node)) return;
    if (role->named) {
        role->layer = layer + 1 > role->layer ? layer + 1 : role->layer;
        work->layers = role->layer > work->layers ? role->layer : work->layers;
    } else if (is_light(work, node)) {
        for (size_t i = 0; i < 3 && node->operands[i] != FORMULA_NONE; i++) need(work, node->operands[i], layer);
    } else {
        role->layer = layer > role->layer ? layer : role->layer;
    }
}

static void place(struct work *work, struct batch batch)
{
    for (size_t n = 0; n < work->sums->nodes_count; n++) {
        work->roles[n].layer = -1;
        work->roles[n].least = INT_MAX;
    }
    for (size_t o = 0; o < batch.count; o++) {
        if (batch.outputs[o].value != FORMULA_NONE) need(work, batch.outputs[o].value, 0);
        if (batch.outputs[o].key != FORMULA_NONE) need(work, batch.outputs[o].key, 0);
    }
    for (size_t n = work->sums->nodes_count; n-- > 0;) {
        const struct formula_node *node = &work->sums->nodes[n];
        if (work->roles[n].layer < 0) continue;
        for (size_t i = 0; i < 3 && node->operands[i] != FORMULA_NONE; i++)
            need(work, node->operands[i], work->roles[n].layer);
    }
}

/* ---- text */

static struct result put_reference(const struct work *work, uint32_t n, struct buffer *out);

static struct result put_name(const struct work *work, uint32_t n, struct buffer *out)
{
    const struct formula_node *node = node_at(work, n);
    if (node->kind == FORMULA_HELD) return buffer_text(out, "held");
    if (!is_column(node)) return buffer_format(out, "t%" PRIu32, n);
    return buffer_format(out, "%c%" PRId64, node->kind == FORMULA_MARK ? 'm' : 'c', node->integer);
}

static struct result put_infix(const struct work *work, const struct formula_node *node, const char *operator,
                               struct buffer * out)
{
    bool widens = node->type == FORMULA_TYPE_INTEGER && formula_most(node) >= 0x1p31;
    TRY(buffer_u8(out, '('));
    TRY(put_reference(work, node->operands[0], out));
    TRY(buffer_format(out, "%s %s ", widens ? work->dialect->wide : "", operator));
    TRY(put_reference(work, node->operands[1], out));
    return buffer_u8(out, ')');
}

/* Where the first operand is as small as this, 0; else the rest. */
static struct result put_threshold(const struct work *work, const struct formula_node *node, const char *comparison,
                                   double threshold, struct buffer *out)
{
    TRY(buffer_text(out, "CASE WHEN abs("));
    TRY(put_reference(work, node->operands[0], out));
    TRY(buffer_format(out, ") %s ", comparison));
    TRY(work->dialect->real(threshold, out));
    TRY(buffer_text(out, " THEN "));
    TRY(work->dialect->real(0, out));
    return buffer_text(out, " ELSE ");
}

static struct result put_product(const struct work *work, const struct formula_node *node, struct buffer *out)
{
    const char *operator= node->kind == FORMULA_MULTIPLY ? "*" : "/";
    if (!(node->guard > 0 && work->dialect->underflow_fails)) return put_infix(work, node, operator, out);
    TRY(buffer_u8(out, '('));
    TRY(put_threshold(work, node, "<=", node->guard, out));
    TRY(put_infix(work, node, operator, out));
    return buffer_text(out, " END)");
}

static struct result put_flush(const struct work *work, const struct formula_node *node, struct buffer *out)
{
    TRY(buffer_u8(out, '('));
    TRY(put_threshold(work, node, "<", node->real, out));
    TRY(put_reference(work, node->operands[0], out));
    return buffer_text(out, " END)");
}

/* What is written by the dialect, around the text of the operand. */
static struct result put_dialect(const struct work *work, const struct formula_node *node, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer operand = {0};
    const char *text;
    const double *numbers = work->sums->numbers + node->first;
    double most = formula_most(node);
    TRY(put_reference(work, node->operands[0], &operand));
    TRY(buffer_terminate(&operand, &text));
    TRY(buffer_u8(out, '('));
    if (node->kind == FORMULA_ROUND)
        TRY(work->dialect->round(text, most, out));
    else if (node->kind == FORMULA_BIN)
        TRY(work->dialect->bin(text, numbers, node->count, out));
    else
        TRY(work->dialect->table(text, numbers, node->count, node->type == FORMULA_TYPE_INTEGER, most, out));
    return buffer_u8(out, ')');
}

static struct result put_choice(const struct work *work, const struct formula_node *node, struct buffer *out)
{
    const char *words[] = {"CASE WHEN ", " THEN ", " ELSE "};
    TRY(buffer_u8(out, '('));
    for (size_t i = 0; i < 3; i++) {
        TRY(buffer_text(out, words[i]));
        TRY(put_reference(work, node->operands[i], out));
    }
    return buffer_text(out, " END)");
}

/* around[0], the operand, around[1]. */
static struct result put_around(const struct work *work, const struct formula_node *node, const char *const around[2],
                                struct buffer *out)
{
    TRY(buffer_text(out, around[0]));
    TRY(put_reference(work, node->operands[0], out));
    return buffer_text(out, around[1]);
}

static struct result put_expression(const struct work *work, uint32_t n, struct buffer *out)
{
    static const char *const infix[] = {
        [FORMULA_ADD] = "+",   [FORMULA_SUBTRACT] = "-", [FORMULA_LESS] = "<",   [FORMULA_AT_MOST] = "<=",
        [FORMULA_EQUAL] = "=", [FORMULA_QUOTIENT] = "/", [FORMULA_BOTH] = "AND", [FORMULA_EITHER] = "OR",
    };
    const struct formula_node *node = node_at(work, n);
    switch (node->kind) {
    case FORMULA_REAL:
        return work->dialect->real(node->real, out);
    case FORMULA_INTEGER:
        return buffer_format(out, node->integer < 0 ? "(%" PRId64 ")" : "%" PRId64, node->integer);
    case FORMULA_NOTHING:
        return buffer_text(out, "CAST(NULL AS integer)");
    case FORMULA_HELD:
        return buffer_text(out, "(held = 1)");
    case FORMULA_MULTIPLY:
    case FORMULA_DIVIDE:
        return put_product(work, node, out);
    case FORMULA_FLUSH:
        return put_flush(work, node, out);
    case FORMULA_NEGATE:
        return put_around(work, node, (const char *const[]){"(- ", ")"}, out);
    case FORMULA_MAGNITUDE:
        return put_around(work, node, (const char *const[]){"abs(", ")"}, out);
    case FORMULA_MISSING:
        return put_around(work, node, (const char *const[]){"(", " IS NULL)"}, out);
    case FORMULA_WITHIN:
        return put_reference(work, node->operands[0], out);
    case FORMULA_ROUND:
    case FORMULA_BIN:
    case FORMULA_TABLE:
        return put_dialect(work, node, out);
    case FORMULA_CHOOSE:
        return put_choice(work, node, out);
    case FORMULA_NUMBER:
    case FORMULA_CODE:
    case FORMULA_MARK:
        return put_name(work, n, out);
    default:
        return put_infix(work, node, infix[node->kind], out);
    }
}

static struct result put_reference(const struct work *work, uint32_t n, struct buffer *out)
{
    return work->roles[n].named ? put_name(work, n, out) : put_expression(work, n, out);
}

static struct result put_source(const struct work *work, int layer, struct buffer *out)
{
    return layer > work->layers ? buffer_text(out, work->table) : buffer_format(out, "layer%d", layer);
}

/* A layer's own columns, and what layers further out read of those further in. */
static struct result put_layer(struct work *work, int layer, struct buffer *out)
{
    size_t columns = 0;
    TRY(buffer_format(out, "%slayer%d AS (SELECT ", layer == work->layers ? "WITH " : ", ", layer));
    for (size_t n = 0; n < work->sums->nodes_count; n++) {
        const struct role *role = &work->roles[n];
        const struct formula_node *node = &work->sums->nodes[n];
        bool own = role->named && role->layer == layer;
        bool carried = role->least < layer && (is_column(node) || (role->named && role->layer > layer));
        if (!own && !carried) continue;
        if (columns++) TRY(buffer_text(out, ", "));
        if (own) {
            TRY(put_expression(work, (uint32_t)n, out));
            TRY(buffer_text(out, " AS "));
        }
        TRY(put_name(work, (uint32_t)n, out));
    }
    work->fits = work->fits && columns <= work->dialect->columns_most;
    TRY(buffer_text(out, " FROM "));
    TRY(put_source(work, layer + 1, out));
    return buffer_format(out, "%s)", work->dialect->fence);
}

static struct result put_layers(struct work *work, struct buffer *out)
{
    for (int layer = work->layers; layer >= 1; layer--) TRY(put_layer(work, layer, out));
    return buffer_text(out, work->layers ? " SELECT " : "SELECT ");
}

/* ---- statements */

static void query_done(struct formula_query *query)
{
    free(query->text);
    free(query->places);
    free(query->shifts);
    *query = (struct formula_query){0};
}

void formula_queries_done(struct formula_queries *queries)
{
    for (size_t q = 0; q < queries->count; q++) query_done(&queries->items[q]);
    free(queries->items);
    *queries = (struct formula_queries){0};
}

/* One of the sums of `value`, in one column or in two. */
static struct result put_sum(const struct work *work, const char *value, bool two, struct formula_query *query,
                             struct buffer *out)
{
    if (query->columns) TRY(buffer_text(out, ", "));
    if (two) {
        query->shifts[query->columns++] = PART_BITS;
        TRY(buffer_format(out, "CAST(sum(%s >> %d) AS %s), ", value, PART_BITS, work->dialect->text));
    }
    query->shifts[query->columns++] = 0;
    if (two) return buffer_format(out, "CAST(sum(%s & %d) AS %s)", value, (1 << PART_BITS) - 1, work->dialect->text);
    return buffer_format(out, "CAST(sum(%s) AS %s)", value, work->dialect->text);
}

static struct result put_single(struct work *work, struct batch batch, struct formula_query *query, struct buffer *out)
{
    TRY(put_layers(work, out));
    for (size_t o = 0; o < batch.count; o++) {
        CLEANUP(buffer_done) struct buffer value = {0};
        const char *text;
        bool two = wide(work, batch.outputs[o].value);
        TRY(put_reference(work, batch.outputs[o].value, &value));
        TRY(buffer_terminate(&value, &text));
        query->places[query->columns] = batch.outputs[o].at;
        if (two) query->places[query->columns + 1] = batch.outputs[o].at;
        TRY(put_sum(work, text, two, query, out));
    }
    TRY(buffer_text(out, " FROM "));
    return put_source(work, 1, out);
}

/* The columns of keys, each moved to where its keys begin, or those of values, as one. */
static struct result put_unfolded(const struct work *work, struct batch batch, bool keys, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer texts = {0};
    size_t *ends = calloc(batch.count + 1, sizeof *ends), first = 0;
    struct view *columns = calloc(batch.count + 1, sizeof *columns);
    struct result result = RESULT_OK;
    if (!ends || !columns) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for a statement");
    for (size_t o = 0; o < batch.count && result_ok(result); o++) {
        result = put_reference(work, keys ? batch.outputs[o].key : batch.outputs[o].value, &texts);
        if (result_ok(result) && keys && first > 0) result = buffer_format(&texts, " + %zu", first);
        ends[o] = texts.length;
        first += batch.outputs[o].keys;
    }
    for (size_t o = 0; o < batch.count && result_ok(result); o++)
        columns[o] = view_of(texts.data + (o ? ends[o - 1] : 0), ends[o] - (o ? ends[o - 1] : 0));
    if (result_ok(result)) result = work->dialect->unfold(columns, batch.count, out);
    free(ends);
    free(columns);
    return result;
}

static struct result put_keyed(struct work *work, struct batch batch, struct formula_query *query, struct buffer *out)
{
    bool values = batch.outputs[0].value != FORMULA_NONE, two = false;
    for (size_t o = 0; o < batch.count; o++) {
        two = two || wide(work, batch.outputs[o].value);
        for (size_t k = 0; k < batch.outputs[o].keys; k++) query->places[query->keys++] = batch.outputs[o].at + k;
    }
    query->grouped = true;
    query->columns = 1;
    TRY(put_layers(work, out));
    TRY(buffer_format(out, "CAST(k AS %s)", work->dialect->text));
    if (values) {
        TRY(put_sum(work, "v", two, query, out));
    } else {
        query->shifts[query->columns++] = 0;
        TRY(buffer_format(out, ", CAST(count(*) AS %s)", work->dialect->text));
    }
    TRY(buffer_text(out, " FROM (SELECT "));
    TRY(put_unfolded(work, batch, true, out));
    TRY(buffer_text(out, " AS k"));
    if (values) {
        TRY(buffer_text(out, ", "));
        TRY(put_unfolded(work, batch, false, out));
        TRY(buffer_text(out, " AS v"));
    }
    TRY(buffer_text(out, " FROM "));
    TRY(put_source(work, 1, out));
    TRY(work->dialect->unfold_from(batch.count, out));
    return buffer_format(out, "%s) AS keyed WHERE k IS NOT NULL GROUP BY k", work->dialect->fence);
}

static struct result allocate(struct work *work, struct batch batch, struct formula_query *query)
{
    size_t keys = 0;
    for (size_t o = 0; o < batch.count; o++) keys += batch.outputs[o].keys;
    work->roles = calloc(work->sums->nodes_count + 1, sizeof *work->roles);
    query->places = calloc(2 * keys + 1, sizeof *query->places);
    query->shifts = calloc(2 * batch.count + 2, sizeof *query->shifts);
    ENSURE(work->roles && query->places && query->shifts, CATEGORY_ENVIRONMENT, "out of memory for a statement");
    return RESULT_OK;
}

static struct result write_query(struct work *work, struct batch batch, struct formula_query *ret)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(allocate(work, batch, ret));
    count_uses(work, batch);
    limit_depth(work);
    place(work, batch);
    TRY(batch.outputs[0].key == FORMULA_NONE ? put_single(work, batch, ret, &out) : put_keyed(work, batch, ret, &out));
    TRY(buffer_u8(&out, 0));
    ret->text = (char *)out.data;
    out = (struct buffer){0};
    return RESULT_OK;
}

/* Half of it at a time where all together pass the engine's limits. */
static struct result add_queries(const struct formula_sums *sums, const struct dialect *dialect, const char *table,
                                 struct batch batch, struct formula_queries *queries)
{
    struct work work = {.sums = sums, .dialect = dialect, .table = table, .fits = true};
    struct formula_query query = {0};
    struct result result = write_query(&work, batch, &query);
    free(work.roles);
    struct formula_query *more = NULL;
    if (result_ok(result) && work.fits) {
        more = realloc(queries->items, (queries->count + 1) * sizeof *queries->items);
        if (!more) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for a round's statements");
    }
    if (more) {
        queries->items = more;
        queries->items[queries->count++] = query;
        return RESULT_OK;
    }
    query_done(&query);
    TRY(result);
    ENSURE(batch.count > 1, CATEGORY_USAGE, "one sum needs more than the %zu columns that %s takes in a statement",
           dialect->columns_most, dialect->name);
    size_t half = batch.count / 2;
    TRY(add_queries(sums, dialect, table, (struct batch){batch.outputs, half}, queries));
    return add_queries(sums, dialect, table, (struct batch){batch.outputs + half, batch.count - half}, queries);
}

static int kind_of(const struct formula_output *output)
{
    return output->key == FORMULA_NONE ? 0 : output->value == FORMULA_NONE ? 1 : 2;
}

/* All outputs, single ones first, then counts, then sums by key; each kind in batches. */
static struct result write_all(const struct formula_sums *sums, const struct dialect *dialect, const char *table,
                               struct formula_output *sorted, struct formula_queries *queries)
{
    size_t count = 0;
    for (int kind = 0; kind < 3; kind++) {
        size_t begin = count, most = kind == 0 ? dialect->columns_most / 2 : dialect->keys_most;
        for (size_t o = 0; o < sums->outputs_count; o++)
            if (kind_of(&sums->outputs[o]) == kind) sorted[count++] = sums->outputs[o];
        for (size_t at = begin; at < count; at += most) {
            size_t batch = count - at < most ? count - at : most;
            TRY(add_queries(sums, dialect, table, (struct batch){sorted + at, batch}, queries));
        }
    }
    return RESULT_OK;
}

struct result formula_sql(const struct formula_sums *sums, const struct dialect *dialect, const char *table,
                          struct formula_queries *ret)
{
    CLEANUP(formula_queries_done) struct formula_queries queries = {0};
    bool supported;
    TRY(formula_supported(sums, &supported, NULL));
    ENSURE(supported, CATEGORY_BUG, "a round without formulas is asked of a database: %s", sums->unsupported);
    struct formula_output *sorted = calloc(sums->outputs_count + 1, sizeof *sorted);
    ENSURE(sorted, CATEGORY_ENVIRONMENT, "out of memory for a round's statements");
    struct result result = write_all(sums, dialect, table, sorted, &queries);
    free(sorted);
    TRY(result);
    *ret = queries;
    queries = (struct formula_queries){0};
    return RESULT_OK;
}

/* ---- results */

static struct result integer_of(const char *cell, __int128 *ret)
{
    __int128 value = 0;
    bool negative = cell && *cell == '-';
    const char *at = cell ? cell + negative : "0";
    size_t digits = 0;
    for (; at[digits] >= '0' && at[digits] <= '9' && digits < 37; digits++) value = value * 10 + (at[digits] - '0');
    ENSURE(digits > 0 && !at[digits], CATEGORY_ENVIRONMENT, "the database gave \"%.40s\" for a sum of integers", cell);
    *ret = negative ? -value : value;
    return RESULT_OK;
}

struct result formula_take(const struct formula_query *query, const char *const *cells, __int128 *values,
                           size_t values_count)
{
    __int128 key = 0, value;
    if (query->grouped) {
        TRY(integer_of(cells[0], &key));
        ENSURE(cells[0] && key >= 0 && key < (__int128)query->keys, CATEGORY_ENVIRONMENT,
               "the database gave a key of none");
    }
    for (size_t c = query->grouped ? 1 : 0; c < query->columns; c++) {
        size_t place = query->places[query->grouped ? (size_t)key : c];
        TRY(integer_of(cells[c], &value));
        ENSURE(place < values_count, CATEGORY_BUG, "a formula's sum lies outside the round's layout");
        ENSURE(!__builtin_mul_overflow(value, (__int128)1 << query->shifts[c], &value) &&
                   !__builtin_add_overflow(values[place], value, &values[place]),
               CATEGORY_ENVIRONMENT, "the database gave a sum of integers that is none of the round");
    }
    return RESULT_OK;
}

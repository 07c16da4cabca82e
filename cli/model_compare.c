/* cofferdam model compare: whether two models are the same, number for number and bit for bit.
 *
 * Only what a model was fitted on is told apart from what it says: the number of banks, and that alone, may differ
 * between models that are equal.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analytics/json_text.h"
#include "cli/cli.h"
#include "cli/document.h"

struct comparison {
    struct buffer places;  /* lines: what differs */
    size_t numbers, other; /* compared */
    size_t different;
};

enum { PLACES_MAX = 20, PATH_BYTES = 256 };

static struct result differ(struct comparison *comparison, const char *path, const char *a, const char *b)
{
    if (comparison->different++ >= PLACES_MAX) return RESULT_OK;
    return buffer_format(&comparison->places, "  %s: %.80s against %.80s\n", path, a, b);
}

static bool same_bits(double a, double b)
{
    uint64_t left, right;
    memcpy(&left, &a, sizeof left);
    memcpy(&right, &b, sizeof right);
    return left == right;
}

static struct result compare_leaf(struct comparison *comparison, const char *path, const json_t *a, const json_t *b)
{
    CLEANUP(buffer_done) struct buffer left = {0}, right = {0};
    const json_t *const values[2] = {a, b};
    struct buffer *const texts[2] = {&left, &right};
    if (json_is_number(a) && json_is_number(b)) {
        comparison->numbers++;
        if (same_bits(json_number_value(a), json_number_value(b))) return RESULT_OK;
    } else {
        comparison->other++;
        if (json_equal(a, b)) return RESULT_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        TRY(values[i] ? json_text(values[i], JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17), texts[i])
                      : buffer_text(texts[i], "nothing"));
        TRY(buffer_u8(texts[i], 0));
    }
    return differ(comparison, path, (const char *)left.data, (const char *)right.data);
}

/* One pending pair of a walk over both documents, which are as deep as jansson let them be. */
struct pair {
    char path[PATH_BYTES];
    const json_t *a, *b;
};

static struct result push(struct buffer *stack, const char *path, const char *key, const json_t *a, const json_t *b)
{
    struct pair pair = {.a = a, .b = b};
    (void)snprintf(pair.path, sizeof pair.path, "%s%s%s", path, path[0] == 0 ? "" : ".", key);
    return buffer_append(stack, view_of(&pair, sizeof pair));
}

/* What was pushed first is to be told first. */
static void turn_round(struct buffer *stack, size_t from)
{
    struct pair a, b;
    for (size_t to = stack->length; to > from + sizeof a; from += sizeof a) {
        to -= sizeof b;
        memcpy(&a, stack->data + from, sizeof a);
        memcpy(&b, stack->data + to, sizeof b);
        memcpy(stack->data + from, &b, sizeof b);
        memcpy(stack->data + to, &a, sizeof a);
    }
}

/* The number of banks may differ, and so the whole model's hash. */
static bool may_differ(const struct pair *pair, const char *key)
{
    return pair->path[0] == 0 && (strcmp(key, "banks") == 0 || strcmp(key, "hash") == 0);
}

static struct result push_object(struct buffer *stack, const struct pair *pair)
{
    size_t from = stack->length;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)pair->a, key, value)
    {
        if (!may_differ(pair, key)) TRY(push(stack, pair->path, key, value, json_object_get(pair->b, key)));
    }
    json_object_foreach((json_t *)pair->b, key, value)
    {
        if (json_object_get(pair->a, key) == NULL && !may_differ(pair, key))
            TRY(push(stack, pair->path, key, NULL, value));
    }
    turn_round(stack, from);
    return RESULT_OK;
}

static struct result push_array(struct buffer *stack, const struct pair *pair)
{
    size_t most =
        json_array_size(pair->a) > json_array_size(pair->b) ? json_array_size(pair->a) : json_array_size(pair->b);
    for (size_t i = most; i > 0; i--) {
        const json_t *a = json_array_get(pair->a, i - 1), *b = json_array_get(pair->b, i - 1);
        char key[PATH_BYTES];
        const char *term = document_text(a, "term");
        if (term[0] != 0 && strcmp(term, document_text(b, "term")) == 0)
            (void)snprintf(key, sizeof key, "%s", term);
        else
            (void)snprintf(key, sizeof key, "%zu", i);
        TRY(push(stack, pair->path, key, a, b));
    }
    return RESULT_OK;
}

static struct result compare_all(struct comparison *comparison, const json_t *a, const json_t *b)
{
    CLEANUP(buffer_done) struct buffer stack = {0};
    TRY(push(&stack, "", "", a, b));
    while (stack.length > 0) {
        struct pair pair;
        stack.length -= sizeof pair;
        memcpy(&pair, stack.data + stack.length, sizeof pair);
        if (json_is_object(pair.a) && json_is_object(pair.b))
            TRY(push_object(&stack, &pair));
        else if (json_is_array(pair.a) && json_is_array(pair.b))
            TRY(push_array(&stack, &pair));
        else
            TRY(compare_leaf(comparison, pair.path, pair.a, pair.b));
    }
    return RESULT_OK;
}

static const json_t *find_term(const json_t *model, const char *name)
{
    size_t index;
    const json_t *term;
    json_array_foreach(json_object_get(model, "terms"), index, term)
    {
        if (strcmp(document_text(term, "term"), name) == 0) return term;
    }
    return NULL;
}

/* The largest distance of two estimates of one term, in standard errors of the first model; NaN without a common term.
 * On the standardised scale the distance means little where the models standardised by different means. */
static double largest_distance(const json_t *a, const json_t *b, const char **ret_term)
{
    double largest = (double)NAN;
    size_t index;
    const json_t *term;
    json_array_foreach(json_object_get(a, "terms"), index, term)
    {
        const char *name = document_text(term, "term");
        double distance = fabs(document_number(term, "estimate") - document_number(find_term(b, name), "estimate")) /
                          document_number(term, "std_error");
        if (isfinite(distance) && !(distance <= largest)) {
            largest = distance;
            *ret_term = name;
        }
    }
    return largest;
}

struct result cli_model_compare(int argc, char **argv)
{
    struct cli_values operands = {0};
    const struct cli_option options[] = {{0}};
    TRY(cli_parse(argc, argv, options, "MODEL.json", 2, 2, &operands));
    const char *const *paths = operands.items;
    CLEANUP(document_freep) json_t *a = NULL;
    CLEANUP(document_freep) json_t *b = NULL;
    TRY(document_read(paths[0], &a));
    TRY(document_read(paths[1], &b));
    ENSURE(strcmp(document_text(a, "task"), document_text(b, "task")) == 0, CATEGORY_FALSE,
           "%s is the result of the task %s, %s of %s: they have no figures in common", paths[0],
           document_text(a, "task"), paths[1], document_text(b, "task"));
    struct comparison comparison = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    struct result result = compare_all(&comparison, a, b);
    if (result_ok(result) && comparison.different == 0)
        result = buffer_format(&out, "equal, bit for bit: %zu numbers and %zu other values\n", comparison.numbers,
                               comparison.other);
    else if (result_ok(result))
        result =
            buffer_format(&out, "%zu of %zu values differ:\n%.*s%s", comparison.different,
                          comparison.numbers + comparison.other, (int)comparison.places.length,
                          (const char *)comparison.places.data, comparison.different > PLACES_MAX ? "  ...\n" : "");
    buffer_done(&comparison.places);
    TRY(result);
    TRY(cli_print(buffer_view(&out)));
    if (comparison.different == 0) return RESULT_OK;
    const char *term = "";
    double largest = largest_distance(a, b, &term);
    ENSURE(!isnan(largest), CATEGORY_FALSE, "%s and %s differ", paths[0], paths[1]);
    ENSURE(largest > 0, CATEGORY_FALSE, "%s and %s differ, but in no estimate", paths[0], paths[1]);
    return FAIL(CATEGORY_FALSE, "%s and %s differ; the largest distance of two estimates is %.3g standard errors (%s)",
                paths[0], paths[1], largest, term);
}

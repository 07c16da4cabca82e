/* What a person is told before a private evaluation: what its sum holds and how much noise it carries. */
#include <inttypes.h>

#include "analytics/evaluate_private.h"
#include "analytics/private.h"

static const char *const words[EVALUATE_FIELDS] = {
    [EVALUATE_FIELD_CASES] = "how many rows train, are held out, are positive; how many a model refuses to score",
    [EVALUATE_FIELD_COUNTS] = "of each model a histogram of scores: the cases of each outcome in its bins",
    [EVALUATE_FIELD_AWAY] = "how far the probabilities of each bin's rows are from its middle, in halves of its width",
    [EVALUATE_FIELD_ERRORS] = "squared errors",
    [EVALUATE_FIELD_CUTOFFS] = "the cases of each outcome between the cut-offs",
    [EVALUATE_FIELD_GROUPS] = "the same of each group",
    [EVALUATE_FIELD_EXPECTED] = "the probabilities of each group's rows",
    [EVALUATE_FIELD_DRIFT] = "rows in each feature's bins, classes or levels as the model keeps them",
};

static struct result explain_field(const struct evaluate *evaluate, enum evaluate_field field, struct buffer *out)
{
    const struct evaluate_private *private = evaluate->private;
    if (private->field[field] == SIZE_MAX) return RESULT_OK;
    const struct layout_field *of = &private->layout.fields[private->field[field]];
    return buffer_format(out, "%s: %" PRIu64 " sums over all banks: %s; noise of standard deviation %.3g%s\n", of->name,
                         of->length, words[field], private_sigma(of), of->fraction_bits ? "" : " rows");
}

struct result evaluate_private_explain(const struct evaluate *evaluate, struct buffer *out)
{
    TRY(buffer_text(out, "one round, of which the plan alone says what it asks:\n"));
    for (enum evaluate_field f = 0; f < EVALUATE_FIELDS; f++) TRY(explain_field(evaluate, f, out));
    return private_explain(evaluate->plan, out);
}

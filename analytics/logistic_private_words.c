/* What a person is told of a private run: before it, what its sums are and how much noise they carry; during it, how
 * far it is. */
#include <inttypes.h>

#include "analytics/logistic_private.h"

struct result logistic_private_progress(const struct logistic *state, struct buffer *out)
{
    switch (state->stage) {
    case LOGISTIC_COUNTS:
        return buffer_text(out, "counting cases, with noise");
    case LOGISTIC_GRAM:
        return buffer_format(out, "about %" PRIu64 " training rows, %" PRIu64 " positive; products of %zu columns",
                             logistic_train_rows(state), state->cases[CASE_TRAIN_POSITIVE], state->active_count);
    case LOGISTIC_NEWTON:
        return buffer_format(out, "step %" PRIu64 " of %d", state->steps + 1, PRIVATE_STEPS);
    case LOGISTIC_INFERENCE:
        return buffer_text(out, "histogram of scores");
    default:
        return buffer_text(out, "finished");
    }
}

/* Each field of a sum: how many numbers, and σ of the noise in each, in the field's own unit. */
static struct result explain_sum(const struct logistic *state, const char *when, const char *what, struct buffer *out)
{
    bool scores = state->stage == LOGISTIC_INFERENCE;
    struct layout layout;
    TRY(state->stage == LOGISTIC_COUNTS ? logistic_private_counts_layout(state, &layout)
        : scores                        ? logistic_private_score_layout(state, &layout)
                                        : logistic_private_newton_layout(state, &layout));
    TRY(buffer_format(out, "%s: %" PRIu64 " sums over all banks, with noise: %s", when, layout_values(&layout), what));
    const char *between = "; standard deviation of the noise, at least: ";
    for (size_t f = 0; f < layout.fields_count; f++) {
        const struct layout_field *field = &layout.fields[f];
        if (field->length == 0) continue;
        TRY(buffer_format(out, "%s%s %.3g", between, field->name, private_sigma(field)));
        between = ", ";
    }
    return buffer_text(out, "\n");
}

struct result logistic_private_explain(struct logistic *state, struct buffer *out)
{
    bool embedded = logistic_private_embedded(state->plan);
    if (!embedded)
        TRY(explain_sum(
            state, "first",
            "how many rows train, are held out, are positive; how many of each level, by outcome; of each "
            "number its total and its square's (as shares of half the range), how many are missing and outside",
            out));
    for (size_t k = 0; k < CASE_KINDS; k++) state->cases[k] = 1; /* for layouts that ask for a share */
    state->stage = LOGISTIC_GRAM;
    TRY(explain_sum(state, "then",
                    "the products of all pairs of columns and each column's with the outcome (as shares of the longest "
                    "row that counts in full)",
                    out));
    state->stage = LOGISTIC_NEWTON;
    state->steps = 1;
    TRY(explain_sum(state, "4 times", "the gradient, more exactly each time", out));
    state->steps = PRIVATE_NEWTON;
    TRY(explain_sum(state, "the last time but one", "the Hessian with it", out));
    state->stage = LOGISTIC_INFERENCE;
    TRY(explain_sum(
        state, "at the end",
        embedded ? "how many cases of each outcome have a probability in each 32nd of the way from 0 to 1"
                 : "how many cases of each outcome have a probability in each 32nd of the way from 0 to 1; how many "
                   "training rows lie in each of ten bins of a number",
        out));
    return embedded ? RESULT_OK : private_explain(state->plan, out);
}

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

static struct result layout_of(const struct logistic *state, struct layout *ret)
{
    if (state->stage == LOGISTIC_COUNTS) return logistic_private_counts_layout(state, ret);
    if (state->stage == LOGISTIC_INFERENCE) return logistic_private_score_layout(state, ret);
    return logistic_private_newton_layout(state, ret);
}

/* σ of the noise in each number of a field, in the field's own unit; and in the last of several sums, when it differs.
 */
static struct result explain_noise(const struct layout *layout, const struct layout *last, struct buffer *out)
{
    const char *between = "; standard deviation of the noise, at least: ";
    for (size_t f = 0; f < layout->fields_count; f++) {
        double first = private_sigma(&layout->fields[f]), end = private_sigma(&last->fields[f]);
        if (layout->fields[f].length == 0) continue;
        TRY(buffer_format(out, "%s%s %.3g", between, layout->fields[f].name, first));
        if (end < first) TRY(buffer_format(out, " at first, %.3g at last", end));
        between = ", ";
    }
    return buffer_text(out, "\n");
}

/* A sum, or those from this step on to `last`: how many numbers, and how much noise. Levels that noise hides have no
 * columns, so there may be fewer. */
static struct result explain_sum(const struct logistic *state, uint64_t last, const char *when, const char *what,
                                 struct buffer *out)
{
    struct logistic end = *state; /* for its layout alone */
    struct layout layout, ends;
    end.steps = last;
    TRY(layout_of(state, &layout));
    TRY(layout_of(&end, &ends));
    bool fixed = state->stage == LOGISTIC_COUNTS || state->stage == LOGISTIC_INFERENCE;
    TRY(buffer_format(out, "%s: %s%" PRIu64 " sums over all banks, with noise: %s", when, fixed ? "" : "up to ",
                      layout_values(&layout), what));
    return explain_noise(&layout, &ends, out);
}

struct result logistic_private_explain(struct logistic *state, struct buffer *out)
{
    bool embedded = logistic_private_embedded(state->plan);
    if (!embedded)
        TRY(explain_sum(
            state, 0, "first",
            "how many rows train, are held out, are positive; how many of each level, by outcome; of each "
            "number its total and its square's (as shares of half the range), how many are missing and outside",
            out));
    for (size_t k = 0; k < CASE_KINDS; k++) state->cases[k] = 1; /* for layouts that ask for a share */
    state->stage = LOGISTIC_GRAM;
    TRY(explain_sum(state, 0, "then",
                    "the products of all pairs of columns and each column's with the outcome (as shares of the longest "
                    "row that counts in full)",
                    out));
    state->stage = LOGISTIC_NEWTON;
    state->steps = 1;
    TRY(explain_sum(state, PRIVATE_STEPS - 1, "4 times", "the gradient, more exactly each time", out));
    state->steps = PRIVATE_NEWTON;
    TRY(explain_sum(state, PRIVATE_NEWTON, "the last time but one", "the Hessian with it", out));
    state->stage = LOGISTIC_INFERENCE;
    TRY(explain_sum(
        state, 0, "at the end",
        embedded ? "how many cases of each outcome have a probability in each 32nd of the way from 0 to 1"
                 : "how many cases of each outcome have a probability in each 32nd of the way from 0 to 1; how many "
                   "training rows lie in each of ten bins of a number",
        out));
    return embedded ? RESULT_OK : private_explain(state->plan, out);
}

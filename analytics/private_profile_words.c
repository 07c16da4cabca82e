/* What a person is told of a private profile before a run: its sums, and how much noise they carry. */
#include <inttypes.h>
#include <string.h>

#include "analytics/private_profile.h"

static const struct words {
    const char *field, *what;
    bool share; /* of max - min, or of a power of it; else rows */
} words[] = {
    {"cases", "how many rows train, are held out, are positive", false},
    {"counts",
     "how many rows of each level, by outcome; of each number how many are missing or special, by outcome, and a "
     "histogram of at most 256 bins",
     false},
    {"outside", "how many values of each number are outside the bounds", false},
    {"drift", "of each number the distances from the middle of its bounds", true},
    {"spread", "their squares", true},
    {"cubes", "their cubes", true},
    {"histograms", "histograms inside those bins of the first that hold far more than noise", false},
    {"cells", "the cases of each outcome in each number's bins", false},
    {"pair rows", "rows with both values of each pair of numbers", false},
    {"pair products", "the products of all pairs of numbers (their correlations)", true},
};

static const struct words *words_of(const char *field)
{
    size_t i = 0;
    while (i + 1 < sizeof words / sizeof *words && strcmp(words[i].field, field) != 0) i++;
    return &words[i];
}

static struct result explain_round(const char *when, bool least, const struct layout *layout, struct buffer *out)
{
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        const struct words *of = words_of(field->name);
        TRY(buffer_format(out, "%s: %s%" PRIu64 " sums over all banks: %s; noise of standard deviation %.3g%s\n", when,
                          least && !of->share ? "at least " : "", field->length, of->what, private_sigma(field),
                          of->share ? " as a share of max - min" : " rows"));
    }
    return RESULT_OK;
}

struct result private_profile_explain(const struct plan *plan, struct profile_options options, const char *last,
                                      struct buffer *out)
{
    struct private_profile_rounds rounds;
    TRY(private_profile_rounds(plan, options, &rounds));
    TRY(explain_round("first", false, &rounds.first, out));
    TRY(explain_round("then", true, &rounds.quantiles, out));
    return explain_round(last, true, &rounds.cells, out);
}

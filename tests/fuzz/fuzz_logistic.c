/* States and sums of a logistic run. */
#include "tests/support/fold_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLAN(knots, more, train)                                                                                       \
    "cofferdam: 1\nname: fuzz\npurpose: test\ntask: logistic\ntarget: {column: y, positive: \"1\"}\n"                  \
    "split: {fraction: 0.3, seed: s}\nfeatures:\n"                                                                     \
    "  - {name: x, kind: number, min: 0, max: 10, missing: median, resolution: 1" knots "}\n"                          \
    "  - {name: g, kind: category, levels: [\"a\", \"b\"], missing: level}\n" more "train: {" train                    \
    "tolerance: 1.0e-8, rounds: 5}\n"

#define PRIVATE                                                                                                        \
    "cofferdam: 1\nname: fuzz\npurpose: test\ntask: logistic\ntarget: {column: y, positive: \"1\"}\n"                  \
    "split: {fraction: 0.3, seed: s}\nfeatures:\n"                                                                     \
    "  - {name: x, kind: number, min: 0, max: 10, missing: mean, outside: clamp, knots: [4]}\n"                        \
    "  - {name: g, kind: category, levels: [\"a\", \"b\"], missing: level, other: level}\n"                            \
    "interactions: [{of: [x, g]}]\ntrain: {penalty: 1}\nprivacy: {epsilon: 4, delta: 1.0e-6}\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plain, path, private;
    if (size == 0) return 0;
    /* The first byte chooses the plan. */
    if (data[0] & 2)
        fold_fuzz(PRIVATE, &private, data + 1, size - 1);
    else if (data[0] & 1)
        fold_fuzz(PLAN(", knots: [4]", "interactions: [{of: [x, g]}, {of: [x, x]}]\n",
                       "path: 3, l1: 0.5, class_weight: balanced, "),
                  &path, data + 1, size - 1);
    else
        fold_fuzz(PLAN("", "", ""), &plain, data + 1, size - 1);
    return 0;
}

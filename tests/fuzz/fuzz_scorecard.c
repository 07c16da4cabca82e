/* States and sums of a run of a scorecard, exact or private. */
#include "tests/support/fold_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLAN(outside, other, more)                                                                                     \
    "cofferdam: 1\nname: fuzz\npurpose: test\ntask: scorecard\n"                                                       \
    "target: {column: y, positive: \"1\"}\nfeatures:\n"                                                                \
    "  - {name: x, kind: number, min: 0, max: 10, missing: median, resolution: 1, special: [0, 99]" outside "}\n"      \
    "  - {name: g, kind: category, levels: [\"a\", \"b\"], missing: level" other "}\n"                                 \
    "binning: {fine: 4}\n" more

/* The third column says what the first does. */
#define PRIVATE                                                                                                        \
    PLAN(", outside: clamp",                                                                                           \
         ", other: level}\n  - {name: z, kind: number, min: 0, max: 10, missing: mean, outside: clamp, "               \
         "resolution: 1.0e-6",                                                                                         \
         "split: {fraction: 0.3, seed: s}\nselection: {iv: 0}\nprivacy: {epsilon: 50, delta: 1.0e-6}\n")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan exact, private;
    if (size == 0) return 0;
    /* The first byte chooses the plan. */
    if (data[0] & 1)
        fold_fuzz(PRIVATE, &private, data + 1, size - 1);
    else
        fold_fuzz(PLAN("", "", "selection: {iv: 0, signs: any}\n"), &exact, data + 1, size - 1);
    return 0;
}

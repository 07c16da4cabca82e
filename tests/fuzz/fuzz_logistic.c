/* States and sums of a logistic run. */
#include "tests/support/fold_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plan_text[] = "cofferdam: 1\nname: fuzz\npurpose: test\ntask: logistic\n"
                                "target: {column: y, positive: \"1\"}\nfeatures:\n"
                                "  - {name: x, kind: number, min: 0, max: 10, missing: median, resolution: 1}\n"
                                "  - {name: g, kind: category, levels: [\"a\", \"b\"], missing: level}\n"
                                "train: {penalty: 0, tolerance: 1.0e-8, rounds: 5}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    fold_fuzz(plan_text, &plan, data, size);
    return 0;
}

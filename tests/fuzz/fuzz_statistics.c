/* States and sums of a run of statistics. */
#include "tests/support/fold_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plan_text[] =
    "cofferdam: 1\nname: fuzz\npurpose: test\ntask: statistics\n"
    "target: {column: y, positive: \"1\"}\nfeatures:\n"
    "  - {name: x, kind: number, min: 0, max: 10, missing: median, resolution: 1, special: [0, 99]}\n"
    "  - {name: g, kind: category, levels: [\"a\", \"b\"], missing: level}\n"
    "binning: {fine: 4}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    fold_fuzz(plan_text, &plan, data, size);
    return 0;
}

/* States and sums of an evaluation, exact or private. */
#include "tests/support/fold_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLAN(outside, other, more)                                                                                     \
    "cofferdam: 1\nname: fuzz\npurpose: test\ntask: evaluate\n"                                                        \
    "target: {column: y, positive: \"1\"}\nfeatures:\n"                                                                \
    "  - {name: x, kind: number, min: 0, max: 10, missing: level" outside "}\n"                                        \
    "  - {name: g, kind: category, levels: [\"a\", \"b\"], missing: level" other "}\n"                                 \
    "models:\n  - name: m\n    json: "                                                                                 \
    "'{\"cofferdam\":1,\"task\":\"logistic\",\"target\":{\"column\":\"y\",\"positive\":\"1\"},"                        \
    "\"terms\":[{\"term\":\"(intercept)\",\"estimate\":-1},{\"term\":\"x\",\"estimate\":0.5}],\"features\":["          \
    "{\"name\":\"x\",\"kind\":\"number\",\"min\":0,\"max\":10,\"outside\":\"refuse\",\"missing\":\"mean\",\"fill\":5," \
    "\"mean\":5,\"sd\":2,\"bins\":{\"edges\":[3,7],\"rows\":[30,40,20,10],\"missing\":3}}],\"hash\":"                  \
    "\"e567616b2d8fdad5158a4fdca3461565da577179953d5efe36ab75c5e8c91914\"}'\n"                                         \
    "evaluate: {cutoffs: [0.2, 0.5], group: g}\n" more

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan exact, private;
    if (size == 0) return 0;
    /* The first byte chooses the plan. */
    if (data[0] & 1)
        fold_fuzz(PLAN(", outside: clamp", ", other: level", "privacy: {epsilon: 4, delta: 1.0e-6}\n"), &private,
                  data + 1, size - 1);
    else
        fold_fuzz(PLAN("", "", ""), &exact, data + 1, size - 1);
    return 0;
}

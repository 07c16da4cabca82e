/* A node in a run of three, in each of its stages: a coordinator that has one bank on its side sends it anything. */
#include "tests/support/sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const unsigned fuzz_mutations;

const unsigned fuzz_mutations = 10;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sequence_run(true, data, size);
    return 0;
}

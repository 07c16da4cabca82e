#include "sys/entropy.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

struct result entropy_bytes(void *out, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = getrandom((uint8_t *)out + done, length - done, 0);
        if (got < 0 && errno == EINTR) continue;
        ENSURE(got > 0, CATEGORY_ENVIRONMENT, "the kernel gave no randomness: %s", strerror(errno));
        done += (size_t)got;
    }
    return RESULT_OK;
}

struct result entropy_seed(struct secret **ret)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_new(RANDOM_SEED_BYTES, &seed));
    TRY(entropy_bytes(secret_bytes(seed), RANDOM_SEED_BYTES));
    *ret = seed;
    seed = NULL;
    return RESULT_OK;
}

struct result entropy_source(struct random_source **ret)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(entropy_seed(&seed));
    return random_source_new(seed, ret);
}

#include "tests/support/seeded.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto/hash.h"

struct random_source *seeded(const char *text)
{
    struct hash hash;
    struct random_source *source = NULL;
    CLEANUP(secret_freep) struct secret *seed = NULL;
    if (!result_ok(crypto_start()) || !result_ok(hash_bytes(NULL, view_text(text), &hash)) ||
        !result_ok(secret_from(hash_view(&hash), &seed)) || !result_ok(random_source_new(seed, &source)))
        fail_msg("%s", result_reason());
    return source;
}

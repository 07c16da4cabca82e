#include "tests/support/officer.h"

struct result officer_signs(unsigned number, struct approval *approval, struct buffer *out)
{
    const uint8_t bytes[SIGN_SEED_BYTES] = {'o', 'f', 'f', 'i', 'c', 'e', 'r', (uint8_t)number};
    CLEANUP(secret_freep) struct secret *seed = NULL;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    TRY(secret_from(view_of(bytes, sizeof bytes), &seed));
    TRY(sign_key_from_seed(seed, &key));
    return approval_sign(approval, key, out);
}

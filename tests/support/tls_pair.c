#include "tests/support/tls_pair.h"

void tls_pair_done(struct tls_pair *pair)
{
    for (unsigned side = 0; side < 2; side++) {
        tls_session_free(pair->sessions[side]);
        tls_endpoint_free(pair->endpoints[side]);
    }
}

bool tls_pair_carry(struct tls_pair *pair, unsigned from)
{
    uint8_t bytes[4096];
    size_t length = tls_session_output(pair->sessions[from], bytes, sizeof bytes);
    if (length) (void)tls_session_take(pair->sessions[1 - from], view_of(bytes, length));
    return length > 0;
}

void tls_pair_shake(struct tls_pair *pair)
{
    (void)tls_pair_state(pair, 0);
    while (tls_pair_carry(pair, 0) || tls_pair_carry(pair, 1)) {
    }
}

enum tls_state tls_pair_state(struct tls_pair *pair, unsigned side)
{
    return tls_session_take(pair->sessions[side], view_of("", 0));
}

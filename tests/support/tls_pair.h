/* Two TLS sessions of sys/tls.h that speak to each other in memory; the first dials. */
#ifndef TESTS_SUPPORT_TLS_PAIR_H
#define TESTS_SUPPORT_TLS_PAIR_H

#include <stdbool.h>

#include "sys/tls.h"

/* Made by the test, side after side. Zeroed ones may be ended. */
struct tls_pair {
    struct tls_endpoint *endpoints[2];
    struct tls_session *sessions[2];
};
void tls_pair_done(struct tls_pair *pair);
/* What one side has for the other, a piece of it; whether there was any. */
bool tls_pair_carry(struct tls_pair *pair, unsigned from);
/* The handshake, as far as it comes. */
void tls_pair_shake(struct tls_pair *pair);
enum tls_state tls_pair_state(struct tls_pair *pair, unsigned side);

#endif

/* The self-signed certificate over a node key: a carrier for the raw public key, which is all that a peer looks at.
 * The same key always gives the same bytes. Validity is RFC 5280's "no well-defined expiration". */
#ifndef SYS_CERTIFICATE_H
#define SYS_CERTIFICATE_H

#include <openssl/x509.h>

#include "crypto/sign.h"

/* The private key in libcrypto's form (free with EVP_PKEY_free). It lives in libcrypto's secure heap, which the first
 * call sets up; CATEGORY_ENVIRONMENT when its memory cannot be locked. Of a key that is held elsewhere it is a way to
 * sign (sys/provider.h), and borrows the key. */
MUST_USE struct result certificate_key(const struct sign_key *key, EVP_PKEY **ret);
/* Free with X509_free. */
MUST_USE struct result certificate_new(const struct sign_key *key, EVP_PKEY *private_key, X509 **ret);
/* The raw Ed25519 key of a certificate; CATEGORY_PEER when it holds another kind. */
MUST_USE struct result certificate_public(X509 *certificate, struct sign_public *ret);
/* For CLEANUP. */
void certificate_freep(X509 **certificate);
void certificate_key_freep(EVP_PKEY **key);

#endif

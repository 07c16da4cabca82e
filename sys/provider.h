/* A key that is held elsewhere, as OpenSSL sees it: a provider inside this process whose one kind of key can be asked
 * for its public half and for signatures, and for nothing else (provider-keymgmt(7), provider-signature(7)).
 *
 * It has a library context of its own, so that nothing else in this process comes to use it.
 */
#ifndef SYS_PROVIDER_H
#define SYS_PROVIDER_H

#include <openssl/evp.h>

#include "crypto/sign.h"

/* Free with EVP_PKEY_free. Borrows the key, which must outlive it. Its signatures do not wait (sign_at_once). */
MUST_USE struct result provider_key(const struct sign_key *key, EVP_PKEY **ret);

#endif

/* The algorithms of libcrypto, fetched once for the process: a fetch by name costs more than a short hash.
 * Inside crypto/ only. Each is NULL when libcrypto's configuration offers no such algorithm. */
#ifndef CRYPTO_ALGORITHMS_H
#define CRYPTO_ALGORITHMS_H

#include <openssl/evp.h>
#include <openssl/kdf.h>

const EVP_MD *algorithm_sha256(void);
const EVP_CIPHER *algorithm_aes256_ctr(void);
EVP_KDF *algorithm_hkdf(void);

#endif

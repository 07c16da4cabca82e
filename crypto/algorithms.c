#include "crypto/algorithms.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_CIPHER *aes256_ctr;
static EVP_KDF *hkdf;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    aes256_ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
    hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
}

const EVP_MD *algorithm_sha256(void)
{
    (void)pthread_once(&once, fetch);
    return sha256;
}

const EVP_CIPHER *algorithm_aes256_ctr(void)
{
    (void)pthread_once(&once, fetch);
    return aes256_ctr;
}

EVP_KDF *algorithm_hkdf(void)
{
    (void)pthread_once(&once, fetch);
    return hkdf;
}

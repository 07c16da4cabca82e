#include "sys/certificate.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "sys/provider.h"

/* Room for some hundred keys of 32 bytes: one process has few, a test with many clients more. */
enum { SECURE_HEAP_BYTES = 64 << 10, SECURE_HEAP_SMALLEST = 32 };

static pthread_once_t heap_once = PTHREAD_ONCE_INIT;
static bool heap_ready;

static void heap_start(void)
{
    heap_ready = CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_SMALLEST) == 1;
}

void certificate_freep(X509 **certificate)
{
    X509_free(*certificate);
}

void certificate_key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

struct result certificate_key(const struct sign_key *key, EVP_PKEY **ret)
{
    if (!sign_key_in_memory(key)) return provider_key(key, ret);
    (void)pthread_once(&heap_once, heap_start);
    ENSURE(heap_ready, CATEGORY_ENVIRONMENT,
           "%d bytes for the TLS key cannot be locked in memory; raise RLIMIT_MEMLOCK", (int)SECURE_HEAP_BYTES);
    struct view seed = sign_key_seed(key);
    *ret = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed.data, seed.length);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "libcrypto did not take the node key");
    return RESULT_OK;
}

static bool fill(X509 *certificate, const struct sign_public *public, EVP_PKEY *public_key, EVP_PKEY *private_key)
{
    static const unsigned char name[] = "cofferdam";
    uint64_t serial = bytes_get_u64(public->bytes);
    ASN1_INTEGER *number = X509_get_serialNumber(certificate);
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && ASN1_INTEGER_set_uint64(number, serial) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, sizeof name - 1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20000101000000Z") == 1 &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
           X509_set_pubkey(certificate, public_key) == 1 && X509_sign(certificate, private_key, NULL) > 0;
}

struct result certificate_new(const struct sign_key *key, EVP_PKEY *private_key, X509 **ret)
{
    const struct sign_public *public = sign_key_public(key);
    CLEANUP(certificate_key_freep)
    EVP_PKEY *public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public->bytes, SIGN_PUBLIC_BYTES);
    CLEANUP(certificate_freep) X509 *certificate = X509_new();
    ENSURE(public_key && certificate && fill(certificate, public, public_key, private_key), CATEGORY_ENVIRONMENT,
           "libcrypto could not make the certificate of the node key");
    *ret = certificate;
    certificate = NULL;
    return RESULT_OK;
}

struct result certificate_public(X509 *certificate, struct sign_public *ret)
{
    EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
    struct sign_public value;
    size_t length = sizeof value.bytes;
    ENSURE(key && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
               EVP_PKEY_get_raw_public_key(key, value.bytes, &length) == 1 && length == sizeof value.bytes,
           CATEGORY_PEER, "the peer's certificate holds no Ed25519 key");
    *ret = value;
    return RESULT_OK;
}

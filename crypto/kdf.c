#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/algorithms.h"

enum { OUTPUT_MAX = 255 * 32 };

static void context_freep(EVP_KDF_CTX **context)
{
    EVP_KDF_CTX_free(*context); /* wipes its copy of the input */
}

/* OSSL_PARAM has no const; HKDF only reads. */
static OSSL_PARAM octets(const char *name, struct view bytes)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes.data, bytes.length);
}

struct result kdf_hkdf(struct view salt, struct view ikm, struct view info, uint8_t *out, size_t length)
{
    ENSURE(length > 0 && length <= OUTPUT_MAX, CATEGORY_BUG, "HKDF gives 1 to %d bytes, not %zu", OUTPUT_MAX, length);
    ENSURE(ikm.length > 0, CATEGORY_BUG, "HKDF was given nothing to derive from");
    EVP_KDF *hkdf = algorithm_hkdf();
    ENSURE(hkdf, CATEGORY_ENVIRONMENT, "libcrypto offers no HKDF: check OpenSSL's configuration");
    CLEANUP(context_freep) EVP_KDF_CTX *context = EVP_KDF_CTX_new(hkdf);
    ENSURE(context, CATEGORY_ENVIRONMENT, "out of memory for a key derivation");
    static char digest[] = "SHA2-256";
    OSSL_PARAM parameters[5];
    size_t used = 0;
    parameters[used++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    parameters[used++] = octets(OSSL_KDF_PARAM_KEY, ikm);
    if (salt.length) parameters[used++] = octets(OSSL_KDF_PARAM_SALT, salt);
    if (info.length) parameters[used++] = octets(OSSL_KDF_PARAM_INFO, info);
    parameters[used] = OSSL_PARAM_construct_end();
    ENSURE(EVP_KDF_derive(context, out, length, parameters) == 1, CATEGORY_ENVIRONMENT, "libcrypto's HKDF failed");
    return RESULT_OK;
}

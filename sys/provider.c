#include "sys/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NAME "cofferdam"
#define PARAM_KEY "cofferdam-key" /* the bytes of a pointer to the struct sign_key */

enum { KEY_BITS = 256, SECURITY_BITS = 128 };

/* Ed25519's AlgorithmIdentifier (RFC 8410): what a certificate says of its signature. */
static const uint8_t algorithm_identifier[] = {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70};

/* What OpenSSL carries about as the key, and as the state of a signature. */
struct provided {
    const struct sign_key *key; /* borrowed */
};

static void *provided_new(void *provider)
{
    (void)provider;
    return calloc(1, sizeof(struct provided));
}

static void provided_free(void *provided)
{
    free(provided);
}

/* --- The key ------------------------------------------------------------------------------------------------------ */

static int key_has(const void *provided, int selection)
{
    (void)selection; /* there are no parameters, and both halves */
    return provided && ((const struct provided *)provided)->key;
}

static int key_import(void *provided, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    struct provided *into = provided;
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, PARAM_KEY);
    if (!param || param->data_type != OSSL_PARAM_OCTET_STRING || param->data_size != sizeof into->key) return 0;
    memcpy(&into->key, param->data, sizeof into->key);
    return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(PARAM_KEY, NULL, 0), OSSL_PARAM_END};
    (void)selection;
    return types;
}

/* The public half, for OpenSSL to compare with the certificate's. */
static int key_export(void *provided, int selection, OSSL_CALLBACK *take, void *argument)
{
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) return 0;
    struct sign_public public = *sign_key_public(((const struct provided *)provided)->key);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public.bytes, sizeof public.bytes),
        OSSL_PARAM_construct_end(),
    };
    return take(params, argument);
}

static const OSSL_PARAM *key_export_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END};
    return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? NULL : types;
}

static bool set_number(OSSL_PARAM params[], const char *name, int value)
{
    OSSL_PARAM *param = OSSL_PARAM_locate(params, name);
    return !param || OSSL_PARAM_set_int(param, value) == 1;
}

static int key_params(void *provided, OSSL_PARAM params[])
{
    (void)provided;
    OSSL_PARAM *digest = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MANDATORY_DIGEST);
    return set_number(params, OSSL_PKEY_PARAM_BITS, KEY_BITS) &&
           set_number(params, OSSL_PKEY_PARAM_SECURITY_BITS, SECURITY_BITS) &&
           set_number(params, OSSL_PKEY_PARAM_MAX_SIZE, SIGN_BYTES) &&
           (!digest || OSSL_PARAM_set_utf8_string(digest, "") == 1); /* Ed25519 takes the message itself */
}

static const OSSL_PARAM *key_param_types(void *provider)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provider;
    return types;
}

static const char *key_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? NAME : NULL;
}

/* --- The signature ------------------------------------------------------------------------------------------------ */

static void *signature_new(void *provider, const char *properties)
{
    (void)properties;
    return provided_new(provider);
}

static int signature_start(void *context, const char *digest, void *provided, const OSSL_PARAM params[])
{
    (void)params;
    if (digest && *digest) return 0;
    if (provided) ((struct provided *)context)->key = ((const struct provided *)provided)->key;
    return ((const struct provided *)context)->key != NULL;
}

static int signature_make(void *context, unsigned char *out, size_t *length, size_t room, const unsigned char *bytes,
                          size_t count)
{
    if (out) {
        struct signature made;
        if (room < SIGN_BYTES ||
            !result_ok(sign_at_once(((const struct provided *)context)->key, view_of(bytes, count), &made)))
            return 0;
        memcpy(out, made.bytes, SIGN_BYTES);
    }
    *length = SIGN_BYTES;
    return 1;
}

static int signature_params(void *context, OSSL_PARAM params[])
{
    (void)context;
    OSSL_PARAM *identifier = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
    return !identifier ||
           OSSL_PARAM_set_octet_string(identifier, algorithm_identifier, sizeof algorithm_identifier) == 1;
}

static const OSSL_PARAM *signature_param_types(void *context, void *provider)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
                                       OSSL_PARAM_END};
    (void)context;
    (void)provider;
    return types;
}

/* --- The provider ------------------------------------------------------------------------------------------------- */

/* OpenSSL's tables hold functions of every kind in one type. */
#define ENTRY(id, function)                                                                                            \
    {                                                                                                                  \
        (id), (void (*)(void))(function)                                                                               \
    }

static const OSSL_DISPATCH key_functions[] = {
    ENTRY(OSSL_FUNC_KEYMGMT_NEW, provided_new),
    ENTRY(OSSL_FUNC_KEYMGMT_FREE, provided_free),
    ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
    ENTRY(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
    ENTRY(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
    ENTRY(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
    ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_params),
    ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_param_types),
    ENTRY(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation),
    {0, NULL},
};
static const OSSL_DISPATCH signature_functions[] = {
    ENTRY(OSSL_FUNC_SIGNATURE_NEWCTX, signature_new),
    ENTRY(OSSL_FUNC_SIGNATURE_FREECTX, provided_free),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signature_start),
    ENTRY(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signature_make),
    ENTRY(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, signature_params),
    ENTRY(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, signature_param_types),
    {0, NULL},
};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM keys[] = {{"ED25519", "provider=" NAME, key_functions, NULL}, {NULL, NULL, NULL, NULL}};
    static const OSSL_ALGORITHM signatures[] = {{NAME, "provider=" NAME, signature_functions, NULL},
                                                {NULL, NULL, NULL, NULL}};
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT) return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int provider_start(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                          void **context)
{
    static const OSSL_DISPATCH functions[] = {ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query), {0, NULL}};
    static int nothing;
    (void)core;
    (void)in;
    *out = functions;
    *context = &nothing; /* OpenSSL wants one */
    return 1;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *library; /* as long as the process: keys of it may be in use until its end */

static void library_start(void)
{
    OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
    if (made && OSSL_PROVIDER_add_builtin(made, NAME, provider_start) == 1 && OSSL_PROVIDER_load(made, NAME))
        library = made;
    else
        OSSL_LIB_CTX_free(made);
}

static void context_freep(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

struct result provider_key(const struct sign_key *key, EVP_PKEY **ret)
{
    (void)pthread_once(&library_once, library_start);
    EVP_PKEY *made = NULL;
    CLEANUP(context_freep)
    EVP_PKEY_CTX *context = library ? EVP_PKEY_CTX_new_from_name(library, "ED25519", NULL) : NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(PARAM_KEY, &key, sizeof key), OSSL_PARAM_construct_end()};
    ENSURE(context && EVP_PKEY_fromdata_init(context) == 1 &&
               EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, params) == 1,
           CATEGORY_ENVIRONMENT, "libcrypto did not take the node key");
    *ret = made;
    return RESULT_OK;
}

#include "crypto/timestamp.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <string.h>
#include <time.h>

#include "crypto/base/text.h"
#include "crypto/hash.h"

/* Of keys and signatures of certificates, as OpenSSL numbers them: 112 bits. */
enum { SECURITY_LEVEL = 2 };

static void bio_freep(BIO **bio)
{
    BIO_free_all(*bio);
}

static void request_freep(TS_REQ **request)
{
    TS_REQ_free(*request);
}

/* The last of OpenSSL's errors, which says what was being done (0: it gave none), and what it adds to it. Memory that
 * ran out on the way is not the fault of what was read. */
static struct result last_error(unsigned long *ret_code, const char **ret_data)
{
    static const char prefix[] = "Verify error:"; /* OpenSSL's, of a certificate */
    const char *data = "";
    int flags = 0;
    unsigned long code;
    *ret_code = 0;
    *ret_data = "";
    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        ENSURE(ERR_GET_REASON(code) != ERR_R_MALLOC_FAILURE, CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
        *ret_code = code;
        *ret_data = flags & ERR_TXT_STRING ? data : "";
        if (strncmp(*ret_data, prefix, strlen(prefix)) == 0) *ret_data += strlen(prefix);
    }
    return RESULT_OK;
}

/* Why OpenSSL refused. */
static struct result refused(const char *what)
{
    static const struct {
        int library, reason;
        const char *words;
    } known[] = {
        {ERR_LIB_TS, TS_R_NO_TIME_STAMP_TOKEN, "the authority did not grant it"},
        {ERR_LIB_TS, TS_R_MESSAGE_IMPRINT_MISMATCH, "it is over other bytes, or not over their SHA-256"},
        {ERR_LIB_TS, TS_R_SIGNATURE_FAILURE, "its signature is not that of its authority's certificate"},
        {ERR_LIB_ESS, ESS_R_ESS_CERT_ID_NOT_FOUND, "it names another certificate than the one that signed it"},
        {ERR_LIB_ESS, ESS_R_MISSING_SIGNING_CERTIFICATE_ATTRIBUTE, "it does not name the certificate that signed it"},
        {ERR_LIB_TS, TS_R_TSA_NAME_MISMATCH, "it names another authority than the certificate that signed it"},
        {ERR_LIB_TS, TS_R_CERTIFICATE_VERIFY_ERROR,
         "the trusted certificates do not vouch for its authority at that time"},
    };
    unsigned long code;
    const char *words = NULL, *more;
    TRY(last_error(&code, &more));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (ERR_GET_LIB(code) == known[i].library && ERR_GET_REASON(code) == known[i].reason) words = known[i].words;
    if (!words) words = ERR_reason_error_string(code);
    return FAIL(CATEGORY_FALSE, "%s: %s%s%s", what, words ? words : "it cannot be verified", *more ? ": " : "", more);
}

/* ---- Trust */

void timestamp_trust_done(struct timestamp_trust *trust)
{
    sk_X509_pop_free(trust->certificates, X509_free);
    trust->certificates = NULL;
}

static struct result trust_fill(BIO *pem, STACK_OF(X509) * certificates)
{
    X509 *one;
    while ((one = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(certificates, one) > 0) continue;
        X509_free(one);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for trusted certificates");
    }
    unsigned long code;
    const char *more;
    TRY(last_error(&code, &more));
    ENSURE(code != 0, CATEGORY_ENVIRONMENT, "out of memory for trusted certificates");
    ENSURE(ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE, CATEGORY_USAGE,
           "trusted certificate number %d cannot be read: %s", sk_X509_num(certificates) + 1,
           ERR_reason_error_string(code));
    ENSURE(sk_X509_num(certificates) > 0, CATEGORY_USAGE,
           "there is no certificate in it; the authority's CA publishes its own in PEM (-----BEGIN CERTIFICATE-----)");
    return RESULT_OK;
}

struct result timestamp_trust_read(struct view pem, struct timestamp_trust *ret)
{
    CLEANUP(timestamp_trust_done) struct timestamp_trust trust = {sk_X509_new_null()};
    ENSURE(pem.length <= INT_MAX, CATEGORY_USAGE, "the trusted certificates have too many bytes");
    CLEANUP(bio_freep) BIO *source = BIO_new_mem_buf(pem.length ? (const void *)pem.data : "", (int)pem.length);
    ENSURE(trust.certificates && source, CATEGORY_ENVIRONMENT, "out of memory for trusted certificates");
    ERR_clear_error();
    struct result result = trust_fill(source, trust.certificates);
    ERR_clear_error();
    TRY(result);
    *ret = trust;
    trust.certificates = NULL;
    return RESULT_OK;
}

/* ---- Request */

/* With the imprint of the bytes and all else as the standard's default. */
static struct result request_new(struct view bytes, TS_REQ **ret)
{
    struct hash hash;
    TRY(hash_bytes(NULL, bytes, &hash));
    CLEANUP(request_freep) TS_REQ *request = TS_REQ_new();
    ENSURE(request, CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
    TS_MSG_IMPRINT *imprint = TS_REQ_get_msg_imprint(request);
    ENSURE(TS_REQ_set_version(request, 1) == 1 && TS_REQ_set_cert_req(request, 1) == 1 &&
               X509_ALGOR_set0(TS_MSG_IMPRINT_get_algo(imprint), OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
               TS_MSG_IMPRINT_set_msg(imprint, hash.bytes, HASH_BYTES) == 1,
           CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
    *ret = request;
    request = NULL;
    return RESULT_OK;
}

static struct result set_nonce(TS_REQ *request, uint64_t nonce)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    bool set = number && ASN1_INTEGER_set_uint64(number, nonce) == 1 && TS_REQ_set_nonce(request, number) == 1;
    ASN1_INTEGER_free(number);
    ENSURE(set, CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
    return RESULT_OK;
}

struct result timestamp_request(struct view bytes, uint64_t nonce, struct buffer *out)
{
    CLEANUP(request_freep) TS_REQ *request = NULL;
    unsigned char *encoded = NULL;
    TRY(request_new(bytes, &request));
    TRY(set_nonce(request, nonce));
    int length = i2d_TS_REQ(request, &encoded);
    ENSURE(length > 0, CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
    struct result result = buffer_append(out, view_of(encoded, (size_t)length));
    OPENSSL_free(encoded);
    return result;
}

/* ---- Response */

/* What a verification holds of OpenSSL's. */
struct verification {
    TS_RESP *response;
    TS_TST_INFO *info; /* the response's, once it is known to be granted */
    TS_REQ *request;   /* what the response must fit */
    X509_STORE *store;
    TS_VERIFY_CTX *checks;
    struct stack_st_X509 *signers;
};

static void verification_done(struct verification *verification)
{
    TS_RESP_free(verification->response);
    TS_REQ_free(verification->request);
    X509_STORE_free(verification->store);
    TS_VERIFY_CTX_free(verification->checks);
    sk_X509_free(verification->signers); /* the certificates are the response's */
}

static struct result decode(struct view bytes, struct verification *verification)
{
    const unsigned char *at = bytes.data;
    ENSURE(bytes.length > 0 && bytes.length <= INT_MAX, CATEGORY_FALSE, "the time-stamp response is empty or too long");
    verification->response = d2i_TS_RESP(NULL, &at, (long)bytes.length);
    if (!verification->response) return refused("this is no time-stamp response (RFC 3161, DER)");
    ENSURE(at == bytes.data + bytes.length, CATEGORY_FALSE, "the time-stamp response has %zu bytes after its end",
           (size_t)(bytes.data + bytes.length - at));
    verification->info = TS_RESP_get_tst_info(verification->response); /* NULL: it was not granted */
    return RESULT_OK;
}

static struct result time_of(const TS_TST_INFO *info, uint64_t *ret)
{
    struct tm parts = {0};
    ENSURE(ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &parts) == 1, CATEGORY_FALSE,
           "the time-stamp's time cannot be read");
    time_t seconds = timegm(&parts);
    ENSURE(seconds >= 0, CATEGORY_FALSE, "the time-stamp's time is before 1970");
    *ret = (uint64_t)seconds;
    return RESULT_OK;
}

/* The trusted certificates, and how a chain to one of them is judged. */
static struct result store_make(const struct timestamp_trust *trust, uint64_t time, X509_STORE **ret)
{
    X509_STORE *store = *ret = X509_STORE_new();
    ENSURE(store, CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
    for (int i = 0; i < sk_X509_num(trust->certificates); i++)
        ENSURE(X509_STORE_add_cert(store, sk_X509_value(trust->certificates, i)) == 1, CATEGORY_ENVIRONMENT,
               "out of memory for a time-stamp");
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_time(param, (time_t)time);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    return RESULT_OK;
}

/* Status, version, imprint, signer, its chain, its name, signature: OpenSSL's part. */
static struct result check_response(struct verification *verification)
{
    TS_VERIFY_CTX *checks = verification->checks = TS_REQ_to_TS_VERIFY_CTX(verification->request, NULL);
    ENSURE(checks, CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
    (void)TS_VERIFY_CTX_add_flags(checks, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_SIGNER);
    (void)TS_VERIFY_CTX_set_store(checks, verification->store); /* which owns it from here on */
    verification->store = NULL;
    if (TS_RESP_verify_response(checks, verification->response) == 1) return RESULT_OK;
    return refused("the time-stamp does not hold");
}

/* What OpenSSL leaves to its caller: how the token was signed, and that nothing in it has to be understood. */
static struct result check_token(const struct verification *verification)
{
    X509_ALGOR *digest = NULL;
    const ASN1_OBJECT *name = NULL;
    STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(TS_RESP_get_token(verification->response));
    PKCS7_SIGNER_INFO_get0_algs(sk_PKCS7_SIGNER_INFO_value(signers, 0), NULL, &digest, NULL);
    X509_ALGOR_get0(&name, NULL, NULL, digest);
    int id = OBJ_obj2nid(name);
    ENSURE(id == NID_sha256 || id == NID_sha384 || id == NID_sha512, CATEGORY_FALSE,
           "the time-stamp does not hold: it is signed over another hash than SHA-256, SHA-384 or SHA-512");
    ENSURE(TS_TST_INFO_get_ext_by_critical(verification->info, 1, -1) < 0, CATEGORY_FALSE,
           "the time-stamp does not hold: it has a critical extension, and none is known here");
    return RESULT_OK;
}

static struct result serial_of(const TS_TST_INFO *info, char *out)
{
    const ASN1_INTEGER *serial = TS_TST_INFO_get_serial(info);
    struct view bytes = view_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    ENSURE(ASN1_STRING_type(serial) == V_ASN1_INTEGER && bytes.length <= TIMESTAMP_SERIAL_BYTES, CATEGORY_FALSE,
           "the time-stamp's serial number has more than %u bytes or a sign", TIMESTAMP_SERIAL_BYTES);
    bytes_hex(bytes, out);
    return RESULT_OK;
}

static struct result policy_of(TS_TST_INFO *info, char *out)
{
    int length = OBJ_obj2txt(out, TIMESTAMP_POLICY_MAX + 1, TS_TST_INFO_get_policy_id(info), 1);
    ENSURE(length > 0 && length <= (int)TIMESTAMP_POLICY_MAX, CATEGORY_FALSE,
           "the time-stamp's policy is no object identifier of up to %u characters", TIMESTAMP_POLICY_MAX);
    return RESULT_OK;
}

static struct result authority_of(struct verification *verification, char *out)
{
    verification->signers = PKCS7_get0_signers(TS_RESP_get_token(verification->response), NULL, 0);
    CLEANUP(bio_freep) BIO *text = BIO_new(BIO_s_mem());
    ENSURE(verification->signers && text, CATEGORY_ENVIRONMENT, "out of memory for a time-stamp");
    const X509_NAME *name = X509_get_subject_name(sk_X509_value(verification->signers, 0));
    int length = X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    ENSURE(length > 0 && length <= (int)TIMESTAMP_AUTHORITY_MAX && BIO_read(text, out, length) == length &&
               text_printable(view_of(out, (size_t)length), ""),
           CATEGORY_FALSE, "the name of the time-stamp's authority is empty, too long or not printable");
    out[length] = 0;
    return RESULT_OK;
}

static struct result verify(struct view response, struct view bytes, const struct timestamp_trust *trust,
                            struct timestamp *ret)
{
    CLEANUP(verification_done) struct verification verification = {0};
    TRY(decode(response, &verification));
    if (verification.info) TRY(time_of(verification.info, &ret->time));
    TRY(request_new(bytes, &verification.request));
    TRY(store_make(trust, ret->time, &verification.store));
    TRY(check_response(&verification));
    TRY(check_token(&verification));
    TRY(serial_of(verification.info, ret->serial));
    TRY(policy_of(verification.info, ret->policy));
    return authority_of(&verification, ret->authority);
}

struct result timestamp_verify(struct view response, struct view bytes, const struct timestamp_trust *trust,
                               struct timestamp *ret)
{
    struct timestamp found = {0};
    ERR_clear_error();
    struct result result = verify(response, bytes, trust, &found);
    ERR_clear_error();
    if (result_ok(result)) *ret = found;
    return result;
}

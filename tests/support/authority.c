#include "tests/support/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ess.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "tests/support/ok.h"

static void extend(X509 *certificate, int id, const char *value)
{
    if (!value) return;
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, id, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static EVP_PKEY *key_make(const struct identity_wish *wish)
{
    if (wish->key_of) {
        assert_int_equal(EVP_PKEY_up_ref(wish->key_of->key), 1);
        return wish->key_of->key;
    }
    EVP_PKEY *key = wish->rsa_bits ? EVP_RSA_gen(wish->rsa_bits) : EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

struct identity identity_make(struct identity_wish wish)
{
    static long serial = 1;
    struct identity made = {key_make(&wish), X509_new()};
    const struct identity *issuer = wish.issuer ? wish.issuer : &made;
    X509_NAME *name = X509_get_subject_name(made.certificate);
    assert_int_equal(X509_set_version(made.certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)wish.name, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer->certificate)), 1);
    ASN1_TIME *from = X509_getm_notBefore(made.certificate), *until = X509_getm_notAfter(made.certificate);
    assert_int_equal(ASN1_TIME_set_string_X509(from, wish.from ? wish.from : "20250101000000Z"), 1);
    assert_int_equal(ASN1_TIME_set_string_X509(until, wish.until ? wish.until : "20350101000000Z"), 1);
    assert_int_equal(X509_set_pubkey(made.certificate, made.key), 1);
    extend(made.certificate, NID_basic_constraints, wish.basic);
    extend(made.certificate, NID_key_usage, wish.key_usage);
    extend(made.certificate, NID_ext_key_usage, wish.extended);
    assert_true(X509_sign(made.certificate, issuer->key, EVP_sha256()) > 0);
    return made;
}

struct identity identity_ca(const char *name, const struct identity *issuer)
{
    return identity_make((struct identity_wish){
        .name = name, .issuer = issuer, .basic = "critical,CA:TRUE", .key_usage = "critical,keyCertSign"});
}

struct identity identity_authority(const char *name, const struct identity *issuer)
{
    return identity_make((struct identity_wish){
        .name = name, .issuer = issuer, .key_usage = "critical,digitalSignature", .extended = "critical,timeStamping"});
}

void identity_done(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    *identity = (struct identity){0};
}

void identity_pem(const struct identity *identity, struct buffer *out)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *data;
    assert_int_equal(PEM_write_bio_X509(text, identity->certificate), 1);
    long length = BIO_get_mem_data(text, &data);
    OK(buffer_append(out, view_of(data, (size_t)length)));
    BIO_free(text);
}

/* ---- What is signed */

static void imprint_set(const struct reply_wish *wish, TS_TST_INFO *info)
{
    const EVP_MD *hash = wish->imprint ? wish->imprint : EVP_sha256();
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned length;
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    X509_ALGOR_set_md(algorithm, hash);
    assert_int_equal(EVP_Digest(wish->over.data, wish->over.length, bytes, &length, hash, NULL), 1);
    assert_int_equal(TS_MSG_IMPRINT_set_algo(imprint, algorithm), 1);
    assert_int_equal(TS_MSG_IMPRINT_set_msg(imprint, bytes, (int)length), 1);
    assert_int_equal(TS_TST_INFO_set_msg_imprint(info, imprint), 1);
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(imprint);
}

static void serial_set(const char *hex, TS_TST_INFO *info)
{
    BIGNUM *number = NULL;
    assert_true(BN_hex2bn(&number, hex) > 0);
    ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(number, NULL);
    assert_int_equal(TS_TST_INFO_set_serial(info, serial), 1);
    ASN1_INTEGER_free(serial);
    BN_free(number);
}

static void tsa_set(const struct identity *tsa, TS_TST_INFO *info)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, X509_NAME_dup(X509_get_subject_name(tsa->certificate)));
    assert_int_equal(TS_TST_INFO_set_tsa(info, name), 1);
    GENERAL_NAME_free(name);
}

static void critical_add(TS_TST_INFO *info)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, "critical,unknown");
    assert_non_null(extension);
    assert_int_equal(TS_TST_INFO_add_ext(info, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static TS_TST_INFO *info_make(const struct reply_wish *wish)
{
    TS_TST_INFO *info = TS_TST_INFO_new();
    ASN1_OBJECT *policy = OBJ_txt2obj(wish->policy ? wish->policy : "1.2.3.4", 1);
    ASN1_GENERALIZEDTIME *time = ASN1_GENERALIZEDTIME_new();
    assert_int_equal(ASN1_STRING_set(time, wish->time ? wish->time : "20260101120000Z", -1), 1);
    assert_int_equal(TS_TST_INFO_set_version(info, wish->version ? wish->version : 1), 1);
    assert_int_equal(TS_TST_INFO_set_policy_id(info, policy), 1);
    assert_int_equal(TS_TST_INFO_set_time(info, time), 1);
    imprint_set(wish, info);
    serial_set(wish->serial ? wish->serial : "1000", info);
    if (wish->tsa) tsa_set(wish->tsa, info);
    if (wish->critical) critical_add(info);
    ASN1_GENERALIZEDTIME_free(time);
    ASN1_OBJECT_free(policy);
    return info;
}

/* ---- The token around it */

/* The attribute that says which certificate signed (RFC 5816). */
static void named_add(PKCS7_SIGNER_INFO *signer, X509 *certificate)
{
    ESS_SIGNING_CERT_V2 *named = OSSL_ESS_signing_cert_v2_new_init(EVP_sha256(), certificate, NULL, 0);
    assert_non_null(named);
    uint8_t *encoded = NULL;
    int length = i2d_ESS_SIGNING_CERT_V2(named, &encoded);
    ASN1_STRING *value = ASN1_STRING_new();
    assert_true(length > 0 && ASN1_STRING_set(value, encoded, length) == 1);
    assert_int_equal(PKCS7_add_signed_attribute(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, value),
                     1);
    OPENSSL_free(encoded);
    ESS_SIGNING_CERT_V2_free(named);
}

static void content_set(PKCS7 *token)
{
    PKCS7 *content = PKCS7_new();
    content->type = OBJ_nid2obj(NID_id_smime_ct_TSTInfo);
    content->d.other = ASN1_TYPE_new();
    ASN1_TYPE_set(content->d.other, V_ASN1_OCTET_STRING, ASN1_OCTET_STRING_new());
    assert_int_equal(PKCS7_set_content(token, content), 1);
}

static PKCS7 *token_make(const struct reply_wish *wish, TS_TST_INFO *info)
{
    const EVP_MD *digest = wish->digest ? wish->digest : EVP_sha256();
    PKCS7 *token = PKCS7_new();
    assert_int_equal(PKCS7_set_type(token, NID_pkcs7_signed), 1);
    assert_int_equal(ASN1_INTEGER_set(token->d.sign->version, 3), 1);
    if (!wish->bare) assert_int_equal(PKCS7_add_certificate(token, wish->signer->certificate), 1);
    for (size_t i = 0; i < 3 && wish->carried[i]; i++)
        assert_int_equal(PKCS7_add_certificate(token, wish->carried[i]->certificate), 1);
    PKCS7_SIGNER_INFO *signer = PKCS7_add_signature(token, wish->signer->certificate, wish->signer->key, digest);
    assert_non_null(signer);
    assert_int_equal(
        PKCS7_add_signed_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_id_smime_ct_TSTInfo)),
        1);
    if (!wish->unnamed) named_add(signer, wish->named ? wish->named->certificate : wish->signer->certificate);
    content_set(token);
    BIO *bytes = PKCS7_dataInit(token, NULL);
    assert_int_equal(i2d_TS_TST_INFO_bio(bytes, info), 1);
    assert_int_equal(PKCS7_dataFinal(token, bytes), 1);
    BIO_free_all(bytes);
    return token;
}

static void encode(TS_RESP *response, struct buffer *out)
{
    uint8_t *encoded = NULL;
    int length = i2d_TS_RESP(response, &encoded);
    assert_true(length > 0);
    buffer_clear(out);
    OK(buffer_append(out, view_of(encoded, (size_t)length)));
    OPENSSL_free(encoded);
}

void reply_make(struct reply_wish wish, struct buffer *out)
{
    TS_RESP *response = TS_RESP_new();
    TS_STATUS_INFO *status = TS_STATUS_INFO_new();
    assert_int_equal(TS_STATUS_INFO_set_status(status, wish.status), 1);
    assert_int_equal(TS_RESP_set_status_info(response, status), 1);
    TS_TST_INFO *info = info_make(&wish);
    TS_RESP_set_tst_info(response, token_make(&wish, info), info);
    encode(response, out);
    TS_STATUS_INFO_free(status);
    TS_RESP_free(response);
}

void reply_refusal(int status, int failure, struct buffer *out)
{
    /* SEQUENCE { SEQUENCE { INTEGER status, BIT STRING failure } }: OpenSSL has no function that sets the failure. */
    uint8_t plain[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, (uint8_t)status};
    uint8_t named[] = {0x30, 0x09, 0x30, 0x07, 0x02, 0x01, (uint8_t)status, 0x03, 0x02, 0x00, 0x00};
    buffer_clear(out);
    if (failure < 0) OK(buffer_append(out, view_of(plain, sizeof plain)));
    if (failure < 0) return;
    assert_true(failure < 8);
    named[9] = (uint8_t)(7 - failure);
    named[10] = (uint8_t)(0x80u >> failure);
    OK(buffer_append(out, view_of(named, sizeof named)));
}

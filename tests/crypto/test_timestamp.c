/* Requests for time-stamps, and responses that hold or do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ts.h>

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "crypto/timestamp.h"
#include "tests/support/authority.h"
#include "tests/support/ok.h"

enum { NOON = 1767268800 }; /* 2026-01-01 12:00:00 UTC, when the authority replies unless a test says otherwise */

static struct identity root, middle, authority, stranger;
static struct timestamp_trust trust;
static const struct view bytes = {(const uint8_t *)"what is stamped\n", 16};

static struct timestamp_trust trust_of(const struct identity *identity)
{
    CLEANUP(buffer_done) struct buffer pem = {0};
    struct timestamp_trust made = {0};
    identity_pem(identity, &pem);
    OK(timestamp_trust_read(buffer_view(&pem), &made));
    return made;
}

static int make(void **state)
{
    (void)state;
    OK(crypto_start());
    root = identity_ca("root", NULL);
    middle = identity_ca("middle", &root);
    authority = identity_authority("Clock", &root);
    stranger = identity_ca("stranger", NULL);
    trust = trust_of(&root);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    timestamp_trust_done(&trust);
    identity_done(&root);
    identity_done(&middle);
    identity_done(&authority);
    identity_done(&stranger);
    return 0;
}

static void refused(struct view response, const struct timestamp_trust *by, const char *why)
{
    struct timestamp untouched, found;
    memset(&untouched, 0x5A, sizeof untouched);
    memcpy(&found, &untouched, sizeof found);
    struct result result = timestamp_verify(response, bytes, by, &found);
    assert_int_equal(result.category, CATEGORY_FALSE);
    if (!strstr(result_reason(), why)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), why);
    assert_memory_equal(&found, &untouched, sizeof found);
}

/* The bytes and the authority where the wish names none. */
static void wish_refused(struct reply_wish wish, const char *why)
{
    CLEANUP(buffer_done) struct buffer response = {0};
    if (!wish.over.data) wish.over = bytes;
    if (!wish.signer) wish.signer = &authority;
    reply_make(wish, &response);
    refused(buffer_view(&response), &trust, why);
}

static struct timestamp wish_holds(struct reply_wish wish, const struct timestamp_trust *by)
{
    CLEANUP(buffer_done) struct buffer response = {0};
    struct timestamp found;
    wish.over = bytes;
    if (!wish.signer) wish.signer = &authority;
    reply_make(wish, &response);
    OK(timestamp_verify(buffer_view(&response), bytes, by, &found));
    return found;
}

static void a_request_asks_for_what_the_standard_says(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    struct hash hash;
    OK(timestamp_request(bytes, UINT64_C(0xFEDCBA9876543210), &out));
    const uint8_t *at = out.data;
    TS_REQ *request = d2i_TS_REQ(NULL, &at, (long)out.length);
    assert_non_null(request);
    assert_ptr_equal(at, out.data + out.length);
    assert_int_equal(TS_REQ_get_version(request), 1);
    TS_MSG_IMPRINT *imprint = TS_REQ_get_msg_imprint(request);
    const ASN1_OBJECT *algorithm;
    int parameter;
    X509_ALGOR_get0(&algorithm, &parameter, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    assert_int_equal(OBJ_obj2nid(algorithm), NID_sha256);
    assert_int_equal(parameter, V_ASN1_NULL);
    OK(hash_bytes(NULL, bytes, &hash));
    assert_int_equal(ASN1_STRING_length(TS_MSG_IMPRINT_get_msg(imprint)), HASH_BYTES);
    assert_memory_equal(ASN1_STRING_get0_data(TS_MSG_IMPRINT_get_msg(imprint)), hash.bytes, HASH_BYTES);
    uint64_t nonce;
    assert_int_equal(ASN1_INTEGER_get_uint64(&nonce, TS_REQ_get_nonce(request)), 1);
    assert_true(nonce == UINT64_C(0xFEDCBA9876543210));
    assert_true(TS_REQ_get_cert_req(request));
    assert_null(TS_REQ_get_policy_id(request));
    assert_int_equal(TS_REQ_get_ext_count(request), 0);
    TS_REQ_free(request);
}

static void a_response_says_when_and_who(void **state)
{
    (void)state;
    struct timestamp found = wish_holds((struct reply_wish){0}, &trust);
    assert_true(found.time == NOON);
    assert_string_equal(found.serial, "1000");
    assert_string_equal(found.policy, "1.2.3.4");
    assert_string_equal(found.authority, "CN=Clock");
    found = wish_holds((struct reply_wish){.time = "20260101120000.75Z",
                                           .status = TS_STATUS_GRANTED_WITH_MODS,
                                           .digest = EVP_sha512(),
                                           .tsa = &authority,
                                           .serial = "0"},
                       &trust);
    assert_true(found.time == NOON);
    assert_string_equal(found.serial, "00");
    found = wish_holds((struct reply_wish){.serial = "FF00112233445566778899AABBCCDDEEFF001122"}, &trust);
    assert_string_equal(found.serial, "ff00112233445566778899aabbccddeeff001122");
}

static void an_authority_may_have_an_rsa_key(void **state)
{
    (void)state;
    struct identity signer = identity_make(
        (struct identity_wish){.name = "rsa", .issuer = &root, .extended = "critical,timeStamping", .rsa_bits = 2048});
    assert_string_equal(wish_holds((struct reply_wish){.signer = &signer}, &trust).authority, "CN=rsa");
    identity_done(&signer);
}

static void a_chain_may_be_long_and_names_in_any_script(void **state)
{
    (void)state;
    struct identity below = identity_authority("Relógio, \xE6\x97\xB6", &middle);
    struct timestamp found = wish_holds((struct reply_wish){.signer = &below, .carried = {&middle, &stranger}}, &trust);
    assert_string_equal(found.authority, "CN=Relógio\\, \xE6\x97\xB6");
    wish_refused((struct reply_wish){.signer = &below}, "unable to get local issuer certificate");
    identity_done(&below);
}

/* A response holds as long as anyone keeps it: certificates count at its time, not today. */
static void certificates_count_at_the_time_of_the_response(void **state)
{
    (void)state;
    struct identity_wish past = {.name = "past",
                                 .from = "20050101000000Z",
                                 .until = "20060101000000Z",
                                 .basic = "critical,CA:TRUE",
                                 .key_usage = "critical,keyCertSign"};
    struct identity old = identity_make(past);
    past = (struct identity_wish){.name = "past clock", .issuer = &old, .extended = "critical,timeStamping"};
    past.from = "20000101000000Z";
    struct identity outlives = identity_make(past);
    past.from = "20050301000000Z", past.until = "20050401000000Z";
    struct identity brief = identity_make(past);
    struct timestamp_trust in_old = trust_of(&old);
    struct timestamp found = wish_holds((struct reply_wish){.signer = &brief, .time = "20050315000000Z"}, &in_old);
    assert_true(found.time == UINT64_C(1110844800));
    struct {
        const struct identity *signer;
        const char *time, *why;
    } cases[] = {
        {&brief, "20050402000000Z", "certificate has expired"},
        {&brief, "20050228000000Z", "certificate is not yet valid"},
        {&outlives, "20070101000000Z", "certificate has expired"}, /* the CA's */
        {&outlives, "20041231000000Z", "certificate is not yet valid"},
        {&outlives, "19691231235959Z", "before 1970"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(buffer_done) struct buffer response = {0};
        reply_make((struct reply_wish){.over = bytes, .signer = cases[i].signer, .time = cases[i].time}, &response);
        refused(buffer_view(&response), &in_old, cases[i].why);
    }
    timestamp_trust_done(&in_old);
    identity_done(&brief);
    identity_done(&outlives);
    identity_done(&old);
}

static void other_bytes_and_other_hashes_are_refused(void **state)
{
    (void)state;
    const char *why = "it is over other bytes, or not over their SHA-256";
    wish_refused((struct reply_wish){.over = view_text("what is stamped")}, why);
    wish_refused((struct reply_wish){.over = view_text("")}, why);
    wish_refused((struct reply_wish){.imprint = EVP_sha1()}, why);
    wish_refused((struct reply_wish){.imprint = EVP_sha512()}, why);
}

static void only_a_trusted_ca_vouches(void **state)
{
    (void)state;
    const char *why = "the trusted certificates do not vouch for its authority at that time: ";
    struct identity namesake = identity_ca("root", NULL), below_namesake = identity_authority("Clock", &namesake);
    struct identity alone = identity_authority("alone", NULL), below_leaf = identity_authority("below", &authority);
    wish_refused((struct reply_wish){.signer = &below_namesake, .carried = {&namesake}}, why);
    wish_refused((struct reply_wish){.signer = &alone}, why);
    wish_refused((struct reply_wish){.signer = &below_leaf, .carried = {&authority}}, why);
    wish_refused((struct reply_wish){.bare = true}, "signer certificate not found");
    CLEANUP(buffer_done) struct buffer response = {0};
    reply_make((struct reply_wish){.over = bytes, .signer = &authority, .carried = {&root}}, &response);
    struct timestamp_trust other = trust_of(&stranger), leaf = trust_of(&authority), nobody = {0};
    refused(buffer_view(&response), &other, why);
    refused(buffer_view(&response), &leaf, why);
    refused(buffer_view(&response), &nobody, why);
    timestamp_trust_done(&other);
    timestamp_trust_done(&leaf);
    identity_done(&namesake);
    identity_done(&below_namesake);
    identity_done(&alone);
    identity_done(&below_leaf);
}

static void only_certificates_for_time_stamps_alone_sign(void **state)
{
    (void)state;
    static const struct {
        const char *key_usage, *extended;
    } cases[] = {
        {"critical,digitalSignature", NULL},
        {"critical,digitalSignature", "timeStamping"}, /* RFC 3161, 2.3: it must be critical */
        {"critical,digitalSignature", "critical,timeStamping,codeSigning"},
        {"critical,digitalSignature", "critical,serverAuth"},
        {"critical,keyEncipherment", "critical,timeStamping"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct identity signer = identity_make((struct identity_wish){
            .name = "other", .issuer = &root, .key_usage = cases[i].key_usage, .extended = cases[i].extended});
        wish_refused((struct reply_wish){.signer = &signer}, "unsuitable certificate purpose");
        identity_done(&signer);
    }
    struct identity weak = identity_make(
        (struct identity_wish){.name = "weak", .issuer = &root, .extended = "critical,timeStamping", .rsa_bits = 1024});
    wish_refused((struct reply_wish){.signer = &weak}, "EE certificate key too weak");
    identity_done(&weak);
}

static void tokens_that_are_not_as_they_must_be_are_refused(void **state)
{
    (void)state;
    struct identity twin = identity_authority("Clock", &root), forger = {stranger.key, authority.certificate};
    wish_refused((struct reply_wish){.digest = EVP_sha1()}, "signed over another hash than SHA-256");
    wish_refused((struct reply_wish){.named = &twin}, "names another certificate than the one that signed it");
    wish_refused((struct reply_wish){.unnamed = true}, "does not name the certificate that signed it");
    wish_refused((struct reply_wish){.tsa = &stranger}, "names another authority than the certificate");
    wish_refused((struct reply_wish){.critical = true}, "a critical extension");
    wish_refused((struct reply_wish){.version = 2}, "unsupported version");
    wish_refused((struct reply_wish){.serial = "01FF00112233445566778899AABBCCDDEEFF001122"}, "serial number");
    wish_refused((struct reply_wish){.serial = "-01"}, "serial number");
    wish_refused((struct reply_wish){.time = "2026"}, "time cannot be read");
    char policy[TIMESTAMP_POLICY_MAX + 2] = "1.2";
    for (size_t i = 3; i < TIMESTAMP_POLICY_MAX; i++) policy[i] = i % 2 ? '.' : '3';
    assert_string_equal(wish_holds((struct reply_wish){.policy = policy}, &trust).policy, policy);
    policy[TIMESTAMP_POLICY_MAX] = '0';
    wish_refused((struct reply_wish){.policy = policy}, "policy");
    wish_refused((struct reply_wish){.signer = &forger}, "its signature is not that of its authority's certificate");
    identity_done(&twin);
}

static void what_was_not_granted_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer response = {0};
    reply_refusal(TS_STATUS_REJECTION, TS_INFO_BAD_ALG, &response);
    refused(buffer_view(&response), &trust, "the authority did not grant it: status code: rejection");
    refused(buffer_view(&response), &trust, "badAlg");
    reply_refusal(TS_STATUS_WAITING, -1, &response);
    refused(buffer_view(&response), &trust, "the authority did not grant it: status code: waiting");
    reply_refusal(TS_STATUS_GRANTED, -1, &response);
    refused(buffer_view(&response), &trust, "this is no time-stamp response");
    wish_refused((struct reply_wish){.status = TS_STATUS_REJECTION}, "this is no time-stamp response");
}

static void cut_and_longer_responses_are_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer response = {0};
    reply_make((struct reply_wish){.over = bytes, .signer = &authority}, &response);
    for (size_t length = 0; length < response.length; length++) {
        uint8_t *copy = malloc(length ? length : 1); /* of that size, so that a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, response.data, length);
        refused(view_of(copy, length), &trust, length ? "this is no time-stamp response" : "empty");
        free(copy);
    }
    OK(buffer_u8(&response, 0));
    refused(buffer_view(&response), &trust, "has 1 bytes after its end");
}

/* Not all bytes are signed (the version of the envelope is not), but none can be changed so that it says something
 * else. */
static void a_changed_byte_never_says_another_thing(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer response = {0};
    struct timestamp right = wish_holds((struct reply_wish){0}, &trust);
    size_t held = 0;
    reply_make((struct reply_wish){.over = bytes, .signer = &authority}, &response);
    for (size_t i = 0; i < response.length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct timestamp found = {0};
            response.data[i] ^= (uint8_t)(1u << bit);
            struct result result = timestamp_verify(buffer_view(&response), bytes, &trust, &found);
            response.data[i] ^= (uint8_t)(1u << bit);
            if (!result_ok(result)) assert_int_equal(result.category, CATEGORY_FALSE);
            if (!result_ok(result)) continue;
            held++;
            assert_memory_equal(&found, &right, sizeof found);
        }
    }
    assert_true(held < 8 * response.length / 40);
    struct timestamp found;
    OK(timestamp_verify(buffer_view(&response), bytes, &trust, &found));
}

static void trust_is_read_from_pem(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer pem = {0};
    struct timestamp_trust both = {0};
    OK(buffer_text(&pem, "the first:\n"));
    identity_pem(&stranger, &pem);
    OK(buffer_text(&pem, "\n# and the second\n"));
    identity_pem(&root, &pem);
    OK(timestamp_trust_read(buffer_view(&pem), &both));
    assert_true(wish_holds((struct reply_wish){0}, &both).time == NOON);
    timestamp_trust_done(&both);
    static const char *const none[] = {"", "no certificate\n",
                                       "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(timestamp_trust_read(view_text(none[i]), &both).category, CATEGORY_USAGE);
        assert_non_null(strstr(result_reason(), "there is no certificate in it"));
    }
    pem.length -= 200;
    assert_int_equal(timestamp_trust_read(buffer_view(&pem), &both).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "trusted certificate number 2 cannot be read"));
    assert_null(both.certificates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_asks_for_what_the_standard_says),
        cmocka_unit_test(a_response_says_when_and_who),
        cmocka_unit_test(an_authority_may_have_an_rsa_key),
        cmocka_unit_test(a_chain_may_be_long_and_names_in_any_script),
        cmocka_unit_test(certificates_count_at_the_time_of_the_response),
        cmocka_unit_test(other_bytes_and_other_hashes_are_refused),
        cmocka_unit_test(only_a_trusted_ca_vouches),
        cmocka_unit_test(only_certificates_for_time_stamps_alone_sign),
        cmocka_unit_test(tokens_that_are_not_as_they_must_be_are_refused),
        cmocka_unit_test(what_was_not_granted_is_refused),
        cmocka_unit_test(cut_and_longer_responses_are_refused),
        cmocka_unit_test(a_changed_byte_never_says_another_thing),
        cmocka_unit_test(trust_is_read_from_pem),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}

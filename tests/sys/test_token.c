/* Keys in a token, with SoftHSM for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/certificate.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/keys.h"
#include "sys/token.h"
#include "tests/support/scratch.h"
#include "tests/support/softhsm.h"
#include "tests/support/tls_pair.h"
#include "tests/support/vectors.h"

/* SoftHSM 2.6.1 loses the curve's name at each signature: its leaks are not ours. To tell them, LeakSanitizer has to
 * look through frames without frame pointers, and the module has to stay mapped to the end. */
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libsofthsm2.so\n";
}
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

/* What the URIs of these tests end with. */
#define MODULE "module-path=" SOFTHSM_MODULE

static char directory[SCRATCH_MAX], tokens[FILE_PATH_MAX], away[FILE_PATH_MAX], pin_file[FILE_PATH_MAX],
    wrong_pin_file[FILE_PATH_MAX];

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void refused(struct result result, enum category category, const char *part)
{
    assert_int_equal(result.category, category);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

static void write_pin(const char *name, const char *pin, char path[FILE_PATH_MAX])
{
    ok(file_path(directory, name, path));
    ok(file_write(path, view_text(pin), 0600));
}

static int enter(void **state)
{
    (void)state;
    if (!result_ok(crypto_start())) return 1;
    scratch_new(directory);
    char *whole = realpath(directory, NULL);
    if (!whole) return 1;
    (void)snprintf(directory, sizeof directory, "%s", whole);
    free(whole);
    ok(file_path(directory, "tokens", tokens));
    ok(file_path(directory, "away", away));
    write_pin("pin", SOFTHSM_PIN "\n", pin_file);
    write_pin("wrong", "4321\n", wrong_pin_file);
    softhsm_start(directory);
    if (softhsm_there()) {
        if (!dlopen(SOFTHSM_MODULE, RTLD_NOW | RTLD_NODELETE)) return 1;
        softhsm_token("bank");
    }
    return setenv("COFFERDAM_PASSPHRASE_FILE", pin_file, 1);
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return unsetenv("COFFERDAM_PASSPHRASE_FILE");
}

/* All tokens, as if they were pulled out and put in again. */
static bool take_away(void)
{
    return rename(tokens, away) == 0 && mkdir(tokens, 0700) == 0;
}

static bool bring_back(void)
{
    return rmdir(tokens) == 0 && rename(away, tokens) == 0;
}

static struct sign_key *opened(const char *object, bool waits)
{
    char uri[FILE_PATH_MAX];
    struct sign_key *key = NULL;
    (void)snprintf(uri, sizeof uri, "pkcs11:token=bank;object=%s?" MODULE, object);
    ok(token_key_open(uri, &key));
    if (waits) sign_key_wait(key);
    return key;
}

static struct sign_key *made(const char *label, bool expect_new)
{
    CLEANUP(secret_freep) struct secret *pin = NULL;
    struct sign_key *key = NULL;
    bool new = !expect_new;
    ok(token_pin("pkcs11:token=bank?" MODULE, &pin));
    ok(token_key_make("pkcs11:token=bank?" MODULE, label, pin, &new, &key));
    assert_int_equal(new, expect_new);
    return key;
}

static void rfc8032_vectors_sign_in_the_token(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    VECTORS_LOAD(file, "04-rfc-nist/rfc8032_ed25519.json");
    size_t index, count = 0;
    json_t *one;
    json_array_foreach(vectors_array(file, "cases"), index, one)
    {
        CLEANUP(buffer_done) struct buffer message = {0};
        uint8_t seed[SIGN_SEED_BYTES];
        char label[32];
        struct sign_public public;
        struct signature expected, signature;
        (void)snprintf(label, sizeof label, "rfc8032-%zu", index);
        vectors_hex_exact(one, "seed", seed, sizeof seed);
        vectors_hex_exact(one, "public", public.bytes, sizeof public.bytes);
        vectors_hex_exact(one, "signature", expected.bytes, sizeof expected.bytes);
        struct view bytes = vectors_hex(one, "message", &message);
        softhsm_import("bank", &(struct softhsm_key){label, label, view_of(seed, sizeof seed),
                                                     view_of(public.bytes, sizeof public.bytes)});
        CLEANUP(sign_key_freep) struct sign_key *key = opened(label, false);
        assert_false(sign_key_in_memory(key));
        assert_true(sign_public_equal(sign_key_public(key), &public));
        ok(sign_bytes(key, NULL, bytes, &signature));
        assert_memory_equal(signature.bytes, expected.bytes, SIGN_BYTES);
        ok(sign_at_once(key, bytes, &signature));
        assert_memory_equal(signature.bytes, expected.bytes, SIGN_BYTES);
        ok(sign_bytes(key, "some-kind", bytes, &signature));
        assert_memory_not_equal(signature.bytes, expected.bytes, SIGN_BYTES);
        ok(sign_verify(&public, "some-kind", bytes, &signature));
        count++;
    }
    assert_true(count >= 5);
}

static void a_key_is_made_once_and_stays_inside(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    CLEANUP(sign_key_freep) struct sign_key *first = made("node", true);
    CLEANUP(sign_key_freep) struct sign_key *again = made("node", false);
    CLEANUP(sign_key_freep) struct sign_key *other = made("identity", true);
    CLEANUP(sign_key_freep) struct sign_key *read = NULL;
    ok(keys_read("pkcs11:token=bank;object=node?" MODULE, KEY_NODE, &read));
    assert_true(sign_public_equal(sign_key_public(first), sign_key_public(again)));
    assert_true(sign_public_equal(sign_key_public(first), sign_key_public(read)));
    assert_false(sign_public_equal(sign_key_public(first), sign_key_public(other)));
    CK_BBOOL flag = CK_TRUE;
    CK_ATTRIBUTE extractable = {CKA_EXTRACTABLE, &flag, sizeof flag}, sensitive = {CKA_SENSITIVE, &flag, sizeof flag};
    assert_int_equal(softhsm_ask("bank", "node", &extractable), CKR_OK);
    assert_int_equal(flag, CK_FALSE);
    assert_int_equal(softhsm_ask("bank", "node", &sensitive), CKR_OK);
    assert_int_equal(flag, CK_TRUE);
    uint8_t value[64];
    CK_ATTRIBUTE secret = {CKA_VALUE, value, sizeof value};
    assert_int_equal(softhsm_ask("bank", "node", &secret), CKR_ATTRIBUTE_SENSITIVE);
}

static void a_certificate_is_signed_by_the_token(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    softhsm_remove("bank", "node");
    CLEANUP(sign_key_freep) struct sign_key *key = made("node", true);
    CLEANUP(certificate_key_freep) EVP_PKEY *private = NULL;
    ok(certificate_key(key, &private));
    CLEANUP(certificate_freep) X509 *certificate = NULL;
    ok(certificate_new(key, private, &certificate));
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    assert_int_equal(X509_check_private_key(certificate, private), 1);
    struct sign_public public;
    ok(certificate_public(certificate, &public));
    assert_true(sign_public_equal(&public, sign_key_public(key)));
    size_t length = 0;
    assert_int_equal(EVP_PKEY_get_raw_private_key(private, NULL, &length), 0);
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static bool accept_key(void *context, const struct sign_public *peer)
{
    return sign_public_equal(context, peer);
}

/* Two sides, the one that dials first; each knows the other by its key. */
static void meet(const struct sign_key *const keys[2], struct tls_pair *pair)
{
    for (unsigned side = 0; side < 2; side++) {
        struct sign_public *peer = (struct sign_public *)(uintptr_t)sign_key_public(keys[1 - side]);
        ok(tls_endpoint_new(keys[side], accept_key, peer, &pair->endpoints[side]));
        ok(tls_session_new(pair->endpoints[side], side == 1, &pair->sessions[side]));
    }
}

static void tls_is_shaken_with_tokens_keys(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    CLEANUP(sign_key_freep) struct sign_key *file = NULL;
    ok(keys_generate(&file));
    CLEANUP(sign_key_freep) struct sign_key *token = opened("identity", true);
    const struct sign_key *const orders[2][2] = {{token, file}, {file, token}};
    for (unsigned order = 0; order < 2; order++) {
        CLEANUP(tls_pair_done) struct tls_pair pair = {0};
        CLEANUP(buffer_done) struct buffer heard = {0};
        meet(orders[order], &pair);
        tls_pair_shake(&pair);
        for (unsigned side = 0; side < 2; side++) {
            assert_int_equal(tls_pair_state(&pair, side), TLS_OPEN);
            assert_true(
                sign_public_equal(tls_session_peer(pair.sessions[side]), sign_key_public(orders[order][1 - side])));
        }
        ok(tls_session_write(pair.sessions[0], view_text("hello")));
        while (tls_pair_carry(&pair, 0)) {
        }
        ok(tls_session_read(pair.sessions[1], &heard));
        assert_true(view_equal(buffer_view(&heard), view_text("hello")));
    }
    /* A handshake without its token ends, and does not wait. */
    CLEANUP(tls_pair_done) struct tls_pair pair = {0};
    meet(orders[0], &pair);
    assert_true(take_away());
    tls_pair_shake(&pair);
    assert_true(bring_back());
    assert_int_not_equal(tls_pair_state(&pair, 0), TLS_OPEN);
    assert_int_not_equal(tls_pair_state(&pair, 1), TLS_OPEN);
}

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

static void refuse(enum category category, const char *part, const char *format, ...)
{
    char uri[2 * FILE_PATH_MAX];
    struct sign_key *key = NULL;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(uri, sizeof uri, format, arguments);
    va_end(arguments);
    refused(token_key_open(uri, &key), category, part);
    assert_null(key);
}

static void words_that_name_no_key_are_refused(void **state)
{
    (void)state;
    refuse(CATEGORY_USAGE, "no pkcs11: URI", "pkcs11:token;object=node");
    refuse(CATEGORY_USAGE, "must name the token's PKCS#11 module by its whole path", "pkcs11:token=bank;object=node");
    refuse(CATEGORY_USAGE, "by its whole path", "pkcs11:token=bank?module-path=libsofthsm2.so");
    refuse(CATEGORY_USAGE, "has a part that is not known", "pkcs11:tokn=bank;object=node?" MODULE);
    refuse(CATEGORY_USAGE, "pin-source in a pkcs11: URI must be", "pkcs11:token=bank?" MODULE "&pin-source=|cat%%20x");
    refuse(CATEGORY_USAGE, "pin-source in a pkcs11: URI must be", "pkcs11:token=bank?" MODULE "&pin-source=file:pin");
    refuse(CATEGORY_USAGE, "a PIN has no place", "pkcs11:token=bank?" MODULE "&pin-value=83921");
    assert_null(strstr(result_reason(), "83921"));
    refuse(CATEGORY_ENVIRONMENT, "the PKCS#11 module /nowhere/module.so cannot be loaded",
           "pkcs11:token=bank;object=node?module-path=/nowhere/module.so");
    assert_true(token_is_uri("pkcs11:token=bank"));
    assert_false(token_is_uri("node.key"));
    assert_false(token_is_uri("./pkcs11:"));
}

static void tokens_and_pins_that_are_not_right_are_refused(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    refuse(CATEGORY_ENVIRONMENT, "the token is not there; insert it", "pkcs11:token=vault;object=node?" MODULE);
    refuse(CATEGORY_USAGE, "the token refuses the PIN of ",
           "pkcs11:token=bank;object=node?" MODULE "&pin-source=file:%s", wrong_pin_file);
    refuse(CATEGORY_ENVIRONMENT, "/nowhere/pin", "pkcs11:token=bank;object=node?" MODULE "&pin-source=/nowhere/pin");
    assert_int_equal(chmod(pin_file, 0644), 0);
    refuse(CATEGORY_USAGE, "others can open this secret file", "pkcs11:token=bank;object=node?" MODULE "&pin-source=%s",
           pin_file);
    assert_int_equal(chmod(pin_file, 0600), 0);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
    refuse(CATEGORY_USAGE, "the token refuses the PIN of ",
           "pkcs11:token=bank;object=node?" MODULE "&pin-source=wrong");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    softhsm_token("twin");
    softhsm_token("twin");
    refuse(CATEGORY_USAGE, "2 tokens match; name one by serial=", "pkcs11:token=twin;object=node?" MODULE);
}

static void keys_that_are_not_right_are_refused(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    uint8_t seed[SIGN_SEED_BYTES] = {1};
    CLEANUP(secret_freep) struct secret *secret = NULL;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    ok(secret_from(view_of(seed, sizeof seed), &secret));
    ok(sign_key_from_seed(secret, &key));
    const struct view right = view_of(sign_key_public(key)->bytes, SIGN_PUBLIC_BYTES), all = view_of(seed, sizeof seed);
    CLEANUP(sign_key_freep) struct sign_key *other = opened("identity", false);
    refuse(CATEGORY_USAGE, "no such private key", "pkcs11:token=bank;object=absent?" MODULE);
    softhsm_make_other("bank", "p256");
    refuse(CATEGORY_USAGE, "is a key of another type; an Ed25519 key is needed",
           "pkcs11:token=bank;object=p256?" MODULE);
    softhsm_import("bank", &(struct softhsm_key){"two", "a", all, right});
    softhsm_import("bank", &(struct softhsm_key){"two", "b", all, right});
    refuse(CATEGORY_USAGE,
           "more than one private key matches; name one by object= and id=", "pkcs11:token=bank;object=two?" MODULE);
    CLEANUP(sign_key_freep) struct sign_key *by_id = NULL;
    ok(token_key_open("pkcs11:token=bank;object=two;id=b?" MODULE, &by_id));
    assert_true(sign_public_equal(sign_key_public(by_id), sign_key_public(key)));
    softhsm_import("bank", &(struct softhsm_key){"alone", "alone", all, {0}});
    refuse(CATEGORY_USAGE, "the token has no public key beside it", "pkcs11:token=bank;object=alone?" MODULE);
    softhsm_import("bank",
                   &(struct softhsm_key){"odd", NULL, all, view_of(sign_key_public(other)->bytes, SIGN_PUBLIC_BYTES)});
    refuse(CATEGORY_ENVIRONMENT, "does not verify by the key's public half", "pkcs11:token=bank;object=odd?" MODULE);
    CLEANUP(secret_freep) struct secret *pin = NULL;
    struct sign_key *none = NULL;
    bool new;
    ok(token_pin("pkcs11:token=bank?" MODULE, &pin));
    refused(token_key_make("pkcs11:token=bank;object=x?" MODULE, "node", pin, &new, &none), CATEGORY_USAGE,
            "leave object= and id= out");
}

/* --- A token that goes -------------------------------------------------------------------------------------------- */

static void a_token_that_is_away_is_said_and_comes_back(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    struct signature signature, again;
    CLEANUP(sign_key_freep) struct sign_key *key = opened("identity", false);
    ok(sign_bytes(key, "k", view_text("hello"), &signature));
    assert_true(take_away());
    again = (struct signature){{7}};
    refused(sign_bytes(key, "k", view_text("hello"), &again), CATEGORY_ENVIRONMENT, "the token is not there");
    assert_int_equal(again.bytes[0], 7);
    refuse(CATEGORY_ENVIRONMENT, "the token is not there", "pkcs11:token=bank;object=identity?" MODULE);
    assert_true(bring_back());
    ok(sign_bytes(key, "k", view_text("hello"), &again));
    assert_memory_equal(signature.bytes, again.bytes, SIGN_BYTES);
}

static void *bring_back_soon(void *unused)
{
    (void)unused;
    (void)usleep(500000);
    return bring_back() ? directory : NULL;
}

static void a_signature_waits_for_its_token(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    struct signature signature;
    pthread_t thread;
    void *brought = NULL;
    CLEANUP(sign_key_freep) struct sign_key *key = opened("identity", true);
    assert_true(take_away());
    refused(sign_at_once(key, view_text("hello"), &signature), CATEGORY_ENVIRONMENT, "the token is not there");
    assert_int_equal(pthread_create(&thread, NULL, bring_back_soon, NULL), 0);
    uint64_t start = clock_monotonic_ms();
    ok(sign_bytes(key, "k", view_text("hello"), &signature));
    assert_true(clock_monotonic_ms() - start >= 400);
    assert_null(sign_key_awaited(key));
    assert_int_equal(pthread_join(thread, &brought), 0);
    assert_non_null(brought);
    ok(sign_verify(sign_key_public(key), "k", view_text("hello"), &signature));
}

static void who_is_not_to_wait_hears_it_at_once(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    struct signature signature;
    CLEANUP(sign_key_freep) struct sign_key *key = opened("identity", false);
    assert_true(take_away());
    refused(sign_bytes(key, "k", view_text("hello"), &signature), CATEGORY_ENVIRONMENT, "the token is not there");
    assert_null(sign_key_awaited(key));
    assert_true(bring_back());
    ok(sign_bytes(key, "k", view_text("hello"), &signature));
}

static void *sign_in_a_thread_at_once(void *key)
{
    struct signature signature;
    sign_thread_at_once();
    refused(sign_bytes(key, "k", view_text("hello"), &signature), CATEGORY_ENVIRONMENT, "the token is not there");
    return NULL;
}

static void a_thread_that_never_waits_hears_it_at_once(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    pthread_t thread;
    CLEANUP(sign_key_freep) struct sign_key *key = opened("identity", true);
    assert_true(take_away());
    assert_int_equal(pthread_create(&thread, NULL, sign_in_a_thread_at_once, key), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(bring_back());
}

static void *interrupt(void *key)
{
    (void)usleep(300000);
    for (unsigned i = 0; i < 1000 && !sign_key_awaited(key); i++) (void)usleep(10000);
    assert_string_equal(sign_key_awaited(key), "pkcs11:token=bank;object=identity");
    sign_key_interrupt(key);
    return NULL;
}

static void waiting_is_interrupted(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    struct signature signature;
    pthread_t thread;
    CLEANUP(sign_key_freep) struct sign_key *key = opened("identity", true);
    assert_true(take_away());
    assert_int_equal(pthread_create(&thread, NULL, interrupt, key), 0);
    refused(sign_bytes(key, "k", view_text("hello"), &signature), CATEGORY_ENVIRONMENT, "stopped while it waited");
    assert_int_equal(pthread_join(thread, NULL), 0);
    refused(sign_bytes(key, "k", view_text("hello"), &signature), CATEGORY_ENVIRONMENT, "stopped while it waited");
    assert_true(bring_back());
    ok(sign_bytes(key, "k", view_text("hello"), &signature)); /* a last word, when it is there */
}

static void another_key_in_its_place_is_not_used(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    struct signature signature;
    CLEANUP(sign_key_freep) struct sign_key *before = made("placed", true);
    ok(sign_bytes(before, "k", view_text("hello"), &signature));
    softhsm_remove("bank", "placed");
    CLEANUP(sign_key_freep) struct sign_key *after = made("placed", true);
    assert_false(sign_public_equal(sign_key_public(before), sign_key_public(after)));
    refused(sign_bytes(before, "k", view_text("hello"), &signature), CATEGORY_ENVIRONMENT, "another key is there");
}

static void a_refused_pin_is_not_tried_again(void **state)
{
    (void)state;
    if (!softhsm_there()) skip();
    struct signature signature;
    CLEANUP(sign_key_freep) struct sign_key *key = opened("identity", false);
    assert_true(take_away());
    refused(sign_bytes(key, "k", view_text("hello"), &signature), CATEGORY_ENVIRONMENT, "the token is not there");
    assert_true(bring_back());
    softhsm_set_pin("bank", SOFTHSM_PIN, "987654");
    refused(sign_bytes(key, "k", view_text("hello"), &signature), CATEGORY_USAGE, "the token refuses the PIN");
    softhsm_set_pin("bank", "987654", SOFTHSM_PIN);
    refused(sign_bytes(key, "k", view_text("hello"), &signature), CATEGORY_USAGE, "it is not tried again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8032_vectors_sign_in_the_token),
        cmocka_unit_test(a_key_is_made_once_and_stays_inside),
        cmocka_unit_test(a_certificate_is_signed_by_the_token),
        cmocka_unit_test(tls_is_shaken_with_tokens_keys),
        cmocka_unit_test(words_that_name_no_key_are_refused),
        cmocka_unit_test(tokens_and_pins_that_are_not_right_are_refused),
        cmocka_unit_test(keys_that_are_not_right_are_refused),
        cmocka_unit_test(a_token_that_is_away_is_said_and_comes_back),
        cmocka_unit_test(a_signature_waits_for_its_token),
        cmocka_unit_test(who_is_not_to_wait_hears_it_at_once),
        cmocka_unit_test(a_thread_that_never_waits_hears_it_at_once),
        cmocka_unit_test(waiting_is_interrupted),
        cmocka_unit_test(another_key_in_its_place_is_not_used),
        cmocka_unit_test(a_refused_pin_is_not_tried_again),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}

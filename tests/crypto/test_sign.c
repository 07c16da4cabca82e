#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sign.h"
#include "tests/support/vectors.h"

static int start(void **state)
{
    (void)state;
    return result_ok(crypto_start()) ? 0 : -1;
}

static struct sign_key *key_of(const uint8_t seed[SIGN_SEED_BYTES])
{
    CLEANUP(secret_freep) struct secret *secret = NULL;
    struct sign_key *key = NULL;
    assert_true(result_ok(secret_from(view_of(seed, SIGN_SEED_BYTES), &secret)));
    assert_true(result_ok(sign_key_from_seed(secret, &key)));
    return key;
}

static void rfc8032_vectors_sign_and_verify(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "04-rfc-nist/rfc8032_ed25519.json");
    size_t index;
    json_t *one;
    json_array_foreach(vectors_array(file, "cases"), index, one)
    {
        CLEANUP(buffer_done) struct buffer message = {0};
        uint8_t seed[SIGN_SEED_BYTES];
        struct sign_public public;
        struct signature expected, made;
        vectors_hex_exact(one, "seed", seed, sizeof seed);
        vectors_hex_exact(one, "public", public.bytes, sizeof public.bytes);
        vectors_hex_exact(one, "signature", expected.bytes, sizeof expected.bytes);
        struct view bytes = vectors_hex(one, "message", &message);
        CLEANUP(sign_key_freep) struct sign_key *key = key_of(seed);
        assert_true(sign_public_equal(sign_key_public(key), &public));
        assert_true(view_equal(sign_key_seed(key), view_of(seed, sizeof seed)));
        assert_true(result_ok(sign_bytes(key, NULL, bytes, &made)));
        assert_memory_equal(made.bytes, expected.bytes, SIGN_BYTES);
        assert_true(result_ok(sign_verify(&public, NULL, bytes, &expected)));
    }
}

static void wycheproof_signatures_are_judged_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "01-wycheproof/ed25519_test.json");
    size_t i, k, judged = 0;
    json_t *group, *one;
    json_array_foreach(vectors_array(file, "testGroups"), i, group)
    {
        struct sign_public public;
        vectors_hex_exact(json_object_get(group, "publicKey"), "pk", public.bytes, sizeof public.bytes);
        json_array_foreach(vectors_array(group, "tests"), k, one)
        {
            CLEANUP(buffer_done) struct buffer message = {0};
            CLEANUP(buffer_done) struct buffer text = {0};
            struct view bytes = vectors_hex(one, "msg", &message), raw = vectors_hex(one, "sig", &text);
            bool valid = vectors_is(one, "result", "valid");
            judged++;
            if (raw.length != SIGN_BYTES) { /* the type has no other length */
                assert_false(valid);
                continue;
            }
            struct signature signature;
            memcpy(signature.bytes, raw.data, SIGN_BYTES);
            enum category expected = valid ? CATEGORY_OK : CATEGORY_FALSE;
            assert_int_equal(sign_verify(&public, NULL, bytes, &signature).category, expected);
        }
    }
    assert_int_equal(judged, 151);
}

static void a_kind_is_part_of_what_is_signed(void **state)
{
    (void)state;
    static const uint8_t seed[SIGN_SEED_BYTES] = {7};
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(seed);
    struct view bytes = view_text("state and set");
    struct signature signature;
    assert_true(result_ok(sign_bytes(key, "r2", bytes, &signature)));
    const struct sign_public *public = sign_key_public(key);
    assert_true(result_ok(sign_verify(public, "r2", bytes, &signature)));
    assert_int_equal(sign_verify(public, "void", bytes, &signature).category, CATEGORY_FALSE);
    assert_int_equal(sign_verify(public, NULL, bytes, &signature).category, CATEGORY_FALSE);
    assert_int_equal(sign_verify(public, "r2", view_text("state and sets"), &signature).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "the signature does not verify");
    /* Exactly label ‖ bytes, as protocol.md's encodings say. */
    assert_true(result_ok(sign_verify(public, NULL, view_of("cofferdam/1/r2\0state and set", 28), &signature)));
    for (size_t bit = 0; bit < (size_t)SIGN_BYTES * 8; bit++) {
        struct signature changed = signature;
        changed.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(sign_verify(public, "r2", bytes, &changed).category, CATEGORY_FALSE);
    }
}

/* With a key of small order or a second encoding of a key, R = identity and S = 0 would verify for any message. */
static void bad_public_keys_verify_nothing(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "0100000000000000000000000000000000000000000000000000000000000000", /* the identity */
        "0000000000000000000000000000000000000000000000000000000000000000", /* order 4 */
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* order 2 */
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", /* order 8 */
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* the identity plus the prime */
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* not canonical */
        "0100000000000000000000000000000000000000000000000000000000000080", /* the identity, sign bit set */
    };
    static const char *const signatures[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "5866666666666666666666666666666666666666666666666666666666666666", /* a good R: the base point */
    };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (size_t s = 0; s < sizeof signatures / sizeof *signatures; s++) {
            struct sign_public public;
            struct signature signature = {{0}};
            signature.bytes[32] = s == 1; /* S = 1 fits R = B when the key adds nothing */
            assert_true(result_ok(bytes_unhex(view_text(keys[k]), public.bytes, sizeof public.bytes)));
            assert_true(result_ok(bytes_unhex(view_text(signatures[s]), signature.bytes, 32)));
            assert_int_equal(sign_verify(&public, NULL, view_text("any"), &signature).category, CATEGORY_FALSE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc8032_vectors_sign_and_verify),
        cmocka_unit_test(wycheproof_signatures_are_judged_right),
        cmocka_unit_test(a_kind_is_part_of_what_is_signed),
        cmocka_unit_test(bad_public_keys_verify_nothing),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

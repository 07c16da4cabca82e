#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/agree.h"
#include "tests/support/vectors.h"

static int start(void **state)
{
    (void)state;
    return result_ok(crypto_start()) ? 0 : -1;
}

static bool flagged(const json_t *one, const char *flag)
{
    size_t index;
    json_t *name;
    json_array_foreach(json_object_get(one, "flags"), index, name)
    {
        if (strcmp(json_string_value(name), flag) == 0) return true;
    }
    return false;
}

static void wycheproof_agreements_come_out_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "01-wycheproof/x25519_test.json");
    size_t i, k, refused = 0, agreed = 0;
    json_t *group, *one;
    json_array_foreach(vectors_array(file, "testGroups"), i, group)
    {
        json_array_foreach(vectors_array(group, "tests"), k, one)
        {
            uint8_t private[AGREE_BYTES], expected[AGREE_BYTES], shared[AGREE_BYTES];
            struct agree_public public;
            vectors_hex_exact(one, "private", private, sizeof private);
            vectors_hex_exact(one, "public", public.bytes, sizeof public.bytes);
            vectors_hex_exact(one, "shared", expected, sizeof expected);
            struct result result = agree_shared(private, &public, shared);
            if (flagged(one, "ZeroSharedSecret") || flagged(one, "NonCanonicalPublic")) {
                assert_int_equal(result.category, CATEGORY_PEER);
                refused++;
            } else if (public.bytes[AGREE_BYTES - 1] & 0x80) {
                assert_int_equal(result.category, CATEGORY_PEER); /* the RFC masks this bit, the protocol refuses it */
                assert_false(vectors_is(one, "result", "invalid"));
            } else {
                assert_true(result_ok(result));
                assert_memory_equal(shared, expected, sizeof shared);
                agreed++;
            }
        }
    }
    assert_true(refused >= 31);
    assert_true(agreed >= 264 - 31);
}

static void rfc7748_vectors_come_out_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "04-rfc-nist/rfc7748_x25519.json");
    uint8_t secret[AGREE_BYTES], out[AGREE_BYTES], expected[AGREE_BYTES];
    struct agree_public public, made;
    size_t index;
    json_t *one;
    json_array_foreach(vectors_array(file, "scalarmult"), index, one)
    {
        vectors_hex_exact(one, "scalar", secret, sizeof secret);
        vectors_hex_exact(one, "u", public.bytes, sizeof public.bytes);
        vectors_hex_exact(one, "out", expected, sizeof expected);
        if (public.bytes[AGREE_BYTES - 1] & 0x80) {
            assert_int_equal(agree_shared(secret, &public, out).category, CATEGORY_PEER);
            public.bytes[AGREE_BYTES - 1] &= 0x7f;
        }
        assert_true(result_ok(agree_shared(secret, &public, out)));
        assert_memory_equal(out, expected, sizeof out);
    }
    const json_t *dh = json_object_get(file, "dh");
    vectors_hex_exact(dh, "alice_private", secret, sizeof secret);
    vectors_hex_exact(dh, "alice_public", public.bytes, sizeof public.bytes);
    assert_true(result_ok(agree_public_of(secret, &made)));
    assert_memory_equal(made.bytes, public.bytes, AGREE_BYTES);
    vectors_hex_exact(dh, "shared", expected, sizeof expected);
    vectors_hex_exact(dh, "bob_public", public.bytes, sizeof public.bytes);
    assert_true(result_ok(agree_shared(secret, &public, out)));
    assert_memory_equal(out, expected, sizeof out);
    vectors_hex_exact(dh, "bob_private", secret, sizeof secret);
    assert_true(result_ok(agree_shared(secret, &made, out)));
    assert_memory_equal(out, expected, sizeof out);
}

static void a_thousand_iterations_come_out_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "04-rfc-nist/rfc7748_x25519.json");
    const json_t *iterated = json_object_get(file, "iterated");
    uint8_t k[AGREE_BYTES], out[AGREE_BYTES], expected[AGREE_BYTES];
    struct agree_public u;
    vectors_hex_exact(iterated, "k_and_u_start", k, sizeof k);
    memcpy(u.bytes, k, sizeof k);
    for (unsigned turn = 1; turn <= 1000; turn++) {
        u.bytes[AGREE_BYTES - 1] &= 0x7f; /* as the RFC's function does itself */
        assert_true(result_ok(agree_shared(k, &u, out)));
        memcpy(u.bytes, k, sizeof k);
        memcpy(k, out, sizeof k);
        if (turn != 1 && turn != 1000) continue;
        vectors_hex_exact(iterated, turn == 1 ? "after_1" : "after_1000", expected, sizeof expected);
        assert_memory_equal(k, expected, sizeof k);
    }
}

static void low_order_keys_are_refused(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "04-rfc-nist/rfc7748_x25519.json");
    static const uint8_t secret[AGREE_BYTES] = {1, 2, 3}, zeros[AGREE_BYTES];
    size_t index;
    json_t *one;
    json_array_foreach(vectors_array(file, "low_order_points_to_reject"), index, one)
    {
        struct agree_public key;
        uint8_t out[AGREE_BYTES] = {0};
        assert_true(result_ok(bytes_unhex(view_text(json_string_value(one)), key.bytes, sizeof key.bytes)));
        assert_int_equal(agree_public_check(&key).category, CATEGORY_PEER);
        assert_int_equal(agree_shared(secret, &key, out).category, CATEGORY_PEER);
        assert_memory_equal(out, zeros, sizeof out);
    }
}

static void canonical_ends_at_the_prime(void **state)
{
    (void)state;
    struct agree_public key;
    memset(key.bytes, 0xff, sizeof key.bytes);
    key.bytes[31] = 0x7f;
    for (unsigned low = 0xed; low <= 0xff; low++) { /* p to p + 18 */
        key.bytes[0] = (uint8_t)low;
        assert_int_equal(agree_public_check(&key).category, CATEGORY_PEER);
    }
    key.bytes[0] = 0xeb; /* p - 2 */
    assert_true(result_ok(agree_public_check(&key)));
    key.bytes[0] = 0xff;
    key.bytes[15] = 0xfe;
    assert_true(result_ok(agree_public_check(&key)));
    key.bytes[31] = 0xff;
    assert_int_equal(agree_public_check(&key).category, CATEGORY_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_agreements_come_out_right), cmocka_unit_test(rfc7748_vectors_come_out_right),
        cmocka_unit_test(a_thousand_iterations_come_out_right), cmocka_unit_test(low_order_keys_are_refused),
        cmocka_unit_test(canonical_ends_at_the_prime),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

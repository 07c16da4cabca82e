#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "tests/support/vectors.h"

/* FIPS 180-4's examples (CSRC, SHA256.pdf) and the message of a million letters a. */
static void sha256_gives_its_examples(void **state)
{
    (void)state;
    static const struct {
        const char *message, *digest;
    } examples[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    struct hash expected, hash;
    for (size_t k = 0; k < sizeof examples / sizeof *examples; k++) {
        assert_true(result_ok(bytes_unhex(view_text(examples[k].digest), expected.bytes, HASH_BYTES)));
        assert_true(result_ok(hash_bytes(NULL, view_text(examples[k].message), &hash)));
        assert_true(hash_equal(&hash, &expected));
    }
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    assert_true(result_ok(hash_start(&stream, NULL)));
    uint8_t letters[1000];
    memset(letters, 'a', sizeof letters);
    for (unsigned k = 0; k < 1000; k++) assert_true(result_ok(hash_update(&stream, view_of(letters, sizeof letters))));
    assert_true(result_ok(hash_finish(&stream, &hash)));
    assert_true(result_ok(bytes_unhex(view_text("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
                                      expected.bytes, HASH_BYTES)));
    assert_true(hash_equal(&hash, &expected));
}

static void a_kind_is_a_prefix(void **state)
{
    (void)state;
    struct hash with, without;
    assert_true(result_ok(hash_bytes("ack", view_text("bytes"), &with)));
    assert_true(result_ok(hash_bytes(NULL, view_of("cofferdam/1/ack\0bytes", 21), &without)));
    assert_true(hash_equal(&with, &without));
    assert_true(result_ok(hash_bytes("ac", view_text("kbytes"), &without)));
    assert_false(hash_equal(&with, &without));
    assert_false(hash_is_zero(&with));
    memset(&with, 0, sizeof with);
    assert_true(hash_is_zero(&with));
}

static void a_stream_must_be_started(void **state)
{
    (void)state;
    struct hash_stream stream = {0};
    struct hash hash;
    assert_int_equal(hash_update(&stream, view_text("x")).category, CATEGORY_BUG);
    assert_int_equal(hash_finish(&stream, &hash).category, CATEGORY_BUG);
    hash_stream_done(&stream);
    assert_true(result_ok(hash_start(&stream, "p1")));
    hash_stream_done(&stream); /* given up half-way */
    assert_int_equal(hash_finish(&stream, &hash).category, CATEGORY_BUG);
}

static void wycheproof_hkdf_comes_out_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "01-wycheproof/hkdf_sha256_test.json");
    size_t i, k, seen = 0;
    json_t *group, *one;
    json_array_foreach(vectors_array(file, "testGroups"), i, group)
    {
        json_array_foreach(vectors_array(group, "tests"), k, one)
        {
            CLEANUP(buffer_done) struct buffer ikm = {0};
            CLEANUP(buffer_done) struct buffer salt = {0};
            CLEANUP(buffer_done) struct buffer info = {0};
            CLEANUP(buffer_done) struct buffer okm = {0};
            static uint8_t out[255 * 32 + 64];
            struct view expected = vectors_hex(one, "okm", &okm);
            size_t length = (size_t)vectors_u64(one, "size");
            assert_true(length <= sizeof out);
            struct result result = kdf_hkdf(vectors_hex(one, "salt", &salt), vectors_hex(one, "ikm", &ikm),
                                            vectors_hex(one, "info", &info), out, length);
            bool valid = vectors_is(one, "result", "valid");
            assert_int_equal(result.category, valid ? CATEGORY_OK : CATEGORY_BUG);
            if (valid) assert_true(view_equal(view_of(out, length), expected));
            seen++;
        }
    }
    assert_int_equal(seen, 86);
}

static void rfc5869_hkdf_comes_out_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "04-rfc-nist/rfc5869_hkdf.json");
    size_t index, seen = 0;
    json_t *one;
    json_array_foreach(vectors_array(file, "cases"), index, one)
    {
        if (!vectors_is(one, "hash", "SHA-256")) continue;
        CLEANUP(buffer_done) struct buffer ikm = {0};
        CLEANUP(buffer_done) struct buffer salt = {0};
        CLEANUP(buffer_done) struct buffer info = {0};
        CLEANUP(buffer_done) struct buffer okm = {0};
        uint8_t out[128];
        struct view expected = vectors_hex(one, "OKM", &okm);
        assert_true(expected.length == vectors_u64(one, "L") && expected.length <= sizeof out);
        assert_true(result_ok(kdf_hkdf(vectors_hex(one, "salt", &salt), vectors_hex(one, "IKM", &ikm),
                                       vectors_hex(one, "info", &info), out, expected.length)));
        assert_true(view_equal(view_of(out, expected.length), expected));
        seen++;
    }
    assert_int_equal(seen, 3);
}

static void hkdf_wants_something_to_derive_from(void **state)
{
    (void)state;
    uint8_t out[32];
    assert_int_equal(kdf_hkdf(view_text("salt"), view_of(NULL, 0), view_text("info"), out, 32).category, CATEGORY_BUG);
    assert_int_equal(kdf_hkdf(view_text("salt"), view_text("ikm"), view_text("info"), out, 0).category, CATEGORY_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_its_examples),    cmocka_unit_test(a_kind_is_a_prefix),
        cmocka_unit_test(a_stream_must_be_started),     cmocka_unit_test(wycheproof_hkdf_comes_out_right),
        cmocka_unit_test(rfc5869_hkdf_comes_out_right), cmocka_unit_test(hkdf_wants_something_to_derive_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

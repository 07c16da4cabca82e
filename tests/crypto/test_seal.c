#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/seal.h"
#include "tests/support/seeded.h"
#include "tests/support/vectors.h"

static struct random_source *source;

static int start(void **state)
{
    (void)state;
    source = seeded("seal");
    return 0;
}

static int finish(void **state)
{
    (void)state;
    random_source_free(source);
    return 0;
}

static const uint8_t key[SEAL_KEY_BYTES] = "a key of thirty-two bytes, known";

static void wycheproof_boxes_open_as_they_should(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "01-wycheproof/xchacha20_poly1305_test.json");
    size_t i, k, opened = 0, refused = 0, other = 0;
    json_t *group, *one;
    json_array_foreach(vectors_array(file, "testGroups"), i, group)
    {
        json_array_foreach(vectors_array(group, "tests"), k, one)
        {
            CLEANUP(buffer_done)
            struct buffer box = {0}; /* nonce, ciphertext and tag come to lie as seal_box lays them */
            CLEANUP(buffer_done) struct buffer aad = {0};
            CLEANUP(buffer_done) struct buffer message = {0};
            uint8_t one_key[SEAL_KEY_BYTES], out[4096];
            vectors_hex_exact(one, "key", one_key, sizeof one_key);
            if (vectors_hex(one, "iv", &box).length != SEAL_NONCE_BYTES) { /* the box has no other nonce */
                assert_true(vectors_is(one, "result", "invalid"));
                other++;
                continue;
            }
            (void)vectors_hex(one, "ct", &box);
            (void)vectors_hex(one, "tag", &box);
            struct view expected = vectors_hex(one, "msg", &message);
            assert_true(expected.length <= sizeof out && box.length == expected.length + SEAL_OVERHEAD);
            struct result result = seal_open(one_key, vectors_hex(one, "aad", &aad), buffer_view(&box), out);
            if (vectors_is(one, "result", "valid")) {
                assert_true(result_ok(result));
                assert_true(view_equal(view_of(out, expected.length), expected));
                opened++;
            } else {
                assert_int_equal(result.category, CATEGORY_FALSE);
                refused++;
            }
        }
    }
    assert_int_equal(opened, 246);
    assert_int_equal(refused, 60);
    assert_int_equal(other, 9);
}

static void a_box_opens_with_its_key_and_data_only(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    for (size_t length = 0; length <= 64; length += 13) {
        CLEANUP(buffer_done) struct buffer box = {0};
        uint8_t plain[64], out[64];
        random_draw(source, plain, sizeof plain);
        struct view aad = view_text("1 to 2");
        assert_true(result_ok(buffer_text(&box, "before")));
        assert_true(result_ok(seal_box(key, aad, view_of(plain, length), source, &box)));
        assert_memory_equal(box.data, "before", 6);
        struct view sealed = view_of(box.data + 6, box.length - 6);
        assert_int_equal(sealed.length, length + SEAL_OVERHEAD);
        assert_true(result_ok(seal_open(key, aad, sealed, out)));
        assert_memory_equal(out, plain, length);
        assert_int_equal(seal_open(key, view_text("1 to 3"), sealed, out).category, CATEGORY_FALSE);
        assert_memory_equal(out, zeros, length);
        for (size_t at = 0; at < sealed.length; at++) {
            box.data[6 + at] ^= 1;
            memset(out, 0xff, sizeof out);
            assert_int_equal(seal_open(key, aad, sealed, out).category, CATEGORY_FALSE);
            assert_memory_equal(out, zeros, length);
            box.data[6 + at] ^= 1;
        }
        for (size_t shorter = 0; shorter < sealed.length; shorter++)
            assert_int_equal(seal_open(key, aad, view_of(sealed.data, shorter), out).category, CATEGORY_FALSE);
    }
}

static void two_boxes_of_one_text_differ(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer a = {0};
    CLEANUP(buffer_done) struct buffer b = {0};
    assert_true(result_ok(seal_box(key, view_text(""), view_text("twice"), source, &a)));
    assert_true(result_ok(seal_box(key, view_text(""), view_text("twice"), source, &b)));
    assert_memory_not_equal(a.data, b.data, SEAL_NONCE_BYTES);
    assert_memory_not_equal(a.data + SEAL_NONCE_BYTES, b.data + SEAL_NONCE_BYTES, 5);
}

static void a_full_buffer_stays_as_it_was(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer box = {.limit = 60};
    assert_true(result_ok(buffer_text(&box, "before")));
    assert_false(result_ok(seal_box(key, view_text(""), view_text("one byte past sixty"), source, &box)));
    assert_true(view_equal(buffer_view(&box), view_text("before")));
}

static void a_passphrase_opens_its_file(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer sealed = {0};
    struct view plain = view_text("thirty-two bytes of signing seed");
    assert_true(result_ok(seal_with_passphrase(view_text("correct horse"), plain, source, &sealed)));
    CLEANUP(secret_freep) struct secret *opened = NULL;
    assert_true(result_ok(seal_open_with_passphrase(view_text("correct horse"), buffer_view(&sealed), &opened)));
    assert_true(view_equal(secret_view(opened), plain));
    struct secret *none = NULL;
    struct result result = seal_open_with_passphrase(view_text("correct hearse"), buffer_view(&sealed), &none);
    assert_int_equal(result.category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "wrong passphrase or damaged file");
    struct view truncated = view_of(sealed.data, sealed.length - 1);
    assert_int_equal(seal_open_with_passphrase(view_text("correct horse"), truncated, &none).category, CATEGORY_FALSE);
    /* A flipped bit of the salt and of the tag. */
    static const size_t places[] = {30, 110};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        sealed.data[places[k]] ^= 1;
        assert_int_equal(seal_open_with_passphrase(view_text("correct horse"), buffer_view(&sealed), &none).category,
                         CATEGORY_FALSE);
        sealed.data[places[k]] ^= 1;
    }
    assert_null(none);
}

static void a_damaged_file_is_refused_before_any_work(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer sealed = {0};
    struct secret *none = NULL;
    struct view passphrase = view_text("p");
    assert_true(result_ok(seal_with_passphrase(passphrase, view_text("x"), source, &sealed)));
    for (size_t length = 0; length < sealed.length; length++) {
        assert_int_equal(seal_open_with_passphrase(passphrase, view_of(sealed.data, length), &none).category,
                         CATEGORY_FALSE);
        assert_string_equal(result_reason(), "wrong passphrase or damaged file");
    }
    /* Operations and memory asked for beyond what libsodium calls sensitive, or none, and another magic. */
    static const struct {
        size_t at;
        uint64_t value;
    } headers[] = {{0, 0}, {8, 0}, {8, UINT64_MAX}, {8, 5}, {16, 0}, {16, UINT64_MAX}, {16, (UINT64_C(1) << 30) + 1}};
    for (size_t k = 0; k < sizeof headers / sizeof *headers; k++) {
        uint8_t kept[8];
        memcpy(kept, sealed.data + headers[k].at, sizeof kept);
        bytes_put_u64(sealed.data + headers[k].at, headers[k].value);
        assert_int_equal(seal_open_with_passphrase(passphrase, buffer_view(&sealed), &none).category, CATEGORY_FALSE);
        memcpy(sealed.data + headers[k].at, kept, sizeof kept);
    }
    assert_null(none);
    assert_int_equal(seal_with_passphrase(view_text(""), view_text("x"), source, &sealed).category, CATEGORY_USAGE);
    assert_int_equal(seal_with_passphrase(passphrase, view_text(""), source, &sealed).category, CATEGORY_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_boxes_open_as_they_should),
        cmocka_unit_test(a_box_opens_with_its_key_and_data_only),
        cmocka_unit_test(two_boxes_of_one_text_differ),
        cmocka_unit_test(a_full_buffer_stays_as_it_was),
        cmocka_unit_test(a_passphrase_opens_its_file),
        cmocka_unit_test(a_damaged_file_is_refused_before_any_work),
    };
    return cmocka_run_group_tests(tests, start, finish);
}

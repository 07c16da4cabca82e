#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/algorithms.h"
#include "crypto/base/limits.h"
#include "crypto/mask.h"
#include "tests/support/seeded.h"
#include "tests/support/vectors.h"

static struct random_source *source;

static int start(void **state)
{
    (void)state;
    source = seeded("mask");
    return 0;
}

static int finish(void **state)
{
    (void)state;
    random_source_free(source);
    return 0;
}

/* Keystream word by word from single AES-256 block encryptions of the counter: independent of the mode under test. */
static uint64_t slow_word(const uint8_t key[MASK_KEY_BYTES], uint64_t index)
{
    uint8_t counter[16] = {0}, out[16];
    int length = 0;
    for (unsigned k = 0; k < 8; k++) counter[15 - k] = (uint8_t)(index / 2 >> (8 * k));
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_ecb(), NULL, key, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(context, out, &length, counter, sizeof counter), 1);
    EVP_CIPHER_CTX_free(context);
    return bytes_get_u64(out + 8 * (index % 2));
}

/* The cipher that masks use, on the published vectors (their counters start where masks never get). */
static void published_ctr_vectors_come_out_right(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "04-rfc-nist/aes_ctr.json");
    size_t index, seen = 0;
    json_t *one;
    json_array_foreach(vectors_array(file, "cases"), index, one)
    {
        if (strlen(vectors_text(one, "key")) != (size_t)MASK_KEY_BYTES * 2) continue;
        CLEANUP(buffer_done) struct buffer plain = {0};
        CLEANUP(buffer_done) struct buffer cipher = {0};
        uint8_t key[MASK_KEY_BYTES], counter[16], out[256];
        int length = 0;
        vectors_hex_exact(one, "key", key, sizeof key);
        vectors_hex_exact(one, "initial_counter_block", counter, sizeof counter);
        struct view bytes = vectors_hex(one, "plaintext", &plain), expected = vectors_hex(one, "ciphertext", &cipher);
        assert_true(bytes.length <= sizeof out);
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        assert_int_equal(EVP_EncryptInit_ex2(context, algorithm_aes256_ctr(), key, counter, NULL), 1);
        assert_int_equal(EVP_EncryptUpdate(context, out, &length, bytes.data, (int)bytes.length), 1);
        EVP_CIPHER_CTX_free(context);
        assert_true(view_equal(view_of(out, (size_t)length), expected));
        seen++;
    }
    assert_int_equal(seen, 4);
}

static void a_stream_is_ctr_from_zero_at_any_word(void **state)
{
    (void)state;
    uint8_t key[MASK_KEY_BYTES];
    random_draw(source, key, sizeof key);
    CLEANUP(mask_stream_freep) struct mask_stream *stream = NULL;
    assert_true(result_ok(mask_stream_new(key, &stream)));
    /* Starts, a chunk's edge, and where the counter's low 32 bits and its low byte carry. */
    static const uint64_t starts[] = {0,
                                      1,
                                      2,
                                      3,
                                      510,
                                      511,
                                      513,
                                      CHUNK_WORDS - 1,
                                      CHUNK_WORDS,
                                      (UINT64_C(1) << 33) - 3,
                                      (UINT64_C(1) << 33) - 2,
                                      UINT64_C(1) << 40};
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
        for (size_t count = 0; count < 6; count++) {
            uint64_t words[6] = {0};
            assert_true(result_ok(mask_stream_words(stream, starts[k], words, count)));
            for (size_t i = 0; i < 6; i++) assert_true(words[i] == (i < count ? slow_word(key, starts[k] + i) : 0));
        }
    }
}

static void a_seek_gives_what_reading_on_gives(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static uint64_t whole[COUNT], part[COUNT];
    uint8_t key[MASK_KEY_BYTES];
    random_draw(source, key, sizeof key);
    CLEANUP(mask_stream_freep) struct mask_stream *stream = NULL;
    assert_true(result_ok(mask_stream_new(key, &stream)));
    assert_true(result_ok(mask_stream_words(stream, 0, whole, COUNT)));
    for (unsigned turn = 0; turn < 200; turn++) {
        size_t first = (size_t)random_below(source, COUNT), count = (size_t)random_below(source, COUNT - first);
        assert_true(result_ok(mask_stream_words(stream, first, part, count)));
        assert_memory_equal(part, whole + first, count * sizeof *part);
    }
}

/* mask_apply against one stream after the other, added plainly. */
static void check_apply(size_t streams, uint64_t first, size_t count)
{
    uint64_t *masked = calloc(count + 1, sizeof *masked), *expected = calloc(count + 1, sizeof *expected);
    uint64_t *words = calloc(count + 1, sizeof *words);
    assert_true(masked && expected && words);
    random_draw(source, masked, count * sizeof *masked);
    masked[count] = 0x5555; /* must stay */
    memcpy(expected, masked, (count + 1) * sizeof *masked);
    CLEANUP(mask_set_freep) struct mask_set *set = NULL;
    assert_true(result_ok(mask_set_new(streams ? streams : 1, &set)));
    for (size_t k = 0; k < streams; k++) {
        uint8_t key[MASK_KEY_BYTES];
        random_draw(source, key, sizeof key);
        bool subtract = random_below(source, 2);
        assert_true(result_ok(mask_set_add(set, key, subtract)));
        CLEANUP(mask_stream_freep) struct mask_stream *stream = NULL;
        assert_true(result_ok(mask_stream_new(key, &stream)));
        assert_true(result_ok(mask_stream_words(stream, first, words, count)));
        for (size_t i = 0; i < count; i++) expected[i] = subtract ? expected[i] - words[i] : expected[i] + words[i];
    }
    assert_true(result_ok(mask_apply(set, first, masked, count)));
    assert_memory_equal(masked, expected, (count + 1) * sizeof *masked);
    free(masked);
    free(expected);
    free(words);
}

static void applying_is_the_plain_sum(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 7, 511, 512, 513, 1025, 16383, 16384, 16385, 33001, CHUNK_WORDS + 1};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        for (size_t streams = 0; streams <= 9; streams += 1 + streams / 5) check_apply(streams, 0, counts[k]);
    check_apply(5, CHUNK_WORDS - 2, 40);
    check_apply(5, CHUNK_WORDS, 1001);
    check_apply(3, (UINT64_C(1) << 33) - 2, 77);
    check_apply(50, 4, 20001);
}

static void a_vector_in_pieces_is_the_vector(void **state)
{
    (void)state;
    enum { COUNT = 40001 };
    static uint64_t whole[COUNT], pieces[COUNT];
    CLEANUP(mask_set_freep) struct mask_set *set = NULL;
    assert_true(result_ok(mask_set_new(6, &set)));
    for (unsigned k = 0; k < 6; k++) {
        uint8_t key[MASK_KEY_BYTES];
        random_draw(source, key, sizeof key);
        assert_true(result_ok(mask_set_add(set, key, k % 2)));
    }
    assert_true(result_ok(mask_apply(set, 0, whole, COUNT)));
    for (size_t first = 0, count; first < COUNT; first += count) {
        count = 2 + 2 * (size_t)random_below(source, 5000);
        if (count > COUNT - first) count = COUNT - first;
        assert_true(result_ok(mask_apply(set, first, pieces + first, count)));
    }
    assert_memory_equal(whole, pieces, sizeof whole);
    assert_int_equal(mask_apply(set, 1, pieces, 4).category, CATEGORY_BUG);
    assert_memory_equal(whole, pieces, sizeof whole);
}

/* Every pair shares a key; the lower adds, the higher subtracts: masked vectors hide, and their sum does not. */
static void pairwise_masks_cancel(void **state)
{
    (void)state;
    enum { PARTIES = 7, COUNT = 1001 };
    static uint8_t keys[PARTIES][PARTIES][MASK_KEY_BYTES];
    static uint64_t inputs[PARTIES][COUNT], masked[COUNT], sum[COUNT], expected[COUNT];
    random_draw(source, keys, sizeof keys);
    random_draw(source, inputs, sizeof inputs);
    for (size_t i = 0; i < PARTIES; i++) {
        CLEANUP(mask_set_freep) struct mask_set *set = NULL;
        assert_true(result_ok(mask_set_new(PARTIES - 1, &set)));
        for (size_t j = 0; j < PARTIES; j++)
            if (j != i) assert_true(result_ok(mask_set_add(set, i < j ? keys[i][j] : keys[j][i], j < i)));
        memcpy(masked, inputs[i], sizeof masked);
        assert_true(result_ok(mask_apply(set, 0, masked, COUNT)));
        assert_memory_not_equal(masked, inputs[i], sizeof masked);
        for (size_t k = 0; k < COUNT; k++) {
            sum[k] += masked[k];
            expected[k] += inputs[i][k];
        }
    }
    assert_memory_equal(sum, expected, sizeof sum);
}

static void a_set_has_its_capacity(void **state)
{
    (void)state;
    struct mask_set *set = NULL;
    assert_int_equal(mask_set_new(0, &set).category, CATEGORY_BUG);
    assert_int_equal(mask_set_new(SIZE_MAX / MASK_KEY_BYTES + 1, &set).category, CATEGORY_BUG);
    assert_null(set);
    static const uint8_t key[MASK_KEY_BYTES];
    assert_true(result_ok(mask_set_new(1, &set)));
    assert_true(result_ok(mask_set_add(set, key, false)));
    assert_int_equal(mask_set_add(set, key, false).category, CATEGORY_BUG);
    mask_set_free(set);
    mask_set_free(NULL);
    mask_stream_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_ctr_vectors_come_out_right),
        cmocka_unit_test(a_stream_is_ctr_from_zero_at_any_word),
        cmocka_unit_test(a_seek_gives_what_reading_on_gives),
        cmocka_unit_test(applying_is_the_plain_sum),
        cmocka_unit_test(a_vector_in_pieces_is_the_vector),
        cmocka_unit_test(pairwise_masks_cancel),
        cmocka_unit_test(a_set_has_its_capacity),
    };
    return cmocka_run_group_tests(tests, start, finish);
}

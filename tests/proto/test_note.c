/* Signed notes against the published ones, and what a parser must not forgive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/text.h"
#include "proto/run/note.h"
#include "tests/support/vectors.h"

#define VECTORS "03-tlog/signed_notes.json"

static struct sign_key *key_of(uint8_t fill)
{
    uint8_t bytes[SIGN_SEED_BYTES];
    memset(bytes, fill, sizeof bytes);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct sign_key *key = NULL;
    assert_true(result_ok(secret_from(view_of(bytes, sizeof bytes), &seed)));
    assert_true(result_ok(sign_key_from_seed(seed, &key)));
    return key;
}

/* name+keyid+base64(type ‖ key) of the vectors. */
static uint8_t vkey_split(const char *vkey, char name[256], struct sign_public *key)
{
    const char *plus = strchr(vkey, '+');
    const char *second = plus ? strchr(plus + 1, '+') : NULL;
    assert_non_null(second);
    (void)snprintf(name, 256, "%.*s", (int)(plus - vkey), vkey);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    assert_true(result_ok(text_unbase64(view_text(second + 1), &bytes)));
    if (bytes.length == 1 + SIGN_PUBLIC_BYTES) memcpy(key->bytes, bytes.data + 1, SIGN_PUBLIC_BYTES);
    return bytes.data[0];
}

static void case_check(const json_t *vector)
{
    const char *title = vectors_text(vector, "name");
    const json_t *expect = json_object_get(vector, "expect");
    bool good = vectors_is(expect, "result", "ok");
    CLEANUP(buffer_done) struct buffer bytes = {0};
    (void)vectors_base64_of(json_object_get(vector, "note_base64"), &bytes);
    CLEANUP(note_done) struct note note = {0};
    struct result parsed = note_parse(buffer_view(&bytes), &note);
    if (strstr(title, "malformed")) {
        assert_int_equal(parsed.category, CATEGORY_FALSE);
        return;
    }
    assert_true(result_ok(parsed));
    if (strstr(title, "101 signature lines")) { /* our limit is higher: a roster has up to a thousand signers */
        assert_int_equal(note.lines_count, 101);
        return;
    }
    size_t index;
    const json_t *vkey;
    json_array_foreach(json_object_get(vector, "vkeys"), index, vkey)
    {
        char name[256];
        struct sign_public key;
        uint64_t time = 0;
        uint8_t algorithm = vkey_split(json_string_value(vkey), name, &key);
        if (algorithm != 1 && algorithm != 4) continue; /* another algorithm: ignored here */
        struct result verified =
            algorithm == 1 ? note_verify(&note, name, &key) : note_verify_cosignature(&note, name, &key, &time);
        const json_t *told = json_object_get(expect, "cosignature_time");
        if (algorithm == 4 && result_ok(verified) && told) assert_int_equal(time, json_integer_value(told));
        if (strlen(name) > NAME_MAX_BYTES) { /* no name of ours: well-formed, and ignored */
            assert_int_equal(verified.category, CATEGORY_FALSE);
            continue;
        }
        if (result_ok(verified) != good) fail_msg("%s: %s: %s", title, name, result_reason());
    }
}

static void published_notes(void **state)
{
    (void)state;
    VECTORS_LOAD(file, VECTORS);
    const json_t *open = vectors_array(file, "open");
    assert_int_equal(json_array_size(open), 23);
    size_t index;
    const json_t *vector;
    json_array_foreach(open, index, vector) case_check(vector);
}

static void published_signature(void **state)
{
    (void)state;
    VECTORS_LOAD(file, VECTORS);
    const json_t *vector = json_array_get(vectors_array(file, "sign"), 0);
    const json_t *signer = json_array_get(vectors_array(file, "signer_keys_test_only"), 0);
    assert_string_equal(vectors_text(vector, "skey"), vectors_text(signer, "skey"));
    uint8_t bytes[SIGN_SEED_BYTES];
    vectors_hex_exact(signer, "seed_hex", bytes, sizeof bytes);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    assert_true(result_ok(secret_from(view_of(bytes, sizeof bytes), &seed)));
    assert_true(result_ok(sign_key_from_seed(seed, &key)));
    CLEANUP(buffer_done) struct buffer out = {0};
    assert_true(result_ok(note_sign(view_text(vectors_text(vector, "text")), "PeterNeumann", key, &out)));
    assert_true(view_equal(buffer_view(&out), view_text(vectors_text(vector, "signed_note"))));
}

/* The layout is the specification's own example; the bytes are Ed25519's, which is deterministic. */
static void a_cosignature_as_derived(void **state)
{
    (void)state;
    VECTORS_LOAD(file, VECTORS);
    const json_t *vector = json_object_get(file, "cosignature_derived"), *signer = NULL, *one;
    const json_t *layout = json_object_get(file, "cosignature_layout");
    size_t index;
    json_array_foreach(vectors_array(file, "signer_keys_test_only"), index, one)
    {
        if (strstr(vectors_text(one, "skey"), "+Wit1+")) signer = one;
    }
    assert_non_null(signer);
    uint8_t bytes[SIGN_SEED_BYTES];
    vectors_hex_exact(signer, "seed_hex", bytes, sizeof bytes);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL, *log = key_of(7);
    assert_true(result_ok(secret_from(view_of(bytes, sizeof bytes), &seed)));
    assert_true(result_ok(sign_key_from_seed(seed, &key)));
    CLEANUP(buffer_done) struct buffer signed_once = {0}, both = {0}, foreign = {0};
    uint64_t time = (uint64_t)json_integer_value(json_object_get(vector, "timestamp")), found = 0;
    assert_true(result_ok(note_sign(view_text(vectors_text(vector, "body")), "log", log, &signed_once)));
    assert_true(result_ok(note_cosign(buffer_view(&signed_once), "Wit1", key, time, &both)));
    assert_true(view_equal(view_of(both.data + signed_once.length, both.length - signed_once.length),
                           view_text(vectors_text(vector, "line"))));
    CLEANUP(note_done) struct note note = {0}, example = {0};
    assert_true(result_ok(note_parse(buffer_view(&both), &note)));
    assert_true(result_ok(note_verify(&note, "log", sign_key_public(log))));
    assert_true(result_ok(note_verify_cosignature(&note, "Wit1", sign_key_public(key), &found)));
    assert_int_equal(found, time);
    /* A cosignature is no signature, nor the other way round. */
    assert_int_equal(note_verify(&note, "Wit1", sign_key_public(key)).category, CATEGORY_FALSE);
    assert_int_equal(note_verify_cosignature(&note, "log", sign_key_public(log), &found).category, CATEGORY_FALSE);
    assert_int_equal(note_cosign(buffer_view(&signed_once), "Wit1", key, 0, &both).category, CATEGORY_USAGE);
    /* Another time is another cosignature. */
    note.lines[1].time++;
    assert_int_equal(note_verify_cosignature(&note, "Wit1", sign_key_public(key), &found).category, CATEGORY_FALSE);
    assert_true(
        result_ok(buffer_format(&foreign, "%s\n%s", vectors_text(layout, "body"), vectors_text(layout, "line"))));
    assert_true(result_ok(note_parse(buffer_view(&foreign), &example)));
    assert_true(example.lines_count == 1 && example.lines[0].timed && example.lines[0].time == 1679315147);
}

static void second_signature_leaves_the_text(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *one = key_of(1), *two = key_of(2);
    CLEANUP(buffer_done) struct buffer first = {0}, both = {0};
    struct view text = view_text("a\n\nb\n\n"); /* ends in a blank line of its own */
    assert_true(result_ok(note_sign(text, "north", one, &first)));
    assert_true(result_ok(note_add(buffer_view(&first), "south", two, &both)));
    CLEANUP(note_done) struct note note = {0};
    assert_true(result_ok(note_parse(buffer_view(&both), &note)));
    assert_true(view_equal(note.text, text));
    assert_int_equal(note.lines_count, 2);
    assert_true(result_ok(note_verify(&note, "north", sign_key_public(one))));
    assert_true(result_ok(note_verify(&note, "south", sign_key_public(two))));
    assert_int_equal(note_verify(&note, "south", sign_key_public(one)).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "there is no signature of south with this key");
    assert_int_equal(note_verify(&note, "east", sign_key_public(one)).category, CATEGORY_FALSE);
}

/* One true line does not excuse a false one of the same key. */
static void false_line_beside_a_true_one(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer other = {0}, note_bytes = {0};
    assert_true(result_ok(note_sign(view_text("another text\n"), "north", key, &other)));
    assert_true(result_ok(note_sign(view_text("text\n"), "north", key, &note_bytes)));
    const char *line = strstr((const char *)other.data, "\n\n") + 2;
    size_t length = other.length - (size_t)((const uint8_t *)line - other.data);
    assert_true(result_ok(buffer_append(&note_bytes, view_of(line, length))));
    CLEANUP(note_done) struct note note = {0};
    assert_true(result_ok(note_parse(buffer_view(&note_bytes), &note)));
    assert_int_equal(note_verify(&note, "north", sign_key_public(key)).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "the signature of north does not verify");
}

static void any_changed_byte_is_noticed(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    assert_true(result_ok(note_sign(view_text("first\nsecond\n"), "north", key, &bytes)));
    for (size_t i = 0; i < bytes.length; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[i] ^= (uint8_t)(1u << bit);
            CLEANUP(note_done) struct note note = {0};
            struct result result = note_parse(buffer_view(&bytes), &note);
            if (result_ok(result)) result = note_verify(&note, "north", sign_key_public(key));
            assert_int_equal(result.category, CATEGORY_FALSE);
            bytes.data[i] ^= (uint8_t)(1u << bit);
        }
}

static void what_cannot_be_signed(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer out = {0};
    static const struct {
        const char *text, *name;
    } bad[] = {{"no newline", "north"},   {"", "north"},     {"tab\there\n", "north"}, {"\xff\n", "north"},
               {"text\n", "two words"},   {"text\n", "a+b"}, {"text\n", ""},           {"text\n", "\xc2\xa0nbsp"},
               {"text\n", "\xe2\x80\x83"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(note_sign(view_text(bad[i].text), bad[i].name, key, &out).category, CATEGORY_USAGE);
        assert_int_equal(out.length, 0);
    }
    char longest[NAME_MAX_BYTES + 2];
    memset(longest, 'n', sizeof longest);
    longest[NAME_MAX_BYTES + 1] = 0;
    assert_int_equal(note_sign(view_text("text\n"), longest, key, &out).category, CATEGORY_USAGE);
    longest[NAME_MAX_BYTES] = 0;
    assert_true(result_ok(note_sign(view_text("text\n"), longest, key, &out)));
}

static void too_many_lines(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer bytes = {0}, line = {0};
    assert_true(result_ok(note_sign(view_text("text\n"), "north", key, &bytes)));
    assert_true(result_ok(buffer_append(&line, view_of(bytes.data + 6, bytes.length - 6))));
    for (unsigned i = 1; i < NOTE_SIGNATURES_MAX; i++)
        assert_true(result_ok(buffer_append(&bytes, buffer_view(&line))));
    CLEANUP(note_done) struct note full = {0}, over = {0};
    assert_true(result_ok(note_parse(buffer_view(&bytes), &full)));
    assert_int_equal(full.lines_count, NOTE_SIGNATURES_MAX);
    assert_true(result_ok(buffer_append(&bytes, buffer_view(&line))));
    assert_int_equal(note_parse(buffer_view(&bytes), &over).category, CATEGORY_FALSE);
}

static void base64_has_one_spelling(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "A", "AA", "AAA", "AAB=", "AB==", "====", "A===", "AA=A", "AA A", "AAA\n", "AA==AAAA", "AA-_"};
    CLEANUP(buffer_done) struct buffer out = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(text_unbase64(view_text(bad[i]), &out).category, CATEGORY_FALSE);
        assert_int_equal(out.length, 0);
    }
    for (size_t length = 0; length < 20; length++) {
        uint8_t bytes[20];
        for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(251 * (i + length));
        CLEANUP(buffer_done) struct buffer text = {0}, back = {0};
        assert_true(result_ok(text_base64(view_of(bytes, length), &text)));
        assert_true(result_ok(text_unbase64(buffer_view(&text), &back)));
        assert_true(view_equal(buffer_view(&back), view_of(bytes, length)));
    }
    CLEANUP(buffer_done) struct buffer known = {0};
    assert_true(result_ok(text_base64(view_text("foobar!"), &known)));
    assert_true(view_equal(buffer_view(&known), view_text("Zm9vYmFyIQ==")));
}

static void numbers_have_one_meaning(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   " 1", "1 ",    "nan", "inf", "-inf",  "1.5abc", "0x10", "1e", "1e+",  ".5",
                                      "5.", "+1", "1e999", "--1", "1,5", "1_000", "1.5.5",  "e5",   "-",  "1e5.5"};
    double value = 7;
    uint64_t whole = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (text_number(bad[i], &value)) fail_msg("\"%s\" was taken for a number", bad[i]);
        assert_false(text_whole(bad[i], &whole));
    }
    assert_true(value == 7 && whole == 7);
    assert_true(text_number("-1.25e-2", &value) && value == -0.0125);
    assert_true(text_number("-0", &value) && value == 0 && !__builtin_signbit(value));
    assert_true(text_whole("1000000000", &whole) && whole == 1000000000);
    assert_true(text_whole("0", &whole) && whole == 0);
    static const char *const not_whole[] = {"-1", "01", "1.0", "1e3", "18446744073709551616", "99999999999999999999"};
    for (size_t i = 0; i < sizeof not_whole / sizeof *not_whole; i++) assert_false(text_whole(not_whole[i], &whole));
}

static void utf8_is_the_shortest_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xf5", "\xc3",     "\xe2\x82",     "\xf0\x9f\x98", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(text_utf8(view_text(bad[i])));
    assert_true(text_utf8(view_text("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_false(text_printable(view_text("a\tb"), ""));
    assert_true(text_printable(view_text("a\tb"), "\t"));
    assert_false(text_printable(view_text("a\x7f"), ""));
    assert_false(text_printable(view_text("\xc2\x85"), ""));
    assert_false(text_printable(view_of("a\0b", 3), ""));
}

static int start(void **state)
{
    (void)state;
    return result_ok(crypto_start()) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_notes),
        cmocka_unit_test(published_signature),
        cmocka_unit_test(a_cosignature_as_derived),
        cmocka_unit_test(second_signature_leaves_the_text),
        cmocka_unit_test(false_line_beside_a_true_one),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(what_cannot_be_signed),
        cmocka_unit_test(too_many_lines),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(numbers_have_one_meaning),
        cmocka_unit_test(utf8_is_the_shortest_form),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

/* A node's journal: what it takes to be one, and that nothing in it can be changed unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/log/journal.h"
#include "tests/support/ok.h"

enum { ENTRIES = 4 };

static struct sign_key *key_of(uint8_t fill)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct sign_key *key = NULL;
    OK(secret_new(SIGN_SEED_BYTES, &seed));
    memset(secret_bytes(seed), fill, SIGN_SEED_BYTES);
    OK(sign_key_from_seed(seed, &key));
    return key;
}

/* A journal of four entries, and where each line begins; starts[ENTRIES] is its length. */
static void journal_make(const struct sign_key *key, struct buffer *out, size_t starts[ENTRIES + 1])
{
    static const char *const events[ENTRIES] = {"started", "seen", "sent", "done"};
    struct journal_head head = {0};
    for (size_t i = 0; i < ENTRIES; i++) {
        struct journal_entry entry = {.time = 1763776084 + i, .has_run = i > 0, .run = {{0xab, (uint8_t)i}}};
        CLEANUP(buffer_done) struct buffer facts = {0};
        OK(buffer_format(&facts, "{\"round\":%zu}", i));
        entry.facts = buffer_view(&facts);
        (void)snprintf(entry.event, sizeof entry.event, "%s", events[i]);
        starts[i] = out->length;
        OK(journal_add(&head, key, &entry, out));
    }
    starts[ENTRIES] = out->length;
    assert_int_equal(head.entries, ENTRIES);
}

static struct result verify_each(void *context, const struct journal_entry *entry)
{
    return journal_verify(entry, context);
}

/* Reads all of it, in pieces of this size. */
static struct result check_in_pieces(struct view bytes, const struct sign_key *key, size_t size,
                                     struct journal_head *ret)
{
    CLEANUP(journal_reader_done)
    struct journal_reader reader = {.context = (void *)(uintptr_t)sign_key_public(key), .entry = verify_each};
    while (bytes.length > 0) {
        size_t take = bytes.length < size ? bytes.length : size;
        TRY(journal_reader_take(&reader, view_of(bytes.data, take)));
        bytes = view_of(bytes.data + take, bytes.length - take);
    }
    TRY(journal_reader_end(&reader));
    *ret = reader.head;
    return RESULT_OK;
}

static struct result check(struct view bytes, const struct sign_key *key)
{
    struct journal_head head;
    return check_in_pieces(bytes, key, bytes.length + 1, &head);
}

static void refused(struct view bytes, const struct sign_key *key, size_t line, const char *why)
{
    char place[32];
    (void)snprintf(place, sizeof place, "line %zu: ", line);
    assert_int_equal(check(bytes, key).category, CATEGORY_FALSE);
    if (strncmp(result_reason(), place, strlen(place)) != 0 || !strstr(result_reason(), why))
        fail_msg("not \"%s...%s\" but \"%s\"", place, why, result_reason());
}

static void a_journal_is_read_as_it_was_written(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    size_t starts[ENTRIES + 1];
    struct journal_head head, again;
    journal_make(key, &bytes, starts);
    OK(check_in_pieces(buffer_view(&bytes), key, bytes.length, &head));
    assert_int_equal(head.entries, ENTRIES);
    for (size_t size = 1; size < 60; size += 7) {
        OK(check_in_pieces(buffer_view(&bytes), key, size, &again));
        assert_true(hash_equal(&head.last, &again.last));
    }
    struct journal_entry entry;
    struct view line = view_of(bytes.data + starts[2], starts[3] - starts[2] - 1);
    OK(journal_parse(line, &entry));
    assert_string_equal(entry.event, "sent");
    assert_int_equal(entry.number, 3);
    assert_int_equal(entry.time, 1763776086);
    assert_true(entry.has_run && entry.run.bytes[0] == 0xab);
    assert_true(view_equal(entry.facts, view_text("{\"round\":2}")));
    OK(journal_parse(view_of(bytes.data, starts[1] - 1), &entry));
    assert_true(!entry.has_run && hash_is_zero(&entry.previous));
    OK(check((struct view){0}, key)); /* nothing is the journal of a node that did nothing */
}

static void no_bit_can_be_another(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    size_t starts[ENTRIES + 1], line = 1;
    journal_make(key, &bytes, starts);
    for (size_t at = 0; at < bytes.length; at++) {
        if (at == starts[line]) line++;
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[at] ^= (uint8_t)(1u << bit);
            refused(buffer_view(&bytes), key, line, "");
            bytes.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    OK(check(buffer_view(&bytes), key));
}

/* The lines in another order; -1 ends it. */
static void lines_of(const struct buffer *bytes, const size_t starts[ENTRIES + 1], const int *order, struct buffer *out)
{
    buffer_clear(out);
    for (; *order >= 0; order++)
        OK(buffer_append(out, view_of(bytes->data + starts[*order], starts[*order + 1] - starts[*order])));
}

static void no_line_can_go_come_twice_or_move(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer bytes = {0}, other = {0};
    size_t starts[ENTRIES + 1];
    static const struct {
        int order[ENTRIES + 2];
        size_t line;
        const char *why;
    } cases[] = {
        {{1, 2, 3, -1}, 1, "it is entry 2, where entry 1 must be"},
        {{0, 2, 3, -1}, 2, "it is entry 3, where entry 2 must be"},
        {{0, 2, 1, 3, -1}, 2, "it is entry 3, where entry 2 must be"},
        {{0, 1, 1, 2, 3, -1}, 3, "it is entry 2, where entry 3 must be"},
        {{0, 1, 2, 3, 3, -1}, 5, "it is entry 4, where entry 5 must be"},
    };
    journal_make(key, &bytes, starts);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lines_of(&bytes, starts, cases[i].order, &other);
        refused(buffer_view(&other), key, cases[i].line, cases[i].why);
    }
    lines_of(&bytes, starts, (const int[]){0, 1, -1}, &other);
    OK(check(buffer_view(&other), key)); /* a lost end is for who knows a later entry */
    for (size_t length = starts[3] + 1; length < starts[4]; length++)
        refused(view_of(bytes.data, length), key, 4, "the file ends inside it");
    OK(buffer_u8(&bytes, '\n'));
    refused(buffer_view(&bytes), key, 5, "does not end in a signature");
}

/* Entries that another key signed, from whichever line on. */
static void another_key_s_entries_are_refused(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1), *stranger = key_of(2);
    CLEANUP(buffer_done) struct buffer bytes = {0}, theirs = {0}, mixed = {0};
    size_t starts[ENTRIES + 1], others[ENTRIES + 1];
    journal_make(key, &bytes, starts);
    journal_make(stranger, &theirs, others);
    refused(buffer_view(&theirs), key, 1, "the signature does not verify");
    /* Entry by entry the chain is right, for the strangers' continue ours. */
    for (size_t from = 1; from < ENTRIES; from++) {
        CLEANUP(journal_reader_done) struct journal_reader reader = {0};
        buffer_clear(&mixed);
        OK(buffer_append(&mixed, view_of(bytes.data, starts[from])));
        OK(journal_reader_take(&reader, buffer_view(&mixed)));
        struct journal_entry entry = {.time = 1, .event = "done", .facts = view_text("{}")};
        OK(journal_add(&reader.head, stranger, &entry, &mixed));
        refused(buffer_view(&mixed), key, from + 1, "the signature does not verify");
    }
    /* Ours and theirs do not follow from each other. */
    buffer_clear(&mixed);
    OK(buffer_append(&mixed, view_of(bytes.data, starts[2])));
    OK(buffer_append(&mixed, view_of(theirs.data + others[2], others[4] - others[2])));
    refused(buffer_view(&mixed), key, 3, "does not follow from the line before");
}

static void a_signature_of_another_kind_is_none(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    size_t starts[ENTRIES + 1];
    struct journal_entry entry;
    struct signature signature;
    char hex[2 * SIGN_BYTES + 1];
    journal_make(key, &bytes, starts);
    OK(journal_parse(view_of(bytes.data, starts[1] - 1), &entry));
    static const char *const kinds[] = {"close", NULL};
    for (size_t i = 0; i < 2; i++) {
        OK(sign_bytes(key, kinds[i], entry.covered, &signature));
        bytes_hex(view_of(signature.bytes, SIGN_BYTES), hex);
        memcpy(bytes.data + starts[1] - 3 - strlen(hex), hex, strlen(hex));
        refused(buffer_view(&bytes), key, 1, "the signature does not verify");
    }
}

/* Another spelling of the same entry is none, though its own key signed it. */
static void there_is_one_spelling(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char *const covered[] = {
        "{\"entry\":01,\"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":+1,\"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":18446744073709551617,\"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":1,\"time\":,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":1,\"time\":1,\"event\":\"\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":1,\"time\":1,\"event\":\"A\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":1,\"time\":1,\"event\":\"aaaaaaaaaaaaaaaa\",\"previous\":\"%s\",\"facts\":{}",
        "{\"time\":1,\"entry\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":1, \"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{}",
        "{\"entry\":1,\"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"run\":\"12\",\"facts\":{}",
        "{\"entry\":1,\"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":[]",
        "{\"entry\":1,\"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{\"a\":\"\x1b\"}",
        "{\"entry\":1,\"time\":1,\"event\":\"a\",\"previous\":\"%s\",\"facts\":{} ",
        "{\"entry\":1,\"time\":1,\"event\":\"a\",\"previous\":\"%s\"",
    };
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++) {
        CLEANUP(buffer_done) struct buffer line = {0};
        char text[512], hex[2 * SIGN_BYTES + 1];
        struct signature signature;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof text, covered[i], zeros);
#pragma GCC diagnostic pop
        OK(sign_bytes(key, "journal", view_text(text), &signature));
        bytes_hex(view_of(signature.bytes, SIGN_BYTES), hex);
        OK(buffer_format(&line, "%s,\"signature\":\"%s\"}\n", text, hex));
        refused(buffer_view(&line), key, 1, "");
    }
}

static void what_cannot_be_a_line_is_not_written(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = key_of(1);
    CLEANUP(buffer_done) struct buffer out = {0}, big = {0};
    struct journal_head head = {0};
    OK(buffer_text(&big, "{\""));
    for (size_t i = 0; i < JOURNAL_LINE_MAX; i++) OK(buffer_u8(&big, 'a'));
    OK(buffer_text(&big, "\":1}"));
    const struct journal_entry entries[] = {
        {.event = "no way", .facts = view_text("{}")}, {.event = "", .facts = view_text("{}")},
        {.event = "sent", .facts = view_text("1")},    {.event = "sent", .facts = view_text("{\"a\":\n1}")},
        {.event = "sent", .facts = buffer_view(&big)},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        assert_int_equal(journal_add(&head, key, &entries[i], &out).category, CATEGORY_BUG);
        assert_int_equal(out.length, 0);
        assert_int_equal(head.entries, 0);
    }
    big.data[big.length - 1] = '\n'; /* and a line as long as that is not read */
    refused(buffer_view(&big), key, 1, "more than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_is_read_as_it_was_written),  cmocka_unit_test(no_bit_can_be_another),
        cmocka_unit_test(no_line_can_go_come_twice_or_move),    cmocka_unit_test(another_key_s_entries_are_refused),
        cmocka_unit_test(a_signature_of_another_kind_is_none),  cmocka_unit_test(there_is_one_spelling),
        cmocka_unit_test(what_cannot_be_a_line_is_not_written),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

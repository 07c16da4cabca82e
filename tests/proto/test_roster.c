/* Rosters: one form, every signature that is needed, one successor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/run/note.h"
#include "proto/run/roster.h"

enum { KEYS = 24, NAMES = 8 };
static struct sign_key *keys[KEYS]; /* 2k: identity of member k, 2k + 1: its node key; 22, 23: coordinators */
static const char *const names[NAMES] = {"north", "south", "east", "west", "centre", "harbour", "hill", "lake"};

static int start(void **state)
{
    (void)state;
    if (!result_ok(crypto_start())) return -1;
    for (uint8_t i = 0; i < KEYS; i++) {
        uint8_t bytes[SIGN_SEED_BYTES];
        memset(bytes, i + 1, sizeof bytes);
        CLEANUP(secret_freep) struct secret *seed = NULL;
        if (!result_ok(secret_from(view_of(bytes, sizeof bytes), &seed))) return -1;
        if (!result_ok(sign_key_from_seed(seed, &keys[i]))) return -1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS; i++) sign_key_free(keys[i]);
    return 0;
}

/* A roster of the first `size` names, its members borrowed from the array. */
static struct roster made(struct roster_member members[NAMES], unsigned size)
{
    struct roster roster = {.version = 1, .members = members, .size = size};
    (void)snprintf(roster.coordinator_name, sizeof roster.coordinator_name, "hub");
    (void)snprintf(roster.address, sizeof roster.address, "tls+tcp://hub.example:7700");
    roster.coordinator = *sign_key_public(keys[22]);
    for (unsigned i = 0; i < size; i++) {
        memset(&members[i], 0, sizeof members[i]);
        (void)snprintf(members[i].name, sizeof members[i].name, "%s", names[i]);
        members[i].identity = *sign_key_public(keys[2 * i]);
        members[i].node = *sign_key_public(keys[2 * i + 1]);
    }
    return roster;
}

/* The roster as a note that those named by index have signed with their identity keys 2·index. */
static struct roster signed_by(const struct roster *roster, const unsigned *signers, size_t count)
{
    CLEANUP(buffer_done) struct buffer text = {0}, note = {0};
    assert_true(result_ok(roster_text(roster, &text)));
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buffer_done) struct buffer next = {0};
        const struct sign_key *key = keys[2 * signers[i]];
        struct result result = i == 0 ? note_sign(buffer_view(&text), names[signers[i]], key, &next)
                                      : note_add(buffer_view(&note), names[signers[i]], key, &next);
        assert_true(result_ok(result));
        buffer_clear(&note);
        assert_true(result_ok(buffer_append(&note, buffer_view(&next))));
    }
    struct roster parsed = {0};
    struct result result = roster_parse(buffer_view(&note), &parsed);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    return parsed;
}

static const unsigned everyone[NAMES] = {0, 1, 2, 3, 4, 5, 6, 7};

static void first_roster(void **state)
{
    (void)state;
    struct roster_member members[NAMES];
    struct roster plain = made(members, 5);
    CLEANUP(roster_done) struct roster roster = signed_by(&plain, everyone, 5), four = signed_by(&plain, everyone, 4);
    assert_true(result_ok(roster_verify_first(&roster)));
    assert_int_equal(roster.size, 5);
    assert_string_equal(roster.members[3].name, "west");
    assert_true(sign_public_equal(&roster.members[3].node, sign_key_public(keys[7])));
    assert_int_equal(roster_position_of_name(&roster, "centre"), 5);
    assert_int_equal(roster_position_of_name(&roster, "hub"), 0);
    assert_int_equal(roster_position_of_node(&roster, sign_key_public(keys[3])), 2);
    assert_int_equal(roster_position_of_node(&roster, sign_key_public(keys[2])), 0); /* an identity is no node key */
    assert_true(hash_equal(&roster.hash, &four.hash)); /* of the text, not of who signed */
    assert_int_equal(roster_verify_first(&four).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "roster version 1: there is no signature of centre with this key");
}

static void a_forged_signature(void **state)
{
    (void)state;
    struct roster_member members[NAMES];
    struct roster plain = made(members, 5);
    CLEANUP(roster_done) struct roster roster = signed_by(&plain, everyone, 5);
    char *at = memmem(roster.note.data, roster.note.length, "south ", 6);
    at = memmem(at + 6, roster.note.length, "\xe2\x80\x94 south ", 10); /* its signature line, behind the text */
    assert_non_null(at);
    at[30] = at[30] == 'A' ? 'B' : 'A';
    CLEANUP(roster_done) struct roster again = {0};
    assert_true(result_ok(roster_parse(buffer_view(&roster.note), &again)));
    assert_int_equal(roster_verify_first(&again).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "roster version 1: the signature of south does not verify");
}

/* Replaces a piece of the text, and says how parsing ends. */
static void expect_refused(const char *from, const char *to, const char *reason)
{
    struct roster_member members[NAMES];
    struct roster plain = made(members, 5);
    CLEANUP(buffer_done) struct buffer text = {0}, changed = {0};
    assert_true(result_ok(roster_text(&plain, &text)));
    const uint8_t *at = memmem(text.data, text.length, from, strlen(from));
    assert_non_null(at);
    size_t before = (size_t)(at - text.data);
    assert_true(result_ok(buffer_append(&changed, view_of(text.data, before))));
    assert_true(result_ok(buffer_text(&changed, to)));
    assert_true(result_ok(buffer_append(&changed, view_of(at + strlen(from), text.length - before - strlen(from)))));
    CLEANUP(roster_done) struct roster roster = {0};
    struct result result = roster_parse_text(buffer_view(&changed), &roster);
    assert_int_equal(result.category, CATEGORY_FALSE);
    if (!strstr(result_reason(), reason)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), reason);
}

static void one_form_only(void **state)
{
    (void)state;
    expect_refused("cofferdam/1 roster\n", "cofferdam/2 roster\n", "its first line is not");
    expect_refused("version 1\n", "version 01\n", "roster line 2: the version is not a whole number");
    expect_refused("version 1\n", "version 0\n", "roster line 2");
    expect_refused("version 1\n", "version 4294967295\n", "roster line 2");
    expect_refused("version 1\n", "version 2\n", "roster line 3: previous must be zeros for version 1");
    expect_refused("version 1\n", "version 1 \n", "canonical form");
    expect_refused("version 1\n", "version  1\n", "roster line 2");
    expect_refused("previous 0", "previous A", "roster line 3");
    expect_refused("coordinator hub", "coordinator", "roster line 4");
    expect_refused("tls+tcp://hub.example:7700", "tcp://hub.example:7700", "must read tls+tcp://HOST:PORT");
    expect_refused(":7700", ":0", "must read tls+tcp://HOST:PORT");
    expect_refused(":7700", ":65536", "must read tls+tcp://HOST:PORT");
    expect_refused("member east", "member ../east", "roster line 7: \"../east\" is no name of a member");
    expect_refused("member east", "member e+st", "no name of a member");
    expect_refused("member east", "member north", "the roster names north twice");
    expect_refused("member east", "member hub", "the roster names hub twice");
    expect_refused("member east", "membre east", "roster line 7: \"membre\" stands where \"member\" must be");
    expect_refused("member east", "member east 00", "roster line 7: the identity key is not 64 lower-case hex digits");
    expect_refused("\nmember west", " extra\nmember west", "canonical form");
}

static void keys_are_checked(void **state)
{
    (void)state;
    char hex[65], other[65];
    bytes_hex(view_of(sign_key_public(keys[4])->bytes, SIGN_PUBLIC_BYTES), hex);
    bytes_hex(view_of(sign_key_public(keys[1])->bytes, SIGN_PUBLIC_BYTES), other);
    expect_refused(hex, other, "one key twice"); /* east's identity is north's node key */
    bytes_hex(view_of(sign_key_public(keys[22])->bytes, SIGN_PUBLIC_BYTES), other);
    expect_refused(hex, other, "one key twice"); /* or the coordinator's */
    memset(other, '0', 64);
    expect_refused(hex, other, "not a valid Ed25519 key: east"); /* small order */
    memset(other, 'f', 64);
    expect_refused(hex, other, "not a valid Ed25519 key: east"); /* not canonical */
}

static void two_members_are_refused(void **state)
{
    (void)state;
    struct roster_member members[NAMES];
    struct roster plain = made(members, 2);
    assert_int_equal(roster_check(&plain).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "the roster has 2 members"));
    plain = made(members, 3);
    assert_true(result_ok(roster_check(&plain)));
}

static void a_member_is_added(void **state)
{
    (void)state;
    struct roster_member members[NAMES];
    struct roster plain = made(members, 5);
    CLEANUP(roster_done) struct roster before = signed_by(&plain, everyone, 5);
    struct roster next = made(members, 6);
    next.version = 2;
    next.previous = before.hash;
    static const unsigned quorum[] = {0, 2, 3, 4, 5}, short_of[] = {0, 2, 3, 5}, without[] = {0, 1, 2, 3};
    CLEANUP(roster_done)
    struct roster good = signed_by(&next, quorum, 5), few = signed_by(&next, short_of, 4),
                  absent = signed_by(&next, without, 4);
    assert_true(result_ok(roster_verify_successor(&before, &good)));
    assert_int_equal(roster_verify_successor(&before, &few).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "roster version 2 carries 3 signatures of the 5 members before; 4 are needed");
    assert_int_equal(roster_verify_successor(&before, &absent).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "roster version 2: harbour is new or has a new key and must sign: there is no "
                                         "signature of harbour with this key");
    assert_int_equal(roster_verify_first(&good).category, CATEGORY_FALSE);
}

/* A swapped key: the quorum alone cannot give a member's place to another key without that key's own signature. */
static void a_member_gets_a_new_key(void **state)
{
    (void)state;
    struct roster_member members[NAMES];
    struct roster plain = made(members, 5);
    CLEANUP(roster_done) struct roster before = signed_by(&plain, everyone, 5);
    for (int identity = 0; identity < 2; identity++) {
        struct roster next = made(members, 5);
        next.version = 2;
        next.previous = before.hash;
        if (identity) members[1].identity = *sign_key_public(keys[20]);
        members[1].node = *sign_key_public(keys[21]);
        static const unsigned others[] = {0, 2, 3, 4}, all[] = {0, 1, 2, 3, 4};
        CLEANUP(roster_done) struct roster without = signed_by(&next, others, 4), with = signed_by(&next, all, 5);
        assert_int_equal(roster_verify_successor(&before, &without).category, CATEGORY_FALSE);
        /* signing with the old identity is enough only where the identity stays */
        assert_int_equal(result_ok(roster_verify_successor(&before, &with)), !identity);
    }
}

static void forks_gaps_and_the_past(void **state)
{
    (void)state;
    struct roster_member members[NAMES];
    struct roster plain = made(members, 5);
    CLEANUP(roster_done) struct roster before = signed_by(&plain, everyone, 5);
    struct roster next = made(members, 5);
    (void)snprintf(next.address, sizeof next.address, "tls+tcp://other.example:7700");
    next.version = 2;
    memset(next.previous.bytes, 7, HASH_BYTES);
    CLEANUP(roster_done) struct roster fork = signed_by(&next, everyone, 5);
    assert_int_equal(roster_verify_successor(&before, &fork).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "a fork"));
    next.version = 3;
    next.previous = before.hash;
    CLEANUP(roster_done) struct roster gap = signed_by(&next, everyone, 5);
    assert_int_equal(roster_verify_successor(&before, &gap).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "take the versions between first"));
    assert_int_equal(roster_verify_successor(&gap, &before).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "roster version 1 is not newer than version 3, which is pinned");
    assert_int_equal(roster_verify_successor(&before, &before).category, CATEGORY_FALSE);
}

/* Who leaves may agree to it and counts; fewer than the quorum cannot put anyone out. */
static void a_member_leaves(void **state)
{
    (void)state;
    struct roster_member members[NAMES];
    struct roster plain = made(members, 5);
    CLEANUP(roster_done) struct roster before = signed_by(&plain, everyone, 5);
    struct roster next = made(members, 4);
    next.version = 2;
    next.previous = before.hash;
    static const unsigned with_leaver[] = {0, 1, 2, 4}, three[] = {0, 1, 2};
    CLEANUP(roster_done) struct roster good = signed_by(&next, with_leaver, 4), few = signed_by(&next, three, 3);
    assert_true(result_ok(roster_verify_successor(&before, &good)));
    assert_int_equal(roster_verify_successor(&before, &few).category, CATEGORY_FALSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_roster),
        cmocka_unit_test(a_forged_signature),
        cmocka_unit_test(one_form_only),
        cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(two_members_are_refused),
        cmocka_unit_test(a_member_is_added),
        cmocka_unit_test(a_member_gets_a_new_key),
        cmocka_unit_test(forks_gaps_and_the_past),
        cmocka_unit_test(a_member_leaves),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

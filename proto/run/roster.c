/* Rosters are canonical: what was parsed is written again and must be the same bytes, so that no two texts say one
 * thing and a hash has one meaning. */
#include "proto/run/roster.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/run/note.h"

#define FIRST_LINE "cofferdam/1 roster\n"
#define SCHEME "tls+tcp://"
#define HEX_DIGITS "0123456789abcdefABCDEF"
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

void roster_done(struct roster *roster)
{
    free(roster->members);
    buffer_done(&roster->note);
    *roster = (struct roster){0};
}

/* One line at a time; each line is words with single blanks between them. */
struct lines {
    struct view rest;
    unsigned number;
    struct view line;
};

static struct result lines_next(struct lines *lines, const char *wanted)
{
    lines->number++;
    const uint8_t *end = lines->rest.length ? memchr(lines->rest.data, '\n', lines->rest.length) : NULL;
    ENSURE(end, CATEGORY_FALSE, "roster line %u: %s is missing", lines->number, wanted);
    lines->line = view_of(lines->rest.data, (size_t)(end - lines->rest.data));
    lines->rest = view_of(end + 1, lines->rest.length - lines->line.length - 1);
    return RESULT_OK;
}

/* The next word of the line, into out of `size` bytes with its NUL. */
static struct result word(struct lines *lines, const char *what, char *out, size_t size)
{
    const uint8_t *blank = lines->line.length ? memchr(lines->line.data, ' ', lines->line.length) : NULL;
    size_t length = blank ? (size_t)(blank - lines->line.data) : lines->line.length;
    ENSURE(length > 0 && length < size, CATEGORY_FALSE, "roster line %u: %s is missing or longer than %zu bytes",
           lines->number, what, size - 1);
    memcpy(out, lines->line.data, length);
    out[length] = 0;
    size_t used = length + (blank != NULL);
    lines->line = view_of(lines->line.data + used, lines->line.length - used);
    return RESULT_OK;
}

static struct result word_is(struct lines *lines, const char *expected)
{
    char text[16];
    TRY(word(lines, expected, text, sizeof text));
    ENSURE(strcmp(text, expected) == 0, CATEGORY_FALSE, "roster line %u: \"%s\" stands where \"%s\" must be",
           lines->number, text, expected);
    return RESULT_OK;
}

static struct result word_hex(struct lines *lines, const char *what, uint8_t out[32])
{
    char text[65];
    TRY(word(lines, what, text, sizeof text));
    struct result result = bytes_unhex(view_text(text), out, 32);
    ENSURE(result_ok(result), CATEGORY_FALSE, "roster line %u: %s is not 64 lower-case hex digits", lines->number,
           what);
    return RESULT_OK;
}

struct result roster_name_check(const char *name)
{
    size_t length = strlen(name);
    struct view view = view_of(name, length);
    bool good = length > 0 && length <= NAME_MAX_BYTES && text_utf8(view) && text_printable(view, "");
    good = good && !strpbrk(name, " +/\\\"") && name[0] != '.' && name[0] != '-' && note_name_good(view);
    ENSURE(
        good, CATEGORY_USAGE,
        "\"%s\" is no name of a member: 1 to %u bytes, no blank, plus sign, slash or quote, and no dot or dash first",
        text_utf8(view) && text_printable(view, "") ? name : "?", NAME_MAX_BYTES);
    return RESULT_OK;
}

struct result roster_address_check(const char *address)
{
    size_t length = strlen(address), scheme = strlen(SCHEME);
    const char *colon = strrchr(address, ':');
    bool good = length <= ADDRESS_MAX_BYTES && strncmp(address, SCHEME, scheme) == 0 && colon > address + scheme;
    /* A name or an IPv4 address, or an IPv6 address in brackets (RFC 3986, section 3.2.2). */
    if (good) {
        const char *host = address + scheme;
        size_t host_length = (size_t)(colon - host);
        bool bracketed = host[0] == '[' && host_length > 2 && colon[-1] == ']';
        good = bracketed ? strspn(host + 1, HEX_DIGITS ":.") == host_length - 2
                         : strspn(host, HOST_CHARACTERS) == host_length;
    }
    uint64_t port = 0;
    good = good && text_whole(colon + 1, &port) && port >= 1 && port <= 65535;
    ENSURE(good, CATEGORY_USAGE, "the address must read " SCHEME "HOST:PORT, in up to %u plain characters",
           ADDRESS_MAX_BYTES);
    return RESULT_OK;
}

static struct result place(struct result result, const struct lines *lines)
{
    if (result.category == CATEGORY_USAGE) result.category = CATEGORY_FALSE; /* the roster's words, not the caller's */
    return result_at(result, "roster line %u: ", lines->number);
}

static struct result head_parse(struct lines *lines, struct roster *roster)
{
    char text[21];
    uint64_t version = 0;
    TRY(lines_next(lines, "its first line"));
    ENSURE(view_equal(lines->line, view_of(FIRST_LINE, strlen(FIRST_LINE) - 1)), CATEGORY_FALSE,
           "this is not a roster: its first line is not \"cofferdam/1 roster\"");
    TRY(lines_next(lines, "version"));
    TRY(word_is(lines, "version"));
    TRY(word(lines, "the version", text, sizeof text));
    ENSURE(text_whole(text, &version) && version >= 1 && version < UINT32_MAX, CATEGORY_FALSE,
           "roster line %u: the version is not a whole number from 1", lines->number);
    roster->version = (uint32_t)version;
    TRY(lines_next(lines, "previous"));
    TRY(word_is(lines, "previous"));
    TRY(word_hex(lines, "the previous roster's hash", roster->previous.bytes));
    ENSURE((version == 1) == hash_is_zero(&roster->previous), CATEGORY_FALSE,
           "roster line %u: previous must be zeros for version 1 and the hash of the roster before for others",
           lines->number);
    TRY(lines_next(lines, "coordinator"));
    TRY(word_is(lines, "coordinator"));
    TRY(word(lines, "the coordinator's name", roster->coordinator_name, sizeof roster->coordinator_name));
    TRY(place(roster_name_check(roster->coordinator_name), lines));
    TRY(word_hex(lines, "the coordinator's key", roster->coordinator.bytes));
    TRY(word(lines, "the address", roster->address, sizeof roster->address));
    return place(roster_address_check(roster->address), lines);
}

static struct result members_parse(struct lines *lines, struct roster *roster)
{
    size_t count = 0;
    for (size_t i = 0; i < lines->rest.length; i++) count += lines->rest.data[i] == '\n';
    ENSURE(count <= MEMBERS_MAX, CATEGORY_FALSE, "the roster has %zu members, more than %u", count, MEMBERS_MAX);
    roster->members = calloc(count ? count : 1, sizeof *roster->members);
    ENSURE(roster->members, CATEGORY_ENVIRONMENT, "out of memory for a roster");
    while (lines->rest.length) {
        TRY(lines_next(lines, "a member"));
        ENSURE(roster->size < count, CATEGORY_FALSE, "roster line %u: its newline is missing", lines->number);
        struct roster_member *member = &roster->members[roster->size];
        TRY(word_is(lines, "member"));
        TRY(word(lines, "the member's name", member->name, sizeof member->name));
        TRY(place(roster_name_check(member->name), lines));
        TRY(word_hex(lines, "the identity key", member->identity.bytes));
        TRY(word_hex(lines, "the node key", member->node.bytes));
        roster->size++;
    }
    return RESULT_OK;
}

static int key_order(const void *a, const void *b)
{
    return memcmp(a, b, SIGN_PUBLIC_BYTES);
}

static int name_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One key in two places would let one party count as two, or a node's key sign as an identity. */
static struct result keys_distinct(const struct roster *roster)
{
    size_t count = 2 * (size_t)roster->size + 1;
    CLEANUP(buffer_done) struct buffer keys = {0};
    TRY(buffer_append(&keys, view_of(roster->coordinator.bytes, SIGN_PUBLIC_BYTES)));
    for (unsigned i = 0; i < roster->size; i++) {
        TRY(buffer_append(&keys, view_of(roster->members[i].identity.bytes, SIGN_PUBLIC_BYTES)));
        TRY(buffer_append(&keys, view_of(roster->members[i].node.bytes, SIGN_PUBLIC_BYTES)));
    }
    for (size_t i = 0; i < count; i++) {
        struct sign_public key;
        memcpy(key.bytes, keys.data + i * SIGN_PUBLIC_BYTES, sizeof key.bytes);
        ENSURE(sign_public_valid(&key), CATEGORY_FALSE, "the roster holds a key that is not a valid Ed25519 key: %s",
               i == 0 ? roster->coordinator_name : roster->members[(i - 1) / 2].name);
    }
    qsort(keys.data, count, SIGN_PUBLIC_BYTES, key_order);
    for (size_t i = 1; i < count; i++)
        ENSURE(memcmp(keys.data + (i - 1) * SIGN_PUBLIC_BYTES, keys.data + i * SIGN_PUBLIC_BYTES, SIGN_PUBLIC_BYTES),
               CATEGORY_FALSE, "the roster holds one key twice; every identity and every node needs its own");
    return RESULT_OK;
}

static struct result names_distinct(const struct roster *roster)
{
    const char **names = calloc((size_t)roster->size + 1, sizeof *names);
    ENSURE(names, CATEGORY_ENVIRONMENT, "out of memory for a roster");
    names[0] = roster->coordinator_name;
    for (unsigned i = 0; i < roster->size; i++) names[i + 1] = roster->members[i].name;
    qsort(names, (size_t)roster->size + 1, sizeof *names, name_order);
    const char *twice = NULL;
    for (unsigned i = 1; i <= roster->size && !twice; i++)
        if (strcmp(names[i - 1], names[i]) == 0) twice = names[i];
    free(names);
    ENSURE(!twice, CATEGORY_FALSE, "the roster names %s twice", twice);
    return RESULT_OK;
}

struct result roster_text(const struct roster *roster, struct buffer *out)
{
    char one[65], two[65];
    bytes_hex(hash_view(&roster->previous), one);
    bytes_hex(view_of(roster->coordinator.bytes, SIGN_PUBLIC_BYTES), two);
    TRY(buffer_format(out, FIRST_LINE "version %u\nprevious %s\ncoordinator %s %s %s\n", roster->version, one,
                      roster->coordinator_name, two, roster->address));
    for (unsigned i = 0; i < roster->size; i++) {
        bytes_hex(view_of(roster->members[i].identity.bytes, SIGN_PUBLIC_BYTES), one);
        bytes_hex(view_of(roster->members[i].node.bytes, SIGN_PUBLIC_BYTES), two);
        TRY(buffer_format(out, "member %s %s %s\n", roster->members[i].name, one, two));
    }
    return RESULT_OK;
}

struct result roster_check(const struct roster *roster)
{
    TRY(roster_name_check(roster->coordinator_name));
    TRY(roster_address_check(roster->address));
    for (unsigned i = 0; i < roster->size; i++) TRY(roster_name_check(roster->members[i].name));
    ENSURE(roster->size >= COHORT_MIN && roster->size <= MEMBERS_MAX, CATEGORY_FALSE,
           "the roster has %u members; %u to %u are needed, since two would each subtract themselves", roster->size,
           COHORT_MIN, MEMBERS_MAX);
    TRY(names_distinct(roster));
    return keys_distinct(roster);
}

static struct result text_parse(struct view text, struct roster *roster)
{
    struct lines lines = {.rest = text};
    TRY(head_parse(&lines, roster));
    TRY(members_parse(&lines, roster));
    CLEANUP(buffer_done) struct buffer again = {0};
    TRY(roster_text(roster, &again));
    ENSURE(view_equal(buffer_view(&again), text), CATEGORY_FALSE,
           "the roster is not in its one canonical form: words after a line's last, or blanks too many");
    TRY(roster_check(roster));
    return hash_bytes("roster", text, &roster->hash);
}

struct result roster_parse_text(struct view text, struct roster *ret)
{
    ENSURE(text_utf8(text) && text_printable(text, "\n"), CATEGORY_FALSE, "the roster is not plain UTF-8 text");
    CLEANUP(roster_done) struct roster roster = {0};
    TRY(text_parse(text, &roster));
    *ret = roster;
    roster = (struct roster){0};
    return RESULT_OK;
}

struct result roster_parse(struct view note_bytes, struct roster *ret)
{
    CLEANUP(note_done) struct note note = {0};
    TRY(note_parse(note_bytes, &note));
    CLEANUP(roster_done) struct roster roster = {0};
    TRY(text_parse(note.text, &roster));
    TRY(buffer_append(&roster.note, note_bytes));
    *ret = roster;
    roster = (struct roster){0};
    return RESULT_OK;
}

struct result roster_verify_first(const struct roster *roster)
{
    ENSURE(roster->version == 1, CATEGORY_FALSE, "the roster has version %u; a first one has version 1",
           roster->version);
    CLEANUP(note_done) struct note note = {0};
    TRY(note_parse(buffer_view(&roster->note), &note));
    for (unsigned i = 0; i < roster->size; i++)
        TRY(result_at(note_verify(&note, roster->members[i].name, &roster->members[i].identity), "roster version 1: "));
    return RESULT_OK;
}

struct result roster_verify_member(const struct roster *roster, unsigned position)
{
    CLEANUP(note_done) struct note note = {0};
    const struct roster_member *member = &roster->members[position - 1];
    TRY(note_parse(buffer_view(&roster->note), &note));
    return note_verify(&note, member->name, &member->identity);
}

/* Whether the member stands in the roster before with both keys unchanged. */
static bool member_unchanged(const struct roster *before, const struct roster_member *member)
{
    unsigned position = roster_position_of_name(before, member->name);
    if (position == 0) return false;
    const struct roster_member *old = &before->members[position - 1];
    return sign_public_equal(&old->identity, &member->identity) && sign_public_equal(&old->node, &member->node);
}

struct result roster_verify_successor(const struct roster *before, const struct roster *after)
{
    ENSURE(after->version > before->version, CATEGORY_FALSE,
           "roster version %u is not newer than version %u, which is pinned", after->version, before->version);
    ENSURE(after->version == before->version + 1, CATEGORY_FALSE,
           "roster version %u does not follow version %u; take the versions between first", after->version,
           before->version);
    ENSURE(
        hash_equal(&after->previous, &before->hash), CATEGORY_FALSE,
        "roster version %u follows another version %u than the one pinned here: a fork; ask the members which is true",
        after->version, before->version);
    struct thresholds thresholds;
    TRY(thresholds_of(before->size, &thresholds));
    CLEANUP(note_done) struct note note = {0};
    TRY(note_parse(buffer_view(&after->note), &note));
    unsigned signers = 0;
    for (unsigned i = 0; i < before->size; i++) {
        struct result result = note_verify(&note, before->members[i].name, &before->members[i].identity);
        if (result.category != CATEGORY_FALSE) TRY(result);
        signers += result_ok(result);
    }
    ENSURE(signers >= thresholds.t, CATEGORY_FALSE,
           "roster version %u carries %u signatures of the %u members before; %u are needed", after->version, signers,
           before->size, thresholds.t);
    for (unsigned i = 0; i < after->size; i++) {
        const struct roster_member *member = &after->members[i];
        if (member_unchanged(before, member)) continue;
        TRY(result_at(note_verify(&note, member->name, &member->identity),
                      "roster version %u: %s is new or has a new key and must sign: ", after->version, member->name));
    }
    return RESULT_OK;
}

unsigned roster_position_of_node(const struct roster *roster, const struct sign_public *node)
{
    for (unsigned i = 0; i < roster->size; i++)
        if (sign_public_equal(&roster->members[i].node, node)) return i + 1;
    return 0;
}

unsigned roster_position_of_name(const struct roster *roster, const char *name)
{
    for (unsigned i = 0; i < roster->size; i++)
        if (strcmp(roster->members[i].name, name) == 0) return i + 1;
    return 0;
}

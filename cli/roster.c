/* cofferdam roster new, add, sign: how a roster comes to be. Signing is done one member after the other: each gets the
 * file, compares the keys with what it was sent by another way, and passes the signed file on. */
#include "cli/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "proto/run/note.h"
#include "sys/keys.h"

static struct result coordinator_set(struct roster *roster, const char *path)
{
    struct keys_public keys;
    TRY(keys_read_public(path, &keys));
    TRY(result_at(roster_name_check(keys.name), "%s:2: ", path));
    (void)snprintf(roster->coordinator_name, sizeof roster->coordinator_name, "%s", keys.name);
    roster->coordinator = keys.node; /* it signs messages and is the TLS key */
    return RESULT_OK;
}

static struct result address_set(struct roster *roster, const char *address)
{
    TRY(result_at(roster_address_check(address), "--address: "));
    (void)snprintf(roster->address, sizeof roster->address, "%s", address);
    return RESULT_OK;
}

/* Adds the member of a .pub file, or gives new keys to the one of that name. The array has room. */
static struct result member_set(struct roster *roster, const char *path)
{
    struct keys_public keys;
    TRY(keys_read_public(path, &keys));
    TRY(result_at(roster_name_check(keys.name), "%s:2: ", path));
    unsigned position = roster_position_of_name(roster, keys.name);
    if (position == 0) {
        ENSURE(roster->size < MEMBERS_MAX, CATEGORY_USAGE, "%s: a roster has at most %u members", path, MEMBERS_MAX);
        position = ++roster->size;
    }
    struct roster_member *member = &roster->members[position - 1];
    memset(member, 0, sizeof *member);
    (void)snprintf(member->name, sizeof member->name, "%s", keys.name);
    member->identity = keys.identity;
    member->node = keys.node;
    return RESULT_OK;
}

static struct result write_text(const struct roster *roster, const char *path, const char *next)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    struct result checked = roster_check(roster);
    if (checked.category == CATEGORY_FALSE)
        checked.category = CATEGORY_USAGE; /* the words of this command made it so */
    TRY(checked);
    TRY(roster_text(roster, &text));
    TRY(cli_write(path, buffer_view(&text), false));
    return strcmp(path, "-") == 0 ? RESULT_OK : cli_print(view_text(next));
}

struct result cli_roster_new(int argc, char **argv)
{
    const char *coordinator = NULL, *address = NULL, *out = NULL;
    const struct cli_option options[] = {
        {.name = "coordinator", .required = true, .value = &coordinator},
        {.name = "address", .required = true, .value = &address},
        {.name = "out", .letter = 'o', .required = true, .value = &out},
        {0},
    };
    static struct cli_values members;
    TRY(cli_parse(argc, argv, options, "MEMBER.pub", 1, MEMBERS_MAX, &members));
    CLEANUP(roster_done) struct roster roster = {.version = 1};
    roster.members = calloc(members.count, sizeof *roster.members);
    ENSURE(roster.members, CATEGORY_ENVIRONMENT, "out of memory for a roster");
    TRY(coordinator_set(&roster, coordinator));
    TRY(address_set(&roster, address));
    for (size_t i = 0; i < members.count; i++) {
        TRY(member_set(&roster, members.items[i]));
        ENSURE(roster.size == i + 1, CATEGORY_USAGE, "%s: there is a member of this name already", members.items[i]);
    }
    return write_text(&roster, out, "Now every member signs it: cofferdam roster sign ROSTER --key identity.key\n");
}

/* An array with room for `more` members. */
static struct result members_grow(struct roster *roster, size_t more)
{
    struct roster_member *members = realloc(roster->members, (roster->size + more) * sizeof *members);
    ENSURE(members, CATEGORY_ENVIRONMENT, "out of memory for a roster");
    roster->members = members;
    return RESULT_OK;
}

static struct result member_remove(struct roster *roster, const char *name)
{
    unsigned position = roster_position_of_name(roster, name);
    ENSURE(position, CATEGORY_USAGE, "--remove %s: there is no such member", name);
    size_t after = roster->size - position;
    memmove(&roster->members[position - 1], &roster->members[position], after * sizeof *roster->members);
    roster->size--;
    return RESULT_OK;
}

struct result cli_roster_add(int argc, char **argv)
{
    const char *coordinator = NULL, *address = NULL, *out = NULL;
    static struct cli_values operands, removed;
    const struct cli_option options[] = {
        {.name = "coordinator", .value = &coordinator},
        {.name = "address", .value = &address},
        {.name = "remove", .values = &removed},
        {.name = "out", .letter = 'o', .required = true, .value = &out},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "ROSTER.note", 1, MEMBERS_MAX, &operands));
    CLEANUP(roster_file_done) struct roster_file file = {0};
    TRY(roster_file_read(operands.items[0], &file));
    ENSURE(file.note, CATEGORY_USAGE, "%s: nobody has signed this roster, so nothing can follow it; make it anew",
           operands.items[0]);
    struct roster *roster = &file.roster;
    if (roster->version == 1) TRY(result_at(roster_verify_first(roster), "%s: ", operands.items[0]));
    roster->version++;
    roster->previous = roster->hash;
    if (coordinator) TRY(coordinator_set(roster, coordinator));
    if (address) TRY(address_set(roster, address));
    for (size_t i = 0; i < removed.count; i++) TRY(member_remove(roster, removed.items[i]));
    TRY(members_grow(roster, operands.count));
    for (size_t i = 1; i < operands.count; i++) TRY(member_set(roster, operands.items[i]));
    return write_text(roster, out,
                      "Now a quorum of the members before and each member that is new or has a new key sign it:\n"
                      "cofferdam roster sign ROSTER --key identity.key --previous OLD.note\n");
}

/* Whose identity the key is: in this roster, or in the one before (a member whose keys change, or who leaves). */
static struct result signer_find(const struct roster *roster, const char *previous, const struct sign_public *key,
                                 char name[NAME_MAX_BYTES + 1])
{
    CLEANUP(roster_file_done) struct roster_file before = {0};
    if (previous) {
        TRY(roster_file_read(previous, &before));
        ENSURE(hash_equal(&before.roster.hash, &roster->previous), CATEGORY_FALSE,
               "%s: the roster to sign does not follow this one; do not sign it before you know why", previous);
    }
    const struct roster *const places[] = {roster, &before.roster};
    for (size_t place = 0; place < 2; place++)
        for (unsigned i = 0; i < places[place]->size; i++) {
            if (!sign_public_equal(&places[place]->members[i].identity, key)) continue;
            (void)snprintf(name, NAME_MAX_BYTES + 1, "%s", places[place]->members[i].name);
            return RESULT_OK;
        }
    return FAIL(CATEGORY_USAGE, "this identity key belongs to no member of the roster%s",
                previous ? " or of the one before" : "; for a member whose key changes, give --previous OLD.note");
}

static struct result sign_file(const struct roster_file *file, const char *name, const struct sign_key *key,
                               struct buffer *out)
{
    if (!file->note) return note_sign(buffer_view(&file->bytes), name, key, out);
    CLEANUP(note_done) struct note note = {0};
    TRY(note_parse(buffer_view(&file->bytes), &note));
    struct result verified = note_verify(&note, name, sign_key_public(key));
    ENSURE(!result_ok(verified), CATEGORY_USAGE, "%s has signed this roster already", name);
    return note_add(buffer_view(&file->bytes), name, key, out);
}

struct result cli_roster_sign(int argc, char **argv)
{
    const char *key_path = NULL, *previous = NULL, *out = NULL;
    const struct cli_option options[] = {
        {.name = "key", .required = true, .value = &key_path},
        {.name = "previous", .value = &previous},
        {.name = "out", .letter = 'o', .value = &out},
        {0},
    };
    static struct cli_values operands;
    TRY(cli_parse(argc, argv, options, "ROSTER", 1, 1, &operands));
    CLEANUP(roster_file_done) struct roster_file file = {0};
    TRY(roster_file_read(operands.items[0], &file));
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    TRY(keys_read(key_path, KEY_IDENTITY, &key));
    char name[NAME_MAX_BYTES + 1];
    TRY(signer_find(&file.roster, previous, sign_key_public(key), name));
    CLEANUP(buffer_done) struct buffer signed_note = {0};
    TRY(sign_file(&file, name, key, &signed_note));
    TRY(cli_write(out ? out : operands.items[0], buffer_view(&signed_note), out == NULL));
    if (out && strcmp(out, "-") == 0) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer line = {0};
    TRY(buffer_format(&line, "Signed as %s: roster version %u\n", name, file.roster.version));
    return cli_print(buffer_view(&line));
}

/* A roster as a file, and cofferdam roster show: who is in it, who signed it, and whether that is enough. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/roster.h"
#include "proto/run/note.h"

void roster_file_done(struct roster_file *file)
{
    buffer_done(&file->bytes);
    roster_done(&file->roster);
}

static struct result roster_bytes_parse(const struct buffer *bytes, struct roster *ret, bool *ret_note)
{
    struct view text = buffer_view(bytes);
    *ret_note =
        text.length && memmem(text.data, text.length, "\n\n", 2) != NULL; /* a roster's text has no blank line */
    return *ret_note ? roster_parse(text, ret) : roster_parse_text(text, ret);
}

struct result roster_file_read(const char *path, struct roster_file *ret)
{
    CLEANUP(roster_file_done) struct roster_file file = {0};
    TRY(cli_read_needed(path, "name a roster; cofferdam roster new writes the first one", DOCUMENT_MAX, &file.bytes));
    TRY(result_at(roster_bytes_parse(&file.bytes, &file.roster, &file.note), "%s: ", path));
    *ret = file;
    memset(&file, 0, sizeof file);
    return RESULT_OK;
}

/* What is known about the signatures: enough, or the reason why not. */
struct standing {
    bool verified;
    bool undecided; /* a successor without the roster before it: its signatures hold, their number is not judged */
    char reason[256];
};

static struct result signatures_check(const struct roster_file *file, const struct roster *before, bool signed_by[])
{
    if (!file->note) return FAIL(CATEGORY_FALSE, "nobody has signed it yet");
    const struct roster *roster = &file->roster;
    CLEANUP(note_done) struct note note = {0};
    TRY(note_parse(buffer_view(&file->bytes), &note));
    for (unsigned i = 0; i < roster->size; i++) {
        struct result verified = note_verify(&note, roster->members[i].name, &roster->members[i].identity);
        if (verified.category != CATEGORY_FALSE) TRY(verified);
        signed_by[i] = result_ok(verified);
    }
    if (roster->version == 1) return roster_verify_first(roster);
    return before ? roster_verify_successor(before, roster) : RESULT_OK;
}

static struct result standing_of(const struct roster_file *file, const struct roster *before, bool signed_by[],
                                 struct standing *ret)
{
    struct result checked = signatures_check(file, before, signed_by);
    if (!result_ok(checked) && checked.category != CATEGORY_FALSE) return checked;
    ret->verified = result_ok(checked);
    ret->undecided = ret->verified && file->roster.version > 1 && !before;
    if (!ret->verified) (void)snprintf(ret->reason, sizeof ret->reason, "%s", result_reason());
    return RESULT_OK;
}

static struct result show_text(const struct roster *roster, const struct thresholds *thresholds, const bool signed_by[],
                               const struct standing *standing)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    char hex[65];
    bytes_hex(hash_view(&roster->hash), hex);
    TRY(buffer_format(&out, "roster version %u\nfingerprint %s\n", roster->version, hex));
    bytes_hex(view_of(roster->coordinator.bytes, SIGN_PUBLIC_BYTES), hex);
    TRY(buffer_format(&out, "coordinator %s at %s\n  key      %s\n", roster->coordinator_name, roster->address, hex));
    for (unsigned i = 0; i < roster->size; i++) {
        bytes_hex(view_of(roster->members[i].identity.bytes, SIGN_PUBLIC_BYTES), hex);
        TRY(buffer_format(&out, "member %u %s, %s\n  identity %s\n", i + 1, roster->members[i].name,
                          signed_by[i] ? "signed" : "not signed", hex));
        bytes_hex(view_of(roster->members[i].node.bytes, SIGN_PUBLIC_BYTES), hex);
        TRY(buffer_format(&out, "  node     %s\n", hex));
    }
    TRY(buffer_format(
        &out,
        "with all %u: privacy holds against the coordinator and %u of them together; %u signatures make a "
        "quorum; %u may fall silent after they sent a round's input\n",
        thresholds->n, thresholds->f, thresholds->t, thresholds->n - thresholds->t));
    if (standing->undecided)
        TRY(buffer_text(&out,
                        "not judged: whether enough members of the roster before signed; give --previous OLD.note\n"));
    else if (standing->verified)
        TRY(buffer_text(&out, "verified: every signature that it needs is there\n"));
    return cli_print(buffer_view(&out));
}

static struct result show_json(const struct roster *roster, const struct thresholds *thresholds, const bool signed_by[],
                               const struct standing *standing)
{
    char hex[65], node[65];
    json_t *members = json_array();
    for (unsigned i = 0; i < roster->size; i++) {
        bytes_hex(view_of(roster->members[i].identity.bytes, SIGN_PUBLIC_BYTES), hex);
        bytes_hex(view_of(roster->members[i].node.bytes, SIGN_PUBLIC_BYTES), node);
        (void)json_array_append_new(members, json_pack("{s:i, s:s, s:s, s:s, s:b}", "position", (int)i + 1, "name",
                                                       roster->members[i].name, "identity", hex, "node", node, "signed",
                                                       signed_by[i]));
    }
    bytes_hex(hash_view(&roster->hash), hex);
    bytes_hex(view_of(roster->coordinator.bytes, SIGN_PUBLIC_BYTES), node);
    return cli_print_json(json_pack(
        "{s:i, s:s, s:{s:s, s:s, s:s}, s:o, s:{s:i, s:i, s:i, s:i}, s:o}", "version", (int)roster->version,
        "fingerprint", hex, "coordinator", "name", roster->coordinator_name, "key", node, "address", roster->address,
        "members", members, "thresholds", "n", (int)thresholds->n, "f", (int)thresholds->f, "t", (int)thresholds->t,
        "v", (int)thresholds->v, "verified", standing->undecided ? json_null() : json_boolean(standing->verified)));
}

struct result cli_roster_show(int argc, char **argv)
{
    const char *previous = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {.name = "previous", .value = &previous},
        {.name = "json", .flag = &json},
        {0},
    };
    static struct cli_values operands;
    TRY(cli_parse(argc, argv, options, "ROSTER", 1, 1, &operands));
    CLEANUP(roster_file_done) struct roster_file file = {0}, before = {0};
    TRY(roster_file_read(operands.items[0], &file));
    if (previous) TRY(roster_file_read(previous, &before));
    bool signed_by[MEMBERS_MAX] = {false};
    struct thresholds thresholds;
    struct standing standing = {0};
    TRY(thresholds_of(file.roster.size, &thresholds));
    TRY(standing_of(&file, previous ? &before.roster : NULL, signed_by, &standing));
    TRY((json ? show_json : show_text)(&file.roster, &thresholds, signed_by, &standing));
    ENSURE(standing.verified, CATEGORY_FALSE, "%s: %s", operands.items[0], standing.reason);
    return RESULT_OK;
}

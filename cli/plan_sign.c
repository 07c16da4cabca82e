/* cofferdam plan sign: a plan becomes a signed note. */
#include <string.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "proto/run/roster.h"
#include "sys/keys.h"

static struct result sign_into(const struct plan_file *file, const char *organisation, const struct sign_key *key,
                               struct buffer *out)
{
    if (file->note.lines_count == 0) return note_sign(buffer_view(&file->plan.text), organisation, key, out);
    struct result verified = note_verify(&file->note, organisation, sign_key_public(key));
    ENSURE(!result_ok(verified), CATEGORY_USAGE, "%s has signed this plan already", organisation);
    return note_add(buffer_view(&file->bytes), organisation, key, out);
}

struct result cli_plan_sign(int argc, char **argv)
{
    const char *organisation = NULL, *key_path = NULL, *out = NULL;
    const struct cli_option options[] = {
        {.name = "org", .required = true, .value = &organisation},
        {.name = "key", .required = true, .value = &key_path},
        {.name = "out", .letter = 'o', .required = true, .value = &out},
        {0},
    };
    static struct cli_values operands;
    TRY(cli_parse(argc, argv, options, "PLAN.yaml", 1, 1, &operands));
    TRY(result_at(roster_name_check(organisation), "--org "));
    CLEANUP(plan_file_done) struct plan_file file = {0};
    TRY(plan_file_read(operands.items[0], &file));
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    TRY(keys_read(key_path, KEY_IDENTITY, &key));
    CLEANUP(buffer_done) struct buffer signed_note = {0};
    TRY(sign_into(&file, organisation, key, &signed_note));
    TRY(cli_write(out, buffer_view(&signed_note), false));
    if (strcmp(out, "-") == 0) return RESULT_OK;
    char hex[65];
    bytes_hex(hash_view(&file.plan.hash), hex);
    CLEANUP(buffer_done) struct buffer line = {0};
    TRY(buffer_format(&line, "Signed as %s: plan %s, %s\n", organisation, file.plan.name, hex));
    return cli_print(buffer_view(&line));
}

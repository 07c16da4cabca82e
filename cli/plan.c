/* A plan as a file, and cofferdam plan show. */
#include "cli/plan.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/roster.h"

void plan_file_done(struct plan_file *file)
{
    plan_done(&file->plan);
    note_done(&file->note);
    buffer_done(&file->bytes);
}

/* A note's last line is a signature; YAML cannot end so, since an em dash alone opens nothing there. */
static bool is_note(struct view bytes)
{
    static const char mark[] = "\n\n\xe2\x80\x94 ";
    return bytes.length && memmem(bytes.data, bytes.length, mark, sizeof mark - 1) != NULL;
}

static struct result task_unknown(const struct plan *plan, const char *name)
{
    CLEANUP(buffer_done) struct buffer names = {0};
    const char *text = "";
    TRY(task_names(&names));
    TRY(buffer_terminate(&names, &text));
    return FAIL(CATEGORY_USAGE, "%s:%u: key \"task\": \"%s\" is not known; the tasks are: %s", name,
                plan_line(plan, "task"), plan->task, text);
}

struct result plan_file_read(const char *path, struct plan_file *ret)
{
    CLEANUP(plan_file_done) struct plan_file file = {0};
    TRY(cli_read_needed(path, "name a plan; cofferdam plan new drafts one", DOCUMENT_MAX, &file.bytes));
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    /* Signing ends the text with a newline: the plan is the same before and after. */
    if (file.bytes.length > 0 && file.bytes.data[file.bytes.length - 1] != '\n') TRY(buffer_u8(&file.bytes, '\n'));
    struct view bytes = buffer_view(&file.bytes);
    if (is_note(bytes))
        TRY(result_at(note_parse(bytes, &file.note), "%s: ", name));
    else
        file.note.text = bytes;
    TRY(plan_parse(file.note.text, name, &file.plan));
    file.task = task_find(file.plan.task);
    if (!file.task) return task_unknown(&file.plan, name);
    TRY(result_at(task_check(file.task, &file.plan), "%s: ", name));
    *ret = file;
    memset(&file, 0, sizeof file);
    return RESULT_OK;
}

/* "verified", "not a member", "bad signature"; *ret_bad when a member's own name stands over a false one. */
static const char *line_standing(const struct note *note, const struct note_line *line, const struct roster *roster,
                                 bool *ret_bad)
{
    if (!roster) return "not checked, give --roster";
    unsigned position = roster_position_of_name(roster, line->name);
    if (position == 0) return "not a member of the roster";
    if (result_ok(note_verify(note, line->name, &roster->members[position - 1].identity))) return "verified";
    *ret_bad = true;
    return "DOES NOT VERIFY with the member's identity key";
}

static struct result show_json(const struct plan_file *file, const struct roster *roster, bool *ret_bad)
{
    char hex[65];
    bytes_hex(hash_view(&file->plan.hash), hex);
    json_t *signatures = json_array();
    for (size_t i = 0; i < file->note.lines_count; i++) {
        const struct note_line *line = &file->note.lines[i];
        const char *standing = line_standing(&file->note, line, roster, ret_bad);
        json_t *verified = roster ? json_boolean(strcmp(standing, "verified") == 0) : json_null();
        (void)json_array_append_new(signatures, json_pack("{s:s, s:o}", "name", line->name, "verified", verified));
    }
    return cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:o}", "plan", file->plan.name, "hash", hex, "purpose",
                                    file->plan.purpose, "task", file->plan.task, "signatures", signatures));
}

static struct result show_text(const struct plan_file *file, const struct roster *roster, bool *ret_bad)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    char hex[65];
    bytes_hex(hash_view(&file->plan.hash), hex);
    TRY(buffer_format(&out, "plan %s\nhash %s\n", file->plan.name, hex));
    for (size_t i = 0; i < file->note.lines_count; i++) {
        const struct note_line *line = &file->note.lines[i];
        TRY(buffer_format(&out, "signed by %s: %s\n", line->name, line_standing(&file->note, line, roster, ret_bad)));
    }
    if (file->note.lines_count == 0) TRY(buffer_text(&out, "signed by nobody\n"));
    TRY(buffer_u8(&out, '\n'));
    TRY(buffer_append(&out, buffer_view(&file->plan.text)));
    return cli_print(buffer_view(&out));
}

struct result cli_plan_show(int argc, char **argv)
{
    const char *roster_path = NULL;
    bool json = false, bad = false;
    const struct cli_option options[] = {
        {.name = "roster", .value = &roster_path},
        {.name = "json", .flag = &json},
        {0},
    };
    static struct cli_values operands;
    TRY(cli_parse(argc, argv, options, "PLAN", 1, 1, &operands));
    CLEANUP(plan_file_done) struct plan_file file = {0};
    CLEANUP(roster_file_done) struct roster_file roster = {0};
    TRY(plan_file_read(operands.items[0], &file));
    if (roster_path) TRY(roster_file_read(roster_path, &roster));
    TRY((json ? show_json : show_text)(&file, roster_path ? &roster.roster : NULL, &bad));
    ENSURE(!bad, CATEGORY_FALSE, "%s: a signature under a member's name does not verify", operands.items[0]);
    return RESULT_OK;
}

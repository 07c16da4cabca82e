/* cofferdam audit redact: a bundle without what only the run's parties should hold. */
#include <string.h>

#include "cli/audit.h"
#include "cli/bundle_file.h"
#include "cli/cli.h"
#include "sys/file.h"

struct redaction {
    enum bundle_form form;
    struct file_writer file;
    struct bundle_sink sink;
    uint64_t bytes;
    bool begun;
};

static void redaction_done(struct redaction *redaction)
{
    file_writer_discard(&redaction->file);
}

static struct result put(void *context, struct view bytes)
{
    struct redaction *redaction = context;
    redaction->bytes += bytes.length;
    return file_writer_put(&redaction->file, bytes);
}

/* Every entry that holds, while the run is replayed: what does not hold is not passed on. */
static struct result pass_on(void *context, const struct replay *replay, const struct bundle_entry *entry)
{
    struct redaction *redaction = context;
    if (!redaction->begun) TRY(bundle_put_form(&redaction->sink, redaction->form));
    redaction->begun = true;
    return bundle_redact(replay->form, redaction->form, (enum bundle_kind)entry->kind, entry->payload,
                         &redaction->sink);
}

struct result cli_audit_redact(int argc, char **argv)
{
    const char *out = NULL;
    bool keep_sums = false;
    struct cli_values operands = {0};
    const struct cli_option options[] = {{.name = "out", .letter = 'o', .required = true, .value = &out},
                                         {.name = "keep-sums", .flag = &keep_sums},
                                         {0}};
    struct bundle_source source;
    CLEANUP(bundle_file_close) struct bundle_file file = {0};
    CLEANUP(replay_freep) struct replay *replay = NULL;
    CLEANUP(redaction_done)
    struct redaction redaction = {.form = BUNDLE_PUBLIC, .file.descriptor = -1};
    TRY(cli_parse(argc, argv, options, "BUNDLE", 1, 1, &operands));
    if (keep_sums) redaction.form = BUNDLE_SUMS;
    redaction.sink = (struct bundle_sink){&redaction, put};
    const struct replay_observer observer = {.context = &redaction, .entry = pass_on};
    ENSURE(strcmp(out, "-") != 0, CATEGORY_USAGE, "-o takes a file: what does not hold must not have been written");
    TRY(cli_check_output(out, operands.items, operands.count));
    TRY(bundle_file_open(operands.items[0], &file, &source));
    TRY(file_writer_open(out, &redaction.file));
    struct result held = replay_bundle(&source, NULL, &observer, &replay);
    ENSURE(!replay || replay->form <= redaction.form, CATEGORY_USAGE,
           "%s is of the form \"%s\", which does not hold what \"%s\" does", file.path, bundle_form_name(replay->form),
           bundle_form_name(redaction.form));
    TRY(result_at(held, "%s: ", file.path));
    TRY(file_writer_finish(&redaction.file, keep_sums ? 0600 : 0644));
    CLEANUP(buffer_done) struct buffer told = {0};
    TRY(buffer_format(&told, "%s: the \"%s\" form, %llu bytes of %llu; audit verify takes it as it is\n", out,
                      bundle_form_name(redaction.form), (unsigned long long)redaction.bytes,
                      (unsigned long long)replay->counts.bytes));
    return cli_print(buffer_view(&told));
}

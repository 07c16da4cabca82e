#include "node/evidence.h"

#include <stdio.h>

#include "crypto/base/failpoint.h"
#include "node/journal_facts.h"
#include "proto/audit/evidence_write.h"
#include "sys/file.h"
#include "sys/log.h"

#define DIRECTORY "evidence"

static struct result path_of(const struct part *part, const char *name, char out[FILE_PATH_MAX])
{
    char directory[FILE_PATH_MAX];
    TRY(part_path(part, DIRECTORY, directory));
    TRY(file_directory(directory, 0700));
    return file_path(directory, name, out);
}

static bool has(void *context, const char *name)
{
    char path[FILE_PATH_MAX];
    return result_ok(path_of(context, name, path)) && file_exists(path);
}

static struct result tell(const struct part *part, const struct evidence_report *report, const char *name,
                          const char *path)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *line = NULL;
    TRY(evidence_tell(report, name, path, &text));
    TRY(buffer_terminate(&text, &line));
    log_line(report->verdict == EVIDENCE_PROVEN ? LEVEL_ERROR : LEVEL_WARNING, "run", "%.12s: %s", part->hex, line);
    return RESULT_OK;
}

static struct result write_file(void *context, const char *name, struct view bytes,
                                const struct evidence_report *report)
{
    const struct part *part = context;
    char path[FILE_PATH_MAX];
    struct hash digest;
    TRY(path_of(part, name, path));
    if (report->verdict == EVIDENCE_FALSE) return tell(part, report, name, path);
    TRY(hash_bytes(NULL, bytes, &digest));
    TRY(journal_evidence(part, name, &digest, report->verdict == EVIDENCE_PROVEN, report->claim));
    FAILPOINT("node: evidence is kept, its file not written");
    TRY(file_write_alone(path, bytes, 0600));
    return tell(part, report, name, path);
}

void part_write_evidence(struct part *part)
{
    const struct evidence_source source = {
        .records = part_records(part),
        .terms = &part->submission.terms,
        .roster = buffer_view(&part->bank->roster.note),
        .submission = buffer_view(&part->submission.bytes),
    };
    const struct evidence_sink sink = {part, has, write_file};
    char reason[SERVICE_REASON_MAX + 1]; /* of the message that was refused, which its caller will say */
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    struct result result = evidence_write(&source, &sink);
    if (!result_ok(result))
        log_error("run",
                  "%.12s: evidence could not be written as a file: %s; it is in the store, and the next start tries "
                  "again",
                  part->hex, result_reason());
    result_say("%s", reason);
}

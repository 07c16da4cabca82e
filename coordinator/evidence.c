#include "coordinator/evidence.h"

#include "crypto/base/failpoint.h"
#include "proto/audit/evidence_write.h"
#include "sys/file.h"
#include "sys/log.h"

#define DIRECTORY "evidence"

static struct result path_of(const struct session *session, const char *name, char out[FILE_PATH_MAX])
{
    char directory[FILE_PATH_MAX];
    TRY(session_path(session, DIRECTORY, directory));
    TRY(file_directory(directory, 0755));
    return file_path(directory, name, out);
}

static bool has(void *context, const char *name)
{
    char path[FILE_PATH_MAX];
    return result_ok(path_of(context, name, path)) && file_exists(path);
}

static struct result tell(const struct session *session, const struct evidence_report *report, const char *name,
                          const char *path)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *line = NULL;
    TRY(evidence_tell(report, name, path, &text));
    TRY(buffer_terminate(&text, &line));
    log_line(report->verdict == EVIDENCE_PROVEN ? LEVEL_ERROR : LEVEL_WARNING, "run", "%.12s: %s", session->hex, line);
    return RESULT_OK;
}

static struct result write_file(void *context, const char *name, struct view bytes,
                                const struct evidence_report *report)
{
    const struct session *session = context;
    char path[FILE_PATH_MAX];
    TRY(path_of(session, name, path));
    if (report->verdict == EVIDENCE_FALSE) return tell(session, report, name, path);
    FAILPOINT("coordinator: evidence is kept, its file not written");
    TRY(file_write_alone(path, bytes, 0600));
    return tell(session, report, name, path);
}

void session_write_evidence(struct session *session)
{
    const struct evidence_source source = {
        .records = session_records(session),
        .terms = &session->submission.terms,
        .roster = buffer_view(&session->hub->roster.note),
        .submission = buffer_view(&session->submission.bytes),
    };
    const struct evidence_sink sink = {session, has, write_file};
    struct result result = evidence_write(&source, &sink);
    if (!result_ok(result))
        log_error("run",
                  "%.12s: evidence could not be written as a file: %s; it is in the store, and the next start tries "
                  "again",
                  session->hex, result_reason());
}

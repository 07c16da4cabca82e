/* Makes evidence files from what a machine of a run has made durable ("evidence/..." and "proof/..."). A record gives
 * the same file whenever it is made, so that a file that a crash prevented is made at the next start. */
#ifndef PROTO_AUDIT_EVIDENCE_WRITE_H
#define PROTO_AUDIT_EVIDENCE_WRITE_H

#include "proto/audit/evidence.h"

/* Files of each kind that are made for one run: more would only fill the disk, and the records stay. */
#define EVIDENCE_FILES_MAX 32u
#define EVIDENCE_NAME_MAX (MACHINE_KEY_MAX + 8u)

struct evidence_source {
    struct record_source records; /* of a node's or the coordinator's machine */
    const struct run_terms *terms;
    struct view roster, submission;         /* the note; the payload of SUBMIT */
    const struct replay_observer *observer; /* for evidence_check, or NULL */
};
struct evidence_sink {
    void *context;
    bool (*has)(void *context, const char *name); /* "sum-00003.cfe" is there already */
    /* A file, and what evidence_check says of it: one that does not hold proves nothing and is not to be kept. */
    struct result (*write)(void *context, const char *name, struct view bytes, const struct evidence_report *report);
};
/* What a log says of a file, in a sentence: that it is at `path`, what it proves or states, and how to read it; or, of
 * one that does not hold, that it is not kept. Appended. */
MUST_USE struct result evidence_tell(const struct evidence_report *report, const char *name, const char *path,
                                     struct buffer *out);
/* Every file that is not there yet. */
MUST_USE struct result evidence_write(const struct evidence_source *source, const struct evidence_sink *sink);

#endif

#include "tests/support/noted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/run/note.h"
#include "sys/file.h"

static const char plan_text[] = "cofferdam: 1\n"
                                "name: toy\n"
                                "purpose: tests\n"
                                "task: logistic\n"
                                "target: {column: default, positive: \"1\"}\n"
                                "features:\n"
                                "  - {name: x, kind: number, min: 0, max: 1, resolution: 1}\n"
                                "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\n"
                                "cohort: {minimum: 3, on_dropout: wait, rows: 1000}\n";

static struct result make_roster(struct cohort *cohort)
{
    CLEANUP(buffer_done) struct buffer text = {0}, note = {0};
    (void)snprintf(cohort->roster.address, sizeof cohort->roster.address, "tls+tcp://localhost:1");
    TRY(roster_text(&cohort->roster, &text));
    for (unsigned i = 1; i <= cohort->config.banks; i++) {
        CLEANUP(buffer_done) struct buffer more = {0};
        const char *name = cohort->roster.members[i - 1].name;
        if (i == 1)
            TRY(note_sign(buffer_view(&text), name, cohort->identities[i], &more));
        else
            TRY(note_add(buffer_view(&note), name, cohort->identities[i], &more));
        struct buffer kept = note;
        note = more;
        more = kept;
    }
    roster_done(&cohort->roster);
    return roster_parse(buffer_view(&note), &cohort->roster);
}

static struct result submit(struct noted *noted)
{
    struct cohort *cohort = &noted->cohort;
    CLEANUP(buffer_done) struct buffer note = {0}, payload = {0};
    const struct members members = cohort->terms.cohort;
    struct hash id;
    TRY(note_sign(view_text(plan_text), "bank1", cohort->identities[1], &note));
    TRY(submission_make(&cohort->roster, buffer_view(&note), &members, 1, cohort->terms.version, cohort->identities[1],
                        cohort->terms.nonce, &payload, &id));
    TRY(submission_open(&cohort->roster, buffer_view(&payload), &noted->submission));
    cohort->plan.hash = noted->submission.plan.hash;
    cohort->terms = noted->submission.terms;
    cohort->terms.plan = &cohort->plan;
    cohort->terms.task = &toy_task;
    return RESULT_OK;
}

/* What the run computes is the cohort's, not what its plan says. */
static void submitted(void *context, struct submission *submission)
{
    const struct plan *plan = &((const struct noted *)context)->cohort.plan;
    submission->plan.rounds = plan->rounds;
    submission->plan.tolerance = plan->tolerance;
    submission->plan.on_dropout = plan->on_dropout;
    submission->terms.task = &toy_task;
}

struct result noted_init(const struct cohort_config *config, struct noted *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->observer = (struct replay_observer){.context = ret, .submitted = submitted};
    TRY(cohort_init(config, &ret->cohort));
    TRY(make_roster(&ret->cohort));
    return submit(ret);
}

void noted_done(struct noted *noted)
{
    buffer_done(&noted->cohort.roster.note);
    cohort_done(&noted->cohort);
    submission_done(&noted->submission);
}

void noted_files_done(struct noted_files *files)
{
    for (size_t i = 0; i < files->count; i++) buffer_done(&files->items[i].bytes);
    files->count = 0;
}

struct noted_file *noted_file(struct noted_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0) return &files->items[i];
    return NULL;
}

static bool has(void *context, const char *name)
{
    return noted_file(context, name) != NULL;
}

static struct result take(void *context, const char *name, struct view bytes, const struct evidence_report *report)
{
    struct noted_files *files = context;
    ENSURE(files->count < NOTED_FILES_MAX, CATEGORY_BUG, "more evidence than a test expects");
    struct noted_file *file = &files->items[files->count++];
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    file->bytes = (struct buffer){0};
    file->report = *report;
    return buffer_append(&file->bytes, bytes);
}

struct result noted_write(struct noted *noted, unsigned party, struct noted_files *files)
{
    const struct evidence_source source = {
        .records = records_source(&noted->cohort.parties[party].records),
        .terms = &noted->cohort.terms,
        .roster = buffer_view(&noted->cohort.roster.note),
        .submission = buffer_view(&noted->submission.bytes),
        .observer = &noted->observer,
    };
    const struct evidence_sink sink = {files, has, take};
    return evidence_write(&source, &sink);
}

const struct cohort_config noted_small = {.banks = 3, .words = 2, .rounds = 1, .epoch_rounds = 1, .seed = 7};

struct result noted_corpus(const char *name, struct view bytes)
{
    const char *given = getenv("COFFERDAM_CORPUS");
    CLEANUP(buffer_done) struct buffer there = {0};
    char path[FILE_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/evidence/%s", given ? given : "tests/fuzz/corpus", name);
    if (given) return file_write(path, bytes, 0644);
    TRY(file_read(path, EVIDENCE_FILE_MAX, &there));
    ENSURE(view_equal(buffer_view(&there), bytes), CATEGORY_FALSE, "%s is another file than this program makes", path);
    return RESULT_OK;
}

/* A cohort of machines (cohort.h) whose roster and submission are real notes, so that what it leaves can be checked by
 * someone who has nothing else: evidence files. The analysis is the toy all the same. */
#ifndef TESTS_SUPPORT_NOTED_H
#define TESTS_SUPPORT_NOTED_H

#include "proto/audit/evidence_write.h"
#include "tests/support/cohort.h"

struct noted {
    struct cohort cohort;
    struct submission submission;
    struct replay_observer observer; /* makes a checker compute what the cohort does */
};
/* The struct stays where it is. */
MUST_USE struct result noted_init(const struct cohort_config *config, struct noted *ret);
void noted_done(struct noted *noted);

/* The evidence files of a party, as its daemon would write them. Zeroed is none. */
enum { NOTED_FILES_MAX = 16 };
struct noted_files {
    struct noted_file {
        char name[EVIDENCE_NAME_MAX];
        struct buffer bytes;
        struct evidence_report report;
    } items[NOTED_FILES_MAX];
    size_t count;
};
void noted_files_done(struct noted_files *files);
MUST_USE struct result noted_write(struct noted *noted, unsigned party, struct noted_files *files);
/* The cohort whose files are the corpus of tests/fuzz/fuzz_evidence.c, which knows it. */
extern const struct cohort_config noted_small;
/* Checks that the corpus has this file; with COFFERDAM_CORPUS set to the corpus directory it is written instead. */
MUST_USE struct result noted_corpus(const char *name, struct view bytes);
/* The file of that name, or NULL. */
struct noted_file *noted_file(struct noted_files *files, const char *name);

#endif

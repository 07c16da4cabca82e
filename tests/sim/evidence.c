#include "tests/sim/evidence.h"

#include <string.h>

#include "proto/audit/evidence_write.h"

struct trial {
    const struct consortium *consortium;
    unsigned accomplice, keeper;
    uint64_t *proven, *stated;
};

static bool has(void *context, const char *name)
{
    (void)context, (void)name;
    return false;
}

static struct result weigh(void *context, const char *name, struct view bytes, const struct evidence_report *report)
{
    (void)bytes;
    struct trial *trial = context;
    ENSURE(report->verdict != EVIDENCE_FALSE, CATEGORY_FALSE, "party %u's evidence %s does not hold: %s", trial->keeper,
           name, report->reason);
    if (report->verdict == EVIDENCE_STATEMENT) {
        ++*trial->stated;
        return RESULT_OK;
    }
    const char *accomplice = trial->accomplice ? trial->consortium->parties[trial->accomplice].name : "";
    bool cheats = trial->accomplice && (report->coordinator || strcmp(report->against, accomplice) == 0);
    ENSURE(cheats, CATEGORY_FALSE, "party %u's evidence %s proves of %s, who is honest: %s", trial->keeper, name,
           report->against, report->claim);
    ++*trial->proven;
    return RESULT_OK;
}

struct result evidence_run(struct consortium *consortium, const struct replay_observer *observer, unsigned accomplice,
                           uint64_t *proven, uint64_t *stated)
{
    for (unsigned i = 0; i <= consortium->members; i++) {
        struct trial trial = {consortium, accomplice, i, proven, stated};
        const struct evidence_source source = {.records = records_source(&consortium->parties[i].records),
                                               .terms = &consortium->submission.terms,
                                               .roster = buffer_view(&consortium->roster.note),
                                               .submission = buffer_view(&consortium->submission.bytes),
                                               .observer = observer};
        const struct evidence_sink sink = {&trial, has, weigh};
        TRY(evidence_write(&source, &sink));
    }
    return RESULT_OK;
}

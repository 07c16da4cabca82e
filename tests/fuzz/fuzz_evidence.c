/* Any bytes as an evidence file: the checker ends, accuses nobody when the file does not hold, and proves nothing but
 * of a run of a roster whose keys a mutation does not have. */
#include <stdlib.h>

#include "tests/support/noted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void must(bool condition)
{
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct noted noted;
    struct evidence_report report;
    if (!noted.cohort.roster.size) must(result_ok(noted_init(&noted_small, &noted)));
    must(result_ok(evidence_check(view_of(data, size), NULL, &noted.observer, &report)));
    if (report.verdict == EVIDENCE_FALSE) {
        must(report.reason[0] && !report.against[0] && !report.claim[0]);
        return 0;
    }
    must(report.claim[0] && report.because[0] && report.against[0] && report.checked_count > 0 && !report.reason[0]);
    must(hash_equal(&report.fingerprint, &noted.cohort.roster.hash) && hash_equal(&report.run, &noted.submission.id));
    return 0;
}

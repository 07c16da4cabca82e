/* The coordinator in each of its phases: any bytes as bank 1's request, or any bytes as a body that it signed.
 * The first byte chooses the stage, the second what the rest is. What was refused must have changed nothing: the stage
 * is used again, and made anew only when something was taken. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/stages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STAGES_MOST = 16 };

static struct cohort cohorts[STAGES_MOST];
static bool ready[STAGES_MOST];

static void need(struct result result)
{
    if (!result_ok(result)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) return 0;
    size_t index = data[0] % stage_requests_count;
    const struct stage *stage = &stage_requests[index];
    struct cohort *cohort = &cohorts[index];
    if (!ready[index]) need(stage_reach(cohort, stage, false));
    ready[index] = true;
    struct buffer bytes = {0};
    struct view rest = view_of(data + 2, size - 2);
    if (data[1] % 2)
        need(buffer_append(&bytes, rest));
    else
        need(stage_wrap(cohort, stage, rest, &bytes));
    unsigned before = cohort->parties[0].refused;
    /* A run may end on such a message, for a reason; it may not end by a bug. */
    struct result result = cohort_feed(cohort, 0, 1, buffer_view(&bytes));
    if (result.category == CATEGORY_BUG) abort();
    buffer_done(&bytes);
    if (cohort->parties[0].refused > before) return 0;
    cohort_done(cohort);
    ready[index] = false;
    return 0;
}

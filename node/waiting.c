#include "node/waiting.h"

#include <stdio.h>
#include <time.h>

#include "node/officers.h"
#include "sys/clock.h"
#include "sys/log.h"

enum { TURN_MS = 5000, STATUS_MS = 3000 };

/* Says once what the run waits for. Lock held. */
static void say(struct part *part, const struct officers_word *word)
{
    char phase[OFFICERS_NAMES_BYTES + 96];
    (void)snprintf(phase, sizeof phase, "waits for %u of this bank's officers%s%s (cofferdam-node approve)",
                   word->needed, word->approvals ? "; approved by " : "", word->approvals ? word->names : "");
    if (!part->waits) log_info("run", "%.12s: %s", part->hex, phase);
    part->waits = true;
    part_say(part, phase);
}

/* One look, and a wait for the next word of an officer. Lock held. */
static struct result turn(struct part *part, bool *ret_approved)
{
    struct officers_word word;
    *ret_approved = false;
    TRY(officers_ask(part->bank, &part->submission, &word));
    if (word.denied) return officers_check(part);
    *ret_approved = word.approvals >= word.needed;
    if (*ret_approved) return RESULT_OK;
    ENSURE(!atomic_load(&part->bank->stopping), CATEGORY_ENVIRONMENT, "the node stops");
    say(part, &word);
    uint64_t until = clock_monotonic_ms() + TURN_MS;
    const struct timespec deadline = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    (void)pthread_cond_timedwait(&part->bank->changed, &part->bank->lock, &deadline);
    return RESULT_OK;
}

/* The run may be over before anyone approved it: cancelled, refused by another bank, past its deadline. A coordinator
 * that is not reached tells nothing. */
static struct result still_open(struct part *part)
{
    CLEANUP(buffer_done) struct buffer request = {0}, reply = {0};
    struct service_frame frame;
    struct service_run_status status;
    bool got = false;
    TRY(service_frame_write(SERVICE_STATUS, &part->submission.id, (struct view){0}, &request));
    if (!result_ok(bank_ask(part->bank, buffer_view(&request), STATUS_MS, &reply, &frame))) return RESULT_OK;
    if (frame.kind != SERVICE_STATUS) return RESULT_OK;
    struct reader reader = reader_of(frame.payload, "the coordinator's status");
    if (!result_ok(service_run_status_read(&reader, part->bank->roster.size, &status, &got)) || !got) return RESULT_OK;
    if (status.state == SERVICE_RUN_OPEN) return RESULT_OK;
    part->known_over = true;
    return FAIL(CATEGORY_FALSE, "the run is over: %s", status.phase);
}

struct result waiting_for_officers(struct part *part)
{
    bool approved = false;
    uint64_t asked = clock_monotonic_ms();
    for (;;) {
        (void)pthread_mutex_lock(&part->bank->lock);
        struct result result = turn(part, &approved);
        if (approved || !result_ok(result)) part->waits = false;
        if (approved) part_say(part, "preparing the table");
        (void)pthread_mutex_unlock(&part->bank->lock);
        TRY(result);
        if (approved) return RESULT_OK;
        if (clock_monotonic_ms() - asked < TURN_MS) continue;
        TRY(still_open(part));
        asked = clock_monotonic_ms();
    }
}

/* The service thread: asks for offers, and answers other members' requests for attestation. */
#include <stdlib.h>

#include "crypto/base/failpoint.h"
#include "node/part.h"
#include "sys/log.h"

enum { REST_REFUSED_MS = 2000 };

static struct result poll_request(struct bank *bank, struct buffer *out)
{
    struct hash *known = calloc(SERVICE_KNOWN_MAX, sizeof *known);
    ENSURE(known, CATEGORY_ENVIRONMENT, "no memory for a poll");
    struct service_poll poll = {.known = known};
    (void)pthread_mutex_lock(&bank->lock);
    for (const struct part *part = bank->parts; part && poll.known_count < SERVICE_KNOWN_MAX; part = part->next)
        known[poll.known_count++] = part->submission.id;
    (void)pthread_mutex_unlock(&bank->lock);
    CLEANUP(buffer_done) struct buffer payload = {0};
    struct result result = service_poll_write(&poll, &payload);
    free(known);
    TRY(result);
    return service_frame_write(SERVICE_POLL, NULL, buffer_view(&payload), out);
}

static struct result take_offer(struct bank *bank, const struct service_item *item)
{
    (void)pthread_mutex_lock(&bank->lock);
    struct result result = part_offered(bank, item->bytes);
    (void)pthread_mutex_unlock(&bank->lock);
    if (result_ok(result) || result.category == CATEGORY_ENVIRONMENT) return result;
    log_warning("service", "refused an offer: %s", result_reason());
    return bank_refuse(bank, &item->run, result_reason(), 0);
}

/* Signed with a counter of its own, whether or not this node has been readmitted: all can be killed together. */
static struct result take_attest(struct bank *bank, const struct service_item *item)
{
    CLEANUP(buffer_done) struct buffer answer = {0}, request = {0}, reply = {0};
    struct service_frame frame;
    (void)pthread_mutex_lock(&bank->lock);
    struct result result =
        secagg_attest(bank->key, bank->position, &bank->roster, &bank->counters, item->bytes, &answer);
    (void)pthread_mutex_unlock(&bank->lock);
    TRY(result);
    FAILPOINT("node: before an attestation is sent");
    TRY(service_frame_write(SERVICE_ATTEST, &item->run, buffer_view(&answer), &request));
    return bank_ask(bank, buffer_view(&request), 0, &reply, &frame);
}

static struct result take_items(struct bank *bank, struct view payload)
{
    struct reader reader = reader_of(payload, "the coordinator's offers");
    for (;;) {
        struct service_item item;
        bool got = false;
        TRY(service_item_read(&reader, &item, &got));
        if (!got) return RESULT_OK;
        if (item.kind == SERVICE_ITEM_OFFER) TRY(take_offer(bank, &item));
        if (item.kind == SERVICE_ITEM_ATTEST) TRY(take_attest(bank, &item));
    }
}

static struct result poll_once(struct bank *bank)
{
    CLEANUP(buffer_done) struct buffer request = {0}, reply = {0};
    struct service_frame frame;
    TRY(poll_request(bank, &request));
    TRY(bank_ask(bank, buffer_view(&request), 0, &reply, &frame));
    if (frame.kind == SERVICE_ANSWER) {
        struct service_answer answer;
        TRY(service_answer_read(frame.payload, &answer));
        return FAIL(CATEGORY_PEER, "the coordinator says: %s", answer.reason);
    }
    ENSURE(frame.kind == SERVICE_OFFERS, CATEGORY_PEER, "the coordinator answered a poll with something else");
    return take_items(bank, frame.payload);
}

void *bank_service_thread(void *context)
{
    struct bank *bank = context;
    while (!atomic_load(&bank->stopping)) {
        struct result result = poll_once(bank);
        if (result_ok(result) || atomic_load(&bank->stopping)) continue;
        if (result.category == CATEGORY_ENVIRONMENT) {
            bank_give_up(bank, result);
            break;
        }
        log_warning("service", "%s", result_reason());
        bank_rest(bank, REST_REFUSED_MS);
    }
    fold_thread_done();
    return NULL;
}

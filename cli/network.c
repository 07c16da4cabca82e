#include "cli/network.h"

#include <stdlib.h>

#include "crypto/base/checked.h"

enum { THOUSAND = 1000, CRASHES_PER_PARTY = 3 };

void delivery_done(struct delivery *delivery)
{
    buffer_done(&delivery->bytes);
}

void network_done(struct network *network)
{
    for (size_t i = 0; i < network->count; i++) delivery_done(&network->heap[i]);
    free(network->heap);
    random_source_free(network->faults.random);
    *network = (struct network){0};
}

/* Every seed is hostile in its own way: one loses half its messages, another mostly crashes. */
struct faults faults_from(struct random_source *take_random, unsigned members)
{
    struct faults faults = {.random = take_random, .crashes_left = CRASHES_PER_PARTY * (members + 1)};
    faults.lost = random_below(take_random, 250);
    faults.twice = random_below(take_random, 250);
    faults.crash = random_below(take_random, 30);
    faults.crash_in_batch = random_below(take_random, 60);
    faults.blackout = random_below(take_random, 100);
    faults.delay_ms = 1 + random_below(take_random, 2000);
    return faults;
}

uint64_t faults_below(struct faults *faults, uint64_t bound)
{
    return faults->random == NULL || bound == 0 ? 0 : random_below(faults->random, bound);
}

static bool faults_happens(struct faults *faults, uint64_t thousandths)
{
    return faults->random != NULL && random_below(faults->random, THOUSAND) < thousandths;
}

static bool faults_die(struct faults *faults, uint64_t thousandths)
{
    if (faults->crashes_left == 0 || !faults_happens(faults, thousandths)) return false;
    faults->crashes_left--;
    faults->crash_count++;
    return true;
}

bool faults_crash(struct faults *faults)
{
    return faults_die(faults, faults->crash);
}

bool faults_crash_in_batch(struct faults *faults, enum records_stage *ret_stage)
{
    if (!faults_die(faults, faults->crash_in_batch)) return false;
    *ret_stage = (enum records_stage)faults_below(faults, RECORDS_ALL + 1);
    return true;
}

bool faults_blackout(struct faults *faults)
{
    return faults_happens(faults, faults->blackout);
}

static bool delivery_before(const struct delivery *a, const struct delivery *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_swap(struct network *network, size_t a, size_t b)
{
    struct delivery kept = network->heap[a];
    network->heap[a] = network->heap[b];
    network->heap[b] = kept;
}

/* Owns the delivery's bytes from here on, on failure as well. */
static struct result network_put(struct network *network, struct delivery take_delivery)
{
    if (network->count == network->capacity) {
        size_t capacity = network->capacity == 0 ? 64 : network->capacity, bytes = 0;
        struct delivery *heap = NULL;
        if (checked_mul_size(capacity, 2, &capacity) && checked_mul_size(capacity, sizeof *heap, &bytes))
            heap = realloc(network->heap, bytes);
        if (heap == NULL) {
            delivery_done(&take_delivery);
            return FAIL(CATEGORY_ENVIRONMENT, "out of memory for %zu messages under way", network->count);
        }
        network->heap = heap;
        network->capacity = capacity;
    }
    take_delivery.order = network->order++;
    size_t place = network->count++;
    network->heap[place] = take_delivery;
    while (place > 0 && delivery_before(&network->heap[place], &network->heap[(place - 1) / 2])) {
        heap_swap(network, place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
    return RESULT_OK;
}

const struct delivery *network_peek(const struct network *network)
{
    return network->count == 0 ? NULL : &network->heap[0];
}

bool network_next(struct network *network, struct delivery *ret)
{
    if (network->count == 0) return false;
    *ret = network->heap[0];
    network->heap[0] = network->heap[--network->count];
    for (size_t place = 0;;) {
        size_t least = place;
        for (size_t child = 2 * place + 1; child <= 2 * place + 2; child++) {
            if (child < network->count && delivery_before(&network->heap[child], &network->heap[least])) least = child;
        }
        if (least == place) break;
        heap_swap(network, place, least);
        place = least;
    }
    network->now = ret->at;
    return true;
}

static struct result network_copy(struct network *network, enum delivery_kind kind, unsigned party, uint64_t serial,
                                  struct view bytes)
{
    struct delivery delivery = {.at = network->now + faults_below(&network->faults, network->faults.delay_ms),
                                .kind = kind,
                                .party = party,
                                .serial = serial};
    TRY(buffer_append(&delivery.bytes, bytes));
    return network_put(network, delivery);
}

struct result network_send(struct network *network, enum delivery_kind kind, unsigned party, uint64_t serial,
                           struct view bytes)
{
    struct faults *faults = &network->faults;
    if (faults_happens(faults, faults->lost)) {
        faults->lost_count++;
        return RESULT_OK;
    }
    if (faults_happens(faults, faults->twice)) {
        faults->twice_count++;
        TRY(network_copy(network, kind, party, serial, bytes));
    }
    return network_copy(network, kind, party, serial, bytes);
}

struct result network_after(struct network *network, uint64_t after, enum delivery_kind kind, unsigned party,
                            uint64_t serial)
{
    return network_put(network,
                       (struct delivery){.at = network->now + after, .kind = kind, .party = party, .serial = serial});
}

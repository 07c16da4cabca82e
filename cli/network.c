#include "cli/network.h"

#include <stdlib.h>

#include "crypto/base/checked.h"

enum { THOUSAND = 1000, CRASHES_PER_PARTY = 3 };

const char *const fault_names[FAULT_KINDS] = {
    [FAULT_LOST] = "messages lost",
    [FAULT_TWICE] = "doubled",
    [FAULT_CHANGED] = "changed on the way",
    [FAULT_CUT] = "partitions",
    [FAULT_CRASH] = "processes killed",
    [FAULT_BATCH] = "killed in a batch",
    [FAULT_BLACKOUT] = "all killed",
    [FAULT_OLD_DISK] = "started from an old disk",
    [FAULT_NO_SECRETS] = "started without secrets",
    [FAULT_JUMP] = "jumps of the clock",
};

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
    return (struct faults){
        .random = take_random,
        .rate = {[FAULT_LOST] = random_below(take_random, 250),
                 [FAULT_TWICE] = random_below(take_random, 250),
                 [FAULT_CHANGED] = random_below(take_random, 50),
                 [FAULT_CUT] = random_below(take_random, 10),
                 [FAULT_CRASH] = random_below(take_random, 30),
                 [FAULT_BATCH] = random_below(take_random, 60),
                 [FAULT_BLACKOUT] = random_below(take_random, 100),
                 [FAULT_JUMP] = random_below(take_random, 20)},
        .delay_ms = 1 + random_below(take_random, 2000),
        .cut_ms = 120000,
        .down_ms = 120000, /* beyond the coordinator's patience */
        .jump_ms = 600000,
        .crashes_left = CRASHES_PER_PARTY * (members + 1),
    };
}

static bool is_hostile(const struct network *network)
{
    const struct faults *faults = &network->faults;
    return faults->random != NULL && (faults->until == 0 || network->now < faults->until);
}

uint64_t network_below(struct network *network, uint64_t bound)
{
    return network->faults.random == NULL || bound == 0 ? 0 : random_below(network->faults.random, bound);
}

bool network_fault(struct network *network, enum fault_kind kind)
{
    uint64_t rate = network->faults.rate[kind];
    if (rate == 0 || !is_hostile(network) || network_below(network, THOUSAND) >= rate) return false;
    network->faults.count[kind]++;
    return true;
}

bool network_crash(struct network *network, enum fault_kind kind)
{
    if (network->faults.crashes_left == 0 || !network_fault(network, kind)) return false;
    network->faults.crashes_left--;
    return true;
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

/* One member, or every other one, cannot be reached for a while. */
static void network_cut(struct network *network, unsigned party)
{
    uint64_t until = network->now + 1 + network_below(network, network->faults.cut_ms);
    network->cut_until[party] = until;
    if (network_below(network, 2) == 0) return;
    for (unsigned i = 1; i <= network->members; i++)
        if (network_below(network, 2) == 0) network->cut_until[i] = until;
}

static void change(struct network *network, struct buffer *bytes)
{
    if (bytes->length == 0) return;
    size_t at = (size_t)network_below(network, bytes->length);
    if (network_below(network, 4) == 0)
        bytes->length = at;
    else
        bytes->data[at] ^= (uint8_t)(1u << network_below(network, 8));
}

static struct result network_copy(struct network *network, enum delivery_kind kind, unsigned party, uint64_t serial,
                                  struct view bytes)
{
    struct delivery delivery = {.at = network->now +
                                      (is_hostile(network) ? network_below(network, network->faults.delay_ms) : 0),
                                .kind = kind,
                                .party = party,
                                .serial = serial};
    bool changed = network_fault(network, FAULT_CHANGED);
    if (changed && kind == DELIVERY_REPLY && !network->faults.replies_change) return RESULT_OK;
    TRY(buffer_append(&delivery.bytes, bytes));
    if (changed) change(network, &delivery.bytes);
    return network_put(network, delivery);
}

struct result network_send(struct network *network, enum delivery_kind kind, unsigned party, uint64_t serial,
                           struct view bytes)
{
    if (network_fault(network, FAULT_CUT)) network_cut(network, party);
    if (is_hostile(network) && network->now < network->cut_until[party]) return RESULT_OK;
    if (network_fault(network, FAULT_LOST)) return RESULT_OK;
    if (network_fault(network, FAULT_TWICE)) TRY(network_copy(network, kind, party, serial, bytes));
    return network_copy(network, kind, party, serial, bytes);
}

struct result network_after(struct network *network, uint64_t after, enum delivery_kind kind, unsigned party,
                            uint64_t serial)
{
    return network_put(network,
                       (struct delivery){.at = network->now + after, .kind = kind, .party = party, .serial = serial});
}

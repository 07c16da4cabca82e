#include "tests/sim/knowledge.h"

#include <stdlib.h>
#include <string.h>

enum { FILTER_BITS = 65536 };

bool adversary_can_have(const struct thresholds *thresholds, unsigned false_banks, unsigned did, unsigned need,
                        unsigned did_other, unsigned need_other)
{
    unsigned n = thresholds->n, f = thresholds->f;
    unsigned more = false_banks < f ? f - false_banks : 0;
    unsigned taken = false_banks + did + did_other;
    unsigned idle = taken < n ? n - taken : 0;
    unsigned lost = more > idle ? more - idle : 0; /* of those that did something, and are its own now */
    return did + f >= need && did_other + f >= need_other && did + did_other + 2 * f >= need + need_other + lost;
}

struct result knowledge_init(struct knowledge *knowledge, unsigned banks)
{
    *knowledge = (struct knowledge){.banks = banks};
    TRY(thresholds_of(banks, &knowledge->thresholds));
    knowledge->filter = calloc(FILTER_BITS / 64, sizeof *knowledge->filter);
    ENSURE(knowledge->filter, CATEGORY_ENVIRONMENT, "out of memory");
    return RESULT_OK;
}

void knowledge_done(struct knowledge *knowledge)
{
    free(knowledge->facts);
    free(knowledge->index);
    free(knowledge->filter);
    free(knowledge->out);
    *knowledge = (struct knowledge){0};
}

static size_t place_of(const struct knowledge *knowledge, const uint8_t *value)
{
    size_t place = bytes_get_u64(value) & (knowledge->places - 1);
    while (knowledge->index[place] &&
           memcmp(knowledge->facts[knowledge->index[place] - 1].value, value, SEED_BYTES) != 0)
        place = (place + 1) & (knowledge->places - 1);
    return place;
}

static struct result grow(struct knowledge *knowledge)
{
    if (knowledge->count < knowledge->capacity) return RESULT_OK;
    size_t capacity = knowledge->capacity ? 2 * knowledge->capacity : 1024;
    struct fact *facts = realloc(knowledge->facts, capacity * sizeof *facts);
    ENSURE(facts, CATEGORY_ENVIRONMENT, "out of memory");
    knowledge->facts = facts;
    knowledge->capacity = capacity;
    free(knowledge->index);
    knowledge->places = 2 * capacity;
    knowledge->index = calloc(knowledge->places, sizeof *knowledge->index);
    ENSURE(knowledge->index, CATEGORY_ENVIRONMENT, "out of memory");
    for (size_t i = 0; i < knowledge->count; i++)
        knowledge->index[place_of(knowledge, facts[i].value)] = (uint32_t)i + 1;
    return RESULT_OK;
}

static bool in_filter(const struct knowledge *knowledge, const uint8_t *value)
{
    unsigned bit = value[0] | (unsigned)value[1] << 8;
    return knowledge->filter[bit / 64] >> bit % 64 & 1;
}

static struct result learn(struct knowledge *knowledge, const uint8_t *value, const struct fact *fact)
{
    static const uint8_t wiped[SEED_BYTES];
    if (memcmp(value, wiped, SEED_BYTES) == 0) return RESULT_OK;
    TRY(grow(knowledge));
    size_t place = place_of(knowledge, value);
    if (knowledge->index[place]) return RESULT_OK;
    struct fact *added = &knowledge->facts[knowledge->count++];
    *added = *fact;
    memcpy(added->value, value, SEED_BYTES);
    knowledge->index[place] = (uint32_t)knowledge->count;
    unsigned bit = value[0] | (unsigned)value[1] << 8;
    knowledge->filter[bit / 64] |= UINT64_C(1) << bit % 64;
    return RESULT_OK;
}

struct result knowledge_learn_own(struct knowledge *knowledge, const struct deal *deal, uint64_t first)
{
    for (uint32_t k = 0; k < deal->rounds; k++)
        for (unsigned kind = 0; kind < 2; kind++) {
            const struct fact fact = {.dealer = deal->position, .round = first + k, .kind = (enum share_kind)kind};
            TRY(learn(knowledge, deal_own(deal, k) + (size_t)kind * SEED_BYTES, &fact));
        }
    return RESULT_OK;
}

struct result knowledge_learn_held(struct knowledge *knowledge, const struct deal *deal, uint64_t first)
{
    for (uint32_t k = 0; k < deal->rounds; k++)
        for (unsigned rank = 0; rank < deal->count; rank++)
            for (unsigned kind = 0; kind < 2; kind++) {
                const struct fact fact = {
                    .dealer = rank + 1, .holder = deal->position, .round = first + k, .kind = (enum share_kind)kind};
                TRY(learn(knowledge, deal_held(deal, k, rank) + (size_t)kind * SEED_BYTES, &fact));
            }
    return RESULT_OK;
}

struct result knowledge_search(const struct knowledge *knowledge, struct view bytes,
                               struct result (*visit)(void *context, const struct fact *fact), void *context)
{
    for (size_t at = 0; knowledge->count && at + SEED_BYTES <= bytes.length; at++) {
        if (!in_filter(knowledge, bytes.data + at)) continue;
        uint32_t found = knowledge->index[place_of(knowledge, bytes.data + at)];
        if (found) TRY(visit(context, &knowledge->facts[found - 1]));
    }
    return RESULT_OK;
}

static struct members *let_out(struct knowledge *knowledge, const struct fact *fact, enum share_kind kind)
{
    return &knowledge->out[(fact->round * (knowledge->banks + 1) + fact->dealer) * 2 + kind];
}

static struct result reserve_round(struct knowledge *knowledge, uint64_t round)
{
    if (round < knowledge->rounds) return RESULT_OK;
    uint64_t rounds = 2 * round + 8;
    size_t row = 2 * (knowledge->banks + 1), had = knowledge->rounds * row, has = rounds * row;
    struct members *out = realloc(knowledge->out, has * sizeof *out);
    ENSURE(out, CATEGORY_ENVIRONMENT, "out of memory");
    for (size_t i = had; i < has; i++) out[i] = members_none(knowledge->banks);
    knowledge->out = out;
    knowledge->rounds = rounds;
    return RESULT_OK;
}

struct sent {
    struct knowledge *knowledge;
    unsigned by;
};

static struct result let_out_fact(void *context, const struct fact *fact)
{
    struct knowledge *knowledge = ((struct sent *)context)->knowledge;
    unsigned by = ((struct sent *)context)->by;
    unsigned long long round = (unsigned long long)fact->round;
    ENSURE(fact->holder, CATEGORY_FALSE, "bank %u sent a secret of bank %u of round %llu itself", by, fact->dealer,
           round);
    TRY(reserve_round(knowledge, fact->round));
    members_add(let_out(knowledge, fact, fact->kind), fact->holder);
    const struct thresholds *thresholds = &knowledge->thresholds;
    unsigned a = members_count(let_out(knowledge, fact, SHARE_A)), b = members_count(let_out(knowledge, fact, SHARE_B));
    if (!adversary_can_have(thresholds, 0, a, thresholds->t, b, thresholds->t)) return RESULT_OK;
    return FAIL(CATEGORY_FALSE, "both kinds of secrets of bank %u of round %llu can be derived", fact->dealer, round);
}

struct result knowledge_sent(struct knowledge *knowledge, unsigned by, struct view bytes)
{
    struct sent sent = {knowledge, by};
    return knowledge_search(knowledge, bytes, let_out_fact, &sent);
}

/* ACK, j → all: the provisioned set as this bank saw it, and the dealers whose P1 and P2 held. The epoch starts when
 * everyone acknowledged everyone; it is redone once with fresh secrets, and then the run ends and names the pair. */
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* The first pair (bank, dealer) that did not hold; false when all did. */
static bool find_complaint(const struct members *cohort, const struct wire_ack *acks, unsigned *ret_bank,
                           unsigned *ret_dealer)
{
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j))
        for (unsigned i = members_next(cohort, 0); i; i = members_next(cohort, i))
            if (!members_has(&acks[j].dealers, i)) {
                *ret_bank = j;
                *ret_dealer = i;
                return true;
            }
    return false;
}

/* ---- node */

struct result ack_make(struct secagg_node *node, const struct members *good, struct effects *effects)
{
    uint32_t epoch = node->epoch.epoch;
    struct wire_ack ack = {
        .run = node->run.id, .epoch = epoch, .counter = node_count(node), .set = node->epoch.set, .dealers = *good};
    buffer_clear(&node->ack);
    TRY(node_sign(node, "ack", WIRE_ACK, &ack, &node->ack));
    node->state = NODE_ACK;
    for (uint32_t k = 0; k < node->epoch.rounds; k++)
        TRY(effect_persist(effects, KEEP_SECRET, view_of(deal_held(&node->deal, k, 0), deal_held_bytes(&node->deal)),
                           "secret/%u/held/%02u", epoch, k));
    size_t leaves = (size_t)node->deal.count * node->deal.rounds * 2 * sizeof *node->deal.leaves;
    TRY(effect_persist(effects, KEEP_RUN, view_of(node->deal.leaves, leaves), "leaves/%u", epoch));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->deal.paths), "paths/%u", epoch));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->ack), "ack/%u", epoch));
    return node_keep_epoch(node, effects);
}

static struct result read_all(struct secagg_node *node, const struct wire_list *list, struct wire_arena *arena,
                              struct wire_ack *acks, unsigned *ret_other)
{
    const struct members *cohort = run_cohort(&node->run);
    ENSURE(list->count == node->run.thresholds.n, CATEGORY_PEER, "%zu ACK for a cohort of %u", list->count,
           node->run.thresholds.n);
    size_t i = 0;
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j), i++) {
        struct signed_body body;
        TRY(signed_read(&node->run, "ack", WIRE_ACK, list->items[i], arena, &body));
        ENSURE(body.message.signer == j && body.ack.epoch == node->epoch.epoch, CATEGORY_PEER,
               "an ACK of %s that is out of place", run_member(&node->run, body.message.signer));
        acks[j] = body.ack;
        if (!hash_equal(&body.ack.set, &node->epoch.set)) *ret_other = (unsigned)i + 1;
    }
    return RESULT_OK;
}

/* Everyone holds everyone's shares: the channel secret has done its work. */
static struct result activate(struct secagg_node *node, struct view acks, struct effects *effects)
{
    node->failures = 0;
    node->state = NODE_READY;
    deal_wipe_channel(&node->deal);
    TRY(effect_erase(effects, KEEP_SECRET, "secret/%u/channel", node->epoch.epoch));
    TRY(effect_erase(effects, KEEP_RUN, "p2/%u", node->epoch.epoch));
    TRY(effect_persist(effects, KEEP_RUN, acks, "acks/%u", node->epoch.epoch));
    return node_keep_epoch(node, effects);
}

struct result ack_take_all(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                           struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer memory = {0};
    uint8_t *at;
    TRY(buffer_extend(&memory, (node->run.terms.roster->size + 1u) * sizeof(struct wire_ack), &at));
    struct wire_ack *acks = (struct wire_ack *)(void *)at;
    unsigned other = 0;
    TRY(read_all(node, &message->list, arena, acks, &other));
    if (other) {
        TRY(node_evidence(node, effects, "set", buffer_view(&node->ack), message->list.items[other - 1]));
        return node_refuse(node, effects, "%s showed two banks two sets of keys in epoch %u", run_member(&node->run, 0),
                           node->epoch.epoch);
    }
    unsigned bank, dealer;
    if (!find_complaint(run_cohort(&node->run), acks, &bank, &dealer)) return activate(node, message->payload, effects);
    if (node->failures)
        return node_refuse(node, effects, "%s could not use what %s dealt, twice: one of the two is at fault",
                           run_member(&node->run, bank), run_member(&node->run, dealer));
    node->failures = 1;
    return p1_begin(node, node->epoch.epoch + 1, node->epoch.first, effects);
}

/* ---- coordinator */

struct result ack_take(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                       struct wire_arena *arena, struct effects *effects)
{
    struct signed_body body;
    TRY(coordinator_read(coordinator, from, "ack", WIRE_ACK, &message->one, arena, &body));
    coordinator->peers[from].asked.epoch = body.ack.epoch;
    if (body.ack.epoch < coordinator->epoch.epoch) return RESULT_OK;
    /* Before all P1 are here there is no set to acknowledge, and zeros would pass for it. */
    ENSURE(coordinator->phase >= PHASE_ACK, CATEGORY_PEER, "ACK of %s before every bank has dealt",
           run_member(&coordinator->run, from));
    ENSURE(body.ack.epoch == coordinator->epoch.epoch && hash_equal(&body.ack.set, &coordinator->epoch.set),
           CATEGORY_PEER, "ACK of %s for another set of keys", run_member(&coordinator->run, from));
    coordinator->bitmaps[from] = body.ack;
    return coordinator_keep(coordinator, &coordinator->acks, from, message->payload, effects, "ack/%05u/%05u",
                            body.ack.epoch, from);
}

struct result ack_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    const struct members *cohort = run_cohort(&coordinator->run);
    if (!members_equal(&coordinator->acks.have, cohort)) return RESULT_OK;
    *ret_moved = true;
    unsigned bank, dealer;
    if (!find_complaint(cohort, coordinator->bitmaps, &bank, &dealer)) {
        coordinator->failures = 0;
        coordinator->phase = PHASE_NEXT;
        return effect_event(effects, "epoch %u: every bank holds every bank's shares", coordinator->epoch.epoch);
    }
    if (coordinator->failures)
        return coordinator_end(coordinator, effects,
                               "%s could not use what %s dealt, twice: one of the two is at fault",
                               run_member(&coordinator->run, bank), run_member(&coordinator->run, dealer));
    coordinator->failures = 1;
    TRY(effect_event(effects, "%s could not use what %s dealt; keys and shares are made once more",
                     run_member(&coordinator->run, bank), run_member(&coordinator->run, dealer)));
    return p1_open_epoch(coordinator, coordinator->epoch.epoch + 1, coordinator->epoch.first, effects);
}

/* A list of an epoch's ACK; of an epoch that was redone it comes from the records. */
struct result ack_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    uint32_t epoch = coordinator->peers[member].asked.epoch;
    if (epoch == coordinator->epoch.epoch && coordinator->phase <= PHASE_ACK) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer list = {0};
    if (epoch == coordinator->epoch.epoch) {
        TRY(ballot_list(&coordinator->acks, NULL, 0, &list));
        return coordinator_reply(coordinator, member, MESSAGE_ACKS, buffer_view(&list), effects);
    }
    CLEANUP(ballot_done) struct ballot before = {0};
    TRY(ballot_init(&before, coordinator->run.terms.roster->size));
    const struct members *cohort = run_cohort(&coordinator->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        CLEANUP(buffer_done) struct buffer one = {0};
        TRY(record_need(&coordinator->config.records, KEEP_RUN, &one, "ack/%05u/%05u", epoch, j));
        TRY(ballot_put(&before, j, buffer_view(&one)));
    }
    TRY(ballot_list(&before, NULL, 0, &list));
    return coordinator_reply(coordinator, member, MESSAGE_ACKS, buffer_view(&list), effects);
}

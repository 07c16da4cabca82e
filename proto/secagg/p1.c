/* P1, node i → all: an epoch's channel key, commitments to a, mask keys E, the root of its share leaves,
 * and what its officers signed. */
#include <string.h>

#include "crypto/base/protocol.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* ---- node */

/* What was not used up of the epoch before goes with its keys. */
static struct result forget_epoch(struct secagg_node *node, struct effects *effects)
{
    if (!node->epoch.epoch) return RESULT_OK;
    for (uint32_t k = 0; k < node->epoch.rounds; k++) TRY(node_erase_round(node, node->epoch.first + k, effects));
    TRY(effect_erase(effects, KEEP_SECRET, "secret/%u/channel", node->epoch.epoch));
    return effect_erase(effects, KEEP_SECRET, "secret/%u/dealt", node->epoch.epoch);
}

static struct result keep_secrets(struct secagg_node *node, struct effects *effects)
{
    uint32_t epoch = node->epoch.epoch;
    TRY(effect_persist(effects, KEEP_SECRET, view_of(deal_channel(&node->deal), SEED_BYTES), "secret/%u/channel",
                       epoch));
    TRY(effect_persist(effects, KEEP_SECRET, secret_view(node->deal.dealt), "secret/%u/dealt", epoch));
    for (uint32_t k = 0; k < node->epoch.rounds; k++)
        TRY(effect_persist(effects, KEEP_SECRET, view_of(deal_own(&node->deal, k), (size_t)2 * SEED_BYTES),
                           "secret/%u/own/%02u", epoch, k));
    return RESULT_OK;
}

struct result p1_begin(struct secagg_node *node, uint32_t epoch, uint64_t first, struct effects *effects)
{
    struct hash checkpoint;
    TRY(run_log_checkpoint(&node->log, &node->run.id, &checkpoint));
    TRY(forget_epoch(node, effects));
    memset(node->missing, 0, sizeof node->missing);
    TRY(provision_init(&node->epoch, &node->run, epoch, first, &checkpoint));
    TRY(deal_init(&node->deal, &node->run, node->config.position));
    struct wire_p1 p1 = {
        .run = node->run.id,
        .epoch = epoch,
        .first = first,
        .rounds = node->run.rounds,
        .checkpoint = checkpoint,
    };
    if (node->run.terms.version >= PROTOCOL_APPROVALS)
        p1.approvals = (struct wire_list){node->config.approvals, node->config.approvals_count};
    CLEANUP(buffer_done) struct buffer lists = {0};
    TRY(deal_draw(&node->deal, &node->run, &node->epoch, node->config.random, &p1, &lists));
    p1.counter = node_count(node);
    TRY(node_sign(node, "p1", WIRE_P1, &p1, &node->p1));
    node->state = NODE_P1;
    TRY(keep_secrets(node, effects));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->p1), "p1/%u", epoch));
    TRY(effect_persist(effects, KEEP_RUN, hash_view(&node->config.table_hash), "table"));
    return node_keep_epoch(node, effects);
}

static struct result read_each(struct secagg_node *node, const struct wire_list *list, struct wire_arena *arena,
                               struct effects *effects, struct provision *epoch)
{
    const struct members *cohort = run_cohort(&node->run);
    struct view bodies[MEMBERS_MAX];
    size_t i = 0;
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j), i++) {
        struct signed_body body;
        TRY(signed_read(&node->run, "p1", WIRE_P1, list->items[i], arena, &body));
        ENSURE(body.message.signer == j, CATEGORY_PEER, "P1 of %s where that of %s must be",
               run_member(&node->run, body.message.signer), run_member(&node->run, j));
        ENSURE(j != node->config.position || view_equal(list->items[i], buffer_view(&node->p1)), CATEGORY_PEER,
               "a P1 of this bank that it did not send");
        bodies[i] = body.message.body;
        struct result valid = provision_take(epoch, &node->run, j, &body.p1);
        if (valid.category != CATEGORY_PEER)
            TRY(valid);
        else if (effects) /* it leaves its dealer unknown */
            TRY(effect_event(effects, "the keys of %s do not hold: %s", run_member(&node->run, j), result_reason()));
    }
    return ctx_set_hash(bodies, i, &epoch->set);
}

struct result p1_read_all(struct secagg_node *node, const struct wire_list *list, struct wire_arena *arena,
                          struct effects *effects)
{
    ENSURE(list->count == node->run.thresholds.n, CATEGORY_PEER, "%zu P1 for a cohort of %u", list->count,
           node->run.thresholds.n);
    struct provision fresh = {0};
    TRY(provision_init(&fresh, &node->run, node->epoch.epoch, node->epoch.first, &node->epoch.checkpoint));
    struct result result = read_each(node, list, arena, effects, &fresh);
    if (!result_ok(result)) {
        provision_done(&fresh);
        return result;
    }
    provision_done(&node->epoch);
    node->epoch = fresh;
    return RESULT_OK;
}

struct result p1_take_all(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                          struct effects *effects)
{
    TRY(p1_read_all(node, &message->list, arena, effects));
    TRY(effect_persist(effects, KEEP_RUN, message->payload, "p1s/%u", node->epoch.epoch));
    return p2_make(node, effects);
}

/* ---- coordinator */

struct result p1_open_epoch(struct secagg_coordinator *coordinator, uint32_t epoch, uint64_t first,
                            struct effects *effects)
{
    ENSURE(epoch <= EPOCHS_MAX, CATEGORY_USAGE, "a run of more than %u epochs", EPOCHS_MAX);
    struct hash checkpoint;
    TRY(run_log_checkpoint(&coordinator->log, &coordinator->run.id, &checkpoint));
    TRY(provision_init(&coordinator->epoch, &coordinator->run, epoch, first, &checkpoint));
    ballot_clear(&coordinator->p1);
    ballot_clear(&coordinator->acks);
    coordinator->p2 = members_none(coordinator->run.terms.roster->size);
    coordinator->phase = PHASE_P1;
    CLEANUP(buffer_done) struct buffer record = {0};
    TRY(buffer_u32(&record, epoch));
    TRY(buffer_u64(&record, first));
    TRY(buffer_u32(&record, coordinator->failures));
    return effect_persist(effects, KEEP_RUN, buffer_view(&record), "epoch");
}

struct result p1_take(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                      struct wire_arena *arena, struct effects *effects)
{
    struct signed_body body;
    TRY(coordinator_read(coordinator, from, "p1", WIRE_P1, &message->one, arena, &body));
    coordinator->peers[from].asked.epoch = body.p1.epoch;
    if (body.p1.epoch != coordinator->epoch.epoch) return RESULT_OK; /* late; or ahead, which is seen after this */
    if (!members_has(&coordinator->p1.have, from))
        TRY(provision_take(&coordinator->epoch, &coordinator->run, from, &body.p1));
    return coordinator_keep(coordinator, &coordinator->p1, from, message->payload, effects, "p1/%05u/%05u",
                            body.p1.epoch, from);
}

/* The hash that every ACK must state. */
struct result p1_set_hash(struct secagg_coordinator *coordinator)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct view bodies[MEMBERS_MAX];
    size_t count = 0;
    const struct members *cohort = run_cohort(&coordinator->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        struct wire_signed message;
        TRY(wire_signed_decode(ballot_get(&coordinator->p1, j), cohort->size, &arena, &message));
        bodies[count++] = message.body;
    }
    return ctx_set_hash(bodies, count, &coordinator->epoch.set);
}

struct result p1_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    (void)effects;
    if (!members_equal(&coordinator->p1.have, run_cohort(&coordinator->run))) return RESULT_OK;
    TRY(p1_set_hash(coordinator));
    coordinator->phase = PHASE_P2;
    *ret_moved = true;
    return RESULT_OK;
}

struct result p1_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    if (coordinator->peers[member].asked.epoch != coordinator->epoch.epoch || coordinator->phase == PHASE_P1)
        return RESULT_OK;
    CLEANUP(buffer_done) struct buffer list = {0};
    TRY(ballot_list(&coordinator->p1, NULL, 0, &list));
    return coordinator_reply(coordinator, member, MESSAGE_P1S, buffer_view(&list), effects);
}

/* R3: t votes on one U spend the step. A bank checks them, erases in one transaction its shares of b of the survivors,
 * of a of the others and its own secrets of the round, and only then releases its shares of a of the survivors and of b
 * of the others. Never both kinds for one bank. */
#include "proto/secagg/coordinator.h"
#include "proto/secagg/ledger.h"
#include "proto/secagg/node.h"

/* ---- node */

/* The signed shares: one of each member of the cohort. */
static struct result make_release(struct secagg_node *node, const struct members *survivors)
{
    const struct members *cohort = run_cohort(&node->run);
    uint32_t k = (uint32_t)(node->round.terms.round - node->epoch.first);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    CLEANUP(buffer_done) struct buffer memory = {0};
    uint8_t *at;
    TRY(buffer_extend(&memory, node->deal.count * sizeof(struct view), &at));
    struct view *shares = (struct view *)(void *)at;
    unsigned rank = 0;
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j), rank++) {
        size_t before = bytes.length;
        TRY(deal_release(&node->deal, k, rank, members_has(survivors, j) ? SHARE_A : SHARE_B, &bytes));
        shares[rank] = view_of(NULL, bytes.length - before);
    }
    size_t offset = 0;
    for (unsigned i = 0; i < rank; offset += shares[i++].length) shares[i].data = bytes.data + offset;
    struct wire_r3 release = {
        .run = node->run.id,
        .epoch = node->round.terms.epoch,
        .round = node->round.terms.round,
        .counter = node_count(node),
        .ctx = node->round.ctx,
        .shares = {shares, rank},
    };
    buffer_clear(&node->round.release);
    return node_sign(node, "r3", WIRE_R3, &release, &node->round.release);
}

/* From here on this step is only masked again with the same U and the same input. */
static void spend(struct secagg_node *node, const struct wire_r2 *vote)
{
    node->masked.step = node->round.terms.step;
    node->masked.fixed = true;
    node->masked.survivors = vote->survivors;
}

static struct result check_certificate(struct secagg_node *node, const struct message *message,
                                       struct wire_arena *arena, struct wire_r2 *ret)
{
    TRY(certificate_r2(&node->run, message->payload, arena, ret));
    ENSURE(ret->epoch == node->round.terms.epoch && ret->round == node->round.terms.round &&
               (!node->round.r0.length || hash_equal(&ret->ctx, &node->round.ctx)),
           CATEGORY_PEER, "a certificate for round %llu under other terms, in round %llu",
           (unsigned long long)ret->round, (unsigned long long)node->round.terms.round);
    ENSURE(!node->masked.fixed || node->masked.step != node->round.terms.step ||
               members_equal(&ret->survivors, &node->masked.survivors),
           CATEGORY_PEER, "two certificates on different sets of inputs for one step");
    return RESULT_OK;
}

struct result release_take_certificate(struct secagg_node *node, const struct message *message,
                                       struct wire_arena *arena, struct effects *effects)
{
    struct wire_r2 vote;
    TRY(check_certificate(node, message, arena, &vote));
    if (node->missing[vote.round - node->epoch.first]) return vote_void(node, vote.round, effects);
    TRY(make_release(node, &vote.survivors));
    spend(node, &vote);
    buffer_clear(&node->round.certificate);
    TRY(buffer_append(&node->round.certificate, message->payload));
    node->round.survivors = vote.survivors;
    node->round.headers = vote.headers;
    node->state = NODE_RELEASED;
    unsigned long long round = (unsigned long long)vote.round;
    TRY(effect_persist(effects, KEEP_RUN, message->payload, "certificate/%05llu", round));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->round.release), "release/%05llu", round));
    TRY(ledger_add_certificate(node, "u", vote.round, message->payload, effects));
    TRY(node_erase_round(node, vote.round, effects));
    return node_keep_round(node, effects);
}

/* Too few shares are left to open the round: the step is done again, U fixed, under this certificate. */
struct result release_take_superseded(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                      struct effects *effects)
{
    struct wire_r2 vote;
    TRY(check_certificate(node, message, arena, &vote));
    /* Of a round that this bank voided without seeing its R0 the step is unknown; the retry will show the certificate.
     */
    if (node->round.r0.length) spend(node, &vote);
    TRY(node_erase_round(node, vote.round, effects));
    node->state = NODE_READY;
    TRY(effect_persist(effects, KEEP_RUN, message->payload, "certificate/%05llu", (unsigned long long)vote.round));
    return node_keep_round(node, effects);
}

/* ---- coordinator */

struct result release_take(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                           struct wire_arena *arena, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    struct signed_body body;
    TRY(coordinator_read(coordinator, from, "r3", WIRE_R3, &message->one, arena, &body));
    coordinator->peers[from].asked.round = body.r3.round;
    if (!coordinator_is_current(coordinator, body.r3.round) || coordinator->phase != PHASE_RELEASE) return RESULT_OK;
    ENSURE(body.r3.epoch == round->terms.epoch && hash_equal(&body.r3.ctx, &round->ctx) &&
               body.r3.shares.count == coordinator->run.thresholds.n,
           CATEGORY_PEER, "R3 of %s is not for this round", run_member(&coordinator->run, from));
    for (size_t i = 0; i < body.r3.shares.count; i++)
        ENSURE(body.r3.shares.items[i].length >= SEED_BYTES && body.r3.shares.items[i].length % HASH_BYTES == 0,
               CATEGORY_PEER, "a share in R3 of %s has %zu bytes", run_member(&coordinator->run, from),
               body.r3.shares.items[i].length);
    return coordinator_keep(coordinator, &round->releases, from, message->payload, effects, "release/%05llu/%05u",
                            (unsigned long long)body.r3.round, from);
}

struct result release_supersede(struct secagg_coordinator *coordinator, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    coordinator->fixed = true;
    coordinator->fixed_survivors = round->survivors;
    buffer_clear(&coordinator->retry);
    TRY(buffer_append(&coordinator->retry, buffer_view(&round->certificate)));
    coordinator->phase = PHASE_NEXT;
    coordinator->erase_to = round->terms.round;
    unsigned long long number = (unsigned long long)round->terms.round;
    TRY(effect_event(effects,
                     "round %llu is certified, but too many banks lost their shares of it; the step is done "
                     "again with the same inputs",
                     number));
    TRY(effect_persist(effects, KEEP_RUN, members_view(&round->survivors), "fixed/%05llu",
                       (unsigned long long)round->terms.step));
    return effect_persist(effects, KEEP_RUN, buffer_view(&round->certificate), "superseded/%05llu", number);
}

struct result release_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    struct coordinator_round *round = &coordinator->round;
    const struct thresholds *thresholds = &coordinator->run.thresholds;
    unsigned usable = members_count(&round->releases.have) - members_count(&round->false_releases);
    if (usable >= thresholds->t) return open_sum(coordinator, effects, ret_moved);
    unsigned lost = members_count(&round->voids.have);
    for (unsigned j = members_next(&round->false_releases, 0); j; j = members_next(&round->false_releases, j))
        lost += !members_has(&round->voids.have, j);
    if (lost <= thresholds->n - thresholds->t) return RESULT_OK;
    *ret_moved = true;
    return release_supersede(coordinator, effects);
}

struct result release_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    uint64_t asked = coordinator->peers[member].asked.round;
    if (!coordinator_is_open(coordinator, asked)) return coordinator_answer_past(coordinator, member, asked, effects);
    if (coordinator->phase != PHASE_CLOSE) return RESULT_OK;
    return coordinator_reply(coordinator, member, MESSAGE_OPENED, buffer_view(&coordinator->round.opening), effects);
}

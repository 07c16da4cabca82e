/* The node's machine: its table, and how a step goes. What each message means is in the file named after it. */
#include "proto/secagg/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/secagg/counters.h"
#include "proto/secagg/ledger.h"

/* state × reply → handler; what is not here is refused. */
static node_handler *const handlers[NODE_STATES][MESSAGE_KINDS_END] = {
    [NODE_P1] = {[MESSAGE_P1S] = p1_take_all},
    [NODE_P2] = {[MESSAGE_P2S] = p2_take_mine},
    [NODE_ACK] = {[MESSAGE_ACKS] = ack_take_all},
    [NODE_READY] = {[MESSAGE_ROUND] = r0_take,
                    [MESSAGE_PROVISION] = r0_take_provision,
                    [MESSAGE_VOID_PROPOSAL] = vote_take_void_proposal,
                    [MESSAGE_CLOSED] = catch_take_closed,
                    [MESSAGE_FINISHED] = close_take_finished},
    [NODE_UPLOADING] = {[MESSAGE_TAKEN] = r1_take_receipt,
                        [MESSAGE_ROUND] = r0_take_second,
                        [MESSAGE_PROPOSAL] = vote_take_proposal,
                        [MESSAGE_VOID_PROPOSAL] = vote_take_void_proposal,
                        [MESSAGE_VOID_CERTIFICATE] = vote_take_void_certificate,
                        [MESSAGE_CERTIFICATE] = release_take_certificate,
                        [MESSAGE_SUPERSEDED] = release_take_superseded,
                        [MESSAGE_CLOSED] = catch_take_closed},
    [NODE_VOTED] = {[MESSAGE_PROPOSAL] = vote_take_proposal,
                    [MESSAGE_ROUND] = r0_take_second,
                    [MESSAGE_VOID_PROPOSAL] = vote_take_void_proposal,
                    [MESSAGE_VOID_CERTIFICATE] = vote_take_void_certificate,
                    [MESSAGE_CERTIFICATE] = release_take_certificate,
                    [MESSAGE_SUPERSEDED] = release_take_superseded,
                    [MESSAGE_CLOSED] = catch_take_closed},
    [NODE_VOIDED] = {[MESSAGE_VOID_CERTIFICATE] = vote_take_void_certificate,
                     [MESSAGE_ROUND] = r0_take_second,
                     [MESSAGE_SUPERSEDED] = release_take_superseded,
                     [MESSAGE_CLOSED] = catch_take_closed},
    [NODE_RELEASED] = {[MESSAGE_OPENED] = open_take,
                       [MESSAGE_ROUND] = r0_take_second,
                       [MESSAGE_SUPERSEDED] = release_take_superseded,
                       [MESSAGE_CLOSED] = catch_take_closed},
    [NODE_CHECKING] = {[MESSAGE_PIECES] = verify_take_pieces,
                       [MESSAGE_ROUND] = r0_take_second,
                       [MESSAGE_SUM_PIECE] = verify_take_sum_piece,
                       [MESSAGE_OPENED] = open_take,
                       [MESSAGE_CLOSED] = catch_take_closed},
    [NODE_CATCHING] = {[MESSAGE_SUM_PIECE] = catch_take_sum_piece},
    [NODE_ENDING] = {[MESSAGE_FINISHED] = end_take_finished},
};

static const char *const state_names[NODE_STATES] = {
    [NODE_NEW] = "joining",
    [NODE_P1] = "waiting for every bank's keys",
    [NODE_P2] = "waiting for shares",
    [NODE_ACK] = "waiting for every bank's acknowledgement",
    [NODE_READY] = "waiting for the next round",
    [NODE_CONTRIBUTING] = "computing its input",
    [NODE_UPLOADING] = "sending its input, then waiting for R2",
    [NODE_VOTED] = "waiting for R3",
    [NODE_VOIDED] = "has voided, waiting for the others",
    [NODE_RELEASED] = "waiting for the opened sum",
    [NODE_CHECKING] = "checking the sum",
    [NODE_CATCHING] = "catching up with a closed sum",
    [NODE_DONE] = "finished",
    [NODE_ENDING] = "ending the run",
    [NODE_ENDED] = "ended",
};

struct result node_ask(struct secagg_node *node, struct effects *effects)
{
    struct effect *effect = NULL;
    if (node->state == NODE_ENDING) return effect_relay(effects, 0, MESSAGE_REFUSE, buffer_view(&node->refusal));
    if (node->state == NODE_ENDED) return effect_fail(effects, buffer_view(&node->reason));
    if (node->state == NODE_DONE) return effects_add(effects, EFFECT_DONE, &effect);
    if (!node->joined) return join_ask(node, effects);
    switch (node->state) {
    case NODE_P1:
        return effect_relay(effects, 0, MESSAGE_P1, buffer_view(&node->p1));
    case NODE_P2:
        return effect_relay(effects, 0, MESSAGE_P2, buffer_view(&node->p2));
    case NODE_ACK:
        return effect_relay(effects, 0, MESSAGE_ACK, buffer_view(&node->ack));
    case NODE_READY:
        return r0_ask(node, effects);
    case NODE_CONTRIBUTING:
    case NODE_UPLOADING:
        return r1_ask(node, effects);
    case NODE_VOTED:
        return effect_relay(effects, 0, MESSAGE_VOTE, buffer_view(&node->round.vote));
    case NODE_VOIDED:
        return effect_relay(effects, 0, MESSAGE_VOID, buffer_view(&node->round.void_vote));
    case NODE_RELEASED:
        return effect_relay(effects, 0, MESSAGE_RELEASE, buffer_view(&node->round.release));
    case NODE_CHECKING:
        return verify_ask(node, effects);
    case NODE_CATCHING:
        return catch_ask(node, effects);
    default:
        return FAIL(CATEGORY_BUG, "the node has nothing to ask in the state \"%s\"", state_names[node->state]);
    }
}

uint64_t node_count(struct secagg_node *node)
{
    node->counted = true;
    return ++node->config.counters->mine;
}

struct result node_sign(struct secagg_node *node, const char *kind, enum wire_type type, const void *body,
                        struct buffer *out)
{
    buffer_clear(out);
    return signed_make(node->config.key, node->config.position, kind, type, body, out);
}

struct result node_read_coordinator(struct secagg_node *node, const char *kind, enum wire_type type, struct view bytes,
                                    struct wire_arena *arena, struct signed_body *ret)
{
    struct signed_body body;
    TRY(signed_read(&node->run, kind, type, bytes, arena, &body));
    ENSURE(body.message.signer == 0, CATEGORY_PEER, "%s signed by %s instead of the coordinator", kind,
           run_member(&node->run, body.message.signer));
    *ret = body;
    return RESULT_OK;
}

struct result node_erase_round(struct secagg_node *node, uint64_t round, struct effects *effects)
{
    if (!provision_covers(&node->epoch, round)) return RESULT_OK;
    uint32_t k = (uint32_t)(round - node->epoch.first);
    deal_wipe_round(&node->deal, k);
    node->missing[k] = true;
    TRY(effect_erase(effects, KEEP_SECRET, "secret/%u/own/%02u", node->epoch.epoch, k));
    return effect_erase(effects, KEEP_SECRET, "secret/%u/held/%02u", node->epoch.epoch, k);
}

struct result node_reach_round(struct secagg_node *node, uint64_t round, struct effects *effects)
{
    for (uint64_t skipped = node->last + 1; skipped < round; skipped++) TRY(node_erase_round(node, skipped, effects));
    if (round > node->last) node->last = round;
    return RESULT_OK;
}

static struct result erase_visited(void *visitor, const char *key, struct view value)
{
    (void)value;
    return effect_erase(visitor, KEEP_SECRET, "%s", key);
}

struct result node_erase_secrets(struct secagg_node *node, struct effects *effects)
{
    const struct record_source *records = &node->config.records;
    deal_wipe(&node->deal);
    node_noise_done(&node->noise);
    for (uint32_t k = 0; k < node->epoch.rounds; k++) node->missing[k] = true;
    return records->each(records->context, true, false, "secret/", erase_visited, effects);
}

void node_round_done(struct node_round *round)
{
    free(round->y);
    free(round->leaves);
    struct buffer *const buffers[] = {&round->r0,      &round->header,    &round->proposal,
                                      &round->vote,    &round->void_vote, &round->certificate,
                                      &round->release, &round->opened,    &round->drawn};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) buffer_done(buffers[i]);
    *round = (struct node_round){0};
}

static struct result keep_counters(struct secagg_node *node, struct effects *effects)
{
    TRY(counters_keep(node->config.counters, node->run.terms.roster, node->run.tag, node->counted,
                      node->run.held_changed, effects));
    node->counted = false;
    node->run.held_changed = false;
    return RESULT_OK;
}

static struct result start(struct secagg_node *node, struct effects *effects)
{
    ENSURE(!node->started, CATEGORY_BUG, "a node's machine is started twice");
    node->started = true;
    TRY(node_restore(node, effects));
    TRY(node_repeat_erasures(node, effects));
    if (node->state != NODE_NEW) return RESULT_OK;
    struct result allowed = ledger_check(node);
    if (allowed.category == CATEGORY_FALSE) return node_refuse(node, effects, "%s", result_reason());
    return allowed;
}

static struct result take_message(struct secagg_node *node, const struct input *input, struct effects *effects)
{
    ENSURE(input->from == 0, CATEGORY_PEER, "a message of member %u: nodes hear the coordinator only", input->from);
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    TRY(message_decode(input->bytes, node->run.terms.roster->size, &arena, &message));
    node_handler *handler = handlers[node->state][message.kind];
    if (!node->joined) handler = message.kind == MESSAGE_JOINED ? join_take_attestations : NULL;
    if (message.kind == MESSAGE_ENDED && node->state != NODE_DONE && node->state != NODE_ENDED) handler = end_take;
    ENSURE(handler, CATEGORY_PEER, "%s while %s", message_name(message.kind), state_names[node->state]);
    return handler(node, &message, &arena, effects);
}

static struct result take(struct secagg_node *node, const struct input *input, struct effects *effects)
{
    switch (input->kind) {
    case INPUT_START:
        return start(node, effects);
    case INPUT_MESSAGE:
        return take_message(node, input, effects);
    case INPUT_PERSISTED:
        node->busy = false;
        return RESULT_OK;
    case INPUT_CONTRIBUTION:
        return r1_contribution(node, input, effects);
    case INPUT_CANCEL: {
        ENSURE(node->state != NODE_DONE && node->state != NODE_ENDED, CATEGORY_USAGE, "the run is over already");
        char reason[WIRE_REASON_MAX / 2];
        (void)snprintf(reason, sizeof reason, "%.*s", (int)input->bytes.length, (const char *)input->bytes.data);
        return node_refuse(node, effects, "cancelled here: %s", reason);
    }
    default:
        return FAIL(CATEGORY_BUG, "a node has no timers");
    }
}

struct result secagg_node_step(struct secagg_node *node, const struct input *input, struct effects *effects)
{
    ENSURE(node->busy == (input->kind == INPUT_PERSISTED), CATEGORY_BUG, "a batch of the node %s",
           node->busy ? "is under way" : "was not under way");
    ENSURE(node->started || input->kind == INPUT_START, CATEGORY_BUG, "a node's machine was not started");
    size_t before = effects->count;
    node->now = input->now;
    bool refused = node->refusing; /* the request under way stands as it was */
    node->refusing = false;
    struct result result = take(node, input, effects);
    if (result_ok(result) && refused) return RESULT_OK;
    if (result.category == CATEGORY_PEER && node->refusing) {
        node->busy = true;
        return result;
    }
    if (result_ok(result) && effects_persist(effects, before)) {
        node->busy = true;
        return keep_counters(node, effects);
    }
    if (result_ok(result)) result = node_ask(node, effects);
    if (!result_ok(result)) effects_cut(effects, before);
    return result;
}

struct result secagg_node_new(const struct secagg_node_config *config, struct secagg_node **ret)
{
    struct secagg_node *node = calloc(1, sizeof *node);
    if (!node) random_source_free(config->random);
    ENSURE(node, CATEGORY_ENVIRONMENT, "out of memory for a run");
    node->config = *config;
    node->close_full_bytes = CLOSE_FULL_BYTES;
    struct result result = run_open(config->terms, config->epoch_rounds, config->counters, &node->run);
    if (result_ok(result) && !members_has(run_cohort(&node->run), config->position))
        result = FAIL(CATEGORY_USAGE, "this bank is not in the run's cohort");
    for (unsigned j = 1; result_ok(result) && config->psk && j <= node->run.terms.roster->size; j++)
        if (config->psk[j] && node->run.terms.plan->on_dropout == DROPOUT_CONTINUE)
            result = FAIL(CATEGORY_USAGE,
                          "a pre-shared key with %s in a run that goes on without silent banks: their "
                          "masks could not be taken off",
                          run_member(&node->run, j));
    if (!result_ok(result)) {
        secagg_node_free(node);
        return result;
    }
    *ret = node;
    return RESULT_OK;
}

void secagg_node_free(struct secagg_node *node)
{
    if (!node) return;
    random_source_free(node->config.random);
    buffer_done(&node->join);
    fold_done(&node->fold);
    node_noise_done(&node->noise);
    provision_done(&node->epoch);
    deal_done(&node->deal);
    buffer_done(&node->p1);
    buffer_done(&node->p2);
    buffer_done(&node->ack);
    node_round_done(&node->round);
    check_done(&node->check);
    buffer_done(&node->close);
    buffer_done(&node->catching_certificate);
    free(node->sum);
    buffer_done(&node->reason);
    buffer_done(&node->refusal);
    free(node);
}

const struct fold *secagg_node_fold(const struct secagg_node *node)
{
    return &node->fold;
}

uint64_t secagg_node_round(const struct secagg_node *node)
{
    return node->last;
}

const char *secagg_node_phase(const struct secagg_node *node)
{
    struct secagg_node *own = (struct secagg_node *)(uintptr_t)node; /* the text is the machine's scratch */
    if (!node->joined && node->state != NODE_ENDED && node->state != NODE_DONE)
        (void)snprintf(own->phase, sizeof own->phase, "joining: waiting for attestations");
    else
        (void)snprintf(own->phase, sizeof own->phase, "%s (round %llu, step %llu)", state_names[node->state],
                       (unsigned long long)node->last, (unsigned long long)node->fold.step);
    return node->phase;
}

/* Close: each bank that checked the sum advances the fold and signs what came out; t signatures close the sum. A bank's
 * vote rides on its request for the next round, the certificate on the reply. */
#include "proto/run/note.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/ledger.h"
#include "proto/secagg/node.h"

/* ---- node */

/* The checkpoint that the vote's step leads to; every step before is in the log, for R0 came with its certificate. */
static struct result cosign(const struct secagg_node *node, struct wire_close *vote)
{
    struct run_log log = node->log;
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(run_log_add(&log, vote));
    TRY(run_log_text(&log, &node->run.id, &text));
    return note_cosignature_make(buffer_view(&text), node->config.key, vote->time, &vote->cosignature);
}

struct result close_vote(struct secagg_node *node, const uint64_t *sum, struct effects *effects)
{
    const struct check *check = &node->check;
    uint64_t step = node->fold.step;
    CLEANUP(buffer_done) struct buffer model = {0};
    struct hash model_hash;
    struct result advanced = fold_advance(&node->fold, sum, check->words);
    if (advanced.category == CATEGORY_USAGE) return node_refuse(node, effects, SECAGG_PLAN_FAILS "%s", result_reason());
    if (!result_ok(advanced) && advanced.category != CATEGORY_ENVIRONMENT)
        return node_refuse(node, effects, "the sum of round %llu cannot be a true one: %s",
                           (unsigned long long)check->open.round, result_reason());
    TRY(advanced);
    TRY(fold_model(&node->fold, node->run.thresholds.n, &model, &model_hash));
    node->closed = (struct wire_close){
        .run = node->run.id,
        .epoch = check->open.epoch,
        .round = check->open.round,
        .counter = node_count(node),
        .step = step,
        .ctx = check->open.ctx,
        .survivors = check->open.survivors,
        .headers = check->open.headers,
        .sum = check->open.sum,
        .state = node->fold.state_hash,
        .model = model_hash,
        .time = node->now < 1000 ? 1 : node->now / 1000,
    };
    TRY(cosign(node, &node->closed));
    buffer_clear(&node->close);
    TRY(node_sign(node, "close", WIRE_CLOSE, &node->closed, &node->close));
    node->state = NODE_READY;
    TRY(effect_persist_sum(effects, step, sum, check->words));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->fold.state), "state"));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->close), "close"));
    TRY(noise_erase(node, effects));
    node->masked.input = (struct hash){0}; /* of few numbers it could be guessed, and it is not needed any more */
    TRY(verify_tell(node, effects));
    check_done(&node->check);
    return node_keep_round(node, effects);
}

struct result close_check_certificate(struct secagg_node *node, struct view certificate, struct wire_arena *arena,
                                      struct run_log *ret)
{
    struct wire_close close;
    struct run_log log = node->log;
    bool logged = log.tree.size == node->fold.step;
    TRY(logged ? certificate_close(&node->run, certificate, arena, &close)
               : run_log_take(&log, &node->run, certificate, arena, &close));
    ENSURE(close.step + 1 == node->fold.step && close.step == node->closed.step, CATEGORY_PEER,
           "a CLOSE certificate of step %llu where that of step %llu is needed", (unsigned long long)close.step,
           (unsigned long long)node->fold.step - 1);
    ENSURE(hash_equal(&close.sum, &node->closed.sum) && hash_equal(&close.state, &node->fold.state_hash) &&
               hash_equal(&close.model, &node->closed.model),
           CATEGORY_PEER, "a CLOSE certificate on another sum, state or model than this bank computed for step %llu",
           (unsigned long long)close.step);
    *ret = log;
    return RESULT_OK;
}

struct result close_take_finished(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                  struct effects *effects)
{
    ENSURE(node->fold.finished, CATEGORY_PEER, "the run is said to be finished at step %llu, where it is not",
           (unsigned long long)node->fold.step);
    TRY(node_check_opened(node, message->payload, arena, effects));
    if (node->state == NODE_ENDING) return RESULT_OK;
    TRY(close_check_certificate(node, message->payload, arena, &node->log));
    node->state = NODE_DONE;
    TRY(run_log_keep(&node->log, effects));
    uint64_t step = node->closed.step;
    TRY(effect_persist(effects, KEEP_RUN, message->payload, "closed/%05llu", (unsigned long long)step));
    TRY(ledger_add_certificate(node, "close", node->closed.round, message->payload, effects));
    TRY(node_erase_secrets(node, effects));
    return node_keep_round(node, effects);
}

/* ---- coordinator */

static struct result check_cosignature(const struct secagg_coordinator *coordinator, unsigned from,
                                       const struct wire_close *vote)
{
    struct run_log log = coordinator->log;
    TRY(run_log_add(&log, vote));
    return run_log_check_cosignature(&log, &coordinator->run, from, vote);
}

struct result close_take_vote(struct secagg_coordinator *coordinator, unsigned from, struct view bytes,
                              struct wire_arena *arena, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    struct wire_signed one;
    struct signed_body body;
    TRY(wire_signed_decode(bytes, coordinator->run.terms.roster->size, arena, &one));
    TRY(coordinator_read(coordinator, from, "close", WIRE_CLOSE, &one, arena, &body));
    if (!coordinator_is_current(coordinator, body.close.round) || coordinator->phase != PHASE_CLOSE) return RESULT_OK;
    ENSURE(body.close.epoch == round->terms.epoch && body.close.step == round->terms.step &&
               hash_equal(&body.close.ctx, &round->ctx) && members_equal(&body.close.survivors, &round->survivors) &&
               hash_equal(&body.close.headers, &round->headers) && hash_equal(&body.close.sum, &round->sum_hash) &&
               hash_equal(&body.close.state, &coordinator->next.state_hash) &&
               hash_equal(&body.close.model, &coordinator->model),
           CATEGORY_PEER, "%s closes round %llu on another sum, state or model", run_member(&coordinator->run, from),
           (unsigned long long)body.close.round);
    TRY(check_cosignature(coordinator, from, &body.close));
    return coordinator_keep(coordinator, &round->closes, from, bytes, effects, "close/%05llu/%05u",
                            (unsigned long long)body.close.round, from);
}

/* The certificate, the log with its step in, and the checkpoint over it as a note. */
static struct result certify(struct secagg_coordinator *coordinator, struct effects *effects)
{
    unsigned long long step = (unsigned long long)coordinator->round.terms.step;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer note = {0};
    struct wire_close closed;
    struct view certificate = buffer_view(&coordinator->close);
    TRY(run_log_take(&coordinator->log, &coordinator->run, certificate, &arena, &closed));
    TRY(run_log_note(&coordinator->log, &coordinator->run, coordinator->config.key, certificate, &note));
    TRY(effect_persist(effects, KEEP_RUN, certificate, "closed/%05llu", step));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&note), "checkpoint/%05llu", step));
    return run_log_keep(&coordinator->log, effects);
}

struct result close_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    struct coordinator_round *round = &coordinator->round;
    unsigned t = coordinator->run.thresholds.t;
    if (members_count(&round->closes.have) < t) return RESULT_OK;
    buffer_clear(&coordinator->close);
    TRY(ballot_list(&round->closes, NULL, t, &coordinator->close));
    TRY(certify(coordinator, effects));
    fold_done(&coordinator->fold);
    coordinator->fold = coordinator->next;
    coordinator->next = (struct fold){0};
    buffer_clear(&coordinator->retry);
    coordinator->fixed = false;
    coordinator->phase = PHASE_NEXT;
    /* The round before this one is behind every bank that can still matter to it. */
    if (round->terms.round > 1) coordinator->erase_to = round->terms.round - 1;
    *ret_moved = true;
    if (coordinator->fold.finished) TRY(coordinator_done(coordinator, effects));
    return effect_persist(effects, KEEP_RUN, buffer_view(&coordinator->fold.state), "state");
}

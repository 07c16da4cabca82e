/* R0, coordinator → nodes: everything the round's masks are bound to. A node recomputes all of it; any difference, and
 * it refuses. Before it, a node asks for the next round, and its CLOSE vote on the last sum rides along. */
#include "proto/secagg/coordinator.h"
#include "proto/secagg/ledger.h"
#include "proto/secagg/node.h"

/* ---- node */

struct result r0_ask(struct secagg_node *node, struct effects *effects)
{
    TRY(noise_prepare(node));
    struct wire_await await = {.step = node->fold.step, .close = buffer_view(&node->close)};
    return effect_send(effects, 0, MESSAGE_AWAIT, &await);
}

/* What ctx must be made of, but for the round's number and what it retries. */
static struct result check_terms(struct secagg_node *node, const struct wire_r0 *r0)
{
    unsigned long long round = (unsigned long long)r0->round;
    ENSURE(r0->epoch == node->epoch.epoch && provision_covers(&node->epoch, r0->round), CATEGORY_PEER,
           "R0 of round %llu in epoch %u, which is not provisioned", round, r0->epoch);
    ENSURE(r0->step == node->fold.step, CATEGORY_PEER, "R0 for step %llu where this bank is at step %llu",
           (unsigned long long)r0->step, (unsigned long long)node->fold.step);
    ENSURE(hash_equal(&r0->roster, &node->run.terms.roster->hash), CATEGORY_PEER, "R0 names another roster");
    ENSURE(hash_equal(&r0->plan, &node->run.terms.plan->hash), CATEGORY_PEER, "R0 names another plan");
    ENSURE(hash_equal(&r0->set, &node->epoch.set), CATEGORY_PEER, "R0 names another set of keys");
    ENSURE(hash_equal(&r0->state, &node->fold.state_hash), CATEGORY_PEER,
           "R0 of round %llu names another state than the one this bank computed", round);
    ENSURE(hash_equal(&r0->layout, &node->fold.layout_hash), CATEGORY_PEER, "R0 names another layout");
    ENSURE(!node->fold.finished, CATEGORY_PEER, "R0 of round %llu after the last step", round);
    return RESULT_OK;
}

/* Rule 2: a step that this bank masked is masked again only when that round is proven void, or under the certificate
 * on its U with U and x as they were. `masked` is what the certificate shown makes of what this bank remembers. */
static struct result check_retry(struct secagg_node *node, const struct wire_r0 *r0, struct view certificate,
                                 struct wire_arena *arena, struct node_masked *masked)
{
    bool again = masked->round && masked->step == r0->step;
    if (!again) *masked = (struct node_masked){0};
    if (hash_is_zero(&r0->retry)) {
        ENSURE(!again && !certificate.length, CATEGORY_PEER,
               "R0 asks for step %llu again without proof that round %llu is void", (unsigned long long)r0->step,
               (unsigned long long)masked->round);
        return RESULT_OK;
    }
    struct hash hash;
    TRY(ctx_certificate_hash(certificate, &hash));
    ENSURE(hash_equal(&hash, &r0->retry), CATEGORY_PEER, "R0 comes with another certificate than it names");
    struct wire_void voided;
    if (result_ok(certificate_void(&node->run, certificate, arena, &voided))) {
        ENSURE(voided.round < r0->round, CATEGORY_PEER, "a VOID certificate of a later round");
        if (again && voided.round == masked->round) masked->voided = true;
    } else {
        struct wire_r2 spent;
        TRY(certificate_r2(&node->run, certificate, arena, &spent));
        bool resolves = spent.round == masked->round || masked->voided || masked->fixed;
        ENSURE(spent.round < r0->round && (!again || resolves), CATEGORY_PEER,
               "R0 asks for step %llu again with a certificate of round %llu, which is not the one it was masked in",
               (unsigned long long)r0->step, (unsigned long long)spent.round);
        ENSURE(!masked->fixed || members_equal(&masked->survivors, &spent.survivors), CATEGORY_PEER,
               "two certificates on different sets of inputs for one step");
        masked->fixed = true;
        masked->survivors = spent.survivors;
    }
    ENSURE(!again || masked->voided || masked->fixed, CATEGORY_PEER,
           "R0 asks for step %llu again, but round %llu is not proven void", (unsigned long long)r0->step,
           (unsigned long long)masked->round);
    return RESULT_OK;
}

/* The sum before must be closed by t banks, on the state that this bank computed from it. */
static struct result check_previous(struct secagg_node *node, struct view certificate, struct wire_arena *arena,
                                    struct run_log *ret)
{
    *ret = node->log;
    if (node->fold.step == 0) {
        ENSURE(!certificate.length, CATEGORY_PEER, "a CLOSE certificate before the first sum");
        return RESULT_OK;
    }
    return close_check_certificate(node, certificate, arena, ret);
}

static struct result keep_previous(struct secagg_node *node, const struct run_log *log, struct view certificate,
                                   struct effects *effects)
{
    node->log = *log;
    if (node->fold.step == 0) return RESULT_OK;
    TRY(effect_persist(effects, KEEP_RUN, certificate, "closed/%05llu", (unsigned long long)node->fold.step - 1));
    return run_log_keep(log, effects);
}

struct result r0_take_provision(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                struct effects *effects)
{
    struct run_log log;
    const struct wire_provision *call = &message->provision;
    /* Nothing of it is news: an epoch is used up to its last round. */
    ENSURE(call->epoch == node->epoch.epoch + 1 && call->first == node->epoch.first + node->epoch.rounds, CATEGORY_PEER,
           "a call to provision epoch %u from round %llu, after epoch %u from round %llu of %u rounds", call->epoch,
           (unsigned long long)call->first, node->epoch.epoch, (unsigned long long)node->epoch.first,
           node->epoch.rounds);
    TRY(node_check_opened(node, call->close, arena, effects));
    if (node->state == NODE_ENDING) return RESULT_OK;
    TRY(check_previous(node, call->close, arena, &log));
    TRY(keep_previous(node, &log, call->close, effects));
    return p1_begin(node, call->epoch, call->first, effects);
}

/* The history that this bank has seen certified, and no other. */
static struct result check_checkpoint(const struct secagg_node *node, const struct wire_r0 *r0,
                                      const struct run_log *log)
{
    struct hash expected;
    TRY(run_log_checkpoint(log, &node->run.id, &expected));
    ENSURE(hash_equal(&r0->checkpoint, &expected), CATEGORY_PEER,
           "R0 of round %llu names another checkpoint than that of this bank's log of %llu steps",
           (unsigned long long)r0->round, (unsigned long long)log->tree.size);
    return RESULT_OK;
}

static struct result note_equivocation(struct secagg_node *node, const struct wire_round *round,
                                       struct effects *effects)
{
    if (view_equal(round->r0, buffer_view(&node->round.r0)))
        return FAIL(CATEGORY_PEER, "R0 of round %llu again", (unsigned long long)node->round.terms.round);
    TRY(node_evidence(node, effects, "r0", buffer_view(&node->round.r0), round->r0));
    return node_refuse(node, effects, "%s opened round %llu twice, with different terms", run_member(&node->run, 0),
                       (unsigned long long)node->round.terms.round);
}

struct result r0_take_second(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                             struct effects *effects)
{
    struct signed_body body;
    TRY(node_read_coordinator(node, "r0", WIRE_R0, message->round.r0, arena, &body));
    ENSURE(body.r0.round == node->round.terms.round && node->round.r0.length, CATEGORY_PEER,
           "R0 of round %llu in round %llu", (unsigned long long)body.r0.round,
           (unsigned long long)node->round.terms.round);
    return note_equivocation(node, &message->round, effects);
}

static struct result enter(struct secagg_node *node, const struct wire_round *round, const struct wire_r0 *r0,
                           const struct node_masked *masked, struct effects *effects)
{
    struct hash ctx;
    TRY(ctx_of(r0, &ctx));
    node_round_done(&node->round);
    TRY(buffer_append(&node->round.r0, round->r0));
    node->round.terms = *r0;
    node->round.ctx = ctx;
    node->round.words = node->fold.words;
    node->round.chunks = check_chunks(node->fold.words);
    node->masked = *masked;
    TRY(node_reach_round(node, r0->round, effects));
    unsigned long long number = (unsigned long long)r0->round;
    TRY(effect_persist(effects, KEEP_RUN, round->r0, "r0/%05llu", number));
    if (round->retry.length) TRY(effect_persist(effects, KEEP_RUN, round->retry, "retry/%05llu", number));
    if (node->missing[r0->round - node->epoch.first]) return vote_void(node, r0->round, effects);
    node->state = NODE_CONTRIBUTING;
    return node_keep_round(node, effects);
}

/* What the terms were compared with: the certificate of the step before and the checkpoint that it leads to. */
static struct result certified_before(const struct secagg_node *node, struct view certificate,
                                      const struct run_log *log, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    if (node->fold.step == 0) return RESULT_OK;
    TRY(run_log_text(log, &node->run.id, &text));
    const struct view items[2] = {certificate, buffer_view(&text)};
    return wire_list_encode(&(struct wire_list){items, 2}, out);
}

/* The terms, and the certificate of the step before, which also says what the terms must be. ret: the log with it. */
static struct result check_round(struct secagg_node *node, const struct wire_round *round, const struct wire_r0 *r0,
                                 struct wire_arena *arena, struct effects *effects, struct run_log *ret)
{
    CLEANUP(buffer_done) struct buffer context = {0};
    bool certified = result_ok(check_previous(node, round->close, arena, ret));
    if (certified && r0->step == node->fold.step) TRY(certified_before(node, round->close, ret, &context));
    struct result fits = check_terms(node, r0);
    /* One of a step or epoch that this bank has left may only be late. */
    if (!result_ok(fits) && (r0->step < node->fold.step || r0->epoch < node->epoch.epoch)) return fits;
    if (result_ok(fits)) {
        if (!certified) TRY(check_previous(node, round->close, arena, ret));
        fits = check_checkpoint(node, r0, ret);
    }
    return node_refused(node, effects, "r0", round->r0, buffer_view(&context), fits);
}

struct result r0_take(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                      struct effects *effects)
{
    struct signed_body body;
    TRY(node_read_coordinator(node, "r0", WIRE_R0, message->round.r0, arena, &body));
    const struct wire_r0 *r0 = &body.r0;
    if (r0->round == node->round.terms.round && node->round.r0.length)
        return note_equivocation(node, &message->round, effects);
    ENSURE(r0->round > node->last, CATEGORY_PEER, "R0 of round %llu after round %llu: rounds only grow",
           (unsigned long long)r0->round, (unsigned long long)node->last);
    struct run_log log;
    TRY(node_check_opened(node, message->round.close, arena, effects));
    if (node->state == NODE_ENDING) return RESULT_OK;
    TRY(check_round(node, &message->round, r0, arena, effects, &log));
    struct node_masked masked = node->masked;
    TRY(check_retry(node, r0, message->round.retry, arena, &masked));
    struct result allowed = ledger_check(node);
    if (allowed.category == CATEGORY_FALSE) return node_refuse(node, effects, "%s", result_reason());
    TRY(allowed);
    TRY(keep_previous(node, &log, message->round.close, effects));
    return enter(node, &message->round, r0, &masked, effects);
}

/* ---- coordinator */

struct result r0_take_await(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                            struct wire_arena *arena, struct effects *effects)
{
    coordinator->peers[from].asked.step = message->await.step;
    if (!message->await.close.length) return RESULT_OK;
    return close_take_vote(coordinator, from, message->await.close, arena, effects);
}

static struct result issue(struct secagg_coordinator *coordinator, uint64_t number, struct effects *effects)
{
    TRY(coordinator_round_init(coordinator));
    struct coordinator_round *round = &coordinator->round;
    round->terms = (struct wire_r0){
        .run = coordinator->run.id,
        .epoch = coordinator->epoch.epoch,
        .round = number,
        .step = coordinator->fold.step,
        .roster = coordinator->run.terms.roster->hash,
        .set = coordinator->epoch.set,
        .plan = coordinator->run.terms.plan->hash,
        .state = coordinator->fold.state_hash,
        .layout = coordinator->fold.layout_hash,
    };
    unsigned long long key = (unsigned long long)number;
    TRY(run_log_checkpoint(&coordinator->log, &coordinator->run.id, &round->terms.checkpoint));
    if (coordinator->retry.length) {
        TRY(ctx_certificate_hash(buffer_view(&coordinator->retry), &round->terms.retry));
        TRY(effect_persist(effects, KEEP_RUN, buffer_view(&coordinator->retry), "retry/%05llu", key));
    }
    TRY(ctx_of(&round->terms, &round->ctx));
    TRY(coordinator_sign(coordinator, "r0", WIRE_R0, &round->terms, &round->r0));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&round->r0), "r0/%05llu", key));
    uint8_t record[8];
    bytes_put_u64(record, number);
    TRY(effect_persist(effects, KEEP_RUN, view_of(record, sizeof record), "round"));
    coordinator->last = number;
    coordinator->phase = PHASE_COLLECT;
    coordinator->patience_over = false;
    coordinator->patience_at = 0;
    for (unsigned i = 0; i <= coordinator->run.terms.roster->size; i++) coordinator->peers[i].returned = false;
    if (coordinator->run.terms.plan->on_dropout == DROPOUT_CONTINUE)
        coordinator->patience_at = coordinator->now + coordinator->config.patience_ms;
    CLEANUP(buffer_done) struct buffer progress = {0};
    const char *line = NULL;
    TRY(fold_progress(&coordinator->fold, &progress));
    TRY(buffer_terminate(&progress, &line));
    return effect_event(effects, "round %llu: %s", key, line);
}

struct result r0_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    *ret_moved = true;
    if (coordinator->fold.finished) {
        coordinator->phase = PHASE_FINISHED;
        return RESULT_OK;
    }
    uint64_t number = coordinator->last + 1;
    if (number > RUN_ROUNDS_MAX)
        return coordinator_end(coordinator, effects, "the run took %u rounds and is not finished", RUN_ROUNDS_MAX);
    if (number < coordinator->epoch.first) number = coordinator->epoch.first;
    if (!provision_covers(&coordinator->epoch, number))
        return p1_open_epoch(coordinator, coordinator->epoch.epoch + 1, number, effects);
    return issue(coordinator, number, effects);
}

static struct result send_round(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    struct wire_round round = {.r0 = buffer_view(&coordinator->round.r0), .retry = buffer_view(&coordinator->retry)};
    if (coordinator->fold.step > 0) round.close = buffer_view(&coordinator->close);
    return coordinator_reply_with(coordinator, member, MESSAGE_ROUND, &round, effects);
}

struct result r0_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    uint64_t step = coordinator->peers[member].asked.step;
    if (step < coordinator->fold.step) return catch_answer_closed(coordinator, member, effects);
    if (step > coordinator->fold.step) return RESULT_OK; /* its CLOSE vote waits for the others' */
    switch (coordinator->phase) {
    case PHASE_P1: {
        struct wire_provision call = {.epoch = coordinator->epoch.epoch, .first = coordinator->epoch.first};
        if (coordinator->fold.step > 0) call.close = buffer_view(&coordinator->close);
        return coordinator_reply_with(coordinator, member, MESSAGE_PROVISION, &call, effects);
    }
    case PHASE_COLLECT:
    case PHASE_VOTE:
    case PHASE_RELEASE:
        return send_round(coordinator, member, effects);
    case PHASE_VOID:
        return coordinator_reply(coordinator, member, MESSAGE_VOID_PROPOSAL,
                                 buffer_view(&coordinator->round.void_proposal), effects);
    case PHASE_FINISHED:
        return coordinator_reply(coordinator, member, MESSAGE_FINISHED, buffer_view(&coordinator->close), effects);
    default:
        return RESULT_OK;
    }
}

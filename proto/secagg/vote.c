/* R2: the coordinator proposes U, the set of inputs, with M, the root of their R1 headers; a bank that finds its own
 * header there signs both. Or VOID: the bank erases the round and signs that it released nothing and never will.
 * A bank signs one U and one VOID a round, in that order at most; the coordinator proposes VOID and never uses U then.
 */
#include <stdio.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/ledger.h"
#include "proto/secagg/node.h"

/* ---- node */

/* The bank's own header under M. */
static struct result check_own_header(struct secagg_node *node, const struct wire_r2 *r2, struct view path,
                                      struct wire_arena *arena)
{
    unsigned position = node->config.position;
    struct wire_signed header;
    TRY(wire_signed_decode(buffer_view(&node->round.header), node->run.terms.roster->size, arena, &header));
    struct hash leaf;
    TRY(merkle_leaf(header.body, &leaf));
    return refuse_peer(result_at(merkle_verify_inclusion(&leaf, members_rank(&r2->survivors, position),
                                                         members_count(&r2->survivors), path, &r2->headers),
                                 "this bank's R1 in the proposal: "));
}

/* What the coordinator signed. The path is not part of it, and a wrong one proves nothing. */
static struct result check_proposal(struct secagg_node *node, const struct wire_r2 *r2)
{
    TRY(run_check_survivors(&node->run, &r2->survivors));
    ENSURE(hash_equal(&r2->ctx, &node->round.ctx) && r2->epoch == node->round.terms.epoch, CATEGORY_PEER,
           "a proposal for other terms than those of R0");
    ENSURE(!node->masked.fixed || members_equal(&r2->survivors, &node->masked.survivors), CATEGORY_PEER,
           "a proposal of another set than the one that is certified for this step");
    ENSURE(members_has(&r2->survivors, node->config.position), CATEGORY_PEER,
           "a proposal for round %llu without this bank's input, which was taken", (unsigned long long)r2->round);
    return RESULT_OK;
}

struct result vote_take_proposal(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                 struct effects *effects)
{
    struct view proposal = message->proposal.proposal;
    struct signed_body body;
    TRY(node_read_coordinator(node, "r2", WIRE_R2, proposal, arena, &body));
    ENSURE(body.r2.round == node->round.terms.round && body.r2.counter == 0, CATEGORY_PEER,
           "a proposal for round %llu in round %llu", (unsigned long long)body.r2.round,
           (unsigned long long)node->round.terms.round);
    if (node->state == NODE_VOTED) {
        if (view_equal(proposal, buffer_view(&node->round.proposal))) return RESULT_OK;
        TRY(node_evidence(node, effects, "r2", buffer_view(&node->round.proposal), proposal));
        return node_refuse(node, effects, "%s proposed two sets of inputs for round %llu", run_member(&node->run, 0),
                           (unsigned long long)body.r2.round);
    }
    TRY(node_refused(node, effects, "r2", proposal, (struct view){0}, check_proposal(node, &body.r2)));
    TRY(check_own_header(node, &body.r2, message->proposal.path, arena));
    struct wire_r2 vote = body.r2;
    vote.counter = node_count(node);
    buffer_clear(&node->round.vote);
    TRY(node_sign(node, "r2", WIRE_R2, &vote, &node->round.vote));
    buffer_clear(&node->round.proposal);
    TRY(buffer_append(&node->round.proposal, proposal));
    node->state = NODE_VOTED;
    unsigned long long round = (unsigned long long)vote.round;
    TRY(effect_persist(effects, KEEP_RUN, proposal, "proposal/%05llu", round));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->round.vote), "r2/%05llu", round));
    return node_keep_round(node, effects);
}

struct result vote_void(struct secagg_node *node, uint64_t round, struct effects *effects)
{
    if (round != node->round.terms.round) {
        node_round_done(&node->round);
        node->round.terms.epoch = node->epoch.epoch;
        node->round.terms.round = round;
    }
    struct wire_void vote = {
        .run = node->run.id, .epoch = node->epoch.epoch, .round = round, .counter = node_count(node)};
    buffer_clear(&node->round.void_vote);
    TRY(node_sign(node, "void", WIRE_VOID, &vote, &node->round.void_vote));
    TRY(node_reach_round(node, round, effects));
    node->state = NODE_VOIDED;
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->round.void_vote), "void/%05llu",
                       (unsigned long long)round));
    TRY(node_erase_round(node, round, effects));
    return node_keep_round(node, effects);
}

struct result vote_take_void_proposal(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                      struct effects *effects)
{
    struct signed_body body;
    TRY(signed_verify(&node->run, "void", WIRE_VOID, &message->one, arena, &body));
    uint64_t round = body.void_.round;
    ENSURE(body.message.signer == 0 && body.void_.epoch == node->epoch.epoch && provision_covers(&node->epoch, round),
           CATEGORY_PEER, "a proposal to void round %llu, which is not provisioned", (unsigned long long)round);
    bool mine = node->state == NODE_READY ? round > node->last : round == node->round.terms.round;
    ENSURE(mine, CATEGORY_PEER, "a proposal to void round %llu, which this bank is not in", (unsigned long long)round);
    return vote_void(node, round, effects);
}

struct result vote_take_void_certificate(struct secagg_node *node, const struct message *message,
                                         struct wire_arena *arena, struct effects *effects)
{
    struct wire_void voided;
    TRY(certificate_void(&node->run, message->payload, arena, &voided));
    ENSURE(voided.epoch == node->round.terms.epoch && voided.round == node->round.terms.round, CATEGORY_PEER,
           "a VOID certificate of round %llu in round %llu", (unsigned long long)voided.round,
           (unsigned long long)node->round.terms.round);
    TRY(node_erase_round(node, voided.round, effects));
    if (node->masked.round == voided.round) node->masked.voided = true;
    node->state = NODE_READY;
    TRY(effect_persist(effects, KEEP_RUN, message->payload, "voided/%05llu", (unsigned long long)voided.round));
    TRY(ledger_add_certificate(node, "void", voided.round, message->payload, effects));
    return node_keep_round(node, effects);
}

/* ---- coordinator */

struct result vote_settle_headers(struct secagg_coordinator *coordinator)
{
    struct coordinator_round *round = &coordinator->round;
    struct hash leaves[MEMBERS_MAX];
    size_t count = 0;
    for (unsigned j = members_next(&round->survivors, 0); j; j = members_next(&round->survivors, j))
        leaves[count++] = round->uploads[j].leaf;
    merkle_paths_free(round->paths);
    round->paths = NULL;
    TRY(merkle_paths_new(leaves, count, &round->paths));
    round->headers = *merkle_paths_root(round->paths);
    return RESULT_OK;
}

struct result vote_drop_others(struct secagg_coordinator *coordinator)
{
    struct coordinator_round *round = &coordinator->round;
    const struct members *cohort = run_cohort(&coordinator->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        if (members_has(&round->survivors, j)) continue;
        for (uint32_t c = 0; c < round->uploads[j].next; c++) {
            CLEANUP(buffer_done) struct buffer chunk = {0};
            TRY(record_need(&coordinator->config.records, KEEP_RUN, &chunk, "y/%05llu/%05u/%05u",
                            (unsigned long long)round->terms.round, j, c));
            check_subtract(round->sum + (size_t)c * CHUNK_WORDS, buffer_view(&chunk));
        }
    }
    return RESULT_OK;
}

/* A bank of U may be gone before it votes: a run that goes on without silent banks then voids the round, as one does in
 * which a bank has voided already. */
bool vote_may_be_given_up(const struct secagg_coordinator *coordinator)
{
    return coordinator->run.terms.plan->on_dropout == DROPOUT_CONTINUE ||
           members_count(&coordinator->round.voids.have) > 0;
}

struct result vote_propose(struct secagg_coordinator *coordinator, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    round->survivors = coordinator->fixed ? coordinator->fixed_survivors : round->complete;
    TRY(vote_drop_others(coordinator));
    TRY(vote_settle_headers(coordinator));
    struct wire_r2 proposal = {
        .run = coordinator->run.id,
        .epoch = round->terms.epoch,
        .round = round->terms.round,
        .ctx = round->ctx,
        .survivors = round->survivors,
        .headers = round->headers,
    };
    buffer_clear(&round->proposal);
    TRY(coordinator_sign(coordinator, "r2", WIRE_R2, &proposal, &round->proposal));
    round->proposed = true;
    coordinator->phase = PHASE_VOTE;
    coordinator->patience_at =
        vote_may_be_given_up(coordinator) ? coordinator->now + coordinator->config.patience_ms : 0;
    return effect_persist(effects, KEEP_RUN, buffer_view(&round->proposal), "proposal/%05llu",
                          (unsigned long long)proposal.round);
}

struct result void_propose(struct secagg_coordinator *coordinator, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    struct wire_void proposal = {.run = coordinator->run.id, .epoch = round->terms.epoch, .round = round->terms.round};
    buffer_clear(&round->void_proposal);
    TRY(coordinator_sign(coordinator, "void", WIRE_VOID, &proposal, &round->void_proposal));
    round->void_proposed = true;
    coordinator->phase = PHASE_VOID;
    coordinator->patience_at = 0;
    unsigned long long number = (unsigned long long)proposal.round;
    TRY(effect_event(effects, "round %llu cannot be completed; it is voided and its step is done again", number));
    return effect_persist(effects, KEEP_RUN, buffer_view(&round->void_proposal), "voiding/%05llu", number);
}

struct result vote_take(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                        struct wire_arena *arena, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    struct signed_body body;
    TRY(coordinator_read(coordinator, from, "r2", WIRE_R2, &message->one, arena, &body));
    coordinator->peers[from].asked.round = body.r2.round;
    if (!coordinator_is_current(coordinator, body.r2.round) || coordinator->phase != PHASE_VOTE) return RESULT_OK;
    ENSURE(hash_equal(&body.r2.ctx, &round->ctx) && members_equal(&body.r2.survivors, &round->survivors) &&
               hash_equal(&body.r2.headers, &round->headers) && body.r2.epoch == round->terms.epoch,
           CATEGORY_PEER, "a vote of %s on something else than was proposed", run_member(&coordinator->run, from));
    return coordinator_keep(coordinator, &round->votes, from, message->payload, effects, "vote/%05llu/%05u",
                            (unsigned long long)body.r2.round, from);
}

struct result vote_take_void(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                             struct wire_arena *arena, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    struct signed_body body;
    TRY(coordinator_read(coordinator, from, "void", WIRE_VOID, &message->one, arena, &body));
    coordinator->peers[from].asked.round = body.void_.round;
    if (!coordinator_is_open(coordinator, body.void_.round)) return RESULT_OK;
    ENSURE(body.void_.epoch == round->terms.epoch, CATEGORY_PEER, "a VOID of %s for another epoch",
           run_member(&coordinator->run, from));
    if (members_has(&round->releases.have, from)) { /* who has released has nothing left to void */
        char what[MACHINE_KEY_MAX];
        (void)snprintf(what, sizeof what, "void/%05llu/%05u", (unsigned long long)body.void_.round, from);
        return coordinator_evidence(coordinator, from, what, message->payload, effects);
    }
    if (!members_has(&round->voids.have, from)) {
        TRY(effect_event(effects, "round %llu: %s has voided it", (unsigned long long)body.void_.round,
                         run_member(&coordinator->run, from)));
        if (coordinator->phase == PHASE_VOTE)
            coordinator->patience_at = coordinator->now + coordinator->config.patience_ms;
    }
    return coordinator_keep(coordinator, &round->voids, from, message->payload, effects, "void/%05llu/%05u",
                            (unsigned long long)body.void_.round, from);
}

struct result vote_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    struct coordinator_round *round = &coordinator->round;
    const struct thresholds *thresholds = &coordinator->run.thresholds;
    unsigned long long number = (unsigned long long)round->terms.round;
    if (members_count(&round->votes.have) >= thresholds->t) {
        buffer_clear(&round->certificate);
        TRY(ballot_list(&round->votes, NULL, thresholds->t, &round->certificate));
        round->certified = true;
        coordinator->phase = PHASE_RELEASE;
        coordinator->patience_at = 0;
        *ret_moved = true;
        return effect_persist(effects, KEEP_RUN, buffer_view(&round->certificate), "certificate/%05llu", number);
    }
    unsigned voids = members_count(&round->voids.have);
    bool over = coordinator->patience_over && vote_may_be_given_up(coordinator);
    coordinator->patience_over = false;
    if (thresholds->n - voids >= thresholds->t && !over) return RESULT_OK;
    *ret_moved = true;
    return void_propose(coordinator, effects);
}

struct result void_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    struct coordinator_round *round = &coordinator->round;
    if (members_count(&round->voids.have) < coordinator->run.thresholds.v) return RESULT_OK;
    buffer_clear(&coordinator->retry);
    TRY(ballot_list(&round->voids, NULL, coordinator->run.thresholds.v, &coordinator->retry));
    coordinator->phase = PHASE_NEXT;
    coordinator->erase_to = round->terms.round;
    *ret_moved = true;
    unsigned long long number = (unsigned long long)round->terms.round;
    return effect_persist(effects, KEEP_RUN, buffer_view(&coordinator->retry), "voided/%05llu", number);
}

static struct result send_proposal(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    const struct coordinator_round *round = &coordinator->round;
    if (!members_has(&round->survivors, member)) return RESULT_OK; /* it has nothing to check; R3 comes to it too */
    CLEANUP(buffer_done) struct buffer path = {0};
    TRY(merkle_paths_get(round->paths, members_rank(&round->survivors, member), &path));
    struct wire_proposal proposal = {.proposal = buffer_view(&round->proposal), .path = buffer_view(&path)};
    return coordinator_reply_with(coordinator, member, MESSAGE_PROPOSAL, &proposal, effects);
}

/* What comes after R1, and after a vote on U. */
struct result vote_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    const struct asked *asked = &coordinator->peers[member].asked;
    const struct coordinator_round *round = &coordinator->round;
    if (!coordinator_is_open(coordinator, asked->round))
        return coordinator_answer_past(coordinator, member, asked->round, effects);
    switch (coordinator->phase) {
    case PHASE_VOTE:
        return asked->kind == MESSAGE_VOTE ? RESULT_OK : send_proposal(coordinator, member, effects);
    case PHASE_VOID:
        return coordinator_reply(coordinator, member, MESSAGE_VOID_PROPOSAL, buffer_view(&round->void_proposal),
                                 effects);
    case PHASE_RELEASE:
    case PHASE_CLOSE:
        return coordinator_reply(coordinator, member, MESSAGE_CERTIFICATE, buffer_view(&round->certificate), effects);
    default:
        return RESULT_OK;
    }
}

/* After VOID a bank waits for what became of the round. */
struct result void_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    uint64_t asked = coordinator->peers[member].asked.round;
    if (coordinator_is_open(coordinator, asked)) return RESULT_OK;
    return coordinator_answer_past(coordinator, member, asked, effects);
}

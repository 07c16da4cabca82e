/* JOIN and its attestations (rule 7): a bank that starts, or starts again, learns from t - 1 others the highest counter
 * they hold of it. Above its own, its disk is older than its last message: it must not go on. */
#include <string.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

struct result join_ask(struct secagg_node *node, struct effects *effects)
{
    if (!node->join.length) {
        random_draw(node->config.random, node->nonce, sizeof node->nonce);
        struct wire_join join = {.run = node->run.id, .counter = node->config.counters->mine};
        memcpy(join.nonce, node->nonce, sizeof join.nonce);
        TRY(signed_make(node->config.key, node->config.position, "join", WIRE_JOIN, &join, &node->join));
    }
    return effect_relay(effects, 0, MESSAGE_JOIN, buffer_view(&node->join));
}

static struct result check_attestation(struct secagg_node *node, const struct signed_body *body,
                                       struct members *attesters)
{
    unsigned by = body->message.signer;
    const struct wire_attest *attest = &body->attest;
    ENSURE(by != 0 && by != node->config.position && !members_has(attesters, by), CATEGORY_PEER,
           "an attestation by %s, which does not count", run_member(&node->run, by));
    ENSURE(hash_equal(&attest->roster, &node->run.terms.roster->hash) && attest->member == node->config.position &&
               memcmp(attest->nonce, node->nonce, sizeof node->nonce) == 0,
           CATEGORY_PEER, "an attestation by %s that does not answer this bank's JOIN", run_member(&node->run, by));
    members_add(attesters, by);
    return RESULT_OK;
}

/* A state directory older than this bank's last message has forgotten votes and the ledger, and what it signs from now
 * on must not count it up past what it forgot: so it is remembered, for this node key, and no run is joined with it
 * again. */
static struct result refuse_when_behind(struct secagg_node *node, uint64_t highest, unsigned by,
                                        struct effects *effects)
{
    char key[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(sign_key_public(node->config.key)->bytes, SIGN_PUBLIC_BYTES), key);
    CLEANUP(buffer_done) struct buffer found_by = {0};
    bool found;
    TRY(record_load(&node->config.records, KEEP_SHARED, &found_by, &found, "behind/%s", key));
    if (found)
        return node_refuse(node, effects,
                           "this bank's state directory was found older than its last message: it joins no run until "
                           "the roster has a new node key for it");
    unsigned long long mine = (unsigned long long)node->config.counters->mine;
    if (highest <= mine) return RESULT_OK;
    TRY(effect_persist(effects, KEEP_SHARED, view_text(run_member(&node->run, by)), "behind/%s", key));
    return node_refuse(node, effects,
                       "%s attests message %llu of this bank, whose own count stands at %llu: this state directory "
                       "is older than its last message (a restored backup?); this bank sits out the run",
                       run_member(&node->run, by), (unsigned long long)highest, mine);
}

struct result join_take_attestations(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                     struct effects *effects)
{
    struct members attesters = members_none(node->run.terms.roster->size);
    uint64_t highest = 0;
    unsigned by = 0;
    for (size_t i = 0; i < message->list.count; i++) {
        struct signed_body body;
        TRY(signed_read(&node->run, "attest", WIRE_ATTEST, message->list.items[i], arena, &body));
        TRY(check_attestation(node, &body, &attesters));
        if (body.attest.held > highest) {
            highest = body.attest.held;
            by = body.message.signer;
        }
    }
    ENSURE(members_count(&attesters) + 1 >= node->run.thresholds.t, CATEGORY_PEER,
           "%u attestations; this bank needs %u to join", members_count(&attesters), node->run.thresholds.t - 1);
    TRY(refuse_when_behind(node, highest, by, effects));
    if (node->state == NODE_ENDING) return RESULT_OK;
    node->joined = true;
    TRY(effect_event(effects, "%u other banks attest this bank's message counter: %llu", members_count(&attesters),
                     (unsigned long long)node->config.counters->mine));
    if (node->state == NODE_NEW) return p1_begin(node, 1, 1, effects);
    return RESULT_OK;
}

struct result secagg_attest(const struct sign_key *key, unsigned position, const struct roster *roster,
                            struct node_counters *counters, struct view request, struct buffer *out)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_signed message;
    struct wire_join join;
    TRY(wire_signed_decode(request, roster->size, &arena, &message));
    ENSURE(message.signer >= 1 && message.signer <= roster->size && message.signer != position, CATEGORY_PEER,
           "a request for attestation by member %u", message.signer);
    const struct roster_member *member = &roster->members[message.signer - 1];
    TRY(refuse_peer(
        result_at(sign_verify(&member->node, "join", message.body, &message.signature), "JOIN of %s: ", member->name)));
    TRY(wire_join_decode(message.body, roster->size, &arena, &join));
    struct wire_attest attest = {
        .run = join.run, .roster = roster->hash, .member = message.signer, .held = counters->held[message.signer]};
    memcpy(attest.nonce, join.nonce, sizeof attest.nonce);
    return signed_make(key, position, "attest", WIRE_ATTEST, &attest, out);
}

/* ---- the coordinator relays */

struct result join_take(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                        struct wire_arena *arena, struct effects *effects)
{
    (void)effects;
    struct signed_body body;
    TRY(signed_verify(&coordinator->run, "join", WIRE_JOIN, &message->one, arena, &body));
    ENSURE(body.message.signer == from, CATEGORY_PEER, "JOIN of %s in a message of %s",
           run_member(&coordinator->run, body.message.signer), run_member(&coordinator->run, from));
    struct peer *peer = &coordinator->peers[from];
    if (!view_equal(buffer_view(&peer->join), message->payload)) {
        buffer_clear(&peer->join);
        TRY(buffer_append(&peer->join, message->payload));
        memcpy(peer->nonce, body.join.nonce, sizeof peer->nonce);
        peer->join_order = ++coordinator->joins;
        if (peer->attestations.items)
            ballot_clear(&peer->attestations);
        else
            TRY(ballot_init(&peer->attestations, coordinator->run.terms.roster->size));
        coordinator_returned(coordinator, from);
    }
    return RESULT_OK;
}

static bool is_attested(const struct secagg_coordinator *coordinator, const struct peer *peer)
{
    return members_count(&peer->attestations.have) + 1 >= coordinator->run.thresholds.t;
}

struct result join_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    const struct peer *peer = &coordinator->peers[member];
    if (!is_attested(coordinator, peer)) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer list = {0};
    TRY(ballot_list(&peer->attestations, NULL, 0, &list));
    return coordinator_reply(coordinator, member, MESSAGE_JOINED, buffer_view(&list), effects);
}

bool secagg_coordinator_attest_request(const struct secagg_coordinator *coordinator, unsigned member, struct view *ret)
{
    if (!members_has(run_cohort(&coordinator->run), member)) return false;
    const struct peer *oldest = NULL;
    const struct members *cohort = run_cohort(&coordinator->run);
    for (unsigned i = members_next(cohort, 0); i; i = members_next(cohort, i)) {
        const struct peer *peer = &coordinator->peers[i];
        if (i == member || peer->asked.kind != MESSAGE_JOIN || !peer->join.length) continue;
        if ((oldest && peer->join_order > oldest->join_order) || members_has(&peer->attestations.have, member))
            continue;
        if (!is_attested(coordinator, peer)) oldest = peer;
    }
    if (!oldest) return false;
    *ret = buffer_view(&oldest->join);
    return true;
}

struct result secagg_coordinator_attested(struct secagg_coordinator *coordinator, unsigned member, struct view answer,
                                          struct effects *effects)
{
    ENSURE(!coordinator->busy, CATEGORY_BUG, "an attestation while a batch is under way");
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct signed_body body;
    TRY(signed_read(&coordinator->run, "attest", WIRE_ATTEST, answer, &arena, &body));
    unsigned about = body.attest.member;
    ENSURE(body.message.signer == member && about != member && members_has(run_cohort(&coordinator->run), about) &&
               hash_equal(&body.attest.roster, &coordinator->run.terms.roster->hash),
           CATEGORY_PEER, "an attestation by %s that nobody asked for", run_member(&coordinator->run, member));
    struct peer *peer = &coordinator->peers[about];
    /* One that answers an earlier JOIN of the same bank is late, not wrong. */
    if (!peer->join.length || memcmp(peer->nonce, body.attest.nonce, sizeof peer->nonce) != 0) return RESULT_OK;
    TRY(ballot_put(&peer->attestations, member, answer));
    return peer->asked.kind == MESSAGE_JOIN ? join_answer(coordinator, about, effects) : RESULT_OK;
}

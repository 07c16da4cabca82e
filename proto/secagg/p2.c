/* P2, node i → j: for each round the shares of a and of b, sealed to j and signed over the ciphertext. The coordinator
 * gets one list from each dealer and hands each bank those addressed to it. */
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* ---- node */

static struct ctx_pair channel_pair(const struct secagg_node *node, unsigned other)
{
    return (struct ctx_pair){
        .mine = node->config.position,
        .theirs = other,
        .my_public = &node->epoch.dealers[node->config.position].channel,
        .their_public = &node->epoch.dealers[other].channel,
        .psk = node_psk(node, other),
    };
}

/* Everything of one P2 but its signature; scratch is guarded: a key and the plaintext. */
static struct result seal_for(struct secagg_node *node, unsigned to, const struct merkle_paths *paths,
                              struct secret *scratch, struct buffer *sealed)
{
    unsigned rank = members_rank(run_cohort(&node->run), to);
    struct round_name name = run_round(&node->run, node->epoch.epoch, node->epoch.first);
    struct ctx_pair pair = channel_pair(node, to);
    uint8_t *key = secret_bytes(scratch), *plain = key + SEED_BYTES;
    TRY(ctx_channel_key(&name, &pair, pair.mine, to, deal_channel(&node->deal), key));
    CLEANUP(buffer_done) struct buffer data = {0};
    TRY(ctx_channel_data(&name, pair.mine, to, &data));
    CLEANUP(buffer_done) struct buffer path = {0};
    TRY(merkle_paths_get(paths, rank, &path));
    size_t shares = deal_block_bytes(&node->deal);
    memcpy(plain, deal_block(&node->deal, rank), shares);
    if (path.length) memcpy(plain + shares, path.data, path.length);
    return seal_box(key, buffer_view(&data), view_of(plain, shares + path.length), node->config.random, sealed);
}

static struct result make_one(struct secagg_node *node, unsigned to, const struct merkle_paths *paths,
                              struct secret *scratch, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer sealed = {0};
    TRY(seal_for(node, to, paths, scratch, &sealed));
    struct wire_p2 p2 = {.run = node->run.id,
                         .epoch = node->epoch.epoch,
                         .counter = node_count(node),
                         .to = to,
                         .sealed = buffer_view(&sealed)};
    TRY(ctx_psk_id(node_psk(node, to), &p2.psk));
    return node_sign(node, "p2", WIRE_P2, &p2, out);
}

struct result node_psk_ids(const struct secagg_node *node, struct buffer *out)
{
    const struct members *cohort = run_cohort(&node->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        struct hash id;
        TRY(ctx_psk_id(node_psk(node, j), &id));
        TRY(buffer_append(out, hash_view(&id)));
    }
    return RESULT_OK;
}

struct result p2_make(struct secagg_node *node, struct effects *effects)
{
    CLEANUP(merkle_paths_freep) struct merkle_paths *paths = NULL;
    TRY(deal_paths(&node->deal, &node->run, &node->epoch, &paths));
    CLEANUP(secret_freep) struct secret *scratch = NULL;
    TRY(secret_new(SEED_BYTES + deal_block_bytes(&node->deal) + WIRE_PATH_MAX, &scratch));
    CLEANUP(ballot_done) struct ballot bundle = {0};
    TRY(ballot_init(&bundle, node->run.terms.roster->size));
    const struct members *cohort = run_cohort(&node->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        if (!node->epoch.dealers[j].known) continue; /* no valid key to seal to; ACK will say so */
        CLEANUP(buffer_done) struct buffer one = {0};
        TRY(make_one(node, j, paths, scratch, &one));
        TRY(ballot_put(&bundle, j, buffer_view(&one)));
    }
    buffer_clear(&node->p2);
    TRY(ballot_list(&bundle, NULL, 0, &node->p2));
    secret_free(node->deal.dealt);
    node->deal.dealt = NULL;
    node->state = NODE_P2;
    CLEANUP(buffer_done) struct buffer ids = {0};
    TRY(node_psk_ids(node, &ids));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&ids), "psks"));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->p2), "p2/%u", node->epoch.epoch));
    TRY(effect_erase(effects, KEEP_SECRET, "secret/%u/dealt", node->epoch.epoch));
    return node_keep_epoch(node, effects);
}

/* Opens and verifies what one dealer sealed for this bank. */
static struct result open_one(struct secagg_node *node, unsigned dealer, const struct wire_p2 *p2)
{
    struct hash psk;
    TRY(ctx_psk_id(node_psk(node, dealer), &psk));
    ENSURE(hash_equal(&psk, &p2->psk), CATEGORY_FALSE, "another pre-shared key");
    size_t shares = deal_block_bytes(&node->deal);
    ENSURE(p2->sealed.length >= SEAL_OVERHEAD + shares && (p2->sealed.length - SEAL_OVERHEAD - shares) % 32 == 0,
           CATEGORY_FALSE, "shares of another length");
    size_t length = p2->sealed.length - SEAL_OVERHEAD;
    CLEANUP(secret_freep) struct secret *scratch = NULL;
    TRY(secret_new(SEED_BYTES + length, &scratch));
    uint8_t *key = secret_bytes(scratch), *plain = key + SEED_BYTES;
    struct round_name name = run_round(&node->run, node->epoch.epoch, node->epoch.first);
    struct ctx_pair pair = channel_pair(node, dealer);
    TRY(ctx_channel_key(&name, &pair, dealer, pair.mine, deal_channel(&node->deal), key));
    CLEANUP(buffer_done) struct buffer data = {0};
    TRY(ctx_channel_data(&name, dealer, pair.mine, &data));
    TRY(seal_open(key, buffer_view(&data), p2->sealed, plain));
    return deal_take(&node->deal, &node->run, &node->epoch, dealer, plain, view_of(plain + shares, length - shares));
}

struct result p2_take_mine(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                           struct effects *effects)
{
    struct members good = members_none(node->run.terms.roster->size);
    unsigned last = 0;
    /* All of them or nothing: a P2 that the coordinator keeps back is no fault of its dealer's. */
    ENSURE(message->list.count == node->run.thresholds.n, CATEGORY_PEER, "%zu P2 for this bank, from a cohort of %u",
           message->list.count, node->run.thresholds.n);
    for (size_t i = 0; i < message->list.count; i++) {
        struct signed_body body;
        TRY(signed_read(&node->run, "p2", WIRE_P2, message->list.items[i], arena, &body));
        unsigned dealer = body.message.signer;
        ENSURE(dealer > last && body.p2.epoch == node->epoch.epoch && body.p2.to == node->config.position,
               CATEGORY_PEER, "a P2 of %s that is out of place or not for this bank", run_member(&node->run, dealer));
        last = dealer;
        if (!node->epoch.dealers[dealer].known) continue;
        struct result result = open_one(node, dealer, &body.p2);
        if (result.category == CATEGORY_FALSE || result.category == CATEGORY_PEER)
            TRY(effect_event(effects, "what %s dealt to this bank does not hold: %s", run_member(&node->run, dealer),
                             result_reason()));
        else
            TRY(result);
        if (result_ok(result)) members_add(&good, dealer);
    }
    return ack_make(node, &good, effects);
}

/* ---- coordinator */

struct result p2_take(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                      struct wire_arena *arena, struct effects *effects)
{
    struct members receivers = members_none(coordinator->run.terms.roster->size);
    bool repeat = false;
    for (size_t i = 0; i < message->list.count; i++) {
        struct wire_signed one;
        TRY(wire_signed_decode(message->list.items[i], receivers.size, arena, &one));
        struct signed_body body;
        TRY(coordinator_read(coordinator, from, "p2", WIRE_P2, &one, arena, &body));
        ENSURE(i == 0 || body.p2.epoch == coordinator->peers[from].asked.epoch, CATEGORY_PEER,
               "P2 of %s for two epochs", run_member(&coordinator->run, from));
        coordinator->peers[from].asked.epoch = body.p2.epoch;
        ENSURE(body.p2.epoch <= coordinator->epoch.epoch && members_has(run_cohort(&coordinator->run), body.p2.to) &&
                   !members_has(&receivers, body.p2.to),
               CATEGORY_PEER, "a P2 of %s to nobody in particular", run_member(&coordinator->run, from));
        members_add(&receivers, body.p2.to);
        repeat = body.p2.epoch < coordinator->epoch.epoch || members_has(&coordinator->p2, from);
        if (repeat) return RESULT_OK;
        TRY(effect_persist(effects, KEEP_RUN, message->list.items[i], "p2/%05u/%05u/%05u", body.p2.epoch, body.p2.to,
                           from));
    }
    ENSURE(members_equal(&receivers, run_cohort(&coordinator->run)), CATEGORY_PEER,
           "%s did not deal to every bank of the cohort", run_member(&coordinator->run, from));
    members_add(&coordinator->p2, from);
    return RESULT_OK;
}

struct result p2_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    (void)effects;
    if (!members_equal(&coordinator->p2, run_cohort(&coordinator->run))) return RESULT_OK;
    coordinator->phase = PHASE_ACK;
    *ret_moved = true;
    return RESULT_OK;
}

/* Gathers the P2 addressed to one bank from the records. */
struct gathered {
    struct ballot *ballot;
};
static struct result gather(void *visitor, const char *key, struct view value)
{
    struct gathered *gathered = visitor;
    const char *dealer = strrchr(key, '/');
    unsigned long position = dealer ? strtoul(dealer + 1, NULL, 10) : 0;
    ENSURE(position >= 1 && position <= gathered->ballot->have.size, CATEGORY_ENVIRONMENT, "a damaged record key %s",
           key);
    return ballot_put(gathered->ballot, (unsigned)position, value);
}

struct result p2_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    if (coordinator->peers[member].asked.epoch != coordinator->epoch.epoch || coordinator->phase < PHASE_ACK)
        return RESULT_OK;
    CLEANUP(ballot_done) struct ballot mine = {0};
    TRY(ballot_init(&mine, coordinator->run.terms.roster->size));
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(buffer_format(&text, "p2/%05u/%05u/", coordinator->epoch.epoch, member));
    const char *key = NULL;
    TRY(buffer_terminate(&text, &key));
    const struct record_source *records = &coordinator->config.records;
    struct gathered gathered = {&mine};
    TRY(records->each(records->context, false, false, key, gather, &gathered));
    CLEANUP(buffer_done) struct buffer list = {0};
    TRY(ballot_list(&mine, NULL, 0, &list));
    return coordinator_reply(coordinator, member, MESSAGE_P2S, buffer_view(&list), effects);
}

/* R1, node → coordinator: the masked input, a signed header first and then its chunks, each acknowledged once it is
 * durable. The last one's answer is what the coordinator does next with the round. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/ledger.h"
#include "proto/secagg/node.h"

/* ---- node */

static struct result add_pair(struct secagg_node *node, const struct round_name *name, unsigned other, const uint8_t *e,
                              uint8_t *key, struct mask_set *set)
{
    struct ctx_pair pair = {
        .mine = node->config.position,
        .theirs = other,
        .my_public = provision_mask_key(&node->epoch, node->config.position, name->round),
        .their_public = provision_mask_key(&node->epoch, other, name->round),
        .psk = node_psk(node, other),
    };
    TRY(ctx_pair_key(name, &node->round.ctx, &pair, e, key));
    return mask_set_add(set, key, other < pair.mine);
}

/* y = x + PRG_self + Σ_{j>i} PRG_ij − Σ_{j<i} PRG_ij, in place. */
static struct result mask(struct secagg_node *node, uint64_t *words, uint64_t count)
{
    struct round_name name = node_round_name(node);
    const uint8_t *own = deal_own(&node->deal, (uint32_t)(name.round - node->epoch.first));
    CLEANUP(mask_set_freep) struct mask_set *set = NULL;
    TRY(mask_set_new(node->run.thresholds.n, &set));
    CLEANUP(secret_freep) struct secret *scratch = NULL;
    TRY(secret_new((size_t)2 * SEED_BYTES, &scratch));
    uint8_t *key = secret_bytes(scratch), *e = key + SEED_BYTES;
    TRY(ctx_self_key(&name, &node->round.ctx, node->config.position, own, key));
    TRY(mask_set_add(set, key, false));
    TRY(ctx_mask_secret(own + SEED_BYTES, e));
    const struct members *cohort = run_cohort(&node->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j))
        if (j != node->config.position) TRY(add_pair(node, &name, j, e, key, set));
    return mask_apply(set, 0, words, (size_t)count);
}

/* The machine never holds a vector that is not masked, not even when masking fails. ret_input: the hash of x. */
static struct result make_masked(struct secagg_node *node, const uint64_t *words, struct hash *ret_input)
{
    struct node_round *round = &node->round;
    size_t bytes = (size_t)round->words * sizeof *round->y;
    uint64_t *y = malloc(bytes);
    ENSURE(y, CATEGORY_ENVIRONMENT, "out of memory for %llu words", (unsigned long long)round->words);
    memcpy(y, words, bytes);
    struct result result = noise_add(node, y);
    if (result_ok(result)) result = ctx_sum_hash(y, round->words, ret_input);
    if (result_ok(result)) result = mask(node, y, round->words);
    if (!result_ok(result)) {
        secret_bytes_wipe(y, bytes);
        free(y);
        return result;
    }
    free(round->y);
    round->y = y;
    return RESULT_OK;
}

static struct view chunk_view(const struct node_round *round, uint32_t index)
{
    return view_of(round->y + (size_t)index * CHUNK_WORDS, check_chunk_words(round->words, index) * 8);
}

static struct result make_leaves(struct node_round *round, struct hash *ret_root)
{
    free(round->leaves);
    round->leaves = calloc(round->chunks, sizeof *round->leaves);
    ENSURE(round->leaves, CATEGORY_ENVIRONMENT, "out of memory for %u chunks", round->chunks);
    for (uint32_t c = 0; c < round->chunks; c++) TRY(ctx_chunk_leaf(c, chunk_view(round, c), &round->leaves[c]));
    return merkle_root(round->leaves, round->chunks, ret_root);
}

/* The first masking of a round: the header, the counter and what was masked become durable before anything leaves. */
static struct result make_header(struct secagg_node *node, const struct hash *root, const struct hash *input,
                                 struct effects *effects)
{
    struct node_round *round = &node->round;
    struct wire_r1 r1 = {
        .run = node->run.id,
        .epoch = round->terms.epoch,
        .round = round->terms.round,
        .counter = node_count(node),
        .ctx = round->ctx,
        .position = node->config.position,
        .words = round->words,
        .chunks = round->chunks,
        .root = *root,
    };
    buffer_clear(&round->header);
    TRY(node_sign(node, "r1", WIRE_R1, &r1, &round->header));
    node->masked.step = round->terms.step;
    node->masked.round = round->terms.round;
    node->masked.input = *input;
    node->masked.voided = false;
    node->state = NODE_UPLOADING;
    TRY(noise_keep(node, effects));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&round->header), "r1/%05llu",
                       (unsigned long long)round->terms.round));
    TRY(ledger_add_step(node, effects));
    return node_keep_round(node, effects);
}

/* After a restart: the identical bytes again, or nothing. */
static struct result compare_header(struct secagg_node *node, const struct hash *root, struct effects *effects)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct signed_body body;
    TRY(signed_read(&node->run, "r1", WIRE_R1, buffer_view(&node->round.header), &arena, &body));
    node->state = NODE_UPLOADING;
    if (hash_equal(&body.r1.root, root)) return RESULT_OK;
    TRY(effect_event(effects, "round %llu: this bank's input is not the one it masked before; the round is lost",
                     (unsigned long long)node->round.terms.round));
    return vote_void(node, node->round.terms.round, effects);
}

struct result r1_contribution(struct secagg_node *node, const struct input *input, struct effects *effects)
{
    struct node_round *round = &node->round;
    ENSURE(node->state == NODE_CONTRIBUTING || (node->state == NODE_UPLOADING && !round->y), CATEGORY_BUG,
           "a contribution that nobody asked for");
    ENSURE(input->words_count == round->words, CATEGORY_BUG, "a contribution of %llu words where %llu are asked for",
           (unsigned long long)input->words_count, (unsigned long long)round->words);
    /* Without its secrets a bank would mask with zeros, which everyone knows: only VOID is left. */
    if (node->missing[round->terms.round - node->epoch.first]) return vote_void(node, round->terms.round, effects);
    struct hash hash, root;
    TRY(make_masked(node, input->words, &hash));
    bool again = node->masked.round && node->masked.step == round->terms.step;
    if (again && node->masked.fixed && !hash_equal(&hash, &node->masked.input))
        return node_refuse(node, effects, "the input of step %llu is certified and cannot be made again as it was",
                           (unsigned long long)round->terms.step);
    TRY(make_leaves(round, &root));
    if (round->header.length) return compare_header(node, &root, effects);
    /* Another run over this source may have masked something since R0 came. */
    struct result allowed = ledger_check(node);
    if (allowed.category == CATEGORY_FALSE) return node_refuse(node, effects, "%s", result_reason());
    TRY(allowed);
    return make_header(node, &root, &hash, effects);
}

struct result r1_ask(struct secagg_node *node, struct effects *effects)
{
    struct node_round *round = &node->round;
    if (!round->y) {
        struct effect *effect = NULL;
        return effects_add(effects, EFFECT_CONTRIBUTE, &effect);
    }
    if (!round->header_sent) {
        struct wire_header header = {
            .header = buffer_view(&round->header),
            .leaves = view_of(round->leaves, round->chunks * sizeof *round->leaves),
            .chunk = chunk_view(round, 0),
        };
        round->header_sent = true;
        return effect_send(effects, 0, MESSAGE_HEADER, &header);
    }
    struct wire_chunk chunk = {
        .round = round->terms.round, .index = round->next, .words = chunk_view(round, round->next)};
    return effect_send(effects, 0, MESSAGE_CHUNK, &chunk);
}

struct result r1_take_receipt(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                              struct effects *effects)
{
    (void)arena, (void)effects;
    const struct wire_taken *taken = &message->taken;
    ENSURE(taken->round == node->round.terms.round && taken->next < node->round.chunks, CATEGORY_PEER,
           "a receipt for chunk %u of round %llu", taken->next, (unsigned long long)taken->round);
    node->round.next = taken->next;
    return RESULT_OK;
}

/* ---- coordinator */

void upload_done(struct upload *upload)
{
    buffer_done(&upload->header);
    free(upload->leaves);
    *upload = (struct upload){0};
}

struct result r1_begin_upload(struct secagg_coordinator *coordinator, unsigned from, struct view header,
                              const struct wire_r1 *r1, struct view body, struct view leaves)
{
    struct coordinator_round *round = &coordinator->round;
    struct upload *upload = &round->uploads[from];
    unsigned long long number = (unsigned long long)round->terms.round;
    const char *name = run_member(&coordinator->run, from);
    ENSURE(r1->epoch == round->terms.epoch && hash_equal(&r1->ctx, &round->ctx) && r1->position == from, CATEGORY_PEER,
           "R1 of %s is not for round %llu as R0 stated it", name, number);
    ENSURE(r1->words == round->words && r1->chunks == round->chunks &&
               leaves.length == (size_t)round->chunks * HASH_BYTES,
           CATEGORY_PEER, "R1 of %s has %llu words; round %llu takes %llu", name, (unsigned long long)r1->words, number,
           (unsigned long long)round->words);
    struct hash *copy = calloc(round->chunks, sizeof *copy);
    ENSURE(copy, CATEGORY_ENVIRONMENT, "out of memory for %u chunks", round->chunks);
    memcpy(copy, leaves.data, leaves.length);
    struct hash root;
    struct result result = merkle_root(copy, round->chunks, &root);
    if (result_ok(result) && !hash_equal(&root, &r1->root))
        result = FAIL(CATEGORY_PEER, "the chunks of %s do not lead to the root in its R1", name);
    if (result_ok(result)) result = merkle_leaf(body, &upload->leaf);
    if (result_ok(result)) result = buffer_append(&upload->header, header);
    if (!result_ok(result)) {
        free(copy);
        return result;
    }
    upload->leaves = copy;
    upload->r1 = *r1;
    upload->begun = true;
    return RESULT_OK;
}

struct result r1_add_upload(struct secagg_coordinator *coordinator, unsigned from, struct view words)
{
    struct coordinator_round *round = &coordinator->round;
    struct upload *upload = &round->uploads[from];
    uint32_t index = upload->next;
    ENSURE(words.length == check_chunk_words(round->words, index) * 8, CATEGORY_PEER, "chunk %u of %s has %zu bytes",
           index, run_member(&coordinator->run, from), words.length);
    struct hash leaf;
    TRY(ctx_chunk_leaf(index, words, &leaf));
    ENSURE(hash_equal(&leaf, &upload->leaves[index]), CATEGORY_PEER, "chunk %u of %s is not the one its R1 commits to",
           index, run_member(&coordinator->run, from));
    check_add(round->sum + (size_t)index * CHUNK_WORDS, words);
    upload->next++;
    if (upload->next == round->chunks) {
        upload->complete = true;
        members_add(&round->complete, from);
    }
    return RESULT_OK;
}

static struct result keep_chunk(struct secagg_coordinator *coordinator, unsigned from, struct view words,
                                struct effects *effects)
{
    uint32_t index = coordinator->round.uploads[from].next;
    TRY(r1_add_upload(coordinator, from, words));
    return effect_persist(effects, KEEP_RUN, words, "y/%05llu/%05u/%05u",
                          (unsigned long long)coordinator->round.terms.round, from, index);
}

struct result r1_take_header(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                             struct wire_arena *arena, struct effects *effects)
{
    const struct wire_header *header = &message->header;
    struct wire_signed one;
    struct signed_body body;
    TRY(wire_signed_decode(header->header, coordinator->run.terms.roster->size, arena, &one));
    TRY(coordinator_read(coordinator, from, "r1", WIRE_R1, &one, arena, &body));
    coordinator->peers[from].asked.round = body.r1.round;
    if (!coordinator_is_current(coordinator, body.r1.round) || coordinator->phase != PHASE_COLLECT) return RESULT_OK;
    struct upload *upload = &coordinator->round.uploads[from];
    bool fresh = !upload->begun;
    if (!fresh) {
        if (!view_equal(header->header, buffer_view(&upload->header))) {
            char what[MACHINE_KEY_MAX / 2];
            (void)snprintf(what, sizeof what, "r1/%05llu/%05u", (unsigned long long)body.r1.round, from);
            return coordinator_evidence(coordinator, from, what, header->header, effects);
        }
    } else {
        TRY(r1_begin_upload(coordinator, from, header->header, &body.r1, body.message.body, header->leaves));
        unsigned long long round = (unsigned long long)body.r1.round;
        TRY(effect_persist(effects, KEEP_RUN, header->header, "r1/%05llu/%05u", round, from));
        TRY(effect_persist(effects, KEEP_RUN, header->leaves, "leaves/%05llu/%05u", round, from));
    }
    if (upload->next > 0 || !header->chunk.length) return RESULT_OK;
    struct result result = keep_chunk(coordinator, from, header->chunk, effects);
    if (!result_ok(result) && fresh) upload_done(upload); /* the header is refused with its chunk */
    return result;
}

struct result r1_take_chunk(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                            struct wire_arena *arena, struct effects *effects)
{
    (void)arena;
    const struct wire_chunk *chunk = &message->chunk;
    coordinator->peers[from].asked.round = chunk->round;
    if (!coordinator_is_current(coordinator, chunk->round) || coordinator->phase != PHASE_COLLECT) return RESULT_OK;
    struct upload *upload = &coordinator->round.uploads[from];
    ENSURE(upload->begun, CATEGORY_PEER, "a chunk of %s before its header", run_member(&coordinator->run, from));
    if (upload->complete || chunk->index != upload->next) return RESULT_OK; /* the receipt says which one is wanted */
    return keep_chunk(coordinator, from, chunk->words, effects);
}

/* Collecting ends when every bank's input is whole; with `continue`, also when patience is over and t are. */
struct result r1_advance(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    struct coordinator_round *round = &coordinator->round;
    const struct members *wanted = coordinator->fixed ? &coordinator->fixed_survivors : run_cohort(&coordinator->run);
    if (members_within(wanted, &round->complete)) {
        *ret_moved = true;
        return vote_propose(coordinator, effects);
    }
    if (members_count(&round->voids.have)) {
        *ret_moved = true;
        return void_propose(coordinator, effects);
    }
    if (!coordinator->patience_over) return RESULT_OK;
    coordinator->patience_over = false;
    if (coordinator->run.terms.plan->on_dropout == DROPOUT_WAIT || coordinator->fixed) {
        *ret_moved = true;
        return void_propose(coordinator, effects);
    }
    if (members_count(&round->complete) < coordinator->run.thresholds.t) {
        coordinator->patience_at = coordinator->now + coordinator->config.patience_ms;
        return RESULT_OK;
    }
    *ret_moved = true;
    return vote_propose(coordinator, effects);
}

/* Also for chunks: the same question, "what of my input?". */
struct result r1_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    uint64_t asked = coordinator->peers[member].asked.round;
    if (!coordinator_is_open(coordinator, asked)) return coordinator_answer_past(coordinator, member, asked, effects);
    const struct upload *upload = &coordinator->round.uploads[member];
    if (coordinator->phase != PHASE_COLLECT) return vote_answer(coordinator, member, effects);
    if (upload->complete) return RESULT_OK;
    struct wire_taken taken = {.round = asked, .next = upload->next};
    return coordinator_reply_with(coordinator, member, MESSAGE_TAKEN, &taken, effects);
}

/* Open: from t releases the coordinator reconstructs the survivors' a and the others' b, checks each against its
 * commitment, takes the masks off the sum and signs it. A bank compares what it opens with what was certified; then it
 * checks the sum (verify.c). */
#include <stdlib.h>
#include <string.h>

#include "crypto/shamir.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* One reply of masked chunks: many small ones, or a few large ones. */
#define PIECES_BYTES ((size_t)4 << 20)

/* ---- coordinator */

/* The releases that are combined: of t members, the values of their shares, in roster order of the dealers. */
struct opening {
    uint32_t x[MEMBERS_MAX];
    struct buffer values; /* count · n scalars */
    size_t count;
};

static void opening_done(struct opening *opening)
{
    buffer_done(&opening->values);
}

/* One at a time: together, with their paths, the releases of many banks are larger than any message. */
static struct result read_release(const struct secagg_coordinator *coordinator, unsigned author,
                                  struct wire_arena *arena, struct wire_r3 *ret)
{
    const struct ballot *releases = &coordinator->round.releases;
    struct wire_signed one;
    TRY(wire_signed_decode(ballot_get(releases, author), releases->have.size, arena, &one));
    return wire_r3_decode(one.body, releases->have.size, arena, ret);
}

static struct result choose_releases(struct secagg_coordinator *coordinator, struct opening *opening)
{
    struct coordinator_round *round = &coordinator->round;
    const struct members *have = &round->releases.have;
    opening->count = 0;
    for (unsigned i = members_next(have, 0); i && opening->count < coordinator->run.thresholds.t;
         i = members_next(have, i)) {
        if (members_has(&round->false_releases, i)) continue;
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_r3 r3;
        TRY(read_release(coordinator, i, &arena, &r3));
        for (size_t rank = 0; rank < r3.shares.count; rank++)
            TRY(buffer_append(&opening->values, view_of(r3.shares.items[rank].data, SCALAR_BYTES)));
        opening->x[opening->count++] = i;
    }
    return RESULT_OK;
}

static struct result combine(const struct secagg_coordinator *coordinator, const struct opening *opening,
                             struct buffer *secrets)
{
    size_t count = opening->count, n = coordinator->run.thresholds.n;
    CLEANUP(buffer_done) struct buffer memory = {0};
    uint8_t *coefficients;
    TRY(buffer_extend(&memory, 2 * count * SCALAR_BYTES, &coefficients));
    uint8_t *shares = coefficients + count * SCALAR_BYTES;
    TRY(shamir_coefficients(opening->x, count, coefficients));
    for (size_t rank = 0; rank < n; rank++) {
        bool canonical = true;
        for (size_t k = 0; k < count; k++) {
            memcpy(shares + k * SCALAR_BYTES, opening->values.data + (k * n + rank) * SCALAR_BYTES, SCALAR_BYTES);
            canonical = canonical && scalar_canonical(shares + k * SCALAR_BYTES);
        }
        uint8_t *secret;
        TRY(buffer_extend(secrets, SEED_BYTES, &secret));
        /* A share that is no scalar leaves zeros, which fit no commitment: its author is found there. */
        if (canonical) TRY(shamir_combine_with(coefficients, shares, count, secret));
    }
    return RESULT_OK;
}

static struct result check_share(const struct secagg_coordinator *coordinator, unsigned dealer, unsigned author,
                                 struct view share)
{
    const struct coordinator_round *round = &coordinator->round;
    struct round_name name = coordinator_round_name(coordinator);
    enum share_kind kind = members_has(&round->survivors, dealer) ? SHARE_A : SHARE_B;
    struct hash leaf;
    TRY(ctx_share_leaf(&name, dealer, author, kind, share.data, &leaf));
    uint32_t index = provision_leaf_index(&coordinator->epoch, members_rank(run_cohort(&coordinator->run), author),
                                          name.round, kind);
    return merkle_verify_inclusion(&leaf, index, provision_leaves(&coordinator->epoch),
                                   view_of(share.data + SEED_BYTES, share.length - SEED_BYTES),
                                   &coordinator->epoch.dealers[dealer].root);
}

/* A secret does not fit its commitment: either someone released a share that was not dealt to it, and the path shows
 * who; or all shares are as dealt, and the dealer's polynomial is false. */
static struct result attribute(struct secagg_coordinator *coordinator, const struct opening *opening, unsigned dealer,
                               struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    unsigned long long number = (unsigned long long)round->terms.round;
    unsigned rank = members_rank(run_cohort(&coordinator->run), dealer);
    bool found = false;
    for (size_t k = 0; k < opening->count; k++) {
        unsigned author = opening->x[k];
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_r3 r3;
        TRY(read_release(coordinator, author, &arena, &r3));
        if (result_ok(check_share(coordinator, dealer, author, r3.shares.items[rank]))) continue;
        found = true;
        members_add(&round->false_releases, author);
        TRY(effect_event(effects, "round %llu: %s released a share of %s that was not dealt to it", number,
                         run_member(&coordinator->run, author), run_member(&coordinator->run, dealer)));
        TRY(effect_persist(effects, KEEP_RUN, ballot_get(&round->releases, author), "evidence/share/%05llu/%05u",
                           number, author));
    }
    if (found) return RESULT_OK;
    for (size_t k = 0; k < opening->count; k++)
        TRY(effect_persist(effects, KEEP_RUN, ballot_get(&round->releases, opening->x[k]),
                           "evidence/deal/%05llu/%05u/%05u", number, dealer, opening->x[k]));
    return coordinator_end(coordinator, effects,
                           "the shares that %s dealt for round %llu do not lead to what it committed to; the signed "
                           "shares prove it",
                           run_member(&coordinator->run, dealer), number);
}

static struct result advance_fold(struct secagg_coordinator *coordinator)
{
    CLEANUP(buffer_done) struct buffer model = {0};
    fold_done(&coordinator->next);
    TRY(fold_load(coordinator->run.terms.plan, coordinator->run.terms.task, buffer_view(&coordinator->fold.state),
                  &coordinator->next));
    TRY(fold_advance(&coordinator->next, coordinator->round.sum, coordinator->round.words));
    return fold_model(&coordinator->next, coordinator->run.thresholds.n, &model, &coordinator->model);
}

/* OPENED: what the banks need to check the sum but for the masked inputs. */
static struct result make_opening(struct secagg_coordinator *coordinator, struct view open, struct view secrets)
{
    struct coordinator_round *round = &coordinator->round;
    CLEANUP(buffer_done) struct buffer memory = {0};
    unsigned count = members_count(&round->survivors);
    uint8_t *at;
    TRY(buffer_extend(&memory, (size_t)2 * count * sizeof(struct view), &at));
    struct view *headers = (struct view *)(void *)at, *leaves = headers + count;
    unsigned rank = 0;
    for (unsigned j = members_next(&round->survivors, 0); j; j = members_next(&round->survivors, j), rank++) {
        headers[rank] = buffer_view(&round->uploads[j].header);
        leaves[rank] = view_of(round->uploads[j].leaves, round->chunks * sizeof(struct hash));
    }
    struct wire_opened opened = {
        .open = open, .secrets = secrets, .headers = {headers, count}, .leaves = {leaves, count}};
    buffer_clear(&round->opening);
    return wire_opened_encode(&opened, &round->opening);
}

static struct result sign_sum(struct secagg_coordinator *coordinator, struct view secrets, struct effects *effects)
{
    struct coordinator_round *round = &coordinator->round;
    TRY(ctx_sum_hash(round->sum, round->words, &round->sum_hash));
    struct hash secrets_hash;
    TRY(ctx_secrets_hash(secrets, &secrets_hash));
    struct wire_open open = {
        .run = coordinator->run.id,
        .epoch = round->terms.epoch,
        .round = round->terms.round,
        .ctx = round->ctx,
        .survivors = round->survivors,
        .headers = round->headers,
        .sum = round->sum_hash,
        .secrets = secrets_hash,
    };
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(coordinator_sign(coordinator, "open", WIRE_OPEN, &open, &bytes));
    TRY(make_opening(coordinator, buffer_view(&bytes), secrets));
    round->opened = true;
    coordinator->phase = PHASE_CLOSE;
    unsigned long long number = (unsigned long long)open.round;
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&round->opening), "open/%05llu", number));
    return effect_persist_sum(effects, round->terms.step, round->sum, round->words);
}

struct result open_sum(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved)
{
    struct coordinator_round *round = &coordinator->round;
    CLEANUP(buffer_done) struct buffer secrets = {0};
    CLEANUP(opening_done) struct opening opening = {0};
    TRY(choose_releases(coordinator, &opening));
    TRY(combine(coordinator, &opening, &secrets));
    unsigned dealer = 0;
    struct result fits = check_secrets(&coordinator->run, &coordinator->epoch, round->terms.round, &round->survivors,
                                       secrets.data, &dealer);
    *ret_moved = true;
    if (fits.category == CATEGORY_PEER) return attribute(coordinator, &opening, dealer, effects);
    TRY(fits);
    struct round_name name = coordinator_round_name(coordinator);
    CLEANUP(mask_set_freep) struct mask_set *set = NULL;
    TRY(check_unmasking(&coordinator->run, &coordinator->epoch, &name, &round->ctx, &round->survivors, secrets.data,
                        &set));
    TRY(mask_apply(set, 0, round->sum, (size_t)round->words));
    struct result advanced = advance_fold(coordinator);
    if (advanced.category == CATEGORY_USAGE)
        return coordinator_end(coordinator, effects, SECAGG_PLAN_FAILS "%s", result_reason());
    if (!result_ok(advanced) && advanced.category != CATEGORY_ENVIRONMENT)
        return coordinator_end(coordinator, effects, "the sum of round %llu cannot be a true one: %s",
                               (unsigned long long)name.round, result_reason());
    TRY(advanced);
    return sign_sum(coordinator, buffer_view(&secrets), effects);
}

struct result open_restore(struct secagg_coordinator *coordinator, struct view opening)
{
    struct coordinator_round *round = &coordinator->round;
    buffer_clear(&round->opening);
    TRY(buffer_append(&round->opening, opening));
    for (uint32_t c = 0; c < round->chunks; c++) {
        CLEANUP(buffer_done) struct buffer chunk = {0};
        size_t length = check_chunk_words(round->words, c) * 8;
        TRY(record_need(&coordinator->config.records, KEEP_RUN, &chunk, "sum/%05llu/%05u",
                        (unsigned long long)round->terms.step, c));
        ENSURE(chunk.length == length, CATEGORY_ENVIRONMENT, "a damaged record of the sum of step %llu",
               (unsigned long long)round->terms.step);
        memcpy(round->sum + (size_t)c * CHUNK_WORDS, chunk.data, length);
    }
    TRY(ctx_sum_hash(round->sum, round->words, &round->sum_hash));
    TRY(advance_fold(coordinator));
    round->opened = true;
    coordinator->phase = PHASE_CLOSE;
    return RESULT_OK;
}

struct result open_take_fetch(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                              struct wire_arena *arena, struct effects *effects)
{
    (void)arena, (void)effects;
    struct asked *asked = &coordinator->peers[from].asked;
    asked->round = message->fetch.round;
    asked->position = message->fetch.position;
    asked->chunk = message->fetch.chunk;
    asked->count = message->fetch.count;
    return RESULT_OK;
}

/* U of a round that was opened: only its masked inputs are shown to anyone. */
static struct result opened_survivors(const struct secagg_coordinator *coordinator, uint64_t round, struct members *ret,
                                      bool *ret_opened)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &bytes, ret_opened, "open/%05llu",
                    (unsigned long long)round));
    if (!*ret_opened) return RESULT_OK;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    unsigned size = coordinator->run.terms.roster->size;
    struct wire_opened opened;
    struct wire_signed one;
    struct wire_open open;
    TRY(wire_opened_decode(buffer_view(&bytes), size, &arena, &opened));
    TRY(wire_signed_decode(opened.open, size, &arena, &one));
    TRY(wire_open_decode(one.body, size, &arena, &open));
    *ret = open.survivors;
    return RESULT_OK;
}

/* Loads masked chunks from (position, chunk) on into one buffer; lengths go to sizes. */
static struct result load_pieces(const struct secagg_coordinator *coordinator, const struct asked *asked,
                                 const struct members *survivors, struct buffer *bytes, size_t *sizes,
                                 size_t *ret_count)
{
    unsigned position = asked->position;
    uint32_t chunk = asked->chunk;
    size_t count = 0;
    while (position && count < MEMBERS_MAX && bytes->length < PIECES_BYTES && (!asked->count || count < asked->count)) {
        CLEANUP(buffer_done) struct buffer one = {0};
        bool found = false;
        if (members_has(survivors, position))
            TRY(record_load(&coordinator->config.records, KEEP_RUN, &one, &found, "y/%05llu/%05u/%05u",
                            (unsigned long long)asked->round, position, chunk));
        if (found) {
            TRY(buffer_append(bytes, buffer_view(&one)));
            sizes[count++] = one.length;
            chunk++;
        } else {
            position = members_next(survivors, position);
            chunk = 0;
        }
    }
    *ret_count = count;
    return RESULT_OK;
}

struct result open_answer_fetch(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    const struct asked asked = coordinator->peers[member].asked;
    struct members survivors;
    bool opened = false;
    TRY(opened_survivors(coordinator, asked.round, &survivors, &opened));
    if (!opened) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    size_t sizes[MEMBERS_MAX], count = 0;
    struct view views[MEMBERS_MAX];
    TRY(load_pieces(coordinator, &asked, &survivors, &bytes, sizes, &count));
    /* Erased since: the closed sum is what is left of the round. */
    if (!count) return coordinator_answer_past(coordinator, member, asked.round, effects);
    size_t at = 0;
    for (size_t i = 0; i < count; at += sizes[i++]) views[i] = view_of(bytes.data + at, sizes[i]);
    struct wire_pieces pieces = {
        .round = asked.round, .position = asked.position, .chunk = asked.chunk, .pieces = {views, count}};
    return coordinator_reply_with(coordinator, member, MESSAGE_PIECES, &pieces, effects);
}

/* ---- node */

static struct result take_headers(struct secagg_node *node, const struct wire_opened *opened, struct wire_arena *arena,
                                  struct check *check)
{
    const struct members *survivors = &check->open.survivors;
    check->survivors_count = members_count(survivors);
    ENSURE(opened->headers.count == check->survivors_count && opened->leaves.count == check->survivors_count,
           CATEGORY_PEER, "OPEN with %zu headers for %u inputs", opened->headers.count, check->survivors_count);
    size_t row = check->chunks * sizeof(struct hash);
    check->leaves = calloc(check->survivors_count, row);
    ENSURE(check->leaves, CATEGORY_ENVIRONMENT, "out of memory for %u headers", check->survivors_count);
    struct view bodies[MEMBERS_MAX];
    size_t rank = 0;
    for (unsigned j = members_next(survivors, 0); j; j = members_next(survivors, j), rank++) {
        struct signed_body body;
        TRY(signed_read(&node->run, "r1", WIRE_R1, opened->headers.items[rank], arena, &body));
        ENSURE(body.message.signer == j && hash_equal(&body.r1.ctx, &node->round.ctx) &&
                   body.r1.words == check->words && body.r1.chunks == check->chunks &&
                   opened->leaves.items[rank].length == row,
               CATEGORY_PEER, "an R1 of %s in OPEN that is not for this round", run_member(&node->run, j));
        ENSURE(j != node->config.position || view_equal(opened->headers.items[rank], buffer_view(&node->round.header)),
               CATEGORY_PEER, "another R1 of this bank in OPEN");
        memcpy(&check->leaves[rank * check->chunks], opened->leaves.items[rank].data, row);
        struct hash root;
        TRY(merkle_root(&check->leaves[rank * check->chunks], check->chunks, &root));
        ENSURE(hash_equal(&root, &body.r1.root), CATEGORY_PEER, "chunk hashes of %s that do not fit its R1",
               run_member(&node->run, j));
        bodies[rank] = body.message.body;
    }
    struct hash headers;
    TRY(check_headers_root(bodies, rank, &headers));
    ENSURE(hash_equal(&headers, &check->open.headers), CATEGORY_PEER, "headers in OPEN that do not lead to M");
    return RESULT_OK;
}

/* What OPEN names is not what t banks certified: an input dropped or added, other headers, other terms. */
static struct result opens_another(struct secagg_node *node, struct view open, struct effects *effects)
{
    TRY(node_evidence(node, effects, "inputs", open, buffer_view(&node->round.certificate)));
    return node_refuse(node, effects, "%s opened round %llu for something else than was certified",
                       run_member(&node->run, 0), (unsigned long long)node->round.terms.round);
}

/* A second OPEN of the round: two sums of the same inputs. */
static struct result opens_again(struct secagg_node *node, struct view open, struct effects *effects)
{
    TRY(node_evidence(node, effects, "open", buffer_view(&node->round.opened), open));
    return node_refuse(node, effects, "%s signed two sums of round %llu", run_member(&node->run, 0),
                       (unsigned long long)node->round.terms.round);
}

static struct result begin_check(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                 struct check *check, struct effects *effects)
{
    TRY(buffer_append(&check->signed_open, message->opened.open));
    TRY(buffer_append(&check->opened, message->payload));
    TRY(take_headers(node, &message->opened, arena, check));
    return verify_begin(node, message->opened.secrets, check, effects);
}

/* A signed OPEN is kept before anything that comes with it is looked at: another OPEN, or a certificate on another sum,
 * contradicts it, also after a restart. So it stays when the rest is refused. */
static struct result keep_and_check(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                    struct check *check, struct effects *effects)
{
    struct buffer *opened = &node->round.opened;
    bool news = !opened->length;
    if (news) {
        TRY(buffer_append(opened, message->opened.open));
        TRY(effect_persist(effects, KEEP_RUN, buffer_view(opened), "opened/%05llu",
                           (unsigned long long)node->round.terms.round));
    }
    struct result result = begin_check(node, message, arena, check, effects);
    if (news && result.category == CATEGORY_PEER) node->refusing = true;
    if (news && !result_ok(result) && !node->refusing) buffer_clear(opened);
    return result;
}

struct result open_take(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                        struct effects *effects)
{
    struct signed_body body;
    struct view signed_open = message->opened.open;
    TRY(node_read_coordinator(node, "open", WIRE_OPEN, signed_open, arena, &body));
    const struct node_round *round = &node->round;
    unsigned long long number = (unsigned long long)round->terms.round;
    ENSURE(body.open.round == round->terms.round, CATEGORY_PEER, "OPEN of round %llu in round %llu",
           (unsigned long long)body.open.round, number);
    if (round->opened.length && !view_equal(signed_open, buffer_view(&round->opened)))
        return opens_again(node, signed_open, effects);
    ENSURE(node->state != NODE_CHECKING, CATEGORY_PEER, "OPEN of round %llu again", number);
    if (body.open.epoch != round->terms.epoch || !hash_equal(&body.open.ctx, &round->ctx) ||
        !members_equal(&body.open.survivors, &round->survivors) || !hash_equal(&body.open.headers, &round->headers))
        return opens_another(node, signed_open, effects);
    struct check check = {
        .active = true, .open = body.open, .words = round->words, .chunks = check_chunks(round->words)};
    struct result result = keep_and_check(node, message, arena, &check, effects);
    if (!result_ok(result) || node->state == NODE_ENDING) {
        check_done(&check);
        return result;
    }
    check_done(&node->check);
    node->check = check;
    node->state = NODE_CHECKING;
    return RESULT_OK;
}

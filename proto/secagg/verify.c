/* The check of an opened sum: a bank fetches the masked inputs, takes the masks off with the revealed secrets, and
 * compares. All of it while that is affordable; else some chunks, by its own dice (docs/protocol.md, CLOSE). */
#include <stdlib.h>
#include <string.h>

#include "proto/secagg/node.h"

/* The coordinator signed a secret that is not the one its owner committed to. */
static struct result false_secret(struct secagg_node *node, const struct check *check, unsigned position,
                                  struct effects *effects)
{
    unsigned long long round = (unsigned long long)check->open.round;
    TRY(node_evidence(node, effects, "secret", buffer_view(&check->signed_open), buffer_view(&node->round.r0)));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&check->opened), "proof/opened/%05llu", round));
    return node_refuse(node, effects, "the secret that %s revealed for %s in round %llu is not the one it committed to",
                       run_member(&node->run, 0), run_member(&node->run, position), round);
}

static struct result verify_secrets(struct secagg_node *node, struct view secrets, struct check *check,
                                    struct effects *effects)
{
    ENSURE(secrets.length == (size_t)node->run.thresholds.n * SEED_BYTES, CATEGORY_PEER,
           "OPEN with %zu bytes of secrets", secrets.length);
    struct hash hash;
    TRY(ctx_secrets_hash(secrets, &hash));
    ENSURE(hash_equal(&hash, &check->open.secrets), CATEGORY_PEER, "other secrets than those that OPEN names");
    unsigned position = 0;
    struct round_name name = node_round_name(node);
    struct result fits =
        check_secrets(&node->run, &node->epoch, name.round, &check->open.survivors, secrets.data, &position);
    if (fits.category == CATEGORY_PEER) return false_secret(node, check, position, effects);
    TRY(fits);
    return check_unmasking(&node->run, &node->epoch, &name, &node->round.ctx, &check->open.survivors, secrets.data,
                           &check->unmasking);
}

/* Every chunk while that is affordable; else each with the stated probability, this bank's own dice. */
static void draw_chunks(struct secagg_node *node, struct check *check)
{
    uint64_t bytes = 0;
    bool small = check->words <= CLOSE_FULL_BYTES / 8;
    if (small) bytes = check->words * 8 * check->survivors_count;
    check->sampling = !small || bytes > node->close_full_bytes;
    if (!check->sampling) return;
    uint64_t p = check_probability(&node->run.thresholds);
    for (uint32_t c = 0; c < check->chunks; c++)
        check->chosen[c] = random_below(node->config.random, UINT64_C(1) << 32) < p;
}

/* What was drawn for a signed sum is kept before a chunk is asked for: a bank that is restarted, because the
 * coordinator left it without an answer, checks the same chunks of the same sum. */
static struct result keep_draw(struct secagg_node *node, const struct check *check, struct effects *effects)
{
    struct buffer *drawn = &node->round.drawn;
    buffer_clear(drawn);
    TRY(buffer_u64(drawn, check->signed_open.length));
    TRY(buffer_append(drawn, buffer_view(&check->signed_open)));
    for (uint32_t c = 0; c < check->chunks; c++) TRY(buffer_u8(drawn, check->chosen[c]));
    return effect_persist(effects, KEEP_RUN, buffer_view(drawn), "drawn/%05llu",
                          (unsigned long long)node->round.terms.round);
}

/* The chunks drawn before; another sum that the coordinator signed for the round is evidence. */
static struct result repeat_draw(struct secagg_node *node, struct check *check, struct effects *effects)
{
    struct reader reader = reader_of(buffer_view(&node->round.drawn), "the chunks drawn");
    uint64_t length;
    struct view open, chosen;
    TRY(reader_u64(&reader, &length));
    TRY(reader_take(&reader, (size_t)length, &open));
    TRY(reader_take(&reader, check->chunks, &chosen));
    TRY(reader_end(&reader));
    if (!view_equal(open, buffer_view(&check->signed_open))) {
        TRY(node_evidence(node, effects, "open", open, buffer_view(&check->signed_open)));
        return node_refuse(node, effects, "%s signed two sums of round %llu", run_member(&node->run, 0),
                           (unsigned long long)node->round.terms.round);
    }
    for (uint32_t c = 0; c < check->chunks; c++) check->chosen[c] = chosen.data[c] != 0;
    return RESULT_OK;
}

struct result verify_begin(struct secagg_node *node, struct view secrets, struct check *check, struct effects *effects)
{
    TRY(verify_secrets(node, secrets, check, effects));
    if (node->state == NODE_ENDING) return RESULT_OK;
    draw_chunks(node, check);
    if (check->sampling)
        TRY(node->round.drawn.length ? repeat_draw(node, check, effects) : keep_draw(node, check, effects));
    check->sum = calloc((size_t)check->words, sizeof *check->sum);
    if (check->sampling) check->part = calloc(CHUNK_WORDS, sizeof *check->part);
    ENSURE(check->sum && (check->part || !check->sampling), CATEGORY_ENVIRONMENT, "out of memory for a sum");
    check->position = members_next(&check->open.survivors, 0);
    return RESULT_OK;
}

struct result verify_ask(struct secagg_node *node, struct effects *effects)
{
    const struct check *check = &node->check;
    if (check->sampling && !check->fetched) {
        struct wire_fetch_sum fetch = {.step = node->fold.step, .chunk = check->chunk};
        return effect_send(effects, 0, MESSAGE_FETCH_SUM, &fetch);
    }
    struct wire_fetch fetch = {.round = node->round.terms.round,
                               .position = check->position,
                               .chunk = check->chunk,
                               .count = check->sampling ? 1 : 0};
    return effect_send(effects, 0, MESSAGE_FETCH, &fetch);
}

/* The masked inputs of a false sum, as they were checked: all chunks, or those of the one that was found false. */
static struct result keep_inputs(const struct secagg_node *node, struct effects *effects)
{
    const struct check *check = &node->check;
    const struct members *survivors = &check->open.survivors;
    uint32_t first = check->sampling ? check->chunk : 0, last = check->sampling ? check->chunk : check->chunks - 1;
    const uint8_t *at = check->inputs.data;
    for (unsigned j = members_next(survivors, 0); j; j = members_next(survivors, j))
        for (uint32_t c = first; c <= last; c++) {
            size_t length = check_chunk_words(check->words, c) * 8;
            TRY(effect_persist(effects, KEEP_RUN, view_of(at, length), "proof/y/%05llu/%05u/%05u",
                               (unsigned long long)check->open.round, j, c));
            at += length;
        }
    return RESULT_OK;
}

/* The sum whose hash is signed: the bank that samples has fetched it. */
static struct result keep_sum(const struct secagg_node *node, struct effects *effects)
{
    const struct check *check = &node->check;
    for (uint32_t c = 0; check->sampling && c < check->chunks; c++)
        TRY(effect_persist(effects, KEEP_RUN,
                           view_of(check->sum + (size_t)c * CHUNK_WORDS, check_chunk_words(check->words, c) * 8),
                           "proof/sum/%05llu/%05u", (unsigned long long)check->open.round, c));
    return RESULT_OK;
}

/* The coordinator signed a sum that is not the sum. */
static struct result false_sum(struct secagg_node *node, struct effects *effects)
{
    unsigned long long round = (unsigned long long)node->round.terms.round;
    TRY(node_evidence(node, effects, "sum", buffer_view(&node->check.signed_open),
                      buffer_view(&node->round.certificate)));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->check.opened), "proof/opened/%05llu", round));
    if (!node->check.inputs_left_out) {
        TRY(keep_inputs(node, effects));
        TRY(keep_sum(node, effects));
    }
    return node_refuse(node, effects, "the sum of round %llu that %s signed is not the sum of the masked inputs", round,
                       run_member(&node->run, 0));
}

/* The place of a masked chunk: whose, and which. */
struct place {
    unsigned position; /* 0 after the last */
    uint32_t chunk;
};

/* Sampling asks for one chunk of every survivor; else all chunks of one come before the next. */
static struct place next_place(const struct check *check, struct place place)
{
    if (!check->sampling && ++place.chunk < check->chunks) return place;
    if (!check->sampling) place.chunk = 0;
    place.position = members_next(&check->open.survivors, place.position);
    return place;
}

static struct result check_piece(const struct secagg_node *node, struct place place, struct view piece)
{
    const struct check *check = &node->check;
    ENSURE(place.position, CATEGORY_PEER, "more masked inputs than there are");
    unsigned rank = members_rank(&check->open.survivors, place.position);
    struct hash leaf;
    ENSURE(piece.length == check_chunk_words(check->words, place.chunk) * 8, CATEGORY_PEER,
           "chunk %u of %s has %zu bytes", place.chunk, run_member(&node->run, place.position), piece.length);
    TRY(ctx_chunk_leaf(place.chunk, piece, &leaf));
    ENSURE(hash_equal(&leaf, &check->leaves[(size_t)rank * check->chunks + place.chunk]), CATEGORY_PEER,
           "chunk %u of %s is not the one its R1 commits to", place.chunk, run_member(&node->run, place.position));
    return RESULT_OK;
}

/* What proves a false sum is kept until the sum is known to be true: as far as it is affordable and memory allows. */
static void keep_piece(struct check *check, struct view piece)
{
    size_t all = check_chunk_words(check->words, check->sampling ? check->chunk : 0) * 8;
    if (check->inputs_left_out) return;
    if (!check->sampling) all = (size_t)check->words * 8;
    bool kept = all <= EVIDENCE_INPUTS_MAX / check->survivors_count;
    if (kept && !check->inputs.length) kept = result_ok(buffer_reserve(&check->inputs, all * check->survivors_count));
    if (kept) kept = result_ok(buffer_append(&check->inputs, piece));
    if (kept) return;
    check->inputs_left_out = true;
    buffer_done(&check->inputs);
}

static struct result finish_full(struct secagg_node *node, struct effects *effects)
{
    struct check *check = &node->check;
    TRY(mask_apply(check->unmasking, 0, check->sum, (size_t)check->words));
    struct hash hash;
    TRY(ctx_sum_hash(check->sum, check->words, &hash));
    if (!hash_equal(&hash, &check->open.sum)) return false_sum(node, effects);
    return close_vote(node, check->sum, effects);
}

/* The next chunk that was chosen, from check->chunk on; the number of chunks when there is none. */
static uint32_t next_chosen(const struct check *check, uint32_t from)
{
    while (from < check->chunks && !check->chosen[from]) from++;
    return from;
}

static struct result sampled_next(struct secagg_node *node, uint32_t from, struct effects *effects)
{
    struct check *check = &node->check;
    check->chunk = next_chosen(check, from);
    check->position = members_next(&check->open.survivors, 0);
    check->inputs_left_out = false;
    buffer_clear(&check->inputs);
    memset(check->part, 0, CHUNK_BYTES);
    return check->chunk < check->chunks ? RESULT_OK : close_vote(node, check->sum, effects);
}

static struct result finish_sampled(struct secagg_node *node, struct effects *effects)
{
    struct check *check = &node->check;
    uint64_t first = (uint64_t)check->chunk * CHUNK_WORDS;
    size_t words = check_chunk_words(check->words, check->chunk);
    TRY(mask_apply(check->unmasking, first, check->part, words));
    if (memcmp(check->part, check->sum + first, words * 8) != 0) return false_sum(node, effects);
    return sampled_next(node, check->chunk + 1, effects);
}

struct result verify_take_pieces(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                 struct effects *effects)
{
    (void)arena;
    struct check *check = &node->check;
    const struct wire_pieces *pieces = &message->pieces;
    ENSURE(pieces->round == node->round.terms.round && pieces->position == check->position &&
               pieces->chunk == check->chunk && pieces->pieces.count > 0 && (!check->sampling || check->fetched),
           CATEGORY_PEER, "masked inputs that were not asked for");
    size_t taken = check->sampling ? 1 : pieces->pieces.count;
    struct place place = {check->position, check->chunk};
    for (size_t i = 0; i < taken; i++, place = next_place(check, place))
        TRY(check_piece(node, place, pieces->pieces.items[i]));
    place = (struct place){check->position, check->chunk};
    for (size_t i = 0; i < taken; i++) keep_piece(check, pieces->pieces.items[i]);
    for (size_t i = 0; i < taken; i++, place = next_place(check, place))
        check_add(check->sampling ? check->part : check->sum + (size_t)place.chunk * CHUNK_WORDS,
                  pieces->pieces.items[i]);
    check->position = place.position;
    check->chunk = place.chunk;
    if (check->position) return RESULT_OK;
    return check->sampling ? finish_sampled(node, effects) : finish_full(node, effects);
}

struct result verify_take_sum_piece(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                    struct effects *effects)
{
    (void)arena;
    struct check *check = &node->check;
    const struct wire_sum_piece *piece = &message->sum_piece;
    ENSURE(check->sampling && !check->fetched && piece->step == node->fold.step && piece->chunk == check->chunk &&
               piece->words.length == check_chunk_words(check->words, check->chunk) * 8,
           CATEGORY_PEER, "a chunk of a sum that was not asked for");
    memcpy(check->sum + (size_t)check->chunk * CHUNK_WORDS, piece->words.data, piece->words.length);
    if (++check->chunk < check->chunks) return RESULT_OK;
    struct hash hash;
    TRY(ctx_sum_hash(check->sum, check->words, &hash));
    if (!hash_equal(&hash, &check->open.sum))
        return node_refuse(node, effects, "%s sends another sum of step %llu than it signed", run_member(&node->run, 0),
                           (unsigned long long)node->fold.step);
    check->fetched = true;
    return sampled_next(node, 0, effects);
}

/* ---- what was checked */

struct result verify_tell(struct secagg_node *node, struct effects *effects)
{
    const struct check *check = &node->check;
    struct secagg_checked *checked = &node->checked;
    CLEANUP(buffer_done) struct buffer record = {0}, line = {0};
    const char *text = NULL;
    *checked = (struct secagg_checked){.round = check->open.round,
                                       .step = node->closed.step,
                                       .words = check->words,
                                       .secrets = node->run.thresholds.n,
                                       .inputs = check->survivors_count,
                                       .chunks = check->chunks,
                                       .probability = UINT64_C(1) << 32};
    if (check->sampling) checked->probability = check_probability(&node->run.thresholds);
    for (uint32_t c = 0; c < check->chunks; c++) checked->recomputed += !check->sampling || check->chosen[c];
    TRY(buffer_u64(&record, checked->round));
    TRY(buffer_u64(&record, checked->step));
    TRY(buffer_u64(&record, checked->words));
    TRY(buffer_u32(&record, checked->secrets));
    TRY(buffer_u32(&record, checked->inputs));
    TRY(buffer_u32(&record, checked->chunks));
    TRY(buffer_u32(&record, checked->recomputed));
    TRY(buffer_u64(&record, checked->probability));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&record), "checked"));
    TRY(secagg_checked_text(checked, &line));
    TRY(buffer_terminate(&line, &text));
    return effect_event(effects, "%s", text);
}

struct result secagg_checked_load(const struct record_source *records, struct secagg_checked *ret)
{
    CLEANUP(buffer_done) struct buffer record = {0};
    bool found = false;
    *ret = (struct secagg_checked){0};
    TRY(record_load(records, KEEP_RUN, &record, &found, "checked"));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&record), "the record of what was checked");
    uint32_t secrets, inputs;
    TRY(reader_u64(&reader, &ret->round));
    TRY(reader_u64(&reader, &ret->step));
    TRY(reader_u64(&reader, &ret->words));
    TRY(reader_u32(&reader, &secrets));
    TRY(reader_u32(&reader, &inputs));
    TRY(reader_u32(&reader, &ret->chunks));
    TRY(reader_u32(&reader, &ret->recomputed));
    TRY(reader_u64(&reader, &ret->probability));
    ret->secrets = secrets;
    ret->inputs = inputs;
    return reader_end(&reader);
}

struct secagg_checked secagg_node_checked(const struct secagg_node *node)
{
    return node->checked;
}

double secagg_checked_unseen(const struct secagg_checked *checked)
{
    return 1.0 - (double)checked->probability / 4294967296.0;
}

struct result secagg_checked_text(const struct secagg_checked *checked, struct buffer *out)
{
    if (!checked->round) return RESULT_OK;
    TRY(buffer_format(out,
                      "round %llu checked here: %u secrets fit their commitments, %u masked inputs their signatures; ",
                      (unsigned long long)checked->round, checked->secrets, checked->inputs));
    if (checked->recomputed == checked->chunks)
        return buffer_format(out, "all %llu words of the sum were computed again", (unsigned long long)checked->words);
    return buffer_format(out,
                         "%u of %u chunks of the sum were computed again; one false chunk goes unseen here with "
                         "probability %.2g, and by enough banks to certify it with at most 2^-40",
                         checked->recomputed, checked->chunks, secagg_checked_unseen(checked));
}

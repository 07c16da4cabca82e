/* A round: its terms, how it was decided, whose inputs it has, and the sum without the masks. */
#include <stdlib.h>
#include <string.h>

#include "proto/audit/replay.h"
#include "proto/run/privacy.h"

/* Each term is computed here again. The layout is the fold's, which the public form cannot tell. */
static struct result check_terms(struct replay *replay, const struct wire_r0 *r0)
{
    struct hash checkpoint, retry = {0};
    ENSURE(r0->round == replay->last + 1 && r0->epoch == replay->epoch.epoch &&
               provision_covers(&replay->epoch, r0->round),
           CATEGORY_FALSE, "it opens round %llu of epoch %u, after round %llu", (unsigned long long)r0->round,
           r0->epoch, (unsigned long long)replay->last);
    ENSURE(r0->step == replay->log.tree.size, CATEGORY_FALSE, "it asks for step %llu after %llu closed steps",
           (unsigned long long)r0->step, (unsigned long long)replay->log.tree.size);
    ENSURE(hash_equal(&r0->roster, &replay->roster.hash), CATEGORY_FALSE, "it names another roster");
    ENSURE(hash_equal(&r0->plan, &replay->submission.plan.hash), CATEGORY_FALSE, "it names another plan");
    ENSURE(hash_equal(&r0->set, &replay->epoch.set), CATEGORY_FALSE, "it names another set of keys");
    ENSURE(hash_equal(&r0->state, &replay->state), CATEGORY_FALSE, "it names another state than the one before");
    TRY(run_log_checkpoint(&replay->log, &replay->run.id, &checkpoint));
    ENSURE(hash_equal(&r0->checkpoint, &checkpoint), CATEGORY_FALSE, "it names another checkpoint of the log");
    if (replay->retry.length) TRY(ctx_certificate_hash(buffer_view(&replay->retry), &retry));
    ENSURE(hash_equal(&r0->retry, &retry), CATEGORY_FALSE,
           "it names another certificate than that of the round before");
    ENSURE(hash_is_zero(&replay->model_hash), CATEGORY_FALSE, "it opens a round after the banks certified a model");
    if (replay->form == BUNDLE_PUBLIC) return RESULT_OK;
    ENSURE(!replay->fold.finished, CATEGORY_FALSE, "it opens a round after the last step");
    ENSURE(hash_equal(&r0->layout, &replay->fold.layout_hash), CATEGORY_FALSE, "it names another layout");
    return RESULT_OK;
}

struct result replay_r0(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct signed_body body;
    TRY(replay_signed(replay, "r0", WIRE_R0, 0, payload, arena, &body));
    TRY(check_terms(replay, &body.r0));
    replay_round_done(&replay->round);
    replay->round.terms = body.r0;
    TRY(ctx_of(&body.r0, &replay->round.ctx));
    replay->last = body.r0.round;
    replay->stage = REPLAY_TERMS;
    return RESULT_OK;
}

static struct result decided(struct replay *replay, struct view certificate, enum bundle_kind decision)
{
    buffer_clear(&replay->retry);
    TRY(buffer_append(&replay->retry, certificate));
    replay->stage = REPLAY_NEXT;
    if (!replay->observer.round) return RESULT_OK;
    return replay->observer.round(replay->observer.context, replay, decision);
}

struct result replay_void(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct wire_void voided;
    TRY(certificate_void(&replay->run, payload, arena, &voided));
    ENSURE(voided.round == replay->last && voided.epoch == replay->epoch.epoch, CATEGORY_FALSE,
           "it voids round %llu, not round %llu", (unsigned long long)voided.round, (unsigned long long)replay->last);
    TRY(replay_signers(replay, payload, arena, &replay->round.voters));
    return decided(replay, payload, BUNDLE_VOID);
}

static struct result take_survivors(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct replay_round *round = &replay->round;
    struct wire_r2 vote;
    TRY(certificate_r2(&replay->run, payload, arena, &vote));
    ENSURE(vote.round == replay->last && vote.epoch == replay->epoch.epoch && hash_equal(&vote.ctx, &round->ctx),
           CATEGORY_FALSE, "it is over another round than R0 opened");
    ENSURE(!replay->fixed || members_equal(&vote.survivors, &replay->fixed_survivors), CATEGORY_FALSE,
           "it has another set of inputs than was certified for this step before");
    TRY(replay_signers(replay, payload, arena, &round->voters));
    round->survivors = vote.survivors;
    round->headers = vote.headers;
    return RESULT_OK;
}

struct result replay_superseded(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    TRY(take_survivors(replay, payload, arena));
    replay->fixed = true;
    replay->fixed_survivors = replay->round.survivors;
    return decided(replay, payload, BUNDLE_SUPERSEDED);
}

struct result replay_r2(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    TRY(take_survivors(replay, payload, arena));
    replay->stage = REPLAY_HEADERS;
    return RESULT_OK;
}

struct result replay_r1(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct replay_round *round = &replay->round;
    const struct members *in = &round->survivors;
    struct wire_list list;
    struct view bodies[MEMBERS_MAX];
    struct hash headers;
    size_t rank = 0;
    TRY(wire_list_decode(payload, replay->roster.size, arena, &list));
    ENSURE(list.count == members_count(in), CATEGORY_FALSE, "%zu headers for %u inputs", list.count, members_count(in));
    for (unsigned j = members_next(in, 0); j; j = members_next(in, j), rank++) {
        struct signed_body body;
        TRY(replay_signed(replay, "r1", WIRE_R1, j, list.items[rank], arena, &body));
        if (rank == 0) round->words = body.r1.words;
        ENSURE(body.r1.round == replay->last && body.r1.epoch == replay->epoch.epoch &&
                   hash_equal(&body.r1.ctx, &round->ctx) && body.r1.position == j && body.r1.words == round->words &&
                   body.r1.chunks == check_chunks(round->words),
               CATEGORY_FALSE, "the header of %s is not for this round", run_member(&replay->run, j));
        round->roots[rank] = body.r1.root;
        bodies[rank] = body.message.body;
    }
    ENSURE(replay->form == BUNDLE_PUBLIC || round->words == replay->fold.words, CATEGORY_FALSE,
           "inputs of %llu words where the step asks for %llu", (unsigned long long)round->words,
           (unsigned long long)replay->fold.words);
    TRY(check_headers_root(bodies, rank, &headers));
    ENSURE(hash_equal(&headers, &round->headers), CATEGORY_FALSE, "they are not the headers that were certified");
    round->chunks = check_chunks(round->words);
    replay->stage = REPLAY_OPEN;
    return RESULT_OK;
}

/* What an opened sum tells is told once for a step, however often the step is done again. */
static void charge(struct replay *replay)
{
    if (replay->form == BUNDLE_PUBLIC || replay->round.terms.step < replay->rho_steps) return;
    replay->rho = privacy_compose(replay->rho, layout_rho(&replay->fold.layout));
    replay->rho_steps = replay->round.terms.step + 1;
}

struct result replay_open(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    struct replay_round *round = &replay->round;
    struct signed_body body;
    static const enum replay_stage after[] = {REPLAY_SECRETS, REPLAY_SUMS, REPLAY_CLOSE};
    TRY(replay_signed(replay, "open", WIRE_OPEN, 0, payload, arena, &body));
    ENSURE(body.open.round == replay->last && body.open.epoch == replay->epoch.epoch &&
               hash_equal(&body.open.ctx, &round->ctx) && members_equal(&body.open.survivors, &round->survivors) &&
               hash_equal(&body.open.headers, &round->headers),
           CATEGORY_FALSE, "it opens something else than was certified");
    round->open = body.open;
    charge(replay);
    round->position = members_next(&round->survivors, 0);
    if (replay->form != BUNDLE_PUBLIC) {
        round->sum = calloc((size_t)round->words, sizeof *round->sum);
        ENSURE(round->sum, CATEGORY_ENVIRONMENT, "out of memory for a sum of %llu words",
               (unsigned long long)round->words);
    }
    replay->stage = after[replay->form];
    return RESULT_OK;
}

struct result replay_secrets(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    (void)arena;
    struct replay_round *round = &replay->round;
    struct round_name name = run_round(&replay->run, replay->epoch.epoch, replay->last);
    unsigned n = replay->run.thresholds.n, in = members_count(&round->survivors), position;
    struct hash hash;
    ENSURE(payload.length == (size_t)n * SEED_BYTES, CATEGORY_FALSE, "%zu bytes of secrets for %u banks",
           payload.length, n);
    TRY(ctx_secrets_hash(payload, &hash));
    ENSURE(hash_equal(&hash, &round->open.secrets), CATEGORY_FALSE, "they are not the secrets that OPEN names");
    TRY(check_secrets(&replay->run, &replay->epoch, replay->last, &round->survivors, payload.data, &position));
    TRY(check_unmasking(&replay->run, &replay->epoch, &name, &round->ctx, &round->survivors, payload.data,
                        &round->unmasking));
    replay->counts.commitments += n;
    replay->counts.masks += in + (uint64_t)in * (n - in);
    replay->stage = REPLAY_INPUTS;
    return RESULT_OK;
}

/* The masks are off, and what is left is the sum that was signed. */
static struct result unmask(struct replay *replay)
{
    struct replay_round *round = &replay->round;
    struct hash hash;
    TRY(mask_apply(round->unmasking, 0, round->sum, (size_t)round->words));
    TRY(ctx_sum_hash(round->sum, round->words, &hash));
    ENSURE(hash_equal(&hash, &round->open.sum), CATEGORY_FALSE,
           "the masked inputs without their masks are not the sum that %s signed", run_member(&replay->run, 0));
    round->chunk = 0;
    replay->counts.sums++;
    replay->stage = REPLAY_SUMS;
    return RESULT_OK;
}

static struct result input_ends(struct replay *replay)
{
    struct replay_round *round = &replay->round;
    struct hash root;
    TRY(merkle_tree_root(&round->leaves, &root));
    ENSURE(hash_equal(&root, &round->roots[members_rank(&round->survivors, round->position)]), CATEGORY_FALSE,
           "the masked input of %s is not the one it signed", run_member(&replay->run, round->position));
    replay->counts.inputs++;
    replay->counts.words += round->words;
    round->leaves = (struct merkle_tree){0};
    round->chunk = 0;
    round->position = members_next(&round->survivors, round->position);
    return round->position ? RESULT_OK : unmask(replay);
}

struct result replay_input(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    (void)arena;
    struct replay_round *round = &replay->round;
    struct reader reader = reader_of(payload, "the masked input");
    uint32_t position, chunk;
    struct hash leaf;
    TRY(reader_u32(&reader, &position));
    TRY(reader_u32(&reader, &chunk));
    ENSURE(position == round->position && chunk == round->chunk, CATEGORY_FALSE,
           "it is chunk %u of bank %u where chunk %u of %s must come", chunk, position, round->chunk,
           run_member(&replay->run, round->position));
    ENSURE(reader.rest.length == check_chunk_words(round->words, chunk) * 8, CATEGORY_FALSE,
           "a chunk of %zu bytes, not %zu", reader.rest.length, check_chunk_words(round->words, chunk) * 8);
    TRY(ctx_chunk_leaf(chunk, reader.rest, &leaf));
    TRY(merkle_tree_append(&round->leaves, &leaf));
    check_add(round->sum + (size_t)chunk * CHUNK_WORDS, reader.rest);
    return ++round->chunk < round->chunks ? RESULT_OK : input_ends(replay);
}

/* In the full form the sum is known already; without the inputs it is what the banks certified. */
static struct result take_chunk(struct replay *replay, uint32_t chunk, struct view words)
{
    struct replay_round *round = &replay->round;
    uint64_t *at = round->sum + (size_t)chunk * CHUNK_WORDS;
    if (replay->form == BUNDLE_FULL)
        ENSURE(memcmp(at, words.data, words.length) == 0, CATEGORY_FALSE, "it is not the sum of the masked inputs");
    else
        memcpy(at, words.data, words.length);
    return RESULT_OK;
}

struct result replay_sum(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    (void)arena;
    struct replay_round *round = &replay->round;
    struct reader reader = reader_of(payload, "the sum");
    uint32_t chunk;
    struct hash hash;
    TRY(reader_u32(&reader, &chunk));
    ENSURE(chunk == round->chunk && reader.rest.length == check_chunk_words(round->words, chunk) * 8, CATEGORY_FALSE,
           "it is not chunk %u of the sum", round->chunk);
    TRY(take_chunk(replay, chunk, reader.rest));
    if (++round->chunk < round->chunks) return RESULT_OK;
    TRY(ctx_sum_hash(round->sum, round->words, &hash));
    ENSURE(hash_equal(&hash, &round->open.sum), CATEGORY_FALSE, "it is not the sum that was signed");
    if (replay->form == BUNDLE_SUMS) replay->counts.sums++;
    replay->stage = REPLAY_CLOSE;
    return RESULT_OK;
}

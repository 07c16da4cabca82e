/* A bank that was away: sums that others closed come with their certificates, and it recomputes every advance. Also
 * what the coordinator answers about rounds that are over, and how their masked chunks go. */
#include <stdlib.h>
#include <string.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/ledger.h"
#include "proto/secagg/node.h"

/* ---- node */

/* The step before this bank computed itself; its certificate may have gone by. */
static struct result take_previous(struct secagg_node *node, struct view certificate, struct wire_arena *arena)
{
    if (node->log.tree.size == node->fold.step) return RESULT_OK;
    ENSURE(certificate.length, CATEGORY_PEER, "a closed sum of step %llu without the certificate of the step before",
           (unsigned long long)node->fold.step);
    return close_check_certificate(node, certificate, arena, &node->log);
}

struct result catch_take_closed(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                struct effects *effects)
{
    struct wire_close close;
    struct run_log log;
    const struct view certificates[2] = {message->closed.close, message->closed.previous};
    for (size_t i = 0; i < 2 && node->state != NODE_ENDING; i++)
        TRY(node_check_opened(node, certificates[i], arena, effects));
    if (node->state == NODE_ENDING) return RESULT_OK;
    TRY(certificate_close(&node->run, message->closed.close, arena, &close));
    ENSURE(close.step == node->fold.step && message->closed.step == close.step && !node->fold.finished, CATEGORY_PEER,
           "a closed sum of step %llu where this bank is at step %llu", (unsigned long long)close.step,
           (unsigned long long)node->fold.step);
    TRY(take_previous(node, message->closed.previous, arena));
    log = node->log;
    TRY(run_log_take(&log, &node->run, message->closed.close, arena, &close));
    uint64_t *sum = calloc((size_t)node->fold.words, sizeof *sum);
    ENSURE(sum, CATEGORY_ENVIRONMENT, "out of memory for a sum");
    free(node->sum);
    node->sum = sum;
    node->sum_next = 0;
    node->catching = close;
    buffer_clear(&node->catching_certificate);
    TRY(buffer_append(&node->catching_certificate, message->closed.close));
    check_done(&node->check);
    node->state = NODE_CATCHING;
    return RESULT_OK;
}

struct result catch_ask(struct secagg_node *node, struct effects *effects)
{
    struct wire_fetch_sum fetch = {.step = node->fold.step, .chunk = node->sum_next};
    return effect_send(effects, 0, MESSAGE_FETCH_SUM, &fetch);
}

/* Everything of the rounds up to the closed one is spent. */
static struct result erase_up_to(struct secagg_node *node, uint64_t round, struct effects *effects)
{
    for (uint32_t k = 0; k < node->epoch.rounds && node->epoch.first + k <= round; k++)
        TRY(node_erase_round(node, node->epoch.first + k, effects));
    if (round > node->last) node->last = round;
    return RESULT_OK;
}

static struct result apply(struct secagg_node *node, struct effects *effects)
{
    uint64_t step = node->fold.step, words = node->fold.words;
    CLEANUP(buffer_done) struct buffer model = {0};
    struct hash hash, model_hash;
    TRY(ctx_sum_hash(node->sum, words, &hash));
    if (!hash_equal(&hash, &node->catching.sum))
        return node_refuse(node, effects, "%s sends another sum of step %llu than %u banks closed",
                           run_member(&node->run, 0), (unsigned long long)step, node->run.thresholds.t);
    TRY(fold_advance(&node->fold, node->sum, words));
    TRY(fold_model(&node->fold, node->run.thresholds.n, &model, &model_hash));
    if (!hash_equal(&node->fold.state_hash, &node->catching.state) || !hash_equal(&model_hash, &node->catching.model))
        return node_refuse(node, effects,
                           "step %llu: this bank computes another state or model from the closed sum than %u "
                           "others did; the programs differ",
                           (unsigned long long)step, node->run.thresholds.t);
    node->closed = node->catching;
    TRY(run_log_add(&node->log, &node->catching));
    TRY(run_log_keep(&node->log, effects));
    buffer_clear(&node->close);
    node->state = NODE_READY;
    TRY(effect_persist_sum(effects, step, node->sum, words));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->fold.state), "state"));
    TRY(effect_persist(effects, KEEP_RUN, buffer_view(&node->catching_certificate), "closed/%05llu",
                       (unsigned long long)step));
    TRY(effect_erase(effects, KEEP_RUN, "close"));
    TRY(noise_erase(node, effects));
    node->masked.input = (struct hash){0}; /* of few numbers it could be guessed, and it is not needed any more */
    TRY(ledger_add_certificate(node, "close", node->catching.round, buffer_view(&node->catching_certificate), effects));
    uint64_t spent = node->round.terms.round > node->catching.round ? node->round.terms.round : node->catching.round;
    TRY(erase_up_to(node, spent, effects));
    node_round_done(&node->round);
    free(node->sum);
    node->sum = NULL;
    return node_keep_round(node, effects);
}

struct result catch_take_sum_piece(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                   struct effects *effects)
{
    (void)arena;
    const struct wire_sum_piece *piece = &message->sum_piece;
    ENSURE(piece->step == node->fold.step && piece->chunk == node->sum_next &&
               piece->words.length == check_chunk_words(node->fold.words, piece->chunk) * 8,
           CATEGORY_PEER, "a chunk of a sum that was not asked for");
    memcpy(node->sum + (size_t)piece->chunk * CHUNK_WORDS, piece->words.data, piece->words.length);
    if (++node->sum_next < check_chunks(node->fold.words)) return RESULT_OK;
    return apply(node, effects);
}

/* ---- coordinator */

struct result catch_send_closed(struct secagg_coordinator *coordinator, unsigned member, uint64_t step,
                                struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer certificate = {0}, previous = {0};
    TRY(record_need(&coordinator->config.records, KEEP_RUN, &certificate, "closed/%05llu", (unsigned long long)step));
    if (step > 0)
        TRY(record_need(&coordinator->config.records, KEEP_RUN, &previous, "closed/%05llu",
                        (unsigned long long)step - 1));
    struct wire_closed closed = {.step = step, .close = buffer_view(&certificate), .previous = buffer_view(&previous)};
    return coordinator_reply_with(coordinator, member, MESSAGE_CLOSED, &closed, effects);
}

struct result catch_answer_closed(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    return catch_send_closed(coordinator, member, coordinator->peers[member].asked.step, effects);
}

struct result coordinator_answer_past(struct secagg_coordinator *coordinator, unsigned member, uint64_t round,
                                      struct effects *effects)
{
    const struct record_source *records = &coordinator->config.records;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    bool found = false;
    unsigned long long number = (unsigned long long)round;
    TRY(record_load(records, KEEP_RUN, &bytes, &found, "voided/%05llu", number));
    if (found) return coordinator_reply(coordinator, member, MESSAGE_VOID_CERTIFICATE, buffer_view(&bytes), effects);
    TRY(record_load(records, KEEP_RUN, &bytes, &found, "superseded/%05llu", number));
    if (found) return coordinator_reply(coordinator, member, MESSAGE_SUPERSEDED, buffer_view(&bytes), effects);
    TRY(record_load(records, KEEP_RUN, &bytes, &found, "r0/%05llu", number));
    if (!found) return RESULT_OK; /* no such round yet */
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    unsigned size = coordinator->run.terms.roster->size;
    struct wire_signed one;
    struct wire_r0 r0;
    TRY(wire_signed_decode(buffer_view(&bytes), size, &arena, &one));
    TRY(wire_r0_decode(one.body, size, &arena, &r0));
    return r0.step < coordinator->fold.step ? catch_send_closed(coordinator, member, r0.step, effects) : RESULT_OK;
}

struct result catch_take_fetch(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                               struct wire_arena *arena, struct effects *effects)
{
    (void)arena, (void)effects;
    coordinator->peers[from].asked.step = message->fetch_sum.step;
    coordinator->peers[from].asked.chunk = message->fetch_sum.chunk;
    return RESULT_OK;
}

struct result catch_answer_fetch(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    const struct asked asked = coordinator->peers[member].asked;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    bool found = false;
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &bytes, &found, "sum/%05llu/%05u",
                    (unsigned long long)asked.step, asked.chunk));
    if (!found) return RESULT_OK;
    struct wire_sum_piece piece = {.step = asked.step, .chunk = asked.chunk, .words = buffer_view(&bytes)};
    return coordinator_reply_with(coordinator, member, MESSAGE_SUM_PIECE, &piece, effects);
}

static bool is_ahead(const struct secagg_coordinator *coordinator, const struct asked *asked)
{
    /* A bank that has checked the opened sum is a step further than what is certified. */
    uint64_t step = coordinator->fold.step + (coordinator->phase == PHASE_CLOSE);
    return asked->kind &&
           (asked->step > step || asked->round > coordinator->last || asked->epoch > coordinator->epoch.epoch);
}

struct result catch_end_when_behind(struct secagg_coordinator *coordinator, struct effects *effects)
{
    const struct members *cohort = run_cohort(&coordinator->run);
    unsigned ahead = 0;
    for (unsigned i = members_next(cohort, 0); i; i = members_next(cohort, i))
        ahead += is_ahead(coordinator, &coordinator->peers[i].asked);
    if (ahead < coordinator->run.thresholds.t) return RESULT_OK;
    return coordinator_end(coordinator, effects,
                           "%u banks have come further than the coordinator, which stands at round %llu (step %llu): "
                           "its state directory is older than its last message (a restored backup?); submit the run "
                           "again",
                           ahead, (unsigned long long)coordinator->last, (unsigned long long)coordinator->fold.step);
}

/* At most this many erasures ride on one batch. */
#define ERASURES_MOST 1024u

/* One bank's masked chunks of a round; their number is that of their leaf hashes, which go with them. */
static struct result erase_upload(struct secagg_coordinator *coordinator, unsigned bank, unsigned *left,
                                  struct effects *effects)
{
    unsigned long long round = (unsigned long long)coordinator->erase_from;
    CLEANUP(buffer_done) struct buffer leaves = {0};
    bool found = false;
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &leaves, &found, "leaves/%05llu/%05u", round, bank));
    if (!found) return RESULT_OK;
    unsigned chunks = (unsigned)(leaves.length / HASH_BYTES);
    for (unsigned c = 0; c < chunks; c++) TRY(effect_erase(effects, KEEP_RUN, "y/%05llu/%05u/%05u", round, bank, c));
    *left = *left > chunks ? *left - chunks : 0;
    return effect_erase(effects, KEEP_RUN, "leaves/%05llu/%05u", round, bank);
}

struct result catch_erase_masked(struct secagg_coordinator *coordinator, struct effects *effects)
{
    const struct members *cohort = run_cohort(&coordinator->run);
    unsigned left = ERASURES_MOST;
    while (coordinator->erase_from <= coordinator->erase_to) {
        unsigned bank = members_next(cohort, coordinator->erase_bank);
        for (; bank && left; bank = members_next(cohort, bank)) {
            TRY(erase_upload(coordinator, bank, &left, effects));
            coordinator->erase_bank = bank;
        }
        if (bank) return RESULT_OK;
        coordinator->erase_from++;
        coordinator->erase_bank = 0;
    }
    return RESULT_OK;
}

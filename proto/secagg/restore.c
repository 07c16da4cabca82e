/* A machine after a restart: its state is what the records say, and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* ---- node */

/* The stage of the epoch, and the round under way: what the two small records hold. */
struct result node_keep_epoch(struct secagg_node *node, struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer record = {0};
    enum node_state stage = node->state < NODE_READY ? node->state : NODE_READY;
    TRY(buffer_u32(&record, node->epoch.epoch));
    TRY(buffer_u64(&record, node->epoch.first));
    TRY(buffer_u32(&record, node->failures));
    TRY(buffer_u8(&record, (uint8_t)stage));
    return effect_persist(effects, KEEP_RUN, buffer_view(&record), "epoch");
}

struct result node_keep_round(struct secagg_node *node, struct effects *effects)
{
    const struct node_masked *masked = &node->masked;
    struct members survivors = masked->fixed ? masked->survivors : members_none(node->run.terms.roster->size);
    CLEANUP(buffer_done) struct buffer record = {0};
    TRY(buffer_u8(&record, (uint8_t)node->state));
    TRY(buffer_u64(&record, node->last));
    TRY(buffer_u64(&record, node->round.terms.round));
    TRY(buffer_u64(&record, masked->step));
    TRY(buffer_u64(&record, masked->round));
    TRY(buffer_append(&record, hash_view(&masked->input)));
    TRY(buffer_u8(&record, masked->voided));
    TRY(buffer_u8(&record, masked->fixed));
    TRY(buffer_append(&record, members_view(&survivors)));
    return effect_persist(effects, KEEP_RUN, buffer_view(&record), "round");
}

static struct result read_round(struct secagg_node *node, uint64_t *ret_round, bool *ret_found)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(record_load(&node->config.records, KEEP_RUN, &bytes, ret_found, "round"));
    if (!*ret_found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&bytes), "the record of the round");
    struct node_masked *masked = &node->masked;
    struct view input, survivors;
    uint8_t state, voided, fixed;
    TRY(reader_u8(&reader, &state));
    TRY(reader_u64(&reader, &node->last));
    TRY(reader_u64(&reader, ret_round));
    TRY(reader_u64(&reader, &masked->step));
    TRY(reader_u64(&reader, &masked->round));
    TRY(reader_take(&reader, HASH_BYTES, &input));
    TRY(reader_u8(&reader, &voided));
    TRY(reader_u8(&reader, &fixed));
    TRY(reader_take(&reader, reader.rest.length, &survivors));
    ENSURE(state >= NODE_READY && state < NODE_STATES, CATEGORY_ENVIRONMENT, "a damaged record of the round");
    memcpy(masked->input.bytes, input.data, HASH_BYTES);
    masked->voided = voided != 0;
    masked->fixed = fixed != 0;
    node->state = (enum node_state)state;
    return members_from(survivors, node->run.terms.roster->size, &masked->survivors);
}

static struct result load_optional(const struct secagg_node *node, struct buffer *out, const char *kind,
                                   uint64_t number)
{
    bool found = false;
    return record_load(&node->config.records, KEEP_RUN, out, &found, "%s/%05llu", kind, (unsigned long long)number);
}

/* The open round's own messages, as they were. */
static struct result load_round(struct secagg_node *node, uint64_t number)
{
    struct node_round *round = &node->round;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    round->terms.epoch = node->epoch.epoch;
    round->terms.round = number;
    TRY(load_optional(node, &round->r0, "r0", number));
    TRY(load_optional(node, &round->header, "r1", number));
    TRY(load_optional(node, &round->proposal, "proposal", number));
    TRY(load_optional(node, &round->vote, "r2", number));
    TRY(load_optional(node, &round->void_vote, "void", number));
    TRY(load_optional(node, &round->certificate, "certificate", number));
    TRY(load_optional(node, &round->release, "release", number));
    TRY(load_optional(node, &round->opened, "opened", number));
    TRY(load_optional(node, &round->drawn, "drawn", number));
    if (round->r0.length) {
        struct signed_body body;
        TRY(signed_read(&node->run, "r0", WIRE_R0, buffer_view(&round->r0), &arena, &body));
        round->terms = body.r0;
        TRY(ctx_of(&round->terms, &round->ctx));
    }
    if (round->certificate.length) {
        struct wire_r2 vote;
        TRY(certificate_r2(&node->run, buffer_view(&round->certificate), &arena, &vote));
        round->survivors = vote.survivors;
        round->headers = vote.headers;
    }
    round->words = node->fold.words;
    round->chunks = check_chunks(round->words);
    return RESULT_OK;
}

/* Copies a secret record into guarded memory; false when it is gone. */
static struct result load_secret(const struct secagg_node *node, uint8_t *into, size_t length, bool *ret_found,
                                 const char *kind, uint32_t k)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    bool indexed = k != UINT32_MAX;
    struct result result = indexed ? record_load(&node->config.records, KEEP_SECRET, &bytes, ret_found,
                                                 "secret/%u/%s/%02u", node->epoch.epoch, kind, k)
                                   : record_load(&node->config.records, KEEP_SECRET, &bytes, ret_found, "secret/%u/%s",
                                                 node->epoch.epoch, kind);
    bool fits = bytes.length == length;
    if (result_ok(result) && *ret_found && fits && into) memcpy(into, bytes.data, length);
    if (bytes.data) secret_bytes_wipe(bytes.data, bytes.capacity);
    TRY(result);
    ENSURE(!*ret_found || fits, CATEGORY_ENVIRONMENT, "a damaged secret record of epoch %u", node->epoch.epoch);
    return RESULT_OK;
}

static struct result load_secrets(struct secagg_node *node, bool *ret_crippled)
{
    struct deal *deal = &node->deal;
    bool found = false;
    bool acknowledged = node->state >= NODE_ACK;
    if (node->state < NODE_READY) {
        TRY(load_secret(node, deal_channel(deal), SEED_BYTES, &found, "channel", UINT32_MAX));
        *ret_crippled = !found;
    }
    if (node->state == NODE_P1) {
        TRY(secret_new(deal->count * deal_block_bytes(deal), &deal->dealt));
        TRY(load_secret(node, secret_bytes(deal->dealt), secret_length(deal->dealt), &found, "dealt", UINT32_MAX));
        *ret_crippled = *ret_crippled || !found;
    }
    for (uint32_t k = 0; k < deal->rounds; k++) {
        bool own = false, held = true;
        TRY(load_secret(node, deal_own(deal, k), (size_t)2 * SEED_BYTES, &own, "own", k));
        if (acknowledged) TRY(load_secret(node, deal_held(deal, k, 0), deal_held_bytes(deal), &held, "held", k));
        node->missing[k] = !own || !held;
        if (!acknowledged && !own) *ret_crippled = true;
    }
    return RESULT_OK;
}

static struct result load_leaves(struct secagg_node *node)
{
    struct deal *deal = &node->deal;
    CLEANUP(buffer_done) struct buffer leaves = {0};
    size_t length = (size_t)deal->count * deal->rounds * 2 * sizeof *deal->leaves;
    TRY(record_need(&node->config.records, KEEP_RUN, &leaves, "leaves/%u", node->epoch.epoch));
    TRY(record_need(&node->config.records, KEEP_RUN, &deal->paths, "paths/%u", node->epoch.epoch));
    ENSURE(leaves.length == length && deal->paths.length % deal->count == 0, CATEGORY_ENVIRONMENT,
           "a damaged record of the shares of epoch %u", node->epoch.epoch);
    memcpy(deal->leaves, leaves.data, length);
    deal->path_length = deal->paths.length / deal->count;
    return RESULT_OK;
}

static struct result load_epoch(struct secagg_node *node, bool *ret_crippled)
{
    const struct record_source *records = &node->config.records;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    bool found = false;
    TRY(record_load(records, KEEP_RUN, &bytes, &found, "epoch"));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&bytes), "the record of the epoch");
    uint32_t epoch, failures;
    uint64_t first;
    uint8_t stage;
    TRY(reader_u32(&reader, &epoch));
    TRY(reader_u64(&reader, &first));
    TRY(reader_u32(&reader, &failures));
    TRY(reader_u8(&reader, &stage));
    ENSURE(stage >= NODE_P1 && stage <= NODE_READY, CATEGORY_ENVIRONMENT, "a damaged record of the epoch");
    node->state = (enum node_state)stage;
    node->failures = failures;
    struct signed_body own;
    CLEANUP(wire_arena_done) struct wire_arena own_arena = {0};
    TRY(record_need(records, KEEP_RUN, &node->p1, "p1/%u", epoch));
    TRY(signed_read(&node->run, "p1", WIRE_P1, buffer_view(&node->p1), &own_arena, &own));
    TRY(provision_init(&node->epoch, &node->run, epoch, first, &own.p1.checkpoint));
    TRY(deal_init(&node->deal, &node->run, node->config.position));
    if (stage >= NODE_P2) {
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        CLEANUP(buffer_done) struct buffer all = {0};
        struct wire_list list;
        TRY(record_need(records, KEEP_RUN, &all, "p1s/%u", epoch));
        TRY(wire_list_decode(buffer_view(&all), node->run.terms.roster->size, &arena, &list));
        TRY(p1_read_all(node, &list, &arena, NULL));
    }
    if (stage == NODE_P2 || stage == NODE_ACK) TRY(record_need(records, KEEP_RUN, &node->p2, "p2/%u", epoch));
    if (stage >= NODE_ACK) {
        TRY(record_need(records, KEEP_RUN, &node->ack, "ack/%u", epoch));
        TRY(load_leaves(node));
    }
    return load_secrets(node, ret_crippled);
}

static struct result load_fold(struct secagg_node *node)
{
    TRY(secagg_checked_load(&node->config.records, &node->checked));
    const struct plan *plan = node->run.terms.plan;
    const struct task *task = node->run.terms.task;
    CLEANUP(buffer_done) struct buffer state = {0};
    bool found = false;
    TRY(record_load(&node->config.records, KEEP_RUN, &state, &found, "state"));
    if (!found) return fold_start(plan, task, &node->fold);
    TRY(fold_load(plan, task, buffer_view(&state), &node->fold));
    TRY(run_log_load(&node->config.records, &node->log));
    ENSURE(node->log.tree.size == node->fold.step || node->log.tree.size + 1 == node->fold.step, CATEGORY_ENVIRONMENT,
           "a damaged record of the run's log");
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    TRY(record_load(&node->config.records, KEEP_RUN, &node->close, &found, "close"));
    if (found) {
        struct signed_body body;
        TRY(signed_read(&node->run, "close", WIRE_CLOSE, buffer_view(&node->close), &arena, &body));
        node->closed = body.close;
        return RESULT_OK;
    }
    CLEANUP(buffer_done) struct buffer certificate = {0};
    TRY(record_need(&node->config.records, KEEP_RUN, &certificate, "closed/%05llu",
                    (unsigned long long)node->fold.step - 1));
    return certificate_close(&node->run, buffer_view(&certificate), &arena, &node->closed);
}

/* The end, if it came: refused runs stay refused. */
static struct result load_end(struct secagg_node *node)
{
    bool found = false;
    TRY(record_load(&node->config.records, KEEP_RUN, &node->reason, &found, "ended"));
    if (found) {
        node->state = NODE_ENDED;
        return RESULT_OK;
    }
    TRY(record_load(&node->config.records, KEEP_RUN, &node->reason, &found, "refused"));
    if (found) node->state = NODE_ENDING;
    return RESULT_OK;
}

static bool table_is_same(struct secagg_node *node, struct view record)
{
    return view_equal(record, hash_view(&node->config.table_hash));
}

/* Pairwise masks of the epoch need the pre-shared keys that its P2 confirmed. ret_bank: whose differs now, or 0. */
static struct result find_changed_psk(const struct secagg_node *node, unsigned *ret_bank)
{
    const struct members *cohort = run_cohort(&node->run);
    CLEANUP(buffer_done) struct buffer then = {0};
    CLEANUP(buffer_done) struct buffer now = {0};
    *ret_bank = 0;
    if (node->state < NODE_P2) return RESULT_OK;
    TRY(record_need(&node->config.records, KEEP_RUN, &then, "psks"));
    TRY(node_psk_ids(node, &now));
    ENSURE(then.length == now.length, CATEGORY_ENVIRONMENT, "a damaged record of the pre-shared keys");
    size_t at = 0;
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j), at += HASH_BYTES) {
        if (memcmp(then.data + at, now.data + at, HASH_BYTES) == 0) continue;
        *ret_bank = j;
        return RESULT_OK;
    }
    return RESULT_OK;
}

/* What a run needs to stay as it was on this bank's side: the frozen table and the pre-shared keys. */
static struct result check_unchanged(struct secagg_node *node, struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer table = {0};
    TRY(record_need(&node->config.records, KEEP_RUN, &table, "table"));
    if (!table_is_same(node, buffer_view(&table)))
        return node_refuse(node, effects,
                           "this bank's data changed since it joined the run; a run sees one version only");
    unsigned bank = 0;
    TRY(find_changed_psk(node, &bank));
    if (!bank) return RESULT_OK;
    return node_refuse(node, effects,
                       "the pre-shared key with %s is not the one that epoch %u was provisioned with; a key is changed "
                       "between runs",
                       run_member(&node->run, bank), node->epoch.epoch);
}

struct result node_restore(struct secagg_node *node, struct effects *effects)
{
    bool crippled = false, found = false;
    TRY(load_fold(node));
    TRY(load_epoch(node, &crippled));
    /* What was masked, and in which round, is remembered over every epoch: also while the next is provisioned. */
    enum node_state stage = node->state;
    uint64_t number = 0;
    TRY(read_round(node, &number, &found));
    if (stage < NODE_READY)
        node->state = stage;
    else if (found && number)
        TRY(load_round(node, number));
    TRY(load_end(node));
    if (node->state == NODE_ENDED || node->state == NODE_DONE || node->state == NODE_NEW) return RESULT_OK;
    if (node->state == NODE_ENDING) {
        CLEANUP(buffer_done) struct buffer reason = {0};
        const char *text = NULL;
        TRY(buffer_append(&reason, buffer_view(&node->reason)));
        TRY(buffer_terminate(&reason, &text));
        return node_refuse(node, effects, "%s", text);
    }
    if (crippled)
        return node_refuse(node, effects, "the secrets of epoch %u are gone from this bank's state directory",
                           node->epoch.epoch);
    return check_unchanged(node, effects);
}

/* Whether a decision has spent the secrets of round k of the epoch. */
static bool is_spent(const struct secagg_node *node, uint32_t k)
{
    uint64_t round = node->epoch.first + k;
    if (node->state < NODE_READY || round > node->last) return false;
    bool open = node->state == NODE_CONTRIBUTING || node->state == NODE_UPLOADING || node->state == NODE_VOTED;
    return round < node->last || !open;
}

static struct result erase_if_there(struct secagg_node *node, uint32_t epoch, const char *kind, uint32_t k,
                                    struct effects *effects)
{
    const struct record_source *records = &node->config.records;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    bool found = false, indexed = k != UINT32_MAX;
    struct result result = indexed
                               ? record_load(records, KEEP_SECRET, &bytes, &found, "secret/%u/%s/%02u", epoch, kind, k)
                               : record_load(records, KEEP_SECRET, &bytes, &found, "secret/%u/%s", epoch, kind);
    if (bytes.data) secret_bytes_wipe(bytes.data, bytes.capacity);
    TRY(result);
    if (!found) return RESULT_OK;
    if (indexed) return effect_erase(effects, KEEP_SECRET, "secret/%u/%s/%02u", epoch, kind, k);
    return effect_erase(effects, KEEP_SECRET, "secret/%u/%s", epoch, kind);
}

static struct result erase_epoch(struct secagg_node *node, uint32_t epoch, struct effects *effects)
{
    for (uint32_t k = 0; k < node->run.rounds; k++) {
        TRY(erase_if_there(node, epoch, "own", k, effects));
        TRY(erase_if_there(node, epoch, "held", k, effects));
    }
    TRY(erase_if_there(node, epoch, "channel", UINT32_MAX, effects));
    return erase_if_there(node, epoch, "dealt", UINT32_MAX, effects);
}

struct result node_repeat_erasures(struct secagg_node *node, struct effects *effects)
{
    uint32_t epoch = node->epoch.epoch;
    if (node->state >= NODE_DONE) return node_erase_secrets(node, effects);
    TRY(noise_repeat_erasure(node, effects));
    if (!epoch) return RESULT_OK;
    if (epoch > 1) TRY(erase_epoch(node, epoch - 1, effects));
    if (node->state >= NODE_P2) TRY(erase_if_there(node, epoch, "dealt", UINT32_MAX, effects));
    if (node->state >= NODE_READY) TRY(erase_if_there(node, epoch, "channel", UINT32_MAX, effects));
    for (uint32_t k = 0; k < node->epoch.rounds; k++) {
        if (!is_spent(node, k)) continue;
        deal_wipe_round(&node->deal, k);
        node->missing[k] = true;
        TRY(erase_if_there(node, epoch, "own", k, effects));
        TRY(erase_if_there(node, epoch, "held", k, effects));
    }
    return RESULT_OK;
}

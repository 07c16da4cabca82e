/* The noise of a bank's next input, under differential privacy: drawn before the round opens, from a seed of the step.
 *
 * A step's input may be masked more than once (rule 2), always with the same noise: another sample over the same sum
 * would halve what the noise hides. So the seed is durable before the first masking, and goes with the step. Where a
 * bank lost it, r1.c sees another input: in a round that is under way, or under a certificate, it takes none; after a
 * round that is proven void it may, since nobody has seen that one's sum. */
#include <stdlib.h>
#include <string.h>

#include "proto/run/privacy.h"
#include "proto/secagg/node.h"

#define KEY_NOISE "secret/noise" /* u64 step ‖ seed */
enum { RECORD_BYTES = 8 + RANDOM_SEED_BYTES };

static bool needed(const struct secagg_node *node)
{
    return plan_private(node->run.terms.plan) && !node->fold.finished;
}

/* The record, if there is one: its step, and its seed where that is wanted. */
static struct result load_record(const struct secagg_node *node, uint64_t *ret_step, uint8_t *ret_seed, bool *ret_found)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct result result = record_load(&node->config.records, KEEP_SECRET, &bytes, ret_found, KEY_NOISE);
    bool fits = bytes.length == RECORD_BYTES;
    if (result_ok(result) && *ret_found && fits) {
        *ret_step = bytes_get_u64(bytes.data);
        if (ret_seed) memcpy(ret_seed, bytes.data + 8, RANDOM_SEED_BYTES);
    }
    if (bytes.data) secret_bytes_wipe(bytes.data, bytes.capacity);
    TRY(result);
    ENSURE(!*ret_found || fits, CATEGORY_ENVIRONMENT, "a damaged record of this bank's noise");
    return RESULT_OK;
}

static struct result find_seed(struct secagg_node *node)
{
    bool found = false;
    uint64_t step = 0;
    TRY(secret_new(RANDOM_SEED_BYTES, &node->noise.seed));
    TRY(load_record(node, &step, secret_bytes(node->noise.seed), &found));
    if (found && step == node->fold.step) return RESULT_OK;
    random_draw(node->config.random, secret_bytes(node->noise.seed), RANDOM_SEED_BYTES);
    return RESULT_OK;
}

static struct result draw(struct secagg_node *node)
{
    struct node_noise *noise = &node->noise;
    CLEANUP(random_source_freep) struct random_source *source = NULL;
    noise->step = node->fold.step;
    noise->count = layout_values(&node->fold.layout);
    noise->values = calloc((size_t)noise->count, sizeof *noise->values);
    ENSURE(noise->values, CATEGORY_ENVIRONMENT, "out of memory for the noise of %llu numbers",
           (unsigned long long)noise->count);
    TRY(random_source_new(noise->seed, &source));
    unsigned honest = privacy_honest(&node->run.thresholds, node->run.terms.plan->on_dropout);
    return layout_noise(&node->fold.layout, honest, source, noise->values);
}

struct result noise_prepare(struct secagg_node *node)
{
    if (!needed(node)) return RESULT_OK;
    if (node->noise.values && node->noise.step == node->fold.step) return RESULT_OK;
    node_noise_done(&node->noise);
    struct result result = find_seed(node);
    if (result_ok(result)) result = draw(node);
    if (!result_ok(result)) node_noise_done(&node->noise);
    return result;
}

struct result noise_add(struct secagg_node *node, uint64_t *words)
{
    TRY(noise_prepare(node));
    if (needed(node)) layout_add_noise(&node->fold.layout, node->noise.values, words);
    return RESULT_OK;
}

struct result noise_keep(const struct secagg_node *node, struct effects *effects)
{
    if (!needed(node)) return RESULT_OK;
    uint8_t record[RECORD_BYTES];
    bytes_put_u64(record, node->fold.step);
    memcpy(record + 8, secret_bytes(node->noise.seed), RANDOM_SEED_BYTES);
    struct result result = effect_persist(effects, KEEP_SECRET, view_of(record, sizeof record), KEY_NOISE);
    secret_bytes_wipe(record, sizeof record);
    return result;
}

struct result noise_erase(struct secagg_node *node, struct effects *effects)
{
    node_noise_done(&node->noise);
    if (!plan_private(node->run.terms.plan)) return RESULT_OK;
    return effect_erase(effects, KEEP_SECRET, KEY_NOISE);
}

struct result noise_repeat_erasure(struct secagg_node *node, struct effects *effects)
{
    bool found = false;
    uint64_t step = 0;
    TRY(load_record(node, &step, NULL, &found));
    return found && step != node->fold.step ? effect_erase(effects, KEEP_SECRET, KEY_NOISE) : RESULT_OK;
}

void node_noise_done(struct node_noise *noise)
{
    if (noise->values) secret_bytes_wipe(noise->values, (size_t)noise->count * sizeof *noise->values);
    free(noise->values);
    secret_free(noise->seed);
    *noise = (struct node_noise){0};
}

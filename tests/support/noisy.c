#include "tests/support/noisy.h"

#include <stdlib.h>

#include "proto/run/privacy.h"

static struct result add_noise(const struct fold *fold, struct noisy_options options, uint64_t *words)
{
    struct thresholds thresholds;
    TRY(thresholds_of(options.banks, &thresholds));
    unsigned honest = privacy_honest(&thresholds, fold->plan->on_dropout);
    uint64_t *noise = calloc(layout_values(&fold->layout) + 1, sizeof *noise);
    ENSURE(noise, CATEGORY_ENVIRONMENT, "out of memory");
    struct result result = RESULT_OK;
    for (unsigned bank = 0; bank < options.banks && result_ok(result); bank++) {
        result = layout_noise(&fold->layout, honest, options.source, noise);
        if (result_ok(result)) layout_add_noise(&fold->layout, noise, words);
    }
    free(noise);
    return result;
}

static struct result one_round(struct fold *fold, const struct table *table, struct noisy_options options)
{
    uint64_t *words = calloc(fold->words, sizeof *words);
    ENSURE(words, CATEGORY_ENVIRONMENT, "out of memory");
    struct result result = fold_contribute(fold, table, 1, words, fold->words);
    if (result_ok(result)) result = add_noise(fold, options, words);
    if (result_ok(result)) result = fold_advance(fold, words, fold->words);
    free(words);
    return result;
}

static struct result through_bytes(struct fold *fold)
{
    CLEANUP(fold_done) struct fold back = {0};
    TRY(fold_load(fold->plan, fold->task, buffer_view(&fold->state), &back));
    ENSURE(hash_equal(&back.state_hash, &fold->state_hash), CATEGORY_BUG, "a state changed on its way through bytes");
    struct fold before = *fold;
    *fold = back;
    back = before;
    return RESULT_OK;
}

struct result noisy_run(const struct pooled *pooled, struct noisy_options options, struct fold *ret)
{
    double rho = 0;
    CLEANUP(fold_done) struct fold fold = {0};
    TRY(fold_start(&pooled->plan, task_find(pooled->plan.task), &fold));
    while (!fold.finished) {
        TRY(through_bytes(&fold));
        if (options.each) options.each(&fold, pooled->table, options.context);
        rho = privacy_compose(rho, layout_rho(&fold.layout));
        ENSURE(rho <= pooled->plan.privacy.rho, CATEGORY_BUG, "after %u sums they cost %.17g, the plan allows %.17g",
               (unsigned)fold.step + 1, rho, pooled->plan.privacy.rho);
        TRY(one_round(&fold, pooled->table, options));
    }
    TRY(through_bytes(&fold));
    *ret = fold;
    fold = (struct fold){0};
    return RESULT_OK;
}

#include "tests/support/private_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ok.h"
#include "tests/support/seeded.h"

static json_t *result_of(const struct fold *fold, unsigned banks)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    OK(fold_result(fold, banks, &text));
    json_t *model = json_loadb((const char *)text.data, text.length, 0, NULL);
    assert_non_null(model);
    return model;
}

json_t *noisy_model(const struct pooled *pooled, unsigned banks, const char *seed)
{
    CLEANUP(fold_done) struct fold fold = {0};
    CLEANUP(random_source_freep) struct random_source *source = seeded(seed);
    OK(noisy_run(pooled, (struct noisy_options){.banks = banks, .source = source}, &fold));
    return result_of(&fold, banks);
}

json_t *exact_model(struct pooled *pooled, unsigned banks)
{
    CLEANUP(fold_done) struct fold fold = {0};
    struct plan_privacy before = pooled->plan.privacy;
    pooled->plan.privacy = (struct plan_privacy){0};
    OK(pooled_run(pooled, (struct pooled_options){.parts = 1, .threads = 1}, &fold));
    json_t *model = result_of(&fold, banks);
    pooled->plan.privacy = before;
    return model;
}

double sample_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("%s is no number", key);
    return json_number_value(value);
}

void same_however_split(const struct pooled *pooled)
{
    struct hash first = {0};
    for (unsigned parts = 1; parts <= 4; parts++) {
        CLEANUP(fold_done) struct fold fold = {0};
        OK(pooled_run(pooled, (struct pooled_options){.parts = parts, .threads = parts, .shuffle = parts}, &fold));
        if (parts == 1) first = fold.state_hash;
        assert_true(hash_equal(&fold.state_hash, &first));
    }
}

void plan_refused(const char *yaml, const char *words)
{
    struct pooled pooled;
    CLEANUP(fold_done) struct fold fold = {0};
    OK(pooled_init(yaml, &pooled));
    struct result result = pooled_run(&pooled, (struct pooled_options){.parts = 1, .threads = 1}, &fold);
    assert_int_equal(result.category, CATEGORY_USAGE);
    if (!strstr(result_reason(), words)) fail_msg("\"%s\" has no \"%s\"", result_reason(), words);
    pooled_done(&pooled);
}

void sample_take(struct sample *sample, const char *what, double error, double claimed)
{
    sample->what = what;
    sample->count++;
    sample->sum += error;
    sample->squares += error * error;
    sample->claimed += claimed;
}

void sample_check(const struct sample *sample, double bias, double within, bool most)
{
    double count = sample->count, mean = sample->sum / count, claimed = sample->claimed / count;
    double sd = sqrt(sample->squares / count - mean * mean);
    print_message("%s: bias %.3g, sd %.4g, claimed %.4g\n", sample->what, mean, sd, claimed);
    if (!(fabs(mean) <= claimed * (4 / sqrt(count) + bias))) fail_msg("%s is biased by %g", sample->what, mean);
    if (!(sd <= claimed * (1 + within)) || !(most || sd >= claimed * (1 - within)))
        fail_msg("the noise of %s has a standard deviation of %g, not %g", sample->what, sd, claimed);
}

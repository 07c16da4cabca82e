#include "tests/support/fold_fuzz.h"

#include <stdlib.h>

#include "proto/run/fold.h"

/* A word of a byte: small, or its low bits shifted to any height, with a sign. */
static uint64_t word_of(uint8_t byte, uint8_t how)
{
    if (how < 64) return byte;
    uint64_t word = (uint64_t)byte << how % 57;
    return how & 1 ? UINT64_C(0) - word : word;
}

/* The words of a sum: what is left of the input, again and again, so that small inputs fill large vectors. */
static void take_sum(struct fold *fold, const uint8_t *data, size_t size)
{
    if (fold->finished || fold->words > 100000) return;
    uint64_t *words = calloc(fold->words, sizeof *words);
    if (!words) return;
    for (uint64_t i = 0; i < fold->words && size > 0; i++) words[i] = word_of(data[i % size], data[(i + 1) % size]);
    (void)result_ok(fold_advance(fold, words, fold->words));
    free(words);
}

void fold_fuzz(const char *yaml, struct plan *plan, const uint8_t *data, size_t size)
{
    if (!plan->features && !result_ok(plan_parse(view_text(yaml), "plan.yaml", plan))) abort();
    if (size < 1) return;
    /* The first byte says how much of the input is state; the header is right, so that fuzzing reaches past it. */
    size_t length = (size - 1) * data[0] / 255;
    CLEANUP(fold_done) struct fold start = {0}, fold = {0};
    CLEANUP(buffer_done) struct buffer state = {0};
    if (!result_ok(fold_start(plan, task_find(plan->task), &start))) abort();
    size_t header = sizeof "cofferdam/1/state" + HASH_BYTES + sizeof(uint64_t);
    if (!result_ok(buffer_append(&state, view_of(start.state.data, header)))) abort();
    if (!result_ok(buffer_append(&state, view_of(data + 1, length)))) return;
    if (!result_ok(fold_load(plan, start.task, buffer_view(&state), &fold))) return;
    CLEANUP(buffer_done) struct buffer text = {0};
    (void)result_ok(fold_progress(&fold, &text));
    if (fold.finished) (void)result_ok(fold_result(&fold, 5, &text));
    take_sum(&fold, data + 1 + length, size - 1 - length);
}

#include "analytics/sweep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64, REASON_BYTES = 512 };

struct worker {
    const struct sweep *sweep;
    pthread_t thread;
    uint64_t begin, end;
    __int128 *values;
    struct result result;
    bool started;
    char reason[REASON_BYTES]; /* reasons are kept per thread: carried over by hand */
};

size_t sweep_offset(const struct layout *layout, size_t field)
{
    size_t offset = 0;
    for (size_t i = 0; i < field; i++) offset += (size_t)layout->fields[i].length;
    return offset;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    worker->result = worker->sweep->body(worker->sweep->context, worker->begin, worker->end, worker->values);
    if (!result_ok(worker->result)) {
        const char *reason = result_reason();
        memcpy(worker->reason, reason, strnlen(reason, REASON_BYTES - 1));
    }
    return NULL;
}

static struct result prepare(const struct sweep *sweep, struct worker *workers, unsigned count, size_t values)
{
    uint64_t blocks = (sweep->rows + SWEEP_BLOCK - 1) / SWEEP_BLOCK;
    for (unsigned i = 0; i < count; i++) {
        uint64_t begin = blocks * i / count * SWEEP_BLOCK, end = blocks * (i + 1) / count * SWEEP_BLOCK;
        workers[i] = (struct worker){.sweep = sweep, .begin = begin, .end = end < sweep->rows ? end : sweep->rows};
        workers[i].values = calloc(values + 1, sizeof *workers[i].values);
        ENSURE(workers[i].values, CATEGORY_ENVIRONMENT, "out of memory for %zu sums", values);
    }
    return RESULT_OK;
}

static void run(struct worker *workers, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    for (unsigned i = 0; i < count; i++)
        if (!workers[i].started) (void)work(&workers[i]); /* the first one, and any the system had no thread for */
    for (unsigned i = 1; i < count; i++)
        if (workers[i].started) (void)pthread_join(workers[i].thread, NULL);
}

struct result sweep_words(const struct layout *layout, uint64_t rows, const __int128 *values, uint64_t *words)
{
    for (size_t f = 0; f < layout->fields_count; f++) {
        const struct layout_field *field = &layout->fields[f];
        __int128 most = (__int128)field->bound * (__int128)rows;
        for (uint64_t k = 0; k < field->length; k++, values++, words += field->words) {
            ENSURE(*values <= most && *values >= -most, CATEGORY_BUG, "the sum \"%s\" passes the bound of its layout",
                   field->name);
            layout_put(field, *values, words);
        }
    }
    return RESULT_OK;
}

/* Into the first one's values. */
static struct result collect(const struct sweep *sweep, const struct worker *workers, unsigned count, uint64_t *words)
{
    for (unsigned i = 0; i < count; i++)
        ENSURE(result_ok(workers[i].result), workers[i].result.category, "%s", workers[i].reason);
    size_t values = sweep_offset(sweep->layout, sweep->layout->fields_count);
    for (unsigned i = 1; i < count; i++)
        for (size_t k = 0; k < values; k++) workers[0].values[k] += workers[i].values[k];
    return sweep_words(sweep->layout, sweep->rows, workers[0].values, words);
}

struct result sweep_run(const struct sweep *sweep, unsigned threads, uint64_t *words)
{
    ENSURE(threads > 0, CATEGORY_BUG, "a sweep of no threads");
    struct worker workers[THREADS_MAX] = {0};
    uint64_t blocks = (sweep->rows + SWEEP_BLOCK - 1) / SWEEP_BLOCK;
    unsigned count = threads < THREADS_MAX ? threads : THREADS_MAX;
    if (count > blocks) count = blocks ? (unsigned)blocks : 1;
    struct result result = prepare(sweep, workers, count, sweep_offset(sweep->layout, sweep->layout->fields_count));
    if (result_ok(result)) {
        run(workers, count);
        result = collect(sweep, workers, count, words);
    }
    size_t bytes = sweep_offset(sweep->layout, sweep->layout->fields_count) * sizeof(__int128);
    for (unsigned i = 0; i < count; i++) {
        if (workers[i].values)
            explicit_bzero(workers[i].values, bytes); /* a bank's part of a sum is for nobody's eyes */
        free(workers[i].values);
    }
    return result;
}

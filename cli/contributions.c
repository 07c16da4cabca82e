#include "cli/contributions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/base/checked.h"

enum { REASON_BYTES = 1024, WORKERS_MAX = 64 };

struct pool {
    struct contribution *contributions;
    struct verdict {
        enum category category;
        char reason[REASON_BYTES]; /* reasons are kept per thread, so a worker's is copied here */
    } * verdicts;
    size_t count;
    unsigned inner; /* threads within one contribution */
    atomic_size_t next;
};

static struct result compute_one(struct contribution *contribution, unsigned threads)
{
    const struct fold *fold = contribution->fold;
    size_t bytes = 0;
    ENSURE(checked_mul_size((size_t)fold->words, sizeof *contribution->words, &bytes) && bytes > 0, CATEGORY_BUG,
           "a round without numbers");
    contribution->words = calloc(1, bytes);
    ENSURE(contribution->words != NULL, CATEGORY_ENVIRONMENT, "out of memory for a vector of %zu bytes", bytes);
    return fold_contribute(fold, contribution->table, threads, contribution->words, fold->words);
}

static void *pool_work(void *context)
{
    struct pool *pool = context;
    for (;;) {
        size_t i = atomic_fetch_add(&pool->next, 1);
        if (i >= pool->count) break;
        struct result result = compute_one(&pool->contributions[i], pool->inner);
        pool->verdicts[i].category = result.category;
        if (!result_ok(result)) (void)snprintf(pool->verdicts[i].reason, REASON_BYTES, "%s", result_reason());
    }
    fold_thread_done();
    return NULL;
}

static struct result pool_run(struct pool *pool, unsigned threads)
{
    pthread_t workers[WORKERS_MAX];
    unsigned started = 0, wanted = threads < pool->count ? threads : (unsigned)pool->count;
    if (wanted > WORKERS_MAX) wanted = WORKERS_MAX;
    /* This thread works as well; a thread that cannot be started only makes it slower. */
    while (started + 1 < wanted && pthread_create(&workers[started], NULL, pool_work, pool) == 0) started++;
    (void)pool_work(pool);
    for (unsigned i = 0; i < started; i++) (void)pthread_join(workers[i], NULL);
    for (size_t i = 0; i < pool->count; i++) {
        ENSURE(pool->verdicts[i].category == CATEGORY_OK, pool->verdicts[i].category, "%s: %s",
               pool->contributions[i].bank, pool->verdicts[i].reason);
    }
    return RESULT_OK;
}

struct result contributions_compute(struct contribution *contributions, size_t count, unsigned threads)
{
    if (count == 0) return RESULT_OK;
    struct pool pool = {.contributions = contributions, .count = count, .inner = threads / (unsigned)count};
    if (pool.inner == 0) pool.inner = 1;
    pool.verdicts = calloc(count, sizeof *pool.verdicts);
    ENSURE(pool.verdicts != NULL, CATEGORY_ENVIRONMENT, "out of memory for %zu banks", count);
    struct result result = pool_run(&pool, threads);
    free(pool.verdicts);
    return result;
}

void contributions_done(struct contribution *contributions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(contributions[i].words);
        contributions[i].words = NULL;
    }
}

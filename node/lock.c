#include "node/lock.h"

#include <time.h>

#include "sys/clock.h"

enum { LOOK_MS = 200 };

struct result lock_unless_awaited(pthread_mutex_t *mutex, const struct sign_key *key)
{
    while (pthread_mutex_trylock(mutex) != 0) {
        const char *token = sign_key_awaited(key);
        ENSURE(!token, CATEGORY_ENVIRONMENT,
               "the node waits for the token of its key, %s, and signs and sends nothing until it is back: insert or "
               "unlock it (the log says what it answers)",
               token);
        uint64_t until = clock_now_ms() + LOOK_MS;
        const struct timespec deadline = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
        if (pthread_mutex_timedlock(mutex, &deadline) == 0) return RESULT_OK;
    }
    return RESULT_OK;
}

#include "sys/clock.h"

#include <time.h>

static uint64_t microseconds(clockid_t clock)
{
    struct timespec time = {0};
    (void)clock_gettime(clock, &time); /* fails only for an unknown clock */
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

uint64_t clock_now_ms(void)
{
    return microseconds(CLOCK_REALTIME) / 1000;
}

uint64_t clock_monotonic_ms(void)
{
    return microseconds(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_monotonic_us(void)
{
    return microseconds(CLOCK_MONOTONIC);
}

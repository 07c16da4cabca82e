/* Stands before the C library in a program that is started with it (LD_PRELOAD): the calendar shows PAST_SECONDS less,
 * so that a run of then has not passed its deadline. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    static int (*real)(clockid_t clock, struct timespec * ret);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    const char *past = getenv("PAST_SECONDS");
    int status = real(clock, ret);
    if (status == 0 && clock == CLOCK_REALTIME && past) ret->tv_sec -= strtoll(past, NULL, 10);
    return status;
}

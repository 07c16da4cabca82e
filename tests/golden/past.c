/* Stands before the C library in a program that is started with it (LD_PRELOAD). The calendar shows PAST_SECONDS less,
 * so that a run of then has not passed its deadline; and who dials by IPv4 comes to port PAST_PORT, whatever the roster
 * of then, which is signed, has in its address. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

int connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
    static int (*real)(int descriptor, const struct sockaddr *address, socklen_t length);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "connect");
    const char *port = getenv("PAST_PORT");
    struct sockaddr_in other;
    if (!port || address->sa_family != AF_INET || length != sizeof other) return real(descriptor, address, length);
    memcpy(&other, address, sizeof other);
    other.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    return real(descriptor, (const struct sockaddr *)&other, sizeof other);
}

#include "sys/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sys/descriptors.h"

struct result process_start(void)
{
    TRY(descriptors_hold());
    const struct rlimit none = {0, 0};
    ENSURE(setrlimit(RLIMIT_CORE, &none) == 0, CATEGORY_ENVIRONMENT, "core dumps cannot be turned off: %s",
           strerror(errno));
#ifndef __SANITIZE_ADDRESS__ /* whose search for leaks traces the process */
    ENSURE(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, CATEGORY_ENVIRONMENT,
           "this process cannot be kept from being traced: %s", strerror(errno));
#endif
    /* A write beyond a limit on files then fails, and what was begun is taken away. */
    ENSURE(signal(SIGXFSZ, SIG_IGN) != SIG_ERR, CATEGORY_ENVIRONMENT, "SIGXFSZ cannot be ignored: %s", strerror(errno));
    return RESULT_OK;
}

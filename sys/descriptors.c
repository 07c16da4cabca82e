#include "sys/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct result descriptors_hold(void)
{
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
        if (fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
        /* The lowest free number is this one, as those below are taken. Opened the wrong way round, on purpose. */
        int held = open("/dev/null", (number == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_NOCTTY);
        ENSURE(held == number, CATEGORY_ENVIRONMENT,
               "descriptor %d is closed and /dev/null cannot be opened in its place: %s", number, strerror(errno));
    }
    return RESULT_OK;
}

/* A program that is started without standard descriptors gives their numbers to none of its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/descriptors.h"

/* What a process finds that was started with these descriptors closed: 0 when all is well. */
static int in_child(unsigned closed)
{
    for (int number = 0; number < 3; number++)
        if (closed & 1u << number) (void)close(number);
    if (!result_ok(descriptors_hold())) return 1;
    struct stat null, found;
    if (stat("/dev/null", &null) != 0) return 2;
    for (int number = 0; number < 3; number++) {
        if (!(closed & 1u << number)) continue;
        if (fstat(number, &found) != 0 || found.st_rdev != null.st_rdev) return 3;
        char byte = 0; /* what was closed is of no more use than before */
        if (number == 0 ? read(number, &byte, 1) >= 0 : write(number, &byte, 1) >= 0) return 4;
    }
    return open("/proc/self/status", O_RDONLY) >= 3 ? 0 : 5;
}

static void no_file_takes_a_standard_descriptor(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 8; closed++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(in_child(closed));
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_file_takes_a_standard_descriptor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

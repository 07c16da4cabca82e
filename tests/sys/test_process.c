/* What a process leaves behind when it crashes, and who may look into it while it runs: nothing, nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/process.h"

/* Whether a process that whoever started it lets dump its core may do so once it has begun. */
static bool may_dump(bool starts)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit all = {0};
        (void)getrlimit(RLIMIT_CORE, &all);
        all.rlim_cur = all.rlim_max;
        (void)setrlimit(RLIMIT_CORE, &all);
        if (starts && !result_ok(process_start())) _exit(3);
        struct rlimit now = {0};
        (void)getrlimit(RLIMIT_CORE, &now);
        _exit(now.rlim_cur != 0 || now.rlim_max != 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 1;
}

static void a_crash_leaves_no_core(void **state)
{
    (void)state;
    struct rlimit limit = {0};
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(may_dump(false), limit.rlim_max != 0);
    assert_false(may_dump(true));
}

#ifndef __SANITIZE_ADDRESS__
/* The kernel gives /proc/PID of what cannot be dumped to root, whoever runs it. */
static void nobody_of_the_same_user_looks_in(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool good = setgid(65534) == 0 && setuid(65534) == 0;
        struct stat before = {0}, after = {0};
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* as after an execve of the user's own */
        good = good && stat("/proc/self/mem", &before) == 0 && before.st_uid == 65534;
        good = good && result_ok(process_start()) && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
        good = good && stat("/proc/self/mem", &after) == 0 && after.st_uid == 0;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_leaves_no_core),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(nobody_of_the_same_user_looks_in),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

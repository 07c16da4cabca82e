#include "tests/faults/files.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local struct {
    unsigned long left; /* until the call that fails; 0: none will */
    int error;
    bool failed;
} faults;
static bool skip_sync;

void files_fail(unsigned long which, int error)
{
    faults.left = which;
    faults.error = error;
    faults.failed = false;
}

bool files_mend(void)
{
    faults.left = 0;
    return faults.failed;
}

void files_skip_sync(void)
{
    skip_sync = true;
}

static bool fails(void)
{
    if (faults.left == 0 || --faults.left > 0) return false;
    faults.failed = true;
    errno = faults.error;
    return true;
}

ssize_t write(int descriptor, const void *bytes, size_t length)
{
    if (fails()) {
        if (faults.error) return -1;
        length = (length + 1) / 2;
    }
    return syscall(SYS_write, descriptor, bytes, length);
}

/* Of the others, one that is asked to do half does all. */
static bool refuses(void)
{
    return fails() && faults.error;
}

int fsync(int descriptor)
{
    if (refuses()) return -1;
    return skip_sync ? 0 : (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor)
{
    return fsync(descriptor);
}

int rename(const char *from, const char *to)
{
    return refuses() ? -1 : (int)syscall(SYS_rename, from, to);
}

int link(const char *from, const char *to)
{
    return refuses() ? -1 : (int)syscall(SYS_link, from, to);
}

int fchmod(int descriptor, mode_t mode)
{
    return refuses() ? -1 : (int)syscall(SYS_fchmod, descriptor, mode);
}

int mkdir(const char *path, mode_t mode)
{
    return refuses() ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

#include "tests/support/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(int condition, const char *what)
{
    if (condition) return;
    perror(what);
    abort();
}

void scratch_new(char path[SCRATCH_MAX])
{
    must(mkdir("build", 0755) == 0 || errno == EEXIST, "build");
    must(mkdir("build/scratch", 0755) == 0 || errno == EEXIST, "build/scratch");
    (void)snprintf(path, SCRATCH_MAX, "build/scratch/XXXXXX");
    must(mkdtemp(path) != NULL, path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void scratch_remove(const char *path)
{
    must(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, path);
}

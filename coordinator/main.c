/* cofferdam-coordinator: the daemon that aggregates. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("cofferdam-coordinator %s\n", COFFERDAM_VERSION) < 0;
    (void)fprintf(stderr, "usage: cofferdam-coordinator --version\n");
    return 2;
}

/* cofferdam: the command for people. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) return printf("cofferdam %s\n", COFFERDAM_VERSION) < 0;
    (void)fprintf(stderr, "usage: cofferdam --version\n");
    return 2;
}

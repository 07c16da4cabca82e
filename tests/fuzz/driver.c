/* Runs a fuzz target without libFuzzer: every file of its corpus, then a bounded number of seeded mutations of each.
 * usage: fuzz_NAME CORPUS_DIR [MUTATIONS] */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* A target whose inputs take long says how many mutations of each are enough here. */
__attribute__((weak)) extern const unsigned fuzz_mutations;

enum { INPUT_MAX = 1 << 20, NAME_BYTES = 4096, MUTATIONS = 300 };

static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Each run gets its own heap block of the exact size, so that a read past the end is seen. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) abort();
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void mutate(const uint8_t *data, size_t size, unsigned long times)
{
    static uint8_t copy[INPUT_MAX];
    for (unsigned long k = 0; k < times; k++) {
        memcpy(copy, data, size);
        size_t length = size;
        for (uint64_t edits = 1 + draw() % 4; edits && length; edits--) {
            size_t at = (size_t)(draw() % length);
            switch (draw() % 4) {
            case 0:
                copy[at] ^= (uint8_t)(1u << (draw() % 8));
                break;
            case 1:
                copy[at] = (uint8_t)draw();
                break;
            case 2:
                length = at;
                break;
            default:
                if (length < INPUT_MAX) {
                    memmove(copy + at + 1, copy + at, length - at);
                    copy[at] = (uint8_t)draw();
                    length++;
                }
            }
        }
        run(copy, length);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s CORPUS_DIR [MUTATIONS]\n", argv[0]);
        return 2;
    }
    unsigned long mutations = argc > 2 ? strtoul(argv[2], NULL, 10) : &fuzz_mutations ? fuzz_mutations : MUTATIONS;
    static uint8_t data[INPUT_MAX];
    unsigned files = 0;
    run(data, 0);
    DIR *directory = opendir(argv[1]);
    if (!directory) {
        (void)fprintf(stderr, "%s: no such corpus\n", argv[1]);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.') continue;
        char path[NAME_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        FILE *file = fopen(path, "rb");
        if (!file) return 1;
        size_t size = fread(data, 1, sizeof data, file);
        (void)fclose(file);
        run(data, size);
        mutate(data, size, mutations);
        files++;
    }
    (void)closedir(directory);
    (void)printf("%u corpus files, %lu mutations of each\n", files, mutations);
    return files ? 0 : 1;
}

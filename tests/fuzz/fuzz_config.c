/* The daemons' configuration: whatever the file holds, it is loaded or refused with its name in front. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "%s: %s\n", what, result_reason());
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("config", 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    must(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size, "the file");
    struct config_node *node = NULL;
    struct config_coordinator *coordinator = NULL;
    if (result_ok(config_node_load(path, &node)))
        must(node->key && node->roster && node->state && node->log && node->source.name && node->source.file, "node");
    else
        must(node == NULL && strncmp(result_reason(), path, strlen(path)) == 0, "a refused node configuration");
    if (result_ok(config_coordinator_load(path, &coordinator)))
        must(coordinator->key && coordinator->roster && coordinator->state && coordinator->log, "coordinator");
    else
        must(coordinator == NULL && strncmp(result_reason(), path, strlen(path)) == 0, "a refused configuration");
    config_node_free(node);
    config_coordinator_free(coordinator);
    return 0;
}

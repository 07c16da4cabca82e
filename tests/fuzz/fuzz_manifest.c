/* Any bytes as a backup's list of files: refused with its line, or every path in it stays inside the backup and the
 * text written again from what was read is the same. */
#include <stdlib.h>
#include <string.h>

#include "sys/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) abort();
}

struct again {
    struct buffer files;
    uint64_t count;
};

static struct result take(void *context, const struct manifest_file *file)
{
    struct again *again = context;
    must(file->path[0] && file->path[0] != '/' && strcmp(file->path, "..") != 0 && strncmp(file->path, "../", 3) != 0 &&
         !strstr(file->path, "/../") && !strstr(file->path, "//"));
    size_t length = strlen(file->path);
    must(length < 3 || strcmp(file->path + length - 3, "/..") != 0);
    again->count++;
    return manifest_add(file, &again->files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    struct again again = {0};
    struct manifest_head head;
    struct result result = manifest_read(view_of(data, size), &head, take, &again);
    if (result_ok(result)) {
        must(result_ok(manifest_begin(&head, &text)) && result_ok(buffer_append(&text, buffer_view(&again.files))) &&
             result_ok(manifest_end(again.count, &text)));
        must(view_equal(buffer_view(&text), view_of(data, size)));
    } else {
        must(result.category == CATEGORY_FALSE && strncmp(result_reason(), "line ", 5) == 0);
    }
    buffer_done(&again.files);
    return 0;
}

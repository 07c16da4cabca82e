#include "cli/bundle_file.h"

#include <errno.h>
#include <string.h>

static struct result bundle_file_read(void *context, uint8_t *into, size_t length, size_t *ret_got)
{
    const struct bundle_file *file = context;
    *ret_got = fread(into, 1, length, file->stream);
    ENSURE(*ret_got == length || !ferror(file->stream), CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", file->path,
           strerror(errno));
    return RESULT_OK;
}

struct result bundle_file_open(const char *path, struct bundle_file *ret, struct bundle_source *ret_source)
{
    bool piped = strcmp(path, "-") == 0;
    *ret = (struct bundle_file){path, piped ? stdin : fopen(path, "rbe")};
    ENSURE(ret->stream, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    *ret_source = (struct bundle_source){ret, bundle_file_read};
    return RESULT_OK;
}

void bundle_file_close(struct bundle_file *file)
{
    if (file->stream && file->stream != stdin) (void)fclose(file->stream);
    file->stream = NULL;
}

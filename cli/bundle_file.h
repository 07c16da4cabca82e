/* A bundle as a file, read from its beginning to its end in pieces. */
#ifndef CLI_BUNDLE_FILE_H
#define CLI_BUNDLE_FILE_H

#include <stdio.h>

#include "proto/audit/bundle.h"

struct bundle_file {
    const char *path;
    FILE *stream;
};
void bundle_file_close(struct bundle_file *file);
/* path: "-" for stdin. The source reads from it as long as ret stays where it is. */
MUST_USE struct result bundle_file_open(const char *path, struct bundle_file *ret, struct bundle_source *ret_source);

#endif

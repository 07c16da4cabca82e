/* The files of a run, put into its directory together or not at all. */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include "crypto/base/bytes.h"

struct output {
    const char *name; /* within the directory */
    struct view bytes;
};

/* Refuses, before any work is done, a directory that could not take files. It may exist or be new; its parent must
 * exist. Changes nothing. */
MUST_USE struct result outputs_check(const char *directory);
/* Makes the directory where it is missing, writes every file beside its place, then moves all into place, replacing
 * those of an earlier run. What fails before the first is in place leaves nothing behind. */
MUST_USE struct result outputs_write(const char *directory, const struct output *outputs, size_t count);

#endif

/* What the roster commands share: a roster file is the bare text until the first signature makes it a note. */
#ifndef CLI_ROSTER_H
#define CLI_ROSTER_H

#include "proto/run/roster.h"

struct roster_file {
    struct buffer bytes;
    struct roster roster;
    bool note; /* signed by someone */
};

void roster_file_done(struct roster_file *file);
/* Reasons begin with the path. */
MUST_USE struct result roster_file_read(const char *path, struct roster_file *ret);

#endif

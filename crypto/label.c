#include "crypto/label.h"

#include <assert.h>
#include <string.h>

static const char prefix[] = "cofferdam/1/";

struct view label_of(const char *kind, char out[LABEL_MAX])
{
    size_t before = sizeof prefix - 1, length = strlen(kind);
    assert(length > 0 && length < LABEL_MAX - before);
    memcpy(out, prefix, before);
    memcpy(out + before, kind, length + 1); /* the NUL ends the label: no kind is a prefix of another */
    return view_of(out, before + length + 1);
}

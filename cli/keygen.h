/* Between keygen.c and keygen_officer.c: what an officer's key is made with. */
#ifndef CLI_KEYGEN_H
#define CLI_KEYGEN_H

#include <stdbool.h>

#include "crypto/base/result.h"

struct keygen_officer {
    const char *organisation, *name, *directory;
    bool unsealed, json;
};
MUST_USE struct result keygen_officer(const struct keygen_officer *officer);

#endif

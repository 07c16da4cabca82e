/* Between keygen.c, keygen_officer.c and keygen_token.c. */
#ifndef CLI_KEYGEN_H
#define CLI_KEYGEN_H

#include <stdbool.h>

#include "crypto/base/result.h"

struct keygen_officer {
    const char *organisation, *name, *directory;
    bool unsealed, json;
};
MUST_USE struct result keygen_officer(const struct keygen_officer *officer);

struct keygen_token {
    const char *organisation;
    const char *identity_uri; /* NULL: the identity key goes into a file */
    const char *node_uri;
    const char *directory;
    bool unsealed, json;
};
MUST_USE struct result keygen_token(const struct keygen_token *keygen);

#endif

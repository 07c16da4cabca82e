/* Domain separation: a label is "cofferdam/1/" kind 0x00 and stands before everything signed, hashed or derived. */
#ifndef CRYPTO_LABEL_H
#define CRYPTO_LABEL_H

#include "crypto/base/bytes.h"

/* Longest label with its NUL; kinds are short words of ours ("p1", "close"), never input. */
#define LABEL_MAX 48

/* Writes the label of a kind and gives a view of it, the 0x00 included. */
struct view label_of(const char *kind, char out[LABEL_MAX]);

#endif

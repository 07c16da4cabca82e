/* A random source whose draws follow from a text, after crypto_start; fails the running test or setup otherwise. */
#ifndef TESTS_SUPPORT_SEEDED_H
#define TESTS_SUPPORT_SEEDED_H

#include "crypto/random.h"

struct random_source *seeded(const char *text);

#endif

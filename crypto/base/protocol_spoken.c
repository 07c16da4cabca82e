/* Alone in its file, so that tests link programs of other versions (the Makefile's PROTOCOL). */
#include "crypto/base/protocol.h"

#ifndef PROTOCOL_OLDEST
#define PROTOCOL_OLDEST 1
#define PROTOCOL_NEWEST 2
#endif

const struct protocol_range protocol_spoken = {PROTOCOL_OLDEST, PROTOCOL_NEWEST};

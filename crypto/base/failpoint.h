/* Named points at which a test build (`make FAILPOINTS=1`) can be told to die as if the power went: SIGKILL, by its own
 * hand. In every other build they expand to nothing, and neither names nor code of them are in the programs.
 *
 * COFFERDAM_FAILPOINT=NAME:COUNT kills the process when it comes to the point of that name for the COUNT-th time.
 * A name begins with where it is: "node: ", "coordinator: ", or, in both daemons, "store: ", "file: ". A point at a
 * message has the message's name at its end. tests/e2e/lib/failpoints.bash lists them all, from the sources.
 */
#ifndef CRYPTO_BASE_FAILPOINT_H
#define CRYPTO_BASE_FAILPOINT_H

#ifdef FAILPOINTS
#include "crypto/base/bytes.h"

/* tests/support/failpoint.c */
void failpoint_pass(const char *name);
void failpoint_pass_message(const char *name, struct view message); /* of a run's machine */
#define FAILPOINT(name) failpoint_pass(name)
#define FAILPOINT_MESSAGE(name, message) failpoint_pass_message(name, message)
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_MESSAGE(name, message) ((void)0)
#endif

#endif

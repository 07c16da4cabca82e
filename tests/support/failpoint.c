/* What the failpoints of a test build do (crypto/base/failpoint.h). */
#ifndef FAILPOINTS
#define FAILPOINTS
#endif
#include "crypto/base/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/wire/messages.h"

void failpoint_pass(const char *name)
{
    static atomic_ulong passes;
    const char *chosen = getenv("COFFERDAM_FAILPOINT");
    const char *colon = chosen ? strrchr(chosen, ':') : NULL;
    if (!colon || strlen(name) != (size_t)(colon - chosen) || strncmp(name, chosen, strlen(name)) != 0) return;
    if (atomic_fetch_add(&passes, 1) + 1 != strtoul(colon + 1, NULL, 10)) return;
    (void)kill(getpid(), SIGKILL);
    for (;;) (void)pause();
}

void failpoint_pass_message(const char *name, struct view message)
{
    char whole[160];
    (void)snprintf(whole, sizeof whole, "%s %s", name, message_name(message.length > 1 ? message.data[1] : 0));
    failpoint_pass(whole);
}

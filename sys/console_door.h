/* Who may look at a console: whoever brings a token that the daemon gave out over its control socket.
 *
 * A token is 32 random bytes in hex, good once and for CONSOLE_TOKEN_MS. It is exchanged for a session, 32 other random
 * bytes, which ends after CONSOLE_IDLE_MS without a request, after CONSOLE_SESSION_MS, or when its holder leaves. Both
 * are kept in guarded memory alone and compared in constant time; a daemon that starts again knows none. Thread-safe.
 */
#ifndef SYS_CONSOLE_DOOR_H
#define SYS_CONSOLE_DOOR_H

#include "crypto/base/bytes.h"

#define CONSOLE_TOKEN_MS UINT64_C(300000)     /* to open a tunnel and paste an address */
#define CONSOLE_IDLE_MS UINT64_C(3600000)     /* an open page asks all the time */
#define CONSOLE_SESSION_MS UINT64_C(43200000) /* a working day */
enum {
    CONSOLE_KEY_BYTES = 32,
    CONSOLE_KEY_HEX = 2 * CONSOLE_KEY_BYTES + 1,
    CONSOLE_TOKENS_MAX = 4,
    CONSOLE_SESSIONS_MAX = 8
};

struct console_door;
MUST_USE struct result console_door_new(struct console_door **ret);
void console_door_free(struct console_door *door); /* accepts NULL */
void console_door_freep(struct console_door **door);

/* now: by the steady clock. A token beside the last few replaces the oldest. */
MUST_USE struct result console_door_token(struct console_door *door, uint64_t now, char ret_hex[CONSOLE_KEY_HEX]);
/* CATEGORY_FALSE when the token is none that counts; it counts no more after this. The oldest session makes room. */
MUST_USE struct result console_door_enter(struct console_door *door, struct view token, uint64_t now,
                                          char ret_hex[CONSOLE_KEY_HEX]);
/* Whether it is a session; its idle time begins anew. session NULL: it is none. */
bool console_door_knows(struct console_door *door, const char *session, uint64_t now);
void console_door_leave(struct console_door *door, const char *session, uint64_t now);

#endif

/* A coordinator that cheats, for tests alone: cofferdam-coordinator with other words put into its replies.
 *
 * The machines, the store and TLS are the real ones; what is wrapped by the linker is the way in (asks_dispatch) and
 * the way out (transport_server_reply). COFFERDAM_CHEATS lists what to do, in order, separated by spaces:
 *   NAME        in the first reply that it can be played in
 *   NAME@BANK   in the first such reply to this bank
 *   ...*        in every such reply from then on
 * Each is played once at most in a reply, and each time is one line of the log: "cheat (BANK): NAME at BANK".
 * COFFERDAM_RECORD names a file that gets every request as it came, for tests/rogue to send again.
 */
#ifndef TESTS_CHEAT_CHEAT_H
#define TESTS_CHEAT_CHEAT_H

#include "coordinator/session.h"
#include "proto/secagg/coordinator.h"

/* A reply that is about to be sent, and what it will be instead. */
struct play {
    struct hub *hub;
    struct session *session;       /* NULL where the reply belongs to no run */
    unsigned member;               /* to whom */
    struct view frame;             /* the reply as it would go out */
    unsigned outside;              /* CHEAT_OFFERS: it answers a poll; CHEAT_BUNDLE: a piece of a bundle; else 0 */
    const struct message *message; /* of a run's machine; NULL for others */
    struct wire_arena *arena;
    struct buffer *out; /* what goes out instead; empty: this cheat cannot be played here */
    bool whole;         /* out is a frame; else a message of the run's machine */
};

/* What the coordinator has seen, for cheats that use it again. */
struct memory {
    struct buffer p2[MEMBERS_MAX + 1];    /* each bank's sealed shares */
    struct buffer voids[MEMBERS_MAX + 1]; /* each bank's last signed VOID */
    struct buffer close;                  /* the CLOSE certificate before the present one */
    struct buffer present;
    struct buffer reply[MEMBERS_MAX + 1]; /* the last frame to each bank */
    struct buffer first[MEMBERS_MAX + 1]; /* the first R0 to each bank */
};
extern struct memory memory;

enum { CHEAT_OFFERS = MESSAGE_KINDS_END, CHEAT_BUNDLE };
struct cheat {
    const char *name;
    unsigned kind; /* of the message that it changes; 0: any reply of a run's machine; CHEAT_OFFERS, CHEAT_BUNDLE */
    struct result (*play)(struct play *play);
};
const struct cheat *cheat_find(const char *name, size_t length); /* or NULL */

#endif

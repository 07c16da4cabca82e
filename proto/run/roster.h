/* The roster: who is a member, with which keys, and who coordinates. A signed note, pinned by every member.
 *
 * Text of the note, line by line (proto/run/roster.c, docs/protocol.md):
 *   cofferdam/1 roster
 *   version N
 *   previous HEX64            (zeros for version 1)
 *   coordinator NAME HEX64 tls+tcp://host:port
 *   member NAME IDENTITY_HEX64 NODE_HEX64          one line a member, order is the position from 1
 * The roster hash is H(label "roster" ‖ text). Version 1 is signed by every member's identity. A successor is signed
 * by t of the members before and by each member that is added or re-keyed; `previous` is the hash before it.
 */
#ifndef PROTO_RUN_ROSTER_H
#define PROTO_RUN_ROSTER_H

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "proto/run/members.h"

#define ADDRESS_MAX_BYTES 255u

struct roster_member {
    char name[NAME_MAX_BYTES + 1];
    struct sign_public identity;
    struct sign_public node;
};
struct roster {
    uint32_t version;
    struct hash previous;
    char coordinator_name[NAME_MAX_BYTES + 1];
    struct sign_public coordinator;
    char address[ADDRESS_MAX_BYTES + 1];
    struct roster_member *members; /* members[i] is position i + 1 */
    unsigned size;
    struct hash hash;
    struct buffer note; /* the bytes it was read from */
};

void roster_done(struct roster *roster);
/* Parses and checks shape (names distinct, keys distinct and valid, 3 to MEMBERS_MAX members); not signatures. */
MUST_USE struct result roster_parse(struct view note, struct roster *ret);
/* The same of the text alone, before anyone signed it; roster->note stays empty. */
MUST_USE struct result roster_parse_text(struct view text, struct roster *ret);
/* Version 1: every member signed. CATEGORY_FALSE naming who did not. */
MUST_USE struct result roster_verify_first(const struct roster *roster);
/* Whether this member signed this version. */
MUST_USE struct result roster_verify_member(const struct roster *roster, unsigned position);
/* version + 1, previous = hash of before, t signatures of before's members, and of each added or re-keyed one. */
MUST_USE struct result roster_verify_successor(const struct roster *before, const struct roster *after);
/* What roster_parse checks of the fields, for a roster that is being put together. */
MUST_USE struct result roster_check(const struct roster *roster);
/* CATEGORY_USAGE unless a member may be called so (a note's key name that is also a file name), or dialled there. */
MUST_USE struct result roster_name_check(const char *name);
MUST_USE struct result roster_address_check(const char *address);
/* Text of a roster from its fields, appended to out. */
MUST_USE struct result roster_text(const struct roster *roster, struct buffer *out);
/* Position of a node key or of a name, or 0. */
unsigned roster_position_of_node(const struct roster *roster, const struct sign_public *node);
unsigned roster_position_of_name(const struct roster *roster, const char *name);

#endif

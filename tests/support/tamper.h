/* Bundles that were tampered with: entries taken apart and put together otherwise, messages signed by others. */
#ifndef TESTS_SUPPORT_TAMPER_H
#define TESTS_SUPPORT_TAMPER_H

#include "crypto/random.h"
#include "crypto/sign.h"
#include "proto/audit/bundle.h"
#include "proto/wire/messages.h"

enum { BUNDLE_HEAD_BYTES = 9 }; /* kind and length of an entry */

/* A bundle in pieces: piece 0 is the line that names the form, piece k entry k with its head. Borrowed from it. */
struct pieces {
    struct view *items;
    size_t count;
};
void pieces_done(struct pieces *pieces);
/* Fails the running test when it is no bundle. */
void pieces_of(struct view bundle, struct pieces *ret);
unsigned piece_kind(struct view piece); /* of piece 1 and later */
struct view piece_payload(struct view piece);
/* Replaces out's content by the pieces in their order. */
void pieces_join(const struct pieces *pieces, struct buffer *out);
/* The same with one piece's payload replaced. */
void pieces_with(const struct pieces *pieces, size_t number, struct view payload, struct buffer *out);

/* One small change, drawn from `random`, that leaves no bundle which holds: a bit of it, an entry left out, doubled or
 * in the place of another, the end missing. Replaces out's content; *ret_what: what it was, static text. */
void tamper(const struct pieces *pieces, struct random_source *random, struct buffer *out, const char **ret_what);

/* How many signed messages an entry holds; 0 for one that holds none. */
size_t signed_count(unsigned kind, struct view payload);
uint32_t signed_by(unsigned kind, struct view payload, size_t which); /* roster position; 0: the coordinator */
struct view message_body(unsigned kind, struct view payload, size_t which, struct wire_arena *arena);
/* Replaces out's content by the payload with its message `which` signed by `key` under the name of `signer`, over the
 * body that it had (NULL) or another one. SIGNER_AS_IT_WAS keeps the name. */
#define SIGNER_AS_IT_WAS UINT32_MAX
void signed_again(unsigned kind, struct view payload, size_t which, const struct sign_key *key, uint32_t signer,
                  const struct view *body, struct buffer *out);
/* Replaces out's content by the note with its signature `which` made by `key`, under the key id of `shown`. */
void note_again(struct view note, size_t which, const struct sign_key *key, const struct sign_public *shown,
                struct buffer *out);

#endif

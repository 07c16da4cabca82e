/* Ed25519 (RFC 8032) over libsodium. Always over label(kind) ‖ bytes: a signature of one kind is never one of another.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "crypto/secret.h"

#define SIGN_SEED_BYTES 32
#define SIGN_PUBLIC_BYTES 32
#define SIGN_BYTES 64

struct sign_public {
    uint8_t bytes[SIGN_PUBLIC_BYTES];
};
struct signature {
    uint8_t bytes[SIGN_BYTES];
};

struct sign_key; /* opaque: seed and expanded key in guarded memory, or a key that is held elsewhere */

MUST_USE struct result sign_key_from_seed(const struct secret *seed, struct sign_key **ret);

/* A private key that never comes into this process, in a PKCS#11 token for one (sys/token.h). */
struct sign_elsewhere {
    struct sign_public public;
    void *context;
    /* Signs the bytes as they are. wait: stays until whoever holds the key is there; else CATEGORY_ENVIRONMENT at once.
     */
    struct result (*sign)(void *context, struct view bytes, bool wait, struct signature *ret);
    void (*patient)(void *context);   /* wait is heeded from now on */
    void (*interrupt)(void *context); /* from a signal handler, too */
    const char *(*awaited)(void *context);
    void (*free)(void *context);
};
/* The context is the key's from then on. */
MUST_USE struct result sign_key_elsewhere(const struct sign_elsewhere *take_holder, struct sign_key **ret);
bool sign_key_in_memory(const struct sign_key *key);
/* In this thread sign_bytes never waits: it is to say at once what is missing. */
void sign_thread_at_once(void);
/* From now on sign_bytes waits for whoever holds the key: whoever may be told to stop hears it by now. */
void sign_key_wait(const struct sign_key *key);
/* What a sign_bytes that waits at this moment waits for, as the key's own; NULL: nothing. */
const char *sign_key_awaited(const struct sign_key *key);
/* Ends the waiting of sign_bytes for a key that is held elsewhere, now and from now on. Safe in a signal handler. */
void sign_key_interrupt(const struct sign_key *key);
void sign_key_free(struct sign_key *key);
void sign_key_freep(struct sign_key **key);
const struct sign_public *sign_key_public(const struct sign_key *key);
struct view sign_key_seed(const struct sign_key *key); /* of one in memory: for sealing to a file and for the TLS key */

/* kind NULL signs the bytes alone: only for signed notes, whose format C2SP fixes. With a key that is held elsewhere it
 * waits until that is there (sign_key_wait), and no signature goes out that does not verify. */
MUST_USE struct result sign_bytes(const struct sign_key *key, const char *kind, struct view bytes,
                                  struct signature *ret);
/* The same for the bytes alone, without waiting: a TLS handshake is tried again by itself. */
MUST_USE struct result sign_at_once(const struct sign_key *key, struct view bytes, struct signature *ret);
/* CATEGORY_FALSE "the signature does not verify" when it does not. Small-order and non-canonical keys are refused. */
MUST_USE struct result sign_verify(const struct sign_public *by, const char *kind, struct view bytes,
                                   const struct signature *signature);
/* A point of the prime-order group in its canonical form; a signature of any other key never verifies. */
bool sign_public_valid(const struct sign_public *key);
bool sign_public_equal(const struct sign_public *a, const struct sign_public *b);

#endif

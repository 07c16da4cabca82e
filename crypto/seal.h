/* Sealing: XChaCha20-Poly1305 (libsodium) with a random 24-byte nonce in front; and passphrase sealing (Argon2id). */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "crypto/random.h"

#define SEAL_KEY_BYTES 32
#define SEAL_NONCE_BYTES 24
#define SEAL_OVERHEAD (SEAL_NONCE_BYTES + 16)

/* Appends nonce ‖ ciphertext ‖ tag to out. The key must be bound to its sender and receiver by its derivation. */
MUST_USE struct result seal_box(const uint8_t key[SEAL_KEY_BYTES], struct view associated, struct view plaintext,
                                struct random_source *random, struct buffer *out);
/* Opens into guarded memory of the caller's: out holds sealed.length - SEAL_OVERHEAD bytes. CATEGORY_FALSE when the
 * box was not made with this key and associated data; out is then zeroed. */
MUST_USE struct result seal_open(const uint8_t key[SEAL_KEY_BYTES], struct view associated, struct view sealed,
                                 uint8_t *out);

/* Passphrase sealing of key files: magic ‖ Argon2id parameters ‖ salt ‖ box. Opening refuses parameters above
 * OPSLIMIT/MEMLIMIT_SENSITIVE. CATEGORY_FALSE "wrong passphrase or damaged file". */
MUST_USE struct result seal_with_passphrase(struct view passphrase, struct view plaintext, struct random_source *random,
                                            struct buffer *out);
MUST_USE struct result seal_open_with_passphrase(struct view passphrase, struct view sealed, struct secret **ret);

#endif

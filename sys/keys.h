/* Key files: identity.key, node.key, node.crt, NAME.pub and officer.key (docs/operators.md).
 *
 * A key file says which kind of key it holds, so that one cannot stand in for the other. It has mode 0600, is
 * refused when others can read it, and is never overwritten. Identity and officers' keys are sealed with a passphrase
 * (Argon2id, XChaCha20-Poly1305) unless written without one; the node key opens unattended. Any of them may be in a
 * token instead.
 */
#ifndef SYS_KEYS_H
#define SYS_KEYS_H

#include "crypto/base/limits.h"
#include "crypto/sign.h"

enum key_kind { KEY_IDENTITY, KEY_NODE, KEY_OFFICER };

/* A fresh key from the kernel's randomness. */
MUST_USE struct result keys_generate(struct sign_key **ret);

/* passphrase NULL: plain. */
MUST_USE struct result keys_write(const char *path, enum key_kind kind, const struct sign_key *key,
                                  const struct secret *passphrase);
/* Asks for the passphrase (keys_passphrase) when the file is sealed. CATEGORY_FALSE for a wrong passphrase;
 * CATEGORY_USAGE for a file of the other kind, of no known form, or readable by others. In place of a path: the pkcs11:
 * URI of a key in a token (sys/token.h). */
MUST_USE struct result keys_read(const char *path, enum key_kind kind, struct sign_key **ret);

/* From the file that COFFERDAM_PASSPHRASE_FILE names (its first line), else asked on the terminal without echo;
 * confirm asks twice. CATEGORY_USAGE without a terminal, or when it is empty. */
MUST_USE struct result keys_passphrase(const char *prompt, bool confirm, struct secret **ret);

/* The first line of a file of mode 0600. */
MUST_USE struct result keys_passphrase_of(const char *path, struct secret **ret);

/* A self-signed certificate over the node key, PEM: the one that TLS presents. */
MUST_USE struct result keys_write_certificate(const char *path, const struct sign_key *node);

/* What an organisation sends to the others. */
struct keys_public {
    char name[NAME_MAX_BYTES + 1];
    struct sign_public identity;
    struct sign_public node;
};
MUST_USE struct result keys_write_public(const char *path, const struct keys_public *keys);
MUST_USE struct result keys_read_public(const char *path, struct keys_public *ret);

#endif

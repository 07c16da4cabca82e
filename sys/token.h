/* Keys that stay in a PKCS#11 token, a hardware security module or SoftHSM: Ed25519, CKM_EDDSA of PKCS#11 3.0.
 *
 * The private half never comes into this process. What signs with it is a struct sign_key like any other, from a URI
 * (sys/token_uri.h) in the place of a key file's path.
 *
 * A token that is not there when a key is opened is CATEGORY_ENVIRONMENT; a wrong PIN, no such key, two of them or one
 * of another type CATEGORY_USAGE. Later, sign_bytes says at once that it is not there, or, after sign_key_wait, tries
 * again until it is back; sign_at_once never waits. A PIN that was refused is never tried a second time: tokens count.
 */
#ifndef SYS_TOKEN_H
#define SYS_TOKEN_H

#include "crypto/sign.h"

bool token_is_uri(const char *text);

/* The PIN that goes with a URI: from its pin-source, else asked for like a passphrase (sys/keys.h). */
MUST_USE struct result token_pin(const char *uri, struct secret **ret);

/* The key that the URI names; asks for the PIN. */
MUST_USE struct result token_key_open(const char *uri, struct sign_key **ret);

/* The key of this label in the token that the URI names; made there, never to leave it, where there is none. The URI
 * names no object. */
MUST_USE struct result token_key_make(const char *uri, const char *label, const struct secret *pin, bool *ret_made,
                                      struct sign_key **ret);

#endif

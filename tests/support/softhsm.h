/* A SoftHSM of a test's own: its tokens under a directory, its module by the C functions of PKCS#11. Asserts on
 * failure. */
#ifndef TESTS_SUPPORT_SOFTHSM_H
#define TESTS_SUPPORT_SOFTHSM_H

#include <p11-kit/pkcs11.h>

#include "crypto/base/bytes.h"

#define SOFTHSM_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFTHSM_PIN "1234"

/* Whether SoftHSM is installed; a line "skipped: ..." where it is not. */
bool softhsm_there(void);
/* Writes directory/softhsm2.conf, with the tokens in directory/tokens, and sets SOFTHSM2_CONF. */
void softhsm_start(const char *directory);
void softhsm_token(const char *label);
void softhsm_set_pin(const char *label, const char *from, const char *to);

/* A private key and, with a point, its public half beside it; both have the label, and the id where it is not NULL. */
struct softhsm_key {
    const char *label, *id;
    struct view seed, point;
};
void softhsm_import(const char *token, const struct softhsm_key *key);
/* A key pair that is no Ed25519 key: of P-256. */
void softhsm_make_other(const char *token, const char *label);
void softhsm_remove(const char *token, const char *label);
/* What the token answers to the question for an attribute of the private key. */
CK_RV softhsm_ask(const char *token, const char *label, CK_ATTRIBUTE *attribute);

#endif

/* A time-stamping authority for tests, and the certificates it needs: makes responses that hold and, on wish, ones that
 * do not, which a real authority would refuse to make. Whatever fails here ends the test.
 */
#ifndef TESTS_SUPPORT_AUTHORITY_H
#define TESTS_SUPPORT_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/base/bytes.h"

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};
struct identity_wish {
    const char *name;                         /* common name */
    const struct identity *issuer;            /* NULL: itself */
    const char *from, *until;                 /* "20250101000000Z" when NULL, and ten years later */
    const char *key_usage, *extended, *basic; /* extensions as in OpenSSL's configuration; NULL: without */
    const struct identity *key_of;            /* whose key it takes; NULL: a new one on P-256 */
    unsigned rsa_bits;                        /* 0: not RSA */
};
struct identity identity_make(struct identity_wish wish);
/* The usual three: a CA, one under it, an authority's. */
struct identity identity_ca(const char *name, const struct identity *issuer);
struct identity identity_authority(const char *name, const struct identity *issuer);
void identity_done(struct identity *identity);
/* PEM, appended. */
void identity_pem(const struct identity *identity, struct buffer *out);

struct reply_wish {
    struct view over; /* the bytes */
    const struct identity *signer;
    const struct identity *carried[3]; /* certificates in it beside the signer's; up to the first NULL */
    const struct identity *named;      /* by the attribute of RFC 5816; NULL: the signer */
    const EVP_MD *imprint, *digest;    /* SHA-256 when NULL */
    const char *time;                  /* "20260101120000Z" when NULL */
    const char *serial;                /* hex; "1000" when NULL */
    const char *policy;                /* "1.2.3.4" when NULL */
    const struct identity *tsa;        /* whose name stands in the field tsa; NULL: left out */
    long version;                      /* 0: 1 */
    int status;
    bool bare, unnamed, critical; /* without the signer's certificate; without the attribute; a critical extension */
};
/* A TimeStampResp in DER, replacing out. */
void reply_make(struct reply_wish wish, struct buffer *out);
/* One that was not granted: a status, and one of its failures (TS_INFO_BAD_ALG; below 0: none). */
void reply_refusal(int status, int failure, struct buffer *out);

#endif

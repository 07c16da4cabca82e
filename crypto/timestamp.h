/* Time-stamps by an authority that its reader trusts (RFC 3161, with RFC 5816), over libcrypto: a request over the
 * SHA-256 of some bytes, and what the authority's response says of them.
 *
 * Nothing is sent or fetched here. A response is judged at the time it names, so that it holds after the authority's
 * certificate has expired; revocation lists are not looked at. The nonce of a request is not asked for again: a
 * response to another request over the same bytes says the same of them.
 */
#ifndef CRYPTO_TIMESTAMP_H
#define CRYPTO_TIMESTAMP_H

#include "crypto/base/bytes.h"

#define TIMESTAMP_SERIAL_BYTES 20u /* RFC 3161, 2.4.2: up to 160 bits */
#define TIMESTAMP_POLICY_MAX 127u
#define TIMESTAMP_AUTHORITY_MAX 511u

struct timestamp {
    uint64_t time;                               /* genTime: seconds since 1970, fractions cut off */
    char serial[2 * TIMESTAMP_SERIAL_BYTES + 1]; /* hex, in whole bytes; the authority gives each once */
    char policy[TIMESTAMP_POLICY_MAX + 1];       /* object identifier: "1.3.6.1.4.1.13762.3" */
    char authority[TIMESTAMP_AUTHORITY_MAX + 1]; /* subject of its certificate (RFC 2253), printable UTF-8 */
};

/* The certificates of authorities' CAs that a reader trusts. Zeroed trusts none. */
struct timestamp_trust {
    void *certificates;
};
void timestamp_trust_done(struct timestamp_trust *trust);
/* PEM: one certificate or more, anything between them. CATEGORY_USAGE when there is none or one cannot be read. */
MUST_USE struct result timestamp_trust_read(struct view pem, struct timestamp_trust *ret);

/* Appends a TimeStampReq (RFC 3161, 2.4.1; DER) over the SHA-256 of the bytes, which asks for the authority's
 * certificates. nonce: random. */
MUST_USE struct result timestamp_request(struct view bytes, uint64_t nonce, struct buffer *out);

/* A TimeStampResp (2.4.2): granted; over the SHA-256 of these bytes; signed with SHA-256 or longer by the certificate
 * that it names (RFC 5816; RFC 3161's older attribute will do), which is for time-stamps alone and leads, as of the
 * response's time, to a trusted one, with keys and signatures of 112 bits of security or more. CATEGORY_FALSE with what
 * does not hold. */
MUST_USE struct result timestamp_verify(struct view response, struct view bytes, const struct timestamp_trust *trust,
                                        struct timestamp *ret);

#endif

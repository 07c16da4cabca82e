/* HKDF-SHA-256 (RFC 5869) over libcrypto. */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "crypto/base/bytes.h"

/* out: 1 to 255·32 bytes, memory of the caller's (guarded when what comes out is secret). info is the whole info:
 * callers put label(kind) first. An empty salt stands for 32 zero bytes, as the RFC says. */
MUST_USE struct result kdf_hkdf(struct view salt, struct view ikm, struct view info, uint8_t *out, size_t length);

#endif

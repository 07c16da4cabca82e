/* Where a key is in a PKCS#11 token: a pkcs11: URI (RFC 7512), read by p11-kit.
 *
 *   pkcs11:token=bank;object=node?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/cofferdam/node.pin
 *
 * The module is named with its whole path: no other is loaded. A PIN is never part of it.
 */
#ifndef SYS_TOKEN_URI_H
#define SYS_TOKEN_URI_H

#include <p11-kit/uri.h>

#include "sys/file.h"

enum { TOKEN_NAME_BYTES = 128 };

struct token_uri {
    P11KitUri *parsed;              /* which token, by p11_kit_uri_match_token_info; which object */
    const char *module;             /* absolute; as long as parsed */
    char pin[FILE_PATH_MAX];        /* the file that has the PIN; empty: it is asked for */
    char name[TOKEN_NAME_BYTES];    /* the part that names token and object, for sentences */
    const CK_ATTRIBUTE *label, *id; /* object= and id=; NULL where they are left out */
};

/* CATEGORY_USAGE, with a sentence that quotes no PIN. */
MUST_USE struct result token_uri_parse(const char *text, struct token_uri *ret);
void token_uri_done(struct token_uri *uri);

#endif

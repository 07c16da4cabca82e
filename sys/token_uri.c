#include "sys/token_uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In place of a path, the name of a systemd credential. */
static struct result pin_path(const char *source, char out[FILE_PATH_MAX])
{
    static const char scheme[] = "file:";
    if (strncmp(source, scheme, strlen(scheme)) == 0) source += strlen(scheme);
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    bool named = *source && !strchr(source, '/') && *source != '|';
    ENSURE(*source == '/' || (named && credentials), CATEGORY_USAGE,
           "pin-source in a pkcs11: URI must be file: and the whole path of a file of mode 0600, or the name of a "
           "credential that systemd hands over");
    return file_path(*source == '/' ? "" : credentials, source, out);
}

static struct result check(const struct token_uri *uri)
{
    ENSURE(!p11_kit_uri_any_unrecognized(uri->parsed), CATEGORY_USAGE,
           "%s: has a part that is not known; token=, serial=, object= and id= name a key", uri->name);
    ENSURE(uri->module && *uri->module == '/', CATEGORY_USAGE,
           "%s: must name the token's PKCS#11 module by its whole path, like "
           "?module-path=/usr/lib/softhsm/libsofthsm2.so",
           uri->name);
    return RESULT_OK;
}

struct result token_uri_parse(const char *text, struct token_uri *ret)
{
    CLEANUP(token_uri_done) struct token_uri uri = {.parsed = p11_kit_uri_new()};
    ENSURE(uri.parsed, CATEGORY_ENVIRONMENT, "out of memory for a pkcs11: URI");
    /* Wherever it stands: what is not well formed is quoted below. */
    ENSURE(!strcasestr(text, "pin-value"), CATEGORY_USAGE,
           "a PIN has no place in a pkcs11: URI; put it into a file of mode 0600 and name that with "
           "pin-source=file:/PATH");
    ENSURE(strlen(text) < FILE_PATH_MAX && p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri.parsed) == P11_KIT_URI_OK,
           CATEGORY_USAGE,
           "this is no pkcs11: URI; one looks like "
           "pkcs11:token=bank;object=node?module-path=/usr/lib/softhsm/libsofthsm2.so");
    (void)snprintf(uri.name, sizeof uri.name, "%.*s", (int)strcspn(text, "?"), text);
    uri.module = p11_kit_uri_get_module_path(uri.parsed);
    uri.label = p11_kit_uri_get_attribute(uri.parsed, CKA_LABEL);
    uri.id = p11_kit_uri_get_attribute(uri.parsed, CKA_ID);
    TRY(check(&uri));
    const char *source = p11_kit_uri_get_pin_source(uri.parsed);
    if (source) TRY(pin_path(source, uri.pin));
    *ret = uri;
    uri.parsed = NULL;
    return RESULT_OK;
}

void token_uri_done(struct token_uri *uri)
{
    if (uri->parsed) p11_kit_uri_free(uri->parsed);
    uri->parsed = NULL;
}

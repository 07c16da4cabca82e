/* A pkcs11: URI from a configuration or a command line: it is refused with a sentence that holds no PIN, or names a
 * module by its whole path and, when it names a file with the PIN, that by its whole path, too. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/token.h"
#include "sys/token_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "%s: %s\n", what, result_reason());
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    CLEANUP(token_uri_done) struct token_uri uri = {0};
    struct result result = token_uri_parse(text, &uri);
    const char *pin = strstr(text, "pin-value=");
    if (result_ok(result)) {
        must(uri.module && *uri.module == '/', "a module without its whole path");
        must(*uri.pin == 0 || *uri.pin == '/', "a PIN's file without its whole path");
        must(!p11_kit_uri_get_pin_value(uri.parsed), "a PIN in a URI");
        must(strlen(uri.name) < sizeof uri.name && !strchr(uri.name, '?'), "a name that is more than the key's");
    } else {
        must(result.category == CATEGORY_USAGE && !uri.parsed, "a refused URI");
        must(!pin || strlen(pin) < 16 || !strstr(result_reason(), pin), "a PIN in the reason");
    }
    free(text);
    return 0;
}

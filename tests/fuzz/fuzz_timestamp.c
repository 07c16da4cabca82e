/* Any bytes as a time-stamping authority's response, and as the certificates to trust: refused with a reason, or the
 * one thing that the authority of the corpus said of the text. Its keys are gone. */
#include <stdlib.h>
#include <string.h>

#include "crypto/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "cofferdam/1/run/00\n1\nAAAA\n";
static const char root[] = "-----BEGIN CERTIFICATE-----\n"
                           "MIIBhjCCASugAwIBAgIUUo/xicgq8L6mN4taNpUO4O5NqgcwCgYIKoZIzj0EAwIw\n"
                           "DzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMzAxNzE0NDhaGA8yMDgxMDkwMjE3MTQ0\n"
                           "OFowDzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLrn\n"
                           "MQjrpxP6nKXDE7jsqI97CSLsZUQuwUxZNB/dpwcHC9zXGQbP+pueynVHti6R1+HZ\n"
                           "n+fThCwF73di2AYElCejYzBhMB0GA1UdDgQWBBRODLOtNvrp/nqMN119AYzaWn9b\n"
                           "zDAfBgNVHSMEGDAWgBRODLOtNvrp/nqMN119AYzaWn9bzDAPBgNVHRMBAf8EBTAD\n"
                           "AQH/MA4GA1UdDwEB/wQEAwICBDAKBggqhkjOPQQDAgNJADBGAiEA3P5ysDvACzUd\n"
                           "GM5FzIn4Q43X+TZ6huMO1uF2fuIZ2roCIQCfpRGDkQVEKH0dKmiGA32xoSyqim74\n"
                           "266L1WPEI4c61Q==\n"
                           "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct timestamp_trust trust;
    CLEANUP(timestamp_trust_done) struct timestamp_trust read = {0};
    struct timestamp said;
    if (!trust.certificates && !result_ok(timestamp_trust_read(view_text(root), &trust))) abort();
    if (!result_ok(timestamp_trust_read(view_of(data, size), &read)) && read.certificates) abort();
    struct result result = timestamp_verify(view_of(data, size), view_text(text), &trust, &said);
    if (result.category == CATEGORY_FALSE) return 0;
    if (!result_ok(result)) abort();
    if (said.time != 1796058888 || strcmp(said.serial, "1000") != 0 || strcmp(said.policy, "1.2.3.4") != 0 ||
        strcmp(said.authority, "CN=Clock") != 0)
        abort();
    return 0;
}

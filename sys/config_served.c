#include "sys/config_served.h"

#include <string.h>

#include "sys/http.h"

static struct result address_of(const struct raw_served *raw, const char *otherwise, char **ret)
{
    *ret = strdup(raw->address ? raw->address : otherwise);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "out of memory for a configuration");
    return RESULT_OK;
}

static struct result metrics_from(const struct document *document, const struct raw_served *raw,
                                  struct config_metrics *ret)
{
    if (!raw) return RESULT_OK;
    if (raw->address && !http_address_good(raw->address))
        return document_fail(
            document, "metrics.address",
            "key \"metrics.address\": must be HOST:PORT with an IP address or localhost, like " HTTP_DEFAULT_ADDRESS);
    ret->chosen = raw->address != NULL;
    return address_of(raw, HTTP_DEFAULT_ADDRESS, &ret->address);
}

static struct result console_from(const struct document *document, const struct raw_served *raw,
                                  struct config_console *ret)
{
    if (!raw) return RESULT_OK;
    if (raw->address && !(http_address_good(raw->address) && http_address_loopback(raw->address)))
        return document_fail(document, "console.address",
                             "key \"console.address\": must be a loopback address of this machine and a port, "
                             "like " CONSOLE_DEFAULT_ADDRESS
                             "; others come through a tunnel or a proxy that knows who they are");
    return address_of(raw, CONSOLE_DEFAULT_ADDRESS, &ret->address);
}

static bool same_port(const char *a, const char *b)
{
    return a && b && strcmp(strrchr(a, ':'), strrchr(b, ':')) == 0;
}

struct result config_served(const struct document *document, const struct raw_served *metrics,
                            const struct raw_served *console, const char *listen, struct config_metrics *ret_metrics,
                            struct config_console *ret_console)
{
    TRY(metrics_from(document, metrics, ret_metrics));
    TRY(console_from(document, console, ret_console));
    const char *measured = ret_metrics->address, *shown = ret_console->address;
    if (same_port(measured, shown) || same_port(listen, measured) || same_port(listen, shown))
        return document_fail(document, shown ? "console" : "metrics",
                             "listen, metrics and console need a port of their own each; change one of them");
    return RESULT_OK;
}

#include "sys/http_address.h"

#include <arpa/inet.h>
#include <string.h>

#include "crypto/base/text.h"

static bool port_parse(const char *text, uint16_t *ret)
{
    uint64_t port;
    if (!text_whole(text, &port) || port > UINT16_MAX) return false;
    *ret = (uint16_t)port;
    return true;
}

static bool host_parse(const char *host, uint16_t port, union http_address *ret)
{
    memset(ret, 0, sizeof *ret);
    size_t length = strlen(host);
    if (host[0] != '[') {
        ret->four.sin_family = AF_INET;
        ret->four.sin_port = htons(port);
        return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &ret->four.sin_addr) == 1;
    }
    char inner[INET6_ADDRSTRLEN];
    if (host[length - 1] != ']' || length - 2 >= sizeof inner) return false;
    memcpy(inner, host + 1, length - 2);
    inner[length - 2] = 0;
    ret->six.sin6_family = AF_INET6;
    ret->six.sin6_port = htons(port);
    return inet_pton(AF_INET6, inner, &ret->six.sin6_addr) == 1;
}

bool http_address_parse(const char *text, union http_address *ret)
{
    char host[INET6_ADDRSTRLEN + 2];
    uint16_t port;
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof host || !port_parse(colon + 1, &port)) return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    return host_parse(host, port, ret);
}

bool http_address_is_loopback(const union http_address *address)
{
    if (address->any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&address->six.sin6_addr);
    return ntohl(address->four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

uint16_t http_address_port(const union http_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->six.sin6_port : address->four.sin_port);
}

bool http_address_good(const char *text)
{
    union http_address parsed;
    return http_address_parse(text, &parsed) && http_address_port(&parsed) != 0;
}

bool http_address_loopback(const char *text)
{
    union http_address parsed;
    return http_address_parse(text, &parsed) && http_address_is_loopback(&parsed);
}

/* Where an HTTP server listens: HOST:PORT with an IPv4 address, an [IPv6 address] or localhost. Names are not looked
 * up: what a name server says must not decide who can reach the port. */
#ifndef SYS_HTTP_ADDRESS_H
#define SYS_HTTP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

union http_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

bool http_address_parse(const char *text, union http_address *ret);
bool http_address_is_loopback(const union http_address *address);
uint16_t http_address_port(const union http_address *address);

/* Of the text: whether it is an address, with a port other than 0; whether only this machine reaches it. */
bool http_address_good(const char *text);
bool http_address_loopback(const char *text);

#endif

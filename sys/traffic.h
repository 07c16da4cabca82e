/* What went over a transport since it began: messages, and their bytes without frames and TLS. */
#ifndef SYS_TRAFFIC_H
#define SYS_TRAFFIC_H

#include <stdint.h>

struct traffic {
    uint64_t messages_in, bytes_in, messages_out, bytes_out;
};

#endif

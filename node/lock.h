/* Taking a mutex on behalf of a command, which is to hear what is waited for and not to wait with it. */
#ifndef NODE_LOCK_H
#define NODE_LOCK_H

#include <pthread.h>

#include "crypto/sign.h"

/* CATEGORY_ENVIRONMENT, with the token's name, while another thread waits for the key's token and holds the mutex. */
MUST_USE struct result lock_unless_awaited(pthread_mutex_t *mutex, const struct sign_key *key);

#endif

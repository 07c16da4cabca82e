#include "crypto/secret.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { SECRET_MAX = 16 << 20 };

struct secret {
    size_t length;
    uint8_t *bytes; /* of sodium_malloc */
};

static atomic_bool started;

static unsigned long long lock_limit_kib(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
    return (unsigned long long)limit.rlim_cur / 1024;
}

/* A large consortium's epoch secrets pass the usual soft limit, so take what the hard limit grants. */
static void raise_lock_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_MEMLOCK, &limit); /* failing leaves the old limit, which secret_new measures */
}

struct result crypto_start(void)
{
    raise_lock_limit();
    ENSURE(sodium_init() >= 0, CATEGORY_ENVIRONMENT, "libsodium does not start: no source of randomness is readable");
    atomic_store(&started, true);
    CLEANUP(secret_freep) struct secret *probe = NULL;
    return secret_new(1, &probe);
}

struct result secret_new(size_t length, struct secret **ret)
{
    ENSURE(atomic_load(&started), CATEGORY_BUG, "a secret was made before crypto_start");
    ENSURE(length > 0 && length <= SECRET_MAX, CATEGORY_BUG, "a secret of %zu bytes was asked for; 1 to %d can be had",
           length, SECRET_MAX);
    struct secret *secret = malloc(sizeof *secret);
    ENSURE(secret, CATEGORY_ENVIRONMENT, "out of memory for a secret");
    *secret = (struct secret){length, sodium_malloc(length)};
    if (!secret->bytes) {
        free(secret);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for a secret of %zu bytes", length);
    }
    /* sodium_malloc says nothing when it could not lock; asking again is free where it could. */
    if (mlock(secret->bytes, length) != 0) {
        secret_free(secret);
        return FAIL(CATEGORY_ENVIRONMENT,
                    "a secret of %zu bytes cannot be locked in memory (the limit is %llu KiB for this process): raise "
                    "it with ulimit -l, or LimitMEMLOCK= in the systemd unit",
                    length, lock_limit_kib());
    }
    memset(secret->bytes, 0, length);
    *ret = secret;
    return RESULT_OK;
}

struct result secret_from(struct view bytes, struct secret **ret)
{
    struct secret *secret = NULL;
    TRY(secret_new(bytes.length, &secret));
    memcpy(secret->bytes, bytes.data, bytes.length);
    *ret = secret;
    return RESULT_OK;
}

void secret_free(struct secret *secret)
{
    if (!secret) return;
    sodium_free(secret->bytes); /* wipes */
    free(secret);
}

void secret_freep(struct secret **secret)
{
    secret_free(*secret);
    *secret = NULL;
}

void secret_wipe(struct secret *secret)
{
    sodium_memzero(secret->bytes, secret->length);
}

size_t secret_length(const struct secret *secret)
{
    return secret->length;
}

uint8_t *secret_bytes(struct secret *secret)
{
    return secret->bytes;
}

struct view secret_view(const struct secret *secret)
{
    return view_of(secret->bytes, secret->length);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->length == b->length && secret_bytes_equal(a->bytes, b->bytes, a->length);
}

bool secret_bytes_equal(const void *a, const void *b, size_t length)
{
    return sodium_memcmp(a, b, length) == 0;
}

void secret_bytes_wipe(void *bytes, size_t length)
{
    sodium_memzero(bytes, length);
}

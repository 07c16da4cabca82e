#include "crypto/sign.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/label.h"

struct sign_key {
    struct secret *expanded; /* libsodium's form: seed ‖ public key; NULL: the key is held elsewhere */
    struct sign_public public;
    struct sign_elsewhere holder;
};

static _Thread_local bool at_once;

struct result sign_key_from_seed(const struct secret *seed, struct sign_key **ret)
{
    ENSURE(secret_length(seed) == SIGN_SEED_BYTES, CATEGORY_BUG, "a signing key takes a seed of %d bytes, not %zu",
           SIGN_SEED_BYTES, secret_length(seed));
    CLEANUP(sign_key_freep) struct sign_key *key = calloc(1, sizeof *key);
    ENSURE(key, CATEGORY_ENVIRONMENT, "out of memory for a signing key");
    TRY(secret_new(crypto_sign_SECRETKEYBYTES, &key->expanded));
    ENSURE(crypto_sign_seed_keypair(key->public.bytes, secret_bytes(key->expanded), secret_view(seed).data) == 0,
           CATEGORY_BUG, "libsodium could not expand a signing key");
    *ret = key;
    key = NULL;
    return RESULT_OK;
}

struct result sign_key_elsewhere(const struct sign_elsewhere *take_holder, struct sign_key **ret)
{
    struct sign_key *key = calloc(1, sizeof *key);
    ENSURE(key, CATEGORY_ENVIRONMENT, "out of memory for a signing key");
    key->public = take_holder->public;
    key->holder = *take_holder;
    *ret = key;
    return RESULT_OK;
}

bool sign_key_in_memory(const struct sign_key *key)
{
    return key->expanded != NULL;
}

void sign_thread_at_once(void)
{
    at_once = true;
}

void sign_key_wait(const struct sign_key *key)
{
    if (!sign_key_in_memory(key)) key->holder.patient(key->holder.context);
}

const char *sign_key_awaited(const struct sign_key *key)
{
    return sign_key_in_memory(key) ? NULL : key->holder.awaited(key->holder.context);
}

void sign_key_interrupt(const struct sign_key *key)
{
    if (!sign_key_in_memory(key)) key->holder.interrupt(key->holder.context);
}

void sign_key_free(struct sign_key *key)
{
    if (!key) return;
    if (key->holder.free) key->holder.free(key->holder.context);
    secret_free(key->expanded);
    free(key);
}

void sign_key_freep(struct sign_key **key)
{
    sign_key_free(*key);
    *key = NULL;
}

const struct sign_public *sign_key_public(const struct sign_key *key)
{
    return &key->public;
}

struct view sign_key_seed(const struct sign_key *key)
{
    return view_of(secret_view(key->expanded).data, SIGN_SEED_BYTES);
}

/* Ed25519 reads its message twice, so label and bytes must lie together. */
static struct result labelled(const char *kind, struct view bytes, struct buffer *out)
{
    if (kind) {
        char label[LABEL_MAX];
        TRY(buffer_append(out, label_of(kind, label)));
    }
    return buffer_append(out, bytes);
}

static struct result sign_with(const struct sign_key *key, struct view message, bool wait, struct signature *ret)
{
    if (sign_key_in_memory(key)) {
        ENSURE(crypto_sign_detached(ret->bytes, NULL, message.data, message.length, secret_view(key->expanded).data) ==
                   0,
               CATEGORY_BUG, "libsodium could not sign");
        return RESULT_OK;
    }
    struct signature made;
    TRY(key->holder.sign(key->holder.context, message, wait, &made));
    ENSURE(result_ok(sign_verify(&key->public, NULL, message, &made)), CATEGORY_ENVIRONMENT,
           "a signature came back that does not verify by the key's public half: it is not used");
    *ret = made;
    return RESULT_OK;
}

struct result sign_bytes(const struct sign_key *key, const char *kind, struct view bytes, struct signature *ret)
{
    CLEANUP(buffer_done) struct buffer message = {0};
    TRY(labelled(kind, bytes, &message));
    return sign_with(key, buffer_view(&message), !at_once, ret);
}

struct result sign_at_once(const struct sign_key *key, struct view bytes, struct signature *ret)
{
    return sign_with(key, bytes, false, ret);
}

struct result sign_verify(const struct sign_public *by, const char *kind, struct view bytes,
                          const struct signature *signature)
{
    CLEANUP(buffer_done) struct buffer message = {0};
    TRY(labelled(kind, bytes, &message));
    /* libsodium refuses small-order and non-canonical keys, small-order R and S >= L; tests/crypto holds it to that. */
    ENSURE(crypto_sign_verify_detached(signature->bytes, message.data, message.length, by->bytes) == 0, CATEGORY_FALSE,
           "the signature does not verify");
    return RESULT_OK;
}

bool sign_public_equal(const struct sign_public *a, const struct sign_public *b)
{
    return memcmp(a->bytes, b->bytes, SIGN_PUBLIC_BYTES) == 0;
}

bool sign_public_valid(const struct sign_public *key)
{
    return crypto_core_ed25519_is_valid_point(key->bytes) == 1;
}

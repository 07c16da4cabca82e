#include "sys/console_door.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "sys/entropy.h"

/* A token or a session: its bytes stand in the guarded memory. */
struct slot {
    bool taken;
    uint64_t since, used; /* by the steady clock */
};
/* Slots of one kind, and when one of them ends. */
struct kind {
    size_t first, count;
    uint64_t life_ms, idle_ms;
};
enum { SLOTS = CONSOLE_TOKENS_MAX + CONSOLE_SESSIONS_MAX };
static const struct kind tokens = {0, CONSOLE_TOKENS_MAX, CONSOLE_TOKEN_MS, CONSOLE_TOKEN_MS};
static const struct kind sessions = {CONSOLE_TOKENS_MAX, CONSOLE_SESSIONS_MAX, CONSOLE_SESSION_MS, CONSOLE_IDLE_MS};

struct console_door {
    pthread_mutex_t lock;
    struct secret *keys; /* SLOTS · CONSOLE_KEY_BYTES */
    struct slot slots[SLOTS];
};

static uint8_t *key_of(struct console_door *door, size_t slot)
{
    return secret_bytes(door->keys) + slot * CONSOLE_KEY_BYTES;
}

static void forget(struct console_door *door, size_t slot)
{
    secret_bytes_wipe(key_of(door, slot), CONSOLE_KEY_BYTES);
    door->slots[slot] = (struct slot){0};
}

static void forget_old(struct console_door *door, const struct kind *kind, uint64_t now)
{
    for (size_t i = kind->first; i < kind->first + kind->count; i++) {
        const struct slot *slot = &door->slots[i];
        if (slot->taken && (now - slot->since >= kind->life_ms || now - slot->used >= kind->idle_ms)) forget(door, i);
    }
}

/* A free one, or the oldest, emptied. */
static size_t make_room(struct console_door *door, const struct kind *kind)
{
    size_t best = kind->first;
    for (size_t i = kind->first; i < kind->first + kind->count; i++) {
        if (!door->slots[i].taken) return i;
        if (door->slots[i].since < door->slots[best].since) best = i;
    }
    forget(door, best);
    return best;
}

static struct result fill(struct console_door *door, const struct kind *kind, uint64_t now, char hex[CONSOLE_KEY_HEX])
{
    forget_old(door, kind, now);
    size_t slot = make_room(door, kind);
    TRY(entropy_bytes(key_of(door, slot), CONSOLE_KEY_BYTES));
    door->slots[slot] = (struct slot){true, now, now};
    bytes_hex(view_of(key_of(door, slot), CONSOLE_KEY_BYTES), hex);
    return RESULT_OK;
}

/* The slot that has this key, or SLOTS. Every slot is looked at, whatever is found. */
static size_t find(struct console_door *door, const struct kind *kind, struct view hex, uint64_t now)
{
    uint8_t key[CONSOLE_KEY_BYTES];
    size_t found = SLOTS;
    forget_old(door, kind, now);
    if (!result_ok(bytes_unhex(hex, key, sizeof key))) return SLOTS;
    for (size_t i = kind->first; i < kind->first + kind->count; i++) {
        bool same = secret_bytes_equal(key, key_of(door, i), sizeof key);
        if (same && door->slots[i].taken) found = i;
    }
    secret_bytes_wipe(key, sizeof key);
    return found;
}

struct result console_door_new(struct console_door **ret)
{
    CLEANUP(console_door_freep) struct console_door *door = calloc(1, sizeof *door);
    ENSURE(door && pthread_mutex_init(&door->lock, NULL) == 0, CATEGORY_ENVIRONMENT, "no memory for a console");
    TRY(secret_new((size_t)SLOTS * CONSOLE_KEY_BYTES, &door->keys));
    *ret = door;
    door = NULL;
    return RESULT_OK;
}

void console_door_free(struct console_door *door)
{
    if (!door) return;
    secret_free(door->keys);
    (void)pthread_mutex_destroy(&door->lock);
    free(door);
}

void console_door_freep(struct console_door **door)
{
    console_door_free(*door);
    *door = NULL;
}

struct result console_door_token(struct console_door *door, uint64_t now, char ret_hex[CONSOLE_KEY_HEX])
{
    (void)pthread_mutex_lock(&door->lock);
    struct result result = fill(door, &tokens, now, ret_hex);
    (void)pthread_mutex_unlock(&door->lock);
    return result;
}

static struct result enter(struct console_door *door, struct view token, uint64_t now, char ret_hex[CONSOLE_KEY_HEX])
{
    size_t slot = find(door, &tokens, token, now);
    ENSURE(slot != SLOTS, CATEGORY_FALSE, "this address was used already, or is older than %llu minutes",
           (unsigned long long)(CONSOLE_TOKEN_MS / 60000));
    forget(door, slot);
    return fill(door, &sessions, now, ret_hex);
}

struct result console_door_enter(struct console_door *door, struct view token, uint64_t now,
                                 char ret_hex[CONSOLE_KEY_HEX])
{
    (void)pthread_mutex_lock(&door->lock);
    struct result result = enter(door, token, now, ret_hex);
    (void)pthread_mutex_unlock(&door->lock);
    return result;
}

bool console_door_knows(struct console_door *door, const char *session, uint64_t now)
{
    if (!session) return false;
    (void)pthread_mutex_lock(&door->lock);
    size_t slot = find(door, &sessions, view_text(session), now);
    if (slot != SLOTS) door->slots[slot].used = now;
    (void)pthread_mutex_unlock(&door->lock);
    return slot != SLOTS;
}

void console_door_leave(struct console_door *door, const char *session, uint64_t now)
{
    if (!session) return;
    (void)pthread_mutex_lock(&door->lock);
    size_t slot = find(door, &sessions, view_text(session), now);
    if (slot != SLOTS) forget(door, slot);
    (void)pthread_mutex_unlock(&door->lock);
}

#include "sys/token.h"

#include <p11-kit/p11-kit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sys/keys.h"
#include "sys/log.h"
#include "sys/token_uri.h"

/* How long a signature waits before the token is tried again, in steps that notice an interruption. */
enum { REST_STEPS = 10, REST_STEP_NS = 200000000 };
enum { SLOTS_MAX = 64, ID_MAX_BYTES = 128, LABEL_MAX_BYTES = 255 };

/* Ed25519 by its curve's name, as PKCS#11 3.0 has it, and by its object identifier: PrintableString, OID. */
static uint8_t curve_name[] = {0x13, 12, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};
static const uint8_t curve_oid[] = {0x06, 3, 0x2b, 0x65, 0x70};

struct token {
    struct token_uri uri;
    char label[LABEL_MAX_BYTES + 1]; /* in place of the URI's object; empty: as the URI says */
    struct secret *pin;
    bool pin_refused;
    atomic_bool waits, interrupted;
    atomic_uint waiting;  /* signatures that wait at this moment */
    pthread_mutex_t lock; /* over what follows: a session does one thing at a time */
    CK_FUNCTION_LIST *module;
    bool initialized, connected;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    struct sign_public public;
};

bool token_is_uri(const char *text)
{
    return strncmp(text, "pkcs11:", strlen("pkcs11:")) == 0;
}

/* --- The token ---------------------------------------------------------------------------------------------------- */

/* What the module answered, as a sentence. */
static struct result answered(const struct token *token, const char *what, CK_RV answer)
{
    return FAIL(CATEGORY_ENVIRONMENT, "%s: the token %s: %s; is it there, and unlocked?", token->uri.name, what,
                p11_kit_strerror(answer));
}

static void disconnect(struct token *token)
{
    if (token->connected) (void)token->module->C_CloseSession(token->session);
    if (token->initialized) (void)p11_kit_module_finalize(token->module);
    if (token->module) p11_kit_module_release(token->module);
    token->connected = token->initialized = false;
    token->module = NULL;
}

/* Afresh each time: a module learns of tokens that come when it starts. */
static struct result start_module(struct token *token)
{
    const char *path = token->uri.module;
    token->module = p11_kit_module_load(path, 0);
    ENSURE(token->module, CATEGORY_ENVIRONMENT, "%s: the PKCS#11 module %s cannot be loaded; install it",
           token->uri.name, path);
    CK_RV answer = p11_kit_module_initialize(token->module);
    ENSURE(answer == CKR_OK, CATEGORY_ENVIRONMENT, "%s: the PKCS#11 module %s does not start: %s", token->uri.name,
           path, p11_kit_strerror(answer));
    token->initialized = true;
    return RESULT_OK;
}

static bool is_ours(const struct token *token, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(token->uri.parsed);
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) && token->module->C_GetTokenInfo(slot, &info) == CKR_OK &&
           (info.flags & CKF_TOKEN_INITIALIZED) && p11_kit_uri_match_token_info(token->uri.parsed, &info) == 1;
}

static struct result find_slot(const struct token *token, CK_SLOT_ID *ret)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    unsigned found = 0;
    CK_RV answer = token->module->C_GetSlotList(CK_TRUE, slots, &count);
    if (answer != CKR_OK) return answered(token, "does not answer", answer);
    for (CK_ULONG i = 0; i < count; i++) {
        if (!is_ours(token, slots[i])) continue;
        if (found++ == 0) *ret = slots[i];
    }
    ENSURE(found > 0, CATEGORY_ENVIRONMENT, "%s: the token is not there; insert it, or correct token= (module %s)",
           token->uri.name, token->uri.module);
    ENSURE(found == 1, CATEGORY_USAGE, "%s: %u tokens match; name one by serial=", token->uri.name, found);
    return RESULT_OK;
}

static struct result log_in(struct token *token)
{
    ENSURE(!token->pin_refused, CATEGORY_USAGE,
           "%s: the token has refused the PIN, and it is not tried again; correct it and start again", token->uri.name);
    CK_RV answer =
        token->module->C_Login(token->session, CKU_USER, secret_bytes(token->pin), secret_length(token->pin));
    token->pin_refused = answer == CKR_PIN_INCORRECT || answer == CKR_PIN_LEN_RANGE || answer == CKR_PIN_INVALID ||
                         answer == CKR_PIN_LOCKED;
    ENSURE(answer != CKR_PIN_LOCKED, CATEGORY_ENVIRONMENT,
           "%s: the token is locked after wrong PINs; unlock it with its own tool", token->uri.name);
    ENSURE(!token->pin_refused, CATEGORY_USAGE,
           "%s: the token refuses the PIN%s%s; a token locks after a few wrong ones", token->uri.name,
           *token->uri.pin ? " of " : "", token->uri.pin);
    if (answer != CKR_OK && answer != CKR_USER_ALREADY_LOGGED_IN) return answered(token, "does not let in", answer);
    return RESULT_OK;
}

static struct result connect(struct token *token, CK_FLAGS flags)
{
    CK_SLOT_ID slot;
    TRY(start_module(token));
    TRY(find_slot(token, &slot));
    CK_RV answer = token->module->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &token->session);
    if (answer != CKR_OK) return answered(token, "opens no session", answer);
    token->connected = true;
    return log_in(token);
}

/* --- Its objects -------------------------------------------------------------------------------------------------- */

static struct result find(const struct token *token, CK_ATTRIBUTE *template, CK_ULONG attributes, CK_OBJECT_HANDLE *ret,
                          CK_ULONG *ret_count)
{
    CK_OBJECT_HANDLE found[2] = {0};
    CK_RV answer = token->module->C_FindObjectsInit(token->session, template, attributes);
    if (answer == CKR_OK) {
        answer = token->module->C_FindObjects(token->session, found, 2, ret_count);
        (void)token->module->C_FindObjectsFinal(token->session);
    }
    if (answer != CKR_OK) return answered(token, "cannot be searched", answer);
    *ret = found[0];
    return RESULT_OK;
}

static struct result find_private(const struct token *token, CK_OBJECT_HANDLE *ret, CK_ULONG *ret_count)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof class}};
    CK_ULONG attributes = 1;
    if (*token->label)
        template[attributes++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)token->label, strlen(token->label)};
    else if (token->uri.label)
        template[attributes++] = *token->uri.label;
    if (token->uri.id) template[attributes++] = *token->uri.id;
    return find(token, template, attributes, ret, ret_count);
}

/* One attribute; false when the object has none or a longer one. */
static bool attribute(const struct token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out,
                      size_t room, size_t *ret_length)
{
    CK_ATTRIBUTE wanted = {type, out, room};
    if (token->module->C_GetAttributeValue(token->session, object, &wanted, 1) != CKR_OK || wanted.ulValueLen > room)
        return false;
    *ret_length = wanted.ulValueLen;
    return true;
}

static struct result check_type(const struct token *token, CK_OBJECT_HANDLE key)
{
    CK_KEY_TYPE type = 0;
    uint8_t curve[64];
    size_t length = 0;
    bool edwards = attribute(token, key, CKA_KEY_TYPE, &type, sizeof type, &length) && type == CKK_EC_EDWARDS &&
                   attribute(token, key, CKA_EC_PARAMS, curve, sizeof curve, &length);
    struct view named = view_of(curve, length);
    ENSURE(edwards && (view_equal(named, view_of(curve_name, sizeof curve_name)) ||
                       view_equal(named, view_of(curve_oid, sizeof curve_oid))),
           CATEGORY_USAGE, "%s: is a key of another type; an Ed25519 key is needed", token->uri.name);
    return RESULT_OK;
}

/* A key's public half is an object of its own, with the same id, or, where there is none, the same label. */
static struct result find_public(const struct token *token, CK_OBJECT_HANDLE key, struct sign_public *ret)
{
    uint8_t name[LABEL_MAX_BYTES], point[2 + SIGN_PUBLIC_BYTES + 1];
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE template[2] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, name, 0}};
    CK_OBJECT_HANDLE public = 0;
    CK_ULONG count = 0;
    size_t length = 0;
    if (!attribute(token, key, CKA_ID, name, ID_MAX_BYTES, &length) || length == 0) {
        template[1].type = CKA_LABEL;
        if (!attribute(token, key, CKA_LABEL, name, sizeof name, &length)) length = 0;
    }
    template[1].ulValueLen = length;
    TRY(find(token, template, 2, &public, &count));
    ENSURE(count == 1, CATEGORY_USAGE, "%s: the token has %s public key beside it; it needs one of the same id",
           token->uri.name, count ? "more than one" : "no");
    struct sign_public value;
    bool read = attribute(token, public, CKA_EC_POINT, point, sizeof point, &length);
    bool wrapped = read && length == 2 + SIGN_PUBLIC_BYTES && point[0] == 0x04 && point[1] == SIGN_PUBLIC_BYTES;
    ENSURE(wrapped || (read && length == SIGN_PUBLIC_BYTES), CATEGORY_USAGE,
           "%s: the public key beside it is no Ed25519 key", token->uri.name);
    memcpy(value.bytes, point + (wrapped ? 2 : 0), SIGN_PUBLIC_BYTES);
    ENSURE(sign_public_valid(&value), CATEGORY_USAGE, "%s: the public key beside it is no Ed25519 key",
           token->uri.name);
    *ret = value;
    return RESULT_OK;
}

static struct result find_key(struct token *token, struct sign_public *ret)
{
    CK_ULONG count = 0;
    TRY(find_private(token, &token->key, &count));
    ENSURE(count > 0, CATEGORY_USAGE,
           "%s: the token has no such private key; pkcs11-tool --login --list-objects shows what it has",
           token->uri.name);
    ENSURE(count == 1, CATEGORY_USAGE,
           "%s: more than one private key matches; name one by object= and id=", token->uri.name);
    TRY(check_type(token, token->key));
    return find_public(token, token->key, ret);
}

/* --- Signing ------------------------------------------------------------------------------------------------------ */

static struct result reconnect(struct token *token)
{
    struct sign_public public;
    disconnect(token);
    TRY(connect(token, 0));
    TRY(find_key(token, &public));
    ENSURE(sign_public_equal(&public, &token->public), CATEGORY_ENVIRONMENT,
           "%s: another key is there than the one that this program began with; bring that back, or start again",
           token->uri.name);
    return RESULT_OK;
}

static CK_RV sign_now(struct token *token, struct view bytes, struct signature *ret)
{
    CK_MECHANISM mechanism = {CKM_EDDSA, NULL, 0};
    CK_ULONG length = SIGN_BYTES;
    const uint8_t nothing = 0; /* an empty message has to be somewhere */
    const uint8_t *data = bytes.length ? bytes.data : &nothing;
    CK_RV answer = token->module->C_SignInit(token->session, &mechanism, token->key);
    if (answer == CKR_OK)
        answer = token->module->C_Sign(token->session, (CK_BYTE *)data, bytes.length, ret->bytes, &length);
    return answer == CKR_OK && length != SIGN_BYTES ? CKR_GENERAL_ERROR : answer;
}

/* Once more over a new session, when the one there was is of no use. */
static struct result attempt(struct token *token, struct view bytes, struct signature *ret)
{
    if (token->connected && sign_now(token, bytes, ret) == CKR_OK) return RESULT_OK;
    struct result result = reconnect(token);
    if (result_ok(result)) {
        CK_RV answer = sign_now(token, bytes, ret);
        if (answer == CKR_OK) return RESULT_OK;
        result = answered(token, "does not sign", answer);
    }
    disconnect(token);
    return result;
}

static bool rest(const struct token *token)
{
    for (unsigned i = 0; i < REST_STEPS; i++) {
        if (atomic_load(&token->interrupted)) return false;
        (void)nanosleep(&(struct timespec){.tv_nsec = REST_STEP_NS}, NULL);
    }
    return true;
}

static struct result try_once(struct token *token, struct view bytes, struct signature *ret)
{
    (void)pthread_mutex_lock(&token->lock);
    struct result result = attempt(token, bytes, ret);
    (void)pthread_mutex_unlock(&token->lock);
    return result;
}

static struct result try_until_signed(struct token *token, struct view bytes, struct signature *ret)
{
    while (rest(token))
        if (result_ok(try_once(token, bytes, ret))) return RESULT_OK;
    return FAIL(CATEGORY_ENVIRONMENT, "%s: stopped while it waited for the token", token->uri.name);
}

static struct result token_sign(void *context, struct view bytes, bool wait, struct signature *ret)
{
    struct token *token = context;
    struct result result = try_once(token, bytes, ret);
    if (result_ok(result) || !wait || !atomic_load(&token->waits)) return result;
    log_error("token", "%s; nothing is signed or sent until it is", result_reason());
    atomic_fetch_add(&token->waiting, 1);
    result = try_until_signed(token, bytes, ret);
    atomic_fetch_sub(&token->waiting, 1);
    if (result_ok(result)) log_info("token", "%s signs again", token->uri.name);
    return result;
}

static void token_patient(void *context)
{
    struct token *token = context;
    atomic_store(&token->waits, true);
}

static const char *token_awaited(void *context)
{
    const struct token *token = context;
    return atomic_load(&token->waiting) ? token->uri.name : NULL;
}

static void token_interrupt(void *context)
{
    struct token *token = context;
    atomic_store(&token->interrupted, true);
}

/* --- Opening and making ------------------------------------------------------------------------------------------- */

static void token_free(void *context)
{
    struct token *token = context;
    if (!token) return;
    disconnect(token);
    token_uri_done(&token->uri);
    secret_free(token->pin);
    (void)pthread_mutex_destroy(&token->lock);
    free(token);
}

static void token_freep(struct token **token)
{
    token_free(*token);
}

static struct result token_new(const char *uri, struct token **ret)
{
    struct token *token = calloc(1, sizeof *token);
    ENSURE(token, CATEGORY_ENVIRONMENT, "out of memory for a token");
    (void)pthread_mutex_init(&token->lock, NULL);
    struct result result = token_uri_parse(uri, &token->uri);
    if (!result_ok(result)) {
        token_free(token);
        return result;
    }
    *ret = token;
    return RESULT_OK;
}

static struct result ask_pin(const struct token_uri *uri, struct secret **ret)
{
    char prompt[TOKEN_NAME_BYTES + 16];
    (void)snprintf(prompt, sizeof prompt, "PIN of %s: ", uri->name);
    return *uri->pin ? keys_passphrase_of(uri->pin, ret) : keys_passphrase(prompt, false, ret);
}

struct result token_pin(const char *text, struct secret **ret)
{
    CLEANUP(token_uri_done) struct token_uri uri = {0};
    TRY(token_uri_parse(text, &uri));
    return ask_pin(&uri, ret);
}

/* Takes the token: a key that signs, and has shown it. */
static struct result key_of(struct token **take_token, struct sign_key **ret)
{
    struct token *token = *take_token;
    TRY(find_key(token, &token->public));
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    const struct sign_elsewhere holder = {token->public,   token,         token_sign, token_patient,
                                          token_interrupt, token_awaited, token_free};
    TRY(sign_key_elsewhere(&holder, &key));
    *take_token = NULL;
    struct signature shown;
    TRY(result_at(sign_bytes(key, "token-check", (struct view){0}, &shown), "%s: ", token->uri.name));
    *ret = key;
    key = NULL;
    return RESULT_OK;
}

struct result token_key_open(const char *uri, struct sign_key **ret)
{
    CLEANUP(token_freep) struct token *token = NULL;
    TRY(token_new(uri, &token));
    TRY(ask_pin(&token->uri, &token->pin));
    TRY(connect(token, 0));
    return key_of(&token, ret);
}

/* Sensitive and not extractable: the token gives out the public half and signatures. */
static struct result generate(const struct token *token)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_MECHANISM mechanism = {CKM_EC_EDWARDS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)token->label, strlen(token->label)};
    CK_ATTRIBUTE id = {CKA_ID, (void *)token->label, strlen(token->label)};
    CK_ATTRIBUTE public[] = {{CKA_TOKEN, &yes, sizeof yes},
                             {CKA_VERIFY, &yes, sizeof yes},
                             {CKA_EC_PARAMS, curve_name, sizeof curve_name},
                             label,
                             id};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof yes},
                              {CKA_PRIVATE, &yes, sizeof yes},
                              {CKA_SENSITIVE, &yes, sizeof yes},
                              {CKA_EXTRACTABLE, &no, sizeof no},
                              {CKA_SIGN, &yes, sizeof yes},
                              label,
                              id};
    CK_OBJECT_HANDLE made[2];
    CK_RV answer = token->module->C_GenerateKeyPair(token->session, &mechanism, public, sizeof public / sizeof *public,
                                                    private, sizeof private / sizeof *private, &made[0], &made[1]);
    return answer == CKR_OK ? RESULT_OK : answered(token, "makes no Ed25519 key", answer);
}

struct result token_key_make(const char *uri, const char *label, const struct secret *pin, bool *ret_made,
                             struct sign_key **ret)
{
    CLEANUP(token_freep) struct token *token = NULL;
    TRY(token_new(uri, &token));
    ENSURE(!token->uri.label && !token->uri.id, CATEGORY_USAGE,
           "%s: names a key; keys are made by the names identity and node: leave object= and id= out", token->uri.name);
    size_t used = strlen(token->uri.name);
    (void)snprintf(token->label, sizeof token->label, "%s", label);
    (void)snprintf(token->uri.name + used, sizeof token->uri.name - used, ";object=%s", label);
    TRY(secret_from(secret_view(pin), &token->pin));
    TRY(connect(token, CKF_RW_SESSION));
    CK_ULONG count = 0;
    CK_OBJECT_HANDLE there;
    TRY(find_private(token, &there, &count));
    if (count == 0) TRY(generate(token));
    *ret_made = count == 0;
    return key_of(&token, ret);
}

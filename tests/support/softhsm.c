#include "tests/support/softhsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <p11-kit/p11-kit.h>

#include "sys/file.h"

#define SO_PIN "56785678"

static const uint8_t p256[] = {0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
static const uint8_t ed25519[] = {0x13, 12, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};
static CK_BBOOL yes = CK_TRUE;

/* One visit to the module. */
struct visit {
    CK_FUNCTION_LIST *module;
    CK_SESSION_HANDLE session;
};

bool softhsm_there(void)
{
    if (access(SOFTHSM_MODULE, R_OK) == 0) return true;
    (void)printf("skipped: SoftHSM is not installed (%s)\n", SOFTHSM_MODULE);
    return false;
}

void softhsm_start(const char *directory)
{
    char tokens[FILE_PATH_MAX], path[FILE_PATH_MAX], *whole = realpath(directory, NULL);
    assert_non_null(whole);
    assert_true(result_ok(file_path(whole, "tokens", tokens)) && result_ok(file_path(whole, "softhsm2.conf", path)));
    free(whole);
    assert_int_equal(mkdir(tokens, 0700), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tokens);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
}

static CK_FUNCTION_LIST *module_start(void)
{
    CK_FUNCTION_LIST *module = p11_kit_module_load(SOFTHSM_MODULE, 0);
    assert_non_null(module);
    assert_int_equal(p11_kit_module_initialize(module), CKR_OK);
    return module;
}

static void module_end(CK_FUNCTION_LIST *module)
{
    assert_int_equal(p11_kit_module_finalize(module), CKR_OK);
    p11_kit_module_release(module);
}

static void padded(const char *label, CK_UTF8CHAR out[32])
{
    memset(out, ' ', 32);
    memcpy(out, label, strlen(label));
}

/* The slot of the token; of one that is not initialised yet with label NULL. */
static CK_SLOT_ID slot_of(CK_FUNCTION_LIST *module, const char *label)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_UTF8CHAR wanted[32];
    CK_TOKEN_INFO info;
    if (label) padded(label, wanted);
    assert_int_equal(module->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_int_equal(module->C_GetTokenInfo(slots[i], &info), CKR_OK);
        bool made = info.flags & CKF_TOKEN_INITIALIZED;
        if (label ? made && memcmp(info.label, wanted, sizeof wanted) == 0 : !made) return slots[i];
    }
    fail_msg("no slot for %s", label ? label : "a new token");
    return 0;
}

static CK_UTF8CHAR *text(const char *value)
{
    return (CK_UTF8CHAR *)(uintptr_t)value;
}

static struct visit enter(const char *token, CK_USER_TYPE who, const char *pin)
{
    struct visit visit = {.module = module_start()};
    assert_int_equal(visit.module->C_OpenSession(slot_of(visit.module, token), CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                 NULL, NULL, &visit.session),
                     CKR_OK);
    CK_RV answer = visit.module->C_Login(visit.session, who, text(pin), strlen(pin));
    assert_true(answer == CKR_OK || answer == CKR_USER_ALREADY_LOGGED_IN); /* by a key that the test holds open */
    return visit;
}

static void leave(struct visit *visit)
{
    assert_int_equal(visit->module->C_CloseSession(visit->session), CKR_OK);
    module_end(visit->module);
}

void softhsm_token(const char *label)
{
    CK_UTF8CHAR name[32];
    padded(label, name);
    CK_FUNCTION_LIST *module = module_start();
    assert_int_equal(module->C_InitToken(slot_of(module, NULL), text(SO_PIN), strlen(SO_PIN), name), CKR_OK);
    module_end(module);
    struct visit visit = enter(label, CKU_SO, SO_PIN);
    assert_int_equal(visit.module->C_InitPIN(visit.session, text(SOFTHSM_PIN), strlen(SOFTHSM_PIN)), CKR_OK);
    leave(&visit);
}

void softhsm_set_pin(const char *label, const char *from, const char *to)
{
    struct visit visit = enter(label, CKU_USER, from);
    assert_int_equal(visit.module->C_SetPIN(visit.session, text(from), strlen(from), text(to), strlen(to)), CKR_OK);
    leave(&visit);
}

static CK_ATTRIBUTE bytes(CK_ATTRIBUTE_TYPE type, const void *data, size_t length)
{
    return (CK_ATTRIBUTE){type, (void *)(uintptr_t)data, length};
}

static void import_public(const struct visit *visit, const struct softhsm_key *key)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    CK_OBJECT_HANDLE made;
    uint8_t point[2 + 32] = {0x04, 32};
    assert_int_equal(key->point.length, 32);
    memcpy(point + 2, key->point.data, 32);
    const char *id = key->id ? key->id : "";
    CK_ATTRIBUTE template[] = {bytes(CKA_CLASS, &class, sizeof class),
                               bytes(CKA_KEY_TYPE, &type, sizeof type),
                               bytes(CKA_TOKEN, &yes, sizeof yes),
                               bytes(CKA_VERIFY, &yes, sizeof yes),
                               bytes(CKA_EC_PARAMS, ed25519, sizeof ed25519),
                               bytes(CKA_EC_POINT, point, sizeof point),
                               bytes(CKA_LABEL, key->label, strlen(key->label)),
                               bytes(CKA_ID, id, strlen(id))};
    assert_int_equal(visit->module->C_CreateObject(visit->session, template, sizeof template / sizeof *template, &made),
                     CKR_OK);
}

void softhsm_import(const char *token, const struct softhsm_key *key)
{
    struct visit visit = enter(token, CKU_USER, SOFTHSM_PIN);
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    CK_OBJECT_HANDLE made;
    const char *id = key->id ? key->id : "";
    CK_ATTRIBUTE template[] = {bytes(CKA_CLASS, &class, sizeof class),
                               bytes(CKA_KEY_TYPE, &type, sizeof type),
                               bytes(CKA_TOKEN, &yes, sizeof yes),
                               bytes(CKA_PRIVATE, &yes, sizeof yes),
                               bytes(CKA_SENSITIVE, &yes, sizeof yes),
                               bytes(CKA_SIGN, &yes, sizeof yes),
                               bytes(CKA_EC_PARAMS, ed25519, sizeof ed25519),
                               bytes(CKA_VALUE, key->seed.data, key->seed.length),
                               bytes(CKA_LABEL, key->label, strlen(key->label)),
                               bytes(CKA_ID, id, strlen(id))};
    assert_int_equal(visit.module->C_CreateObject(visit.session, template, sizeof template / sizeof *template, &made),
                     CKR_OK);
    if (key->point.data) import_public(&visit, key);
    leave(&visit);
}

void softhsm_make_other(const char *token, const char *label)
{
    struct visit visit = enter(token, CKU_USER, SOFTHSM_PIN);
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE made[2];
    CK_ATTRIBUTE public[] = {bytes(CKA_TOKEN, &yes, sizeof yes), bytes(CKA_EC_PARAMS, p256, sizeof p256)};
    CK_ATTRIBUTE private[] = {bytes(CKA_TOKEN, &yes, sizeof yes), bytes(CKA_SIGN, &yes, sizeof yes),
                              bytes(CKA_LABEL, label, strlen(label))};
    assert_int_equal(
        visit.module->C_GenerateKeyPair(visit.session, &mechanism, public, 2, private, 3, &made[0], &made[1]), CKR_OK);
    leave(&visit);
}

/* The first object of the label, of the class unless that is NULL; 0 when there is none. */
static CK_OBJECT_HANDLE object_of(const struct visit *visit, const char *label, const CK_OBJECT_CLASS *class)
{
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    CK_ATTRIBUTE template[2] = {bytes(CKA_LABEL, label, strlen(label)), bytes(CKA_CLASS, class, sizeof *class)};
    assert_int_equal(visit->module->C_FindObjectsInit(visit->session, template, class ? 2 : 1), CKR_OK);
    assert_int_equal(visit->module->C_FindObjects(visit->session, &found, 1, &count), CKR_OK);
    assert_int_equal(visit->module->C_FindObjectsFinal(visit->session), CKR_OK);
    return count ? found : 0;
}

void softhsm_remove(const char *token, const char *label)
{
    struct visit visit = enter(token, CKU_USER, SOFTHSM_PIN);
    for (CK_OBJECT_HANDLE object; (object = object_of(&visit, label, NULL));)
        assert_int_equal(visit.module->C_DestroyObject(visit.session, object), CKR_OK);
    leave(&visit);
}

CK_RV softhsm_ask(const char *token, const char *label, CK_ATTRIBUTE *attribute)
{
    static const CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    struct visit visit = enter(token, CKU_USER, SOFTHSM_PIN);
    CK_OBJECT_HANDLE object = object_of(&visit, label, &class);
    assert_int_not_equal(object, 0);
    CK_RV answer = visit.module->C_GetAttributeValue(visit.session, object, attribute, 1);
    leave(&visit);
    return answer;
}

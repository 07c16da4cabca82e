#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/certificate.h"
#include "sys/entropy.h"
#include "sys/file.h"
#include "sys/keys.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX], path[FILE_PATH_MAX], other[FILE_PATH_MAX], phrase[FILE_PATH_MAX];

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void refused(struct result result, enum category category, const char *part)
{
    assert_int_equal(result.category, category);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

static int enter(void **state)
{
    (void)state;
    if (!result_ok(crypto_start())) return 1;
    scratch_new(directory);
    ok(file_path(directory, "some.key", path));
    ok(file_path(directory, "other.key", other));
    ok(file_path(directory, "passphrase", phrase));
    return setenv("COFFERDAM_PASSPHRASE_FILE", phrase, 1);
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return unsetenv("COFFERDAM_PASSPHRASE_FILE");
}

static void fresh_randomness_differs(void **state)
{
    (void)state;
    CLEANUP(secret_freep) struct secret *one = NULL;
    CLEANUP(secret_freep) struct secret *two = NULL;
    ok(entropy_seed(&one));
    ok(entropy_seed(&two));
    assert_int_equal(secret_length(one), RANDOM_SEED_BYTES);
    assert_false(secret_equal(one, two));
    uint8_t nonces[2][16] = {{0}};
    ok(entropy_bytes(nonces[0], sizeof nonces[0]));
    ok(entropy_bytes(nonces[1], sizeof nonces[1]));
    assert_memory_not_equal(nonces[0], nonces[1], sizeof nonces[0]);
}

static void a_plain_key_comes_back(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    CLEANUP(sign_key_freep) struct sign_key *back = NULL;
    ok(keys_generate(&key));
    ok(keys_write(path, KEY_NODE, key, NULL));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    ok(keys_read(path, KEY_NODE, &back));
    assert_true(sign_public_equal(sign_key_public(key), sign_key_public(back)));
    refused(keys_write(path, KEY_NODE, key, NULL), CATEGORY_USAGE, "some.key: exists already");
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    struct sign_key *back = NULL;
    ok(keys_generate(&key));
    ok(keys_write(path, KEY_NODE, key, NULL));
    static const mode_t modes[] = {0640, 0604, 0660, 0610, 0601, 0644};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        refused(keys_read(path, KEY_NODE, &back), CATEGORY_USAGE, "run: chmod 600");
    }
    assert_int_equal(chmod(path, 0400), 0);
    ok(keys_read(path, KEY_NODE, &back));
    sign_key_free(back);
}

static void a_key_of_the_other_kind_is_refused(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    struct sign_key *back = NULL;
    ok(keys_generate(&key));
    ok(keys_write(path, KEY_NODE, key, NULL));
    ok(keys_write(other, KEY_IDENTITY, key, NULL));
    refused(keys_read(path, KEY_IDENTITY, &back), CATEGORY_USAGE, "holds a node key, where an identity key is needed");
    refused(keys_read(other, KEY_NODE, &back), CATEGORY_USAGE, "holds an identity key, where a node key is needed");
    refused(keys_read(other, KEY_OFFICER, &back), CATEGORY_USAGE,
            "holds an identity key, where an officer's key is needed");
    ok(file_path(directory, "officer.key", other));
    ok(keys_write(other, KEY_OFFICER, key, NULL));
    refused(keys_read(other, KEY_IDENTITY, &back), CATEGORY_USAGE,
            "holds an officer's key, where an identity key is needed");
    assert_null(back);
    CLEANUP(sign_key_freep) struct sign_key *officer = NULL;
    ok(keys_read(other, KEY_OFFICER, &officer));
    assert_true(sign_public_equal(sign_key_public(officer), sign_key_public(key)));
}

/* Every shorter, longer or changed file is refused, and with the file's name. */
static void a_damaged_key_is_refused(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    CLEANUP(buffer_done) struct buffer good = {0};
    struct sign_key *back = NULL;
    ok(keys_generate(&key));
    ok(keys_write(path, KEY_NODE, key, NULL));
    ok(file_read(path, 4096, &good));
    for (size_t length = 0; length <= good.length + 1; length++) {
        if (length == good.length) continue;
        ok(file_write(other, view_of("", 0), 0600));
        CLEANUP(buffer_done) struct buffer changed = {0};
        ok(buffer_append(&changed, buffer_view(&good)));
        ok(buffer_u8(&changed, 'a'));
        ok(file_write(other, view_of(changed.data, length), 0600));
        refused(keys_read(other, KEY_NODE, &back), CATEGORY_USAGE, "other.key: ");
    }
    good.data[30] = 'G';
    ok(file_write(other, buffer_view(&good), 0600));
    refused(keys_read(other, KEY_NODE, &back), CATEGORY_USAGE, "is not a key file of this program");
    assert_null(back);
    refused(keys_read(directory, KEY_NODE, &back), CATEGORY_USAGE, "not a regular file");
}

static void a_sealed_key_needs_its_passphrase(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    CLEANUP(sign_key_freep) struct sign_key *back = NULL;
    CLEANUP(secret_freep) struct secret *passphrase = NULL;
    ok(keys_generate(&key));
    ok(file_write(phrase, view_text("correct horse\nand a second line\n"), 0600));
    ok(keys_passphrase("", true, &passphrase));
    assert_true(view_equal(secret_view(passphrase), view_text("correct horse")));
    ok(keys_write(path, KEY_IDENTITY, key, passphrase));
    CLEANUP(buffer_done) struct buffer file = {0};
    ok(file_read(path, 4096, &file));
    assert_null(memmem(file.data, file.length, "identity", 8));
    ok(keys_read(path, KEY_IDENTITY, &back));
    assert_true(sign_public_equal(sign_key_public(key), sign_key_public(back)));
    ok(file_write(phrase, view_text("wrong horse\n"), 0600));
    struct sign_key *none = NULL;
    refused(keys_read(path, KEY_IDENTITY, &none), CATEGORY_FALSE, "some.key: ");
    assert_non_null(strstr(result_reason(), "passphrase"));
    ok(file_write(phrase, view_text("\n"), 0600));
    refused(keys_read(path, KEY_IDENTITY, &none), CATEGORY_USAGE, "the passphrase is empty");
    ok(file_write(phrase, view_text("correct horse\n"), 0644));
    refused(keys_read(path, KEY_IDENTITY, &none), CATEGORY_USAGE, "run: chmod 600");
    assert_null(none);
}

/* In a child with a terminal of its own: asks, and exits with 0 when "secret words" came back. */
static int ask_in_child(bool confirm)
{
    /* As for a person at a terminal, whatever started the test: a shell lets its background jobs ignore ^C. */
    static const int signals[] = {SIGINT, SIGQUIT, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) (void)signal(signals[i], SIG_DFL);
    (void)alarm(120); /* a prompt that nobody answers ends the test, and does not hang it */
    (void)unsetenv("COFFERDAM_PASSPHRASE_FILE");
    struct secret *passphrase = NULL;
    struct result result = keys_passphrase("Passphrase: ", confirm, &passphrase);
    if (!result_ok(result)) return strstr(result_reason(), "differ") ? 2 : 3;
    bool right = view_equal(secret_view(passphrase), view_text("secret words"));
    secret_free(passphrase);
    return right ? 0 : 1;
}

/* Types the words when asked; collects what the terminal showed. Returns the child's exit code or -signal. */
static int type(bool confirm, const char *const *words, struct buffer *shown)
{
    int terminal;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0) _exit(ask_in_child(confirm));
    char text[256];
    size_t asked = 0;
    for (ssize_t got; (got = read(terminal, text, sizeof text)) > 0;) {
        ok(buffer_append(shown, view_of(text, (size_t)got)));
        /* Each prompt ends in ": " and is there once. */
        if (!*words || shown->length < 2 || memcmp(shown->data + shown->length - 2, ": ", 2) != 0) continue;
        if (shown->length == asked) continue;
        asked = shown->length;
        assert_true(write(terminal, *words, strlen(*words)) > 0);
        words++;
    }
    (void)close(terminal);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_typed_passphrase_is_not_shown(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer shown = {0};
    static const char *const once[] = {"secret words\n", NULL},
                             *const twice[] = {"secret words\n", "secret words\n", NULL},
                             *const differ[] = {"secret words\n", "other words\n", NULL},
                             *const stop[] = {"sec\x03", NULL};
    assert_int_equal(type(false, once, &shown), 0);
    assert_int_equal(type(true, twice, &shown), 0);
    assert_int_equal(type(true, differ, &shown), 2);
    assert_int_equal(type(false, stop, &shown), -2);
    assert_non_null(memmem(shown.data, shown.length, "The same again: ", 16));
    assert_null(memmem(shown.data, shown.length, "secret", 6));
}

static void the_certificate_carries_the_key(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    ok(keys_generate(&key));
    ok(keys_write_certificate(path, key));
    ok(keys_write_certificate(other, key));
    CLEANUP(buffer_done) struct buffer one = {0};
    CLEANUP(buffer_done) struct buffer two = {0};
    ok(file_read(path, 65536, &one));
    ok(file_read(other, 65536, &two));
    assert_true(view_equal(buffer_view(&one), buffer_view(&two)));
    BIO *bio = BIO_new_mem_buf(one.data, (int)one.length);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(certificate);
    struct sign_public carried;
    ok(certificate_public(certificate, &carried));
    assert_true(sign_public_equal(&carried, sign_key_public(key)));
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    X509_free(certificate);
    BIO_free(bio);
}

static void public_keys_come_back(void **state)
{
    (void)state;
    CLEANUP(sign_key_freep) struct sign_key *identity = NULL;
    CLEANUP(sign_key_freep) struct sign_key *node = NULL;
    ok(keys_generate(&identity));
    ok(keys_generate(&node));
    struct keys_public keys = {.name = "north", .identity = *sign_key_public(identity), .node = *sign_key_public(node)};
    struct keys_public back;
    ok(keys_write_public(path, &keys));
    ok(keys_read_public(path, &back));
    assert_string_equal(back.name, "north");
    assert_true(sign_public_equal(&back.identity, &keys.identity) && sign_public_equal(&back.node, &keys.node));
    struct keys_public blank = {.name = "north bank"};
    refused(keys_write_public(other, &blank), CATEGORY_USAGE, "no blanks");
    CLEANUP(buffer_done) struct buffer good = {0};
    ok(file_read(path, 4096, &good));
    for (size_t at = 0; at < good.length; at++) { /* cut anywhere, or with a character changed into a blank */
        ok(file_write(other, view_of(good.data, at), 0644));
        refused(keys_read_public(other, &back), CATEGORY_USAGE, "other.key");
        uint8_t before = good.data[at];
        good.data[at] = ' ';
        ok(file_write(other, buffer_view(&good), 0644));
        good.data[at] = before;
        if (before != ' ') refused(keys_read_public(other, &back), CATEGORY_USAGE, "other.key");
    }
}

int main(void)
{
    /* A background job of a terminal goes on, though it prints there; what is asked of a person is asked on a pty. */
    (void)signal(SIGTTOU, SIG_IGN);
    (void)signal(SIGTTIN, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fresh_randomness_differs, enter, leave),
        cmocka_unit_test_setup_teardown(a_plain_key_comes_back, enter, leave),
        cmocka_unit_test_setup_teardown(a_key_that_others_can_read_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(a_key_of_the_other_kind_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(a_damaged_key_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(a_sealed_key_needs_its_passphrase, enter, leave),
        cmocka_unit_test_setup_teardown(a_typed_passphrase_is_not_shown, enter, leave),
        cmocka_unit_test_setup_teardown(the_certificate_carries_the_key, enter, leave),
        cmocka_unit_test_setup_teardown(public_keys_come_back, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A key file is one line, "cofferdam/1 node-key HEX"; a sealed one is that line under a passphrase (crypto/seal.h). */
#include "sys/keys.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "crypto/seal.h"
#include "sys/certificate.h"
#include "sys/entropy.h"
#include "sys/file.h"
#include "sys/token.h"

enum { KEY_FILE_MAX = 4096, PUBLIC_FILE_MAX = 4096, HEX_KEY = 2 * SIGN_PUBLIC_BYTES, HEX_SEED = 2 * SIGN_SEED_BYTES };

static const char *const words[] = {
    [KEY_IDENTITY] = "cofferdam/1 identity-key ",
    [KEY_NODE] = "cofferdam/1 node-key ",
    [KEY_OFFICER] = "cofferdam/1 officer-key ",
};
static const char *const names[] = {
    [KEY_IDENTITY] = "an identity key", [KEY_NODE] = "a node key", [KEY_OFFICER] = "an officer's key"};
static const char *const remedies[] = {
    [KEY_IDENTITY] = "name the identity.key that cofferdam keygen made",
    [KEY_NODE] = "key: has to name the node.key that cofferdam keygen made",
    [KEY_OFFICER] = "name the officer.key that cofferdam keygen --officer made",
};
/* What a file sealed with a passphrase begins with. */
static const char sealed_magic[] = "cfdseal";

static bool begins(struct view bytes, const char *text)
{
    size_t length = strlen(text);
    return bytes.length >= length && memcmp(bytes.data, text, length) == 0;
}

struct result keys_generate(struct sign_key **ret)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(entropy_seed(&seed));
    return sign_key_from_seed(seed, ret);
}

/* The file's line, in guarded memory. */
static struct result line_of(enum key_kind kind, const struct sign_key *key, struct secret **ret)
{
    size_t word = strlen(words[kind]);
    struct view seed = sign_key_seed(key);
    TRY(secret_new(word + 2 * seed.length + 1, ret));
    char *line = (char *)secret_bytes(*ret);
    memcpy(line, words[kind], word);
    bytes_hex(seed, line + word);
    line[word + 2 * seed.length] = '\n'; /* in the place of the NUL */
    return RESULT_OK;
}

struct result keys_write(const char *path, enum key_kind kind, const struct sign_key *key,
                         const struct secret *passphrase)
{
    CLEANUP(secret_freep) struct secret *line = NULL;
    TRY(line_of(kind, key, &line));
    if (!passphrase) return file_write_new(path, secret_view(line), 0600);
    CLEANUP(random_source_freep) struct random_source *random = NULL;
    CLEANUP(buffer_done) struct buffer sealed = {0};
    TRY(entropy_source(&random));
    TRY(seal_with_passphrase(secret_view(passphrase), secret_view(line), random, &sealed));
    return file_write_new(path, buffer_view(&sealed), 0600);
}

static struct result key_from(struct view line, enum key_kind kind, const char *path, struct sign_key **ret)
{
    for (unsigned other = 0; other < sizeof words / sizeof *words; other++)
        ENSURE(other == kind || !begins(line, words[other]), CATEGORY_USAGE, "%s: holds %s, where %s is needed", path,
               names[other], names[kind]);
    size_t word = strlen(words[kind]);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_new(SIGN_SEED_BYTES, &seed));
    bool right = begins(line, words[kind]) && line.length == word + HEX_SEED + 1 &&
                 line.data[line.length - 1] == '\n' &&
                 result_ok(bytes_unhex(view_of(line.data + word, HEX_SEED), secret_bytes(seed), SIGN_SEED_BYTES));
    ENSURE(right, CATEGORY_USAGE, "%s: is not a key file of this program", path);
    return sign_key_from_seed(seed, ret);
}

struct result keys_read(const char *path, enum key_kind kind, struct sign_key **ret)
{
    if (token_is_uri(path)) return token_key_open(path, ret);
    CLEANUP(secret_freep) struct secret *bytes = NULL;
    TRY(file_needed(path, remedies[kind]));
    TRY(file_read_secret(path, KEY_FILE_MAX, &bytes));
    if (!begins(secret_view(bytes), sealed_magic)) return key_from(secret_view(bytes), kind, path, ret);
    CLEANUP(secret_freep) struct secret *passphrase = NULL;
    CLEANUP(secret_freep) struct secret *line = NULL;
    char prompt[FILE_PATH_MAX + 24];
    (void)snprintf(prompt, sizeof prompt, "Passphrase of %s: ", path);
    TRY(keys_passphrase(prompt, false, &passphrase));
    TRY(result_at(seal_open_with_passphrase(secret_view(passphrase), secret_view(bytes), &line), "%s: ", path));
    return key_from(secret_view(line), kind, path, ret);
}

static void bio_freep(BIO **bio)
{
    (void)BIO_free(*bio);
}

struct result keys_write_certificate(const char *path, const struct sign_key *node)
{
    CLEANUP(certificate_key_freep) EVP_PKEY *private_key = NULL;
    CLEANUP(certificate_freep) X509 *certificate = NULL;
    TRY(certificate_key(node, &private_key));
    TRY(certificate_new(node, private_key, &certificate));
    CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    ENSURE(bio && PEM_write_bio_X509(bio, certificate) == 1, CATEGORY_ENVIRONMENT, "%s: out of memory", path);
    char *text;
    long length = BIO_get_mem_data(bio, &text);
    return file_write_new(path, view_of(text, (size_t)length), 0644);
}

/* --- NAME.pub ------------------------------------------------------------------------------------------------------
 */

static bool name_right(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_MAX_BYTES) return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 127) return false;
    return true;
}

struct result keys_write_public(const char *path, const struct keys_public *keys)
{
    ENSURE(name_right(keys->name), CATEGORY_USAGE, "\"%s\": a name has 1 to %u bytes and no blanks", keys->name,
           NAME_MAX_BYTES);
    char identity[HEX_KEY + 1], node[HEX_KEY + 1];
    bytes_hex(view_of(keys->identity.bytes, SIGN_PUBLIC_BYTES), identity);
    bytes_hex(view_of(keys->node.bytes, SIGN_PUBLIC_BYTES), node);
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(buffer_format(&text, "cofferdam/1 public-keys\nname %s\nidentity %s\nnode %s\n", keys->name, identity, node));
    return file_write_new(path, buffer_view(&text), 0644);
}

/* What stands behind the word on the next line; an empty view when the line is not of that form. */
static struct view value_on_line(struct view *rest, const char *word)
{
    struct view line = *rest;
    const uint8_t *end = line.length ? memchr(line.data, '\n', line.length) : NULL;
    if (!end || !begins(line, word)) return view_of("", 0);
    size_t length = (size_t)(end - line.data), skip = strlen(word);
    *rest = view_of(end + 1, line.length - length - 1);
    return view_of(line.data + skip, length < skip ? 0 : length - skip);
}

struct result keys_read_public(const char *path, struct keys_public *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(file_read(path, PUBLIC_FILE_MAX, &text));
    static const char first[] = "cofferdam/1 public-keys\n";
    ENSURE(begins(buffer_view(&text), first), CATEGORY_USAGE, "%s: is not a file of public keys", path);
    struct view rest = view_of(text.data + strlen(first), text.length - strlen(first));
    struct keys_public keys = {0};
    struct view name = value_on_line(&rest, "name ");
    if (name.length <= NAME_MAX_BYTES && name.length > 0) memcpy(keys.name, name.data, name.length);
    ENSURE(name_right(keys.name) && strlen(keys.name) == name.length, CATEGORY_USAGE, "%s:2: must be \"name NAME\"",
           path);
    struct view identity = value_on_line(&rest, "identity ");
    ENSURE(result_ok(bytes_unhex(identity, keys.identity.bytes, SIGN_PUBLIC_BYTES)), CATEGORY_USAGE,
           "%s:3: must be \"identity\" and %d hex digits", path, (int)HEX_KEY);
    struct view node = value_on_line(&rest, "node ");
    ENSURE(result_ok(bytes_unhex(node, keys.node.bytes, SIGN_PUBLIC_BYTES)) && rest.length == 0, CATEGORY_USAGE,
           "%s:4: must be \"node\" and %d hex digits, and the last line", path, (int)HEX_KEY);
    *ret = keys;
    return RESULT_OK;
}

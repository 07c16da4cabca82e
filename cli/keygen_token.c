/* cofferdam keygen --token, --node-token: an organisation's keys in PKCS#11 tokens, where they stay. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/keygen.h"
#include "proto/run/roster.h"
#include "sys/file.h"
#include "sys/keys.h"
#include "sys/token.h"

enum { FILES = 3 };

/* One of the two keys: in a token, under its name; or, the identity alone, in a file. */
struct one {
    const char *label, *uri;
    struct secret *secret; /* the token's PIN; the file's passphrase, or NULL */
    struct sign_key *key;
    bool new;
};
struct made {
    struct one identity, node;
    char paths[FILES][FILE_PATH_MAX]; /* node.crt, NAME.pub; identity.key, where it is a file */
    size_t files;
    struct keys_public public;
};

static void made_done(struct made *made)
{
    sign_key_free(made->identity.key);
    sign_key_free(made->node.key);
    secret_free(made->identity.secret);
    secret_free(made->node.secret);
}

/* Checked before anything is asked or made. */
static struct result paths_check(const struct keygen_token *keygen, struct made *made)
{
    char public[NAME_MAX_BYTES + 8];
    (void)snprintf(public, sizeof public, "%s.pub", keygen->organisation);
    const char *const names[FILES] = {"node.crt", public, "identity.key"};
    const size_t files = keygen->identity_uri ? FILES - 1 : FILES;
    made->files = files;
    for (size_t i = 0; i < files; i++) {
        TRY(file_path(keygen->directory, names[i], made->paths[i]));
        ENSURE(!file_exists(made->paths[i]), CATEGORY_USAGE,
               "%s exists; it is never overwritten: choose another directory or move it away", made->paths[i]);
    }
    return RESULT_OK;
}

static struct result ask(const struct keygen_token *keygen, struct made *made)
{
    if (keygen->identity_uri)
        TRY(token_pin(keygen->identity_uri, &made->identity.secret));
    else if (!keygen->unsealed)
        TRY(keys_passphrase("Passphrase for the identity key", true, &made->identity.secret));
    if (keygen->identity_uri && strcmp(keygen->identity_uri, keygen->node_uri) == 0)
        return secret_from(secret_view(made->identity.secret), &made->node.secret);
    return token_pin(keygen->node_uri, &made->node.secret);
}

static struct result make(struct one *one)
{
    one->new = true;
    return one->uri ? token_key_make(one->uri, one->label, one->secret, &one->new, &one->key)
                    : keys_generate(&one->key);
}

static struct result write_file(const struct made *made, size_t file)
{
    if (file == 0) return keys_write_certificate(made->paths[0], made->node.key);
    if (file == 1) return keys_write_public(made->paths[1], &made->public);
    return keys_write(made->paths[2], KEY_IDENTITY, made->identity.key, made->identity.secret);
}

static struct result write_files(const struct keygen_token *keygen, const struct made *made)
{
    TRY(file_directory(keygen->directory, 0700));
    for (size_t i = 0; i < made->files; i++) {
        struct result result = write_file(made, i);
        if (result_ok(result)) continue;
        while (i > 0) (void)unlink(made->paths[--i]); /* ours alone: nothing was there */
        return result;
    }
    return RESULT_OK;
}

static struct result describe(const struct one *one, const char *use, struct buffer *out)
{
    if (!one->uri) return RESULT_OK;
    return buffer_format(out, "object=%s  %s the token; %s\n", one->label, one->new ? "made in" : "was in", use);
}

static struct result report(const struct keygen_token *keygen, const struct made *made)
{
    char identity[2 * SIGN_PUBLIC_BYTES + 1], node[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(made->public.identity.bytes, SIGN_PUBLIC_BYTES), identity);
    bytes_hex(view_of(made->public.node.bytes, SIGN_PUBLIC_BYTES), node);
    if (keygen->json) {
        json_t *files = json_array();
        for (size_t i = 0; i < made->files; i++) (void)json_array_append_new(files, json_string(made->paths[i]));
        return cli_print_json(json_pack("{s:s, s:s, s:s, s:{s:b, s:b}, s:o}", "organisation", made->public.name,
                                        "identity", identity, "node", node, "made", "identity", made->identity.new,
                                        "node", made->node.new, "files", files));
    }
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(describe(&made->identity, "signs rosters, plans and runs", &out));
    TRY(describe(&made->node, "signs messages and is the TLS key", &out));
    if (made->files == FILES)
        TRY(buffer_format(&out, "%s  %s; signs rosters, plans and runs: keep it offline\n", made->paths[2],
                          made->identity.secret ? "sealed with the passphrase" : "not sealed"));
    TRY(buffer_format(&out,
                      "%s  the node's certificate\n%s  both public keys: send it to the other members\n"
                      "identity %s\nnode     %s\n",
                      made->paths[0], made->paths[1], identity, node));
    return cli_print(buffer_view(&out));
}

struct result keygen_token(const struct keygen_token *keygen)
{
    CLEANUP(made_done)
    struct made made = {.identity = {.label = "identity", .uri = keygen->identity_uri},
                        .node = {.label = "node", .uri = keygen->node_uri}};
    TRY(paths_check(keygen, &made));
    TRY(ask(keygen, &made));
    TRY(make(&made.identity));
    TRY(make(&made.node));
    (void)snprintf(made.public.name, sizeof made.public.name, "%s", keygen->organisation);
    made.public.identity = *sign_key_public(made.identity.key);
    made.public.node = *sign_key_public(made.node.key);
    TRY(write_files(keygen, &made));
    return report(keygen, &made);
}

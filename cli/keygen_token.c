/* cofferdam keygen --token: an organisation's two keys in a PKCS#11 token, where they stay. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/keygen.h"
#include "proto/run/roster.h"
#include "sys/file.h"
#include "sys/keys.h"
#include "sys/token.h"

/* What the keys are called in the token. */
static const char identity_label[] = "identity", node_label[] = "node";

struct made {
    struct sign_key *identity, *node;
    bool identity_new, node_new;
    char certificate[FILE_PATH_MAX], public_keys[FILE_PATH_MAX];
    struct keys_public public;
};

static void made_done(struct made *made)
{
    sign_key_free(made->identity);
    sign_key_free(made->node);
}

/* Checked before anything is asked or made. */
static struct result paths_check(const struct keygen_token *keygen, struct made *made)
{
    char public[NAME_MAX_BYTES + 8];
    (void)snprintf(public, sizeof public, "%s.pub", keygen->organisation);
    TRY(file_path(keygen->directory, "node.crt", made->certificate));
    TRY(file_path(keygen->directory, public, made->public_keys));
    const char *const paths[] = {made->certificate, made->public_keys};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ENSURE(!file_exists(paths[i]), CATEGORY_USAGE,
               "%s exists; it is never overwritten: choose another directory or move it away", paths[i]);
    return RESULT_OK;
}

static struct result make(const struct keygen_token *keygen, struct made *made)
{
    CLEANUP(secret_freep) struct secret *pin = NULL;
    TRY(token_pin(keygen->uri, &pin));
    TRY(token_key_make(keygen->uri, identity_label, pin, &made->identity_new, &made->identity));
    TRY(token_key_make(keygen->uri, node_label, pin, &made->node_new, &made->node));
    (void)snprintf(made->public.name, sizeof made->public.name, "%s", keygen->organisation);
    made->public.identity = *sign_key_public(made->identity);
    made->public.node = *sign_key_public(made->node);
    return RESULT_OK;
}

static struct result write_files(const struct keygen_token *keygen, const struct made *made)
{
    TRY(file_directory(keygen->directory, 0700));
    TRY(keys_write_certificate(made->certificate, made->node));
    struct result result = keys_write_public(made->public_keys, &made->public);
    if (!result_ok(result)) (void)unlink(made->certificate); /* ours alone: it was not there */
    return result;
}

static struct result report(const struct keygen_token *keygen, const struct made *made)
{
    char identity[2 * SIGN_PUBLIC_BYTES + 1], node[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(made->public.identity.bytes, SIGN_PUBLIC_BYTES), identity);
    bytes_hex(view_of(made->public.node.bytes, SIGN_PUBLIC_BYTES), node);
    if (keygen->json)
        return cli_print_json(json_pack("{s:s, s:s, s:s, s:{s:b, s:b}, s:[s, s]}", "organisation", made->public.name,
                                        "identity", identity, "node", node, "made", "identity", made->identity_new,
                                        "node", made->node_new, "files", made->certificate, made->public_keys));
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(buffer_format(&out,
                      "object=%s  %s; signs rosters, plans and runs\n"
                      "object=%s  %s; signs messages and is the TLS key: for key: in node.yaml\n"
                      "%s  the node's certificate\n"
                      "%s  both public keys: send it to the other members\n"
                      "identity %s\nnode     %s\n",
                      identity_label, made->identity_new ? "made in the token" : "was in the token", node_label,
                      made->node_new ? "made in the token" : "was in the token", made->certificate, made->public_keys,
                      identity, node));
    return cli_print(buffer_view(&out));
}

struct result keygen_token(const struct keygen_token *keygen)
{
    CLEANUP(made_done) struct made made = {0};
    TRY(paths_check(keygen, &made));
    TRY(make(keygen, &made));
    TRY(write_files(keygen, &made));
    return report(keygen, &made);
}

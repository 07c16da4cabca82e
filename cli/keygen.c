/* cofferdam keygen: the two keys of an organisation, and what it sends to the others. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/keygen.h"
#include "proto/run/roster.h"
#include "sys/file.h"
#include "sys/keys.h"

enum { FILES = 4 };

struct keygen {
    char paths[FILES][FILE_PATH_MAX]; /* identity.key, node.key, node.crt, NAME.pub */
    struct sign_key *identity;
    struct sign_key *node;
    struct secret *passphrase; /* NULL: unsealed */
    struct keys_public public;
};

static void keygen_done(struct keygen *keygen)
{
    sign_key_free(keygen->identity);
    sign_key_free(keygen->node);
    secret_free(keygen->passphrase);
}

/* Checked before anything is asked or written: keys are never overwritten, and half a set is of no use. */
static struct result paths_check(struct keygen *keygen, const char *directory, const char *name)
{
    char public[NAME_MAX_BYTES + 8];
    (void)snprintf(public, sizeof public, "%s.pub", name);
    const char *const names[FILES] = {"identity.key", "node.key", "node.crt", public};
    for (size_t i = 0; i < FILES; i++) {
        TRY(file_path(directory, names[i], keygen->paths[i]));
        ENSURE(!file_exists(keygen->paths[i]), CATEGORY_USAGE,
               "%s exists; keys are never overwritten: choose another directory or move it away", keygen->paths[i]);
    }
    return RESULT_OK;
}

static struct result write_file(const struct keygen *keygen, size_t file)
{
    switch (file) {
    case 0:
        return keys_write(keygen->paths[0], KEY_IDENTITY, keygen->identity, keygen->passphrase);
    case 1:
        return keys_write(keygen->paths[1], KEY_NODE, keygen->node, NULL);
    case 2:
        return keys_write_certificate(keygen->paths[2], keygen->node);
    default:
        return keys_write_public(keygen->paths[3], &keygen->public);
    }
}

static struct result write_all(const struct keygen *keygen)
{
    for (size_t i = 0; i < FILES; i++) {
        struct result result = write_file(keygen, i);
        if (result_ok(result)) continue;
        while (i > 0) (void)unlink(keygen->paths[--i]); /* ours alone: paths_check and _write_new found nothing there */
        return result;
    }
    return RESULT_OK;
}

static struct result report(const struct keygen *keygen, bool json)
{
    char identity[65], node[65];
    bytes_hex(view_of(keygen->public.identity.bytes, SIGN_PUBLIC_BYTES), identity);
    bytes_hex(view_of(keygen->public.node.bytes, SIGN_PUBLIC_BYTES), node);
    const char(*paths)[FILE_PATH_MAX] = keygen->paths;
    if (json)
        return cli_print_json(json_pack("{s:s, s:s, s:s, s:b, s:[s, s, s, s]}", "organisation", keygen->public.name,
                                        "identity", identity, "node", node, "sealed", keygen->passphrase != NULL,
                                        "files", paths[0], paths[1], paths[2], paths[3]));
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(buffer_format(&out,
                      "%s  %s; signs rosters, plans and runs: keep it offline\n"
                      "%s  signs messages and is the TLS key: belongs to the node\n"
                      "%s  the node's certificate\n"
                      "%s  both public keys: send it to the other members\n"
                      "identity %s\nnode     %s\n",
                      paths[0], keygen->passphrase ? "sealed with the passphrase" : "not sealed", paths[1], paths[2],
                      paths[3], identity, node));
    return cli_print(buffer_view(&out));
}

struct result cli_keygen(int argc, char **argv)
{
    const char *name = NULL, *directory = NULL, *person = NULL, *token = NULL, *node_token = NULL;
    bool unsealed = false, json = false, officer = false;
    const struct cli_option options[] = {
        {.name = "org", .required = true, .value = &name},
        {.name = "out", .letter = 'o', .required = true, .value = &directory},
        {.name = "no-passphrase", .flag = &unsealed},
        {.name = "officer", .flag = &officer},
        {.name = "name", .value = &person},
        {.name = "token", .value = &token},
        {.name = "node-token", .value = &node_token},
        {.name = "json", .flag = &json},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "", 0, 0, NULL));
    TRY(result_at(roster_name_check(name), "--org "));
    ENSURE(officer == (person != NULL), CATEGORY_USAGE,
           "keygen: --officer and --name go together: --name is the officer's");
    ENSURE(!officer || (!token && !node_token), CATEGORY_USAGE,
           "keygen: an officer's key goes into a file; leave --token and --node-token out");
    if (officer) return keygen_officer(&(struct keygen_officer){name, person, directory, unsealed, json});
    ENSURE(!token || !unsealed, CATEGORY_USAGE,
           "keygen: a token guards its keys with its PIN; leave --no-passphrase out");
    if (token || node_token)
        return keygen_token(
            &(struct keygen_token){name, token, node_token ? node_token : token, directory, unsealed, json});
    CLEANUP(keygen_done) struct keygen keygen = {0};
    TRY(paths_check(&keygen, directory, name));
    if (!unsealed) TRY(keys_passphrase("Passphrase for the identity key", true, &keygen.passphrase));
    TRY(keys_generate(&keygen.identity));
    TRY(keys_generate(&keygen.node));
    (void)snprintf(keygen.public.name, sizeof keygen.public.name, "%s", name);
    keygen.public.identity = *sign_key_public(keygen.identity);
    keygen.public.node = *sign_key_public(keygen.node);
    bool made = !file_exists(directory);
    TRY(file_directory(directory, 0700));
    struct result written = write_all(&keygen);
    if (!result_ok(written) && made) (void)rmdir(directory);
    TRY(written);
    return report(&keygen, json);
}

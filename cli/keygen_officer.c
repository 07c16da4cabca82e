/* cofferdam keygen --officer: the key of a person who approves plans for a bank, apart from the bank's own two. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/keygen.h"
#include "proto/run/roster.h"
#include "sys/file.h"
#include "sys/keys.h"

static struct result report(const struct keygen_officer *officer, const char *path, const struct sign_public *key)
{
    char hex[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(key->bytes, SIGN_PUBLIC_BYTES), hex);
    if (officer->json)
        return cli_print_json(json_pack("{s:s, s:s, s:s, s:b, s:[s]}", "organisation", officer->organisation, "officer",
                                        officer->name, "key", hex, "sealed", !officer->unsealed, "files", path));
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(buffer_format(&out,
                      "%s  %s; approves plans for %s: keep it with %s, apart from the node\n"
                      "for the policy, under officers:\n  - {name: %s, key: %s}\n",
                      path, officer->unsealed ? "not sealed" : "sealed with the passphrase", officer->organisation,
                      officer->name, officer->name, hex));
    return cli_print(buffer_view(&out));
}

struct result keygen_officer(const struct keygen_officer *officer)
{
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    CLEANUP(secret_freep) struct secret *passphrase = NULL;
    char path[FILE_PATH_MAX];
    TRY(result_at(roster_name_check(officer->name), "--name "));
    TRY(file_path(officer->directory, "officer.key", path));
    ENSURE(!file_exists(path), CATEGORY_USAGE,
           "%s exists; keys are never overwritten: choose another directory or move it away", path);
    if (!officer->unsealed) TRY(keys_passphrase("Passphrase for the officer's key", true, &passphrase));
    TRY(keys_generate(&key));
    TRY(file_directory(officer->directory, 0700));
    TRY(keys_write(path, KEY_OFFICER, key, passphrase));
    return report(officer, path, sign_key_public(key));
}

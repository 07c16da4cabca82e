/* cofferdam audit verify: a run replayed from its bundle. */
#include "cli/audit.h"

#include <string.h>

#include "cli/audit_facts.h"
#include "cli/bundle_file.h"
#include "cli/cli.h"
#include "cli/document.h"
#include "crypto/hash.h"

struct result audit_fingerprint(const char *words, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer note = {0};
    CLEANUP(roster_done) struct roster roster = {0};
    struct view text = view_text(words);
    if (text.length == (size_t)2 * HASH_BYTES && result_ok(bytes_unhex(text, ret->bytes, HASH_BYTES))) return RESULT_OK;
    TRY(result_at(cli_read(words, DOCUMENT_MAX, &note), "--roster takes a fingerprint of 64 hex digits or a file: "));
    struct result parsed = roster_parse(buffer_view(&note), &roster);
    if (parsed.category == CATEGORY_FALSE) parsed.category = CATEGORY_USAGE;
    TRY(result_at(parsed, "%s: ", words));
    *ret = roster.hash;
    return RESULT_OK;
}

void audit_lines(const struct replay_counts *counts, struct audit_line lines[AUDIT_LINES])
{
    const struct audit_line all[AUDIT_LINES] = {
        {"entries", "entries read", counts->entries},
        {"bytes", "bytes", counts->bytes},
        {"signatures", "signatures verified", counts->signatures},
        {"certificates", "certificates with their quorums", counts->certificates},
        {"inputs", "masked inputs, each as its bank signed it", counts->inputs},
        {"words", "masked words (of 64 bits) added up", counts->words},
        {"commitments", "revealed secrets that fit their commitments", counts->commitments},
        {"masks", "masks derived again and taken off", counts->masks},
        {"sums", "sums equal to what was signed", counts->sums},
        {"steps", "steps of the fold redone, each to the certified state", counts->steps},
        {"checkpoints", "checkpoints of the log, signed and cosigned by a quorum", counts->checkpoints},
        {"models", "models computed again, equal byte for byte", counts->models},
    };
    memcpy(lines, all, sizeof all);
}

const char *audit_verdict(const struct replay *replay, bool holds)
{
    static const char *const done[] = {
        [BUNDLE_FULL] = "HOLDS: the model follows from what the banks sent masked, and from nothing else",
        [BUNDLE_SUMS] = "HOLDS: the model follows from sums that a quorum of the banks checked and certified; the "
                        "masked inputs are not in this form",
        [BUNDLE_PUBLIC] = "HOLDS: every step was checked and certified by a quorum of the banks; inputs, sums and "
                          "model are not in this form",
    };
    if (!holds) return "DOES NOT HOLD";
    return replay->stage == REPLAY_DONE ? done[replay->form]
                                        : "HOLDS, as far as the run came: it was ended before its last step";
}

static struct result names_json(const struct replay *replay, json_t **ret)
{
    const struct members *cohort = run_cohort(&replay->run);
    json_t *names = json_array();
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j))
        (void)json_array_append_new(names, json_string(run_member(&replay->run, j)));
    ENSURE(json_array_size(names) == members_count(cohort), CATEGORY_ENVIRONMENT, "out of memory for JSON");
    *ret = names;
    return RESULT_OK;
}

/* What is known of the run, once its submission was read. */
static struct result run_json(const struct replay *replay, json_t *json)
{
    char hex[2 * HASH_BYTES + 1];
    json_t *names = NULL;
    struct tree tree = {0};
    const struct submission *submission = &replay->submission;
    if (replay->stage < REPLAY_NEXT) return RESULT_OK;
    TRY(names_json(replay, &names));
    bytes_hex(hash_view(&submission->id), hex);
    (void)json_object_set_new(json, "run", json_string(hex));
    (void)json_object_set_new(json, "plan", json_string(submission->plan.name));
    bytes_hex(hash_view(&submission->plan.hash), hex);
    (void)json_object_set_new(json, "plan_hash", json_string(hex));
    (void)json_object_set_new(json, "purpose", json_string(submission->plan.purpose));
    (void)json_object_set_new(json, "submitter", json_string(run_member(&replay->run, submission->terms.submitter)));
    (void)json_object_set_new(json, "cohort", names);
    audit_approvals_json(replay, &tree, json);
    tree_put(&tree, json, "differential_privacy", audit_privacy_json(replay));
    ENSURE(!tree.failed, CATEGORY_ENVIRONMENT, "out of memory for JSON");
    (void)json_object_set_new(json, "steps", json_integer((json_int_t)replay->log.tree.size));
    (void)json_object_set_new(json, "rounds", json_integer((json_int_t)replay->last));
    if (replay->stage != REPLAY_DONE) return RESULT_OK;
    bytes_hex(hash_view(&replay->model_hash), hex);
    (void)json_object_set_new(json, "model_sha256", json_string(hex));
    return RESULT_OK;
}

static struct result print_json(const struct replay *replay, bool holds, const char *reason)
{
    struct audit_line lines[AUDIT_LINES];
    char hex[2 * HASH_BYTES + 1];
    json_t *json = json_object(), *checked = json_object();
    audit_lines(&replay->counts, lines);
    for (size_t i = 0; i < AUDIT_LINES; i++)
        (void)json_object_set_new(checked, lines[i].key, json_integer((json_int_t)lines[i].count));
    (void)json_object_set_new(json, "holds", json_boolean(holds));
    (void)json_object_set_new(json, "verdict", json_string(audit_verdict(replay, holds)));
    if (!holds) (void)json_object_set_new(json, "reason", json_string(reason));
    (void)json_object_set_new(json, "form", json_string(bundle_form_name(replay->form)));
    (void)json_object_set_new(json, "finished", json_boolean(replay->stage == REPLAY_DONE));
    bytes_hex(hash_view(&replay->roster.hash), hex);
    (void)json_object_set_new(json, "roster", json_string(replay->roster.size ? hex : ""));
    (void)json_object_set_new(json, "checked", checked);
    struct result result = run_json(replay, json);
    if (result_ok(result)) return cli_print_json(json);
    json_decref(json);
    return result;
}

static struct result print_run(const struct replay *replay, bool asked, struct buffer *out)
{
    char hex[2 * HASH_BYTES + 1];
    const struct submission *submission = &replay->submission;
    if (replay->roster.size == 0) return RESULT_OK;
    bytes_hex(hash_view(&replay->roster.hash), hex);
    TRY(buffer_format(out, "roster       version %u, %u members, fingerprint %s\n             %s\n",
                      replay->roster.version, replay->roster.size, hex,
                      replay->known ? "it follows from the roster you gave"
                      : asked       ? "the roster you gave has not been met"
                                    : "compare it with the one your organisation has pinned (cofferdam roster show)"));
    if (replay->stage < REPLAY_NEXT) return RESULT_OK;
    bytes_hex(hash_view(&submission->id), hex);
    TRY(buffer_format(out, "run          %s\nplan         %s, for %s, submitted by %s\n", hex, submission->plan.name,
                      submission->plan.purpose, run_member(&replay->run, submission->terms.submitter)));
    const struct members *cohort = run_cohort(&replay->run);
    TRY(buffer_text(out, "cohort      "));
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j))
        TRY(buffer_format(out, " %s", run_member(&replay->run, j)));
    TRY(buffer_text(out, "\n"));
    TRY(audit_approvals_text(replay, out));
    TRY(audit_privacy_text(replay, out));
    TRY(buffer_format(out, "rounds       %llu, which closed %llu steps\n", (unsigned long long)replay->last,
                      (unsigned long long)replay->log.tree.size));
    if (replay->stage != REPLAY_DONE) return RESULT_OK;
    bytes_hex(hash_view(&replay->model_hash), hex);
    return buffer_format(out, "model        model.json, SHA-256 %s\n", hex);
}

static struct result print_table(const struct replay *replay, bool asked, bool holds)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    struct audit_line lines[AUDIT_LINES];
    TRY(print_run(replay, asked, &out));
    TRY(buffer_format(&out, "form         %s\nchecked\n", bundle_form_name(replay->form)));
    audit_lines(&replay->counts, lines);
    for (size_t i = 0; i < AUDIT_LINES; i++)
        TRY(buffer_format(&out, "%14llu  %s\n", (unsigned long long)lines[i].count, lines[i].text));
    TRY(buffer_format(&out, "%s\n", audit_verdict(replay, holds)));
    return cli_print(buffer_view(&out));
}

struct result cli_audit_verify(int argc, char **argv)
{
    const char *roster = NULL;
    bool as_json = false;
    struct cli_values operands = {0};
    const struct cli_option options[] = {{.name = "roster", .value = &roster}, {.name = "json", .flag = &as_json}, {0}};
    struct hash fingerprint;
    struct bundle_source source;
    char reason[1024] = "";
    CLEANUP(bundle_file_close) struct bundle_file file = {0};
    CLEANUP(replay_freep) struct replay *replay = NULL;
    TRY(cli_parse(argc, argv, options, "BUNDLE", 1, 1, &operands));
    if (roster) TRY(audit_fingerprint(roster, &fingerprint));
    TRY(bundle_file_open(operands.items[0], &file, &source));
    struct result result = replay_bundle(&source, roster ? &fingerprint : NULL, NULL, &replay);
    result = result_at(result, "%s: ", file.path);
    (void)snprintf(reason, sizeof reason, "%s", result_ok(result) ? "" : result_reason());
    if (!replay && as_json)
        TRY(cli_print_json(
            json_pack("{s:b, s:s, s:s, s:n}", "holds", 0, "verdict", "DOES NOT HOLD", "reason", reason, "form")));
    if (replay && as_json) TRY(print_json(replay, result_ok(result), reason));
    if (replay && !as_json) TRY(print_table(replay, roster != NULL, result_ok(result)));
    if (result_ok(result)) return RESULT_OK;
    result_say("%s", reason);
    return result;
}

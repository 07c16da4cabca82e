/* The facts of a bundle as one JSON object (docs/compliance.md names its keys). The page is made of it alone. */
#include <stdio.h>
#include <string.h>

#include "cli/audit.h"
#include "cli/audit_facts.h"
#include "crypto/base/text.h"
#include "proto/run/note.h"

struct writer {
    const struct audit_facts *facts;
    struct tree tree;
    json_t *root;
};

static json_t *hex(const uint8_t *bytes, size_t length)
{
    char text[2 * HASH_BYTES + 1];
    bytes_hex(view_of(bytes, length), text);
    return json_string(text);
}

static json_t *hash_json(const struct hash *hash)
{
    return hex(hash->bytes, HASH_BYTES);
}

static json_t *time_json(uint64_t seconds)
{
    char text[AUDIT_TIME_BYTES];
    return seconds ? json_string(audit_time(seconds, text)) : json_null();
}

/* ---- the file and its verdict */

static void put_lists(struct writer *writer, const char *key, const char *const *texts)
{
    json_t *list = json_array();
    for (; *texts; texts++) tree_add(&writer->tree, list, json_string(*texts));
    tree_put(&writer->tree, writer->root, key, list);
}

static void put_form(struct writer *writer)
{
    static const char *const shows[][5] = {
        [BUNDLE_FULL] = {"the masked inputs as each bank signed them, and the secrets that take the masks off their "
                         "sum: every sum is added up again",
                         "every sum, every intermediate state and the model: each step is computed again",
                         "the plan, the keys, every signature and every certificate"},
        [BUNDLE_SUMS] = {"every sum, every intermediate state and the model: each step is computed again from the sums",
                         "the plan, the keys, every signature and every certificate"},
        [BUNDLE_PUBLIC] = {"the plan, with everything that its author wrote into it",
                           "who took part under which keys, every signature and every certificate",
                           "how many numbers each sum had, and the hashes of sums and states"},
    };
    static const char *const lacks[][4] = {
        [BUNDLE_FULL] = {"any row, any bank's part of a sum without its mask",
                         "the inputs of a bank in rounds from which it was missing"},
        [BUNDLE_SUMS] =
            {"any row, any bank's part of a sum, masked or not",
             "the means to add the sums up again: that they are the sums of the banks' inputs is the signed "
             "word of the banks that checked them"},
        [BUNDLE_PUBLIC] = {"any row, any bank's part of a sum, masked or not",
                           "the sums, the intermediate states and the model: nothing is computed again; that each step "
                           "follows from the one before is the signed word of the banks that checked it",
                           "what each sum after the first was for, beyond what the plan tells"},
    };
    const struct replay *replay = writer->facts->replay;
    tree_put(&writer->tree, writer->root, "form", replay ? json_string(bundle_form_name(replay->form)) : json_null());
    if (!replay) return;
    put_lists(writer, "form_shows", shows[replay->form]);
    put_lists(writer, "form_lacks", lacks[replay->form]);
}

static void put_verdict(struct writer *writer)
{
    const struct audit_facts *facts = writer->facts;
    const char *slash = strrchr(facts->path, '/'), *name = slash ? slash + 1 : facts->path;
    struct tree *tree = &writer->tree;
    tree_put(tree, writer->root, "report", json_integer(1));
    tree_put(tree, writer->root, "program", json_string("cofferdam " COFFERDAM_VERSION));
    tree_put(tree, writer->root, "holds", json_boolean(facts->holds));
    tree_put(tree, writer->root, "verdict",
             json_string(facts->replay ? audit_verdict(facts->replay, facts->holds) : "DOES NOT HOLD"));
    tree_put(tree, writer->root, "reason", facts->holds ? json_null() : json_string(facts->reason));
    tree_put(tree, writer->root, "finished", json_boolean(facts->replay && facts->replay->stage == REPLAY_DONE));
    /* A file's name may be any bytes. */
    bool printable = text_printable(view_text(name), "") && *name && strcmp(name, "-") != 0;
    tree_put(tree, writer->root, "bundle",
             json_pack("{s:s, s:o, s:o}", "file", printable ? name : "run.cfd", "bytes", tree_count(facts->bytes),
                       "sha256", hash_json(&facts->file)));
    put_form(writer);
}

static void put_checked(struct writer *writer)
{
    static const struct replay_counts none;
    struct audit_line lines[AUDIT_LINES];
    json_t *checked = json_object();
    audit_lines(writer->facts->replay ? &writer->facts->replay->counts : &none, lines);
    for (size_t i = 0; i < AUDIT_LINES; i++) tree_put(&writer->tree, checked, lines[i].key, tree_count(lines[i].count));
    tree_put(&writer->tree, writer->root, "checked", checked);
}

/* ---- rosters */

static struct result signers_of(struct writer *writer, const struct roster *roster, json_t *names)
{
    CLEANUP(note_done) struct note note = {0};
    TRY(note_parse(buffer_view(&roster->note), &note));
    for (size_t i = 0; i < note.lines_count; i++) tree_add(&writer->tree, names, json_string(note.lines[i].name));
    return RESULT_OK;
}

static struct result add_version(struct writer *writer, const struct roster *before, const struct roster *roster,
                                 json_t *versions)
{
    json_t *version = json_object(), *signers = json_array(), *changes = json_array();
    struct tree *tree = &writer->tree;
    tree_add(tree, versions, version);
    tree_put(tree, version, "version", json_integer(roster->version));
    tree_put(tree, version, "fingerprint", hash_json(&roster->hash));
    tree_put(tree, version, "members", json_integer(roster->size));
    tree_put(tree, version, "coordinator",
             json_pack("{s:s, s:o, s:s}", "name", roster->coordinator_name, "key",
                       hex(roster->coordinator.bytes, SIGN_PUBLIC_BYTES), "address", roster->address));
    tree_put(tree, version, "signed_by", signers);
    tree_put(tree, version, "changes", changes);
    if (before) audit_roster_changes(before, roster, tree, changes);
    return signers_of(writer, roster, signers);
}

static struct result put_rosters(struct writer *writer)
{
    const struct audit_facts *facts = writer->facts;
    if (facts->rosters_count == 0) return RESULT_OK;
    json_t *versions = json_array(), *roster = json_object();
    struct tree *tree = &writer->tree;
    tree_put(tree, writer->root, "roster", roster);
    tree_put(tree, roster, "asked", facts->fingerprint ? hash_json(facts->fingerprint) : json_null());
    tree_put(tree, roster, "vouched", json_boolean(facts->replay->known));
    tree_put(tree, roster, "fingerprint", hash_json(&facts->rosters[facts->rosters_count - 1].hash));
    tree_put(tree, roster, "versions", versions);
    for (size_t i = 0; i < facts->rosters_count; i++)
        TRY(add_version(writer, i ? &facts->rosters[i - 1] : NULL, &facts->rosters[i], versions));
    return RESULT_OK;
}

/* ---- who took part */

static void put_banks(struct writer *writer)
{
    const struct audit_facts *facts = writer->facts;
    const struct replay *replay = facts->replay;
    json_t *banks = json_array();
    for (unsigned j = 1; j <= replay->roster.size; j++) {
        const struct roster_member *member = &replay->roster.members[j - 1];
        uint64_t in = 0, voted = 0;
        for (size_t i = 0; i < facts->rounds_count; i++) {
            const struct audit_round *round = &facts->rounds[i];
            in += round->decision == BUNDLE_CHECKPOINT && members_has(&round->in, j);
            voted += members_has(&round->closers, j);
        }
        tree_add(&writer->tree, banks,
                 json_pack("{s:i, s:s, s:b, s:b, s:s?, s:o, s:o, s:o, s:o}", "position", (int)j, "name", member->name,
                           "cohort", members_has(run_cohort(&replay->run), j), "submitter",
                           j == replay->submission.terms.submitter, "approved_by", audit_approved_by(replay, j),
                           "sums_with_its_input", tree_count(in), "sums_it_checked", tree_count(voted), "identity_key",
                           hex(member->identity.bytes, SIGN_PUBLIC_BYTES), "node_key",
                           hex(member->node.bytes, SIGN_PUBLIC_BYTES)));
    }
    tree_put(&writer->tree, writer->root, "banks", banks);
}

static void put_run(struct writer *writer)
{
    const struct audit_facts *facts = writer->facts;
    const struct replay *replay = facts->replay;
    uint64_t earliest = 0, latest = 0;
    for (size_t i = 0; i < facts->rounds_count; i++) {
        const struct audit_round *round = &facts->rounds[i];
        if (round->decision != BUNDLE_CHECKPOINT) continue;
        if (!earliest || round->earliest < earliest) earliest = round->earliest;
        if (round->latest > latest) latest = round->latest;
    }
    tree_put(&writer->tree, writer->root, "run",
             json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id", hash_json(&replay->submission.id), "submitter",
                       run_member(&replay->run, replay->submission.terms.submitter), "coordinator",
                       run_member(&replay->run, 0), "steps", tree_count(replay->log.tree.size), "rounds",
                       tree_count(replay->last), "earliest", time_json(earliest), "latest", time_json(latest)));
    json_t *keys = json_array();
    for (size_t i = 0; i < facts->keys_count; i++)
        tree_add(&writer->tree, keys,
                 json_pack("{s:i, s:o, s:i}", "epoch", (int)facts->keys[i].epoch, "first",
                           tree_count(facts->keys[i].first), "rounds", (int)facts->keys[i].rounds));
    tree_put(&writer->tree, writer->root, "key_sets", keys);
}

static void put_privacy(struct writer *writer)
{
    const struct thresholds *of = &writer->facts->replay->run.thresholds;
    const struct plan *plan = &writer->facts->replay->submission.plan;
    tree_put(&writer->tree, writer->root, "privacy",
             json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:i, s:b}", "n", (int)of->n, "f", (int)of->f, "t",
                       (int)of->t, "v", (int)of->v, "honest", (int)(of->t - of->f), "silent", (int)(of->n - of->t),
                       "cohort_minimum", (int)plan->cohort_minimum, "on_dropout",
                       plan->on_dropout == DROPOUT_WAIT ? "wait" : "continue", "cells_minimum",
                       (int)plan->cells_minimum, "differential_privacy", plan_private(plan)));
    tree_put(&writer->tree, writer->root, "differential_privacy", audit_privacy_json(writer->facts->replay));
}

static void put_endings(struct writer *writer)
{
    const struct audit_facts *facts = writer->facts;
    json_t *endings = json_array();
    for (size_t i = 0; i < facts->endings_count; i++)
        tree_add(&writer->tree, endings,
                 json_pack("{s:s, s:s, s:s}", "by", run_member(&facts->replay->run, facts->endings[i].signer), "role",
                           facts->endings[i].signer ? "bank" : "coordinator", "reason", facts->endings[i].reason));
    tree_put(&writer->tree, writer->root, "endings", endings);
}

/* ---- hashes, and how to check them again */

/* As a shell takes it for one word. */
static struct result shell_word(const char *text, struct buffer *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:,@-";
    if (text[0] != '-' && strspn(text, plain) == strlen(text)) return buffer_text(out, text);
    TRY(buffer_text(out, text[0] == '-' ? "./'" : "'"));
    for (; *text; text++) TRY(*text == '\'' ? buffer_text(out, "'\\''") : buffer_u8(out, (uint8_t)*text));
    return buffer_u8(out, '\'');
}

static struct result add_hash(struct writer *writer, json_t *list, const char *key, const char *what,
                              json_t *take_value, const char *before, const char *file, const char *after)
{
    CLEANUP(buffer_done) struct buffer command = {0};
    const char *text;
    json_t *item = json_pack("{s:s, s:s, s:o}", "key", key, "what", what, "value", take_value);
    tree_add(&writer->tree, list, item);
    TRY(buffer_text(&command, before));
    if (file) TRY(shell_word(file, &command));
    TRY(buffer_text(&command, after));
    TRY(buffer_terminate(&command, &text));
    tree_put(&writer->tree, item, "command", json_string(text));
    return RESULT_OK;
}

static struct result add_log(struct writer *writer, json_t *list, const char *file)
{
    CLEANUP(buffer_done) struct buffer base64 = {0};
    struct hash root;
    const char *text;
    if (writer->facts->replay->log.tree.size == 0) return RESULT_OK;
    TRY(merkle_tree_root(&writer->facts->replay->log.tree, &root));
    TRY(text_base64(hash_view(&root), &base64));
    TRY(buffer_terminate(&base64, &text));
    return add_hash(writer, list, "log_root", "root of the run's log, in its last checkpoint", json_string(text),
                    "grep -a -A 2 cofferdam/1/run/ ", file, " | tail -n 1");
}

/* model.json carries a hash of what it says, which report.html names too: not that of the file. */
static struct result add_model_content(struct writer *writer, json_t *list)
{
    const struct buffer *bytes = &writer->facts->replay->model;
    if (bytes->length == 0) return RESULT_OK;
    json_t *model = json_loadb((const char *)bytes->data, bytes->length, 0, NULL);
    const char *hash = json_string_value(json_object_get(model, "hash"));
    struct result result = RESULT_OK;
    if (hash)
        result = add_hash(writer, list, "model_content",
                          "what the model says, however it is laid out: its own \"hash\", which the bank's report.html "
                          "calls the model's hash",
                          json_string(hash), "grep '\"hash\"' model.json", NULL, "");
    json_decref(model);
    return result;
}

static struct result put_hashes(struct writer *writer)
{
    const struct audit_facts *facts = writer->facts;
    const struct replay *replay = facts->replay;
    const char *file = json_string_value(json_object_get(json_object_get(writer->root, "bundle"), "file"));
    json_t *list = json_array();
    char verify[2 * HASH_BYTES + 32] = " --roster ";
    if (!file) file = "run.cfd";
    tree_put(&writer->tree, writer->root, "hashes", list);
    TRY(add_hash(writer, list, "bundle", "this bundle, the whole file", hash_json(&facts->file), "sha256sum ", file,
                 ""));
    if (facts->rosters_count == 0) return RESULT_OK;
    const struct hash *fingerprint = &facts->rosters[facts->rosters_count - 1].hash;
    TRY(add_hash(writer, list, "roster", "the roster, called its fingerprint", hash_json(fingerprint),
                 "cofferdam roster show roster.note", NULL, ""));
    if (replay->stage < REPLAY_NEXT) return RESULT_OK;
    bytes_hex(hash_view(fingerprint), verify + strlen(verify));
    TRY(add_hash(writer, list, "run", "the run's id: its plan, roster, cohort and a random number",
                 hash_json(&replay->submission.id), "cofferdam audit verify ", file, verify));
    TRY(add_hash(writer, list, "plan", "the plan's text", hash_json(&replay->submission.plan.hash),
                 "cofferdam plan show plan.note", NULL, ""));
    TRY(add_log(writer, list, file));
    if (replay->stage != REPLAY_DONE) return RESULT_OK;
    TRY(add_model_content(writer, list));
    return add_hash(writer, list, "model", "the model, the whole file", hash_json(&replay->model_hash),
                    "sha256sum model.json", NULL, "");
}

/* Of the model itself only what says how it came about. */
static void put_model(struct writer *writer)
{
    static const char *const keys[] = {"hash", "rows", "positives", "converged", "fits", "banks"};
    const struct replay *replay = writer->facts->replay;
    if (replay->stage != REPLAY_DONE || replay->model.length == 0) {
        tree_put(&writer->tree, writer->root, "model", json_null());
        return;
    }
    json_t *model = json_loadb((const char *)replay->model.data, replay->model.length, 0, NULL), *some = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(model, keys[i]);
        if (value) tree_put(&writer->tree, some, keys[i], json_incref(value));
    }
    json_decref(model);
    tree_put(&writer->tree, writer->root, "model", some);
}

/* ---- */

static struct result put_all(struct writer *writer)
{
    const struct audit_facts *facts = writer->facts;
    json_t *deviations = json_array();
    put_verdict(writer);
    put_checked(writer);
    tree_put(&writer->tree, writer->root, "deviations", deviations);
    TRY(put_rosters(writer));
    TRY(put_hashes(writer));
    if (!facts->replay) return RESULT_OK;
    TRY(audit_deviations(facts, &writer->tree, deviations));
    if (facts->replay->stage < REPLAY_NEXT) return RESULT_OK;
    put_run(writer);
    put_banks(writer);
    audit_approvals_json(facts->replay, &writer->tree, writer->root);
    put_privacy(writer);
    put_endings(writer);
    TRY(audit_plan_json(facts, &writer->tree, writer->root));
    audit_rounds_json(facts, &writer->tree, writer->root);
    put_model(writer);
    return RESULT_OK;
}

struct result audit_json(const struct audit_facts *facts, json_t **ret)
{
    struct writer writer = {.facts = facts, .root = json_object()};
    struct result result = put_all(&writer);
    if (result_ok(result) && writer.tree.failed)
        result = FAIL(CATEGORY_ENVIRONMENT, "the report could not be made: out of memory");
    if (result_ok(result))
        *ret = writer.root;
    else
        json_decref(writer.root);
    return result;
}

#include "node/journal_facts.h"

#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"
#include "node/admit.h"
#include "node/officers.h"
#include "proto/secagg/run_log.h"

#define KEY_END "end"

static const struct hash *run_of(const struct part *part)
{
    return &part->submission.id;
}

/* One entry, on its own. */
static struct result commit_one(struct journal *journal, const struct hash *run, const char *event, json_t *take_facts,
                                const char *key)
{
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    TRY(journal_note(&notes, run, event, take_facts, "%s", key));
    return journal_commit(journal, NULL, 0, &notes);
}

struct result journal_started(struct bank *bank)
{
    struct hash_hex key = {0}, roster = hash_hex(&bank->roster.hash);
    bytes_hex(view_of(sign_key_public(bank->key)->bytes, SIGN_PUBLIC_BYTES), key.text);
    return commit_one(bank->journal, NULL, "started",
                      json_pack("{s:s, s:s, s:s, s:s, s:i}", "version", COFFERDAM_VERSION, "member",
                                bank->roster.members[bank->position - 1].name, "key", key.text, "roster", roster.text,
                                "roster_version", (int)bank->roster.version),
                      "");
}

/* ---- a run, before anything of it leaves */

static json_t *cohort_json(const struct run_terms *terms)
{
    json_t *names = json_array();
    for (unsigned j = members_next(&terms->cohort, 0); j; j = members_next(&terms->cohort, j)) {
        if (json_array_append_new(names, json_string(terms->roster->members[j - 1].name)) == 0) continue;
        json_decref(names);
        return NULL;
    }
    return names;
}

struct result journal_seen(struct part *part)
{
    const struct submission *submission = &part->submission;
    const struct run_terms *terms = &submission->terms;
    const struct plan *plan = &submission->plan;
    struct hash_hex hash = hash_hex(&plan->hash);
    return commit_one(part->bank->journal, run_of(part), "seen",
                      json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:i}", "plan", plan->name, "plan_hash", hash.text,
                                "task", plan->task, "purpose", plan->purpose, "submitter",
                                terms->roster->members[terms->submitter - 1].name, "cohort", cohort_json(terms),
                                "protocol", (int)terms->version),
                      "seen");
}

struct result journal_officer(const struct approval *approval, const char *name, struct view document,
                              struct journal_notes *notes)
{
    struct hash_hex subject = hash_hex(&approval->subject);
    return journal_note(notes, NULL, "officer",
                        json_pack("{s:s, s:s, s:s, s:s, s:s%}", "officer", name, "decision",
                                  approval_word(approval->decision), "of", approval_of(approval), "subject",
                                  subject.text, "document", (const char *)document.data, document.length),
                        "%s", "");
}

/* The rule that the plan is one of, where it stands in the policy, and the officers who approve it where it asks them.
 */
struct result journal_approved(struct part *part)
{
    const struct policy *policy = &part->bank->policy;
    const struct policy_case about = admit_case(&part->submission, &(struct policy_spent){0}, 0);
    CLEANUP(buffer_done) struct buffer text = {0};
    struct officers_word word;
    char by[OFFICERS_NAMES_BYTES + 16] = "policy";
    TRY(policy_rule_words(policy, policy_rule_of(policy, &about), &text));
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result asked = officers_ask(part->bank, &part->submission, &word);
    (void)pthread_mutex_unlock(&part->bank->lock);
    TRY(asked);
    if (word.needed) (void)snprintf(by, sizeof by, "%s %s", word.needed > 1 ? "officers" : "officer", word.names);
    bool change = word.change || policy_allows_change(policy, run_of(part));
    return commit_one(part->bank->journal, run_of(part), "approved",
                      json_pack("{s:s, s:s%, s:b}", "approved_by", by, "rule", (const char *)text.data, text.length,
                                "cohort_change", change),
                      "approved");
}

static json_t *columns_json(const struct schema *schema)
{
    json_t *names = json_array();
    for (size_t k = 0; k < schema->count; k++) {
        if (json_array_append_new(names, json_string(schema->specs[k].name)) == 0) continue;
        json_decref(names);
        return NULL;
    }
    return names;
}

/* The facts with one more count; NULL when memory is short. */
static json_t *with_count(json_t *facts, const char *key, uint64_t count)
{
    if (facts && json_object_set_new(facts, key, json_integer((json_int_t)count)) == 0) return facts;
    json_decref(facts);
    return NULL;
}

static json_t *losses_json(const struct join_losses *losses)
{
    json_t *joined = json_array();
    for (size_t k = 0; joined && k < losses->count; k++) {
        const struct join_loss *loss = &losses->joined[k];
        json_t *one = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I}", "source", loss->name, "required", loss->required,
                                "rows", (json_int_t)loss->rows, "unmatched", (json_int_t)loss->unmatched, "orphans",
                                (json_int_t)loss->orphans, "without_key", (json_int_t)loss->keyless);
        if (json_array_append_new(joined, one) == 0) continue;
        json_decref(joined);
        return NULL;
    }
    return joined;
}

/* The facts with what did not find together; NULL when memory is short. */
static json_t *with_losses(json_t *facts, const struct join_losses *losses)
{
    facts = with_count(facts, "joined_rows", losses->rows);
    if (facts) facts = with_count(facts, "without_key", losses->keyless);
    if (facts) facts = with_count(facts, "without_match", losses->left_out);
    if (facts && json_object_set_new(facts, "joined", losses_json(losses)) == 0) return facts;
    json_decref(facts);
    return NULL;
}

struct result journal_frozen(struct part *part, struct journal_notes *notes)
{
    const struct frozen_counts *counts = &part->frozen.counts;
    struct hash_hex digest = hash_hex(&part->frozen.hash);
    const struct config_source *source = &part->bank->config->source;
    json_t *facts =
        json_pack("{s:s, s:I, s:I, s:s, s:o}", "source", source->name, "rows", (json_int_t)counts->rows, "held_out",
                  (json_int_t)counts->held, "digest", digest.text, "columns", columns_json(&part->frozen.schema));
    if (source->consent.column) facts = with_count(facts, "without_consent", counts->without_consent);
    if (plan_private(&part->submission.plan)) facts = with_count(facts, "unfit", counts->unfit);
    if (part->frozen.losses.count) facts = with_losses(facts, &part->frozen.losses);
    return journal_note(notes, run_of(part), "frozen", facts, "frozen");
}

/* ---- what the machine makes durable */

/* The body of a signed message of this bank, or of a certificate's vote. */
static struct result body_of(const struct part *part, struct view bytes, struct wire_arena *arena, struct view *ret)
{
    struct wire_signed one;
    TRY(wire_signed_decode(bytes, part->bank->roster.size, arena, &one));
    *ret = one.body;
    return RESULT_OK;
}

/* The masked input of a round may leave from now on. Its header goes before it and fixes every byte of it. */
static struct result sent(struct part *part, struct view header, struct journal_notes *notes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_r1 r1;
    struct view body;
    struct hash digest;
    TRY(body_of(part, header, &arena, &body));
    TRY(wire_r1_decode(body, part->bank->roster.size, &arena, &r1));
    TRY(hash_bytes(NULL, header, &digest));
    struct hash_hex root = hash_hex(&r1.root), hex = hash_hex(&digest);
    return journal_note(notes, run_of(part), "sent",
                        json_pack("{s:I, s:I, s:I, s:I, s:s, s:s}", "round", (json_int_t)r1.round, "step",
                                  (json_int_t)secagg_node_fold(part->machine)->step, "words", (json_int_t)r1.words,
                                  "bytes", (json_int_t)r1.words * (json_int_t)sizeof(uint64_t), "root", root.text,
                                  "header", hex.text),
                        "sent/%05llu", (unsigned long long)r1.round);
}

static struct result voted_void(struct part *part, struct view vote, struct journal_notes *notes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_void voided;
    struct view body;
    TRY(body_of(part, vote, &arena, &body));
    TRY(wire_void_decode(body, part->bank->roster.size, &arena, &voided));
    return journal_note(notes, run_of(part), "void", json_pack("{s:I}", "round", (json_int_t)voided.round),
                        "void/%05llu", (unsigned long long)voided.round);
}

static json_t *close_json(const struct wire_close *close)
{
    struct hash_hex sum = hash_hex(&close->sum), state = hash_hex(&close->state);
    return json_pack("{s:I, s:I, s:s, s:s}", "step", (json_int_t)close->step, "round", (json_int_t)close->round, "sum",
                     sum.text, "state", state.text);
}

/* This bank's own word that a sum is right. */
static struct result voted(struct part *part, struct view vote, struct journal_notes *notes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_close close;
    struct view body;
    TRY(body_of(part, vote, &arena, &body));
    TRY(wire_close_decode(body, part->bank->roster.size, &arena, &close));
    return journal_note(notes, run_of(part), "voted", close_json(&close), "voted/%05llu",
                        (unsigned long long)close.step);
}

/* The log of the run after the step, which the same batch makes durable. */
static struct result log_root(const struct part *part, struct hash *ret)
{
    for (size_t i = 0; i < part->effects.count; i++) {
        const struct effect *effect = &part->effects.items[i];
        struct run_log log;
        if (effect->kind != EFFECT_PERSIST || effect->shared || strcmp(effect->key, "log") != 0) continue;
        TRY(run_log_read(buffer_view(&effect->bytes), &log));
        return merkle_tree_root(&log.tree, ret);
    }
    return FAIL(CATEGORY_BUG, "a step is closed without the log of the run");
}

/* A quorum's word: the certificate of a step is here, and the step is a leaf of the log. */
static struct result closed(struct part *part, struct view certificate, struct journal_notes *notes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_list votes;
    struct wire_close close;
    struct view body;
    struct hash root;
    TRY(wire_list_decode(certificate, part->bank->roster.size, &arena, &votes));
    ENSURE(votes.count > 0, CATEGORY_BUG, "a certificate without a vote");
    TRY(body_of(part, votes.items[0], &arena, &body));
    TRY(wire_close_decode(body, part->bank->roster.size, &arena, &close));
    TRY(log_root(part, &root));
    json_t *facts = close_json(&close);
    struct hash_hex hex = hash_hex(&root);
    if (facts && (json_object_set_new(facts, "leaf", json_integer((json_int_t)close.step)) != 0 ||
                  json_object_set_new(facts, "log", json_string(hex.text)) != 0)) {
        json_decref(facts);
        facts = NULL;
    }
    return journal_note(notes, run_of(part), "closed", facts, "closed/%05llu", (unsigned long long)close.step);
}

static bool begins(const char *key, const char *with)
{
    return strncmp(key, with, strlen(with)) == 0;
}

/* The keys are those under which the machine keeps its decisions (proto/secagg). */
static struct result effect_told(struct part *part, const struct effect *effect, struct journal_notes *notes)
{
    struct view bytes = buffer_view(&effect->bytes);
    if (effect->kind != EFFECT_PERSIST || effect->secret || effect->shared || effect->erase) return RESULT_OK;
    if (begins(effect->key, "r1/")) return sent(part, bytes, notes);
    if (begins(effect->key, "void/")) return voted_void(part, bytes, notes);
    if (begins(effect->key, "closed/")) return closed(part, bytes, notes);
    return strcmp(effect->key, "close") == 0 ? voted(part, bytes, notes) : RESULT_OK;
}

struct result journal_step(struct part *part, struct journal_notes *notes)
{
    for (size_t i = 0; i < part->effects.count; i++) TRY(effect_told(part, &part->effects.items[i], notes));
    return RESULT_OK;
}

/* ---- the end */

struct result journal_done(struct part *part, const struct hash *model, struct journal_notes *notes)
{
    struct hash_hex hex = hash_hex(model);
    return journal_note(
        notes, run_of(part), "done",
        json_pack("{s:s, s:I}", "model", hex.text, "steps", (json_int_t)secagg_node_fold(part->machine)->step),
        KEY_END);
}

/* Refused: before the table was frozen, and so before anything of the run left. */
struct result journal_ended(struct bank *bank, const struct hash *run, const char *reason, struct journal_notes *notes)
{
    CLEANUP(buffer_done) struct buffer table = {0}, text = {0};
    bool frozen = false;
    TRY(store_load(bank->store, false, run, PART_KEY_TABLE, &table, &frozen));
    TRY(text_put_plain(view_text(reason), "", &text)); /* it may quote a peer, cut in the middle of a character */
    return journal_note(notes, run, frozen ? "ended" : "refused",
                        json_pack("{s:s%}", "reason", (const char *)text.data, text.length), KEY_END);
}

struct result journal_bundle(struct part *part, const struct hash *digest, uint64_t bytes)
{
    struct hash_hex hex = hash_hex(digest);
    return commit_one(part->bank->journal, run_of(part), "bundle",
                      json_pack("{s:s, s:I}", "digest", hex.text, "bytes", (json_int_t)bytes), JOURNAL_KEY_BUNDLE);
}

static bool add_digest(json_t *facts, const char *name, const struct hash *digest)
{
    return !digest || json_object_set_new(facts, name, json_string(hash_hex(digest).text)) == 0;
}

struct result journal_forgotten(const struct hash *run, unsigned files, size_t records, const struct hash *model,
                                const struct hash *bundle, struct journal_notes *notes)
{
    json_t *facts = json_pack("{s:I, s:I}", "files", (json_int_t)files, "records", (json_int_t)records);
    if (facts && !(add_digest(facts, "model", model) && add_digest(facts, "bundle", bundle))) {
        json_decref(facts);
        facts = NULL;
    }
    return journal_note(notes, run, "forgotten", facts, "%s", "");
}

struct result journal_evidence(const struct part *part, const char *file, const struct hash *digest, bool proven,
                               const char *claim)
{
    struct hash_hex hex = hash_hex(digest);
    char key[MACHINE_KEY_MAX];
    (void)snprintf(key, sizeof key, "evidence/%s", file);
    return commit_one(part->bank->journal, run_of(part), "evidence",
                      json_pack("{s:s, s:s, s:s, s:s}", "file", file, "digest", hex.text, "verdict",
                                proven ? "proven" : "statement", "claim", claim),
                      key);
}

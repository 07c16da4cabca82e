#include "node/repetition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/officers.h"
#include "sys/entropy.h"
#include "sys/file.h"

enum { TAG_BYTES = 17 };

static void tag_of(const struct hash *hash, char out[TAG_BYTES])
{
    struct hash_hex hex = hash_hex(hash);
    (void)snprintf(out, TAG_BYTES, "%.16s", hex.text);
}

/* "daemon/rows/SOURCE/" */
static struct result prefix_of(const struct bank *bank, struct buffer *out, const char **ret)
{
    struct hash hash;
    char tag[TAG_BYTES];
    const char *source = bank->config->source.name;
    TRY(hash_bytes("source", view_text(source ? source : ""), &hash));
    tag_of(&hash, tag);
    TRY(buffer_format(out, REPETITION_KEY_PREFIX "%s/", tag));
    return buffer_terminate(out, ret);
}

/* ---- the key */

static struct result make_secret(const char *path)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(entropy_seed(&seed));
    return file_write_alone(path, secret_view(seed), 0600);
}

struct result repetition_key(const char *state, const char *source, struct sketch_key **ret)
{
    char path[FILE_PATH_MAX];
    CLEANUP(secret_freep) struct secret *secret = NULL;
    TRY(file_path(state, REPETITION_KEY_FILE, path));
    if (!file_exists(path)) TRY(make_secret(path));
    TRY(file_read_secret(path, SKETCH_SECRET_BYTES, &secret));
    ENSURE(secret_length(secret) == SKETCH_SECRET_BYTES, CATEGORY_USAGE,
           "%s is no key: it has %zu bytes, not %d; bring the file back that this node made", path,
           secret_length(secret), SKETCH_SECRET_BYTES);
    return sketch_key_new(secret, view_text(source ? source : ""), ret);
}

/* ---- against earlier runs */

struct entry {
    struct hash run;
    struct rows rows;
};

static void entry_done(struct entry *entry)
{
    rows_done(&entry->rows);
}

/* The run's id, then its rows. */
static struct result entry_read(struct view bytes, struct entry *ret)
{
    ENSURE(bytes.length > HASH_BYTES, CATEGORY_FALSE, "what is kept of a run's rows is damaged");
    memcpy(ret->run.bytes, bytes.data, HASH_BYTES);
    return rows_read(view_of(bytes.data + HASH_BYTES, bytes.length - HASH_BYTES), &ret->rows);
}

struct comparison {
    const struct hash *run;
    const struct rows *rows;
    struct rows_difference nearest; /* least 0: none is near */
    struct hash nearest_run;
    bool incomparable, same; /* there is an earlier run that is */
    struct hash incomparable_run;
    struct buffer lost; /* keys of the entries that are not comparable, a byte 0x00 behind each */
};

static void comparison_done(struct comparison *comparison)
{
    buffer_done(&comparison->lost);
}

static struct result note_lost(struct comparison *comparison, const char *key, const struct hash *run)
{
    comparison->incomparable = true;
    comparison->incomparable_run = *run;
    TRY(buffer_text(&comparison->lost, key));
    return buffer_u8(&comparison->lost, 0);
}

static struct result compare(void *visitor, const char *key, struct view value)
{
    struct comparison *comparison = visitor;
    CLEANUP(entry_done) struct entry entry = {0};
    struct rows_difference found;
    TRY(entry_read(value, &entry));
    if (hash_equal(&entry.run, comparison->run)) return RESULT_OK;
    TRY(rows_compare(comparison->rows, &entry.rows, &found));
    if (!found.comparable) return note_lost(comparison, key, &entry.run);
    comparison->same = comparison->same || found.same;
    if (!found.least || (comparison->nearest.least && found.least >= comparison->nearest.least)) return RESULT_OK;
    comparison->nearest = found;
    comparison->nearest_run = entry.run;
    return RESULT_OK;
}

static struct result compare_all(struct bank *bank, const struct hash *run, const struct rows *rows,
                                 struct comparison *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *prefix;
    *ret = (struct comparison){.run = run, .rows = rows};
    TRY(prefix_of(bank, &text, &prefix));
    return store_each(bank->store, false, NULL, prefix, compare, ret);
}

static struct result judge(struct bank *bank, const struct submission *submission, const struct comparison *found)
{
    const struct policy *policy = &bank->policy;
    const struct rows_difference *nearest = &found->nearest;
    const bool near = nearest->least && nearest->least < policy->repetition_rows;
    bool approved = false;
    if (!near && !found->incomparable) return RESULT_OK;
    TRY(officers_repetition(bank, submission, &approved));
    if (approved) return RESULT_OK;
    unsigned line = policy_line(policy, "repetition.rows");
    ENSURE(
        near, CATEGORY_FALSE,
        "%s:%u: the rows of run %.12s cannot be compared with those of this one: " REPETITION_KEY_FILE
        " in the state directory is another than then; bring the old file back, or an officer approves this very run "
        "(cofferdam-node approve --run ID --repetition)",
        policy->name, line, hash_hex(&found->incomparable_run).text);
    return FAIL(
        CATEGORY_FALSE,
        "%s:%u: %s of this source differ from those of run %.12s by %llu rows: the difference of two exact sums "
        "would be theirs; wait until %u rows have changed, or ask for privacy in the plan, or an officer "
        "approves this very run (cofferdam-node approve --run ID --repetition)",
        policy->name, line, nearest->set, hash_hex(&found->nearest_run).text, (unsigned long long)nearest->least,
        (unsigned)policy->repetition_rows);
}

struct result repetition_check(struct bank *bank, const struct submission *submission, const struct rows *rows)
{
    CLEANUP(comparison_done) struct comparison found = {0};
    TRY(compare_all(bank, &submission->id, rows, &found));
    return judge(bank, submission, &found);
}

/* ---- what is kept */

void repetition_change_done(struct repetition_change *change)
{
    buffer_done(&change->key);
    buffer_done(&change->value);
    *change = (struct repetition_change){0};
}

/* An officer approved the run in spite of rows that cannot be compared any more: comparing begins anew with it. */
static struct result erase_lost(struct bank *bank, const struct comparison *found)
{
    for (size_t at = 0; at < found->lost.length;) {
        const char *key = (const char *)found->lost.data + at;
        const struct store_record record = {.key = key, .erase = true};
        TRY(store_commit(bank->store, &record, 1));
        at += strlen(key) + 1;
    }
    return RESULT_OK;
}

static struct result keep_for_good(struct bank *bank, const struct hash *run, struct view rows,
                                   struct repetition_change *change)
{
    char tag[TAG_BYTES];
    const char *key;
    tag_of(run, tag);
    TRY(prefix_of(bank, &change->key, &key));
    TRY(buffer_text(&change->key, tag));
    TRY(buffer_terminate(&change->key, &key));
    TRY(buffer_append(&change->value, hash_view(run)));
    TRY(buffer_append(&change->value, rows));
    change->records[change->count++] = (struct store_record){.key = key, .value = buffer_view(&change->value)};
    return RESULT_OK;
}

struct result repetition_charge(struct bank *bank, const struct submission *submission,
                                struct repetition_change *change)
{
    CLEANUP(comparison_done) struct comparison found = {0};
    CLEANUP(buffer_done) struct buffer value = {0};
    CLEANUP(rows_done) struct rows rows = {0};
    bool kept = false;
    TRY(store_load(bank->store, false, &submission->id, PART_KEY_ROWS, &value, &kept));
    if (!kept) return RESULT_OK;
    TRY(rows_read(buffer_view(&value), &rows));
    TRY(compare_all(bank, &submission->id, &rows, &found));
    TRY(judge(bank, submission, &found));
    TRY(erase_lost(bank, &found));
    change->records[change->count++] =
        (struct store_record){.scope = &submission->id, .key = PART_KEY_ROWS, .erase = true};
    return found.same ? RESULT_OK : keep_for_good(bank, &submission->id, buffer_view(&value), change);
}

#include "node/budget.h"

#include <stdio.h>
#include <string.h>

#include "proto/run/privacy.h"

#define PREFIX "daemon/budget/" /* and the run's id: an entry, never erased */

static void key_of(const struct hash *run, char out[BUDGET_KEY_BYTES])
{
    (void)snprintf(out, BUDGET_KEY_BYTES, PREFIX "%s", hash_hex(run).text);
}

double budget_entry_takes(const struct budget_entry *entry)
{
    return entry->open ? entry->reserved : entry->spent;
}

/* ---- entries as bytes */

static struct result put_name(struct buffer *out, const char *name)
{
    size_t length = strnlen(name, NAME_MAX_BYTES);
    TRY(buffer_u8(out, (uint8_t)length));
    return buffer_append(out, view_of(name, length));
}

static struct result take_name(struct reader *reader, char out[NAME_MAX_BYTES + 1])
{
    uint8_t length = 0;
    struct view name;
    TRY(reader_u8(reader, &length));
    ENSURE(length <= NAME_MAX_BYTES, CATEGORY_PEER, "a name of %u bytes", length);
    TRY(reader_take(reader, length, &name));
    memcpy(out, name.data, length);
    out[length] = 0;
    return RESULT_OK;
}

static struct result entry_write(const struct budget_entry *entry, struct buffer *out)
{
    TRY(buffer_append(out, hash_view(&entry->run)));
    TRY(put_name(out, entry->source));
    TRY(put_name(out, entry->plan));
    TRY(put_name(out, entry->author));
    TRY(put_name(out, entry->purpose));
    TRY(buffer_u64(out, entry->at));
    TRY(buffer_f64(out, entry->delta));
    TRY(buffer_f64(out, entry->reserved));
    TRY(buffer_f64(out, entry->spent));
    TRY(buffer_u64(out, entry->steps));
    return buffer_u8(out, entry->open);
}

static struct result fields_read(struct reader *reader, struct budget_entry *ret)
{
    struct view run;
    uint8_t open = 0;
    TRY(reader_take(reader, HASH_BYTES, &run));
    memcpy(ret->run.bytes, run.data, HASH_BYTES);
    TRY(take_name(reader, ret->source));
    TRY(take_name(reader, ret->plan));
    TRY(take_name(reader, ret->author));
    TRY(take_name(reader, ret->purpose));
    TRY(reader_u64(reader, &ret->at));
    TRY(reader_f64(reader, &ret->delta));
    TRY(reader_f64(reader, &ret->reserved));
    TRY(reader_f64(reader, &ret->spent));
    TRY(reader_u64(reader, &ret->steps));
    TRY(reader_u8(reader, &open));
    ret->open = open != 0;
    return reader_end(reader);
}

/* A budget that cannot be read is no budget that is free. */
static struct result entry_read(struct view bytes, struct budget_entry *ret)
{
    struct reader reader = reader_of(bytes, "an entry of the privacy budget");
    struct budget_entry entry = {0};
    struct result result = fields_read(&reader, &entry);
    bool whole = result_ok(result) && entry.delta > 0 && entry.delta < 1 && entry.spent >= 0 &&
                 entry.reserved >= entry.spent && entry.reserved <= (double)UINT64_MAX;
    ENSURE(whole, CATEGORY_ENVIRONMENT, "state.db: a damaged entry of the privacy budget");
    *ret = entry;
    return RESULT_OK;
}

/* ---- what there is */

struct result budget_find(struct store *store, const struct hash *run, struct budget_entry *ret, bool *ret_found)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    char key[BUDGET_KEY_BYTES];
    key_of(run, key);
    TRY(store_load(store, false, NULL, key, &value, ret_found));
    return *ret_found ? entry_read(buffer_view(&value), ret) : RESULT_OK;
}

struct visiting {
    struct result (*visit)(void *context, const struct budget_entry *entry);
    void *context;
};

static struct result visit_record(void *visitor, const char *key, struct view value)
{
    const struct visiting *visiting = visitor;
    struct budget_entry entry;
    (void)key;
    TRY(entry_read(value, &entry));
    return visiting->visit(visiting->context, &entry);
}

struct result budget_each(struct store *store, struct result (*visit)(void *context, const struct budget_entry *entry),
                          void *context)
{
    struct visiting visiting = {visit, context};
    return store_each(store, false, NULL, PREFIX, visit_record, &visiting);
}

struct adding {
    const char *source;
    const struct hash *except;
    double rho;
};

static struct result add(void *context, const struct budget_entry *entry)
{
    struct adding *adding = context;
    bool counts = strcmp(entry->source, adding->source) == 0;
    if (adding->except && hash_equal(adding->except, &entry->run)) counts = false;
    if (counts) adding->rho = privacy_compose(adding->rho, budget_entry_takes(entry));
    return RESULT_OK;
}

struct result budget_taken(struct store *store, const char *source, const struct hash *except, double *ret)
{
    struct adding adding = {.source = source, .except = except};
    TRY(budget_each(store, add, &adding));
    *ret = adding.rho;
    return RESULT_OK;
}

struct result budget_ask(struct store *store, const char *source, const struct hash *run, struct policy_case *about)
{
    about->source = source;
    TRY(budget_taken(store, source, run, &about->taken));
    about->taken_known = true;
    return RESULT_OK;
}

/* ---- what changes it */

void budget_change_done(struct budget_change *change)
{
    buffer_done(&change->value);
}

static struct result change_to(const struct budget_entry *entry, struct budget_change *change)
{
    key_of(&entry->run, change->key);
    buffer_clear(&change->value);
    TRY(entry_write(entry, &change->value));
    change->record = (struct store_record){.key = change->key, .value = buffer_view(&change->value)};
    change->made = true;
    return RESULT_OK;
}

static struct budget_entry entry_of(const struct submission *submission, const char *source, uint64_t now_ms)
{
    const struct run_terms *terms = &submission->terms;
    const struct plan *plan = &submission->plan;
    struct budget_entry entry = {
        .run = submission->id, .at = now_ms, .delta = plan->privacy.delta, .reserved = plan->privacy.rho, .open = true};
    (void)snprintf(entry.source, sizeof entry.source, "%s", source);
    (void)snprintf(entry.plan, sizeof entry.plan, "%s", plan->name);
    (void)snprintf(entry.author, sizeof entry.author, "%s", terms->roster->members[terms->submitter - 1].name);
    (void)snprintf(entry.purpose, sizeof entry.purpose, "%s", plan->purpose);
    return entry;
}

struct result budget_reserve(struct store *store, const struct policy *policy, const char *source,
                             const struct submission *submission, uint64_t now_ms, struct budget_change *change,
                             struct journal_notes *notes)
{
    struct budget_entry entry;
    struct policy_case about = {.plan = &submission->plan};
    bool found = false;
    if (!plan_private(&submission->plan)) return RESULT_OK;
    TRY(budget_find(store, &submission->id, &entry, &found));
    ENSURE(!found || entry.open, CATEGORY_FALSE, "this run has ended at this bank, with its privacy budget");
    if (found) return RESULT_OK;
    TRY(budget_ask(store, source, &submission->id, &about));
    TRY(policy_check_privacy(policy, &about));
    entry = entry_of(submission, source, now_ms);
    TRY(change_to(&entry, change));
    return journal_note(
        notes, &submission->id, "reserved",
        json_pack("{s:s, s:f, s:f}", "source", entry.source, "rho", entry.reserved, "delta", entry.delta), "reserved");
}

struct result budget_charge(struct store *store, const struct hash *run, const struct fold *fold,
                            struct budget_change *change, struct journal_notes *notes)
{
    struct budget_entry entry;
    bool found = false;
    if (!plan_private(fold->plan)) return RESULT_OK;
    TRY(budget_find(store, run, &entry, &found));
    ENSURE(found && entry.open, CATEGORY_FALSE, "nothing of this bank's privacy budget is reserved for this run");
    if (entry.steps == fold->step + 1) return RESULT_OK;
    double rho = layout_rho(&fold->layout);
    entry.spent = privacy_compose(entry.spent, rho);
    entry.steps = fold->step + 1;
    ENSURE(entry.spent <= entry.reserved, CATEGORY_FALSE,
           "step %llu would cost more than the rho %.4g that the plan may spend", (unsigned long long)entry.steps,
           entry.reserved);
    TRY(change_to(&entry, change));
    return journal_note(notes, run, "charged",
                        json_pack("{s:I, s:f, s:f}", "step", (json_int_t)fold->step, "rho", rho, "spent", entry.spent),
                        "charged/%05llu", (unsigned long long)fold->step);
}

struct result budget_release(struct store *store, const struct hash *run, struct budget_change *change,
                             struct journal_notes *notes)
{
    struct budget_entry entry;
    bool found = false;
    TRY(budget_find(store, run, &entry, &found));
    if (!found || !entry.open) return RESULT_OK;
    entry.open = false;
    TRY(change_to(&entry, change));
    return journal_note(notes, run, "released",
                        json_pack("{s:f, s:f}", "spent", entry.spent, "freed", entry.reserved - entry.spent),
                        "released");
}

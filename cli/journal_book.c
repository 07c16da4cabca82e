#include "cli/journal_book.h"

#include <stdio.h>
#include <string.h>

#include "analytics/json_text.h"
#include "cli/journal_budget.h"
#include "proto/run/approval.h"
#include "proto/run/roster.h"

/* What the facts of an event must have. */
static const struct need {
    const char *event, *name;
    json_type type;
} needs[] = {
    {"started", "member", JSON_STRING},
    {"started", "key", JSON_STRING},
    {"started", "roster", JSON_STRING},
    {"seen", "plan", JSON_STRING},
    {"seen", "plan_hash", JSON_STRING},
    {"seen", "purpose", JSON_STRING},
    {"seen", "submitter", JSON_STRING},
    {"seen", "cohort", JSON_ARRAY},
    {"approved", "approved_by", JSON_STRING},
    {"frozen", "rows", JSON_INTEGER},
    {"frozen", "held_out", JSON_INTEGER},
    {"frozen", "digest", JSON_STRING},
    {"frozen", "columns", JSON_ARRAY},
    {"reserved", "source", JSON_STRING},
    {"reserved", "rho", JSON_REAL},
    {"reserved", "delta", JSON_REAL},
    {"charged", "step", JSON_INTEGER},
    {"charged", "rho", JSON_REAL},
    {"charged", "spent", JSON_REAL},
    {"released", "spent", JSON_REAL},
    {"released", "freed", JSON_REAL},
    {"sent", "round", JSON_INTEGER},
    {"sent", "step", JSON_INTEGER},
    {"sent", "words", JSON_INTEGER},
    {"sent", "bytes", JSON_INTEGER},
    {"sent", "root", JSON_STRING},
    {"sent", "header", JSON_STRING},
    {"void", "round", JSON_INTEGER},
    {"voted", "step", JSON_INTEGER},
    {"voted", "round", JSON_INTEGER},
    {"voted", "sum", JSON_STRING},
    {"voted", "state", JSON_STRING},
    {"closed", "step", JSON_INTEGER},
    {"closed", "round", JSON_INTEGER},
    {"closed", "sum", JSON_STRING},
    {"closed", "state", JSON_STRING},
    {"closed", "log", JSON_STRING},
    {"evidence", "file", JSON_STRING},
    {"evidence", "digest", JSON_STRING},
    {"done", "model", JSON_STRING},
    {"refused", "reason", JSON_STRING},
    {"ended", "reason", JSON_STRING},
    {"bundle", "digest", JSON_STRING},
    {"officer", "officer", JSON_STRING},
    {"officer", "decision", JSON_STRING},
    {"officer", "document", JSON_STRING},
    {"forgotten", "files", JSON_INTEGER},
    {"forgotten", "records", JSON_INTEGER},
};

/* What happens again and again in a run, and what only grows from one entry of it to the next. */
static const struct {
    const char *event, *grows;
} lists[] = {{"charged", "step"}, {"sent", "round"},  {"void", "round"},
             {"voted", "step"},   {"closed", "step"}, {"evidence", NULL}};
enum { LISTS = sizeof lists / sizeof *lists };

static void json_freep(json_t **json)
{
    json_decref(*json);
}

void journal_book_done(struct journal_book *book)
{
    json_decref(book->runs);
    buffer_done(&book->keys);
    buffer_done(&book->table);
}

const char *journal_book_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

uint64_t journal_book_number(const json_t *object, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

/* From the end: entries are mostly of the latest runs. */
json_t *journal_book_run(const struct journal_book *book, const struct hash *id)
{
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(id), hex);
    for (size_t i = json_array_size(book->runs); i > 0; i--) {
        json_t *run = json_array_get(book->runs, i - 1);
        if (strcmp(journal_book_text(run, "run"), hex) == 0) return run;
    }
    return NULL;
}

json_t *journal_book_find(const json_t *run, const char *list, const char *name, uint64_t number)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(run, list), index, item)
    {
        if (journal_book_number(item, name) == number) return item;
    }
    return NULL;
}

/* ---- whose journal it is */

static struct result member_of(const struct journal_book *book, const struct sign_public *key, const char **ret)
{
    for (size_t i = 0; i < book->rosters_count; i++) {
        const struct roster *roster = &book->rosters[i].roster;
        unsigned position = roster_position_of_node(roster, key);
        if (position) *ret = roster->members[position - 1].name;
        if (position) return RESULT_OK;
    }
    return FAIL(CATEGORY_FALSE, "it is signed by a node key that no member of the roster has; a journal that goes back "
                                "before a change of keys needs the roster before as well (another --roster)");
}

/* A start names the key that signs from there on; it is this bank's, whichever key came before. */
static struct result take_key(struct journal_book *book, const json_t *facts)
{
    struct sign_public key;
    const char *member = NULL;
    ENSURE(result_ok(bytes_unhex(view_text(journal_book_text(facts, "key")), key.bytes, SIGN_PUBLIC_BYTES)),
           CATEGORY_FALSE, "the key of the node is not 64 hex digits");
    TRY(member_of(book, &key, &member));
    ENSURE(!book->member[0] || strcmp(book->member, member) == 0, CATEGORY_FALSE,
           "it is signed by %s's node key, and the journal is %s's", member, book->member);
    (void)snprintf(book->member, sizeof book->member, "%s", member);
    return buffer_append(&book->keys, view_of(&key, sizeof key));
}

static struct result check_signature(struct journal_book *book, const struct journal_entry *entry, const json_t *facts)
{
    struct sign_public key;
    if (strcmp(entry->event, "started") == 0) TRY(take_key(book, facts));
    ENSURE(book->keys.length > 0, CATEGORY_FALSE, "a journal begins with the start of a node, not with \"%s\"",
           entry->event);
    memcpy(&key, book->keys.data + book->keys.length - sizeof key, sizeof key);
    return journal_verify(entry, &key);
}

/* ---- what it says of a run */

static struct result check_facts(const struct journal_entry *entry, const json_t *facts)
{
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        if (strcmp(needs[i].event, entry->event) != 0) continue;
        const json_t *fact = json_object_get(facts, needs[i].name);
        ENSURE(fact && json_typeof(fact) == needs[i].type && !(json_number_value(fact) < 0), CATEGORY_FALSE,
               "\"%s\" without \"%s\"", entry->event, needs[i].name);
    }
    return RESULT_OK;
}

static struct result run_of(struct journal_book *book, const struct journal_entry *entry, json_t **ret)
{
    char hex[2 * HASH_BYTES + 1];
    *ret = journal_book_run(book, &entry->run);
    if (*ret) return RESULT_OK;
    bytes_hex(hash_view(&entry->run), hex);
    CLEANUP(json_freep)
    json_t *run = json_pack("{s:s, s:s, s:I, s:[], s:[], s:[], s:[], s:[], s:[]}", "run", hex, "state", "open", "first",
                            (json_int_t)entry->time, "charged", "sent", "void", "voted", "closed", "evidence");
    ENSURE(run && json_array_append(book->runs, run) == 0, CATEGORY_ENVIRONMENT, "no memory for a run");
    *ret = run;
    return RESULT_OK;
}

/* Rounds and steps only grow: a second input under the masks of one round would be a leak. */
static struct result add_to_list(json_t *run, size_t which, json_t *facts)
{
    const char *name = lists[which].grows;
    json_t *list = json_object_get(run, lists[which].event);
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    ENSURE(!name || !last || journal_book_number(facts, name) > journal_book_number(last, name), CATEGORY_FALSE,
           "\"%s\" of %s %llu, after that of %s %llu", lists[which].event, name,
           (unsigned long long)journal_book_number(facts, name), name,
           (unsigned long long)journal_book_number(last, name));
    (void)json_object_del(facts, "fate"); /* the bundle's word, never the journal's own */
    ENSURE(json_array_append(list, facts) == 0, CATEGORY_ENVIRONMENT, "no memory for a run");
    return RESULT_OK;
}

/* What a run has once and by its own name. */
static bool is_single(const char *event)
{
    static const char *const events[] = {"bundle", "forgotten", "reserved", "released"};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strcmp(events[i], event) == 0) return true;
    return false;
}

static bool ends_run(const char *event)
{
    return strcmp(event, "done") == 0 || strcmp(event, "refused") == 0 || strcmp(event, "ended") == 0;
}

static struct result tell_run(struct journal_book *book, const struct journal_entry *entry, json_t *facts)
{
    json_t *run = NULL;
    bool put = true;
    TRY(run_of(book, entry, &run));
    TRY(journal_budget_check(run, entry->event, facts));
    put = json_object_set_new(run, "last", json_integer((json_int_t)entry->time)) == 0;
    if (ends_run(entry->event)) put = put && json_object_set_new(run, "state", json_string(entry->event)) == 0;
    for (size_t i = 0; i < LISTS; i++)
        if (strcmp(lists[i].event, entry->event) == 0) return add_to_list(run, i, facts);
    if (is_single(entry->event))
        put = put && json_object_set(run, entry->event, facts) == 0;
    else
        put = put && json_object_update_missing(run, facts) == 0;
    ENSURE(put, CATEGORY_ENVIRONMENT, "no memory for a run");
    return RESULT_OK;
}

static struct result parse_facts(const struct journal_entry *entry, json_t **ret)
{
    json_error_t error;
    *ret = json_loadb((const char *)entry->facts.data, entry->facts.length, JSON_REJECT_DUPLICATES, &error);
    ENSURE(*ret, CATEGORY_FALSE, "its facts are not JSON: %s", error.text);
    return RESULT_OK;
}

/* An officer's word stands in the journal as it was signed. That the key is an officer's, the bank's policy says. */
static struct result check_officer(const struct journal_entry *entry, const json_t *facts)
{
    struct approval approval;
    char subject[2 * HASH_BYTES + 1];
    if (strcmp(entry->event, "officer") != 0) return RESULT_OK;
    TRY(approval_parse(view_text(journal_book_text(facts, "document")), &approval));
    TRY(result_at(approval_verify(&approval), "the word of officer %s: ", journal_book_text(facts, "officer")));
    bytes_hex(hash_view(&approval.subject), subject);
    ENSURE(strcmp(subject, journal_book_text(facts, "subject")) == 0 &&
               strcmp(approval_word(approval.decision), journal_book_text(facts, "decision")) == 0,
           CATEGORY_FALSE, "it is not what officer %s signed", journal_book_text(facts, "officer"));
    return RESULT_OK;
}

static struct result take_entry(void *context, const struct journal_entry *entry)
{
    struct journal_book *book = context;
    CLEANUP(json_freep) json_t *facts = NULL;
    TRY(parse_facts(entry, &facts));
    TRY(check_facts(entry, facts));
    TRY(check_signature(book, entry, facts));
    TRY(check_officer(entry, facts));
    if (entry->has_run) TRY(tell_run(book, entry, facts));
    if (!book->earliest) book->earliest = entry->time;
    book->latest = entry->time;
    return journal_show_entry(entry, facts, &book->table);
}

struct result journal_book_read(struct journal_book *book, struct view bytes)
{
    CLEANUP(journal_reader_done) struct journal_reader reader = {.context = book, .entry = take_entry};
    book->runs = json_array();
    ENSURE(book->runs, CATEGORY_ENVIRONMENT, "no memory for a journal");
    struct result result = journal_reader_take(&reader, bytes);
    if (result_ok(result)) result = journal_reader_end(&reader);
    book->head = reader.head;
    TRY(result);
    ENSURE(book->head.entries > 0, CATEGORY_FALSE, "it is empty: no node has written into it");
    book->whole = true;
    return RESULT_OK;
}

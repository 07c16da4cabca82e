/* What an officer types: the words are signed here, with the officer's key, and the running node is handed them. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analytics/json_text.h"
#include "node/plans.h"
#include "proto/run/approval.h"
#include "sys/clock.h"
#include "sys/control.h"
#include "sys/file.h"
#include "sys/keys.h"

enum { ASK_MS = 20000 };

static void json_freep(json_t **json)
{
    json_decref(*json);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Asks the node that works with the configuration; takes the reference to the request. */
static struct result ask(const char *operand, json_t *take_request, json_t **ret)
{
    CLEANUP(json_freep) json_t *request = take_request, *answer = NULL;
    CLEANUP(buffer_done) struct buffer text = {0}, reply = {0};
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    char path[FILE_PATH_MAX];
    TRY(file_config(operand, "node.yaml", path));
    TRY(config_node_load(path, &config));
    TRY(json_text(request, JSON_COMPACT, &text));
    TRY(control_request(config->state, buffer_view(&text), ASK_MS, &reply));
    answer = json_loadb((const char *)reply.data, reply.length, 0, NULL);
    ENSURE(answer, CATEGORY_ENVIRONMENT, "the node answered something that is no JSON");
    const json_t *category = json_object_get(answer, "category");
    ENSURE(!category, (enum category)json_integer_value(category), "%s", text_of(answer, "reason"));
    *ret = answer;
    answer = NULL;
    return RESULT_OK;
}

/* ---- plans */

static void date_of(uint64_t milliseconds, char out[32])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || strftime(out, 32, "%Y-%m-%d %H:%M:%SZ", &parts) == 0)
        (void)snprintf(out, 32, "%llu", (unsigned long long)milliseconds);
}

static void show_run(const json_t *run)
{
    json_int_t needed = json_integer_value(json_object_get(run, "needed"));
    printf("%-8s  run %s  plan %s (%s), %s for %s, by %s", text_of(run, "standing"), text_of(run, "run"),
           text_of(run, "plan"), text_of(run, "plan_hash"), text_of(run, "task"),
           *text_of(run, "purpose") ? text_of(run, "purpose") : "no purpose", text_of(run, "author"));
    if (needed)
        printf("; %lld of %lld officers approve it%s%s", json_integer_value(json_object_get(run, "approvals")), needed,
               *text_of(run, "approved_by") ? ": " : "", text_of(run, "approved_by"));
    if (*text_of(run, "reason")) printf("; %s", text_of(run, "reason"));
    printf("\n");
}

static void show_word(const json_t *word)
{
    char given[32], expires[32] = "never";
    uint64_t end = (uint64_t)json_integer_value(json_object_get(word, "expires_ms"));
    date_of((uint64_t)json_integer_value(json_object_get(word, "given_ms")), given);
    if (end) date_of(end, expires);
    printf("word      %s: %s %s %s, given %s, expires %s, %s\n", text_of(word, "officer"), text_of(word, "decision"),
           text_of(word, "of"), text_of(word, "subject"), given, expires, text_of(word, "standing"));
}

struct result command_plans(const struct program_words *words)
{
    CLEANUP(json_freep) json_t *answer = NULL;
    CLEANUP(buffer_done) struct buffer text = {0};
    const json_t *item;
    size_t index;
    TRY(ask(words->operand, json_pack("{s:s}", "ask", "plans"), &answer));
    if (words->json) {
        TRY(json_text(answer, JSON_INDENT(2), &text));
        printf("%.*s\n", (int)text.length, (const char *)text.data);
        return RESULT_OK;
    }
    json_array_foreach(json_object_get(answer, "runs"), index, item)
    {
        show_run(item);
    }
    json_array_foreach(json_object_get(answer, "words"), index, item)
    {
        show_word(item);
    }
    return RESULT_OK;
}

/* ---- approve, deny */

enum { DAY_SECONDS = 86400 };

/* Through the whole of that day, UTC. */
static struct result expiry_of(const char *text, uint64_t *ret)
{
    struct tm parts = {0};
    if (!text) return RESULT_OK;
    const char *end = strptime(text, "%Y-%m-%d", &parts);
    ENSURE(end && !*end && strlen(text) == strlen("2026-12-31"), CATEGORY_USAGE,
           "--expires \"%.40s\": write a date as 2026-12-31; it holds through that day, UTC", text);
    int month = parts.tm_mon, day = parts.tm_mday++;
    time_t seconds = timegm(&parts) - DAY_SECONDS; /* of a day that there is not, timegm makes another */
    struct tm again;
    ENSURE(gmtime_r(&seconds, &again) && again.tm_mon == month && again.tm_mday == day, CATEGORY_USAGE,
           "--expires %s is no day of the calendar", text);
    seconds += DAY_SECONDS;
    ENSURE(seconds > 0 && (uint64_t)seconds * 1000 > clock_now_ms(), CATEGORY_USAGE, "--expires %s is over already",
           text);
    *ret = (uint64_t)seconds * 1000;
    return RESULT_OK;
}

static struct result subject_of(const struct program_words *words, struct approval *approval)
{
    ENSURE(!words->plan != !words->run, CATEGORY_USAGE, "name a plan by its hash (--plan HASH) or a run (--run ID)");
    const char *hex = words->run ? words->run : words->plan;
    ENSURE(!words->repetition || (words->run && !words->cohort_change), CATEGORY_USAGE,
           "--repetition is of one run, and a word by itself: name the run (--run ID), and nothing else of it");
    approval->of_run = words->run != NULL;
    approval->repetition = words->repetition;
    ENSURE(result_ok(bytes_unhex(view_text(hex), approval->subject.bytes, HASH_BYTES)), CATEGORY_USAGE,
           "%s \"%.70s\" is not 64 hex digits; cofferdam-node plans --json shows them", words->run ? "--run" : "--plan",
           hex);
    return RESULT_OK;
}

/* For the roster that the node has pinned, and the bank that it is. */
static struct result roster_of(const struct program_words *words, struct approval *approval)
{
    CLEANUP(json_freep) json_t *pinned = NULL;
    CLEANUP(roster_done) struct roster roster = {0};
    TRY(ask(words->operand, json_pack("{s:s}", "ask", "roster"), &pinned));
    TRY(roster_parse(view_text(text_of(pinned, "roster")), &roster));
    approval->roster = roster.hash;
    (void)snprintf(approval->bank, sizeof approval->bank, "%s", text_of(pinned, "member"));
    return RESULT_OK;
}

static struct result say_word(const struct program_words *words, enum approval_decision decision)
{
    struct approval approval = {.decision = decision};
    CLEANUP(sign_key_freep) struct sign_key *key = NULL;
    CLEANUP(buffer_done) struct buffer document = {0};
    CLEANUP(json_freep) json_t *answer = NULL;
    char until[32] = "";
    TRY(subject_of(words, &approval));
    ENSURE(words->key, CATEGORY_USAGE, "--key is missing: the officer's key (cofferdam keygen --officer)");
    TRY(expiry_of(words->expires, &approval.expires));
    TRY(roster_of(words, &approval));
    TRY(keys_read(words->key, KEY_OFFICER, &key));
    approval.given = clock_now_ms();
    TRY(approval_sign(&approval, key, &document));
    TRY(ask(words->operand,
            json_pack("{s:s, s:s%}", "ask", "officer", "document", (const char *)document.data, document.length),
            &answer));
    if (approval.expires) date_of(approval.expires, until);
    printf("%s: officer %s %s %s %s", approval.bank, text_of(answer, "officer"),
           decision == APPROVAL_DENY ? "denies" : "approves",
           approval.repetition ? "the repetition of run" : approval_of(&approval),
           approval.of_run ? words->run : words->plan);
    if (*text_of(answer, "plan")) printf(" (%s, for %s)", text_of(answer, "plan"), text_of(answer, "purpose"));
    printf("%s%s%s%s\n", decision == APPROVAL_CHANGE ? ", and its cohort" : "", *until ? ", until " : "", until,
           *text_of(answer, "plan") ? "" : "; no such run is here yet, the word is kept for it");
    return RESULT_OK;
}

struct result command_approve(const struct program_words *words)
{
    ENSURE(!words->cohort_change || words->run, CATEGORY_USAGE,
           "--cohort-change is of one run: name it (--run ID), not a plan");
    return say_word(words, words->cohort_change ? APPROVAL_CHANGE : APPROVAL_APPROVE);
}

struct result command_deny(const struct program_words *words)
{
    return say_word(words, APPROVAL_DENY);
}

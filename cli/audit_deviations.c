/* What was not as in a run in which nothing happens. A list of sentences: each stands for itself, in a report. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/audit_facts.h"

struct list {
    const struct audit_facts *facts;
    struct tree *tree;
    json_t *items;
};

static struct result say(struct list *list, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4))) MUST_USE;
static struct result say(struct list *list, const char *kind, const char *format, ...)
{
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ENSURE(length >= 0 && (size_t)length < sizeof text, CATEGORY_BUG, "a deviation is too long to tell");
    tree_add(list->tree, list->items, json_pack("{s:s, s:s}", "kind", kind, "text", text));
    return RESULT_OK;
}

/* Numbers that rise, as "4, 7-9"; many end in "and 12 more". */
struct ranges {
    struct buffer text;
    uint64_t first, last; /* not yet written; 0 for none */
    uint64_t count, pieces;
};
enum { PIECES_MOST = 40 };

static void ranges_done(struct ranges *ranges)
{
    buffer_done(&ranges->text);
}

static struct result ranges_flush(struct ranges *ranges)
{
    if (!ranges->first) return RESULT_OK;
    const char *comma = ranges->text.length ? ", " : "";
    ranges->pieces++;
    if (ranges->pieces > PIECES_MOST)
        return ranges->pieces == PIECES_MOST + 1 ? buffer_text(&ranges->text, ", and more") : RESULT_OK;
    if (ranges->first == ranges->last) return buffer_format(&ranges->text, "%s%" PRIu64, comma, ranges->first);
    return buffer_format(&ranges->text, "%s%" PRIu64 "–%" PRIu64, comma, ranges->first, ranges->last);
}

static struct result ranges_add(struct ranges *ranges, uint64_t number)
{
    ranges->count++;
    if (ranges->first && ranges->last + 1 == number) {
        ranges->last = number;
        return RESULT_OK;
    }
    TRY(ranges_flush(ranges));
    ranges->first = ranges->last = number;
    return RESULT_OK;
}

static struct result ranges_text(struct ranges *ranges, const char **ret)
{
    TRY(ranges_flush(ranges));
    return buffer_terminate(&ranges->text, ret);
}

static const char *rounds_word(const struct ranges *ranges)
{
    return ranges->count == 1 ? "Round" : "Rounds";
}

/* "3 h 20 min", "7 min". */
enum { DURATION_BYTES = 48 };
static const char *duration(uint64_t seconds, char text[DURATION_BYTES])
{
    uint64_t minutes = seconds / 60;
    if (minutes >= 2 * 24 * 60)
        (void)snprintf(text, DURATION_BYTES, "%" PRIu64 " days", minutes / (24 * 60));
    else if (minutes >= 60)
        (void)snprintf(text, DURATION_BYTES, "%" PRIu64 " h %" PRIu64 " min", minutes / 60, minutes % 60);
    else if (minutes > 0)
        (void)snprintf(text, DURATION_BYTES, "%" PRIu64 " min", minutes);
    else
        (void)snprintf(text, DURATION_BYTES, "%" PRIu64 " s", seconds);
    return text;
}

/* ---- who and under which keys */

static void change(struct tree *tree, json_t *list, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void change(struct tree *tree, json_t *list, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tree_add(tree, list, json_string(text));
}

void audit_roster_changes(const struct roster *before, const struct roster *after, struct tree *tree, json_t *list)
{
    if (strcmp(before->coordinator_name, after->coordinator_name) != 0)
        change(tree, list, "%s coordinates in place of %s", after->coordinator_name, before->coordinator_name);
    if (!sign_public_equal(&before->coordinator, &after->coordinator))
        change(tree, list, "the coordinator has a new key");
    if (strcmp(before->address, after->address) != 0)
        change(tree, list, "the coordinator's address is %s, it was %s", after->address, before->address);
    for (unsigned i = 0; i < after->size; i++) {
        const struct roster_member *now = &after->members[i];
        unsigned then = roster_position_of_name(before, now->name);
        if (!then) {
            change(tree, list, "%s became a member", now->name);
            continue;
        }
        if (!sign_public_equal(&now->identity, &before->members[then - 1].identity))
            change(tree, list, "%s has a new identity key", now->name);
        if (!sign_public_equal(&now->node, &before->members[then - 1].node))
            change(tree, list, "%s has a new node key", now->name);
    }
    for (unsigned i = 0; i < before->size; i++)
        if (!roster_position_of_name(after, before->members[i].name))
            change(tree, list, "%s is a member no more", before->members[i].name);
}

static struct result key_changes(struct list *list)
{
    const struct audit_facts *facts = list->facts;
    for (size_t v = 1; v < facts->rosters_count; v++) {
        json_t *changes = json_array(), *text;
        size_t index;
        struct result result = RESULT_OK;
        audit_roster_changes(&facts->rosters[v - 1], &facts->rosters[v], list->tree, changes);
        json_array_foreach(changes, index, text)
        {
            result = say(list, "roster", "Version %u of the roster: %s.", facts->rosters[v].version,
                         json_string_value(text));
            if (!result_ok(result)) break;
        }
        json_decref(changes);
        TRY(result);
    }
    return RESULT_OK;
}

static struct result left_out(struct list *list)
{
    const struct run *run = &list->facts->replay->run;
    unsigned out = list->facts->replay->roster.size - members_count(run_cohort(run));
    if (out == 0) return RESULT_OK;
    return say(list, "cohort",
               "%u member%s of the roster %s not in this run's cohort; a node whose rows were used with another cohort "
               "before takes part only when its officer approved the change.",
               out, out == 1 ? "" : "s", out == 1 ? "is" : "are");
}

/* ---- rounds */

static struct result undone(struct list *list, enum bundle_kind decision, const char *kind, const char *words)
{
    CLEANUP(ranges_done) struct ranges ranges = {0};
    const char *text;
    for (size_t i = 0; i < list->facts->rounds_count; i++)
        if (list->facts->rounds[i].decision == decision) TRY(ranges_add(&ranges, list->facts->rounds[i].number));
    if (!ranges.count) return RESULT_OK;
    TRY(ranges_text(&ranges, &text));
    return say(list, kind, "%s %s: %s", rounds_word(&ranges), text, words);
}

static struct result absent(struct list *list, unsigned bank)
{
    CLEANUP(ranges_done) struct ranges ranges = {0};
    const char *text;
    for (size_t i = 0; i < list->facts->rounds_count; i++) {
        const struct audit_round *round = &list->facts->rounds[i];
        bool decided = round->decision == BUNDLE_CHECKPOINT || round->decision == BUNDLE_SUPERSEDED;
        if (decided && !members_has(&round->in, bank)) TRY(ranges_add(&ranges, round->number));
    }
    if (!ranges.count) return RESULT_OK;
    TRY(ranges_text(&ranges, &text));
    return say(list, "absent", "%s %s: the sum was taken without %s.", rounds_word(&ranges), text,
               run_member(&list->facts->replay->run, bank));
}

static struct result keys_again(struct list *list)
{
    for (size_t k = 0; k < list->facts->keys_count; k++) {
        const struct audit_keys *keys = &list->facts->keys[k];
        if (keys->epoch > keys->before + 1)
            TRY(say(list, "keys",
                    "Before round %" PRIu64
                    " the banks made their one-time keys %u times; those made before were not used.",
                    keys->first, keys->epoch - keys->before));
    }
    return RESULT_OK;
}

/* ---- clocks */

static struct result clocks_apart(struct list *list)
{
    CLEANUP(ranges_done) struct ranges ranges = {0};
    char most_text[DURATION_BYTES];
    const char *text;
    uint64_t most = 0;
    for (size_t i = 0; i < list->facts->rounds_count; i++) {
        const struct audit_round *round = &list->facts->rounds[i];
        uint64_t apart = round->latest - round->earliest;
        if (apart <= CLOCKS_APART_MOST) continue;
        TRY(ranges_add(&ranges, round->number));
        if (apart > most) most = apart;
    }
    if (!ranges.count) return RESULT_OK;
    TRY(ranges_text(&ranges, &text));
    return say(list, "clocks",
               "%s %s: the banks' own times of one and the same step are up to %s apart; a clock is wrong, or a bank "
               "answered late.",
               rounds_word(&ranges), text, duration(most, most_text));
}

static struct result clocks_back(struct list *list)
{
    for (size_t i = 0; i < list->facts->clocks_count; i++) {
        const struct audit_clock *clock = &list->facts->clocks[i];
        char text[DURATION_BYTES];
        TRY(say(list, "clocks", "Round %" PRIu64 ": the clock of %s stands %s earlier than at its signature before.",
                clock->round, run_member(&list->facts->replay->run, clock->bank),
                duration(clock->before - clock->after, text)));
    }
    return RESULT_OK;
}

static struct result pauses(struct list *list)
{
    uint64_t before = 0;
    for (size_t i = 0; i < list->facts->rounds_count; i++) {
        const struct audit_round *round = &list->facts->rounds[i];
        char text[DURATION_BYTES];
        if (round->decision != BUNDLE_CHECKPOINT) continue;
        if (before && round->earliest > before && round->earliest - before > PAUSE_MOST)
            TRY(say(list, "pause", "Before round %" PRIu64 " was closed, the run stood still for %s.", round->number,
                    duration(round->earliest - before, text)));
        before = round->latest;
    }
    return RESULT_OK;
}

/* ---- the end */

static struct result endings(struct list *list)
{
    for (size_t i = 0; i < list->facts->endings_count; i++) {
        const struct audit_ending *ending = &list->facts->endings[i];
        const char *name = run_member(&list->facts->replay->run, ending->signer);
        if (ending->signer)
            TRY(say(list, "refusal", "%s ended the run, in its own words: %s", name, ending->reason));
        else
            TRY(say(list, "ended", "The coordinator (%s) ended the run before its last step%s: %s", name,
                    list->facts->endings_count > 1 ? "" : "; why is its word alone", ending->reason));
    }
    return RESULT_OK;
}

struct result audit_deviations(const struct audit_facts *facts, struct tree *tree, json_t *list_items)
{
    struct list list = {facts, tree, list_items};
    if (!facts->replay || facts->replay->stage < REPLAY_NEXT) return key_changes(&list);
    const struct members *cohort = run_cohort(&facts->replay->run);
    TRY(endings(&list));
    TRY(key_changes(&list));
    TRY(left_out(&list));
    TRY(undone(&list, BUNDLE_VOID, "voided",
               "voided. Nothing was opened, the banks erased their secrets of it, and the step was done again."));
    TRY(undone(&list, BUNDLE_SUPERSEDED, "superseded",
               "certified and then given up, as too many banks had lost what opens it; the step was done again with "
               "the same inputs."));
    TRY(undone(&list, BUNDLE_R0, "open",
               facts->holds
                   ? "begun, and neither closed nor voided when the run was ended; its sum may have been opened."
                   : "begun, and not checked to its end, for the bundle does not hold there."));
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) TRY(absent(&list, j));
    TRY(keys_again(&list));
    TRY(clocks_apart(&list));
    TRY(clocks_back(&list));
    return pauses(&list);
}

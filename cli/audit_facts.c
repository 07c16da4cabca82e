#include "cli/audit_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/bundle_file.h"
#include "crypto/base/text.h"

void audit_facts_done(struct audit_facts *facts)
{
    replay_free(facts->replay);
    for (size_t i = 0; i < facts->rosters_count; i++) roster_done(&facts->rosters[i]);
    free(facts->rosters);
    free(facts->keys);
    free(facts->rounds);
    free(facts->endings);
    free(facts->clocks);
    free(facts->voted);
    *facts = (struct audit_facts){0};
}

/* Room for one more, zeroed; the place of the array may change. */
static struct result grow(void **items, size_t *count, size_t size)
{
    if ((*count & (*count - 1)) == 0) {
        void *more = reallocarray(*items, *count ? 2 * *count : 1, size);
        ENSURE(more, CATEGORY_ENVIRONMENT, "out of memory for a report");
        *items = more;
    }
    memset((uint8_t *)*items + *count * size, 0, size);
    (*count)++;
    return RESULT_OK;
}

/* ---- the observer */

static struct result take_roster(struct audit_facts *facts, struct view note)
{
    TRY(grow((void **)&facts->rosters, &facts->rosters_count, sizeof *facts->rosters));
    return roster_parse(note, &facts->rosters[facts->rosters_count - 1]);
}

/* R0 holds: the fold's layout is that of this round. In the public form the fold stays at the first step. */
static struct result take_terms(struct audit_facts *facts, const struct replay *replay)
{
    const struct wire_r0 *terms = &replay->round.terms;
    const struct fold *fold = &replay->fold;
    TRY(grow((void **)&facts->rounds, &facts->rounds_count, sizeof *facts->rounds));
    struct audit_round *round = &facts->rounds[facts->rounds_count - 1];
    unsigned size = replay->roster.size;
    round->number = terms->round;
    round->step = terms->step;
    round->epoch = terms->epoch;
    round->decision = BUNDLE_R0;
    round->in = round->voters = round->closers = members_none(size);
    round->laid_out = hash_equal(&terms->layout, &fold->layout_hash);
    if (!round->laid_out) return RESULT_OK;
    round->words = fold->words;
    for (size_t i = 0; i < fold->layout.fields_count; i++)
        if (fold->layout.fields[i].length)
            round->fields[round->fields_count++] =
                (struct audit_field){fold->layout.fields[i].name, fold->layout.fields[i].length};
    CLEANUP(buffer_done) struct buffer progress = {0};
    const char *text;
    TRY(fold_progress(fold, &progress));
    TRY(buffer_terminate(&progress, &text));
    (void)snprintf(round->progress, sizeof round->progress, "%s", text);
    return RESULT_OK;
}

/* Each bank's own clock, from one of its votes to the next. */
static struct result take_votes(struct audit_facts *facts, const struct replay *replay, struct view list_bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_list list;
    unsigned size = replay->roster.size;
    TRY(wire_list_decode(list_bytes, size, &arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct wire_signed one;
        struct wire_close vote;
        TRY(wire_signed_decode(list.items[i], size, &arena, &one));
        TRY(wire_close_decode(one.body, size, &arena, &vote));
        uint64_t *voted = &facts->voted[one.signer];
        if (vote.time < *voted) {
            TRY(grow((void **)&facts->clocks, &facts->clocks_count, sizeof *facts->clocks));
            facts->clocks[facts->clocks_count - 1] = (struct audit_clock){one.signer, vote.round, *voted, vote.time};
        }
        *voted = vote.time;
    }
    return RESULT_OK;
}

static struct result observe_entry(void *context, const struct replay *replay, const struct bundle_entry *entry)
{
    struct audit_facts *facts = context;
    switch (entry->kind) {
    case BUNDLE_ROSTER:
        return take_roster(facts, entry->payload);
    case BUNDLE_RUN:
        facts->voted = calloc((size_t)replay->roster.size + 1, sizeof *facts->voted);
        ENSURE(facts->voted, CATEGORY_ENVIRONMENT, "out of memory for a report");
        return RESULT_OK;
    case BUNDLE_R0:
        return take_terms(facts, replay);
    case BUNDLE_CLOSE:
        return take_votes(facts, replay, entry->payload);
    default:
        return RESULT_OK;
    }
}

static struct result observe_epoch(void *context, const struct replay *replay)
{
    struct audit_facts *facts = context;
    uint32_t before = facts->keys_count ? facts->keys[facts->keys_count - 1].epoch : 0;
    TRY(grow((void **)&facts->keys, &facts->keys_count, sizeof *facts->keys));
    facts->keys[facts->keys_count - 1] =
        (struct audit_keys){replay->epoch.epoch, before, replay->epoch.first, replay->epoch.rounds};
    return RESULT_OK;
}

static struct result observe_round(void *context, const struct replay *replay, enum bundle_kind decision)
{
    struct audit_facts *facts = context;
    struct audit_round *round = &facts->rounds[facts->rounds_count - 1];
    const struct replay_round *from = &replay->round;
    round->decision = decision;
    round->voters = from->voters;
    if (decision == BUNDLE_VOID) return RESULT_OK;
    round->in = from->survivors;
    if (decision == BUNDLE_SUPERSEDED) return RESULT_OK;
    round->closers = from->closers;
    round->words = from->words;
    round->earliest = from->earliest;
    round->latest = from->latest;
    round->sum = from->open.sum;
    round->state = replay->state;
    return RESULT_OK;
}

static struct result observe_end(void *context, const struct replay *replay, unsigned signer, struct view reason)
{
    (void)replay;
    struct audit_facts *facts = context;
    TRY(grow((void **)&facts->endings, &facts->endings_count, sizeof *facts->endings));
    struct audit_ending *ending = &facts->endings[facts->endings_count - 1];
    ending->signer = signer;
    size_t used = 0;
    while (reason.length && used + TEXT_PIECE_BYTES <= sizeof ending->reason) {
        size_t taken = text_plain(reason, "", &ending->reason[used]);
        used += strlen(&ending->reason[used]);
        reason = view_of(reason.data + taken, reason.length - taken);
    }
    return RESULT_OK;
}

/* ---- the file, hashed as it is read */

struct hashing {
    struct bundle_source source;
    struct hash_stream stream;
    uint64_t bytes;
};

static void hashing_done(struct hashing *hashing)
{
    hash_stream_done(&hashing->stream);
}

static struct result hashing_read(void *context, uint8_t *into, size_t length, size_t *ret_got)
{
    struct hashing *hashing = context;
    TRY(hashing->source.read(hashing->source.context, into, length, ret_got));
    hashing->bytes += *ret_got;
    return hash_update(&hashing->stream, view_of(into, *ret_got));
}

/* What is left of a file whose replay has stopped: the hash is of all of it. */
static struct result hashing_rest(struct hashing *hashing)
{
    uint8_t piece[4096];
    size_t got;
    do TRY(hashing_read(hashing, piece, sizeof piece, &got));
    while (got);
    return RESULT_OK;
}

struct result audit_facts_gather(const char *path, const struct hash *fingerprint, struct audit_facts *ret)
{
    CLEANUP(bundle_file_close) struct bundle_file file = {0};
    CLEANUP(hashing_done) struct hashing hashing = {0};
    *ret = (struct audit_facts){.path = path, .fingerprint = fingerprint};
    TRY(bundle_file_open(path, &file, &hashing.source));
    TRY(hash_start(&hashing.stream, NULL));
    const struct bundle_source source = {&hashing, hashing_read};
    const struct replay_observer observer = {
        .context = ret, .entry = observe_entry, .epoch = observe_epoch, .round = observe_round, .ended = observe_end};
    struct result result = replay_bundle(&source, fingerprint, &observer, &ret->replay);
    ret->holds = result_ok(result);
    if (!ret->holds) (void)snprintf(ret->reason, sizeof ret->reason, "%s", result_reason());
    if (!ret->holds && result.category != CATEGORY_FALSE) return result_at(result, "%s: ", path);
    TRY(hashing_rest(&hashing));
    ret->bytes = hashing.bytes;
    return hash_finish(&hashing.stream, &ret->file);
}

/* ---- for those who tell them */

json_t *audit_names(const struct audit_facts *facts, const struct members *set, struct tree *tree)
{
    json_t *names = json_array();
    for (unsigned j = members_next(set, 0); j; j = members_next(set, j))
        tree_add(tree, names, json_string(run_member(&facts->replay->run, j)));
    return names;
}

const char *audit_time(uint64_t seconds, char text[AUDIT_TIME_BYTES])
{
    struct tm parts;
    time_t time = (time_t)seconds;
    if (seconds > INT64_MAX / 2 || !gmtime_r(&time, &parts) ||
        !strftime(text, AUDIT_TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &parts))
        (void)snprintf(text, AUDIT_TIME_BYTES, "%llu seconds after 1970", (unsigned long long)seconds);
    return text;
}

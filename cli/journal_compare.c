#include "cli/journal_compare.h"

#include <string.h>

#include "cli/journal_budget.h"

struct hex {
    char text[2 * HASH_BYTES + 1];
};

static bool is_hash(const json_t *object, const char *name, const struct hash *hash)
{
    struct hex hex;
    bytes_hex(hash_view(hash), hex.text);
    return strcmp(journal_book_text(object, name), hex.text) == 0;
}

static const char *who(const struct journal_compare *compare)
{
    return compare->book->member;
}

/* ---- while the bundle is replayed */

static struct result opened(void *context, const struct replay *replay)
{
    struct journal_compare *compare = context;
    const struct buffer *keys = &compare->book->keys;
    struct hex hex;
    bytes_hex(hash_view(&replay->submission.id), hex.text);
    compare->run = journal_book_run(compare->book, &replay->submission.id);
    ENSURE(compare->run, CATEGORY_FALSE, "the journal of %s does not tell of the bundle's run %s", who(compare),
           hex.text);
    for (size_t at = 0; at < keys->length && !compare->position; at += sizeof(struct sign_public)) {
        struct sign_public key;
        memcpy(&key, keys->data + at, sizeof key);
        compare->position = roster_position_of_node(&replay->roster, &key);
    }
    ENSURE(compare->position && members_has(run_cohort(&replay->run), compare->position), CATEGORY_FALSE,
           "%s, with the key that signs its journal, is not in the cohort of the bundle", who(compare));
    ENSURE(is_hash(compare->run, "plan_hash", &replay->submission.plan.hash), CATEGORY_FALSE,
           "the journal has another plan for this run than the bundle");
    return journal_budget_opened(compare->run, replay);
}

/* The bank's own header among those of U: the journal says the same of it. */
static struct result check_input(struct journal_compare *compare, const struct replay *replay, struct view payload)
{
    const struct replay_round *round = &replay->round;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_list list;
    struct hash header;
    if (!members_has(&round->survivors, compare->position)) return RESULT_OK;
    unsigned rank = members_rank(&round->survivors, compare->position);
    const json_t *sent = journal_book_find(compare->run, "sent", "round", replay->last);
    ENSURE(sent, CATEGORY_FALSE, "it has an input of %s in round %llu, of which the journal says nothing", who(compare),
           (unsigned long long)replay->last);
    TRY(wire_list_decode(payload, replay->roster.size, &arena, &list));
    TRY(hash_bytes(NULL, list.items[rank], &header));
    ENSURE(is_hash(sent, "root", &round->roots[rank]) && is_hash(sent, "header", &header) &&
               journal_book_number(sent, "words") == round->words &&
               journal_book_number(sent, "step") == round->terms.step,
           CATEGORY_FALSE, "the input of %s in round %llu is another than the journal says", who(compare),
           (unsigned long long)replay->last);
    TRY(journal_budget_input(compare->run, replay));
    compare->inputs++;
    return RESULT_OK;
}

static struct result take_entry(void *context, const struct replay *replay, const struct bundle_entry *entry)
{
    struct journal_compare *compare = context;
    return entry->kind == BUNDLE_R1 ? check_input(compare, replay, entry->payload) : RESULT_OK;
}

static struct result set_fate(json_t *sent, const char *fate)
{
    ENSURE(!sent || json_object_set_new(sent, "fate", json_string(fate)) == 0, CATEGORY_ENVIRONMENT,
           "no memory for a comparison");
    return RESULT_OK;
}

/* A vote in the certificate is a message of this bank that left, so the journal has it. */
static struct result check_vote(struct journal_compare *compare, const struct replay *replay)
{
    const struct replay_round *round = &replay->round;
    unsigned long long step = (unsigned long long)round->terms.step;
    if (!members_has(&round->closers, compare->position)) return RESULT_OK;
    const json_t *voted = journal_book_find(compare->run, "voted", "step", round->terms.step);
    ENSURE(voted && journal_book_number(voted, "round") == replay->last && is_hash(voted, "sum", &round->open.sum) &&
               is_hash(voted, "state", &replay->state),
           CATEGORY_FALSE, "%s signed the sum of step %llu in it, and the journal says %s", who(compare), step,
           voted ? "something else of its vote" : "nothing of that");
    compare->votes++;
    return RESULT_OK;
}

static struct result check_closed(struct journal_compare *compare, const struct replay *replay)
{
    const struct replay_round *round = &replay->round;
    const json_t *closed = journal_book_find(compare->run, "closed", "step", round->terms.step);
    struct hash root;
    TRY(check_vote(compare, replay));
    if (!closed) {
        if (compare->missing++ == 0) compare->missing_step = round->terms.step;
        return RESULT_OK;
    }
    TRY(merkle_tree_root(&replay->log.tree, &root));
    ENSURE(compare->missing == 0, CATEGORY_FALSE,
           "the journal does not tell that step %llu was closed, and goes on with step %llu",
           (unsigned long long)compare->missing_step, (unsigned long long)round->terms.step);
    ENSURE(journal_book_number(closed, "round") == replay->last &&
               journal_book_number(closed, "leaf") == round->terms.step && is_hash(closed, "log", &root) &&
               is_hash(closed, "sum", &round->open.sum) && is_hash(closed, "state", &replay->state),
           CATEGORY_FALSE, "step %llu was closed with another sum, state or log than the journal says",
           (unsigned long long)round->terms.step);
    compare->steps++;
    return RESULT_OK;
}

/* A round is voided in words that this bank signed: then its journal tells that it gave the round up. The other way
 * round there may be an entry and no vote: the coordinator takes those of the first v banks, or opens the round. */
static struct result check_void(struct journal_compare *compare, const struct replay *replay)
{
    unsigned long long round = (unsigned long long)replay->last;
    if (!members_has(&replay->round.voters, compare->position)) return RESULT_OK;
    ENSURE(journal_book_find(compare->run, "void", "round", replay->last), CATEGORY_FALSE,
           "%s signed in it that it gave round %llu up (VOID), and the journal says nothing of that", who(compare),
           round);
    compare->voids++;
    return RESULT_OK;
}

static struct result decided(void *context, const struct replay *replay, enum bundle_kind decision)
{
    struct journal_compare *compare = context;
    json_t *sent = journal_book_find(compare->run, "sent", "round", replay->last);
    if (decision == BUNDLE_VOID) {
        TRY(check_void(compare, replay));
        return set_fate(sent, "void");
    }
    if (decision == BUNDLE_SUPERSEDED) return set_fate(sent, "superseded");
    TRY(set_fate(sent, members_has(&replay->round.survivors, compare->position) ? "closed" : "not in the sum"));
    return check_closed(compare, replay);
}

/* ---- when all of it holds */

/* Whatever left is in a round of the bundle. The round that was under way when the run ended has no decision. */
static struct result check_accounted(const struct journal_compare *compare, const struct replay *replay)
{
    size_t index;
    json_t *sent;
    json_array_foreach(json_object_get(compare->run, "sent"), index, sent)
    {
        uint64_t round = journal_book_number(sent, "round");
        if (json_object_get(sent, "fate")) continue;
        ENSURE(replay->stage == REPLAY_ENDED && round == replay->last, CATEGORY_FALSE,
               "the journal says that an input left in round %llu, and the bundle does not account for it",
               (unsigned long long)round);
        TRY(set_fate(sent, "open at the end"));
    }
    return RESULT_OK;
}

static struct result check_end(const struct journal_compare *compare, const struct replay *replay)
{
    const json_t *closed = json_object_get(compare->run, "closed");
    const json_t *last = json_array_get(closed, json_array_size(closed) - 1);
    ENSURE(!last || journal_book_number(last, "step") < replay->log.tree.size, CATEGORY_FALSE,
           "the journal says that step %llu was closed, and the bundle has %llu steps",
           (unsigned long long)journal_book_number(last, "step"), (unsigned long long)replay->log.tree.size);
    if (strcmp(journal_book_text(compare->run, "state"), "done") != 0) return RESULT_OK;
    ENSURE(replay->stage == REPLAY_DONE && compare->missing == 0, CATEGORY_FALSE,
           "the journal says that the run was done, and does not end as the bundle does");
    ENSURE(is_hash(compare->run, "model", &replay->model_hash), CATEGORY_FALSE,
           "the journal has another model than the bundle");
    return RESULT_OK;
}

struct result journal_compare(const struct journal_book *book, const struct bundle_source *source,
                              struct journal_compare *ret, struct replay **ret_replay)
{
    *ret = (struct journal_compare){.book = book};
    const struct replay_observer observer = {.context = ret, .entry = take_entry, .opened = opened, .round = decided};
    TRY(replay_bundle(source, NULL, &observer, ret_replay));
    TRY(check_accounted(ret, *ret_replay));
    return check_end(ret, *ret_replay);
}

/* The rounds of one fate; nothing when there is none. */
static struct result show_fate(const json_t *run, const char *fate, const char *words, struct buffer *out)
{
    size_t index, count = 0;
    const json_t *sent;
    json_array_foreach(json_object_get(run, "sent"), index, sent)
    {
        if (strcmp(journal_book_text(sent, "fate"), fate) != 0) continue;
        if (count++ == 0) TRY(buffer_text(out, "  round "));
        TRY(buffer_format(out, "%s%llu", count > 1 ? ", " : "",
                          (unsigned long long)journal_book_number(sent, "round")));
    }
    return count ? buffer_format(out, ": %s\n", words) : RESULT_OK;
}

struct result journal_compare_show(const struct journal_compare *compare, const struct replay *replay,
                                   struct buffer *out)
{
    TRY(buffer_format(out,
                      "%14llu  masked inputs of %s in it, each as the journal says\n"
                      "%14llu  votes of %s on sums in it, each as the journal says\n"
                      "%14llu  votes of %s to give a round up in it, each as the journal says\n"
                      "%14llu  closed steps, each with the journal's sum, state and log\n",
                      (unsigned long long)compare->inputs, who(compare), (unsigned long long)compare->votes,
                      who(compare), (unsigned long long)compare->voids, who(compare),
                      (unsigned long long)compare->steps));
    TRY(show_fate(compare->run, "void", "the input left, and the round was voided: it is in no sum", out));
    TRY(show_fate(compare->run, "superseded",
                  "the input left, and the round could not be opened: its step was done again with the same input",
                  out));
    TRY(show_fate(compare->run, "not in the sum", "the input left too late, and is in no sum", out));
    TRY(show_fate(compare->run, "open at the end", "the input left, and the run ended before the round did", out));
    if (compare->missing)
        TRY(buffer_format(out, "  step %llu and after it: closed when %s was no longer there\n",
                          (unsigned long long)compare->missing_step, who(compare)));
    return replay->stage == REPLAY_DONE ? RESULT_OK : buffer_text(out, "  the run was ended before its last step\n");
}

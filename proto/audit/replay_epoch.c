/* Who the parties are and what they agreed to: rosters, the submission, keys and their acknowledgements. */
#include <stdlib.h>
#include <string.h>

#include "proto/audit/replay.h"
#include "proto/run/note.h"

/* The key of a roster under which a line stands, if it is one of its members'. */
static struct result find_key(const struct roster *roster, const struct note_line *line,
                              const struct sign_public **ret_key)
{
    unsigned position = roster ? roster_position_of_name(roster, line->name) : 0;
    bool named = false;
    if (position == 0) return RESULT_OK;
    TRY(note_line_names(line, &roster->members[position - 1].identity, &named));
    if (named) *ret_key = &roster->members[position - 1].identity;
    return RESULT_OK;
}

/* Of a member, or one before: who has a new key may sign with both. Where a bundle begins with a later version than the
 * first, those before are not known. */
static struct result check_line(struct replay *replay, const struct roster *before, const struct roster *after,
                                const struct note *note, const struct note_line *line)
{
    const struct sign_public *key = NULL;
    ENSURE(!line->timed, CATEGORY_FALSE, "%s cosigned the roster, which is signed", line->name);
    TRY(find_key(after, line, &key));
    if (!key) TRY(find_key(before, line, &key));
    if (!key && !before && after->version > 1) return RESULT_OK;
    ENSURE(key, CATEGORY_FALSE, "%s, who signed the roster, is no member, or not with this key", line->name);
    replay->counts.signatures++;
    return note_verify_line(note, line, key);
}

/* Every line of a roster is a signature that counts, once. */
static struct result check_lines(struct replay *replay, const struct roster *before, const struct roster *after)
{
    CLEANUP(note_done) struct note note = {0};
    struct view bytes = buffer_view(&after->note);
    TRY(note_parse(bytes, &note));
    size_t lines = 0;
    for (size_t i = note.text.length + 1; i < bytes.length; i++) lines += bytes.data[i] == '\n';
    ENSURE(lines == note.lines_count, CATEGORY_FALSE, "the roster has a signature line that no member can have made");
    for (size_t i = 0; i < note.lines_count; i++) {
        const struct note_line *line = &note.lines[i];
        TRY(check_line(replay, before, after, &note, line));
        for (size_t k = 0; k < i; k++)
            ENSURE(strcmp(note.lines[k].name, line->name) != 0 ||
                       memcmp(note.lines[k].key_id, line->key_id, sizeof line->key_id) != 0,
                   CATEGORY_FALSE, "%s signed the roster twice", line->name);
    }
    return RESULT_OK;
}

/* The first one is what the fingerprint vouches for; each later one, a quorum of the one before. */
static struct result check_roster(struct replay *replay, const struct roster *after)
{
    if (replay->stage == REPLAY_RUN) {
        TRY(roster_verify_successor(&replay->roster, after));
        return check_lines(replay, &replay->roster, after);
    }
    replay->first_version = after->version;
    if (after->version == 1) TRY(roster_verify_first(after));
    return check_lines(replay, NULL, after);
}

struct result replay_roster(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    (void)arena;
    CLEANUP(roster_done) struct roster roster = {0};
    TRY(roster_parse(payload, &roster));
    TRY(check_roster(replay, &roster));
    roster_done(&replay->roster);
    replay->roster = roster;
    roster = (struct roster){0};
    replay->stage = REPLAY_RUN;
    return RESULT_OK;
}

struct result replay_submission(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    (void)arena;
    TRY(submission_open(&replay->roster, payload, &replay->submission));
    if (replay->observer.submitted) replay->observer.submitted(replay->observer.context, &replay->submission);
    TRY(run_open(&replay->submission.terms, 0, NULL, &replay->run));
    TRY(fold_start(&replay->submission.plan, replay->submission.terms.task, &replay->fold));
    replay->approvals = calloc(replay->roster.size + (size_t)1, sizeof *replay->approvals);
    ENSURE(replay->approvals, CATEGORY_ENVIRONMENT, "out of memory for the approvals of %u banks", replay->roster.size);
    replay->state = replay->fold.state_hash;
    replay->counts.signatures += 2; /* of the plan, and over the run's id */
    replay->stage = REPLAY_NEXT;
    return replay->observer.opened ? replay->observer.opened(replay->observer.context, replay) : RESULT_OK;
}

/* All P1 agree on the epoch: the next one, from the next round on, after the checkpoint that the log has. */
static struct result begin_epoch(struct replay *replay, const struct wire_p1 *first)
{
    struct hash checkpoint;
    ENSURE(first->epoch > replay->epoch.epoch, CATEGORY_FALSE, "keys of epoch %u after those of epoch %u", first->epoch,
           replay->epoch.epoch);
    ENSURE(first->first == replay->last + 1, CATEGORY_FALSE, "keys from round %llu on, after round %llu",
           (unsigned long long)first->first, (unsigned long long)replay->last);
    ENSURE(first->rounds > 0 && first->rounds <= EPOCH_ROUNDS_MAX, CATEGORY_FALSE, "keys for %u rounds", first->rounds);
    replay->run.rounds = first->rounds;
    TRY(run_log_checkpoint(&replay->log, &replay->run.id, &checkpoint));
    return provision_init(&replay->epoch, &replay->run, first->epoch, first->first, &checkpoint);
}

static void add_approval(struct replay_approvals *approvals, const struct provision_approval *approval, uint64_t round)
{
    for (unsigned i = 0; i < approvals->count; i++)
        if (memcmp(&approvals->items[i].approval.officer, &approval->officer, sizeof approval->officer) == 0) return;
    approvals->more = approvals->more || approvals->count == REPLAY_APPROVALS_MAX;
    if (approvals->more) return;
    approvals->items[approvals->count].approval = *approval;
    approvals->items[approvals->count++].round = round;
}

/* What the P1 of a bank, which holds, says of its officers. */
static void take_approvals(struct replay *replay, unsigned position)
{
    const struct provision_dealer *dealer = &replay->epoch.dealers[position];
    replay->counts.signatures += dealer->approvals_count;
    for (unsigned i = 0; i < dealer->approvals_count; i++)
        add_approval(&replay->approvals[position], &dealer->approvals[i], replay->epoch.first);
}

struct result replay_p1(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    const struct members *cohort = run_cohort(&replay->run);
    struct wire_list list;
    struct view bodies[MEMBERS_MAX];
    size_t count = 0;
    TRY(wire_list_decode(payload, replay->roster.size, arena, &list));
    ENSURE(list.count == replay->run.thresholds.n, CATEGORY_FALSE, "%zu P1 for a cohort of %u", list.count,
           replay->run.thresholds.n);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        struct signed_body body;
        TRY(replay_signed(replay, "p1", WIRE_P1, j, list.items[count], arena, &body));
        if (count == 0) TRY(begin_epoch(replay, &body.p1));
        TRY(provision_take(&replay->epoch, &replay->run, j, &body.p1));
        take_approvals(replay, j);
        bodies[count++] = body.message.body;
    }
    TRY(ctx_set_hash(bodies, count, &replay->epoch.set));
    replay->stage = REPLAY_ACK;
    return RESULT_OK;
}

struct result replay_ack(struct replay *replay, struct view payload, struct wire_arena *arena)
{
    const struct members *cohort = run_cohort(&replay->run);
    struct wire_list list;
    size_t count = 0;
    TRY(wire_list_decode(payload, replay->roster.size, arena, &list));
    ENSURE(list.count == replay->run.thresholds.n, CATEGORY_FALSE, "%zu ACK for a cohort of %u", list.count,
           replay->run.thresholds.n);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        struct signed_body body;
        TRY(replay_signed(replay, "ack", WIRE_ACK, j, list.items[count++], arena, &body));
        ENSURE(body.ack.epoch == replay->epoch.epoch && hash_equal(&body.ack.set, &replay->epoch.set), CATEGORY_FALSE,
               "%s acknowledged other keys", run_member(&replay->run, j));
        ENSURE(members_equal(&body.ack.dealers, cohort), CATEGORY_FALSE, "%s did not acknowledge every bank",
               run_member(&replay->run, j));
    }
    replay->agreed = true;
    replay->stage = REPLAY_FIRST;
    return replay->observer.epoch ? replay->observer.epoch(replay->observer.context, replay) : RESULT_OK;
}

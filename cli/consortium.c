/* The loop of a simulated consortium: takes a delivery, steps the machine it is for, carries out the effects.
 *
 * It does what the daemons' loops do, and knows no more of the protocol than they. Read deliver() first.
 */
#include "cli/consortium.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/report/report.h"
#include "cli/contributions.h"
#include "cli/parties.h"

enum {
    REPEAT_MS = 5000,         /* a member repeats a request that has no reply */
    ASK_AGAIN_MS = 2000,      /* and an attestation is asked for again */
    CONTRIBUTE_MS = 1,        /* later than all that happens now: the banks of a round are then computed together */
    COPY_EVERY = 12,          /* batches, about, between copies of a party's records */
    RESTART_MS = 5000,        /* most processes are back by then */
    DELIVERIES_MAX = 5000000, /* a run of 1,000 banks takes a tenth; more means that it goes in circles */
};

void consortium_outcome_done(struct consortium_outcome *outcome)
{
    buffer_done(&outcome->model);
    buffer_done(&outcome->report);
    buffer_done(&outcome->plan_note);
    buffer_done(&outcome->faults);
}

struct result consortium_check(const struct plan *plan, unsigned banks)
{
    ENSURE(banks >= COHORT_MIN, CATEGORY_USAGE,
           "too few banks, %u: it takes at least %u banks, since with fewer each could subtract itself from the sum",
           banks, COHORT_MIN);
    ENSURE(banks >= plan->cohort_minimum, CATEGORY_USAGE,
           "%u banks, but the plan's cohort minimum is %u; bring more, or lower cohort.minimum in the plan", banks,
           plan->cohort_minimum);
    ENSURE(banks <= MEMBERS_MAX, CATEGORY_USAGE, "%u banks: a roster holds at most %u", banks, MEMBERS_MAX);
    return RESULT_OK;
}

static void __attribute__((format(printf, 2, 3))) say(const struct consortium *consortium, const char *format, ...)
{
    if (consortium->config->say == NULL) return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    consortium->config->say(consortium->config->context, line);
}

/* Its process starts again, from its records or, now and then, from an older copy of them. */
static struct result party_revive(struct consortium *consortium, unsigned number)
{
    struct party *party = &consortium->parties[number];
    struct network *network = &consortium->network;
    uint64_t longest = network_below(network, 8) == 0 ? network->faults.down_ms : RESTART_MS;
    TRY(network_after(network, 1 + network_below(network, longest), DELIVERY_START, number, party->life));
    if (number != 0 && network_fault(network, FAULT_NO_SECRETS)) {
        say(consortium, "%s will start without its secrets", party->name);
        party->bereft = true;
        records_lose_secrets(&party->records);
    }
    if (!party->copied || network->faults.old_left == 0 || !network_fault(network, FAULT_OLD_DISK)) return RESULT_OK;
    network->faults.old_left--;
    say(consortium, "%s will start from an old disk", party->name);
    party->aged = true;
    return records_copy(&party->copy, &party->records);
}

static struct result party_kill(struct consortium *consortium, unsigned number)
{
    struct party *party = &consortium->parties[number];
    if (!party->up) return RESULT_OK;
    say(consortium, "%s is killed", party->name);
    party_stop(consortium, number);
    return party_revive(consortium, number);
}

/* A fault has struck this party; now and then the lights go out everywhere. */
static struct result crash(struct consortium *consortium, unsigned number)
{
    TRY(party_kill(consortium, number));
    if (!network_fault(&consortium->network, FAULT_BLACKOUT)) return RESULT_OK;
    for (unsigned i = 0; i <= consortium->members; i++) TRY(party_kill(consortium, i));
    return RESULT_OK;
}

static uint64_t clock_true(const struct consortium *consortium)
{
    return consortium->config->clock_ms + consortium->network.now;
}

/* The coordinator's own clock. */
static uint64_t clock_of(const struct consortium *consortium)
{
    return clock_true(consortium) + (uint64_t)consortium->skew_ms;
}

static struct result timer_arm(struct consortium *consortium)
{
    struct party *party = &consortium->parties[0];
    uint64_t now = clock_of(consortium);
    return network_after(&consortium->network, party->timer_at > now ? party->timer_at - now : 0, DELIVERY_TIMER, 0,
                         ++party->timer);
}

/* The coordinator's clock is set to something else, up to so much ahead or behind. */
static struct result clock_jump(struct consortium *consortium)
{
    struct network *network = &consortium->network;
    if (!network_fault(network, FAULT_JUMP)) return RESULT_OK;
    consortium->skew_ms = (int64_t)network_below(network, 2 * network->faults.jump_ms + 1);
    consortium->skew_ms -= (int64_t)network->faults.jump_ms;
    say(consortium, "the coordinator's clock jumps to %+lld s", (long long)consortium->skew_ms / 1000);
    return consortium->parties[0].timer_at == 0 ? RESULT_OK : timer_arm(consortium);
}

static struct result request_transmit(struct consortium *consortium, unsigned number)
{
    struct party *party = &consortium->parties[number];
    TRY(network_send(&consortium->network, DELIVERY_REQUEST, number, party->request_number,
                     buffer_view(&party->request)));
    return network_after(&consortium->network, REPEAT_MS, DELIVERY_REPEAT, number, party->request_number);
}

static struct result send_request(struct consortium *consortium, unsigned number, struct view bytes)
{
    struct party *party = &consortium->parties[number];
    buffer_clear(&party->request);
    TRY(buffer_append(&party->request, bytes));
    party->request_number++;
    party->waiting = true;
    return request_transmit(consortium, number);
}

struct result consortium_reply(struct consortium *consortium, unsigned to, struct view bytes)
{
    struct party *party = &consortium->parties[to];
    if (party->parked == 0) return RESULT_OK;
    uint64_t answered = party->parked;
    party->parked = 0;
    return network_send(&consortium->network, DELIVERY_REPLY, to, answered, bytes);
}

static struct result send_reply(struct consortium *consortium, unsigned to, struct view bytes)
{
    ENSURE(to >= 1 && to <= consortium->members, CATEGORY_BUG, "a message to member %u, who does not exist", to);
    const struct watcher *watcher = &consortium->watcher;
    if (watcher->reply == NULL) return consortium_reply(consortium, to, bytes);
    CLEANUP(buffer_done) struct buffer changed = {0};
    TRY(buffer_append(&changed, bytes));
    TRY(watcher->reply(watcher->context, consortium, to, &changed));
    return consortium_reply(consortium, to, buffer_view(&changed));
}

static struct result carry_out(struct consortium *consortium, unsigned number, const struct effect *effect)
{
    struct party *party = &consortium->parties[number];
    struct network *network = &consortium->network;
    struct view bytes = buffer_view(&effect->bytes);
    switch (effect->kind) {
    case EFFECT_SEND:
        return number == 0 ? send_reply(consortium, effect->to, bytes) : send_request(consortium, number, bytes);
    case EFFECT_SET_TIMER:
        party->timer_at = effect->at;
        return timer_arm(consortium);
    case EFFECT_CONTRIBUTE:
        return network_after(network, CONTRIBUTE_MS + network_below(network, network->faults.delay_ms),
                             DELIVERY_CONTRIBUTE, number, party->life);
    case EFFECT_EVENT:
        if (consortium->config->faults) say(consortium, "%s: %.*s", party->name, (int)bytes.length, bytes.data);
        return RESULT_OK;
    case EFFECT_DONE:
        party->done = true;
        return RESULT_OK;
    case EFFECT_FAIL:
        party->ended = true;
        (void)snprintf(party->reason, sizeof party->reason, "%.*s", (int)bytes.length, (const char *)bytes.data);
        return RESULT_OK;
    case EFFECT_PERSIST: /* done before, as one batch */
        return RESULT_OK;
    }
    return FAIL(CATEGORY_BUG, "an effect of unknown kind %d", (int)effect->kind);
}

/* Everything one step asked for. *ret_persisted: the machine waits to hear that its batch is durable. */
static struct result carry_out_all(struct consortium *consortium, unsigned number, const struct effects *effects,
                                   bool *ret_persisted)
{
    struct party *party = &consortium->parties[number];
    bool persists = false;
    for (size_t i = 0; i < effects->count; i++) persists = persists || effects->items[i].kind == EFFECT_PERSIST;
    if (persists) {
        struct network *network = &consortium->network;
        bool dies = network_crash(network, FAULT_BATCH);
        enum records_stage stage = dies ? (enum records_stage)network_below(network, RECORDS_ALL + 1) : RECORDS_ALL;
        TRY(records_commit(&party->records, effects, stage));
        if (network->faults.old_left > 0 && network_below(network, COPY_EVERY) == 0) {
            TRY(records_copy(&party->records, &party->copy));
            party->copied = true;
        }
        if (dies) TRY(crash(consortium, number));
    }
    for (size_t i = 0; i < effects->count && party->up; i++) TRY(carry_out(consortium, number, &effects->items[i]));
    *ret_persisted = persists && party->up;
    return RESULT_OK;
}

static struct result machine_step(struct consortium *consortium, unsigned number, struct input input,
                                  struct effects *effects)
{
    input.now = number == 0 ? clock_of(consortium) : clock_true(consortium);
    struct result result = number == 0 ? secagg_coordinator_step(consortium->coordinator, &input, effects)
                                       : secagg_node_step(consortium->parties[number].node, &input, effects);
    const struct watcher *watcher = &consortium->watcher;
    if (watcher->stepped != NULL) TRY(watcher->stepped(watcher->context, consortium, number, &input, result, effects));
    return result;
}

/* Carries out effects, and those of the steps that follow their durability. */
static struct result settle(struct consortium *consortium, unsigned number, struct effects *effects)
{
    const char *name = consortium->parties[number].name;
    for (;;) {
        bool persisted = false;
        TRY(carry_out_all(consortium, number, effects, &persisted));
        if (!persisted) return RESULT_OK;
        effects_clear(effects);
        TRY(result_at(machine_step(consortium, number, (struct input){.kind = INPUT_PERSISTED}, effects),
                      "%s: ", name));
    }
}

/* A refusal is told once, however often the message comes. */
static void note_refusal(struct consortium *consortium, const char *name)
{
    char refusal[sizeof consortium->refusal];
    (void)snprintf(refusal, sizeof refusal, "%s refused a message: %s", name, result_reason());
    if (consortium->config->faults && strcmp(refusal, consortium->refusal) != 0) say(consortium, "%s", refusal);
    memcpy(consortium->refusal, refusal, sizeof refusal);
}

/* One input into one machine. *ret_refused (may be NULL): the machine wanted nothing to do with it. */
static struct result party_step(struct consortium *consortium, unsigned number, struct input input, bool *ret_refused)
{
    if (network_crash(&consortium->network, FAULT_CRASH)) return crash(consortium, number);
    if (number == 0) TRY(clock_jump(consortium));
    const char *name = consortium->parties[number].name;
    CLEANUP(effects_clear) struct effects effects = {0};
    struct result result = machine_step(consortium, number, input, &effects);
    if (result.category == CATEGORY_PEER) {
        note_refusal(consortium, name);
        if (ret_refused != NULL) *ret_refused = true;
        return settle(consortium, number, &effects); /* its evidence, if it is worth keeping */
    }
    TRY(result_at(result, "%s: ", name));
    return settle(consortium, number, &effects);
}

/* Progress of the fold, and the attestations that the coordinator's machine would like relayed. */
static struct result coordinator_after(struct consortium *consortium)
{
    if (!consortium->parties[0].up) return RESULT_OK;
    if (consortium->config->bundle) TRY(bundle_go_on(&consortium->bundle));
    const struct fold *fold = secagg_coordinator_fold(consortium->coordinator);
    /* With faults the machines' own events tell it, among everything else that happens. */
    if (fold != NULL && fold->step > consortium->said && (!consortium->config->faults || fold->finished)) {
        consortium->said = fold->step;
        CLEANUP(buffer_done) struct buffer line = {0};
        TRY(fold_progress(fold, &line));
        say(consortium, "%.*s", (int)line.length, (const char *)line.data);
    }
    for (unsigned i = 1; i <= consortium->members; i++) {
        struct view request;
        if (consortium->parties[i].asked) continue;
        if (!secagg_coordinator_attest_request(consortium->coordinator, i, &request)) continue;
        consortium->parties[i].asked = true;
        TRY(network_send(&consortium->network, DELIVERY_ATTEST, i, 0, request));
        TRY(network_after(&consortium->network, ASK_AGAIN_MS, DELIVERY_ASK_AGAIN, i, 0));
    }
    return RESULT_OK;
}

/* Down for good. */
static bool is_gone(const struct consortium *consortium, const struct party *party)
{
    return party->gone_at != 0 && consortium->network.now >= party->gone_at;
}

static struct result deliver_start(struct consortium *consortium, const struct delivery *delivery)
{
    struct party *party = &consortium->parties[delivery->party];
    if (party->up || party->life != delivery->serial || is_gone(consortium, party)) return RESULT_OK;
    TRY(result_at(party_start(consortium, delivery->party), "%s: ", party->name));
    if (party->life > 1) say(consortium, "%s starts again", party->name);
    return party_step(consortium, delivery->party, (struct input){.kind = INPUT_START}, NULL);
}

static struct result deliver_request(struct consortium *consortium, const struct delivery *delivery)
{
    struct party *party = &consortium->parties[delivery->party];
    if (!consortium->parties[0].up) return RESULT_OK;
    if (delivery->serial > party->parked) party->parked = delivery->serial;
    const struct input input = {.kind = INPUT_MESSAGE, .from = delivery->party, .bytes = buffer_view(&delivery->bytes)};
    return party_step(consortium, 0, input, NULL);
}

/* A reply counts when it answers the request that waits for one; where it is refused, the request is repeated. */
static struct result deliver_reply(struct consortium *consortium, const struct delivery *delivery)
{
    struct party *party = &consortium->parties[delivery->party];
    if (!party->up || !party->waiting || party->request_number != delivery->serial) return RESULT_OK;
    bool refused = false;
    party->waiting = false;
    const struct input input = {.kind = INPUT_MESSAGE, .bytes = buffer_view(&delivery->bytes)};
    TRY(party_step(consortium, delivery->party, input, &refused));
    if (refused && party->up) party->waiting = true;
    return RESULT_OK;
}

static struct result deliver_repeat(struct consortium *consortium, const struct delivery *delivery)
{
    struct party *party = &consortium->parties[delivery->party];
    if (!party->up || !party->waiting || party->request_number != delivery->serial) return RESULT_OK;
    return request_transmit(consortium, delivery->party);
}

static struct result deliver_timer(struct consortium *consortium, const struct delivery *delivery)
{
    struct party *party = &consortium->parties[delivery->party];
    if (!party->up || party->timer != delivery->serial) return RESULT_OK;
    party->timer_at = 0;
    return party_step(consortium, delivery->party, (struct input){.kind = INPUT_TIMER}, NULL);
}

/* Any member may attest to another's counter, whatever its own machine is doing. */
static struct result deliver_attest(struct consortium *consortium, const struct delivery *delivery)
{
    struct party *party = &consortium->parties[delivery->party];
    if (!party->up) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer answer = {0};
    struct result result = secagg_attest(party->key, delivery->party, &consortium->roster, &party->counters,
                                         buffer_view(&delivery->bytes), &answer);
    if (result.category == CATEGORY_PEER) return RESULT_OK;
    TRY(result_at(result, "%s: ", party->name));
    return network_send(&consortium->network, DELIVERY_ATTESTED, delivery->party, 0, buffer_view(&answer));
}

static struct result deliver_attested(struct consortium *consortium, const struct delivery *delivery)
{
    if (!consortium->parties[0].up) return RESULT_OK;
    CLEANUP(effects_clear) struct effects effects = {0};
    struct result result =
        secagg_coordinator_attested(consortium->coordinator, delivery->party, buffer_view(&delivery->bytes), &effects);
    if (result.category == CATEGORY_PEER) return RESULT_OK;
    TRY(result_at(result, "coordinator: "));
    return settle(consortium, 0, &effects);
}

/* The contributions of all banks that are due in this moment. */
static struct result deliver_contributions(struct consortium *consortium, const struct delivery *first)
{
    struct contribution *due = calloc(consortium->members, sizeof *due);
    unsigned *numbers = calloc(consortium->members, sizeof *numbers);
    size_t count = 0;
    struct result result = RESULT_OK;
    if (due == NULL || numbers == NULL) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for a round's banks");
    for (struct delivery next = *first; result_ok(result);) {
        struct party *party = &consortium->parties[next.party];
        if (party->up && party->life == next.serial && count < consortium->members) {
            due[count] = (struct contribution){secagg_node_fold(party->node), party->table, party->name, NULL};
            numbers[count++] = next.party;
        }
        const struct delivery *peek = network_peek(&consortium->network);
        if (peek == NULL || peek->kind != DELIVERY_CONTRIBUTE || peek->at != consortium->network.now) break;
        (void)network_next(&consortium->network, &next);
    }
    if (result_ok(result)) result = contributions_compute(due, count, consortium->config->threads);
    for (size_t i = 0; i < count && result_ok(result); i++) {
        if (!consortium->parties[numbers[i]].up) continue; /* a blackout while another took its step */
        const struct input input = {
            .kind = INPUT_CONTRIBUTION, .words = due[i].words, .words_count = due[i].fold->words};
        result = party_step(consortium, numbers[i], input, NULL);
    }
    if (due != NULL) contributions_done(due, count);
    free(due);
    free(numbers);
    return result;
}

static struct result deliver(struct consortium *consortium, const struct delivery *delivery)
{
    struct party *party = &consortium->parties[delivery->party];
    if (party->up && is_gone(consortium, party)) {
        say(consortium, "%s is gone for good", party->name);
        party_stop(consortium, delivery->party);
    }
    switch (delivery->kind) {
    case DELIVERY_START:
        return deliver_start(consortium, delivery);
    case DELIVERY_REQUEST:
        return deliver_request(consortium, delivery);
    case DELIVERY_REPLY:
        return deliver_reply(consortium, delivery);
    case DELIVERY_REPEAT:
        return deliver_repeat(consortium, delivery);
    case DELIVERY_TIMER:
        return deliver_timer(consortium, delivery);
    case DELIVERY_CONTRIBUTE:
        return deliver_contributions(consortium, delivery);
    case DELIVERY_ATTEST:
        return deliver_attest(consortium, delivery);
    case DELIVERY_ATTESTED:
        return deliver_attested(consortium, delivery);
    case DELIVERY_ASK_AGAIN:
        party->asked = false;
        return RESULT_OK;
    }
    return FAIL(CATEGORY_BUG, "a delivery of unknown kind %d", (int)delivery->kind);
}

static bool is_over(const struct consortium *consortium)
{
    for (unsigned i = 0; i <= consortium->members; i++) {
        const struct party *party = &consortium->parties[i];
        if (!party->done && !party->ended && !is_gone(consortium, party)) return false;
    }
    return true;
}

static struct result stands_still(struct consortium *consortium)
{
    consortium->stands_still = true;
    const struct party *coordinator = &consortium->parties[0];
    return FAIL(CATEGORY_FALSE, "the run stands still: the coordinator is %s; %s",
                coordinator->up ? secagg_coordinator_phase(consortium->coordinator) : "down",
                consortium->refusal[0] != 0 ? consortium->refusal : "no message was refused");
}

/* Its bundle grows with the run, out of the coordinator's records. */
static struct result bundle_open(struct consortium *consortium)
{
    if (!consortium->config->bundle) return RESULT_OK;
    const struct view roster = buffer_view(&consortium->roster.note);
    consortium->bundle = (struct bundle_writer){.sink = *consortium->config->bundle,
                                                .records = records_source(&consortium->parties[0].records),
                                                .terms = &consortium->submission.terms};
    return bundle_begin(&consortium->bundle, &roster, 1, buffer_view(&consortium->submission.bytes));
}

struct result consortium_go(struct consortium *consortium)
{
    TRY(bundle_open(consortium));
    for (unsigned i = 0; i <= consortium->members; i++)
        TRY(network_after(&consortium->network, 0, DELIVERY_START, i, 0));
    for (uint64_t deliveries = 0; !is_over(consortium); deliveries++) {
        CLEANUP(delivery_done) struct delivery delivery = {0};
        if (deliveries > DELIVERIES_MAX || !network_next(&consortium->network, &delivery) ||
            (consortium->give_up_at != 0 && delivery.at > consortium->give_up_at))
            return stands_still(consortium);
        TRY(deliver(consortium, &delivery));
        TRY(coordinator_after(consortium));
    }
    return RESULT_OK;
}

/* Why the run ended before its last step, if it did: as the coordinator says, or the first bank that knows. */
static struct result ending(const struct consortium *consortium)
{
    for (unsigned i = 0; i <= consortium->members; i++) {
        const struct party *party = &consortium->parties[i];
        if (!party->ended) continue;
        if (secagg_plan_fails(view_text(party->reason))) return FAIL(CATEGORY_USAGE, "%s", party->reason);
        return FAIL(CATEGORY_FALSE, "%s ended the run: %s", party->name, party->reason);
    }
    return RESULT_OK;
}

/* Every party computed the model for itself; they must agree to the last byte. */
static struct result outcome_make(struct consortium *consortium, struct consortium_outcome *ret)
{
    const struct fold *fold = secagg_coordinator_fold(consortium->coordinator);
    for (unsigned i = 1; i <= consortium->members; i++) {
        const struct fold *own = secagg_node_fold(consortium->parties[i].node);
        ENSURE(own->finished && hash_equal(&own->state_hash, &fold->state_hash), CATEGORY_FALSE,
               "%s arrived at another model than the coordinator", consortium->parties[i].name);
    }
    TRY(fold_result(fold, consortium->members, &ret->model));
    if (consortium->config->bundle) TRY(bundle_finish(&consortium->bundle, buffer_view(&ret->model)));
    TRY(buffer_append(&ret->plan_note, buffer_view(&consortium->plan_note)));
    struct members everyone = members_none(consortium->members);
    for (unsigned j = 1; j <= consortium->members; j++) members_add(&everyone, j);
    const struct report_source source = {.model = buffer_view(&ret->model),
                                         .plan = consortium->config->plan,
                                         .roster = &consortium->roster,
                                         .cohort = &everyone,
                                         .version = COFFERDAM_VERSION};
    TRY(report_html(&source, &ret->report));
    ret->rounds = fold->step;
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        TRY(buffer_format(&ret->faults, "%s%llu %s", kind == 0 ? "" : ", ",
                          (unsigned long long)consortium->network.faults.count[kind], fault_names[kind]));
    return RESULT_OK;
}

struct result consortium_run(const struct consortium_config *config, struct consortium_outcome *ret)
{
    TRY(consortium_check(config->plan, config->banks_count));
    CLEANUP(consortium_done) struct consortium consortium = {0};
    TRY(consortium_init(config, &consortium));
    TRY(consortium_go(&consortium));
    TRY(ending(&consortium));
    CLEANUP(consortium_outcome_done) struct consortium_outcome outcome = {0};
    TRY(outcome_make(&consortium, &outcome));
    *ret = outcome;
    outcome = (struct consortium_outcome){0};
    return RESULT_OK;
}

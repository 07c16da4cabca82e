#include "tests/support/cohort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/protocol.h"
#include "proto/run/note.h"
#include "proto/run/privacy.h"
#include "proto/secagg/coordinator.h"
#include "tests/support/officer.h"

uint64_t cohort_expected(const struct cohort *cohort, const struct members *members)
{
    uint64_t value = 1;
    for (uint64_t step = 0; step < cohort->config.rounds; step++)
        for (uint64_t k = 0; k < cohort->config.words; k++) {
            uint64_t word = 0;
            for (unsigned i = members_next(members, 0); i; i = members_next(members, i)) word += toy_input(i, step, k);
            value = toy_mix(value, &word, 1);
        }
    return value;
}

uint64_t cohort_value(const struct fold *fold)
{
    return fold->state.length < 8 ? 0 : bytes_get_u64(fold->state.data + fold->state.length - 8);
}

/* ---- setting up */

static struct result make_key(struct cohort *cohort, struct sign_key **ret)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_new(SIGN_SEED_BYTES, &seed));
    random_draw(cohort->random, secret_bytes(seed), SIGN_SEED_BYTES);
    return sign_key_from_seed(seed, ret);
}

static struct result make_roster(struct cohort *cohort)
{
    unsigned n = cohort->config.banks;
    struct roster *roster = &cohort->roster;
    roster->version = 1;
    roster->size = n;
    roster->members = calloc(n, sizeof *roster->members);
    cohort->identities = calloc(n + 1u, sizeof(struct sign_key *));
    cohort->keys = calloc(n + 1u, sizeof(struct sign_key *));
    ENSURE(roster->members && cohort->identities && cohort->keys, CATEGORY_ENVIRONMENT, "out of memory");
    (void)snprintf(roster->coordinator_name, sizeof roster->coordinator_name, "coordinator");
    for (unsigned i = 0; i <= n; i++) {
        TRY(make_key(cohort, &cohort->keys[i]));
        TRY(make_key(cohort, &cohort->identities[i]));
        if (i == 0) continue;
        struct roster_member *member = &roster->members[i - 1];
        (void)snprintf(member->name, sizeof member->name, "bank%u", i);
        member->identity = *sign_key_public(cohort->identities[i]);
        member->node = *sign_key_public(cohort->keys[i]);
    }
    roster->coordinator = *sign_key_public(cohort->keys[0]);
    return hash_bytes("roster", view_of(roster->members, n * sizeof *roster->members), &roster->hash);
}

static struct result make_terms(struct cohort *cohort)
{
    struct plan *plan = &cohort->plan;
    (void)snprintf(plan->name, sizeof plan->name, "toy");
    plan->rounds = cohort->config.rounds;
    plan->tolerance = (double)cohort->config.words;
    plan->cohort_minimum = COHORT_MIN;
    if (cohort->config.epsilon > 0)
        plan->privacy = (struct plan_privacy){
            cohort->config.epsilon, 1e-6, privacy_budget(cohort->config.epsilon, 1e-6), false, {0}};
    plan->on_dropout = cohort->config.goes_on ? DROPOUT_CONTINUE : DROPOUT_WAIT;
    plan->rows = 1000;
    plan->deadline_hours = 168;
    TRY(hash_bytes("plan", view_text("toy"), &plan->hash));
    struct run_terms *terms = &cohort->terms;
    *terms = (struct run_terms){.roster = &cohort->roster,
                                .plan = plan,
                                .task = &toy_task,
                                .cohort = members_all(cohort->config.banks),
                                .submitter = 1,
                                .version = cohort->config.version ? cohort->config.version : protocol_spoken.newest,
                                .plan_note = view_text("the toy plan\n")};
    if (cohort->config.without) members_remove(&terms->cohort, cohort->config.without);
    bytes_put_u64(terms->nonce, cohort->config.nonce);
    struct hash id;
    TRY(run_id(terms, &id));
    return sign_bytes(cohort->identities[1], "submit", hash_view(&id), &terms->submission);
}

struct result cohort_init(const struct cohort_config *config, struct cohort *ret)
{
    TRY(crypto_start());
    memset(ret, 0, sizeof *ret);
    ret->config = *config;
    for (unsigned kind = 0; kind < MESSAGE_KINDS_END; kind++) ret->lost[kind] = members_none(config->banks);
    ret->now = UINT64_C(1700000000000);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(secret_new(RANDOM_SEED_BYTES, &seed));
    bytes_put_u64(secret_bytes(seed), config->seed);
    TRY(random_source_new(seed, &ret->random));
    ret->parties = calloc(config->banks + 1u, sizeof *ret->parties);
    ENSURE(ret->parties, CATEGORY_ENVIRONMENT, "out of memory");
    TRY(make_roster(ret));
    return make_terms(ret);
}

void cohort_done(struct cohort *cohort)
{
    for (unsigned i = 0; cohort->parties && i <= cohort->config.banks; i++) {
        cohort_stop(cohort, i);
        records_done(&cohort->parties[i].records);
        buffer_done(&cohort->parties[i].request);
        for (size_t k = 0; k < APPROVALS_SHOWN_MAX; k++) buffer_done(&cohort->parties[i].documents[k]);
    }
    for (unsigned i = 0; cohort->keys && i <= cohort->config.banks; i++) {
        sign_key_free(cohort->keys[i]);
        sign_key_free(cohort->identities[i]);
    }
    free(cohort->parties);
    free(cohort->keys);
    free(cohort->identities);
    free(cohort->roster.members);
    random_source_free(cohort->random);
    buffer_done(&cohort->events);
    memset(cohort, 0, sizeof *cohort);
}

struct approval cohort_approval(const struct cohort *cohort, unsigned bank)
{
    struct approval approval = {.roster = cohort->roster.hash, .subject = cohort->plan.hash, .given = 1700000000000};
    (void)snprintf(approval.bank, sizeof approval.bank, "%s", cohort->roster.members[bank - 1].name);
    return approval;
}

struct result cohort_approve(struct cohort *cohort, unsigned bank, unsigned officer, struct approval *approval)
{
    struct cohort_party *party = &cohort->parties[bank];
    struct buffer *document = &party->documents[party->approvals_count];
    TRY(officer_signs(officer, approval, document));
    party->approvals[party->approvals_count++] = buffer_view(document);
    return RESULT_OK;
}

/* ---- steps and their effects */

static struct result step(struct cohort *cohort, unsigned number, const struct input *given);

static void note(char *text, size_t size, struct view reason)
{
    (void)snprintf(text, size, "%.*s", (int)reason.length, (const char *)reason.data);
}

static struct result contribute(struct cohort *cohort, unsigned number)
{
    const struct fold *fold = secagg_node_fold(cohort->parties[number].node);
    uint64_t *words = calloc(fold->words, sizeof *words);
    ENSURE(words, CATEGORY_ENVIRONMENT, "out of memory");
    for (uint64_t k = 0; k < fold->words; k++) words[k] = toy_input(number, fold->step, k);
    if (cohort->hooks.input) cohort->hooks.input(cohort->hooks.context, number, fold->step, words, fold->words);
    struct input input = {.kind = INPUT_CONTRIBUTION, .words = words, .words_count = fold->words};
    struct result result = step(cohort, number, &input);
    free(words);
    return result;
}

static bool is_lost(const struct cohort *cohort, unsigned bank, const struct buffer *bytes)
{
    return bytes->length >= 2 && bytes->data[1] < MESSAGE_KINDS_END && members_has(&cohort->lost[bytes->data[1]], bank);
}

static struct result deliver_reply(struct cohort *cohort, unsigned to, struct view bytes)
{
    struct cohort_party *party = &cohort->parties[to];
    if (!party->parked) return RESULT_OK;
    party->parked = false;
    CLEANUP(buffer_done) struct buffer copy = {0};
    TRY(buffer_append(&copy, bytes));
    if (is_lost(cohort, to, &copy)) return RESULT_OK;
    if (to == 1) cohort->carried[copy.data[1]] += copy.length;
    if (cohort->hooks.reply && !cohort->hooks.reply(cohort->hooks.context, cohort, to, &copy)) return RESULT_OK;
    if (!party->up || !party->waiting) return RESULT_OK;
    struct input input = {.kind = INPUT_MESSAGE, .bytes = buffer_view(&copy)};
    return step(cohort, to, &input);
}

static struct result send(struct cohort *cohort, unsigned number, const struct effect *effect)
{
    if (number == 0) return deliver_reply(cohort, effect->to, buffer_view(&effect->bytes));
    struct cohort_party *party = &cohort->parties[number];
    buffer_clear(&party->request);
    TRY(buffer_append(&party->request, buffer_view(&effect->bytes)));
    party->waiting = true;
    party->delivered = false;
    return RESULT_OK;
}

static struct result carry_out(struct cohort *cohort, unsigned number, struct effects *effects)
{
    struct cohort_party *party = &cohort->parties[number];
    bool persist = false;
    for (size_t i = 0; i < effects->count; i++) persist = persist || effects->items[i].kind == EFFECT_PERSIST;
    if (persist) {
        bool crash = ++cohort->batches == cohort->crash_at;
        TRY(records_commit(&party->records, effects, crash ? cohort->crash_stage : RECORDS_ALL));
        if (crash) return cohort->crash_all ? cohort_start_all(cohort) : cohort_start(cohort, number);
    }
    for (size_t i = 0; i < effects->count; i++) {
        struct effect *effect = &effects->items[i];
        if (effect->kind == EFFECT_SEND) TRY(send(cohort, number, effect));
        if (effect->kind == EFFECT_SET_TIMER) cohort->timer = effect->at;
        if (effect->kind == EFFECT_DONE) party->done = true;
        if (effect->kind == EFFECT_FAIL) {
            party->failed = true;
            party->waiting = false;
            note(party->reason, sizeof party->reason, buffer_view(&effect->bytes));
        }
        if (effect->kind == EFFECT_EVENT) {
            TRY(buffer_append(&cohort->events, buffer_view(&effect->bytes)));
            TRY(buffer_u8(&cohort->events, '\n'));
        }
        if (effect->kind == EFFECT_CONTRIBUTE) TRY(contribute(cohort, number));
    }
    if (!persist) return RESULT_OK;
    struct input persisted = {.kind = INPUT_PERSISTED};
    return step(cohort, number, &persisted);
}

/* What a batch's end does belongs to the message that made the batch. */
static void count_time(struct cohort *cohort, unsigned number, const struct input *input, double began)
{
    if (!cohort->clock || number > 1) return;
    unsigned *cause = &cohort->cause[number];
    if (input->kind == INPUT_CONTRIBUTION) *cause = 0;
    if (input->kind == INPUT_MESSAGE && input->bytes.length >= 2 && input->bytes.data[1] < MESSAGE_KINDS_END)
        *cause = input->bytes.data[1];
    cohort->spent[number][*cause] += cohort->clock() - began;
}

static struct result step(struct cohort *cohort, unsigned number, const struct input *given)
{
    struct cohort_party *party = &cohort->parties[number];
    struct input input = *given;
    input.now = cohort->now;
    struct effects effects = {0};
    if (number && input.kind == INPUT_MESSAGE) party->waiting = false;
    if (cohort->hooks.around) cohort->hooks.around(cohort->hooks.context, number, true);
    double began = cohort->clock ? cohort->clock() : 0;
    struct result result = number ? secagg_node_step(party->node, &input, &effects)
                                  : secagg_coordinator_step(cohort->coordinator, &input, &effects);
    count_time(cohort, number, &input, began);
    if (cohort->hooks.around) cohort->hooks.around(cohort->hooks.context, number, false);
    if (result_ok(result)) {
        result = carry_out(cohort, number, &effects);
    } else if (result.category == CATEGORY_PEER) {
        party->refused++;
        (void)snprintf(party->refusal, sizeof party->refusal, "%s", result_reason());
        if (number && input.kind == INPUT_MESSAGE) party->waiting = true;
        result = effects.count ? carry_out(cohort, number, &effects) : RESULT_OK; /* its evidence */
    } else if (result.category == CATEGORY_ENVIRONMENT && cohort->revives) {
        result = cohort_start(cohort, number);
    }
    effects_clear(&effects);
    return result;
}

struct result cohort_feed(struct cohort *cohort, unsigned to, unsigned from, struct view bytes)
{
    struct input input = {.kind = INPUT_MESSAGE, .from = from, .bytes = bytes};
    return step(cohort, to, &input);
}

struct result cohort_cancel(struct cohort *cohort, unsigned number, const char *reason)
{
    struct input input = {.kind = INPUT_CANCEL, .bytes = view_text(reason)};
    return step(cohort, number, &input);
}

void cohort_stop(struct cohort *cohort, unsigned number)
{
    struct cohort_party *party = &cohort->parties[number];
    party->up = party->waiting = party->delivered = false;
    if (number == 0) {
        secagg_coordinator_free(cohort->coordinator);
        cohort->coordinator = NULL;
        for (unsigned i = 1; i <= cohort->config.banks; i++)
            cohort->parties[i].parked = cohort->parties[i].delivered = false;
        return;
    }
    party->parked = false;
    secagg_node_free(party->node);
    party->node = NULL;
}

static struct result new_node(struct cohort *cohort, unsigned number)
{
    struct cohort_party *party = &cohort->parties[number];
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct random_source *random = NULL;
    TRY(secret_new(RANDOM_SEED_BYTES, &seed));
    random_draw(cohort->random, secret_bytes(seed), RANDOM_SEED_BYTES);
    TRY(random_source_new(seed, &random));
    struct record_source records = records_source(&party->records);
    struct result loaded = node_counters_load(&records, &cohort->roster, &party->counters);
    if (!result_ok(loaded)) {
        random_source_free(random);
        return loaded;
    }
    struct secagg_node_config config = {
        .terms = &cohort->terms,
        .position = number,
        .key = cohort->keys[number],
        .random = random,
        .counters = &party->counters,
        .records = records,
        .table_hash = party->table_hash,
        .epoch_rounds = cohort->config.epoch_rounds,
        .source = party->source ? party->source : "customers",
        .approvals = party->approvals,
        .approvals_count = party->approvals_count,
        .cohort_change_approved = party->cohort_change_approved,
        .psk = cohort->psk_rows ? cohort->psk_rows + (size_t)number * (cohort->config.banks + 1) : NULL,
    };
    return secagg_node_new(&config, &party->node);
}

struct result cohort_start(struct cohort *cohort, unsigned number)
{
    cohort_stop(cohort, number);
    if (number == 0) {
        struct secagg_coordinator_config config = {
            .terms = &cohort->terms,
            .key = cohort->keys[0],
            .records = records_source(&cohort->parties[0].records),
            .epoch_rounds = cohort->config.epoch_rounds,
        };
        TRY(secagg_coordinator_new(&config, &cohort->coordinator));
    } else {
        TRY(new_node(cohort, number));
    }
    cohort->parties[number].up = true;
    struct input start = {.kind = INPUT_START};
    return step(cohort, number, &start);
}

struct result cohort_start_all(struct cohort *cohort)
{
    TRY(cohort_start(cohort, 0));
    const struct members *members = &cohort->terms.cohort;
    for (unsigned i = members_next(members, 0); i; i = members_next(members, i)) TRY(cohort_start(cohort, i));
    return RESULT_OK;
}

/* ---- carrying messages */

static struct result attest(struct cohort *cohort, unsigned number, bool *ret_moved)
{
    struct view request;
    struct cohort_party *party = &cohort->parties[number];
    if (!party->up || !secagg_coordinator_attest_request(cohort->coordinator, number, &request)) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer answer = {0};
    TRY(secagg_attest(cohort->keys[number], number, &cohort->roster, &party->counters, request, &answer));
    struct effects effects = {0};
    struct result result = secagg_coordinator_attested(cohort->coordinator, number, buffer_view(&answer), &effects);
    if (result_ok(result)) result = carry_out(cohort, 0, &effects);
    effects_clear(&effects);
    *ret_moved = true;
    return result;
}

static struct result deliver_request(struct cohort *cohort, unsigned number, bool *ret_moved)
{
    struct cohort_party *party = &cohort->parties[number];
    if (!party->up || !party->waiting || party->delivered) return RESULT_OK;
    party->delivered = true;
    *ret_moved = true;
    CLEANUP(buffer_done) struct buffer copy = {0};
    TRY(buffer_append(&copy, buffer_view(&party->request)));
    if (is_lost(cohort, number, &copy)) return RESULT_OK;
    if (number == 1) cohort->carried[copy.data[1]] += copy.length;
    if (cohort->hooks.request && !cohort->hooks.request(cohort->hooks.context, cohort, number, &copy)) return RESULT_OK;
    party->parked = true;
    return cohort_feed(cohort, 0, number, buffer_view(&copy));
}

struct result cohort_pump(struct cohort *cohort)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (unsigned i = 1; i <= cohort->config.banks && cohort->parties[0].up; i++) {
            TRY(deliver_request(cohort, i, &moved));
            if (cohort->parties[0].up) TRY(attest(cohort, i, &moved));
        }
    }
    return RESULT_OK;
}

void cohort_repeat(struct cohort *cohort)
{
    for (unsigned i = 1; i <= cohort->config.banks; i++) cohort->parties[i].delivered = false;
}

struct result cohort_timer(struct cohort *cohort)
{
    ENSURE(cohort->timer, CATEGORY_FALSE, "no timer is set");
    if (cohort->timer > cohort->now) cohort->now = cohort->timer;
    cohort->timer = 0;
    struct input input = {.kind = INPUT_TIMER};
    return step(cohort, 0, &input);
}

bool cohort_all_done(const struct cohort *cohort)
{
    const struct members *members = &cohort->terms.cohort;
    for (unsigned i = members_next(members, 0); i; i = members_next(members, i))
        if (!cohort->parties[i].done) return false;
    return cohort->parties[0].done;
}

struct result cohort_settle(struct cohort *cohort)
{
    for (unsigned turn = 0; turn < 12 && !cohort_all_done(cohort); turn++) {
        TRY(cohort_pump(cohort));
        cohort_repeat(cohort);
    }
    return cohort_pump(cohort);
}

struct result cohort_run(struct cohort *cohort)
{
    TRY(cohort_start_all(cohort));
    return cohort_settle(cohort);
}

void cohort_lose(struct cohort *cohort, enum message_kind kind, unsigned bank, bool lose)
{
    for (unsigned i = 1; i <= cohort->config.banks; i++) {
        if (bank && i != bank) continue;
        if (lose)
            members_add(&cohort->lost[kind], i);
        else
            members_remove(&cohort->lost[kind], i);
    }
}

struct result cohort_sign(const struct cohort *cohort, unsigned signer, const char *kind, enum wire_type type,
                          const void *body, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(wire_encode(type, body, &bytes));
    struct wire_signed message = {.body = buffer_view(&bytes), .signer = signer};
    TRY(sign_bytes(cohort->keys[signer], kind, message.body, &message.signature));
    return wire_signed_encode(&message, out);
}

struct result cohort_cosign(const struct cohort *cohort, unsigned signer, const struct run_log *before,
                            struct wire_close *vote)
{
    struct run_log log = *before;
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(run_log_add(&log, vote));
    TRY(run_log_text(&log, &cohort->coordinator->run.id, &text));
    return note_cosignature_make(buffer_view(&text), cohort->keys[signer], vote->time, &vote->cosignature);
}

void cohort_explain(const struct cohort *cohort)
{
    for (unsigned i = 0; i <= cohort->config.banks; i++) {
        const struct cohort_party *party = &cohort->parties[i];
        const char *phase = !party->up ? "down"
                            : i        ? secagg_node_phase(party->node)
                                       : secagg_coordinator_phase(cohort->coordinator);
        print_error("party %u: %s%s%s%s%s\n", i, phase, party->refusal[0] ? "; refused: " : "", party->refusal,
                    party->reason[0] ? "; ended: " : "", party->reason);
    }
    print_error("%.*s", (int)cohort->events.length, (const char *)cohort->events.data);
}

void cohort_assert_done(const struct cohort *cohort, const struct members *members)
{
    uint64_t expected = cohort_expected(cohort, members);
    bool good = cohort_all_done(cohort) && cohort_value(secagg_coordinator_fold(cohort->coordinator)) == expected;
    const struct members *banks = &cohort->terms.cohort;
    for (unsigned i = members_next(banks, 0); i && good; i = members_next(banks, i))
        good = cohort_value(secagg_node_fold(cohort->parties[i].node)) == expected;
    if (!good) cohort_explain(cohort);
    assert_true(good);
}

bool cohort_event(const struct cohort *cohort, const char *part)
{
    return cohort->events.length && memmem(cohort->events.data, cohort->events.length, part, strlen(part)) != NULL;
}

#include "tests/sim/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/sim/rules.h"

struct result oracle_init(struct oracle *oracle, struct consortium *consortium, const struct scenario *scenario)
{
    *oracle = (struct oracle){.consortium = consortium, .scenario = scenario};
    TRY(knowledge_init(&oracle->knowledge, scenario->banks));
    TRY(fold_start(consortium->submission.terms.plan, consortium->submission.terms.task, &oracle->reference));
    size_t parties = scenario->banks + 1u;
    oracle->inputs = calloc(parties, sizeof *oracle->inputs);
    oracle->input_step = calloc(parties, sizeof *oracle->input_step);
    oracle->fold_steps = calloc(parties, sizeof *oracle->fold_steps);
    oracle->shut_out = calloc(parties, sizeof *oracle->shut_out);
    ENSURE(oracle->inputs && oracle->input_step && oracle->fold_steps && oracle->shut_out, CATEGORY_ENVIRONMENT,
           "out of memory");
    return RESULT_OK;
}

void oracle_done(struct oracle *oracle)
{
    for (unsigned i = 0; oracle->inputs && i <= oracle->scenario->banks; i++) free(oracle->inputs[i]);
    free(oracle->inputs);
    free(oracle->input_step);
    free(oracle->fold_steps);
    free(oracle->shut_out);
    free(oracle->truths);
    free(oracle->said);
    fold_done(&oracle->reference);
    knowledge_done(&oracle->knowledge);
    *oracle = (struct oracle){0};
}

/* ---- sums: nobody advances on a sum that is not the sum */

static struct result take_input(struct oracle *oracle, unsigned bank, const struct input *input)
{
    const struct secagg_node *node = oracle->consortium->parties[bank].node;
    size_t bytes = (size_t)input->words_count * sizeof *input->words;
    bool known = oracle->inputs[bank] && oracle->input_step[bank] == node->fold.step;
    if (oracle->scenario->private && !node->noise.values) return RESULT_OK; /* lost: nothing is masked */
    uint64_t *words = malloc(bytes);
    ENSURE(words, CATEGORY_ENVIRONMENT, "out of memory");
    memcpy(words, input->words, bytes);
    if (oracle->scenario->private) layout_add_noise(&node->fold.layout, node->noise.values, words);
    bool same = known && memcmp(oracle->inputs[bank], words, bytes) == 0;
    free(oracle->inputs[bank]);
    oracle->inputs[bank] = words;
    oracle->input_step[bank] = node->fold.step;
    return known && !same ? rules_another_input(oracle, bank) : RESULT_OK;
}

/* The first bank that closed a step says over whom; the sum over them in the clear says what must come out. */
static struct result advance_reference(struct oracle *oracle, const struct members *survivors)
{
    struct fold *reference = &oracle->reference;
    uint64_t words = reference->words, step = reference->step;
    uint64_t *sum = calloc(words, sizeof *sum);
    struct result result = sum ? RESULT_OK : FAIL(CATEGORY_ENVIRONMENT, "out of memory");
    for (unsigned i = members_next(survivors, 0); result_ok(result) && i; i = members_next(survivors, i)) {
        if (!oracle->inputs[i] || oracle->input_step[i] != step)
            result = FAIL(CATEGORY_FALSE, "a sum of step %llu closed over bank %u, which has no input to it",
                          (unsigned long long)step, i);
        for (uint64_t k = 0; result_ok(result) && k < words; k++) sum[k] += oracle->inputs[i][k];
    }
    if (result_ok(result)) result = fold_advance(reference, sum, words);
    free(sum);
    TRY(result);
    struct truth *truths = realloc(oracle->truths, (size_t)(step + 1) * sizeof *truths);
    ENSURE(truths, CATEGORY_ENVIRONMENT, "out of memory");
    truths[step] = (struct truth){*survivors, reference->state_hash};
    oracle->truths = truths;
    oracle->steps = step + 1;
    oracle->closed++;
    return RESULT_OK;
}

/* Of many banks that check samples each may miss a false chunk now and then, and not act on the state it gave a CLOSE
 * vote to; with t - f of 2 a bank misses one in 2^20. */
static bool may_miss(const struct oracle *oracle)
{
    const struct thresholds *thresholds = &oracle->knowledge.thresholds;
    return oracle->scenario->samples && thresholds->t - thresholds->f > 2;
}

static struct result check_fold(struct oracle *oracle, unsigned number)
{
    const struct consortium *consortium = oracle->consortium;
    const struct secagg_node *node = consortium->parties[number].node;
    const struct fold *fold = number ? &node->fold : secagg_coordinator_fold(consortium->coordinator);
    if (!fold || fold->step == 0 || oracle->fold_steps[number] == fold->step) return RESULT_OK;
    oracle->fold_steps[number] = fold->step;
    uint64_t step = fold->step - 1;
    unsigned long long at = (unsigned long long)step;
    if (step == oracle->steps) {
        ENSURE(number, CATEGORY_FALSE, "the coordinator closed step %llu before any bank did", at);
        TRY(advance_reference(oracle, &node->closed.survivors));
    }
    ENSURE(step < oracle->steps, CATEGORY_FALSE, "party %u is at step %llu, which nobody closed", number, at + 1);
    const struct truth *truth = &oracle->truths[step];
    ENSURE(hash_equal(&fold->state_hash, &truth->state) || (number && may_miss(oracle)), CATEGORY_FALSE,
           "party %u advanced step %llu on a sum that is not the sum", number, at);
    if (number && node->closed.step == step)
        ENSURE(members_equal(&node->closed.survivors, &truth->survivors), CATEGORY_FALSE,
               "party %u closed step %llu over other banks", number, at);
    return RESULT_OK;
}

/* ---- secrets */

static struct result learn(struct oracle *oracle, const struct secagg_node *node)
{
    if (!node || !node->deal.arena || node->state < NODE_P1 || node->state > NODE_READY) return RESULT_OK;
    TRY(knowledge_learn_own(&oracle->knowledge, &node->deal, node->epoch.first));
    if (node->state < NODE_ACK) return RESULT_OK;
    return knowledge_learn_held(&oracle->knowledge, &node->deal, node->epoch.first);
}

/* ---- old disks: any t - 1 others include one that knows better */

static void see_start(struct oracle *oracle, unsigned bank)
{
    const struct party *parties = oracle->consortium->parties;
    const struct thresholds *thresholds = &oracle->knowledge.thresholds;
    unsigned better = 0;
    for (unsigned j = 1; j <= oracle->scenario->banks; j++)
        better += j != bank && parties[j].up && parties[j].counters.held[bank] > parties[bank].counters.mine;
    oracle->shut_out[bank] = better > thresholds->n - thresholds->t;
}

static struct result check_aged(const struct oracle *oracle, unsigned bank)
{
    ENSURE(!oracle->shut_out[bank] || !oracle->consortium->parties[bank].node->joined, CATEGORY_FALSE,
           "bank %u joined from a disk that is older than its last message", bank);
    return RESULT_OK;
}

/* ---- */

static struct result see_effect(struct oracle *oracle, unsigned number, const struct effect *effect)
{
    struct view bytes = buffer_view(&effect->bytes);
    if (number && effect->kind == EFFECT_PERSIST) return rules_persisted(oracle, number, effect);
    if (effect->kind != EFFECT_SEND) return RESULT_OK;
    if (number == 0) return oracle->consortium->parties[0].aged ? RESULT_OK : rules_replied(oracle, bytes);
    TRY(knowledge_sent(&oracle->knowledge, number, bytes));
    return rules_sent(oracle, number, bytes);
}

struct result oracle_stepped(void *context, struct consortium *consortium, unsigned number, const struct input *input,
                             struct result result, const struct effects *effects)
{
    struct oracle *oracle = context;
    const struct party *party = &consortium->parties[number];
    if (result.category == CATEGORY_PEER) oracle->refused++;
    if (!result_ok(result)) return RESULT_OK; /* a refusal changes nothing; any other failure ends the run here */
    if (input->kind == INPUT_CONTRIBUTION) TRY(take_input(oracle, number, input));
    if (number && input->kind == INPUT_START) see_start(oracle, number);
    if (number && party->aged) return check_aged(oracle, number);
    if (input->kind == INPUT_START) {
        oracle->fold_steps[number] = 0;
        if (number && oracle->scenario->samples) party->node->close_full_bytes = 0;
    }
    if (number) TRY(learn(oracle, party->node));
    TRY(check_fold(oracle, number));
    for (size_t i = 0; i < effects->count; i++) TRY(see_effect(oracle, number, &effects->items[i]));
    return RESULT_OK;
}

/* ---- the end */

/* Whether a reason names this party. */
static bool names(const char *reason, const struct party *party)
{
    return strstr(reason, party->name) != NULL;
}

/* A run that goes on without silent banks needs them for an epoch's keys alone. */
static bool is_waited_for(const struct oracle *oracle, const char *reason)
{
    const struct thresholds *thresholds = &oracle->knowledge.thresholds;
    return !oracle->scenario->goes_on || oracle->scenario->gone > thresholds->n - thresholds->t ||
           strstr(reason, "collecting keys") || strstr(reason, "collecting shares") ||
           strstr(reason, "collecting acknowledgements");
}

/* A run may end before its last step because of a bank that was started from an old disk, or of one that stays away
 * beyond the deadline; and it says so. A coordinator that was may end it for whatever it forgot. */
static struct result check_reason(const struct oracle *oracle, const struct party *party)
{
    const struct consortium *consortium = oracle->consortium;
    bool named = false;
    for (unsigned i = 0; i <= consortium->members; i++) {
        const struct party *other = &consortium->parties[i];
        bool gone = oracle->scenario->gone_at[i] != 0 && is_waited_for(oracle, party->reason);
        named = named || names(party->reason, other);
        if ((other->aged || other->bereft || gone) && (names(party->reason, other) || other == party)) return RESULT_OK;
    }
    if (consortium->parties[0].aged || oracle->scenario->adversary)
        return named ? RESULT_OK : FAIL(CATEGORY_FALSE, "%s ended, naming nobody: %s", party->name, party->reason);
    return FAIL(CATEGORY_FALSE, "%s ended a run that had no reason to end: %s", party->name, party->reason);
}

static struct result check_secrets_gone(const struct party *party)
{
    ENSURE(party->records.maps[1][0].count == 0, CATEGORY_FALSE, "%s is through with the run and keeps secrets of it",
           party->name);
    return RESULT_OK;
}

struct result oracle_over(struct oracle *oracle)
{
    const struct consortium *consortium = oracle->consortium;
    for (unsigned i = 0; i <= consortium->members; i++) {
        const struct party *party = &consortium->parties[i];
        if (party->ended) TRY(check_reason(oracle, party));
        if (i && (party->done || party->ended)) TRY(check_secrets_gone(party));
        if (!party->done || party->aged) continue;
        const struct fold *fold = i ? secagg_node_fold(party->node) : secagg_coordinator_fold(consortium->coordinator);
        ENSURE(fold->finished && oracle->reference.finished &&
                   hash_equal(&fold->state_hash, &oracle->reference.state_hash),
               CATEGORY_FALSE, "%s is done with another state than the true one", party->name);
    }
    return RESULT_OK;
}

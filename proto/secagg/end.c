/* The end before the end: a bank refuses the run and is named, or the coordinator ends it; either says why. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"

/* Reasons travel as plain ASCII. */
static struct view plain(char *text)
{
    for (char *at = text; *at; at++)
        if (*at < 0x20 || *at >= 0x7f) *at = '?';
    if (!*text) (void)snprintf(text, 2, "?");
    return view_text(text);
}

bool secagg_plan_fails(struct view reason)
{
    size_t length = strlen(SECAGG_PLAN_FAILS);
    return reason.length > length && memcmp(reason.data, SECAGG_PLAN_FAILS, length) == 0;
}

/* ---- node */

/* A run that this bank has left leaves nothing that could open a round of it. */
static struct result leave(struct secagg_node *node, struct effects *effects)
{
    TRY(node_erase_secrets(node, effects));
    deal_done(&node->deal);
    return RESULT_OK;
}

struct result node_refuse(struct secagg_node *node, struct effects *effects, const char *format, ...)
{
    char text[WIRE_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_clear(&node->reason);
    TRY(buffer_append(&node->reason, plain(text)));
    node->state = NODE_ENDING;
    check_done(&node->check);
    TRY(effect_event(effects, "this bank ends the run: %s", text));
    /* Before others have attested how far this bank's counter stands, it must not rise: a state directory from the past
     * would count itself up past what it forgot. */
    uint64_t counter = node->joined ? node_count(node) : node->config.counters->mine;
    struct wire_end end = {.run = node->run.id, .counter = counter, .reason = buffer_view(&node->reason)};
    buffer_clear(&node->refusal);
    TRY(node_sign(node, "end", WIRE_END, &end, &node->refusal));
    TRY(leave(node, effects));
    return effect_persist(effects, KEEP_RUN, buffer_view(&node->reason), "refused");
}

struct result end_take(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                       struct effects *effects)
{
    struct signed_body body;
    TRY(signed_verify(&node->run, "end", WIRE_END, &message->one, arena, &body));
    ENSURE(body.message.signer == 0, CATEGORY_PEER, "the end of the run, signed by %s",
           run_member(&node->run, body.message.signer));
    if (!node->reason.length) TRY(buffer_append(&node->reason, body.end.reason));
    node->state = NODE_ENDED;
    TRY(leave(node, effects));
    TRY(effect_persist(effects, KEEP_RUN, message->payload, "end")); /* as the coordinator signed it */
    return effect_persist(effects, KEEP_RUN, buffer_view(&node->reason), "ended");
}

/* This bank wanted out when the run was finished already: it leaves with its own reason, and ends nobody's run. */
struct result end_take_finished(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                struct effects *effects)
{
    (void)message;
    (void)arena;
    node->state = NODE_ENDED;
    return effect_persist(effects, KEEP_RUN, buffer_view(&node->reason), "ended");
}

/* ---- coordinator */

struct result coordinator_end(struct secagg_coordinator *coordinator, struct effects *effects, const char *format, ...)
{
    char text[WIRE_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_clear(&coordinator->reason);
    TRY(buffer_append(&coordinator->reason, plain(text)));
    struct wire_end end = {
        .run = coordinator->run.id, .reason = buffer_view(&coordinator->reason), .round = coordinator->last};
    struct hash checkpoint;
    TRY(run_log_checkpoint(&coordinator->log, &coordinator->run.id, &checkpoint));
    TRY(ctx_end_proof(buffer_view(&coordinator->retry), buffer_view(&coordinator->refusal), &checkpoint, &end.proof));
    buffer_clear(&coordinator->ended);
    TRY(coordinator_sign(coordinator, "end", WIRE_END, &end, &coordinator->ended));
    coordinator->phase = PHASE_ENDED;
    return effect_persist(effects, KEEP_RUN, buffer_view(&coordinator->ended), "ended");
}

/* A model that cannot be written is told where it is asked for. */
struct result coordinator_done(struct secagg_coordinator *coordinator, struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer done = {0};
    const struct wire_end end = {.run = coordinator->run.id,
                                 .reason = view_text("the run is done"),
                                 .round = coordinator->last,
                                 .proof = coordinator->model};
    if (hash_is_zero(&end.proof)) return RESULT_OK;
    TRY(coordinator_sign(coordinator, "done", WIRE_END, &end, &done));
    return effect_persist(effects, KEEP_RUN, buffer_view(&done), "done");
}

struct result end_take_refusal(struct secagg_coordinator *coordinator, unsigned from, const struct message *message,
                               struct wire_arena *arena, struct effects *effects)
{
    struct signed_body body;
    TRY(coordinator_read(coordinator, from, "end", WIRE_END, &message->one, arena, &body));
    if (coordinator->phase == PHASE_ENDED || coordinator->phase == PHASE_FINISHED) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer reason = {0};
    const char *text = NULL;
    TRY(buffer_append(&reason, body.end.reason));
    TRY(buffer_terminate(&reason, &text));
    TRY(buffer_append(&coordinator->refusal, message->payload));
    TRY(effect_persist(effects, KEEP_RUN, message->payload, "refusal"));
    return coordinator_end(coordinator, effects, "%s ended the run: %s", run_member(&coordinator->run, from), text);
}

struct result end_answer_refusal(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    if (coordinator->phase != PHASE_FINISHED) return RESULT_OK;
    return coordinator_reply(coordinator, member, MESSAGE_FINISHED, buffer_view(&coordinator->close), effects);
}

struct result end_answer(struct secagg_coordinator *coordinator, unsigned member, struct effects *effects)
{
    return coordinator_reply(coordinator, member, MESSAGE_ENDED, buffer_view(&coordinator->ended), effects);
}

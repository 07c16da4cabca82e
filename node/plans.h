/* cofferdam-node plans, approve, deny: the commands, and what the running node answers them. */
#ifndef NODE_PLANS_H
#define NODE_PLANS_H

#include <jansson.h>

#include "node/bank.h"
#include "sys/program.h"

/* What the node answers: the runs and where they stand with the policy and the officers; the officers' words. */
MUST_USE struct result plans_list(struct bank *bank, json_t **ret);
/* Takes an officer's signed word, {"document": "..."}; the runs that a denial is about are refused at once. */
MUST_USE struct result plans_take(struct bank *bank, const json_t *request, json_t **ret);

/* node/officer_commands.c: what people type. */
MUST_USE struct result command_plans(const struct program_words *words);
MUST_USE struct result command_approve(const struct program_words *words);
MUST_USE struct result command_deny(const struct program_words *words);

#endif

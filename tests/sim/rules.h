/* What a bank may send, given all that it and the others sent before (the rules a node keeps, docs/protocol.md). */
#ifndef TESTS_SIM_RULES_H
#define TESTS_SIM_RULES_H

#include "tests/sim/oracle.h"

/* CATEGORY_FALSE when the message breaks a rule; then it is part of what was said. */
MUST_USE struct result rules_sent(struct oracle *oracle, unsigned bank, struct view bytes);
/* The same of a reply of the coordinator's. */
MUST_USE struct result rules_replied(struct oracle *oracle, struct view bytes);
/* What a bank makes durable: a certificate that it took. */
MUST_USE struct result rules_persisted(struct oracle *oracle, unsigned bank, const struct effect *effect);

/* A bank masks another input to a step than before. */
MUST_USE struct result rules_another_input(struct oracle *oracle, unsigned bank);

#endif

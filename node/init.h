/* cofferdam-node init: the files to begin with. */
#ifndef NODE_INIT_H
#define NODE_INIT_H

#include "sys/program.h"

/* DIR/node.yaml and DIR/policy.yaml; neither may exist. The policy allows nothing yet. */
MUST_USE struct result bank_init(const struct program_words *words);

#endif

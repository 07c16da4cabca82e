/* Hooks that make bank 2 of a cohort lie, with its own key. For cohort_hooks.request. */
#ifndef TESTS_SUPPORT_LIARS_H
#define TESTS_SUPPORT_LIARS_H

#include "tests/support/cohort.h"

/* Replaces a request by this one, signed by `signer`. */
void liar_replace(struct cohort *cohort, unsigned signer, enum message_kind kind, const char *label,
                  enum wire_type type, const void *body, struct buffer *bytes);

struct liar_share {
    unsigned dealer; /* whose share it is */
    uint64_t round;  /* 0: every one */
};
/* Bank 2 releases a share that was not dealt to it. context: a struct liar_share. */
bool liar_false_share(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes);
/* Bank 2 commits to another a than the one it deals shares of. No context. */
bool liar_false_deal(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes);

#endif

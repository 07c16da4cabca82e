/* A small run held up in each of its stages: what the fuzz targets of the machines start from, and what their corpus is
 * made of. The same seed gives the same keys, so a recorded message is a valid one in its stage. */
#ifndef TESTS_SUPPORT_STAGES_H
#define TESTS_SUPPORT_STAGES_H

#include "tests/support/cohort.h"

/* Stage k holds the run up by losing one kind of message: of everyone (replies, at a node), or of bank 1 alone
 * (requests, at the coordinator). Bank 1 is the one that is fed. */
struct stage {
    enum message_kind kind;
    enum wire_type type; /* of the signed bodies within */
    const char *label;   /* of their signatures */
    unsigned signer;     /* whose they are; 0 = the coordinator */
};
extern const struct stage stage_replies[], stage_requests[];
extern const size_t stage_replies_count, stage_requests_count;

/* What is lost to hold a run up in the stage of a kind: where such a message never comes in an undisturbed run, its
 * receiver waits for another. */
enum message_kind stage_held_up_by(enum message_kind kind);
MUST_USE struct result stage_reach(struct cohort *cohort, const struct stage *stage, bool reply);
/* A message of the stage's kind around a signed body, in the place where such a message has one. */
MUST_USE struct result stage_wrap(const struct cohort *cohort, const struct stage *stage, struct view body,
                                  struct buffer *out);

#endif

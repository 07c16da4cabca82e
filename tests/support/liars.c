#include "tests/support/liars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/node.h"
#include "tests/support/ok.h"

enum { LIAR = 2 };

void liar_replace(struct cohort *cohort, unsigned signer, enum message_kind kind, const char *label,
                  enum wire_type type, const void *body, struct buffer *bytes)
{
    struct buffer one = {0};
    OK(cohort_sign(cohort, signer, label, type, body, &one));
    buffer_clear(bytes);
    OK(message_wrap(kind, buffer_view(&one), bytes));
    buffer_done(&one);
}

bool liar_false_share(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    const struct liar_share *which = context;
    if (from != LIAR || bytes->data[1] != MESSAGE_RELEASE) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_r3 r3;
    OK(message_decode(buffer_view(bytes), cohort->config.banks, &arena, &message));
    OK(wire_r3_decode(message.one.body, cohort->config.banks, &arena, &r3));
    if (which->round && r3.round != which->round) return true;
    struct view shares[MEMBERS_MAX];
    uint8_t copy[1024];
    memcpy(shares, r3.shares.items, r3.shares.count * sizeof *shares);
    struct view *share = &shares[which->dealer - 1];
    memcpy(copy, share->data, share->length);
    copy[0] ^= 1;
    share->data = copy;
    r3.shares.items = shares;
    liar_replace(cohort, LIAR, MESSAGE_RELEASE, "r3", WIRE_R3, &r3, bytes);
    return true;
}

bool liar_false_deal(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)context;
    if (from != LIAR || bytes->data[1] != MESSAGE_P1) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_p1 p1;
    OK(message_decode(buffer_view(bytes), cohort->config.banks, &arena, &message));
    OK(wire_p1_decode(message.one.body, cohort->config.banks, &arena, &p1));
    uint8_t commitments[EPOCH_ROUNDS_MAX * 32];
    memcpy(commitments, p1.commitments.data, p1.commitments.length);
    commitments[0] ^= 1;
    p1.commitments.data = commitments;
    liar_replace(cohort, LIAR, MESSAGE_P1, "p1", WIRE_P1, &p1, bytes);
    struct buffer *own = &cohort->parties[LIAR].node->p1; /* the bank itself knows what it sent */
    buffer_clear(own);
    OK(buffer_append(own, view_of(bytes->data + 2, bytes->length - 2)));
    return true;
}

/* A run of three banks, played by bytes: what the fuzz targets of the machines share.
 *
 * One party is under test, bank 1 or the coordinator; the others play honestly, and beside them someone sends it what
 * the bytes say. Before each input the run is held up in one of its stages; then come operations: honest play goes
 * on, a message is made up, changed, changed and signed again, or repeated; parties are killed, batches are cut,
 * messages are lost, the clock moves. Aborts when the party under test breaks a rule that no input may make it break.
 */
#ifndef TESTS_SUPPORT_SEQUENCE_H
#define TESTS_SUPPORT_SEQUENCE_H

#include "tests/support/cohort.h"

/* An operation is its byte and what follows it; the byte counts modulo SEQUENCE_OPERATIONS. A kind is taken modulo the
 * kinds that the party under test gets. */
enum sequence_operation {
    SEQUENCE_GO,      /* unanswered requests are repeated, and everything that moves does */
    SEQUENCE_RAW,     /* length u16, bytes: a message of these bytes */
    SEQUENCE_EDIT,    /* kind, edits: the last message of a kind, changed */
    SEQUENCE_SIGNED,  /* kind, place, edits: a body signed within it is changed, and signed again */
    SEQUENCE_BODY,    /* kind, length u16, bytes: a message of a kind around a signed body of these bytes */
    SEQUENCE_REPLAY,  /* back: one of the last messages again */
    SEQUENCE_RESTART, /* party; its high bit: the secrets are gone */
    SEQUENCE_STOP,    /* party */
    SEQUENCE_CRASH,   /* how: one of the next batches is cut, and its party started again */
    SEQUENCE_LOSE,    /* kind: lost, or no longer */
    SEQUENCE_TIMER,
    SEQUENCE_CANCEL, /* party */
    SEQUENCE_OPERATIONS,
};

/* The first two bytes choose what is prepared (see prepare), the rest is operations. */
void sequence_run(bool at_node, const uint8_t *data, size_t size);

#endif

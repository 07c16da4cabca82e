/* Service messages: what a node and the coordinator say to each other outside the machines of a run.
 *
 * Every transport message, both ways, is one frame: "cofd" ‖ form u8 ‖ kind u8 ‖ run id (32 bytes, zeros where no run
 * is meant) ‖ payload. The form is 1 in every version of the protocol so far; a frame of another is refused with a
 * sentence that names both. The payload of SERVICE_RUN belongs to the run's machine and is not looked into here; the
 * others are decoded with limits on every field (CATEGORY_PEER). Who asks is known from TLS: no service message names
 * its sender.
 *
 *   a node asks                                     the coordinator replies
 *   RUN(run)     a machine's request                RUN with the machine's reply, WAIT, or ENDED
 *   SUBMIT       a submission                       ANSWER; frame.run is then the run's id
 *   POLL         the runs it knows                  OFFERS, at once when there is something new, else WAIT later
 *   REFUSE(run)  why it takes no part               ANSWER
 *   ATTEST(run)  the answer to a relayed request    ANSWER
 *   CANCEL(run)  why; from the submitter's node     ANSWER
 *   STATUS(run)  one run, or zeros for all          STATUS
 *   BUNDLE(run)  from which byte on; once it is over BUNDLE with a piece, or ANSWER why there is none
 * WAIT has no payload: nothing to say yet, ask again with the same bytes.
 */
#ifndef PROTO_RUN_SERVICE_H
#define PROTO_RUN_SERVICE_H

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "proto/run/members.h"

#define SERVICE_FORM 1u
#define SERVICE_REASON_MAX 1000u /* bytes of a sentence for people */
#define SERVICE_KNOWN_MAX 4096u  /* runs in one poll */
#define SERVICE_ITEMS_MAX 1024u  /* in one OFFERS; its writer stops well before MESSAGE_MAX */
#define SERVICE_STATUS_MAX 256u  /* runs in one status reply, the newest */
#define SERVICE_NONCE_BYTES 16

enum service_kind {
    SERVICE_WAIT = 0,
    SERVICE_RUN = 1,
    SERVICE_SUBMIT = 2,
    SERVICE_POLL = 3,
    SERVICE_OFFERS = 4,
    SERVICE_REFUSE = 5,
    SERVICE_ATTEST = 6,
    SERVICE_CANCEL = 7,
    SERVICE_STATUS = 8,
    SERVICE_ANSWER = 9,
    SERVICE_ENDED = 10, /* payload as in ANSWER: the run is over at the coordinator, and why */
    SERVICE_BUNDLE = 11,
};
struct service_frame {
    enum service_kind kind;
    struct hash run;
    struct view payload; /* borrowed */
};
MUST_USE struct result service_frame_write(enum service_kind kind, const struct hash *run, struct view payload,
                                           struct buffer *out); /* appended; run NULL = zeros */
MUST_USE struct result service_frame_read(struct view bytes, struct service_frame *ret);

/* SUBMIT's payload, and each offer: what run_terms needs beside roster, plan and task. Views are borrowed. */
struct service_submission {
    struct members cohort;
    unsigned submitter; /* roster position */
    uint8_t nonce[SERVICE_NONCE_BYTES];
    struct signature signature; /* the submitter's identity over the run id, kind "submit" */
    struct view plan_note;      /* at most DOCUMENT_MAX */
    unsigned version;           /* of the protocol, that the run keeps to; written from 2 on */
};
MUST_USE struct result service_submission_write(const struct service_submission *submission, struct buffer *out);
/* roster_size: of the pinned roster; a cohort of another size is refused, and so is a version that this program does
 * not know. One that it speaks no more is read: whoever replays a run needs it. */
MUST_USE struct result service_submission_read(struct view payload, unsigned roster_size,
                                               struct service_submission *ret);

/* POLL's payload: open runs that this node takes part in or has refused; all others of its cohorts are offered. */
struct service_poll {
    const struct hash *known;
    size_t known_count;
};
MUST_USE struct result service_poll_write(const struct service_poll *poll, struct buffer *out);
struct service_poll_reader {
    struct hash known[SERVICE_KNOWN_MAX];
    size_t known_count;
};
MUST_USE struct result service_poll_read(struct view payload, struct service_poll_reader *ret);

/* OFFERS' payload: submissions (each the payload of a SUBMIT), attestation requests to answer, runs that ended. */
enum service_item_kind { SERVICE_ITEM_OFFER = 1, SERVICE_ITEM_ATTEST = 2, SERVICE_ITEM_ENDED = 3 };
struct service_item {
    enum service_item_kind kind;
    struct hash run;
    struct view bytes; /* the submission, the attestation request, or the ANSWER payload of an ended run */
};
MUST_USE struct result service_item_write(const struct service_item *item, struct buffer *out); /* appends one */
/* Reads one item from the front; false at the end. */
MUST_USE struct result service_item_read(struct reader *reader, struct service_item *ret, bool *ret_got);

/* ANSWER's and ENDED's payload, and (with ok false) that of REFUSE and CANCEL: one sentence for people. */
struct service_answer {
    bool ok;
    char reason[SERVICE_REASON_MAX + 1]; /* UTF-8 without control characters */
};
MUST_USE struct result service_answer_write(const struct service_answer *answer, struct buffer *out);
MUST_USE struct result service_answer_read(struct view payload, struct service_answer *ret);

/* BUNDLE's payload as a request, and as a reply: how many bytes there are in all, and those from there on. */
#define SERVICE_BUNDLE_EARLY "the run is not over yet" /* ANSWER: ask again in a while */
#define SERVICE_PIECE_MAX ((size_t)4 << 20)
MUST_USE struct result service_piece_ask(uint64_t offset, struct buffer *out);
MUST_USE struct result service_piece_asked(struct view payload, uint64_t *ret_offset);
struct service_piece {
    uint64_t total;
    struct view bytes; /* none at the end */
};
MUST_USE struct result service_piece_write(const struct service_piece *piece, struct buffer *out);
MUST_USE struct result service_piece_read(struct view payload, struct service_piece *ret);

/* STATUS' reply: runs one after the other, as service_run_status_write appended them. */
enum service_run_state { SERVICE_RUN_OPEN = 1, SERVICE_RUN_DONE = 2, SERVICE_RUN_FAILED = 3 };
struct service_run_status {
    struct hash run;
    char plan[NAME_MAX_BYTES + 1];
    unsigned submitter;
    enum service_run_state state;
    struct members cohort;
    struct members awaited;             /* who has not yet answered what the run waits for */
    uint64_t submitted_at, since;       /* ms since the epoch; since: when the phase last changed */
    uint64_t step;                      /* sums taken */
    char phase[SERVICE_REASON_MAX + 1]; /* what the machine is doing, or why the run ended */
    char progress[SERVICE_REASON_MAX + 1];
};
MUST_USE struct result service_run_status_write(const struct service_run_status *status, struct buffer *out);
MUST_USE struct result service_run_status_read(struct reader *reader, unsigned roster_size,
                                               struct service_run_status *ret, bool *ret_got);

#endif

/* An evidence file while it is checked: shared by the files that judge one kind each. */
#ifndef PROTO_AUDIT_EVIDENCE_CASE_H
#define PROTO_AUDIT_EVIDENCE_CASE_H

#include "proto/audit/evidence.h"

struct evidence_case {
    struct evidence_report *report;
    struct view rest;        /* of the file */
    struct replay *replay;   /* roster and submission, checked as those of a bundle */
    struct run *run;         /* the replay's */
    struct wire_arena arena; /* what decoded messages point to */
    struct provision keys;
    struct wire_r0 terms;
    struct hash ctx;
};

/* The next entry, which must be of this kind. */
MUST_USE struct result case_next(struct evidence_case *file, enum evidence_entry kind, struct view *ret);
unsigned case_peek(const struct evidence_case *file); /* kind of the next entry; 0 at the end */
/* The next entry, a signed message of one of the kinds of enum evidence_message. */
MUST_USE struct result case_message(struct evidence_case *file, enum evidence_message *ret_which,
                                    struct signed_body *ret);
/* A signed message in the one encoding, of the coordinator (signer 0) or a bank. */
MUST_USE struct result case_signed(struct evidence_case *file, enum evidence_message which, struct view bytes,
                                   struct signed_body *ret);
/* The next entries: every P1 of an epoch, and the R0 of a round over them. */
MUST_USE struct result case_keys(struct evidence_case *file);
MUST_USE struct result case_terms(struct evidence_case *file);

/* The next entries: the certificate of a closed step, and the text of the checkpoint that its votes cosigned. */
MUST_USE struct result case_certified(struct evidence_case *file, struct wire_close *ret_closed, struct view *ret_text);

/* Fills the report. */
void case_blame(struct evidence_case *file, unsigned signer, uint32_t epoch, uint64_t round);
void case_checked(struct evidence_case *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define CASE_SAY(field, ...) ((void)snprintf((field), sizeof(field), __VA_ARGS__))
/* ", "-separated names, appended to a text of `size` bytes. */
void case_names(const struct evidence_case *file, const struct members *set, char *text, size_t size);
/* What was dropped from and added to the inputs of `before`, as a sentence; "" when nothing was. */
void case_difference(const struct evidence_case *file, const struct members *before, const struct members *after,
                     char *text, size_t size);

/* Judge one kind of file each: from the entry after the submission to the last. */
typedef struct result case_judge(struct evidence_case *file);
case_judge contradiction_judge, keys_judge;           /* evidence_contradiction.c */
case_judge checkpoints_judge;                         /* evidence_checkpoints.c */
case_judge terms_judge, proposal_judge, inputs_judge; /* evidence_terms.c */
case_judge secret_judge, sum_judge;                   /* evidence_sum.c */
case_judge share_judge, deal_judge;                   /* evidence_share.c */

#endif

/* Every limit of the system, in one place, each with its reason. */
#ifndef CRYPTO_BASE_LIMITS_H
#define CRYPTO_BASE_LIMITS_H

#include <stdint.h>

/* One piece of memory that a message, file or state may take: a model state of a million doubles fits eightfold. */
#define BUFFER_LIMIT ((size_t)1 << 30)

/* Banks in a roster. Headroom of every sum is computed for this many, so that fraction bits never depend on who is
 * there; the complete mask graph stays affordable below it. */
#define MEMBERS_MAX 1000u
/* Fewer cannot hide: with two, each subtracts itself. 3 and 4 need the plan's explicit word. */
#define COHORT_MIN 3u
#define COHORT_DEFAULT 5u

/* Rows one bank may bring: the overflow proof uses it; the plan may lower it. */
#define ROWS_MAX UINT64_C(1000000000)
#define ROWS_DEFAULT UINT64_C(10000000)
/* Columns after coding. The Gram matrix of 2,000 terms is 2 million words. */
#define FEATURES_MAX 1000u
#define LEVELS_MAX 1000u
#define TERMS_MAX 2000u

/* Words in one round's vector: 128 MiB a bank. */
#define SUM_WORDS_MAX ((uint64_t)1 << 24)
/* A keystream chunk (protocol.md, Encodings): 1 MiB, 131,072 words. */
#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNK_WORDS (CHUNK_BYTES / 8)

/* One transport message: a chunk or a provisioning bundle with room for its framing. */
#define MESSAGE_MAX ((size_t)16 << 20)
/* Rounds of one provisioning (an epoch's T), and of a run. */
#define EPOCH_ROUNDS 16u
#define EPOCH_ROUNDS_MAX 64u
#define EPOCHS_MAX 1000u
#define RUN_ROUNDS_MAX 10000u
/* Refused messages of a kind that a node keeps as evidence in a round: one proves it, a few tell how it went on. */
#define EVIDENCE_REFUSED_MAX 3u
/* Masked inputs that are kept in memory while a sum is checked, as proof should it be false: those of any sum that is
 * checked in full, and a chunk of each of 128 banks. A larger false sum is told without proof. */
#define EVIDENCE_INPUTS_MAX ((size_t)128 << 20)
/* An officer's approval as it is signed, and how many of them a bank shows the others of a run: a policy asks two
 * officers at most. */
#define APPROVAL_MAX_BYTES 1024u
#define APPROVALS_SHOWN_MAX 4u
/* Newton rounds a plan may ask for: tens are usual; with halvings and medians it stays under RUN_ROUNDS_MAX. */
#define TRAIN_ROUNDS_MAX 1000u

/* Text documents: a plan with a thousand features of a thousand short levels stays under it. */
#define DOCUMENT_MAX ((size_t)4 << 20)
#define NAME_MAX_BYTES 64u /* of a member, plan, column: fits a table cell and a file name */
#define LEVEL_MAX_BYTES 200u
#define FIELD_MAX_BYTES ((size_t)64 << 10) /* one CSV field */
/* A data file may have more columns than a plan uses; one record of it is held in memory. */
#define CSV_COLUMNS_MAX ((size_t)10000)
#define CSV_RECORD_MAX_BYTES ((size_t)8 << 20)

/* A line of a node's journal: the names of a thousand columns or members fit, were each of their bytes escaped. */
#define JOURNAL_LINE_MAX ((size_t)256 << 10)

/* Close recomputes the whole sum up to here, and samples chunks beyond (protocol.md, Close). */
#define CLOSE_FULL_BYTES ((uint64_t)64 << 20)

#endif

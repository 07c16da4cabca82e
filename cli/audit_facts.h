/* What a bundle tells about a run, gathered while it is replayed: for the report of an audit.
 *
 *   audit_facts.c        the observer: rosters, keys, rounds, the end
 *   audit_deviations.c   what was not as in a run in which nothing happens
 *   audit_approvals.c    which officers approved the run
 *   audit_privacy.c      what it cost of the banks' privacy
 *   audit_words.c        what the fields of a sum are for, in plain words
 *   audit_report_json.c  all of it as one JSON object; with audit_plan_json.c and audit_rounds_json.c
 *   audit_report*.c      the page, made of that object alone: page and JSON cannot differ
 */
#ifndef CLI_AUDIT_FACTS_H
#define CLI_AUDIT_FACTS_H

#include <jansson.h>

#include "analytics/json_text.h"
#include "proto/audit/replay.h"

/* Times that a reader should know of: between the votes on one step, and from one step to the next. */
#define CLOCKS_APART_MOST UINT64_C(300) /* seconds: clocks that are set agree better, and votes follow at once */
#define PAUSE_MOST UINT64_C(3600)

struct audit_field {
    const char *name; /* the task's static text */
    uint64_t numbers;
};
struct audit_round {
    uint64_t number, step;
    uint32_t epoch;
    enum bundle_kind decision; /* CHECKPOINT: closed; VOID; SUPERSEDED; R0 while it is open */
    struct members in;         /* U; nobody where none was certified */
    struct members voters;     /* who signed U, or VOID */
    struct members closers;    /* who checked the sum and signed it */
    uint64_t words;            /* 0: not known in this form */
    bool laid_out;             /* what the sum is for is known: */
    struct audit_field fields[LAYOUT_FIELDS_MAX];
    size_t fields_count;
    char progress[256];        /* where the fold stood before; "" where it is not known */
    uint64_t earliest, latest; /* CLOSE votes by the banks' own clocks */
    struct hash sum, state;
};
struct audit_keys {
    uint32_t epoch, before; /* before: the epoch in use until then; 0 for none */
    uint64_t first;
    uint32_t rounds;
};
struct audit_ending {
    unsigned signer;
    char reason[WIRE_REASON_MAX * 4 + 1]; /* printable */
};
/* A bank whose clock went back between two of its own votes. */
struct audit_clock {
    unsigned bank;
    uint64_t round, before, after;
};
struct audit_facts {
    const char *path;               /* the bundle's */
    const struct hash *fingerprint; /* that was asked for; NULL for none */
    bool holds;
    char reason[1024]; /* why it does not */
    struct hash file;  /* SHA-256 of the whole bundle */
    uint64_t bytes;
    struct replay *replay;  /* as far as it came; NULL when this is no bundle */
    struct roster *rosters; /* each version, oldest first */
    size_t rosters_count;
    struct audit_keys *keys;
    size_t keys_count;
    struct audit_round *rounds;
    size_t rounds_count;
    struct audit_ending *endings; /* a refusal, then END */
    size_t endings_count;
    struct audit_clock *clocks;
    size_t clocks_count;
    uint64_t *voted; /* by position: the time of a bank's last CLOSE vote */
};
void audit_facts_done(struct audit_facts *facts);
/* Replays the whole bundle. A bundle that does not hold, or is none, is a fact like others; what fails is a file that
 * cannot be read, or memory. ret points to path and fingerprint. */
MUST_USE struct result audit_facts_gather(const char *path, const struct hash *fingerprint, struct audit_facts *ret);

/* Names of a set's members, in roster order. */
json_t *audit_names(const struct audit_facts *facts, const struct members *set, struct tree *tree);
/* "2026-03-01 12:00:00 UTC"; seconds since 1970. */
enum { AUDIT_TIME_BYTES = 48 };
const char *audit_time(uint64_t seconds, char text[AUDIT_TIME_BYTES]);
/* Appends {kind, text} for each; nothing where there is nothing to tell. */
MUST_USE struct result audit_deviations(const struct audit_facts *facts, struct tree *tree, json_t *list);
/* Appends a sentence for each thing that changed from one version of a roster to the next. */
void audit_roster_changes(const struct roster *before, const struct roster *after, struct tree *tree, json_t *list);

/* "officers" or "policy": by whom the bank says it was approved; NULL where it made no keys for the run. */
const char *audit_approved_by(const struct replay *replay, unsigned position);
/* "approvals": every officer's, of each bank. */
void audit_approvals_json(const struct replay *replay, struct tree *tree, json_t *root);
/* A line for each bank of the cohort, appended; none before there are keys. */
MUST_USE struct result audit_approvals_text(const struct replay *replay, struct buffer *out);

/* audit_privacy.c: lines of `audit verify`; an object, or null where sums are exact. Of a bundle whose submission was
 * read. */
MUST_USE struct result audit_privacy_text(const struct replay *replay, struct buffer *out);
json_t *audit_privacy_json(const struct replay *replay);

/* What a field of a task's sums holds; its own name where there are no better words. */
const char *audit_field_words(const char *task, const char *field);
/* What a round with these fields is for: "Newton steps of the fit". */
const char *audit_phase(const char *task, const struct audit_round *round);

/* Parts of that object: "plan" (audit_plan_json.c); "rounds" and "released" (audit_rounds_json.c). */
MUST_USE struct result audit_plan_json(const struct audit_facts *facts, struct tree *tree, json_t *root);
void audit_rounds_json(const struct audit_facts *facts, struct tree *tree, json_t *root);

/* The whole as one object; take with json_decref. */
MUST_USE struct result audit_json(const struct audit_facts *facts, json_t **ret);
/* The page of that object, appended. */
MUST_USE struct result audit_page(const json_t *report, struct buffer *out);

#endif

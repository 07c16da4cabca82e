/* The command for people: how a command is declared, reads its words and says what went wrong.
 *
 * A command is one function and one row of the table in cli/main.c; the table drives dispatch and help. A command
 * prints what was asked for on stdout and returns; main prints the reason of a failure on stderr, one sentence after
 * "cofferdam: ", and turns its category into the exit code: 1 not so, 2 wrong usage, 3 environment.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* argv[0] is the command's words ("roster new"), then what follows them. */
typedef struct result cli_run(int argc, char **argv);

struct cli_command {
    const char *words;    /* "keygen", "roster new" */
    cli_run *run;         /* what carries it out */
    const char *synopsis; /* what follows the words: "--org NAME --out DIR" */
    const char *summary;  /* one line without a full stop, for the list of commands */
    const char *help;     /* the options line by line, and examples */
};

/* What an option was given, in order; borrowed from argv. Zeroed is empty. */
#define CLI_VALUES_MAX 1100u /* a member list of the largest roster fits */
struct cli_values {
    const char *items[CLI_VALUES_MAX];
    size_t count;
};

/* One option; exactly one of flag, value and values is set. An array of them ends with a zeroed one. */
struct cli_option {
    const char *name;          /* "out": --out VALUE or --out=VALUE */
    char letter;               /* 'o': also -o VALUE; 0 for none */
    bool required;             /* refused when it is not given */
    bool *flag;                /* takes no value; set to true */
    const char **value;        /* takes a value, once */
    struct cli_values *values; /* takes a value, any number of times */
};

/* Reads options anywhere among the operands ("--" ends them). Operands beyond `most` or under `least` are refused;
 * `operand` names one in errors ("PLAN.yaml"); ret_operands may be NULL when most is 0. Every refusal is CATEGORY_USAGE
 * and names the command's help. */
MUST_USE struct result cli_parse(int argc, char **argv, const struct cli_option *options, const char *operand,
                                 size_t least, size_t most, struct cli_values *ret_operands);
/* A whole number from `least` to `most`, or CATEGORY_USAGE naming the option. */
MUST_USE struct result cli_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *ret);

/* A file's bytes, replacing out's; "-" is stdin. Failures as in sys/file.h. */
MUST_USE struct result cli_read(const char *path, size_t limit, struct buffer *out);
/* The same; where there is no such file, the reason ends with the remedy. */
MUST_USE struct result cli_read_needed(const char *path, const char *remedy, size_t limit, struct buffer *out);
/* Writes a file that others may read, all or nothing; "-" is stdout. Unless replace is set an existing one is refused.
 */
MUST_USE struct result cli_write(const char *path, struct view bytes, bool replace);
/* CATEGORY_USAGE where the output is one of the inputs, which would be lost; or where an input of an option is named
 * twice, as its rows would count twice. */
MUST_USE struct result cli_check_output(const char *path, const char *const *inputs, size_t count);
MUST_USE struct result cli_check_distinct(const char *option, const char *const *inputs, size_t count);
/* Everything to stdout; CATEGORY_ENVIRONMENT when that fails (a full disk, a closed pipe). */
MUST_USE struct result cli_print(struct view bytes);
/* The same of a JSON value, which it releases; NULL (out of memory on the way) fails. */
MUST_USE struct result cli_print_json(json_t *take_json);

/* 0 done, 1 not so, 2 wrong usage or configuration, 3 environment. */
int cli_exit(struct result result);

/* The commands, by file: "cli_run cli_simulate;" here and a row in main.c is all that a new one needs. */
cli_run cli_keygen;                                                       /* keygen.c */
cli_run cli_roster_new, cli_roster_add, cli_roster_sign, cli_roster_show; /* roster.c, roster_show.c */
cli_run cli_plan_new;                                                     /* plan_new.c */
cli_run cli_plan_check, cli_plan_sign, cli_plan_show;                     /* plan.c, plan_check.c, plan_sign.c */
cli_run cli_simulate;                                                     /* simulate.c */
cli_run cli_fit;                                                          /* fit.c */
cli_run cli_model_show;                                                   /* model.c */
cli_run cli_model_compare;                                                /* model_compare.c */
cli_run cli_plan_evaluate;                                                /* plan_evaluate.c */
cli_run cli_model_export;                                                 /* model_export.c */
cli_run cli_score;                                                        /* score.c, score_metrics.c */
cli_run cli_audit_verify, cli_audit_redact, cli_audit_report;             /* audit.c, audit_redact.c, audit_report.c */
cli_run cli_audit_timestamp;                                              /* audit_timestamp.c */
cli_run cli_audit_journal;                                                /* audit_journal.c */
cli_run cli_audit_evidence;                                               /* audit_evidence.c */
cli_run cli_run_submit, cli_run_list, cli_run_show, cli_run_watch, cli_run_cancel; /* run.c */

#endif

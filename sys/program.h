/* A daemon's command line: one table of commands drives dispatch and help; one sentence and an exit code end a failure.
 */
#ifndef SYS_PROGRAM_H
#define SYS_PROGRAM_H

#include "crypto/base/result.h"

/* What the words after the command were: the operand, and the options that were given. */
struct program_words {
    const char *operand;
    const char *second;  /* operand, of a command that takes two */
    bool json;           /* --json */
    const char *source;  /* --source FILE */
    const char *name;    /* --name NAME */
    const char *key;     /* --key FILE */
    const char *roster;  /* --roster FILE */
    const char *plan;    /* --plan FILE or HASH */
    const char *run;     /* --run ID */
    const char *expires; /* --expires DATE */
    const char *out;     /* --out FOLDER */
    const char *from;    /* --from FOLDER */
    bool cohort_change;  /* --cohort-change */
    bool repetition;     /* --repetition */
    bool sql;            /* --sql */
};
struct program_command {
    const char *word;
    struct result (*run)(const struct program_words *words);
    const char *options; /* letters of the options it takes: j(son) s(ource) n(ame) k(ey) r(oster) p(lan) i(d of a run)
                          * e(xpires) c(ohort change) (repe)t(ition) o(ut) f(rom) (s)q(l); 2: it takes two operands,
                          * not one; D: it is the daemon itself, which has a log (sys/log.h) */
    const char *synopsis;
    const char *summary;
};
struct program {
    const char *name;
    const char *process;                    /* what it is called in its log */
    const char *summary;                    /* a sentence */
    const char *key;                        /* what --key FILE is, for --help */
    const char *examples;                   /* lines, for --help */
    const struct program_command *commands; /* ends with a zeroed one */
};

/* Returns the exit code (docs/operators.md). */
int program_main(const struct program *program, int argc, char **argv);

#endif

#include "sys/program.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "sys/log.h"
#include "sys/process.h"

/* Every option of every daemon's commands; a command takes those whose letters it names. */
static const struct option options[] = {
    {"json", no_argument, NULL, 'j'},          {"source", required_argument, NULL, 's'},
    {"name", required_argument, NULL, 'n'},    {"key", required_argument, NULL, 'k'},
    {"roster", required_argument, NULL, 'r'},  {"plan", required_argument, NULL, 'p'},
    {"run", required_argument, NULL, 'i'},     {"expires", required_argument, NULL, 'e'},
    {"cohort-change", no_argument, NULL, 'c'}, {"repetition", no_argument, NULL, 't'},
    {"out", required_argument, NULL, 'o'},     {"from", required_argument, NULL, 'f'},
    {"sql", no_argument, NULL, 'q'},           {0}};

static const char *name_of(int letter)
{
    const struct option *option = options;
    while (option->name && option->val != letter) option++;
    return option->name;
}

static bool takes(const struct program_command *command, int letter)
{
    return strchr(command->options, letter) != NULL;
}

/* The manual and the completions are made from this text (install/), which is why its form is plain. */
static void print_help(const struct program *program)
{
    const struct {
        const char *value, *text;
    } meaning[] = {{"", "prints JSON"},
                   {" FILE.csv", "the bank's rows"},
                   {" NAME", "what the ledger calls these rows; customers where it is left out"},
                   {" FILE", program->key},
                   {" FILE", "the signed roster"},
                   {" PLAN|HASH", "check: the signed plan to look at; an officer names it by its hash"},
                   {" ID", "one run alone"},
                   {" DATE", "the last day on which an approval counts (UTC)"},
                   {"", "approves another cohort than before, or one that leaves out a member"},
                   {"", "approves rows that differ by few from an earlier run's"},
                   {" FOLDER", "where the backup will be; nothing may be there"},
                   {" FOLDER", "the backup to restore"},
                   {"", "shows the statements that push-down asks the database"}};
    printf("%s: %s\n\nusage: %s COMMAND ...\n\n", program->name, program->summary, program->name);
    for (const struct program_command *command = program->commands; command->word; command++)
        printf("  %s %s\n      %s\n", command->word, command->synopsis, command->summary);
    printf("\nOptions:\n");
    for (unsigned i = 0; options[i].name; i++) {
        bool taken = false;
        for (const struct program_command *command = program->commands; command->word; command++)
            taken = taken || takes(command, options[i].val);
        char option[32];
        (void)snprintf(option, sizeof option, "%s%s", options[i].name, meaning[i].value);
        if (taken) printf("  --%-18s %s\n", option, meaning[i].text);
    }
    printf("\n%s --version prints the version.\n"
           "Exit codes: 0 done, 1 what was asked about is not so, 2 wrong usage or configuration,\n"
           "3 environment (file, network, database).\n\nExamples:\n%s",
           program->name, program->examples);
}

static struct result read_words(const struct program *program, const struct program_command *command, int argc,
                                char **argv, struct program_words *ret)
{
    opterr = 0;
    int letter;
    char given[32] = "";
    while ((letter = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        ENSURE(letter != ':', CATEGORY_USAGE, "%s needs a value; see %s --help", argv[optind - 1], program->name);
        ENSURE(letter != '?' && takes(command, letter), CATEGORY_USAGE, "%s %s takes no option %s; see %s --help",
               program->name, command->word, argv[optind - 1], program->name);
        ENSURE(!strchr(given, letter), CATEGORY_USAGE, "--%s was given twice; give it once", name_of(letter));
        given[strlen(given)] = (char)letter;
        if (letter == 'j') ret->json = true;
        if (letter == 's') ret->source = optarg;
        if (letter == 'n') ret->name = optarg;
        if (letter == 'k') ret->key = optarg;
        if (letter == 'r') ret->roster = optarg;
        if (letter == 'p') ret->plan = optarg;
        if (letter == 'i') ret->run = optarg;
        if (letter == 'e') ret->expires = optarg;
        if (letter == 'c') ret->cohort_change = true;
        if (letter == 't') ret->repetition = true;
        if (letter == 'q') ret->sql = true;
        if (letter == 'o') ret->out = optarg;
        if (letter == 'f') ret->from = optarg;
    }
    bool two = strchr(command->options, '2') != NULL;
    ENSURE(argc - optind == (two ? 2 : 1), CATEGORY_USAGE, "usage: %s %s %s", program->name, command->word,
           command->synopsis);
    ret->operand = argv[optind];
    if (two) ret->second = argv[optind + 1];
    return RESULT_OK;
}

static struct result dispatch(const struct program *program, int argc, char **argv)
{
    ENSURE(argc > 1, CATEGORY_USAGE, "a command is missing; %s --help lists them", program->name);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
        print_help(program);
        return RESULT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program->name, COFFERDAM_VERSION);
        return RESULT_OK;
    }
    for (const struct program_command *command = program->commands; command->word; command++) {
        if (strcmp(argv[1], command->word) != 0) continue;
        if (takes(command, 'D')) log_daemon(program->process);
        static struct program_words words; /* one command a process */
        TRY(read_words(program, command, argc - 1, argv + 1, &words));
        TRY(crypto_start());
        return command->run(&words);
    }
    return FAIL(CATEGORY_USAGE, "no such command: %s; %s --help lists them", argv[1], program->name);
}

int program_main(const struct program *program, int argc, char **argv)
{
    struct result result = process_start();
    if (result_ok(result)) result = dispatch(program, argc, argv);
    if (result_ok(result) && fflush(stdout) != 0) result = FAIL(CATEGORY_ENVIRONMENT, "stdout cannot be written");
    if (!result_ok(result) && !log_last(result_reason()))
        (void)fprintf(stderr, "%s: %s\n", program->name, result_reason());
    /* A peer that broke the protocol is something that is not so; a broken contract of ours is the environment's. */
    if (result.category == CATEGORY_PEER) return CATEGORY_FALSE;
    return result.category <= CATEGORY_ENVIRONMENT ? (int)result.category : CATEGORY_ENVIRONMENT;
}

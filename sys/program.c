#include "sys/program.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "sys/process.h"

static const char *name_of(const struct option *options, int letter)
{
    while (options->name && options->val != letter) options++;
    return options->name;
}

static void print_help(const struct program *program)
{
    printf("%s: %s\n\nusage:\n", program->name, program->summary);
    for (const struct program_command *command = program->commands; command->word; command++)
        printf("  %s %-6s %-34s %s\n", program->name, command->word, command->synopsis, command->summary);
    printf("  %s --version\n\nExit codes: 0 done, 1 what was asked about is not so, 2 wrong usage or configuration,\n"
           "3 environment (file, network, database).\n\nExamples:\n%s",
           program->name, program->examples);
}

static struct result read_words(const struct program *program, const struct program_command *command, int argc,
                                char **argv, struct program_words *ret)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"source", required_argument, NULL, 's'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"roster", required_argument, NULL, 'r'},
                                            {"plan", required_argument, NULL, 'p'},
                                            {"run", required_argument, NULL, 'i'},
                                            {"expires", required_argument, NULL, 'e'},
                                            {"cohort-change", no_argument, NULL, 'c'},
                                            {"repetition", no_argument, NULL, 't'},
                                            {0}};
    opterr = 0;
    int letter;
    char given[32] = "";
    while ((letter = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        ENSURE(letter != ':', CATEGORY_USAGE, "%s needs a value; see %s --help", argv[optind - 1], program->name);
        ENSURE(letter != '?' && strchr(command->options, letter), CATEGORY_USAGE,
               "%s %s takes no option %s; see %s --help", program->name, command->word, argv[optind - 1],
               program->name);
        ENSURE(!strchr(given, letter), CATEGORY_USAGE, "--%s was given twice; give it once", name_of(options, letter));
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
    if (!result_ok(result)) (void)fprintf(stderr, "%s: %s\n", program->name, result_reason());
    /* A peer that broke the protocol is something that is not so; a broken contract of ours is the environment's. */
    if (result.category == CATEGORY_PEER) return CATEGORY_FALSE;
    return result.category <= CATEGORY_ENVIRONMENT ? (int)result.category : CATEGORY_ENVIRONMENT;
}

/* Words of a command: options through getopt_long, operands, numbers; and how it ends. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { OPTIONS_MAX = 32, LONG_OPTIONS = 1000 };

static struct result option_take(const char *command, const struct cli_option *option, const char *text)
{
    if (option->flag) {
        *option->flag = true;
        return RESULT_OK;
    }
    ENSURE(*text, CATEGORY_USAGE, "%s: --%s is empty; give it a value, or leave it out", command, option->name);
    if (option->value) {
        ENSURE(!*option->value, CATEGORY_USAGE, "%s: --%s was given twice; give it once", command, option->name);
        *option->value = text;
        return RESULT_OK;
    }
    ENSURE(option->values->count < CLI_VALUES_MAX, CATEGORY_USAGE, "%s: --%s was given more than %u times", command,
           option->name, CLI_VALUES_MAX);
    option->values->items[option->values->count++] = text;
    return RESULT_OK;
}

static bool option_given(const struct cli_option *option)
{
    if (option->flag) return *option->flag;
    return option->value ? *option->value != NULL : option->values->count > 0;
}

/* getopt_long's tables: long options carry their index, from LONG_OPTIONS so that no letter meets it. */
static size_t tables(const struct cli_option *options, struct option longs[OPTIONS_MAX + 1],
                     char letters[2 * OPTIONS_MAX + 2])
{
    size_t count = 0, used = 0;
    letters[used++] = ':'; /* a missing value is told apart from an unknown option */
    for (; count < OPTIONS_MAX && options[count].name; count++) {
        const struct cli_option *option = &options[count];
        longs[count] = (struct option){option->name, option->flag ? no_argument : required_argument, NULL,
                                       LONG_OPTIONS + (int)count};
        if (!option->letter) continue;
        letters[used++] = option->letter;
        if (!option->flag) letters[used++] = ':';
    }
    longs[count] = (struct option){0};
    letters[used] = 0;
    return count;
}

static struct result refuse(const char *command, int code, char *const *argv)
{
    char letter[3] = {'-', (char)optopt, 0}; /* of a cluster of letters that may have more */
    const char *word = optopt > 0 && optopt < LONG_OPTIONS ? letter : argv[optind - 1];
    if (code == ':')
        return FAIL(CATEGORY_USAGE, "%s: %s needs a value; see cofferdam %s --help", command, word, command);
    return FAIL(CATEGORY_USAGE, "%s: no such option: %s; see cofferdam %s --help", command, word, command);
}

struct result cli_parse(int argc, char **argv, const struct cli_option *options, const char *operand, size_t least,
                        size_t most, struct cli_values *ret_operands)
{
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 2];
    const char *command = argv[0];
    size_t count = tables(options, longs, letters);
    opterr = 0;
    optind = 0; /* glibc: start over */
    for (int code; (code = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (code == '?' || code == ':') return refuse(command, code, argv);
        size_t index = code >= LONG_OPTIONS ? (size_t)(code - LONG_OPTIONS) : 0;
        while (code < LONG_OPTIONS && index < count && options[index].letter != (char)code) index++;
        TRY(option_take(command, &options[index], optarg));
    }
    for (size_t i = 0; i < count; i++)
        ENSURE(!options[i].required || option_given(&options[i]), CATEGORY_USAGE,
               "%s: --%s is missing; see cofferdam %s --help", command, options[i].name, command);
    size_t given = (size_t)(argc - optind);
    ENSURE(given >= least, CATEGORY_USAGE, "%s: %s is missing; see cofferdam %s --help", command, operand, command);
    ENSURE(given <= most && given <= CLI_VALUES_MAX, CATEGORY_USAGE,
           "%s: \"%s\" is one word too many; see cofferdam %s --help", command, argv[optind + (int)most], command);
    if (!ret_operands) return RESULT_OK;
    for (size_t i = 0; i < given; i++) ret_operands->items[i] = argv[optind + (int)i];
    ret_operands->count = given;
    return RESULT_OK;
}

struct result cli_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    bool digits = *text && strspn(text, "0123456789") == strlen(text);
    ENSURE(digits && errno == 0 && value >= least && value <= most, CATEGORY_USAGE,
           "--%s \"%s\" is not a whole number from %llu to %llu", option, text, (unsigned long long)least,
           (unsigned long long)most);
    *ret = value;
    return RESULT_OK;
}

int cli_exit(struct result result)
{
    switch (result.category) {
    case CATEGORY_OK:
        return 0;
    case CATEGORY_USAGE:
        return 2;
    case CATEGORY_ENVIRONMENT:
    case CATEGORY_BUG:
        return 3;
    case CATEGORY_FALSE:
    case CATEGORY_PEER:
        break;
    }
    return 1; /* what was asked about, or what came from elsewhere, does not hold */
}

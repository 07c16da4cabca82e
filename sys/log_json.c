#include "sys/log_json.h"

#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"

enum { RUN_DIGITS = 12 }; /* as our lines begin: "2fc8e8b8e2a8: round 3: ..." or "2fc8e8b8e2a8 is done" */

struct line {
    char *text;
    size_t length, room; /* bytes, of which two are kept for the end */
};

static void put(struct line *line, const char *text)
{
    for (; *text && line->length < line->room; text++) line->text[line->length++] = *text;
}

/* A character goes in whole or not at all, and nothing after one that did not. */
static void put_character(struct line *line, struct view character)
{
    char escaped[8];
    const char byte = (char)character.data[0];
    size_t length = character.length;
    if ((unsigned char)byte < ' ' || byte == 127)
        (void)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)byte), length = 6;
    else if (byte == '"' || byte == '\\')
        (void)snprintf(escaped, sizeof escaped, "\\%c", byte), length = 2;
    else
        memcpy(escaped, character.data, length);
    if (line->length + length > line->room) {
        line->room = line->length;
        return;
    }
    memcpy(line->text + line->length, escaped, length);
    line->length += length;
}

static size_t character_length(struct view text)
{
    for (size_t length = 1; length <= 4 && length <= text.length; length++)
        if (text_utf8(view_of(text.data, length))) return length;
    return 0;
}

static void put_text(struct line *line, const char *text)
{
    for (struct view rest = view_text(text); rest.length;) {
        size_t length = character_length(rest), taken = length ? length : 1;
        put_character(line, length ? view_of(rest.data, length) : view_text("?"));
        rest = view_of(rest.data + taken, rest.length - taken);
    }
}

static void put_member(struct line *line, const char *name, const char *value)
{
    put(line, line->length > 1 ? ",\"" : "\"");
    put(line, name);
    put(line, "\":\"");
    put_text(line, value);
    put(line, "\"");
}

/* The rest of the message after the run's id it begins with, which is copied; else the message. */
static const char *take_run(const char *message, char run[RUN_DIGITS + 1])
{
    run[0] = 0;
    if (strspn(message, "0123456789abcdef") != RUN_DIGITS) return message;
    const char *rest = message + RUN_DIGITS;
    if (*rest == ':') rest++;
    if (*rest != ' ') return message;
    memcpy(run, message, RUN_DIGITS);
    run[RUN_DIGITS] = 0;
    return rest + 1;
}

static void put_round(struct line *line, const char *message)
{
    static const char word[] = "round ";
    char digits[12];
    if (strncmp(message, word, sizeof word - 1) != 0) return;
    size_t length = strspn(message + sizeof word - 1, "0123456789");
    if (length == 0 || length >= sizeof digits) return;
    memcpy(digits, message + sizeof word - 1, length);
    digits[length] = 0;
    put(line, ",\"round\":");
    put(line, digits);
}

size_t log_json_line(const struct log_words *words, char *line, size_t size)
{
    char run[RUN_DIGITS + 1];
    const char *message = take_run(words->message, run);
    struct line out = {line, 0, size - 2};
    put(&out, "{");
    put_member(&out, "time", words->time);
    put_member(&out, "level", words->level);
    put_member(&out, "process", words->process);
    put_member(&out, "what", words->component);
    if (run[0]) put_member(&out, "run", run);
    put_round(&out, message);
    if (words->peer) put_member(&out, "peer", words->peer);
    put(&out, ",\"message\":\"");
    put_text(&out, message);
    out.room = size;
    put(&out, "\"}");
    return out.length;
}

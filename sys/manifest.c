#include "sys/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"

#define FIRST "cofferdam backup 1"
enum { LINE_MAX_BYTES = MANIFEST_PATH_MAX + 128 };

struct result manifest_begin(const struct manifest_head *head, struct buffer *out)
{
    return buffer_format(out, FIRST "\nprogram %s %s\nmade %" PRIu64 " %s\n", head->program, head->version, head->made,
                         head->running ? "running" : "stopped");
}

struct result manifest_add(const struct manifest_file *file, struct buffer *out)
{
    return buffer_format(out, "file %s %" PRIu64 " %s\n", hash_hex(&file->digest).text, file->bytes, file->path);
}

struct result manifest_end(uint64_t count, struct buffer *out)
{
    return buffer_format(out, "end %" PRIu64 "\n", count);
}

/* The lines one after the other. */
struct lines {
    struct view rest;
    unsigned number;
    char line[LINE_MAX_BYTES]; /* the latest, without its end */
};

static struct result next(struct lines *lines)
{
    const uint8_t *end = lines->rest.length ? memchr(lines->rest.data, '\n', lines->rest.length) : NULL;
    lines->number++;
    ENSURE(end, CATEGORY_FALSE, "line %u: the text ends before its end", lines->number);
    size_t length = (size_t)(end - lines->rest.data);
    struct view line = view_of(lines->rest.data, length);
    ENSURE(length < sizeof lines->line && text_printable(line, ""), CATEGORY_FALSE,
           "line %u: too long, or has what no text has", lines->number);
    memcpy(lines->line, line.data, length);
    lines->line[length] = 0;
    lines->rest = view_of(end + 1, lines->rest.length - length - 1);
    return RESULT_OK;
}

/* The word before the next blank, which *at then stands behind. */
static bool word(char **at, char **ret)
{
    char *blank = strchr(*at, ' ');
    if (!blank || blank == *at) return false;
    *blank = 0;
    *ret = *at;
    *at = blank + 1;
    return true;
}

/* Relative, and every step of it down. */
static bool leads_down(const char *path)
{
    if (!*path || strlen(path) >= MANIFEST_PATH_MAX) return false;
    for (const char *step = path;;) {
        size_t length = strcspn(step, "/");
        if (length == 0 || (length == 1 && step[0] == '.') || (length == 2 && step[0] == '.' && step[1] == '.'))
            return false;
        if (!step[length]) return true;
        step += length + 1;
    }
}

static struct result head_read(struct lines *lines, struct manifest_head *ret)
{
    char *at, *program, *made;
    TRY(next(lines));
    ENSURE(strcmp(lines->line, FIRST) == 0, CATEGORY_FALSE, "line 1: is not \"" FIRST "\"");
    TRY(next(lines));
    at = lines->line + strlen("program ");
    ENSURE(strncmp(lines->line, "program ", strlen("program ")) == 0 && word(&at, &program) && *at &&
               !strchr(at, ' ') && strlen(program) < sizeof ret->program && strlen(at) < sizeof ret->version,
           CATEGORY_FALSE, "line 2: is not \"program NAME VERSION\"");
    (void)snprintf(ret->program, sizeof ret->program, "%s", program);
    (void)snprintf(ret->version, sizeof ret->version, "%s", at);
    TRY(next(lines));
    at = lines->line + strlen("made ");
    ENSURE(strncmp(lines->line, "made ", strlen("made ")) == 0 && word(&at, &made) && text_whole(made, &ret->made) &&
               ret->made <= UINT32_MAX && (strcmp(at, "running") == 0 || strcmp(at, "stopped") == 0),
           CATEGORY_FALSE, "line 3: is not \"made SECONDS running\" or \"... stopped\"");
    ret->running = strcmp(at, "running") == 0;
    return RESULT_OK;
}

static bool file_of(char *line, struct manifest_file *ret)
{
    char *at = line, *digest, *bytes;
    if (!word(&at, &digest) || !word(&at, &bytes) || !leads_down(at)) return false;
    (void)snprintf(ret->path, sizeof ret->path, "%s", at);
    return strlen(digest) == (size_t)2 * HASH_BYTES && text_whole(bytes, &ret->bytes) &&
           result_ok(bytes_unhex(view_text(digest), ret->digest.bytes, HASH_BYTES));
}

struct result manifest_read(struct view text, struct manifest_head *ret,
                            struct result (*visit)(void *visitor, const struct manifest_file *file), void *visitor)
{
    struct lines lines = {.rest = text};
    struct manifest_file file = {0};
    struct manifest_head head = {0};
    char before[MANIFEST_PATH_MAX] = "";
    uint64_t count = 0, told;
    TRY(head_read(&lines, &head));
    for (;; count++) {
        TRY(next(&lines));
        if (strncmp(lines.line, "file ", strlen("file ")) != 0) break;
        ENSURE(file_of(lines.line + strlen("file "), &file), CATEGORY_FALSE,
               "line %u: is not \"file SHA-256 BYTES PATH\" with a path inside the backup", lines.number);
        ENSURE(strcmp(before, file.path) < 0, CATEGORY_FALSE, "line %u: the paths are not in order", lines.number);
        (void)snprintf(before, sizeof before, "%s", file.path);
        TRY(visit(visitor, &file));
    }
    ENSURE(strncmp(lines.line, "end ", strlen("end ")) == 0 && text_whole(lines.line + strlen("end "), &told) &&
               told == count && lines.rest.length == 0,
           CATEGORY_FALSE, "line %u: is not the end after %" PRIu64 " files", lines.number, count);
    *ret = head;
    return RESULT_OK;
}

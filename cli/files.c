/* Files that a command reads and writes for its user: sys/file.h, and "-" for stdin and stdout. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analytics/json_text.h"
#include "cli/cli.h"
#include "sys/file.h"

static struct result read_stdin(size_t limit, struct buffer *out)
{
    for (;;) {
        uint8_t piece[1 << 14];
        ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        ENSURE(got >= 0, CATEGORY_ENVIRONMENT, "stdin cannot be read: %s", strerror(errno));
        if (got == 0) return RESULT_OK;
        ENSURE(out->length + (size_t)got <= limit, CATEGORY_USAGE, "stdin has more than %zu bytes", limit);
        TRY(buffer_append(out, view_of(piece, (size_t)got)));
    }
}

struct result cli_read(const char *path, size_t limit, struct buffer *out)
{
    buffer_clear(out);
    return strcmp(path, "-") == 0 ? read_stdin(limit, out) : file_read(path, limit, out);
}

struct result cli_read_needed(const char *path, const char *remedy, size_t limit, struct buffer *out)
{
    if (strcmp(path, "-") != 0) TRY(file_needed(path, remedy));
    return cli_read(path, limit, out);
}

struct result cli_write(const char *path, struct view bytes, bool replace)
{
    if (strcmp(path, "-") == 0) return cli_print(bytes);
    return replace ? file_write(path, bytes, 0644) : file_write_new(path, bytes, 0644);
}

struct result cli_check_output(const char *path, const char *const *inputs, size_t count)
{
    struct stat out, in;
    if (strcmp(path, "-") == 0 || stat(path, &out) != 0) return RESULT_OK;
    for (size_t i = 0; i < count; i++)
        ENSURE(stat(inputs[i], &in) != 0 || in.st_dev != out.st_dev || in.st_ino != out.st_ino, CATEGORY_USAGE,
               "%s: is what is read, %s; choose another --out", path, inputs[i]);
    return RESULT_OK;
}

struct result cli_check_distinct(const char *option, const char *const *inputs, size_t count)
{
    for (size_t i = 1; i < count; i++)
        ENSURE(result_ok(cli_check_output(inputs[i], inputs, i)), CATEGORY_USAGE,
               "%s %s: the same file is named twice, and its rows would count twice", option, inputs[i]);
    return RESULT_OK;
}

struct result cli_print(struct view bytes)
{
    size_t written = bytes.length ? fwrite(bytes.data, 1, bytes.length, stdout) : 0;
    ENSURE(written == bytes.length && fflush(stdout) == 0, CATEGORY_ENVIRONMENT, "stdout cannot be written: %s",
           strerror(errno));
    return RESULT_OK;
}

struct result cli_print_json(json_t *take_json)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    struct result result = json_text(take_json, JSON_INDENT(2), &out);
    json_decref(take_json);
    TRY(result);
    TRY(buffer_u8(&out, '\n'));
    return cli_print(buffer_view(&out));
}

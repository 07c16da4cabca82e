/* Any bytes as a request to the console: Host, Sec-Fetch-Site or Origin, cookie, path, body, a line each. Nobody gets
 * in, and no file of a run is opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "sys/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config_console address = {.address = (char *)(uintptr_t) "127.0.0.1:0"};
static struct console *console;

static struct result no_run(void *context, const char *id, struct buffer *out)
{
    (void)context, (void)id, (void)out;
    abort(); /* it stands behind the door */
}

static const struct console_config config = {
    .config = &address, .where = "fuzz", .directory = "/nonexistent", .run = no_run};

static void must(bool condition)
{
    if (condition) return;
    (void)fprintf(stderr, "%s\n", result_reason());
    abort();
}

/* The next line of the text, ended with a NUL; the text goes on after it. */
static char *line_of(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\n');
    if (end) *end = 0;
    *text = end ? end + 1 : line + strlen(line);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT"};
    if (!console) must(result_ok(crypto_start()) && result_ok(console_new(&config, &console)));
    char *copy = calloc(1, size + 1);
    if (!copy) return 0;
    memcpy(copy, data, size);
    char *text = copy;
    CLEANUP(buffer_done) struct buffer body = {0};
    struct http_answer answer = {.status = 200, .type = HTTP_TEXT, .body = &body};
    struct http_request request = {.method = methods[size ? data[0] % 4 : 0]};
    request.host = line_of(&text);
    request.site = line_of(&text);
    request.cookie = line_of(&text);
    request.path = line_of(&text);
    request.body = view_text(text);
    if (strncmp(request.site, "http", 4) == 0) request.origin = request.site;
    if (!*request.site || request.origin) request.site = NULL;
    must(result_ok(console_answer(console, &request, &answer)));
    must(!answer.has_file && !answer.stream.next && answer.status != 500);
    must(strncmp(request.path, "/api/", 5) != 0 || answer.status >= 400);
    struct console_run run;
    if (console_path_run(request.path, &run)) must(strlen(run.id) == 64 && !strchr(run.id, '/'));
    free(copy);
    return 0;
}

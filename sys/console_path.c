#include "sys/console_path.h"

#include <stdio.h>
#include <string.h>

#include "sys/http.h"

#define PREFIX "/api/runs/"
enum { ID_DIGITS = 64, HOST_MAX_BYTES = 64 };

const struct console_file console_files[] = {
    {"model", "model.json", "application/json", NULL},
    {"report", "report.html", "text/html; charset=utf-8", NULL},
    {"plan", "plan.note", HTTP_TEXT, NULL},
    {"bundle", "run.cfd", "application/octet-stream", ".cfd"},
    {0},
};

static const struct console_file *file_of(const char *name)
{
    const struct console_file *file = console_files;
    while (file->name && strcmp(file->name, name) != 0) file++;
    return file->name ? file : NULL;
}

bool console_path_run(const char *path, struct console_run *ret)
{
    struct console_run run = {.file = NULL};
    if (strncmp(path, PREFIX, strlen(PREFIX)) != 0) return false;
    const char *id = path + strlen(PREFIX), *end = id + strspn(id, "0123456789abcdef");
    if (end - id != ID_DIGITS || (*end && *end != '/')) return false;
    memcpy(run.id, id, ID_DIGITS);
    if (*end) {
        run.file = file_of(end + 1);
        if (!run.file) return false;
    }
    *ret = run;
    return true;
}

bool console_path_host(const char *host)
{
    char address[HOST_MAX_BYTES + 4];
    if (!host || strlen(host) > HOST_MAX_BYTES) return false;
    const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
    bool ported = colon && (!bracket || colon > bracket);
    (void)snprintf(address, sizeof address, "%s%s", host, ported ? "" : ":80");
    return http_address_loopback(address);
}

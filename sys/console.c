#include "sys/console.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/console_assets.h"
#include "sys/console_door.h"
#include "sys/file.h"
#include "sys/folder.h"
#include "sys/log.h"

enum {
    BEAT_MS = 3000,     /* a page that hears nothing hears this; within HTTP_STREAM_MS */
    WATCHED_MS = 10000, /* somebody who asked so lately still looks */
    STRANGER_MS = 60000,
};

struct console {
    struct console_config config;
    char cookie[32]; /* its name: cookies know no ports, so that each console has its own */
    struct console_door *door;
    struct http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock: */
    struct buffer state;
    uint64_t sequence;     /* 0: nothing was published yet */
    uint64_t published_ms; /* by the steady clock, changed or not */
    uint64_t asked_ms;     /* a session's latest request */
    uint64_t warned_ms;    /* of a token that did not count */
    unsigned streams;
    bool stopping;
};

/* ---- what every answer has */

#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "                    \
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
/* A report brings its own style, and is as if it came from nowhere. */
#define POLICY_DOCUMENT                                                                                                \
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "     \
    "sandbox"

static void add_header(struct http_answer *answer, const char *name, const char *value)
{
    size_t i = 0;
    while (i < HTTP_HEADERS_MAX && answer->headers[i].name && strcmp(answer->headers[i].name, name) != 0) i++;
    if (i < HTTP_HEADERS_MAX) answer->headers[i] = (struct http_header){name, value};
}

static void add_headers(struct http_answer *answer)
{
    add_header(answer, "Content-Security-Policy", POLICY);
    add_header(answer, "X-Content-Type-Options", "nosniff");
    add_header(answer, "X-Frame-Options", "DENY");
    add_header(answer, "Referrer-Policy", "no-referrer");
    add_header(answer, "Cross-Origin-Opener-Policy", "same-origin");
    add_header(answer, "Cross-Origin-Resource-Policy", "same-origin");
    add_header(answer, "Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
}

static struct result say(struct http_answer *answer, unsigned status, const char *line)
{
    answer->status = status;
    answer->type = HTTP_TEXT;
    buffer_clear(answer->body);
    TRY(buffer_text(answer->body, line));
    return buffer_text(answer->body, "\n");
}

/* ---- the page, the session */

static struct result answer_asset(const struct console_asset *asset, struct http_answer *answer)
{
    answer->type = asset->type;
    return buffer_append(answer->body, view_of(asset->bytes, asset->length));
}

static const struct console_asset *asset_of(const char *path)
{
    const struct console_asset *asset = console_assets;
    while (asset->path && strcmp(asset->path, path) != 0) asset++;
    return asset->path ? asset : NULL;
}

static void set_cookie(const struct console *console, const char *value, const char *age, struct http_answer *answer)
{
    (void)snprintf(answer->made, sizeof answer->made, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", console->cookie,
                   value, age);
    add_header(answer, "Set-Cookie", answer->made);
}

/* Anybody on this machine can cause it, as often as they like: it must not crowd out other warnings. */
static void warn_of_stranger(struct console *console)
{
    uint64_t now = clock_monotonic_ms();
    (void)pthread_mutex_lock(&console->lock);
    bool due = !console->warned_ms || now - console->warned_ms >= STRANGER_MS;
    if (due) console->warned_ms = now;
    (void)pthread_mutex_unlock(&console->lock);
    if (due) log_warning("console", "somebody brought a token that does not count; the next minute's are not told");
}

static struct result answer_login(struct console *console, const struct http_request *request,
                                  struct http_answer *answer)
{
    char session[CONSOLE_KEY_HEX] = "";
    struct result entered = console_door_enter(console->door, request->body, clock_monotonic_ms(), session);
    if (entered.category == CATEGORY_FALSE) {
        warn_of_stranger(console);
        return say(answer, 403, result_reason());
    }
    TRY(entered);
    log_info("console", "a session began");
    set_cookie(console, session, "", answer);
    secret_bytes_wipe(session, sizeof session);
    answer->status = 204;
    return RESULT_OK;
}

static struct result answer_logout(struct console *console, const struct http_request *request,
                                   struct http_answer *answer)
{
    console_door_leave(console->door, request->cookie, clock_monotonic_ms());
    set_cookie(console, "", "; Max-Age=0", answer);
    answer->status = 204;
    return RESULT_OK;
}

/* ---- events */

/* A page that is open: what it has seen, and by which session. */
struct page {
    struct console *console;
    uint64_t seen;
    char session[CONSOLE_KEY_HEX];
};

/* Waits for something that the page has not seen, for a beat, or for the end. Lock held. */
static void await(const struct page *page)
{
    struct console *console = page->console;
    uint64_t until = clock_monotonic_ms() + BEAT_MS;
    const struct timespec deadline = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
    int waited = 0;
    while (console->sequence == page->seen && !console->stopping && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&console->changed, &console->lock, &deadline);
}

/* What there is, with the time at which it is told; or, when it is what it was, how long ago the daemon said so. */
static struct result put_event(struct page *page, struct buffer *piece)
{
    const struct console *console = page->console;
    if (page->seen == console->sequence) {
        uint64_t age = console->sequence ? clock_monotonic_ms() - console->published_ms : 0;
        return buffer_format(piece, "event: beat\ndata: %llu\n\n", (unsigned long long)age);
    }
    page->seen = console->sequence;
    TRY(buffer_format(piece, "data: {\"now_ms\":%llu,\"state\":", (unsigned long long)clock_now_ms()));
    TRY(buffer_append(piece, buffer_view(&console->state)));
    return buffer_text(piece, "}\n\n");
}

static bool page_next(void *each, struct buffer *piece)
{
    struct page *page = each;
    struct console *console = page->console;
    (void)pthread_mutex_lock(&console->lock);
    await(page);
    bool goes_on = !console->stopping && result_ok(put_event(page, piece));
    console->asked_ms = clock_monotonic_ms();
    (void)pthread_mutex_unlock(&console->lock);
    return goes_on && console_door_knows(console->door, page->session, clock_monotonic_ms());
}

static void page_end(void *each)
{
    struct page *page = each;
    (void)pthread_mutex_lock(&page->console->lock);
    page->console->streams--;
    (void)pthread_mutex_unlock(&page->console->lock);
    secret_bytes_wipe(page->session, sizeof page->session);
    free(page);
}

static bool page_admit(struct console *console)
{
    (void)pthread_mutex_lock(&console->lock);
    bool admitted = console->streams < CONSOLE_STREAMS_MAX && !console->stopping;
    if (admitted) console->streams++;
    (void)pthread_mutex_unlock(&console->lock);
    return admitted;
}

static struct result answer_events(struct console *console, const struct http_request *request,
                                   struct http_answer *answer)
{
    if (!page_admit(console)) return say(answer, 503, "too many pages are open; close some");
    struct page *page = calloc(1, sizeof *page);
    if (!page) {
        (void)pthread_mutex_lock(&console->lock);
        console->streams--;
        (void)pthread_mutex_unlock(&console->lock);
        return FAIL(CATEGORY_ENVIRONMENT, "no memory for a page");
    }
    page->console = console;
    (void)snprintf(page->session, sizeof page->session, "%s", request->cookie);
    answer->type = "text/event-stream";
    answer->stream.each = page; /* page_end frees it */
    answer->stream.next = page_next;
    answer->stream.end = page_end;
    return RESULT_OK;
}

/* ---- runs, documents */

static struct result run_path(const char *directory, const char *id, const char *name, char out[FILE_PATH_MAX])
{
    char inner[128];
    (void)snprintf(inner, sizeof inner, "runs/%s/%s", id, name);
    return file_path(directory, inner, out);
}

struct result console_put_files(const char *directory, const char *id, struct buffer *out)
{
    const char *between = "";
    TRY(buffer_text(out, "["));
    for (const struct console_file *file = console_files; file->name; file++) {
        char path[FILE_PATH_MAX];
        TRY(run_path(directory, id, file->file, path));
        if (!file_exists(path)) continue;
        TRY(buffer_format(out, "%s\"%s\"", between, file->name));
        between = ",";
    }
    return buffer_text(out, "]");
}

unsigned console_evidence(const char *directory, const char *id)
{
    char path[FILE_PATH_MAX];
    unsigned count = 0;
    bool counted = result_ok(run_path(directory, id, "evidence", path)) && file_exists(path) &&
                   result_ok(folder_count(path, &count));
    return counted ? count : 0;
}

static struct result answer_file(const struct console *console, const struct console_run *run,
                                 struct http_answer *answer)
{
    char path[FILE_PATH_MAX];
    struct stat facts;
    TRY(run_path(console->config.directory, run->id, run->file->file, path));
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return say(answer, 404, "this run has no such file here");
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        (void)close(file);
        return say(answer, 404, "this run has no such file here");
    }
    answer->type = run->file->type;
    answer->has_file = true;
    answer->file = file;
    answer->file_bytes = (uint64_t)facts.st_size;
    if (strncmp(answer->type, "text/html", 9) == 0) add_header(answer, "Content-Security-Policy", POLICY_DOCUMENT);
    if (!run->file->extension) return RESULT_OK;
    (void)snprintf(answer->made, sizeof answer->made, "attachment; filename=\"%.12s%s\"", run->id,
                   run->file->extension);
    add_header(answer, "Content-Disposition", answer->made);
    return RESULT_OK;
}

static struct result answer_json(struct result put, struct http_answer *answer)
{
    if (put.category == CATEGORY_FALSE) return say(answer, 404, result_reason());
    answer->type = "application/json";
    return put;
}

static struct result answer_api(struct console *console, const struct http_request *request, struct http_answer *answer)
{
    const struct console_config *config = &console->config;
    struct console_run run;
    if (strcmp(request->path, "/api/session") == 0) return answer_json(buffer_text(answer->body, "{}"), answer);
    if (strcmp(request->path, "/api/events") == 0) return answer_events(console, request, answer);
    if (console_path_run(request->path, &run)) {
        if (run.file) return answer_file(console, &run, answer);
        return answer_json(config->run(config->context, run.id, answer->body), answer);
    }
    for (const struct console_document *document = config->documents; document && document->name; document++)
        if (strcmp(request->path + strlen("/api/"), document->name) == 0)
            return answer_json(document->put(config->context, answer->body), answer);
    return say(answer, 404, "there is nothing here");
}

/* ---- a request */

static bool is_own_origin(const struct http_request *request)
{
    static const char scheme[] = "http://";
    const size_t length = sizeof scheme - 1;
    if (!request->origin) return true;
    return strncmp(request->origin, scheme, length) == 0 && strcmp(request->origin + length, request->host) == 0;
}

/* Whether the browser says that our own page, or the person at it, asks. Other programs say nothing; an old browser
 * says only an origin, which behind a proxy is another than our name. */
static bool is_own(const struct http_request *request)
{
    if (!request->site) return is_own_origin(request);
    return strcmp(request->site, "same-origin") == 0 || strcmp(request->site, "none") == 0;
}

static struct result answer_post(struct console *console, const struct http_request *request,
                                 struct http_answer *answer)
{
    if (!is_own(request)) return say(answer, 403, "a page of somewhere else asks");
    if (strcmp(request->path, "/login") == 0) return answer_login(console, request, answer);
    if (strcmp(request->path, "/logout") == 0) return answer_logout(console, request, answer);
    add_header(answer, "Allow", "GET, HEAD");
    return say(answer, 405, "the console only shows");
}

static struct result answer_get(struct console *console, const struct http_request *request, struct http_answer *answer)
{
    const struct console_asset *asset = asset_of(request->path);
    if (asset) return answer_asset(asset, answer);
    if (strncmp(request->path, "/api/", strlen("/api/")) != 0) return say(answer, 404, "there is nothing here");
    if (!is_own(request)) return say(answer, 403, "a page of somewhere else asks");
    if (!console_door_knows(console->door, request->cookie, clock_monotonic_ms()))
        return say(answer, 401, "no session: ask the daemon for an address with its console command");
    (void)pthread_mutex_lock(&console->lock);
    console->asked_ms = clock_monotonic_ms();
    (void)pthread_mutex_unlock(&console->lock);
    return answer_api(console, request, answer);
}

struct result console_answer(void *context, const struct http_request *request, struct http_answer *answer)
{
    add_headers(answer);
    if (!console_path_host(request->host)) return say(answer, 403, "the console answers under localhost alone");
    if (strcmp(request->method, "POST") == 0) return answer_post(context, request, answer);
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        return answer_get(context, request, answer);
    add_header(answer, "Allow", "GET, HEAD");
    return say(answer, 405, "the console only shows");
}

/* A failure of ours, too, has the headers. */
static struct result answer_whole(void *context, const struct http_request *request, struct http_answer *answer)
{
    if (result_ok(console_answer(context, request, answer))) return RESULT_OK;
    log_warning("console", "no answer: %s", result_reason());
    return say(answer, 500, "this cannot be told now");
}

/* ---- the daemon's side */

bool console_watched(struct console *console)
{
    (void)pthread_mutex_lock(&console->lock);
    bool watched = console->asked_ms && clock_monotonic_ms() - console->asked_ms < WATCHED_MS;
    (void)pthread_mutex_unlock(&console->lock);
    return watched;
}

static struct result replace(struct console *console, struct view json)
{
    console->published_ms = clock_monotonic_ms();
    if (console->sequence && view_equal(buffer_view(&console->state), json)) return RESULT_OK;
    buffer_clear(&console->state);
    TRY(buffer_append(&console->state, json));
    console->sequence++;
    (void)pthread_cond_broadcast(&console->changed);
    return RESULT_OK;
}

struct result console_publish(struct console *console, struct view json)
{
    (void)pthread_mutex_lock(&console->lock);
    struct result result = replace(console, json);
    (void)pthread_mutex_unlock(&console->lock);
    return result;
}

struct result console_invite(struct console *console, struct console_invitation *ret)
{
    char token[CONSOLE_KEY_HEX];
    ENSURE(console, CATEGORY_USAGE,
           "the daemon serves no console: add a line \"console: {}\" to its configuration and reload it (SIGHUP)");
    const char *address = console->config.config->address;
    int host = (int)(strrchr(address, ':') - address);
    TRY(console_door_token(console->door, clock_monotonic_ms(), token));
    ret->minutes = (unsigned)(CONSOLE_TOKEN_MS / 60000);
    (void)snprintf(ret->url, sizeof ret->url, "http://%.*s:%u/#token=%s", host, address, console_port(console), token);
    secret_bytes_wipe(token, sizeof token);
    return RESULT_OK;
}

static struct result start(struct console *console)
{
    const struct http_config http = {
        .address = console->config.config->address,
        .where = console->config.where,
        .what = "console",
        .context = console,
        .site = answer_whole,
        .cookie = console->cookie,
    };
    union http_address address;
    if (http_address_parse(http.address, &address))
        (void)snprintf(console->cookie, sizeof console->cookie, "cofferdam-%u", http_address_port(&address));
    TRY(console_door_new(&console->door));
    return http_server_new(&http, &console->server);
}

struct result console_try(const struct config_console *config, const char *where)
{
    static const struct http_route none[] = {{0}};
    CLEANUP(http_server_freep) struct http_server *server = NULL;
    if (!config->address) return RESULT_OK;
    return http_server_new(
        &(struct http_config){.address = config->address, .where = where, .what = "console", .routes = none}, &server);
}

struct result console_new(const struct console_config *config, struct console **ret)
{
    CLEANUP(console_freep) struct console *console = calloc(1, sizeof *console);
    ENSURE(console, CATEGORY_ENVIRONMENT, "no memory for a console");
    console->config = *config;
    pthread_condattr_t attributes;
    bool made = pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&console->changed, &attributes) == 0 && pthread_mutex_init(&console->lock, NULL) == 0;
    ENSURE(made, CATEGORY_ENVIRONMENT, "no memory for a console");
    TRY(start(console));
    log_info("console", "at http://%s/; the console command prints an address to open", config->config->address);
    *ret = console;
    console = NULL;
    return RESULT_OK;
}

void console_free(struct console *console)
{
    if (!console) return;
    (void)pthread_mutex_lock(&console->lock);
    console->stopping = true;
    (void)pthread_cond_broadcast(&console->changed);
    (void)pthread_mutex_unlock(&console->lock);
    http_server_free(console->server);
    console_door_free(console->door);
    buffer_done(&console->state);
    (void)pthread_cond_destroy(&console->changed);
    (void)pthread_mutex_destroy(&console->lock);
    free(console);
}

void console_freep(struct console **console)
{
    console_free(*console);
    *console = NULL;
}

uint16_t console_port(const struct console *console)
{
    return http_server_port(console->server);
}

/* The console's door, its paths and headers, and a real server with pages that are open, slow and many. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/console.h"
#include "sys/console_door.h"
#include "sys/file.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

#define RUN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- the door */

static void a_token_counts_once(void **state)
{
    (void)state;
    CLEANUP(console_door_freep) struct console_door *door = NULL;
    char token[CONSOLE_KEY_HEX], session[CONSOLE_KEY_HEX];
    OK(console_door_new(&door));
    OK(console_door_token(door, 1000, token));
    assert_int_equal(strlen(token), 64);
    assert_false(console_door_knows(door, token, 1000));
    OK(console_door_enter(door, view_text(token), 2000, session));
    assert_string_not_equal(token, session);
    assert_true(console_door_knows(door, session, 2000));
    assert_int_equal(console_door_enter(door, view_text(token), 2000, session).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "this address was used already, or is older than 5 minutes");
}

static void a_token_ends(void **state)
{
    (void)state;
    CLEANUP(console_door_freep) struct console_door *door = NULL;
    char token[CONSOLE_KEY_HEX], session[CONSOLE_KEY_HEX];
    OK(console_door_new(&door));
    OK(console_door_token(door, 0, token));
    assert_int_equal(console_door_enter(door, view_text(token), CONSOLE_TOKEN_MS, session).category, CATEGORY_FALSE);
    OK(console_door_token(door, 0, token));
    OK(console_door_enter(door, view_text(token), CONSOLE_TOKEN_MS - 1, session));
}

static void what_is_no_token(void **state)
{
    (void)state;
    CLEANUP(console_door_freep) struct console_door *door = NULL;
    static const char *const bad[] = {"", "00", "zz",
                                      /* what an empty place is filled with */
                                      "0000000000000000000000000000000000000000000000000000000000000000",
                                      "00000000000000000000000000000000000000000000000000000000000000000"};
    char session[CONSOLE_KEY_HEX];
    OK(console_door_new(&door));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(console_door_enter(door, view_text(bad[i]), 0, session).category, CATEGORY_FALSE);
        assert_false(console_door_knows(door, bad[i], 0));
    }
    assert_false(console_door_knows(door, NULL, 0));
}

static void begin(struct console_door *door, uint64_t now, char session[CONSOLE_KEY_HEX])
{
    char token[CONSOLE_KEY_HEX];
    OK(console_door_token(door, now, token));
    OK(console_door_enter(door, view_text(token), now, session));
}

static void a_session_ends(void **state)
{
    (void)state;
    CLEANUP(console_door_freep) struct console_door *door = NULL;
    char session[CONSOLE_KEY_HEX];
    OK(console_door_new(&door));
    begin(door, 0, session);
    assert_true(console_door_knows(door, session, CONSOLE_IDLE_MS - 1));
    assert_true(console_door_knows(door, session, 2 * CONSOLE_IDLE_MS - 2));
    assert_false(console_door_knows(door, session, 3 * CONSOLE_IDLE_MS - 2));
    begin(door, 0, session);
    for (uint64_t now = 0; now < CONSOLE_SESSION_MS; now += CONSOLE_IDLE_MS / 2)
        assert_true(console_door_knows(door, session, now));
    assert_false(console_door_knows(door, session, CONSOLE_SESSION_MS));
    begin(door, 0, session);
    console_door_leave(door, session, 1);
    assert_false(console_door_knows(door, session, 1));
}

static void the_oldest_makes_room(void **state)
{
    (void)state;
    CLEANUP(console_door_freep) struct console_door *door = NULL;
    char sessions[CONSOLE_SESSIONS_MAX + 1][CONSOLE_KEY_HEX];
    OK(console_door_new(&door));
    for (unsigned i = 0; i <= CONSOLE_SESSIONS_MAX; i++) begin(door, i, sessions[i]);
    assert_false(console_door_knows(door, sessions[0], 100));
    for (unsigned i = 1; i <= CONSOLE_SESSIONS_MAX; i++) assert_true(console_door_knows(door, sessions[i], 100));
}

/* ---- paths */

static void paths(void **state)
{
    (void)state;
    static const char *const bad[] = {"/api/runs/",
                                      "/api/runs/" RUN "/",
                                      "/api/runs/" RUN "0",
                                      "/api/runs/" RUN "/table.frozen",
                                      "/api/runs/" RUN "/../state.db",
                                      "/api/runs/" RUN "/model/",
                                      "/api/runs/../" RUN,
                                      "/api/runs/0123",
                                      "/api/runs/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
                                      "/api/run/" RUN,
                                      "api/runs/" RUN};
    struct console_run run;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (console_path_run(bad[i], &run)) fail_msg("%s is taken", bad[i]);
    assert_true(console_path_run("/api/runs/" RUN, &run));
    assert_string_equal(run.id, RUN);
    assert_null(run.file);
    assert_true(console_path_run("/api/runs/" RUN "/bundle", &run));
    assert_string_equal(run.file->file, "run.cfd");
}

static void hosts(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1", "127.0.0.1:9465", "localhost",     "localhost:80",
                                       "[::1]",     "[::1]:1",        "127.8.8.8:9465"};
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "evil.example:9465",
                                      "127.0.0.1.evil.example",
                                      "localhost.evil.example:9465",
                                      "10.0.0.1:9465",
                                      "[::2]:1",
                                      "0.0.0.0:9465",
                                      "127.0.0.1:9465:1",
                                      "127.0.0.1:99999",
                                      "localhost@evil.example"};
    assert_false(console_path_host(NULL));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!console_path_host(good[i])) fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (console_path_host(bad[i])) fail_msg("%s is taken", bad[i]);
}

/* ---- answers */

struct desk {
    char directory[SCRATCH_MAX];
    struct config_console config;
    struct console_config console_config;
    struct console *console;
    char session[CONSOLE_KEY_HEX];
};

static struct result tell_run(void *context, const char *id, struct buffer *out)
{
    (void)context;
    ENSURE(strcmp(id, RUN) == 0, CATEGORY_FALSE, "no such run");
    return buffer_text(out, "{\"steps\":[]}");
}

static struct result tell_broken(void *context, struct buffer *out)
{
    (void)context, (void)out;
    return FAIL(CATEGORY_ENVIRONMENT, "the inner reason");
}

static const struct console_document documents[] = {{"broken", tell_broken}, {0}};

static void desk_open(struct desk *desk)
{
    *desk = (struct desk){.config = {.address = (char *)(uintptr_t) "127.0.0.1:0"}};
    scratch_new(desk->directory);
    desk->console_config = (struct console_config){.config = &desk->config,
                                                   .where = "node.yaml",
                                                   .directory = desk->directory,
                                                   .context = desk,
                                                   .run = tell_run,
                                                   .documents = documents};
    OK(console_new(&desk->console_config, &desk->console));
}

static void desk_close(struct desk *desk)
{
    console_free(desk->console);
    scratch_remove(desk->directory);
}

struct told {
    struct buffer body;
    struct http_answer answer;
};

static void told_done(struct told *told)
{
    buffer_done(&told->body);
    if (told->answer.has_file) (void)close(told->answer.file);
    if (told->answer.stream.next) told->answer.stream.end(told->answer.stream.each);
}

static void ask(struct desk *desk, const struct http_request *request, struct told *told)
{
    *told = (struct told){.answer = {.status = 200, .type = HTTP_TEXT}};
    told->answer.body = &told->body;
    struct http_request whole = *request;
    if (!whole.method) whole.method = "GET";
    if (!whole.host) whole.host = "127.0.0.1:9465";
    OK(console_answer(desk->console, &whole, &told->answer));
}

static const char *header(const struct told *told, const char *name)
{
    for (size_t i = 0; i < HTTP_HEADERS_MAX && told->answer.headers[i].name; i++)
        if (strcmp(told->answer.headers[i].name, name) == 0) return told->answer.headers[i].value;
    return "";
}

static void expect(struct desk *desk, const struct http_request *request, unsigned status)
{
    CLEANUP(told_done) struct told told;
    ask(desk, request, &told);
    if (told.answer.status != status) fail_msg("%s: %u, not %u", request->path, told.answer.status, status);
    assert_non_null(strstr(header(&told, "Content-Security-Policy"), "default-src 'none'"));
    assert_string_equal(header(&told, "X-Content-Type-Options"), "nosniff");
    assert_string_equal(header(&told, "Referrer-Policy"), "no-referrer");
    assert_string_equal(header(&told, "Cross-Origin-Opener-Policy"), "same-origin");
    assert_string_equal(header(&told, "Cross-Origin-Resource-Policy"), "same-origin");
}

/* Through the address that the console gives out. */
static void desk_enter(struct desk *desk)
{
    struct console_invitation invitation;
    CLEANUP(told_done) struct told told;
    OK(console_invite(desk->console, &invitation));
    char *token = strstr(invitation.url, "/#token=");
    assert_non_null(token);
    ask(desk, &(struct http_request){.method = "POST", .path = "/login", .body = view_text(token + 8)}, &told);
    assert_int_equal(told.answer.status, 204);
    const char *cookie = header(&told, "Set-Cookie");
    assert_non_null(strstr(cookie, "; Path=/; HttpOnly; SameSite=Strict"));
    memcpy(desk->session, strchr(cookie, '=') + 1, CONSOLE_KEY_HEX - 1);
    desk->session[CONSOLE_KEY_HEX - 1] = 0;
    expect(desk, &(struct http_request){.method = "POST", .path = "/login", .body = view_text(token + 8)}, 403);
}

static void nothing_without_a_session(void **state)
{
    (void)state;
    static const char *const inside[] = {"/api/session", "/api/events", "/api/runs/" RUN, "/api/runs/" RUN "/model",
                                         "/api/broken",  "/api/x"};
    struct desk desk;
    desk_open(&desk);
    expect(&desk, &(struct http_request){.path = "/"}, 200);
    expect(&desk, &(struct http_request){.path = "/console.js"}, 200);
    expect(&desk, &(struct http_request){.path = "/../secrets.db"}, 404);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        expect(&desk, &(struct http_request){.path = inside[i]}, 401);
        expect(&desk, &(struct http_request){.path = inside[i], .cookie = "x"}, 401);
        expect(&desk, &(struct http_request){.path = inside[i], .cookie = RUN}, 401);
    }
    desk_close(&desk);
}

static void with_a_session(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk);
    desk_enter(&desk);
    const char *session = desk.session;
    expect(&desk, &(struct http_request){.path = "/api/session", .cookie = session}, 200);
    expect(&desk, &(struct http_request){.path = "/api/session", .cookie = session, .method = "HEAD"}, 200);
    expect(&desk, &(struct http_request){.path = "/api/runs/" RUN, .cookie = session}, 200);
    expect(&desk, &(struct http_request){.path = "/api/runs/" RUN "/model", .cookie = session}, 404);
    expect(&desk, &(struct http_request){.path = "/api/nothing", .cookie = session}, 404);
    CLEANUP(told_done) struct told broken = {.answer = {.body = NULL}};
    broken.answer.body = &broken.body;
    const struct http_request request = {
        .method = "GET", .path = "/api/broken", .host = "localhost", .cookie = session};
    assert_int_equal(console_answer(desk.console, &request, &broken.answer).category, CATEGORY_ENVIRONMENT);
    expect(&desk, &(struct http_request){.path = "/logout", .method = "POST", .cookie = session}, 204);
    expect(&desk, &(struct http_request){.path = "/api/session", .cookie = session}, 401);
    desk_close(&desk);
}

static void who_asks_from_elsewhere(void **state)
{
    (void)state;
    static const char *const elsewhere[] = {"http://evil.example", "http://127.0.0.1:9466", "https://127.0.0.1:9465",
                                            "null", ""};
    struct desk desk;
    desk_open(&desk);
    desk_enter(&desk);
    const char *session = desk.session;
    expect(&desk, &(struct http_request){.path = "/", .host = "evil.example"}, 403);
    expect(&desk, &(struct http_request){.path = "/api/session", .host = "evil.example", .cookie = session}, 403);
    expect(&desk, &(struct http_request){.path = "/api/session", .site = "cross-site", .cookie = session}, 403);
    expect(&desk, &(struct http_request){.path = "/api/session", .site = "same-site", .cookie = session}, 403);
    expect(&desk, &(struct http_request){.path = "/api/session", .site = "same-origin", .cookie = session}, 200);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        expect(&desk, &(struct http_request){.path = "/api/session", .origin = elsewhere[i], .cookie = session}, 403);
    expect(&desk, &(struct http_request){.path = "/api/session", .origin = "http://127.0.0.1:9465", .cookie = session},
           200);
    expect(&desk, /* through a proxy */
           &(struct http_request){
               .path = "/api/session", .origin = "https://console.example", .site = "same-origin", .cookie = session},
           200);
    expect(&desk, &(struct http_request){.path = "/logout", .method = "POST", .site = "same-site", .cookie = session},
           403);
    expect(&desk, &(struct http_request){.path = "/api/session", .method = "POST", .cookie = session}, 405);
    expect(&desk, &(struct http_request){.path = "/api/session", .method = "DELETE", .cookie = session}, 405);
    expect(&desk, &(struct http_request){.path = "/api/session", .cookie = session}, 200);
    desk_close(&desk);
}

static void write_run(struct desk *desk, const char *name, const char *text)
{
    char runs[FILE_PATH_MAX], run[FILE_PATH_MAX], path[FILE_PATH_MAX];
    OK(file_path(desk->directory, "runs", runs));
    OK(file_directory(runs, 0700));
    OK(file_path(runs, RUN, run));
    OK(file_directory(run, 0700));
    OK(file_path(run, name, path));
    OK(file_write(path, view_text(text), 0600));
}

static void files_of_a_run(void **state)
{
    (void)state;
    struct desk desk;
    char link[FILE_PATH_MAX];
    const char *text = NULL;
    CLEANUP(buffer_done) struct buffer files = {0};
    desk_open(&desk);
    desk_enter(&desk);
    write_run(&desk, "run.cfd", "bundle");
    write_run(&desk, "report.html", "<h1>r</h1>");
    write_run(&desk, "table.frozen", "rows");
    CLEANUP(told_done) struct told bundle, report;
    ask(&desk, &(struct http_request){.path = "/api/runs/" RUN "/bundle", .cookie = desk.session}, &bundle);
    assert_true(bundle.answer.has_file && bundle.answer.file_bytes == 6);
    assert_string_equal(header(&bundle, "Content-Disposition"), "attachment; filename=\"0123456789ab.cfd\"");
    ask(&desk, &(struct http_request){.path = "/api/runs/" RUN "/report", .cookie = desk.session}, &report);
    assert_non_null(strstr(header(&report, "Content-Security-Policy"), "; sandbox"));
    assert_null(strstr(header(&report, "Content-Security-Policy"), "script-src"));
    OK(console_put_files(desk.directory, RUN, &files));
    OK(buffer_terminate(&files, &text));
    assert_string_equal(text, "[\"report\",\"bundle\"]");
    assert_int_equal(console_evidence(desk.directory, RUN), 0);
    OK(file_path(desk.directory, "runs/" RUN "/model.json", link));
    assert_int_equal(symlink("table.frozen", link), 0);
    expect(&desk, &(struct http_request){.path = "/api/runs/" RUN "/model", .cookie = desk.session}, 404);
    desk_close(&desk);
}

static void pages_are_few(void **state)
{
    (void)state;
    struct desk desk;
    struct told pages[CONSOLE_STREAMS_MAX];
    desk_open(&desk);
    desk_enter(&desk);
    const struct http_request events = {.path = "/api/events", .cookie = desk.session};
    for (size_t i = 0; i < CONSOLE_STREAMS_MAX; i++) {
        ask(&desk, &events, &pages[i]);
        assert_string_equal(pages[i].answer.type, "text/event-stream");
    }
    expect(&desk, &events, 503);
    told_done(&pages[0]);
    expect(&desk, &events, 200);
    for (size_t i = 1; i < CONSOLE_STREAMS_MAX; i++) told_done(&pages[i]);
    desk_close(&desk);
}

static void a_page_ends_with_its_session(void **state)
{
    (void)state;
    struct desk desk;
    CLEANUP(buffer_done) struct buffer piece = {0};
    const char *text = NULL;
    desk_open(&desk);
    desk_enter(&desk);
    CLEANUP(told_done) struct told page;
    ask(&desk, &(struct http_request){.path = "/api/events", .cookie = desk.session}, &page);
    assert_true(console_watched(desk.console));
    OK(console_publish(desk.console, view_text("{\"a\":1}")));
    assert_true(page.answer.stream.next(page.answer.stream.each, &piece));
    OK(buffer_terminate(&piece, &text));
    assert_non_null(strstr(text, ",\"state\":{\"a\":1}}\n\n"));
    OK(console_publish(desk.console, view_text("{\"a\":1}"))); /* nothing new: a beat, after a while */
    buffer_clear(&piece);
    assert_true(page.answer.stream.next(page.answer.stream.each, &piece));
    OK(buffer_terminate(&piece, &text));
    assert_int_equal(strncmp(text, "event: beat\ndata: ", 18), 0);
    expect(&desk, &(struct http_request){.path = "/logout", .method = "POST", .cookie = desk.session}, 204);
    OK(console_publish(desk.console, view_text("{\"a\":2}")));
    assert_false(page.answer.stream.next(page.answer.stream.each, &piece));
    told_done(&page);
    page = (struct told){0};
    desk_close(&desk);
}

static void no_console(void **state)
{
    (void)state;
    struct console_invitation invitation;
    assert_int_equal(console_invite(NULL, &invitation).category, CATEGORY_USAGE);
    assert_string_equal(
        result_reason(),
        "the daemon serves no console: add a line \"console: {}\" to its configuration and reload it (SIGHUP)");
    struct config_console config = {.address = (char *)(uintptr_t) "0.0.0.0:0"};
    const struct console_config everywhere = {.config = &config, .where = "node.yaml"};
    struct console *console = NULL;
    assert_int_equal(console_new(&everywhere, &console).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "node.yaml: console: 0.0.0.0:0 can be reached from other machines; say so in "
                                         "the configuration to allow it");
}

/* ---- a server */

static int dial(const struct desk *desk, const char *request)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(console_port(desk->console)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(client, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    return client;
}

/* Reads until the text has come; fails when the connection ends before. */
static void await(int client, const char *text)
{
    char said[20000];
    size_t length = 0;
    for (said[0] = 0; !strstr(said, text);) {
        ssize_t got = length < sizeof said - 1 ? recv(client, said + length, sizeof said - 1 - length, 0) : 0;
        if (got <= 0) fail_msg("not \"%s\" but: %s", text, said);
        length += (size_t)got;
        said[length] = 0;
    }
}

static void events_request(const struct desk *desk, char out[256])
{
    (void)snprintf(out, 256, "GET /api/events HTTP/1.1\r\nHost: localhost\r\nCookie: cofferdam-0=%s\r\n\r\n",
                   desk->session);
}

/* Pages that read nothing hold nobody up: neither who publishes, nor other pages, nor the end. */
static void slow_pages(void **state)
{
    (void)state;
    enum { SLOW = CONSOLE_STREAMS_MAX - 1, TURNS = 50, BYTES = 200000 };
    struct desk desk;
    int slow[SLOW];
    char request[256];
    desk_open(&desk);
    desk_enter(&desk);
    events_request(&desk, request);
    for (size_t i = 0; i < SLOW; i++) slow[i] = dial(&desk, request);
    char *large = calloc(1, BYTES + 1);
    assert_non_null(large);
    uint64_t start = clock_monotonic_ms();
    for (unsigned turn = 0; turn < TURNS; turn++) {
        memset(large, 'a' + (int)(turn % 26), BYTES);
        OK(console_publish(desk.console, view_text(large)));
    }
    free(large);
    int quick = dial(&desk, request);
    OK(console_publish(desk.console, view_text("{\"last\":1}")));
    await(quick, "\"state\":{\"last\":1}}\n\n");
    (void)close(quick);
    desk_close(&desk); /* while they are open */
    assert_true(clock_monotonic_ms() - start < 30000);
    for (size_t i = 0; i < SLOW; i++) (void)close(slow[i]);
}

static void over_the_wire(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk);
    int client = dial(&desk, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    await(client, "HTTP/1.1 403");
    (void)close(client);
    client = dial(&desk, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab");
    await(client, "HTTP/1.1 403");
    (void)close(client);
    client = dial(&desk, "GET /console.css HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await(client, "Cache-Control: no-store\r\n");
    (void)close(client);
    client = dial(&desk, "DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await(client, "HTTP/1.1 405");
    (void)close(client);
    desk_close(&desk);
}

static void a_long_body_is_not_read(void **state)
{
    (void)state;
    struct desk desk;
    char body[2 * HTTP_BODY_MAX + 128], byte;
    desk_open(&desk);
    int length = snprintf(body, sizeof body, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: %u\r\n\r\n",
                          2 * HTTP_BODY_MAX);
    memset(body + length, 'a', 2 * HTTP_BODY_MAX);
    body[(unsigned)length + 2 * HTTP_BODY_MAX] = 0;
    int client = dial(&desk, body);
    assert_true(recv(client, &byte, 1, 0) <= 0);
    (void)close(client);
    desk_close(&desk);
}

static int start(void **state)
{
    (void)state;
    return result_ok(crypto_start()) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_counts_once),
        cmocka_unit_test(a_token_ends),
        cmocka_unit_test(what_is_no_token),
        cmocka_unit_test(a_session_ends),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(paths),
        cmocka_unit_test(hosts),
        cmocka_unit_test(nothing_without_a_session),
        cmocka_unit_test(with_a_session),
        cmocka_unit_test(who_asks_from_elsewhere),
        cmocka_unit_test(files_of_a_run),
        cmocka_unit_test(pages_are_few),
        cmocka_unit_test(a_page_ends_with_its_session),
        cmocka_unit_test(no_console),
        cmocka_unit_test(slow_pages),
        cmocka_unit_test(over_the_wire),
        cmocka_unit_test(a_long_body_is_not_read),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/control.h"
#include "sys/file.h"
#include "sys/frame.h"
#include "tests/support/scratch.h"

enum { PATIENCE_MS = 20000, THREADS = 6 };

static char directory[SCRATCH_MAX];

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void refused(struct result result, enum category category, const char *part)
{
    assert_int_equal(result.category, category);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

struct answering {
    struct control_server *server;
    atomic_bool stopping;
};

static void *answer(void *argument)
{
    struct answering *answering = argument;
    while (!atomic_load(&answering->stopping)) {
        struct control_request request;
        bool got = false;
        if (!result_ok(control_server_receive(answering->server, -1, &request, &got)) || !got) continue;
        (void)buffer_text(&request.bytes, ", yes").category;
        (void)control_server_reply(answering->server, request.id, buffer_view(&request.bytes)).category;
        buffer_done(&request.bytes);
    }
    return NULL;
}

static void *ask_often(void *right)
{
    for (int i = 0; i < 10; i++) {
        struct buffer reply = {0};
        struct result result = control_request(directory, view_text("are you there"), PATIENCE_MS, &reply);
        if (result_ok(result) && view_equal(buffer_view(&reply), view_text("are you there, yes")))
            atomic_fetch_add((atomic_int *)right, 1);
        buffer_done(&reply);
    }
    return NULL;
}

static void commands_are_answered(void **state)
{
    (void)state;
    struct answering answering = {0};
    ok(control_server_new(directory, &answering.server));
    char path[FILE_PATH_MAX];
    struct stat status;
    ok(file_path(directory, "control.sock", path));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    pthread_t server, callers[THREADS];
    atomic_int right = 0;
    assert_int_equal(pthread_create(&server, NULL, answer, &answering), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&callers[i], NULL, ask_often, &right), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(callers[i], NULL), 0);
    assert_int_equal(atomic_load(&right), 10 * THREADS);
    atomic_store(&answering.stopping, true);
    control_server_wake(answering.server);
    assert_int_equal(pthread_join(server, NULL), 0);
    control_server_free(answering.server);
    assert_false(file_exists(path));
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", directory);
    assert_in_range(length, 1, sizeof address.sun_path - 1);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

/* One that asks more than the queue holds and goes away, when the first of it is answered, takes its questions along:
 * another, who was not read because of them, is read now. */
static void who_waited_for_room_is_heard_when_the_crowd_is_gone(void **state)
{
    (void)state;
    struct control_server *server = NULL;
    struct control_request request;
    bool got = false;
    uint8_t crowd[64 * FRAME_HEADER_BYTES] = {0}, greeting[64];
    ok(control_server_new(directory, &server));
    int many = dial();
    assert_int_equal(send(many, crowd, sizeof crowd, MSG_NOSIGNAL), sizeof crowd);
    ok(control_server_receive(server, PATIENCE_MS, &request, &got));
    assert_true(got && request.bytes.length == 0);
    (void)usleep(100000); /* the place of the first is taken again */
    int one = dial();
    assert_true(recv(one, greeting, sizeof greeting, 0) > 0);
    CLEANUP(buffer_done) struct buffer frame = {0};
    ok(frame_write(&(struct frame){1, view_text("me")}, &frame));
    assert_int_equal(send(one, frame.data, frame.length, MSG_NOSIGNAL), frame.length);
    (void)close(many);
    ok(control_server_reply(server, request.id, view_text("you")));
    (void)usleep(200000); /* nobody is there to take it: the connection ends */
    for (;;) {
        ok(control_server_receive(server, PATIENCE_MS, &request, &got));
        assert_true(got);
        bool mine = view_equal(buffer_view(&request.bytes), view_text("me"));
        buffer_done(&request.bytes);
        if (mine) break;
    }
    (void)close(one);
    control_server_free(server);
}

static void nobody_there_is_said(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer reply = {0};
    refused(control_request(directory, view_text("x"), PATIENCE_MS, &reply), CATEGORY_ENVIRONMENT,
            "runs in this directory");
}

static void a_dead_ones_socket_gives_way(void **state)
{
    (void)state;
    struct control_server *server;
    char path[FILE_PATH_MAX];
    ok(file_path(directory, "control.sock", path));
    ok(file_write(path, view_text("left behind"), 0600));
    ok(control_server_new(directory, &server));
    CLEANUP(buffer_done) struct buffer reply = {0};
    refused(control_request(directory, view_text("x"), 200, &reply), CATEGORY_ENVIRONMENT, "gave no answer");
    control_server_free(server);
}

static void a_long_path_is_refused(void **state)
{
    (void)state;
    struct control_server *server;
    char path[SCRATCH_MAX + 200];
    (void)snprintf(path, sizeof path, "%s/%0120d", directory, 1);
    refused(control_server_new(path, &server), CATEGORY_USAGE, "use a shorter state directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_there_is_said, enter, leave),
        cmocka_unit_test_setup_teardown(commands_are_answered, enter, leave),
        cmocka_unit_test_setup_teardown(who_waited_for_room_is_heard_when_the_crowd_is_gone, enter, leave),
        cmocka_unit_test_setup_teardown(a_dead_ones_socket_gives_way, enter, leave),
        cmocka_unit_test_setup_teardown(a_long_path_is_refused, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

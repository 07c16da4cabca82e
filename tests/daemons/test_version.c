/* A node against something that answers at the coordinator's address, with its key, in another protocol version. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "proto/run/note.h"
#include "proto/run/roster.h"
#include "proto/run/service.h"
#include "sys/file.h"
#include "sys/keys.h"
#include "sys/transport.h"
#include "tests/support/policy.h"
#include "tests/support/scratch.h"

enum { BANKS = 3 };

struct stage {
    char directory[SCRATCH_MAX];
    struct sign_key *coordinator, *identities[BANKS], *nodes[BANKS];
    struct roster roster;
    struct transport_server *server;
    pthread_t thread;
    atomic_bool stopping;
};

static void put(const struct stage *stage, const char *name, const char *text)
{
    char path[SCRATCH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", stage->directory, name);
    assert_true(result_ok(file_write(path, view_text(text), 0644)));
}

static bool anyone(void *context, const struct sign_public *peer)
{
    (void)context;
    (void)peer;
    return true;
}

/* Answers every request with a frame whose version is one more than ours. */
static void *answer(void *context)
{
    struct stage *stage = context;
    while (!atomic_load(&stage->stopping)) {
        struct transport_request request = {0};
        bool got = false;
        if (!result_ok(transport_server_receive(stage->server, 100, &request, &got))) break;
        if (!got) continue;
        struct service_frame frame;
        CLEANUP(buffer_done) struct buffer reply = {0};
        if (result_ok(service_frame_read(buffer_view(&request.bytes), &frame)) &&
            result_ok(service_frame_write(SERVICE_STATUS, NULL, (struct view){0}, &reply))) {
            reply.data[4]++;
            (void)!result_ok(transport_server_reply(stage->server, request.id, buffer_view(&reply)));
        }
        buffer_done(&request.bytes);
    }
    return NULL;
}

static void listen_somewhere(struct stage *stage)
{
    for (unsigned port = 21000; port < 21100 && !stage->server; port++) {
        (void)snprintf(stage->roster.address, sizeof stage->roster.address, "tls+tcp://127.0.0.1:%u", port);
        (void)!result_ok(
            transport_server_new(stage->roster.address, stage->coordinator, anyone, NULL, NULL, &stage->server));
    }
    assert_non_null(stage->server);
}

static void write_roster(struct stage *stage)
{
    CLEANUP(buffer_done) struct buffer text = {0}, note = {0};
    assert_true(result_ok(roster_text(&stage->roster, &text)));
    assert_true(result_ok(note_sign(buffer_view(&text), stage->roster.members[0].name, stage->identities[0], &note)));
    for (size_t i = 1; i < BANKS; i++) {
        struct buffer more = {0};
        assert_true(
            result_ok(note_add(buffer_view(&note), stage->roster.members[i].name, stage->identities[i], &more)));
        buffer_done(&note);
        note = more;
    }
    char path[SCRATCH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/roster.note", stage->directory);
    assert_true(result_ok(file_write(path, buffer_view(&note), 0644)));
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    assert_true(result_ok(crypto_start()));
    scratch_new(stage->directory);
    assert_true(result_ok(keys_generate(&stage->coordinator)));
    stage->roster.version = 1;
    stage->roster.coordinator = *sign_key_public(stage->coordinator);
    (void)snprintf(stage->roster.coordinator_name, sizeof stage->roster.coordinator_name, "coordinator");
    stage->roster.size = BANKS;
    stage->roster.members = calloc(BANKS, sizeof *stage->roster.members);
    assert_non_null(stage->roster.members);
    for (size_t i = 0; i < BANKS; i++) {
        assert_true(result_ok(keys_generate(&stage->identities[i])));
        assert_true(result_ok(keys_generate(&stage->nodes[i])));
        struct roster_member *member = &stage->roster.members[i];
        (void)snprintf(member->name, sizeof member->name, "bank%zu", i);
        member->identity = *sign_key_public(stage->identities[i]);
        member->node = *sign_key_public(stage->nodes[i]);
    }
    listen_somewhere(stage);
    write_roster(stage);
    char path[SCRATCH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/node.key", stage->directory);
    assert_true(result_ok(keys_write(path, KEY_NODE, stage->nodes[0], NULL)));
    put(stage, "rows.csv", "a,b\n1,2\n");
    put(stage, "node.yaml",
        "key: node.key\nroster: roster.note\nstate: state\npolicy: policy.yaml\nsource:\n  name: rows\n"
        "  file: rows.csv\n");
    put(stage, "policy.yaml", POLICY_TEXT("bank0", "3", "", "1", "run: 1000, month: 1000"));
    assert_int_equal(pthread_create(&stage->thread, NULL, answer, stage), 0);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    atomic_store(&stage->stopping, true);
    (void)pthread_join(stage->thread, NULL);
    transport_server_free(stage->server);
    for (size_t i = 0; i < BANKS; i++) {
        sign_key_free(stage->identities[i]);
        sign_key_free(stage->nodes[i]);
    }
    sign_key_free(stage->coordinator);
    free(stage->roster.members);
    scratch_remove(stage->directory);
    free(stage);
    return 0;
}

static void another_version_is_named(void **state)
{
    const struct stage *stage = *state;
    const char *build = getenv("BUILD");
    char command[2 * SCRATCH_MAX], line[512] = "";
    (void)snprintf(command, sizeof command, "%s/cofferdam-node check %s 2>&1 >/dev/null", build ? build : "build",
                   stage->directory);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    int status = pclose(pipe);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, CATEGORY_FALSE);
    print_message("%s", line);
    assert_non_null(strstr(line, "version"));
    assert_non_null(strstr(line, " 1"));
    assert_non_null(strstr(line, " 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_version_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

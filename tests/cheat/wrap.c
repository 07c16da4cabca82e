/* Between the coordinator and its transport: plays what COFFERDAM_CHEATS lists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/log.h"
#include "tests/cheat/cheat.h"

enum { LISTED_MAX = 96, ASKED_MAX = 4096 };

struct listed {
    const struct cheat *cheat;
    char bank[NAME_MAX_BYTES + 1]; /* "": any */
    bool always, spent;
};
static struct listed listed[LISTED_MAX];
static size_t listed_count;

struct memory memory;
static struct hub *cheating_hub;
static unsigned asked_by[ASKED_MAX]; /* the member, by the request's id */

struct result __real_asks_dispatch(struct hub *hub, const struct transport_request *request);
struct result __wrap_asks_dispatch(struct hub *hub, const struct transport_request *request);
struct result __real_transport_server_reply(struct transport_server *server, uint64_t id, struct view bytes);
struct result __wrap_transport_server_reply(struct transport_server *server, uint64_t id, struct view bytes);

static struct result list_one(const char *word, size_t length)
{
    ENSURE(listed_count < LISTED_MAX, CATEGORY_USAGE, "more than %d cheats", LISTED_MAX);
    struct listed *one = &listed[listed_count++];
    one->always = word[length - 1] == '*';
    if (one->always) length--;
    const char *at = memchr(word, '@', length);
    size_t name = at ? (size_t)(at - word) : length;
    if (at) (void)snprintf(one->bank, sizeof one->bank, "%.*s", (int)(length - name - 1), at + 1);
    one->cheat = cheat_find(word, name);
    ENSURE(one->cheat, CATEGORY_USAGE, "no cheat is called \"%.*s\"", (int)name, word);
    return RESULT_OK;
}

static struct result list_read(void)
{
    const char *text = getenv("COFFERDAM_CHEATS");
    while (text && *text) {
        size_t length = strcspn(text, " ");
        if (length) TRY(list_one(text, length));
        text += length + (text[length] == ' ');
    }
    return RESULT_OK;
}

static struct result keep(struct buffer *buffer, struct view bytes)
{
    buffer_clear(buffer);
    return buffer_append(buffer, bytes);
}

/* What it sees in a request. */
static struct result see(const struct hub *hub, unsigned member, struct view bytes)
{
    struct service_frame frame;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    if (!result_ok(service_frame_read(bytes, &frame)) || frame.kind != SERVICE_RUN ||
        !result_ok(message_decode(frame.payload, hub->roster.size, &arena, &message)))
        return RESULT_OK;
    if (message.kind == MESSAGE_P2) return keep(&memory.p2[member], message.payload);
    if (message.kind == MESSAGE_VOID) return keep(&memory.voids[member], message.payload);
    return RESULT_OK;
}

/* COFFERDAM_RECORD: a file to which every request is added, member u32 ‖ length u32 ‖ bytes (tests/rogue). */
static struct result record(unsigned member, struct view bytes)
{
    const char *path = getenv("COFFERDAM_RECORD");
    if (!path) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer line = {0};
    TRY(buffer_u32(&line, member));
    TRY(buffer_u32(&line, (uint32_t)bytes.length));
    TRY(buffer_append(&line, bytes));
    FILE *file = fopen(path, "ab");
    bool written = file && fwrite(line.data, line.length, 1, file) == 1;
    if (file) written = fclose(file) == 0 && written;
    ENSURE(written, CATEGORY_ENVIRONMENT, "%s cannot be written", path);
    return RESULT_OK;
}

struct result __wrap_asks_dispatch(struct hub *hub, const struct transport_request *request)
{
    unsigned member = roster_position_of_node(&hub->roster, &request->peer);
    if (!cheating_hub) TRY(list_read());
    cheating_hub = hub;
    asked_by[request->id % ASKED_MAX] = member;
    TRY(see(hub, member, buffer_view(&request->bytes)));
    TRY(record(member, buffer_view(&request->bytes)));
    return __real_asks_dispatch(hub, request);
}

/* What it says, honestly. */
static struct result remember(const struct play *play)
{
    TRY(keep(&memory.reply[play->member], play->frame));
    if (!play->message || play->message->kind != MESSAGE_ROUND) return RESULT_OK;
    struct view close = play->message->round.close;
    if (!view_equal(close, buffer_view(&memory.present))) {
        TRY(keep(&memory.close, buffer_view(&memory.present)));
        TRY(keep(&memory.present, close));
    }
    struct buffer *first = &memory.first[play->member];
    return first->length ? RESULT_OK : keep(first, play->frame);
}

static bool fits(const struct listed *one, const struct play *play)
{
    const char *bank = play->hub->roster.members[play->member - 1].name;
    if (one->spent || (one->bank[0] && strcmp(one->bank, bank) != 0)) return false;
    if (!play->message) return play->outside && one->cheat->kind == play->outside;
    return !one->cheat->kind || one->cheat->kind == play->message->kind;
}

/* The first that can be played. */
static struct result play_one(struct play *play)
{
    for (size_t i = 0; i < listed_count; i++) {
        struct listed *one = &listed[i];
        if (!fits(one, play)) continue;
        buffer_clear(play->out);
        play->whole = false;
        TRY(one->cheat->play(play));
        if (!play->out->length) continue;
        one->spent = !one->always;
        log_info("cheat", "%s at %s", one->cheat->name, play->hub->roster.members[play->member - 1].name);
        return RESULT_OK;
    }
    return RESULT_OK;
}

struct result __wrap_transport_server_reply(struct transport_server *server, uint64_t id, struct view bytes)
{
    unsigned member = asked_by[id % ASKED_MAX];
    struct service_frame frame;
    TRY(service_frame_read(bytes, &frame));
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    CLEANUP(buffer_done) struct buffer framed = {0};
    struct message message;
    struct play play = {.hub = cheating_hub,
                        .session = session_find(cheating_hub, &frame.run),
                        .member = member,
                        .outside = frame.kind == SERVICE_OFFERS   ? CHEAT_OFFERS
                                   : frame.kind == SERVICE_BUNDLE ? CHEAT_BUNDLE
                                                                  : 0,
                        .frame = bytes,
                        .arena = &arena,
                        .out = &out};
    if (frame.kind == SERVICE_RUN) {
        TRY(message_decode(frame.payload, cheating_hub->roster.size, &arena, &message));
        play.message = &message;
    }
    TRY(play_one(&play));
    TRY(remember(&play));
    if (!out.length) return __real_transport_server_reply(server, id, bytes);
    if (play.whole) return __real_transport_server_reply(server, id, buffer_view(&out));
    TRY(service_frame_write(SERVICE_RUN, &frame.run, buffer_view(&out), &framed));
    return __real_transport_server_reply(server, id, buffer_view(&framed));
}

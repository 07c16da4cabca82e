#include "node/node_console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/json_text.h"
#include "crypto/secret.h"
#include "node/budget_show.h"
#include "node/journal.h"
#include "node/plans.h"
#include "node/status.h"
#include "sys/console.h"
#include "sys/growing.h"
#include "sys/log.h"

enum {
    TURN_MS = 500,           /* what is shown is this old at most, unless a step of a machine takes long */
    ENTRIES_SHOWN = 300,     /* of the journal, the latest */
    JOURNAL_BYTES = 4 << 20, /* of its end, in which they are looked for */
};

struct node_console {
    struct bank *bank; /* borrowed */
    struct console_config config;
    struct console *console;
    pthread_t thread;
    bool threaded;
    atomic_bool over;
};

static void json_freep(json_t **json)
{
    json_decref(*json);
}

/* ---- what is published: on a thread of its own, since the bank's lock may be held long */

static struct result state_of(struct bank *bank, json_t **ret)
{
    CLEANUP(json_freep) json_t *state = NULL, *plans = NULL, *budget = NULL;
    CLEANUP(buffer_done) struct buffer warnings = {0};
    TRY(status_bank(bank, &state));
    TRY(plans_list(bank, &plans));
    TRY(budget_list(bank, &budget));
    TRY(log_recent(&warnings));
    (void)json_object_del(state, "now_ms"); /* the console tells it, and nothing else has changed by it */
    bool whole =
        json_object_set_new(state, "program", json_string("node")) == 0 &&
        json_object_set(state, "plans", plans) == 0 && json_object_set(state, "budget", budget) == 0 &&
        json_object_set_new(state, "warnings", json_loadb((const char *)warnings.data, warnings.length, 0, NULL)) == 0;
    ENSURE(whole, CATEGORY_ENVIRONMENT, "no memory for the console");
    *ret = state;
    state = NULL;
    return RESULT_OK;
}

static struct result publish(struct node_console *console)
{
    CLEANUP(json_freep) json_t *state = NULL;
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(state_of(console->bank, &state));
    TRY(json_text(state, JSON_COMPACT, &text));
    return console_publish(console->console, buffer_view(&text));
}

static void *publisher(void *context)
{
    struct node_console *console = context;
    while (!atomic_load(&console->over) && !atomic_load(&console->bank->stopping)) {
        if (console_watched(console->console) && !result_ok(publish(console)))
            log_warning("console", "nothing new is shown: %s", result_reason());
        bank_rest(console->bank, TURN_MS);
    }
    fold_thread_done(); /* what a budget was computed with */
    return NULL;
}

/* ---- the journal, and what it tells of a run: on threads of the server, from the file */

/* The latest lines that are wanted, in turn. */
struct lines {
    struct view items[ENTRIES_SHOWN];
    size_t count;
};

static bool has_text(struct view line, const char *text)
{
    return !text || memmem(line.data, line.length, text, strlen(text));
}

/* Whole lines of the journal's end that have the text. */
static void lines_take(struct view end, const char *text, struct lines *lines)
{
    while (end.length) {
        const uint8_t *stop = memchr(end.data, '\n', end.length);
        if (!stop) return;
        struct view line = view_of(end.data, (size_t)(stop - end.data));
        if (has_text(line, text)) lines->items[lines->count++ % ENTRIES_SHOWN] = line;
        end = view_of(stop + 1, end.length - line.length - 1);
    }
}

static struct result lines_put(const struct lines *lines, struct buffer *out)
{
    size_t first = lines->count > ENTRIES_SHOWN ? lines->count - ENTRIES_SHOWN : 0;
    TRY(buffer_text(out, "["));
    for (size_t i = first; i < lines->count; i++) {
        TRY(buffer_text(out, i == first ? "" : ","));
        TRY(buffer_append(out, lines->items[i % ENTRIES_SHOWN]));
    }
    return buffer_text(out, "]");
}

/* Entries as they stand there, in a JSON array; text NULL: all. */
static struct result put_entries(const struct bank *bank, const char *text, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer end = {0};
    struct lines lines = {.count = 0};
    uint64_t total = 0;
    TRY(file_read_piece(journal_path(bank->journal), 0, 0, &end, &total));
    uint64_t start = total > JOURNAL_BYTES ? total - JOURNAL_BYTES : 0;
    TRY(file_read_piece(journal_path(bank->journal), start, JOURNAL_BYTES, &end, &total));
    struct view bytes = buffer_view(&end);
    const uint8_t *whole = start ? memchr(bytes.data, '\n', bytes.length) : NULL; /* the first line may be cut */
    if (whole) bytes = view_of(whole + 1, bytes.length - (size_t)(whole + 1 - bytes.data));
    lines_take(bytes, text, &lines);
    return lines_put(&lines, out);
}

static struct result answer_journal(void *context, struct buffer *out)
{
    return put_entries(((const struct node_console *)context)->bank, NULL, out);
}

static struct result answer_run(void *context, const char *id, struct buffer *out)
{
    const struct bank *bank = ((const struct node_console *)context)->bank;
    char member[96];
    (void)snprintf(member, sizeof member, "\"run\":\"%s\"", id);
    TRY(buffer_text(out, "{\"journal\":"));
    TRY(put_entries(bank, member, out));
    TRY(buffer_text(out, ",\"files\":"));
    TRY(console_put_files(bank->config->state, id, out));
    return buffer_format(out, ",\"evidence\":%u}", console_evidence(bank->config->state, id));
}

/* ---- both */

static const struct console_document documents[] = {{"journal", answer_journal}, {0}};

struct result node_console_new(struct bank *bank, struct node_console **ret)
{
    if (!bank->config->console.address) return RESULT_OK;
    CLEANUP(node_console_freep) struct node_console *console = calloc(1, sizeof *console);
    ENSURE(console, CATEGORY_ENVIRONMENT, "no memory for a console");
    console->bank = bank;
    console->config = (struct console_config){
        .config = &bank->config->console,
        .where = bank->config_path,
        .directory = bank->config->state,
        .context = console,
        .run = answer_run,
        .documents = documents,
    };
    TRY(console_new(&console->config, &console->console));
    console->threaded = pthread_create(&console->thread, NULL, publisher, console) == 0;
    ENSURE(console->threaded, CATEGORY_ENVIRONMENT, "no thread for a console");
    *ret = console;
    console = NULL;
    return RESULT_OK;
}

void node_console_free(struct node_console *console)
{
    if (!console) return;
    atomic_store(&console->over, true);
    if (console->threaded) (void)pthread_join(console->thread, NULL);
    console_free(console->console);
    free(console);
}

void node_console_freep(struct node_console **console)
{
    node_console_free(*console);
    *console = NULL;
}

struct result node_console_invite(const struct node_console *console, json_t **ret)
{
    struct console_invitation invitation;
    TRY(console_invite(console ? console->console : NULL, &invitation));
    *ret = json_pack("{s:s, s:i}", "url", invitation.url, "minutes", (int)invitation.minutes);
    secret_bytes_wipe(&invitation, sizeof invitation);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "no memory for an answer");
    return RESULT_OK;
}

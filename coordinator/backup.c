#include "coordinator/backup.h"

#include <stdio.h>
#include <string.h>

#include "coordinator/session.h"
#include "sys/backup.h"
#include "sys/file.h"

#define KEY_RESTORED "daemon/restored" /* u64 made ‖ u8 ends */

static const struct snapshot_files snapshot = {
    .copied = (const char *const[]){NULL},
    .linked = (const char *const[]){"runs", NULL},
    .skipped = (const char *const[]){NULL},
};

static const struct backup_form form = {
    .program = "cofferdam-coordinator",
    .files = (const char *const[]){"coordinator.yaml", "roster.note", NULL},
    .snapshot = &snapshot,
};

struct result hub_snapshot(struct hub *hub, struct snapshot_name *ret)
{
    return snapshot_take(hub->store, hub->config->state, &snapshot, ret);
}

static struct result answered(struct view reply, struct snapshot_name *ret)
{
    const size_t begin = strlen(BACKUP_READY);
    int length = reply.length < SERVICE_REASON_MAX ? (int)reply.length : (int)SERVICE_REASON_MAX;
    ENSURE(reply.length > begin && memcmp(reply.data, BACKUP_READY, begin) == 0, CATEGORY_ENVIRONMENT,
           "the coordinator says: %.*s", length, (const char *)reply.data);
    (void)snprintf(ret->text, sizeof ret->text, "%.*s", length - (int)begin, (const char *)reply.data + begin);
    return RESULT_OK;
}

struct result hub_backup(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    CLEANUP(config_coordinator_freep) struct config_coordinator *config = NULL;
    struct backup_made made;
    ENSURE(words->out, CATEGORY_USAGE, "--out is missing: the folder that the backup will be");
    TRY(file_config(words->operand, "coordinator.yaml", path));
    TRY(config_coordinator_load(path, &config));
    const struct backup_file files[] = {{path, "coordinator.yaml"}, {config->roster, "roster.note"}};
    const struct backup_source source = {
        .program = "cofferdam-coordinator",
        .version = COFFERDAM_VERSION,
        .state = config->state,
        .files = files,
        .files_count = sizeof files / sizeof *files,
        .request = BACKUP_REQUEST,
        .answered = answered,
        .snapshot = &snapshot,
    };
    TRY(backup_make(&source, words->out, &made));
    backup_tell("written", words->out, &made);
    printf("left out  the coordinator's key, which nothing copies\n");
    return RESULT_OK;
}

static struct result restored_keep(struct store *store, const struct restored *restored)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    TRY(buffer_u64(&value, restored->made));
    TRY(buffer_u8(&value, restored->ends));
    const struct store_record record = {.key = KEY_RESTORED, .value = buffer_view(&value)};
    return store_commit(store, &record, 1);
}

struct result restored_load(struct hub *hub)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    uint8_t ends = 0;
    TRY(store_load(hub->store, false, NULL, KEY_RESTORED, &value, &found));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&value), "the backup that this was restored from");
    TRY(reader_u64(&reader, &hub->restored.made));
    TRY(reader_u8(&reader, &ends));
    hub->restored.ends = ends != 0;
    return reader_end(&reader);
}

struct result restored_end_runs(struct hub *hub)
{
    if (!hub->restored.ends) return RESULT_OK;
    for (struct session *session = hub->sessions; session; session = session->next)
        TRY(session_cancel(session, "the coordinator was restored from a backup that was made while it ran, and what "
                                    "was sent since is not known to it; submit the run again"));
    hub->restored.ends = false;
    return restored_keep(hub->store, &hub->restored);
}

static bool paths_set(const char *path)
{
    CLEANUP(config_coordinator_freep) struct config_coordinator *config = NULL;
    return result_ok(config_coordinator_load(path, &config)) && backup_beside(path, config->roster, "roster.note") &&
           backup_beside(path, config->state, "state");
}

static struct result finish(const char *directory, const struct manifest_head *head)
{
    static const struct backup_key keys[] = {{"key", "node.key"}, {"roster", "roster.note"}, {"state", "state"}};
    char path[FILE_PATH_MAX], state[FILE_PATH_MAX];
    CLEANUP(store_closep) struct store *store = NULL;
    bool set = false;
    TRY(file_path(directory, "coordinator.yaml", path));
    TRY(file_path(directory, "state", state));
    TRY(store_open(state, &store));
    TRY(restored_keep(store, &(struct restored){.made = head->made, .ends = head->running}));
    TRY(backup_set_paths(path, keys, sizeof keys / sizeof *keys, paths_set, &set));
    printf("state     every record of it whole\npaths     coordinator.yaml %s\n",
           set ? "names node.key, roster.note and state beside it"
               : "names the paths that it had: set key, roster and state by hand");
    return RESULT_OK;
}

struct result hub_restore(const struct program_words *words)
{
    struct backup_made made;
    ENSURE(words->from, CATEGORY_USAGE, "--from is missing: the backup's folder");
    TRY(backup_restore(&form, words->from, words->operand, finish, &made));
    backup_tell("restored", words->operand, &made);
    printf("missing   the coordinator's node.key\n"
           "open runs %s\n",
           made.head.running ? "end at the start, since the coordinator went on after this backup: submit them again"
                             : "go on, unless the coordinator was started again after this backup");
    return RESULT_OK;
}

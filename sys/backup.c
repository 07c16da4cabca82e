#include "sys/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/base/limits.h"
#include "sys/clock.h"
#include "sys/control.h"
#include "sys/copy.h"
#include "sys/file.h"
#include "sys/folder.h"

#define UNFINISHED ".unfinished"

/* ---- a folder that is not finished */

struct draft {
    char path[FILE_PATH_MAX];
    int lock; /* on the folder; below 0: there is none */
};

static void draft_done(struct draft *draft)
{
    if (draft->lock < 0) return;
    (void)folder_remove(draft->path).category; /* the next one does it else */
    (void)close(draft->lock);
}

static struct result lock_folder(const char *path, const char *whose, int *ret)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        (void)close(descriptor);
        return FAIL(CATEGORY_ENVIRONMENT, "%s: another %s works here; wait for it", path, whose);
    }
    *ret = descriptor;
    return RESULT_OK;
}

/* What was left by one that was killed holds no lock any more. */
static struct result draft_new(const char *name, struct draft *ret)
{
    char plain[FILE_PATH_MAX];
    TRY(file_path("", name, plain));
    for (size_t end = strlen(plain); end > 1 && plain[end - 1] == '/'; end--) plain[end - 1] = 0;
    int length = snprintf(ret->path, sizeof ret->path, "%s" UNFINISHED, plain);
    ENSURE(length > 0 && (size_t)length < sizeof ret->path, CATEGORY_USAGE, "%s: the path is too long", name);
    if (file_exists(ret->path)) {
        int left = -1;
        TRY(file_private_directory(ret->path));
        TRY(lock_folder(ret->path, "backup or restore", &left));
        struct result removed = folder_remove(ret->path);
        (void)close(left);
        TRY(removed);
    }
    ENSURE(mkdir(ret->path, 0700) == 0, CATEGORY_ENVIRONMENT, "%s: could not be made: %s", ret->path, strerror(errno));
    struct result locked = lock_folder(ret->path, "backup or restore", &ret->lock);
    return locked;
}

static struct result sync_folder(void *visitor, const char *path, const char *name)
{
    (void)visitor, (void)name;
    return file_directory_sync(path);
}

static struct result pass_by(void *visitor, const char *path, const char *name)
{
    (void)visitor, (void)path, (void)name;
    return RESULT_OK;
}

/* Durable, and under its name, where nothing or an empty folder may be. */
static struct result draft_finish(struct draft *draft, const char *name)
{
    TRY(copy_walk(draft->path, &(struct copy_visit){sync_folder, pass_by, NULL, false}));
    TRY(file_directory_sync(draft->path));
    ENSURE(rename(draft->path, name) == 0,
           errno == ENOTEMPTY || errno == EEXIST ? CATEGORY_USAGE : CATEGORY_ENVIRONMENT,
           "%s: could not be put in place: %s", name, strerror(errno));
    (void)close(draft->lock);
    draft->lock = -1;
    return file_parent_sync(name);
}

/* ---- writing */

struct writing {
    const struct draft *draft;
    struct backup_made *made;
    struct manifest_file *files;
    size_t room;
};

static void writing_done(struct writing *writing)
{
    free(writing->files);
}

static struct result take_file(struct writing *writing, const char *path, const char *name)
{
    struct backup_made *made = writing->made;
    char target[FILE_PATH_MAX];
    if (!writing->files || made->files == writing->room) {
        size_t room = writing->room ? 2 * writing->room : 64;
        struct manifest_file *grown = realloc(writing->files, room * sizeof *grown);
        ENSURE(grown, CATEGORY_ENVIRONMENT, "no memory for a backup's list");
        writing->files = grown;
        writing->room = room;
    }
    struct manifest_file *file = &writing->files[made->files];
    int length = snprintf(file->path, sizeof file->path, "%s", name);
    ENSURE(length > 0 && (size_t)length < sizeof file->path, CATEGORY_USAGE, "%s: the path is too long", path);
    TRY(file_path(writing->draft->path, name, target));
    TRY(copy_file(path, target, &file->digest, &file->bytes));
    made->files++;
    made->bytes += file->bytes;
    return RESULT_OK;
}

static struct result take_state_file(void *visitor, const char *path, const char *name)
{
    char below[FILE_PATH_MAX];
    TRY(file_path("state", name, below));
    return take_file(visitor, path, below);
}

static struct result make_state_folder(void *visitor, const char *path, const char *name)
{
    const struct writing *writing = visitor;
    char below[FILE_PATH_MAX], target[FILE_PATH_MAX];
    (void)path;
    TRY(file_path("state", name, below));
    TRY(file_path(writing->draft->path, below, target));
    return file_directory(target, 0700);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct manifest_file *)a)->path, ((const struct manifest_file *)b)->path);
}

static struct result write_manifest(struct writing *writing)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    char path[FILE_PATH_MAX];
    struct backup_made *made = writing->made;
    if (made->files) qsort(writing->files, made->files, sizeof *writing->files, by_path);
    TRY(manifest_begin(&made->head, &text));
    for (uint64_t i = 0; i < made->files; i++) TRY(manifest_add(&writing->files[i], &text));
    TRY(manifest_end(made->files, &text));
    ENSURE(text.length <= MANIFEST_MAX, CATEGORY_USAGE, "%" PRIu64 " files are more than a backup takes", made->files);
    TRY(hash_bytes(NULL, buffer_view(&text), &made->digest));
    TRY(file_path(writing->draft->path, MANIFEST_FILE, path));
    return file_write_new(path, buffer_view(&text), 0600);
}

static struct result write_all(const struct backup_source *source, const struct snapshot_name *name, bool running,
                               const char *out, struct backup_made *ret)
{
    CLEANUP(draft_done) struct draft draft = {.lock = -1};
    struct backup_made made = {.head.made = clock_now_ms() / 1000, .head.running = running};
    CLEANUP(writing_done) struct writing writing = {.draft = &draft, .made = &made};
    char snapshot[FILE_PATH_MAX];
    (void)snprintf(made.head.program, sizeof made.head.program, "%s", source->program);
    (void)snprintf(made.head.version, sizeof made.head.version, "%s", source->version);
    TRY(snapshot_path(source->state, view_text(name->text), snapshot));
    TRY(draft_new(out, &draft));
    for (size_t i = 0; i < source->files_count; i++)
        TRY(take_file(&writing, source->files[i].path, source->files[i].name));
    TRY(make_state_folder(&writing, snapshot, ""));
    TRY(copy_walk(snapshot, &(struct copy_visit){make_state_folder, take_state_file, &writing, false}));
    TRY(write_manifest(&writing));
    TRY(draft_finish(&draft, out));
    *ret = made;
    return RESULT_OK;
}

enum { SNAPSHOT_MS = 600000 };

static void close_p(const int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

static struct result take_snapshot(const struct backup_source *source, struct store **ret_store,
                                   struct snapshot_name *ret)
{
    CLEANUP(buffer_done) struct buffer reply = {0};
    char database[FILE_PATH_MAX], reason[512];
    struct result asked = control_request(source->state, view_text(source->request), SNAPSHOT_MS, &reply);
    if (result_ok(asked)) return source->answered(buffer_view(&reply), ret);
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    TRY(file_path(source->state, "state.db", database));
    ENSURE(file_exists(database), CATEGORY_USAGE, "%s: is not there; there is nothing to back up yet", database);
    TRY(result_at(store_open(source->state, ret_store), "%s; and ", reason));
    if (source->check) TRY(source->check(*ret_store, source->state));
    return snapshot_take(*ret_store, source->state, source->snapshot, ret);
}

/* The folder above what is to be made. */
static struct result find_above(const char *path, const char *what, char above[FILE_PATH_MAX])
{
    char plain[FILE_PATH_MAX];
    TRY(file_path("", path, plain));
    for (size_t end = strlen(plain); end > 1 && plain[end - 1] == '/'; end--) plain[end - 1] = 0;
    char *slash = strrchr(plain, '/');
    if (slash) *slash = 0;
    const char *parent = !slash ? "." : slash == plain ? "/" : plain;
    ENSURE(realpath(parent, above), CATEGORY_ENVIRONMENT, "%s: %s; the folder that %s is to be in has to be there",
           parent, strerror(errno), what);
    return RESULT_OK;
}

/* A backup in the directory that it is of would go with it, or with the snapshot. */
static struct result check_place(const char *out, const char *state)
{
    char above[FILE_PATH_MAX], top[FILE_PATH_MAX];
    ENSURE(*out, CATEGORY_USAGE, "--out is empty: name the folder that the backup will be");
    ENSURE(!file_exists(out), CATEGORY_USAGE, "%s: something is there already, and no backup is overwritten", out);
    TRY(find_above(out, "--out", above));
    ENSURE(realpath(state, top), CATEGORY_ENVIRONMENT, "%s: %s", state, strerror(errno));
    size_t length = strlen(top);
    ENSURE(strncmp(above, top, length) != 0 || (above[length] && above[length] != '/'), CATEGORY_USAGE,
           "%s: is in the state directory %s, which the backup is of; name a folder elsewhere", out, state);
    return RESULT_OK;
}

/* The store, where it was opened here, stays open: a daemon that starts removes the snapshot. */
struct result backup_make(const struct backup_source *source, const char *out, struct backup_made *ret)
{
    CLEANUP(store_closep) struct store *store = NULL;
    CLEANUP(close_p) int lock = -1;
    struct snapshot_name name = {{0}};
    char reason[512];
    TRY(check_place(out, source->state));
    TRY(lock_folder(source->state, "backup", &lock));
    (void)snapshot_remove(source->state).category; /* of those that were killed; one may still be under way */
    TRY(take_snapshot(source, &store, &name));
    struct result result = write_all(source, &name, store == NULL, out, ret);
    (void)snprintf(reason, sizeof reason, "%s", result_ok(result) ? "" : result_reason());
    (void)snapshot_remove(source->state).category;
    return result_ok(result) ? RESULT_OK : FAIL(result.category, "%s", reason);
}

/* ---- restoring */

struct restoring {
    const struct backup_form *form;
    const char *from;
    const struct draft *draft;
    struct backup_made *made;
};

/* The folders above a file, which backup.txt does not name. */
static struct result make_above(const struct draft *draft, const char *name)
{
    char path[FILE_PATH_MAX];
    TRY(file_path(draft->path, name, path));
    for (char *slash = path + strlen(draft->path) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        TRY(file_directory(path, 0700));
    }
    return RESULT_OK;
}

static bool may_hold(const struct backup_form *form, const char *path)
{
    static const char state[] = "state/";
    for (const char *const *name = form->files; *name; name++)
        if (strcmp(path, *name) == 0) return true;
    return strncmp(path, state, strlen(state)) == 0 && snapshot_may_hold(form->snapshot, path + strlen(state));
}

static struct result pass_file(void *visitor, const struct manifest_file *file)
{
    (void)visitor, (void)file;
    return RESULT_OK;
}

static struct result restore_file(void *visitor, const struct manifest_file *file)
{
    struct restoring *restoring = visitor;
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
    struct hash digest;
    uint64_t bytes;
    ENSURE(may_hold(restoring->form, file->path), CATEGORY_FALSE,
           "%s: no backup of %s has this file, so someone else put it there", file->path, restoring->form->program);
    TRY(file_path(restoring->from, file->path, from));
    TRY(file_path(restoring->draft->path, file->path, to));
    ENSURE(file_exists(from), CATEGORY_FALSE, "%s: is missing; the backup is not whole", from);
    TRY(make_above(restoring->draft, file->path));
    TRY(copy_file(from, to, &digest, &bytes));
    ENSURE(bytes == file->bytes, CATEGORY_FALSE, "%s: has %" PRIu64 " bytes, and " MANIFEST_FILE " says %" PRIu64, from,
           bytes, file->bytes);
    ENSURE(hash_equal(&digest, &file->digest), CATEGORY_FALSE, "%s: is not the file that " MANIFEST_FILE " names",
           from);
    restoring->made->files++;
    restoring->made->bytes += bytes;
    return RESULT_OK;
}

static struct result check_empty(const char *directory)
{
    ENSURE(*directory, CATEGORY_USAGE, "the directory's name is empty");
    DIR *entries = opendir(directory);
    ENSURE(entries || errno == ENOENT, CATEGORY_USAGE, "%s: %s", directory, strerror(errno));
    bool empty = true;
    for (const struct dirent *entry; entries && (entry = readdir(entries));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) empty = false;
    if (entries) (void)closedir(entries);
    ENSURE(empty, CATEGORY_USAGE, "%s: is not empty, and nothing is overwritten; name an empty directory", directory);
    return RESULT_OK;
}

static struct result restore_files(struct restoring *restoring)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    char path[FILE_PATH_MAX];
    unsigned there = 0;
    struct backup_made *made = restoring->made;
    TRY(file_path(restoring->from, MANIFEST_FILE, path));
    TRY(file_needed(path, "--from has to name the folder of one backup, and each has this file"));
    TRY(file_read(path, MANIFEST_MAX, &text));
    TRY(hash_bytes(NULL, buffer_view(&text), &made->digest));
    TRY(result_at(manifest_read(buffer_view(&text), &made->head, pass_file, NULL), "%s: ", path));
    ENSURE(strcmp(made->head.program, restoring->form->program) == 0, CATEGORY_FALSE, "%s: a backup of %s, not of %s",
           restoring->from, made->head.program, restoring->form->program);
    TRY(result_at(manifest_read(buffer_view(&text), &made->head, restore_file, restoring), "%s: ", path));
    TRY(folder_count(restoring->from, &there));
    ENSURE(there == made->files + 1, CATEGORY_FALSE,
           "%s: has %u files, where " MANIFEST_FILE " names %" PRIu64 " beside itself; take away what is not its own",
           restoring->from, there, made->files);
    return RESULT_OK;
}

struct result backup_restore(const struct backup_form *form, const char *from, const char *into,
                             struct result (*finish)(const char *directory, const struct manifest_head *head),
                             struct backup_made *ret)
{
    CLEANUP(draft_done) struct draft draft = {.lock = -1};
    struct backup_made made = {0};
    struct restoring restoring = {form, from, &draft, &made};
    char place[FILE_PATH_MAX];
    TRY(check_empty(into));
    TRY(file_needed(from, "--from has to name the folder of one backup"));
    if (!realpath(into, place)) { /* nothing is there yet */
        TRY(find_above(into, "what is restored", place));
        TRY(file_path("", into, place));
    }
    TRY(draft_new(place, &draft));
    TRY(restore_files(&restoring));
    TRY(finish(draft.path, &made.head));
    TRY(draft_finish(&draft, place));
    *ret = made;
    return RESULT_OK;
}

void backup_tell(const char *what, const char *where, const struct backup_made *made)
{
    time_t seconds = (time_t)made->head.made;
    struct tm parts;
    char date[32] = "";
    if (gmtime_r(&seconds, &parts)) (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
    printf("%-9s %s: %" PRIu64 " files, %" PRIu64 " bytes, of %s %s, made %s while it %s\nbackup    %s\n", what, where,
           made->files, made->bytes, made->head.program, made->head.version, date,
           made->head.running ? "ran" : "was stopped", hash_hex(&made->digest).text);
}

/* ---- the configuration's paths */

/* A key in a token is no file, and stays where it is. */
static bool in_token(struct view line)
{
    return memmem(line.data, line.length, "pkcs11:", strlen("pkcs11:")) != NULL;
}

static const struct backup_key *key_of(struct view line, const struct backup_key *keys, size_t count)
{
    if (in_token(line)) return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(keys[i].key);
        if (line.length > length && memcmp(line.data, keys[i].key, length) == 0 && line.data[length] == ':')
            return &keys[i];
    }
    return NULL;
}

static struct result rewrite(struct view yaml, const struct backup_key *keys, size_t count, struct buffer *out)
{
    while (yaml.length) {
        const uint8_t *end = memchr(yaml.data, '\n', yaml.length);
        struct view line = view_of(yaml.data, end ? (size_t)(end - yaml.data) + 1 : yaml.length);
        const struct backup_key *key = key_of(line, keys, count);
        if (key)
            TRY(buffer_format(out, "%s: %s\n", key->key, key->value));
        else
            TRY(buffer_append(out, line));
        yaml = view_of(yaml.data + line.length, yaml.length - line.length);
    }
    return RESULT_OK;
}

struct result backup_set_paths(const char *path, const struct backup_key *keys, size_t count,
                               bool (*good)(const char *path), bool *ret_set)
{
    CLEANUP(buffer_done) struct buffer before = {0}, after = {0};
    TRY(file_read(path, DOCUMENT_MAX, &before));
    TRY(rewrite(buffer_view(&before), keys, count, &after));
    TRY(file_write(path, buffer_view(&after), 0600));
    *ret_set = good(path);
    return *ret_set ? RESULT_OK : file_write(path, buffer_view(&before), 0600);
}

bool backup_beside(const char *file, const char *path, const char *name)
{
    const char *slash = strrchr(file, '/');
    const size_t folder = slash ? (size_t)(slash - file) + 1 : 0;
    return strncmp(path, file, folder) == 0 && strcmp(path + folder, name) == 0;
}

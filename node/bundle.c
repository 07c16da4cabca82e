/* A run's bundle, fetched from the coordinator once the run is over. It is replayed while it comes in, and kept when
 * all of it holds and it leads to this bank's own model; else this bank has none, and says why. */
#include "node/bundle.h"

#include <stdio.h>
#include <string.h>

#include "node/evidence.h"
#include "node/journal_facts.h"
#include "proto/audit/replay.h"
#include "proto/log/checkpoint.h"
#include "proto/run/note.h"
#include "sys/file.h"
#include "sys/growing.h"
#include "sys/log.h"

enum { PIECE_MS = 20000, REST_MS = 1000, TRIES = 30, AGAIN_MS = 60000 };

struct fetch {
    struct part *part;
    struct file_writer file;
    struct buffer reply;
    struct view piece; /* what is left of the latest one */
    uint64_t asked, total;
    bool begun;
    struct run_log log; /* this bank's own, as far as the bundle has come */
};

static void fetch_done(struct fetch *fetch)
{
    file_writer_discard(&fetch->file);
    buffer_done(&fetch->reply);
}

/* One exchange. *ret_early: the coordinator has not come to the run's end yet. */
static struct result ask_once(struct fetch *fetch, struct service_frame *frame, bool *ret_early)
{
    CLEANUP(buffer_done) struct buffer payload = {0}, request = {0};
    struct service_answer answer;
    *ret_early = false;
    TRY(service_piece_ask(fetch->asked, &payload));
    TRY(service_frame_write(SERVICE_BUNDLE, &fetch->part->submission.id, buffer_view(&payload), &request));
    TRY(bank_ask(fetch->part->bank, buffer_view(&request), PIECE_MS, &fetch->reply, frame));
    if (frame->kind == SERVICE_BUNDLE) return RESULT_OK;
    ENSURE(frame->kind == SERVICE_ANSWER, CATEGORY_PEER, "the coordinator answered something else than was asked");
    TRY(service_answer_read(frame->payload, &answer));
    *ret_early = strcmp(answer.reason, SERVICE_BUNDLE_EARLY) == 0;
    return *ret_early ? RESULT_OK : FAIL(CATEGORY_FALSE, "%s", answer.reason);
}

/* The node stops, or the run is to be forgotten. */
static bool given_up(const struct part *part)
{
    return atomic_load(&part->bank->stopping) || atomic_load(&part->forgotten);
}

/* The next piece, asked for again while the coordinator is away or not that far. */
static struct result ask(struct fetch *fetch)
{
    struct service_frame frame = {0};
    struct result result = RESULT_OK;
    for (unsigned i = 0; i < TRIES && !given_up(fetch->part); i++) {
        bool early = false;
        result = ask_once(fetch, &frame, &early);
        if (result_ok(result) && !early) break;
        if (!early && result.category != CATEGORY_ENVIRONMENT) return result;
        if (early) result = FAIL(CATEGORY_ENVIRONMENT, SERVICE_BUNDLE_EARLY);
        bank_rest(fetch->part->bank, REST_MS);
    }
    TRY(result);
    ENSURE(frame.kind == SERVICE_BUNDLE, CATEGORY_ENVIRONMENT, "it is not fetched any more");
    struct service_piece piece;
    TRY(service_piece_read(frame.payload, &piece));
    ENSURE(!fetch->begun || piece.total == fetch->total, CATEGORY_PEER, "the bundle changed while it was fetched");
    ENSURE(piece.bytes.length > 0 || fetch->asked >= piece.total, CATEGORY_PEER, "an empty piece of the bundle");
    fetch->begun = true;
    fetch->total = piece.total;
    fetch->asked += piece.bytes.length;
    fetch->piece = piece.bytes;
    return file_writer_put(&fetch->file, piece.bytes);
}

static struct result fetch_read(void *context, uint8_t *into, size_t length, size_t *ret_got)
{
    struct fetch *fetch = context;
    *ret_got = 0;
    while (*ret_got < length) {
        if (fetch->piece.length == 0 && fetch->begun && fetch->asked >= fetch->total) return RESULT_OK;
        if (fetch->piece.length == 0) TRY(ask(fetch));
        size_t take = length - *ret_got < fetch->piece.length ? length - *ret_got : fetch->piece.length;
        if (take == 0) continue;
        memcpy(into + *ret_got, fetch->piece.data, take);
        fetch->piece = view_of(fetch->piece.data + take, fetch->piece.length - take);
        *ret_got += take;
    }
    return RESULT_OK;
}

/* ---- its checkpoints, against this bank's own log */

/* The bank's log after the step, from the certificates that it has seen itself; *ret_known false without them. */
static struct result own_log(struct fetch *fetch, struct replay *replay, uint64_t size, struct buffer *certificate,
                             struct buffer *text, bool *ret_known)
{
    struct part *part = fetch->part;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_close closed;
    char key[MACHINE_KEY_MAX];
    *ret_known = false;
    if (fetch->log.tree.size + 1 != size) return RESULT_OK;
    (void)snprintf(key, sizeof key, "closed/%05llu", (unsigned long long)size - 1);
    TRY(store_load(part->bank->store, false, &part->submission.id, key, certificate, ret_known));
    if (!*ret_known) return RESULT_OK;
    TRY(run_log_take(&fetch->log, &replay->run, buffer_view(certificate), &arena, &closed));
    return run_log_text(&fetch->log, &replay->run.id, text);
}

/* Kept as what the machine keeps is: a record, and then a file. */
static struct result keep_split(struct part *part, uint64_t size, struct view note, struct view certificate,
                                struct view text)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    const struct view items[3] = {note, certificate, text};
    char key[MACHINE_KEY_MAX];
    (void)snprintf(key, sizeof key, "evidence/checkpoint/%05llu", (unsigned long long)size);
    TRY(wire_list_encode(&(struct wire_list){items, 3}, &value));
    const struct store_record record = {.scope = &part->submission.id, .key = key, .value = buffer_view(&value)};
    log_error("run",
              "%.12s: the bundle's checkpoint of step %llu is not that of this bank's log; it is kept as evidence",
              part->hex, (unsigned long long)size);
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result result = part->forgotten ? RESULT_OK : store_commit(part->bank->store, &record, 1);
    if (result_ok(result) && !part->forgotten) part_write_evidence(part);
    (void)pthread_mutex_unlock(&part->bank->lock);
    return result;
}

/* A checkpoint that the coordinator signed, of the size that this bank has certified, with another root: a split view.
 */
static struct result meet(void *context, struct replay *replay, const struct bundle_entry *entry)
{
    struct fetch *fetch = context;
    const struct roster *roster = &fetch->part->bank->roster;
    CLEANUP(buffer_done) struct buffer certificate = {0}, text = {0};
    CLEANUP(note_done) struct note note = {0};
    struct checkpoint theirs, own;
    uint64_t size = replay->log.tree.size;
    bool known = false;
    if (entry->kind != BUNDLE_CHECKPOINT || !hash_equal(&replay->submission.id, &fetch->part->submission.id))
        return RESULT_OK;
    TRY(own_log(fetch, replay, size, &certificate, &text, &known));
    if (!known || !result_ok(note_parse(entry->payload, &note)) ||
        !result_ok(note_verify(&note, roster->coordinator_name, &roster->coordinator)) ||
        !result_ok(checkpoint_parse(note.text, &theirs)) || !result_ok(checkpoint_parse(buffer_view(&text), &own)))
        return RESULT_OK; /* what is no checkpoint of the coordinator's, the replay will say */
    if (strcmp(theirs.origin, own.origin) != 0 || theirs.size != own.size || hash_equal(&theirs.root, &own.root))
        return RESULT_OK;
    return keep_split(fetch->part, size, entry->payload, buffer_view(&certificate), buffer_view(&text));
}

/* A run that was ended: as the coordinator's END said here, if it came, and with every step that is closed here. */
static struct result compare_end(struct part *part, const struct replay *replay)
{
    CLEANUP(buffer_done) struct buffer end = {0};
    struct run_log log = {0};
    const struct record_source records = part_records(part);
    bool found = false;
    TRY(store_load(part->bank->store, false, &part->submission.id, "end", &end, &found));
    ENSURE(!found || view_equal(buffer_view(&end), buffer_view(&replay->end)), CATEGORY_FALSE,
           "it ends with another END than the coordinator sent to this bank");
    TRY(run_log_load(&records, &log));
    ENSURE(replay->log.tree.size >= log.tree.size, CATEGORY_FALSE, "it has %llu closed steps, and this bank knows %llu",
           (unsigned long long)replay->log.tree.size, (unsigned long long)log.tree.size);
    return RESULT_OK;
}

/* It is of this very run, and ends as this bank's own part of it did. */
static struct result compare(struct part *part, const struct replay *replay)
{
    CLEANUP(buffer_done) struct buffer model = {0};
    char path[FILE_PATH_MAX];
    ENSURE(hash_equal(&replay->submission.id, &part->submission.id), CATEGORY_FALSE, "it is the bundle of another run");
    if (part->state != SERVICE_RUN_DONE) return compare_end(part, replay);
    TRY(part_path(part, PART_MODEL, path));
    TRY(file_read(path, BUFFER_LIMIT, &model));
    ENSURE(replay->stage == REPLAY_DONE && view_equal(buffer_view(&replay->model), buffer_view(&model)), CATEGORY_FALSE,
           "it does not lead to this bank's model");
    return RESULT_OK;
}

/* Not beside a run that is being forgotten: what that removes, it tells. */
static struct result keep(struct part *part, struct file_writer *file)
{
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result result =
        part->forgotten ? FAIL(CATEGORY_ENVIRONMENT, "the run is forgotten") : file_writer_finish(file, 0600);
    (void)pthread_mutex_unlock(&part->bank->lock);
    return result;
}

static struct result fetch_all(struct part *part)
{
    char path[FILE_PATH_MAX];
    CLEANUP(fetch_done) struct fetch fetch = {.part = part, .file.descriptor = -1};
    CLEANUP(replay_freep) struct replay *replay = NULL;
    const struct bundle_source source = {&fetch, fetch_read};
    TRY(part_path(part, PART_BUNDLE, path));
    TRY(file_remove_halves(path));
    TRY(file_writer_open(path, &fetch.file));
    const struct replay_observer observer = {.context = &fetch, .met = meet};
    TRY(replay_bundle(&source, &part->bank->roster.hash, &observer, &replay));
    TRY(compare(part, replay));
    TRY(keep(part, &fetch.file));
    log_info("run",
             "%.12s: the bundle of the run is here (%llu bytes), and all of it holds: %llu signatures, %llu sums",
             part->hex, (unsigned long long)replay->counts.bytes, (unsigned long long)replay->counts.signatures,
             (unsigned long long)replay->counts.sums);
    return RESULT_OK;
}

bool part_wants_bundle(const struct part *part)
{
    char path[FILE_PATH_MAX];
    return part->state != SERVICE_RUN_OPEN && result_ok(part_path(part, PART_BUNDLE, path)) && !file_exists(path);
}

bool part_owes_bundle(const struct part *part)
{
    bool told = true;
    if (part->state == SERVICE_RUN_OPEN) return false;
    if (part_wants_bundle(part)) return part->state == SERVICE_RUN_DONE;
    return result_ok(journal_tells(part->bank->journal, &part->submission.id, JOURNAL_KEY_BUNDLE, &told)) && !told;
}

static struct result tell_bundle(struct part *part)
{
    char path[FILE_PATH_MAX];
    struct hash digest;
    uint64_t bytes;
    if (part_wants_bundle(part) || !part_owes_bundle(part)) return RESULT_OK;
    TRY(part_path(part, PART_BUNDLE, path));
    TRY(file_digest(path, &digest, &bytes));
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result result = part->forgotten ? RESULT_OK : journal_bundle(part, &digest, bytes);
    (void)pthread_mutex_unlock(&part->bank->lock);
    return result;
}

/* For as long as the coordinator may come back with it. */
static void fetch(struct part *part)
{
    for (bool told = false; !given_up(part) && part_wants_bundle(part); told = true) {
        struct result result = fetch_all(part);
        if (result_ok(result) || given_up(part)) return;
        if (result.category != CATEGORY_ENVIRONMENT) {
            log_error("run", "%.12s: there is no bundle that holds: %s", part->hex, result_reason());
            return;
        }
        if (!told)
            log_warning("run", "%.12s: its bundle could not be fetched (%s); it is asked for again every minute",
                        part->hex, result_reason());
        bank_rest(part->bank, AGAIN_MS);
    }
}

/* A file that lies there untold may have been put there by anybody: it is replayed like one that comes in, and moved
 * out of the way when it is not the run's bundle. */
struct kept {
    char path[FILE_PATH_MAX];
    uint64_t at;
};

static struct result kept_read(void *context, uint8_t *into, size_t length, size_t *ret_got)
{
    struct kept *kept = context;
    CLEANUP(buffer_done) struct buffer piece = {0};
    uint64_t bytes;
    TRY(file_read_piece(kept->path, kept->at, length, &piece, &bytes));
    if (piece.length) memcpy(into, piece.data, piece.length);
    kept->at += piece.length;
    *ret_got = piece.length;
    return RESULT_OK;
}

static struct result replay_kept(struct part *part, const char *path)
{
    CLEANUP(replay_freep) struct replay *replay = NULL;
    struct kept kept = {.at = 0};
    (void)snprintf(kept.path, sizeof kept.path, "%s", path);
    TRY(replay_bundle(&(struct bundle_source){&kept, kept_read}, &part->bank->roster.hash, NULL, &replay));
    return compare(part, replay);
}

static void check_kept(struct part *part)
{
    char path[FILE_PATH_MAX], aside[FILE_PATH_MAX];
    if (part_wants_bundle(part) || !part_owes_bundle(part) || !result_ok(part_path(part, PART_BUNDLE, path)) ||
        !result_ok(part_path(part, PART_BUNDLE ".not", aside)))
        return;
    struct result held = replay_kept(part, path);
    if (result_ok(held)) return;
    log_error("run", "%.12s: what lies there as %s is not the run's bundle (%s); it is kept as %s", part->hex, path,
              result_reason(), aside);
    (void)rename(path, aside);
}

void part_fetch_bundle(struct part *part)
{
    check_kept(part);
    fetch(part);
    struct result result = tell_bundle(part);
    if (!result_ok(result) && !atomic_load(&part->forgotten)) bank_give_up(part->bank, result);
}

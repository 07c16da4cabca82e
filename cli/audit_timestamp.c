/* cofferdam audit timestamp: when a run's last checkpoint was there, by the word of an authority of the reader's
 * choice. What is time-stamped is the text of the checkpoint's note as it stands in the bundle, once the bundle holds.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/audit.h"
#include "cli/bundle_file.h"
#include "cli/cli.h"
#include "crypto/base/text.h"
#include "crypto/timestamp.h"
#include "proto/log/checkpoint.h"
#include "sys/entropy.h"

/* Some thousands of bytes are usual: a signature and a few certificates. */
enum { TIMESTAMP_FILE_MAX = 1 << 20 };

struct timestamp_options {
    const char *bundle, *query, *response, *trust, *roster;
    bool as_json;
};

static struct result parse(int argc, char **argv, struct timestamp_options *ret)
{
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "query", .value = &ret->query}, {.name = "response", .value = &ret->response},
        {.name = "trust", .value = &ret->trust}, {.name = "roster", .value = &ret->roster},
        {.name = "json", .flag = &ret->as_json}, {0},
    };
    TRY(cli_parse(argc, argv, options, "BUNDLE", 1, 1, &operands));
    ENSURE(!ret->query != !ret->response, CATEGORY_USAGE,
           "audit timestamp takes either --query, to write a request, or --response, to verify one's answer; see "
           "cofferdam audit timestamp --help");
    ENSURE(!ret->response == !ret->trust, CATEGORY_USAGE,
           "--response and --trust go together: an answer is worth what the reader trusts its authority; see cofferdam "
           "audit timestamp --help");
    ENSURE(!ret->as_json || ret->response, CATEGORY_USAGE, "--json goes with --response");
    ret->bundle = operands.items[0];
    return RESULT_OK;
}

/* What there is to time-stamp: the last checkpoint of a run that was replayed. */
struct stamped {
    struct replay *replay;
    struct buffer text; /* of the checkpoint's note, as it stands in the bundle */
    struct checkpoint checkpoint;
    struct buffer root; /* as it stands in the text: base64 */
    char run[2 * HASH_BYTES + 1], sha256[2 * HASH_BYTES + 1];
};

static void stamped_done(struct stamped *stamped)
{
    replay_free(stamped->replay);
    buffer_done(&stamped->text);
    buffer_done(&stamped->root);
}

static struct result stamped_read(const struct timestamp_options *options, struct stamped *ret)
{
    struct hash fingerprint, hash;
    struct bundle_source source;
    CLEANUP(bundle_file_close) struct bundle_file file = {0};
    if (options->roster) TRY(audit_fingerprint(options->roster, &fingerprint));
    TRY(bundle_file_open(options->bundle, &file, &source));
    struct result replayed = replay_bundle(&source, options->roster ? &fingerprint : NULL, NULL, &ret->replay);
    TRY(result_at(replayed, "%s: ", options->bundle));
    const struct replay *replay = ret->replay;
    ENSURE(replay->log.tree.size > 0, CATEGORY_FALSE,
           "%s: the run closed no step, so that there is no checkpoint to time-stamp", options->bundle);
    TRY(run_log_text(&replay->log, &replay->submission.id, &ret->text));
    TRY(checkpoint_parse(buffer_view(&ret->text), &ret->checkpoint));
    TRY(text_base64(hash_view(&ret->checkpoint.root), &ret->root));
    TRY(hash_bytes(NULL, buffer_view(&ret->text), &hash));
    bytes_hex(hash_view(&hash), ret->sha256);
    bytes_hex(hash_view(&replay->submission.id), ret->run);
    return RESULT_OK;
}

static struct result write_query(const struct timestamp_options *options)
{
    CLEANUP(stamped_done) struct stamped stamped = {0};
    CLEANUP(buffer_done) struct buffer query = {0}, told = {0};
    uint64_t nonce;
    TRY(stamped_read(options, &stamped));
    TRY(entropy_bytes(&nonce, sizeof nonce));
    TRY(timestamp_request(buffer_view(&stamped.text), nonce, &query));
    TRY(cli_write(options->query, buffer_view(&query), false));
    if (strcmp(options->query, "-") == 0) return RESULT_OK;
    TRY(buffer_format(&told, "%s: a request over the checkpoint after %" PRIu64 " steps, SHA-256 %s\n", options->query,
                      stamped.checkpoint.size, stamped.sha256));
    return cli_print(buffer_view(&told));
}

static void time_text(uint64_t seconds, char out[32])
{
    time_t time = (time_t)seconds;
    struct tm parts;
    out[0] = 0;
    if (gmtime_r(&time, &parts)) (void)strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &parts);
}

static struct result print_table(const struct stamped *stamped, const struct timestamp *timestamp)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    char time[32];
    time_text(timestamp->time, time);
    TRY(buffer_format(&out, "run          %s\nplan         %s, for %s\n", stamped->run,
                      stamped->replay->submission.plan.name, stamped->replay->submission.plan.purpose));
    TRY(buffer_format(&out, "checkpoint   after %" PRIu64 " steps, root %.*s\n             SHA-256 of its text %s\n",
                      stamped->checkpoint.size, (int)stamped->root.length, (const char *)stamped->root.data,
                      stamped->sha256));
    TRY(buffer_format(&out, "time         %s\nauthority    %s\npolicy       %s\nserial       %s\n", time,
                      timestamp->authority, timestamp->policy, timestamp->serial));
    TRY(buffer_text(&out, "HOLDS: the authority says that this checkpoint was there at that time\n"));
    return cli_print(buffer_view(&out));
}

static struct result print_json(const struct stamped *stamped, const struct timestamp *timestamp)
{
    char time[32];
    time_text(timestamp->time, time);
    json_t *checkpoint = json_pack("{s:I,s:s%,s:s%,s:s}", "size", (json_int_t)stamped->checkpoint.size, "root",
                                   (const char *)stamped->root.data, stamped->root.length, "text",
                                   (const char *)stamped->text.data, stamped->text.length, "sha256", stamped->sha256);
    return cli_print_json(json_pack("{s:b,s:s,s:s,s:o,s:I,s:s,s:s,s:s,s:s}", "holds", true, "run", stamped->run, "plan",
                                    stamped->replay->submission.plan.name, "checkpoint", checkpoint, "time",
                                    (json_int_t)timestamp->time, "utc", time, "authority", timestamp->authority,
                                    "policy", timestamp->policy, "serial", timestamp->serial));
}

static struct result verify_response(const struct timestamp_options *options)
{
    CLEANUP(stamped_done) struct stamped stamped = {0};
    CLEANUP(timestamp_trust_done) struct timestamp_trust trust = {0};
    CLEANUP(buffer_done) struct buffer pem = {0}, response = {0};
    struct timestamp timestamp;
    TRY(cli_read(options->trust, TIMESTAMP_FILE_MAX, &pem));
    TRY(result_at(timestamp_trust_read(buffer_view(&pem), &trust), "%s: ", options->trust));
    TRY(cli_read(options->response, TIMESTAMP_FILE_MAX, &response));
    TRY(stamped_read(options, &stamped));
    struct result result = timestamp_verify(buffer_view(&response), buffer_view(&stamped.text), &trust, &timestamp);
    TRY(result_at(result, "%s: ", options->response));
    return options->as_json ? print_json(&stamped, &timestamp) : print_table(&stamped, &timestamp);
}

struct result cli_audit_timestamp(int argc, char **argv)
{
    struct timestamp_options options = {0};
    TRY(parse(argc, argv, &options));
    if (options.query) return write_query(&options);
    struct result result = verify_response(&options);
    bool judged = result.category == CATEGORY_FALSE || result.category == CATEGORY_PEER;
    if (!options.as_json || !judged) return result;
    char reason[1024];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    TRY(cli_print_json(json_pack("{s:b,s:s}", "holds", false, "reason", reason)));
    result_say("%s", reason);
    return result;
}

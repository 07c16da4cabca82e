#include "node/joining.h"

#include <inttypes.h>
#include <stdio.h>

#include "data/odbc.h"
#include "sys/log.h"

_Static_assert(CONFIG_JOINED_MAX == JOINED_MAX, "as many as can be joined may be named");

void joining_done(struct joining *joining)
{
    join_free(joining->join);
    for (size_t k = 0; k < 1 + JOINED_MAX; k++) database_done(&joining->databases[k]);
    *joining = (struct joining){0};
}

static struct result open_one(const struct config_source *source, const char *key, struct joining *joining, size_t k)
{
    joining->sources[k] = (struct join_source){.name = source->name,
                                               .place = source->file ? source->file : source->name,
                                               .file = source->file != NULL,
                                               .key = key,
                                               .required = source->required,
                                               .written = {.decimal_comma = source->decimal == ',',
                                                           .missing = (const char *const *)source->missing,
                                                           .missing_count = source->missing_count}};
    if (source->file) {
        joining->files[k] = (struct csv_file){source->file, source->delimiter};
        joining->sources[k].origin = csv_origin(&joining->files[k]);
        return RESULT_OK;
    }
    TRY(database_of(source, &joining->databases[k]));
    joining->sources[k].origin = odbc_origin(&joining->databases[k].source);
    return RESULT_OK;
}

struct result joining_open(const struct config_source *source, struct joining *ret)
{
    TRY(open_one(source, source->key, ret, 0));
    for (unsigned k = 0; k < source->joined_count; k++)
        TRY(open_one(&source->joined[k], source->joined[k].key, ret, 1 + k));
    return join_new(ret->sources, 1 + source->joined_count, &ret->join);
}

void joining_sentence(const struct config_source *source, const struct join_losses *losses, size_t index,
                      char out[JOINING_SENTENCE_MAX])
{
    if (index == losses->count) {
        (void)snprintf(out, JOINING_SENTENCE_MAX,
                       "%s: %" PRIu64 " rows, of which %" PRIu64 " have no key and %" PRIu64
                       " are left out for want of a match that is required",
                       source->name, losses->rows, losses->keyless, losses->left_out);
        return;
    }
    const struct join_loss *loss = &losses->joined[index];
    (void)snprintf(out, JOINING_SENTENCE_MAX,
                   "%s: %" PRIu64 " rows; %" PRIu64 " rows of %s have no match there (%s), %" PRIu64
                   " of %s match nobody, %" PRIu64 " have no key",
                   loss->name, loss->rows, loss->unmatched, source->name,
                   loss->required ? "left out" : "values missing", loss->orphans, loss->name, loss->keyless);
}

void joining_log(const struct config_source *source, const struct join_losses *losses, const char *run)
{
    for (size_t k = 0; losses->count && k <= losses->count; k++) {
        char sentence[JOINING_SENTENCE_MAX];
        joining_sentence(source, losses, k, sentence);
        log_info("run", "%.12s: joined %s", run, sentence);
    }
}

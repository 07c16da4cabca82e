#include "node/erase.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_STEP = 256 };

/* The keys, as they are found. */
struct finding {
    const struct hash *run;
    bool secret;
    struct erasures found;
};

void erasures_done(struct erasures *erasures)
{
    for (size_t i = 0; i < erasures->count; i++) free((void *)(uintptr_t)erasures->records[i].key);
    free(erasures->records);
    *erasures = (struct erasures){0};
}

static struct result take(void *visitor, const char *key, struct view value)
{
    struct finding *finding = visitor;
    struct erasures *found = &finding->found;
    (void)value;
    if (found->count % CAPACITY_STEP == 0) {
        struct store_record *more = realloc(found->records, (found->count + CAPACITY_STEP) * sizeof *more);
        ENSURE(more, CATEGORY_ENVIRONMENT, "no memory for the erasure of a run's records");
        found->records = more;
    }
    char *copy = strdup(key);
    ENSURE(copy, CATEGORY_ENVIRONMENT, "no memory for the erasure of a run's records");
    found->records[found->count++] =
        (struct store_record){.scope = finding->run, .key = copy, .secret = finding->secret, .erase = true};
    return RESULT_OK;
}

struct result erasures_of(struct store *store, const struct hash *run, bool secret, struct erasures *ret)
{
    struct finding finding = {.run = run, .secret = secret};
    struct result result = store_each(store, secret, run, "", take, &finding);
    if (result_ok(result))
        *ret = finding.found;
    else
        erasures_done(&finding.found);
    return result;
}

#include "node/reload.h"

#include <string.h>

#include "node/source.h"
#include "sys/vitals.h"

static struct result check_roster(const struct bank *bank, const struct bank *next)
{
    if (hash_equal(&bank->roster.hash, &next->roster.hash)) return RESULT_OK;
    return result_at(roster_verify_successor(&bank->roster, &next->roster),
                     "%s is no successor of the roster that is pinned (version %u): ", next->config->roster,
                     bank->roster.version);
}

/* A port that is taken is found out while the present one is still served. */
static struct result check_port(const struct bank *bank, const struct bank *next)
{
    const char *before = bank->config->metrics.address, *after = next->config->metrics.address;
    if (!after || (before && strcmp(before, after) == 0)) return RESULT_OK;
    return vitals_try(&next->config->metrics, next->config_path);
}

struct result bank_check_reload(const struct bank *bank)
{
    CLEANUP(bank_freep) struct bank *next = NULL;
    TRY(bank_load(bank->config_path, &next));
    ENSURE(strcmp(bank->config->state, next->config->state) == 0, CATEGORY_USAGE,
           "%s: state: another directory is worked in after a restart alone", bank->config_path);
    TRY(check_roster(bank, next));
    TRY(source_ready(&next->config->source));
    return check_port(bank, next);
}

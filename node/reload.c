#include "node/reload.h"

#include <string.h>

#include "node/source.h"
#include "sys/console.h"
#include "sys/vitals.h"

static struct result check_roster(const struct bank *bank, const struct bank *next)
{
    if (hash_equal(&bank->roster.hash, &next->roster.hash)) return RESULT_OK;
    return result_at(roster_verify_successor(&bank->roster, &next->roster),
                     "%s is no successor of the roster that is pinned (version %u): ", next->config->roster,
                     bank->roster.version);
}

static bool is_new(const char *before, const char *after)
{
    return after && (!before || strcmp(before, after) != 0);
}

/* A port that is taken is found out while the present one is still served. */
static struct result check_ports(const struct bank *bank, const struct bank *next)
{
    const struct config_node *before = bank->config, *after = next->config;
    if (is_new(before->metrics.address, after->metrics.address)) TRY(vitals_try(&after->metrics, next->config_path));
    if (is_new(before->console.address, after->console.address)) TRY(console_try(&after->console, next->config_path));
    return RESULT_OK;
}

struct result bank_check_reload(const struct bank *bank)
{
    CLEANUP(bank_freep) struct bank *next = NULL;
    TRY(bank_load(bank->config_path, &next));
    ENSURE(strcmp(bank->config->state, next->config->state) == 0, CATEGORY_USAGE,
           "%s: state: another directory is worked in after a restart alone", bank->config_path);
    TRY(check_roster(bank, next));
    TRY(source_ready(&next->config->source));
    return check_ports(bank, next);
}

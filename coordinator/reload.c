#include <string.h>

#include "coordinator/hub.h"
#include "sys/console.h"
#include "sys/vitals.h"

/* The members' word for a roster that is another one; a start takes it from the operator, a reload does not. */
static struct result check_roster(const struct hub *hub, const struct hub *next)
{
    if (hash_equal(&hub->roster.hash, &next->roster.hash)) return RESULT_OK;
    return result_at(roster_verify_successor(&hub->roster, &next->roster),
                     "%s is no successor of the roster that is served (version %u): ", next->config->roster,
                     hub->roster.version);
}

/* A port that is taken is found out while the present one is still served. */
static struct result check_ports(const struct hub *hub, struct hub *next)
{
    const char *before = hub->config->metrics.address, *after = next->config->metrics.address;
    if (after && (!before || strcmp(before, after) != 0)) TRY(vitals_try(&next->config->metrics, next->config_path));
    const char *shown = hub->config->console.address, *shown_after = next->config->console.address;
    if (shown_after && (!shown || strcmp(shown, shown_after) != 0))
        TRY(console_try(&next->config->console, next->config_path));
    if (strcmp(hub_address(hub), hub_address(next)) == 0) return RESULT_OK;
    return transport_server_new(hub_address(next), next->key, hub_accept, NULL, next, &next->server);
}

struct result hub_check_reload(const struct hub *hub)
{
    CLEANUP(hub_freep) struct hub *next = NULL;
    TRY(hub_load(hub->config_path, &next));
    ENSURE(strcmp(hub->config->state, next->config->state) == 0, CATEGORY_USAGE,
           "%s: state: another directory is served from after a restart alone", hub->config_path);
    TRY(check_roster(hub, next));
    return check_ports(hub, next);
}

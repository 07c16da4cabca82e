#include "coordinator/hub.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/session.h"
#include "sys/file.h"
#include "sys/keys.h"
#include "sys/log.h"

void hub_free(struct hub *hub)
{
    if (!hub) return;
    while (hub->sessions) {
        struct session *session = hub->sessions;
        hub->sessions = session->next;
        session_free(session);
    }
    for (unsigned member = 0; member <= MEMBERS_MAX; member++) buffer_done(&hub->known[member]);
    transport_server_free(hub->server);
    store_close(hub->store);
    sign_key_free(hub->key);
    roster_done(&hub->roster);
    config_coordinator_free(hub->config);
    free(hub->config_path);
    free(hub);
}

void hub_freep(struct hub **hub)
{
    hub_free(*hub);
}

const char *hub_address(const struct hub *hub)
{
    return hub->config->listen ? hub->config->listen : hub->roster.address;
}

enum { SPOKEN_SHIFT = 16 };

struct protocol_range hub_spoken(const struct hub *hub, unsigned member)
{
    unsigned packed = atomic_load(&hub->spoken[member]);
    return (struct protocol_range){packed >> SPOKEN_SHIFT, packed & ((1U << SPOKEN_SHIFT) - 1)};
}

void hub_met(void *context, const struct sign_public *peer, struct protocol_range offered)
{
    struct hub *hub = context;
    unsigned member = roster_position_of_node(&hub->roster, peer);
    char theirs[PROTOCOL_WORDS_MAX], ours[PROTOCOL_WORDS_MAX];
    if (!member) return;
    unsigned packed = offered.oldest << SPOKEN_SHIFT | offered.newest;
    if (atomic_exchange(&hub->spoken[member], packed) == packed) return;
    const char *name = hub->roster.members[member - 1].name;
    (void)protocol_words(offered, theirs);
    (void)protocol_words(protocol_spoken, ours);
    if (!protocol_common(offered, protocol_spoken))
        log_error("versions", "refused %s: its node speaks %s of the protocol and this program %s; upgrade %s", name,
                  theirs, ours, offered.newest < protocol_spoken.oldest ? "its node" : "the coordinator");
    else if (offered.newest < protocol_spoken.newest)
        log_warning("versions", "%s speaks %s of the protocol and this program %s; upgrade its node", name, theirs,
                    ours);
    else
        log_info("versions", "%s speaks %s of the protocol", name, theirs);
}

unsigned hub_behind(const struct hub *hub, const struct members *cohort, unsigned version)
{
    for (unsigned member = members_next(cohort, 0); member; member = members_next(cohort, member)) {
        struct protocol_range spoken = hub_spoken(hub, member);
        if (spoken.newest && (spoken.newest < version || spoken.oldest > version)) return member;
    }
    return 0;
}

static struct result roster_load(const char *path, struct roster *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(file_needed(path, "roster: has to name the roster that all members signed; cofferdam roster sign writes it"));
    TRY(file_read(path, DOCUMENT_MAX, &bytes));
    return result_at(roster_parse(buffer_view(&bytes), ret), "%s: ", path);
}

struct result hub_load(const char *config_path, struct hub **ret)
{
    CLEANUP(hub_freep) struct hub *hub = calloc(1, sizeof *hub);
    ENSURE(hub, CATEGORY_ENVIRONMENT, "no memory for the coordinator");
    hub->config_path = strdup(config_path);
    ENSURE(hub->config_path, CATEGORY_ENVIRONMENT, "no memory for the coordinator");
    TRY(config_coordinator_load(config_path, &hub->config));
    const struct config_coordinator *config = hub->config;
    log_early(config->log_format);
    enum log_level level = LEVEL_INFO;
    if (config->log) TRY(result_at(log_level_parse(config->log, &level), "%s: log: ", config_path));
    TRY(roster_load(config->roster, &hub->roster));
    /* Members alone decide who they are: the coordinator only checks that it serves what all of them signed. */
    if (hub->roster.version == 1) TRY(result_at(roster_verify_first(&hub->roster), "%s: ", config->roster));
    TRY(keys_read(config->key, KEY_NODE, &hub->key));
    ENSURE(sign_public_equal(sign_key_public(hub->key), &hub->roster.coordinator), CATEGORY_USAGE,
           "%s: the roster names another key for the coordinator than %s holds", config->roster, config->key);
    log_start("coordinator", level, config->log_format);
    *ret = hub;
    hub = NULL;
    return RESULT_OK;
}

/* The coordinator daemon's state: one thread, one loop, runs in a list. */
#ifndef COORDINATOR_HUB_H
#define COORDINATOR_HUB_H

#include <stdatomic.h>

#include "coordinator/meter.h"
#include "crypto/base/protocol.h"
#include "crypto/sign.h"
#include "proto/run/roster.h"
#include "proto/run/service.h"
#include "sys/config.h"
#include "sys/store.h"
#include "sys/transport.h"

/* A request that waits for its answer, and since when. */
struct parked {
    uint64_t id; /* 0 = none */
    uint64_t at;
};

/* The backup that the state directory was restored from, if any. */
struct restored {
    uint64_t made; /* seconds since the epoch; 0: none */
    bool ends;     /* the runs that are open in it have to end */
};

struct session;
struct hub {
    struct config_coordinator *config;
    char *config_path;
    struct roster roster;
    struct sign_key *key;
    struct store *store;
    struct transport_server *server;
    struct session *sessions;             /* newest first */
    struct parked polls[MEMBERS_MAX + 1]; /* each member's POLL, by position */
    struct buffer known[MEMBERS_MAX + 1]; /* and its payload: the runs it said it knows */
    struct service_poll_reader poll;      /* the one being answered */
    struct meter meter;
    bool again; /* it stops to read its files anew */
    struct restored restored;
    /* What each member offered of the protocol when it dialled last: hub_spoken; set on nng's threads. */
    atomic_uint spoken[MEMBERS_MAX + 1];
};

/* Reads configuration, key and roster, checks that they belong together; opens nothing else. */
MUST_USE struct result hub_load(const char *config_path, struct hub **ret);
void hub_free(struct hub *hub);
void hub_freep(struct hub **hub);

/* A transport_accept over the coordinator: members' node keys alone. */
bool hub_accept(void *context, const struct sign_public *peer);

/* A transport_met: keeps what the member speaks, and tells the log of one that is refused or older when it is news. */
void hub_met(void *context, const struct sign_public *peer, struct protocol_range offered);
/* 0 and 0: it has not dialled since the start. */
struct protocol_range hub_spoken(const struct hub *hub, unsigned member);
/* Of the members of a set that cannot take part in a run of this version, as far as is known: the first; 0: none. */
unsigned hub_behind(const struct hub *hub, const struct members *cohort, unsigned version);

/* Opens the store and the port, restores the runs, serves until SIGTERM or SIGINT; or until SIGHUP, which sets `again`,
 * when the files that were loaded from can be loaded anew. */
MUST_USE struct result hub_serve(struct hub *hub);
/* coordinator/reload.c: whether what the files say now could be served in place of this; nothing has changed. */
MUST_USE struct result hub_check_reload(const struct hub *hub);
/* Where it listens. */
const char *hub_address(const struct hub *hub);

/* One request of a member: answered now, or parked (coordinator/asks.c). */
MUST_USE struct result asks_dispatch(struct hub *hub, const struct transport_request *request);
/* Answers the polls for which there is something new. */
MUST_USE struct result asks_polls(struct hub *hub);

#endif

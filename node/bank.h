/* The node daemon's state: a service thread, a control thread, one thread for each run at work; one lock. */
#ifndef NODE_BANK_H
#define NODE_BANK_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto/run/policy.h"
#include "proto/run/service.h"
#include "proto/run/tally.h"
#include "proto/secagg/secagg.h"
#include "sys/config.h"
#include "sys/store.h"
#include "sys/transport.h"

struct part;
struct journal;
struct node_console;
struct bank {
    struct config_node *config;
    char *config_path;
    struct policy policy;
    struct roster roster; /* the pinned one */
    unsigned position;    /* ours in it */
    struct sign_key *key;
    struct secret *psk[MEMBERS_MAX + 1]; /* pre-shared keys, by the other bank's position; most are NULL */
    struct store *store;
    struct journal *journal;
    struct transport_client *client;
    struct node_console *console; /* borrowed; NULL: none is served */
    atomic_bool stopping;
    bool again;                           /* it stops to read its files anew */
    atomic_uint_fast64_t refused;         /* messages of the coordinator that did not hold */
    atomic_uint_fast64_t contact_ms;      /* when it last answered, by the steady clock; 0: not yet */
    pthread_mutex_t link;                 /* over trouble alone: what asks the coordinator may not need the lock */
    char trouble[SERVICE_REASON_MAX + 1]; /* why the coordinator is not reached, or "" */
    /* All below, and every step of a machine, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a run appeared or moved; the node stops */
    struct node_counters counters;
    struct tally_totals rounds;
    struct part *parts;    /* newest first */
    bool restored;         /* those that were there at the start are among them */
    struct result failure; /* what made the daemon stop by itself, or OK */
    char failure_reason[SERVICE_REASON_MAX + 1];
};

/* Reads configuration, roster and key, checks that they belong together; opens nothing else. */
MUST_USE struct result bank_load(const char *config_path, struct bank **ret);
void bank_free(struct bank *bank);
void bank_freep(struct bank **bank);
/* Pins the roster: the first one it sees, then only verified successors. The store is open. */
MUST_USE struct result bank_pin(struct bank *bank);
/* Opens the store, pins the roster, dials, goes on with the runs, until SIGTERM or SIGINT; or until SIGHUP, which sets
 * `again`, when the files that were loaded from can be loaded anew. */
MUST_USE struct result bank_serve(struct bank *bank);

/* The store cannot be written, or memory is gone: the whole daemon stops, with this thread's reason. */
void bank_give_up(struct bank *bank, struct result why);
/* Sleeps, but not past the node's stop. */
void bank_rest(struct bank *bank, unsigned milliseconds);

/* Why the coordinator is not reached; "" when it is. */
void bank_trouble(struct bank *bank, char out[SERVICE_REASON_MAX + 1]);
/* One request to the coordinator, repeated while it says WAIT, until an answer or the node's stop. frame points into
 * reply. Without the lock, which it does not need where patience_ms > 0. CATEGORY_ENVIRONMENT at the stop or, when
 * patience_ms > 0, when that has passed; CATEGORY_PEER when the reply is no frame of ours. bank_ask_unless:
 * CATEGORY_FALSE once *given_up is set, before the request is sent once more. */
MUST_USE struct result bank_ask(struct bank *bank, struct view request, unsigned patience_ms, struct buffer *reply,
                                struct service_frame *ret_frame);
MUST_USE struct result bank_ask_unless(struct bank *bank, const atomic_bool *given_up, struct view request,
                                       unsigned patience_ms, struct buffer *reply, struct service_frame *ret_frame);

/* Tells the coordinator that this bank takes no part: that ends the run and names the bank. Until it has heard, or as
 * long as patience_ms when that is > 0. */
MUST_USE struct result bank_refuse(struct bank *bank, const struct hash *run, const char *reason, unsigned patience_ms);

/* node/service.c: polls for offers and answers other members' requests for attestation, until the stop. */
void *bank_service_thread(void *bank);
/* node/control.c: answers this bank's commands over the control socket, until the stop. */
struct control_server;
struct bank_control {
    struct bank *bank;
    struct control_server *server;
};
void *bank_control_thread(void *control);

#endif

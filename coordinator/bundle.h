/* A run's bundle at the coordinator: runs/RUN/run.cfd, growing as run.cfd.part while the run goes on. */
#ifndef COORDINATOR_BUNDLE_H
#define COORDINATOR_BUNDLE_H

#include "proto/audit/bundle_write.h"
#include "sys/growing.h"

struct session;
struct hub;

enum run_bundle_state {
    RUN_BUNDLE_CLOSED, /* not looked at since this process started */
    RUN_BUNDLE_GROWS,
    RUN_BUNDLE_OVER, /* in place, or there is none and why was logged */
};
struct run_bundle {
    enum run_bundle_state state;
    struct bundle_writer writer;
    struct growing file;
};

/* Keeps this roster, so that a bundle can show the way from the first one to a run's. */
MUST_USE struct result run_bundle_keep_roster(struct hub *hub);
/* After each step of the machine that was made durable: adds the steps that were closed. */
MUST_USE struct result run_bundle_go_on(struct session *session);
/* The run is over: with this model, or (an empty view) without. */
MUST_USE struct result run_bundle_finish(struct session *session, struct view model);
void run_bundle_done(struct run_bundle *bundle);

#endif

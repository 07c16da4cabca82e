/* Configuration files of the daemons: YAML, checked against a schema, with file:line in every error.
 *
 * Relative paths in a file are taken from the file's own directory and come out joined with it. Numbers are read
 * strictly; unknown and duplicate keys, a second document and values out of range are CATEGORY_USAGE; a file that
 * cannot be read is CATEGORY_ENVIRONMENT. Strings are NULL where a file leaves an optional key out.
 */
#ifndef SYS_CONFIG_H
#define SYS_CONFIG_H

#include "crypto/base/bytes.h"
#include "sys/log.h"

/* Where an operator's tools read figures: sys/http.h. */
struct config_metrics {
    char *address; /* NULL: nothing is served */
    bool chosen;   /* the file says the address itself; else it is HTTP_DEFAULT_ADDRESS */
};

/* Where people look at the daemon: sys/console.h. */
struct config_console {
    char *address; /* of this machine alone; NULL: nothing is served */
};

struct config_coordinator {
    char *key;    /* node.key, or systemd's credential of that name; or the pkcs11: URI of a token's key */
    char *roster; /* roster.note */
    char *listen; /* optional: tls+tcp://host:port; the roster's address where it is left out */
    char *state;  /* directory */
    char *log;    /* debug, info, warning or error; info where it is left out */
    enum log_format log_format;
    struct config_metrics metrics;
    struct config_console console;
    uint32_t patience_seconds; /* optional; 0 = the protocol's default */
};

/* One of the bank's own names for a value, and the plan's: levels: [{from: m, to: "1"}]. */
struct config_level {
    char *from;
    char *to;
};
/* How one column of the plan is had from the bank's file. */
struct config_column {
    char *plan;    /* the plan's name */
    char *column;  /* optional: the file's name, the same where it is left out */
    double factor; /* optional: value in the plan's unit = value in the file · factor; 1 */
    struct config_level *levels;
    unsigned levels_count;
};
/* Who consented, by a column of the bank's file; one of `given` and `separator` is there (data/csv.h). */
struct config_consent {
    char *column; /* NULL: nothing is said of consent, every row is taken */
    char **given;
    unsigned given_count;
    char separator; /* 0: none */
};
/* A database that has an ODBC driver. */
struct config_odbc {
    char *dsn, *connection;                  /* one of them: a name in odbc.ini, or a connection string */
    char *table, *query;                     /* one of them */
    char *credentials;                       /* optional: a file of mode 0600, user and password on a line each */
    char *user_variable, *password_variable; /* optional, instead: of the environment; the user's may be NULL */
    char *schema;                            /* where push-down makes its tables; NULL unless PostgreSQL has them */
};
#define CONFIG_JOINED_MAX 8
struct config_source {
    char *name; /* what the ledger calls it (docs/protocol.md, rule 5) */
    char *file; /* CSV; NULL where there is a database */
    struct config_odbc *odbc;
    bool pushdown; /* execute: pushdown: a run's frozen rows stay in the database (node/pushdown.h) */
    char delimiter;
    char decimal;
    char **missing; /* tokens that mean "no value", the empty field always among them */
    unsigned missing_count;
    struct config_column *columns;
    unsigned columns_count;
    struct config_consent consent;
    char *key;                    /* the column that joins; NULL where nothing is joined */
    bool required;                /* of a joined source: rows without a match in it are left out */
    struct config_source *joined; /* their columns, consent and joined are empty */
    unsigned joined_count;
};
/* A key that two banks agreed on outside: at least 32 bytes, the same at both (docs/protocol.md, Primitives). */
struct config_psk {
    char *member;
    char *file;
};
struct config_node {
    char *key; /* as the coordinator's */
    char *roster;
    char *state;
    char *policy; /* what the bank takes part in (proto/run/policy.h) */
    char *log;    /* debug, info, warning or error; info where it is left out */
    enum log_format log_format;
    struct config_metrics metrics;
    struct config_console console;
    struct config_source source;
    uint32_t threads; /* for contributions; 1 where it is left out */
    struct config_psk *psk;
    unsigned psk_count;
};

MUST_USE struct result config_coordinator_load(const char *path, struct config_coordinator **ret);
void config_coordinator_free(struct config_coordinator *config);
void config_coordinator_freep(struct config_coordinator **config);
MUST_USE struct result config_node_load(const char *path, struct config_node **ret);
void config_node_free(struct config_node *config);
void config_node_freep(struct config_node **config);
/* A file with `source:` alone, whose name, and file or database, may be left out (and are NULL then): how a bank's own
 * data become a plan's, for trying it out before there is a node. */
MUST_USE struct result config_source_load(const char *path, struct config_source **ret);
void config_source_free(struct config_source *config);
void config_source_freep(struct config_source **config);

#endif

/* Between sys/config.c and config_raw.c: configuration as the YAML has it, all texts, before it is checked. */
#ifndef SYS_CONFIG_RAW_H
#define SYS_CONFIG_RAW_H

#include "crypto/base/document.h"
#include "sys/config.h"

/* Of what a daemon serves over HTTP. */
struct raw_served {
    char *address;
};
struct raw_coordinator {
    char *key, *roster, *listen, *state, *log, *log_format, *patience_seconds;
    struct raw_served *metrics, *console;
};
struct raw_column {
    char *plan, *column, *factor;
    struct config_level *levels;
    unsigned levels_count;
};
struct raw_consent {
    char *column, *separator;
    char **given;
    unsigned given_count;
};
struct raw_environment {
    char *user, *password;
};
struct raw_odbc {
    char *dsn, *connection, *table, *query, *credentials, *schema;
    struct raw_environment *environment;
};
struct raw_source {
    struct raw_odbc *odbc;
    char *name, *file, *execute, *delimiter, *decimal, *key, *required;
    char **missing;
    unsigned missing_count;
    struct raw_column *columns;
    unsigned columns_count;
    struct raw_consent *consent;
    struct raw_source *join; /* without columns, consent and join */
    unsigned join_count;
};
struct raw_node {
    char *key, *roster, *state, *policy, *log, *log_format, *threads;
    struct raw_served *metrics, *console;
    struct raw_source *source;
    struct config_psk *psk;
    unsigned psk_count;
};

extern const cyaml_schema_value_t config_raw_coordinator, config_raw_node;
extern const cyaml_schema_value_t config_raw_mapping; /* a struct raw_node that has its source only */

#endif

/* The bank's database as data/odbc.h wants it: the configuration's names, and user and password from where they are. */
#ifndef NODE_DATABASE_H
#define NODE_DATABASE_H

#include "crypto/secret.h"
#include "data/odbc.h"
#include "sys/config.h"

struct database {
    struct odbc_source source;
    struct secret *secret; /* the credentials' file, which source points into */
};

/* config has odbc. Credentials are read anew each time: they may be changed while the node runs. */
MUST_USE struct result database_of(const struct config_source *config, struct database *ret);
void database_done(struct database *database);

#endif

#include "sys/store_database.h"

static const char *const steps[] = {
    "CREATE TABLE record (scope BLOB NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (scope, key)) WITHOUT ROWID",
};

const struct database_schema *database_schema(void)
{
    static const struct database_schema schema = {steps, sizeof steps / sizeof *steps};
    return &schema;
}

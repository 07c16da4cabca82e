/* How a database writes what formula_sql.c needs: one file for each. */
#ifndef DATA_DIALECT_H
#define DATA_DIALECT_H

struct dialect;

extern const struct dialect dialect_postgresql, dialect_sqlite;

#endif

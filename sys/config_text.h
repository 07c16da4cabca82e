/* What texts of a database's configuration may hold. */
#ifndef SYS_CONFIG_TEXT_H
#define SYS_CONFIG_TEXT_H

#include <stdbool.h>

/* Whether a connection string, which stands in a file that many may read, has a secret in it, or in options within its
 * options. */
bool config_text_secret(const char *connection);
/* Letters, digits and `more` alone: a name may go into a connection string or a statement as it stands. */
bool config_text_name(const char *text, const char *more);

#endif

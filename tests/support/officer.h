/* Officers of banks in tests: persons with keys of their own, by number. */
#ifndef TESTS_SUPPORT_OFFICER_H
#define TESTS_SUPPORT_OFFICER_H

#include "proto/run/approval.h"

/* Signs; the document, appended. One number has one key, whatever the bank. */
MUST_USE struct result officer_signs(unsigned number, struct approval *approval, struct buffer *out);

#endif

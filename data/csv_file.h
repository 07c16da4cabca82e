/* The bytes of a file in pieces, unpacked when it begins as gzip does. */
#ifndef DATA_CSV_FILE_H
#define DATA_CSV_FILE_H

#include "crypto/base/bytes.h"

MUST_USE struct result csv_file_read(const char *path, struct result (*feed)(void *context, struct view piece),
                                     void *context);

#endif

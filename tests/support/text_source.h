/* CSV text in memory, as an origin of records. */
#ifndef TESTS_SUPPORT_TEXT_SOURCE_H
#define TESTS_SUPPORT_TEXT_SOURCE_H

#include "data/record.h"

struct text_source {
    const char *name; /* for reasons */
    struct view bytes;
    char delimiter; /* 0 stands for ',' */
};

/* Borrows the source. */
struct record_origin text_origin(const struct text_source *source);

#endif

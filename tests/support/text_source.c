#include "tests/support/text_source.h"

static struct result read_text(void *context, struct record_client client)
{
    const struct text_source *source = context;
    CLEANUP(record_reader_freep) struct record_reader *records = NULL;
    TRY(record_reader_new(source->name, source->delimiter ? source->delimiter : ',', 0, client, &records));
    TRY(record_reader_feed(records, source->bytes));
    return record_reader_finish(records);
}

struct record_origin text_origin(const struct text_source *source)
{
    return (struct record_origin){(void *)(uintptr_t)source, read_text};
}

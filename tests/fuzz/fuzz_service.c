/* Any bytes as a service message. The first byte chooses the decoder; what is taken is written again as it came. */
#include <stdlib.h>
#include <string.h>

#include "proto/run/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROSTER = 5 };

static void same(const struct buffer *out, struct view bytes)
{
    if (!view_equal(buffer_view(out), bytes)) abort();
}

static void ok(struct result result)
{
    if (!result_ok(result)) abort();
}

static void items(struct view bytes, struct buffer *out)
{
    struct reader reader = reader_of(bytes, "offers");
    struct service_item item;
    for (bool got = true; result_ok(service_item_read(&reader, &item, &got)) && got;)
        ok(service_item_write(&item, out));
    same(out, view_of(bytes.data, out->length));
}

static void statuses(struct view bytes, struct buffer *out)
{
    struct reader reader = reader_of(bytes, "a status");
    static struct service_run_status status;
    bool got = true;
    while (result_ok(service_run_status_read(&reader, ROSTER, &status, &got)) && got)
        ok(service_run_status_write(&status, out));
    same(out, view_of(bytes.data, out->length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct view bytes = view_of(data + 1, size - 1);
    CLEANUP(buffer_done) struct buffer out = {0};
    struct service_frame frame;
    struct service_submission submission;
    struct service_answer answer;
    static struct service_poll_reader poll;
    switch (data[0] % 6) {
    case 0:
        if (!result_ok(service_frame_read(bytes, &frame))) return 0;
        ok(service_frame_write(frame.kind, &frame.run, frame.payload, &out));
        same(&out, bytes);
        return 0;
    case 1:
        if (!result_ok(service_submission_read(bytes, ROSTER, &submission))) return 0;
        ok(service_submission_write(&submission, &out));
        same(&out, bytes);
        return 0;
    case 2:
        if (!result_ok(service_poll_read(bytes, &poll))) return 0;
        ok(service_poll_write(&(struct service_poll){poll.known, poll.known_count}, &out));
        same(&out, bytes);
        return 0;
    case 3:
        if (!result_ok(service_answer_read(bytes, &answer))) return 0;
        ok(service_answer_write(&answer, &out));
        same(&out, bytes);
        return 0;
    case 4:
        items(bytes, &out);
        return 0;
    default:
        statuses(bytes, &out);
        return 0;
    }
}

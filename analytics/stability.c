#include "analytics/stability.h"

#include "analytics/exact.h"

static double index_of(double now, double then)
{
    return now > 0 && then > 0 ? (now - then) * exact_log(now / then) : 0;
}

void stability_add(struct stability *stability, double now, double then)
{
    stability->open_now += now;
    stability->open_then += then;
    if (stability->open_now < stability->least || stability->open_now <= 0 || stability->open_then <= 0) return;
    stability->index += index_of(stability->now, stability->then);
    stability->now = stability->open_now;
    stability->then = stability->open_then;
    stability->open_now = stability->open_then = 0;
}

double stability_end(const struct stability *stability)
{
    return stability->index + index_of(stability->now + stability->open_now, stability->then + stability->open_then);
}

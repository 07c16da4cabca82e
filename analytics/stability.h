/* The population stability index over bins in order (Siddiqi 2006): Σ (share now - share then) · ln(their ratio). A bin
 * with too few rows now, or none then, goes with the next, the last with the one before: else the index would tell how
 * many they are. */
#ifndef ANALYTICS_STABILITY_H
#define ANALYTICS_STABILITY_H

/* Begin with all 0 but `least`. */
struct stability {
    double least;               /* share of the rows now that a bin needs */
    double index;               /* of the bins before the last */
    double now, then;           /* the last with both sides */
    double open_now, open_then; /* after it */
};
void stability_add(struct stability *stability, double now, double then);
double stability_end(const struct stability *stability);

#endif

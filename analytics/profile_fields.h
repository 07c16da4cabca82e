/* The fields of the profile's sums, in the order of their layouts. */
#ifndef ANALYTICS_PROFILE_FIELDS_H
#define ANALYTICS_PROFILE_FIELDS_H

enum {
    PROFILE_FIRST_CASES,
    PROFILE_FIRST_LEVELS,
    PROFILE_FIRST_MISSING,
    PROFILE_FIRST_OUTSIDE,
    PROFILE_FIRST_TOTALS,
    PROFILE_FIRST_BINS,
    PROFILE_FIRST_SPECIALS,
};
/* Where one of these comes: under privacy the counts that have their noise together stand together. */
static inline size_t profile_first_field(const struct plan *plan, size_t field)
{
    static const size_t private_places[] = {0, 1, 2, 5, 6, 4, 3};
    return plan_private(plan) ? private_places[field] : field;
}
enum { PROFILE_POWERS_DRIFT, PROFILE_POWERS_SPREAD, PROFILE_POWERS_CUBES, PROFILE_POWERS_BINS };
enum { PROFILE_CELLS_CELLS, PROFILE_CELLS_PAIRS, PROFILE_CELLS_SUMS };

#endif

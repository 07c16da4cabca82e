/* The only clocks. Machines get their time as an input; daemons take it from here. */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdint.h>

uint64_t clock_now_ms(void);       /* since 1970-01-01 UTC; may jump when the machine's time is set */
uint64_t clock_monotonic_ms(void); /* for durations and timers; never goes back; its zero means nothing */
uint64_t clock_monotonic_us(void); /* the same, to measure with */

#endif

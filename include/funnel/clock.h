/* SPDX-License-Identifier: Apache-2.0 */
/* Event time and processing time are different types, so mixing them does not compile. */
#ifndef FUNNEL_CLOCK_H
#define FUNNEL_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z, as the event says. Decides everything in the core. */
struct etime {
    int64_t ms;
};

/* Milliseconds of the machine's own clock. Never enters the core. */
struct ptime {
    int64_t ms;
};

#define ETIME_NONE ((struct etime){INT64_MIN})
#define ETIME_MIN_MS INT64_C(-62135596800000) /* 0001-01-01T00:00:00Z */
#define ETIME_MAX_MS INT64_C(127206115199999) /* 6000-12-31T23:59:59.999Z; must fit 48 bits */

static inline int etime_is_set(struct etime t)
{
    return t.ms != INT64_MIN;
}

/* Floor division: panes and days before 1970 count backwards. `by` > 0. */
static inline int64_t floor_div(int64_t a, int64_t by)
{
    return a / by - (a % by < 0);
}

#endif

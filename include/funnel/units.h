/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as users write them, and back. Strict: the whole text, no blanks, no locale; 0, or -1 with the
 * result untouched. Durations and sizes are read by settings_duration() and settings_size(). */
#ifndef FUNNEL_UNITS_H
#define FUNNEL_UNITS_H

#include <stdint.h>

#include "funnel/buf.h"

#define UNITS_SECOND INT64_C(1000)
#define UNITS_MINUTE (60 * UNITS_SECOND)
#define UNITS_HOUR (60 * UNITS_MINUTE)
#define UNITS_DAY (24 * UNITS_HOUR)
#define UNITS_WEEK (7 * UNITS_DAY)

/* -?[0-9]+ */
int units_integer(const char *text, int64_t *ret);
/* "0.3", "1e-3", "30%": the double nearest to what is written, at most 15 digits. Not range-checked. */
int units_ratio(const char *text, double *ret);
/* "0.1/week", "1/day", "2/hour": per week; "off": 0. */
int units_rate(const char *text, double *ret_per_week);

/* Appends the shortest way to write it: 1h30m, 14d, 0s; 1MiB, 256. */
void units_put_duration(struct buf *out, int64_t ms);
void units_put_size(struct buf *out, int64_t bytes);

#endif

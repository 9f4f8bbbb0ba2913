/* SPDX-License-Identifier: Apache-2.0 */
/* A time zone as a pure table: instants at which the offset from UTC changes. The shell builds it once from
 * libc's rules (src/shell/zone_load.h); here it is arithmetic only.
 *
 * Local days are made to be a partition of time: they follow each other without overlap and never run
 * backwards. Where a clock was set back across midnight (from 00:01 to 23:01), the day that had begun goes
 * on. A day that a zone skipped (Pacific/Apia, 2011-12-30) is empty: it starts where the next one does.
 *
 * Before the table's first transition its first offset holds, after the last one the last. */
#ifndef FUNNEL_ZONE_H
#define FUNNEL_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_DAY_MS INT64_C(86400000)
#define ZONE_HOUR_MS INT64_C(3600000)

struct zone {
    char *name;         /* owned */
    int64_t *at;        /* owned; seconds since the epoch, ascending; at[0] = INT64_MIN */
    int32_t *offset;    /* owned; seconds east of UTC, from at[i] on */
    int64_t *day_floor; /* owned; the latest local day begun before at[i] */
    size_t count;       /* >= 1 */
    uint64_t hash;      /* XXH3 of name and table: equal hash, equal rules */
};

/* The interval that was looked at last. Zeroed it is empty. One for each user (thread) and zone. */
struct zone_cursor {
    int64_t from_ms, to_ms; /* [from, to) */
    int64_t offset_ms;
    int64_t day_floor;
};

/* offset[0] holds before at[0]; offset[i+1] from at[i] (seconds, ascending) on: `offset` has count+1
 * elements. Copies all; transitions that change nothing are dropped. Returns 0, or -1 when `at` does not
 * ascend or an offset is beyond +-26 h. */
int zone_init(struct zone *z, const char *name, const int64_t *at, const int32_t *offset,
              size_t count);
void zone_deinit(struct zone *z); /* accepts a zeroed one */
/* On the heap; zone_free accepts NULL. zone_new returns NULL where zone_init would return -1. */
struct zone *zone_new(const char *name, const int64_t *at, const int32_t *offset, size_t count);
void zone_free(struct zone *z);
/* A zone without rules. offset_s within +-26 h. */
struct zone *zone_fixed(const char *name, int32_t offset_s);

/* All of these accept cursor == NULL, at the price of a search. ms are UTC. */
/* ms east of UTC. */
int64_t zone_offset(const struct zone *z, struct zone_cursor *cursor, int64_t ms);
/* Local civil day, in days since 1970-01-01. */
int64_t zone_day(const struct zone *z, struct zone_cursor *cursor, int64_t ms);
/* First instant, UTC ms, of a local day: the least ms with zone_day() >= day. */
int64_t zone_day_start(const struct zone *z, int64_t day);
/* By the wall clock: 0 = Monday 00:00 to 167 = Sunday 23:00. An hour that comes twice counts twice. */
int zone_hour_of_week(const struct zone *z, struct zone_cursor *cursor, int64_t ms);

/* Calendar periods, CALENDAR_* of settings.h. Index: DAY days since 1970-01-01; WEEK since the one of
 * Monday 1969-12-29; MONTH since 1970-01; QUARTER since 1970-Q1. Contiguous, ascending. */
int64_t zone_period(const struct zone *z, struct zone_cursor *cursor, int calendar, int64_t ms);
int64_t zone_period_start(const struct zone *z, int calendar, int64_t index); /* UTC ms */
/* The period a local day is in, and the first local day of a period. */
int64_t zone_period_of_day(int calendar, int64_t day);
int64_t zone_period_first_day(int calendar, int64_t index);
/* "2015-03-29", "2015-W07" (ISO 8601), "2015-03", "2015-Q1". */
#define ZONE_NAME_MAX 32
void zone_period_name(int calendar, int64_t index, char ret_name[ZONE_NAME_MAX]);

/* Proleptic Gregorian calendar, days since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms" (howardhinnant.github.io/date_algorithms.html). */
struct civil {
    int64_t year;
    int month, day; /* from 1 */
};
int64_t days_from_civil(int64_t year, int month, int day);
struct civil civil_from_days(int64_t days);
int weekday_from_days(int64_t days); /* 0 = Monday */

#endif

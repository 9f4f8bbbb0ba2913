/* SPDX-License-Identifier: Apache-2.0 */
/* A zone is a step function of UTC, found by bisection; the cursor keeps the step that was used last.
 *
 * Worked example, Europe/Berlin 2015-03-29, a day of 23 hours: it starts at local 00:00, offset 3600 s, that
 * is 2015-03-28T23:00Z. At 01:00Z the offset becomes 7200 s. The next day starts at its number times
 * 86,400,000 ms less 7,200,000, 2015-03-29T22:00Z. */
#include "funnel/zone.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/buf.h"
#include "funnel/clock.h"
#include "funnel/mem.h"
#include "funnel/settings.h"

#define OFFSET_MAX_S (26 * 3600)
#define AT_MAX_S (INT64_MAX / 1000 - 10 * OFFSET_MAX_S)

static int zone_is_valid(const int64_t *at, const int32_t *offset, size_t count)
{
    for (size_t i = 0; i <= count; i++)
        if (offset[i] > OFFSET_MAX_S || offset[i] < -OFFSET_MAX_S)
            return 0;
    for (size_t i = 0; i < count; i++)
        if (at[i] > AT_MAX_S || at[i] < -AT_MAX_S || (i > 0 && at[i] <= at[i - 1]))
            return 0;
    return 1;
}

/* Explicit bytes: the hash is compared between machines. */
static void hash_number(struct buf *b, int64_t value)
{
    for (int i = 0; i < 8; i++)
        buf_char(b, (char)((uint64_t)value >> 8 * i & 0xff));
}

static uint64_t zone_hash(const struct zone *z)
{
    struct buf bytes = {0};
    uint64_t hash;

    buf_add(&bytes, z->name, strlen(z->name) + 1);
    for (size_t i = 0; i < z->count; i++) {
        hash_number(&bytes, z->at[i]);
        hash_number(&bytes, z->offset[i]);
    }
    hash = XXH3_64bits(bytes.data, bytes.len);
    buf_deinit(&bytes);
    return hash;
}

static void zone_append(struct zone *z, int64_t at, int32_t offset)
{
    size_t i = z->count;
    int64_t last_day;

    z->at[i] = at;
    z->offset[i] = offset;
    z->day_floor[i] = INT64_MIN;
    z->count++;
    if (i == 0)
        return;
    last_day = floor_div(at * 1000 - 1 + (int64_t)z->offset[i - 1] * 1000, ZONE_DAY_MS);
    z->day_floor[i] = last_day > z->day_floor[i - 1] ? last_day : z->day_floor[i - 1];
}

int zone_init(struct zone *z, const char *name, const int64_t *at, const int32_t *offset,
              size_t count)
{
    if (!zone_is_valid(at, offset, count))
        return -1;
    *z = (struct zone){
        .name = mem_strdup(name),
        .at = mem_zero(count + 1, sizeof(*z->at)),
        .offset = mem_zero(count + 1, sizeof(*z->offset)),
        .day_floor = mem_zero(count + 1, sizeof(*z->day_floor)),
    };
    zone_append(z, INT64_MIN, offset[0]);
    for (size_t i = 0; i < count; i++)
        if (offset[i + 1] != z->offset[z->count - 1])
            zone_append(z, at[i], offset[i + 1]);
    z->hash = zone_hash(z);
    return 0;
}

void zone_deinit(struct zone *z)
{
    mem_free(z->name);
    mem_free(z->at);
    mem_free(z->offset);
    mem_free(z->day_floor);
    *z = (struct zone){0};
}

struct zone *zone_new(const char *name, const int64_t *at, const int32_t *offset, size_t count)
{
    struct zone *z = mem_zero(1, sizeof(*z));

    if (zone_init(z, name, at, offset, count) == 0)
        return z;
    mem_free(z);
    return NULL;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    zone_deinit(z);
    mem_free(z);
}

struct zone *zone_fixed(const char *name, int32_t offset_s)
{
    return zone_new(name, NULL, &offset_s, 0);
}

/* The step that holds at ms: the last i with at[i] <= ms. */
static size_t zone_find(const struct zone *z, int64_t ms)
{
    int64_t s = floor_div(ms, 1000);
    size_t low = 0, high = z->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (z->at[middle] <= s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t step_begin(const struct zone *z, size_t i)
{
    if (i == 0)
        return INT64_MIN;
    return i < z->count ? z->at[i] * 1000 : INT64_MAX;
}

static const struct zone_cursor *zone_seek(const struct zone *z, struct zone_cursor *c, int64_t ms)
{
    size_t i;

    if (ms >= c->from_ms && ms < c->to_ms)
        return c;
    i = zone_find(z, ms);
    *c = (struct zone_cursor){
        .from_ms = step_begin(z, i),
        .to_ms = step_begin(z, i + 1),
        .offset_ms = (int64_t)z->offset[i] * 1000,
        .day_floor = z->day_floor[i],
    };
    return c;
}

int64_t zone_offset(const struct zone *z, struct zone_cursor *cursor, int64_t ms)
{
    struct zone_cursor own = {0};

    return zone_seek(z, cursor ? cursor : &own, ms)->offset_ms;
}

int64_t zone_day(const struct zone *z, struct zone_cursor *cursor, int64_t ms)
{
    struct zone_cursor own = {0};
    const struct zone_cursor *c = zone_seek(z, cursor ? cursor : &own, ms);
    int64_t day = floor_div(ms + c->offset_ms, ZONE_DAY_MS);

    return day > c->day_floor ? day : c->day_floor;
}

int64_t zone_day_start(const struct zone *z, int64_t day)
{
    int64_t midnight = day * ZONE_DAY_MS;
    size_t i = zone_find(z, midnight - (int64_t)OFFSET_MAX_S * 1000);

    /* In each step the day would start at its midnight, or, when the step begins later than that, with
     * the step. No earlier step than this one reaches it. */
    for (;; i++) {
        int64_t start = midnight - (int64_t)z->offset[i] * 1000;

        if (start < step_begin(z, i))
            start = step_begin(z, i);
        if (start < step_begin(z, i + 1))
            return start;
    }
}

int zone_hour_of_week(const struct zone *z, struct zone_cursor *cursor, int64_t ms)
{
    int64_t local = ms + zone_offset(z, cursor, ms);
    int64_t day = floor_div(local, ZONE_DAY_MS);

    return weekday_from_days(day) * 24 + (int)((local - day * ZONE_DAY_MS) / 3600000);
}

/* --- calendar --- */

int64_t zone_period_of_day(int calendar, int64_t day)
{
    struct civil date;

    switch (calendar) {
    case CALENDAR_WEEK:
        return floor_div(day + 3, 7);
    case CALENDAR_MONTH:
        date = civil_from_days(day);
        return (date.year - 1970) * 12 + date.month - 1;
    case CALENDAR_QUARTER:
        date = civil_from_days(day);
        return (date.year - 1970) * 4 + (date.month - 1) / 3;
    default:
        return day;
    }
}

int64_t zone_period_first_day(int calendar, int64_t index)
{
    int64_t year;

    switch (calendar) {
    case CALENDAR_WEEK:
        return index * 7 - 3;
    case CALENDAR_MONTH:
        year = floor_div(index, 12);
        return days_from_civil(1970 + year, (int)(index - year * 12) + 1, 1);
    case CALENDAR_QUARTER:
        year = floor_div(index, 4);
        return days_from_civil(1970 + year, (int)(index - year * 4) * 3 + 1, 1);
    default:
        return index;
    }
}

int64_t zone_period(const struct zone *z, struct zone_cursor *cursor, int calendar, int64_t ms)
{
    return zone_period_of_day(calendar, zone_day(z, cursor, ms));
}

int64_t zone_period_start(const struct zone *z, int calendar, int64_t index)
{
    return zone_day_start(z, zone_period_first_day(calendar, index));
}

/* ISO 8601: a week belongs to the year of its Thursday. */
static void week_name(int64_t index, char ret_name[ZONE_NAME_MAX])
{
    int64_t thursday = index * 7;
    int64_t year = civil_from_days(thursday).year;
    int week = (int)((thursday - days_from_civil(year, 1, 1)) / 7) + 1;

    snprintf(ret_name, ZONE_NAME_MAX, "%04lld-W%02d", (long long)year, week);
}

void zone_period_name(int calendar, int64_t index, char ret_name[ZONE_NAME_MAX])
{
    struct civil first = civil_from_days(zone_period_first_day(calendar, index));
    long long year = first.year;

    if (calendar == CALENDAR_WEEK)
        week_name(index, ret_name);
    else if (calendar == CALENDAR_MONTH)
        snprintf(ret_name, ZONE_NAME_MAX, "%04lld-%02d", year, first.month);
    else if (calendar == CALENDAR_QUARTER)
        snprintf(ret_name, ZONE_NAME_MAX, "%04lld-Q%d", year, (first.month - 1) / 3 + 1);
    else
        snprintf(ret_name, ZONE_NAME_MAX, "%04lld-%02d-%02d", year, first.month, first.day);
}

/* Years begin in March, so that the leap day is the last one; eras of 400 years are all alike. */
int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400), of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct civil civil_from_days(int64_t days)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int month = (int)((5 * doy + 2) / 153);

    return (struct civil){
        .year = yoe + era * 400 + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = (int)(doy - (153 * month + 2) / 5) + 1,
    };
}

int weekday_from_days(int64_t days)
{
    return (int)(days + 3 - floor_div(days + 3, 7) * 7);
}

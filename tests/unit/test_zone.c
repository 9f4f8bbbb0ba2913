/* SPDX-License-Identifier: Apache-2.0 */
/* Zones by hand, with the oddities that real ones have; tests/shell/test_zone_load.c has the real ones. */
#include "funnel/zone.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "funnel/settings.h"

#define HOUR INT64_C(3600000)
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* UTC. */
static int64_t at(int64_t year, int month, int day, int hour, int minute)
{
    return days_from_civil(year, month, day) * ZONE_DAY_MS + hour * HOUR + minute * 60000;
}

static struct zone *make(const char *name, const int64_t *at_ms, const int32_t *offset,
                         size_t count)
{
    int64_t seconds[8];

    for (size_t i = 0; i < count; i++)
        seconds[i] = at_ms[i] / 1000;
    return zone_new(name, seconds, offset, count);
}

static struct zone *berlin(void)
{
    int64_t t[] = {at(2015, 3, 29, 1, 0), at(2015, 10, 25, 1, 0)};
    int32_t offset[] = {3600, 7200, 3600};

    return make("Berlin", t, offset, COUNT(t));
}

/* Its clocks went from Thursday 24:00 to Saturday 00:00. */
static struct zone *apia(void)
{
    int64_t t[] = {at(2011, 12, 30, 10, 0)};
    int32_t offset[] = {-36000, 50400};

    return make("Apia", t, offset, COUNT(t));
}

/* Summer time began at midnight, so that day began at 01:00; it ended at midnight, so that day had 25. */
static struct zone *sao_paulo(void)
{
    int64_t t[] = {at(2017, 10, 15, 3, 0), at(2018, 2, 18, 2, 0)};
    int32_t offset[] = {-10800, -7200, -10800};

    return make("Sao_Paulo", t, offset, COUNT(t));
}

/* Set back from 00:01 to 23:01 of the day before. */
static struct zone *st_johns(void)
{
    int64_t t[] = {at(2006, 4, 2, 3, 31), at(2006, 10, 29, 2, 31)};
    int32_t offset[] = {-12600, -9000, -12600};

    return make("St_Johns", t, offset, COUNT(t));
}

Test(zone, civil_dates_and_back)
{
    int64_t days = days_from_civil(-400, 1, 1);

    for (int64_t year = -400; year <= 2800; year++)
        for (int month = 1; month <= 12; month++) {
            static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
            int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            int length = lengths[month - 1] + (month == 2 && leap);

            for (int day = 1; day <= length; day++, days++) {
                struct civil c = civil_from_days(days);

                cr_assert(days_from_civil(year, month, day) == days);
                cr_assert(c.year == year && c.month == month && c.day == day);
            }
        }
    cr_assert(days_from_civil(1970, 1, 1) == 0 && weekday_from_days(0) == 3);
    cr_assert(weekday_from_days(-1) == 2 && weekday_from_days(4) == 0 &&
              weekday_from_days(-4) == 6);
}

Test(zone, offsets_change_at_the_instant)
{
    struct zone *z = berlin();
    struct zone_cursor c = {0};
    int64_t spring = at(2015, 3, 29, 1, 0), autumn = at(2015, 10, 25, 1, 0);

    for (int use = 0; use < 2; use++) {
        struct zone_cursor *cursor = use ? &c : NULL;

        cr_assert(zone_offset(z, cursor, spring - 1) == HOUR);
        cr_assert(zone_offset(z, cursor, spring) == 2 * HOUR);
        cr_assert(zone_offset(z, cursor, autumn - 1) == 2 * HOUR);
        cr_assert(zone_offset(z, cursor, autumn) == HOUR);
        cr_assert(zone_offset(z, cursor, -autumn) == HOUR &&
                  zone_offset(z, cursor, 4 * autumn) == HOUR);
    }
    zone_free(z);
}

static void check_day(const struct zone *z, int64_t day, int64_t start, int64_t hours)
{
    cr_assert(zone_day_start(z, day) == start, "%s: day %" PRId64 " starts %" PRId64 " ms off",
              z->name, day, zone_day_start(z, day) - start);
    cr_assert(zone_day_start(z, day + 1) == start + hours * HOUR, "%s: day %" PRId64 " is long",
              z->name, day);
    cr_assert(zone_day(z, NULL, start) == (hours ? day : day + 1));
    cr_assert(zone_day(z, NULL, start - 1) < day);
}

Test(zone, days_across_changes)
{
    struct zone *b = berlin(), *a = apia(), *s = sao_paulo(), *j = st_johns();

    check_day(b, days_from_civil(2015, 3, 28), at(2015, 3, 27, 23, 0), 24);
    check_day(b, days_from_civil(2015, 3, 29), at(2015, 3, 28, 23, 0), 23);
    check_day(b, days_from_civil(2015, 10, 25), at(2015, 10, 24, 22, 0), 25);
    check_day(a, days_from_civil(2011, 12, 29), at(2011, 12, 29, 10, 0), 24);
    check_day(a, days_from_civil(2011, 12, 30), at(2011, 12, 30, 10, 0), 0);
    check_day(a, days_from_civil(2011, 12, 31), at(2011, 12, 30, 10, 0), 24);
    check_day(s, days_from_civil(2017, 10, 14), at(2017, 10, 14, 3, 0), 24);
    check_day(s, days_from_civil(2017, 10, 15), at(2017, 10, 15, 3, 0), 23);
    check_day(s, days_from_civil(2018, 2, 17), at(2018, 2, 17, 2, 0), 25);
    check_day(s, days_from_civil(2018, 2, 18), at(2018, 2, 18, 3, 0), 24);
    check_day(j, days_from_civil(2006, 4, 2), at(2006, 4, 2, 3, 30), 23);
    check_day(j, days_from_civil(2006, 10, 28), at(2006, 10, 28, 2, 30), 24);
    check_day(j, days_from_civil(2006, 10, 29), at(2006, 10, 29, 2, 30), 25);
    /* 23:30 by the wall clock, for the second time: the 29th goes on. */
    cr_assert(zone_day(j, NULL, at(2006, 10, 29, 3, 0)) == days_from_civil(2006, 10, 29));
    cr_assert(zone_hour_of_week(j, NULL, at(2006, 10, 29, 3, 0)) == 5 * 24 + 23);
    zone_free(b);
    zone_free(a);
    zone_free(s);
    zone_free(j);
}

/* Every instant is in exactly one period, and periods never run backwards. */
static void check_partition(const struct zone *z, int calendar, int64_t from, int64_t to)
{
    struct zone_cursor c = {0};
    int64_t before = INT64_MIN;

    for (int64_t ms = from; ms < to; ms += 15 * 60000) {
        int64_t index = zone_period(z, &c, calendar, ms);

        cr_assert(index >= before);
        cr_assert(zone_period_start(z, calendar, index) <= ms);
        cr_assert(ms < zone_period_start(z, calendar, index + 1));
        before = index;
    }
}

Test(zone, periods_are_a_partition_of_time)
{
    struct zone *zones[] = {berlin(), apia(), sao_paulo(), st_johns(), zone_fixed("UTC", 0)};

    for (size_t i = 0; i < COUNT(zones); i++) {
        for (int calendar = CALENDAR_DAY; calendar <= CALENDAR_QUARTER; calendar++)
            for (size_t t = 1; t < zones[i]->count; t++)
                check_partition(zones[i], calendar, zones[i]->at[t] * 1000 - 40 * ZONE_DAY_MS,
                                zones[i]->at[t] * 1000 + 40 * ZONE_DAY_MS);
        check_partition(zones[i], CALENDAR_WEEK, -400 * ZONE_DAY_MS, 400 * ZONE_DAY_MS);
        zone_free(zones[i]);
    }
}

static void check_name(int calendar, int64_t year, int month, int day, const char *name)
{
    char got[ZONE_NAME_MAX];

    zone_period_name(calendar, zone_period_of_day(calendar, days_from_civil(year, month, day)),
                     got);
    cr_assert(strcmp(got, name) == 0, "%s, not %s", got, name);
}

Test(zone, period_names)
{
    check_name(CALENDAR_DAY, 2015, 3, 29, "2015-03-29");
    check_name(CALENDAR_MONTH, 2015, 3, 29, "2015-03");
    check_name(CALENDAR_MONTH, 1969, 12, 31, "1969-12");
    check_name(CALENDAR_QUARTER, 2015, 3, 31, "2015-Q1");
    check_name(CALENDAR_QUARTER, 2015, 4, 1, "2015-Q2");
    check_name(CALENDAR_QUARTER, 1969, 12, 31, "1969-Q4");
    check_name(CALENDAR_WEEK, 2015, 2, 9, "2015-W07");
    check_name(CALENDAR_WEEK, 2015, 2, 15, "2015-W07");
    check_name(CALENDAR_WEEK, 2015, 12, 31, "2015-W53");
    check_name(CALENDAR_WEEK, 2016, 1, 3, "2015-W53");
    check_name(CALENDAR_WEEK, 2016, 1, 4, "2016-W01");
    check_name(CALENDAR_WEEK, 2008, 12, 29, "2009-W01");
    check_name(CALENDAR_WEEK, 1970, 1, 1, "1970-W01");
    check_name(CALENDAR_WEEK, 1969, 12, 28, "1969-W52");
}

Test(zone, first_days_are_first)
{
    for (int calendar = CALENDAR_DAY; calendar <= CALENDAR_QUARTER; calendar++)
        for (int64_t index = -500; index < 2000; index++) {
            int64_t day = zone_period_first_day(calendar, index);

            cr_assert(zone_period_of_day(calendar, day) == index);
            cr_assert(zone_period_of_day(calendar, day - 1) == index - 1);
        }
}

Test(zone, hours_of_the_week)
{
    struct zone *z = berlin();

    cr_assert(zone_hour_of_week(z, NULL, at(2015, 3, 22, 22, 59)) == 167);
    cr_assert(zone_hour_of_week(z, NULL, at(2015, 3, 22, 23, 0)) == 0);
    cr_assert(zone_hour_of_week(z, NULL, at(2015, 3, 29, 0, 59)) == 6 * 24 + 1);
    cr_assert(zone_hour_of_week(z, NULL, at(2015, 3, 29, 1, 0)) == 6 * 24 + 3);
    zone_free(z);
}

Test(zone, equal_rules_have_equal_hashes)
{
    int64_t t[] = {100, 200, 300};
    int32_t offset[] = {3600, 7200, 7200, 3600}, merged[] = {3600, 7200, 3600};
    struct zone *a = zone_new("a", t, offset, 3);
    struct zone *b = zone_new("a", (int64_t[]){100, 300}, merged, 2);
    struct zone *c = zone_new("c", t, offset, 3), *d = zone_new("a", t, offset, 2);

    cr_assert(a->count == 3 && a->hash == b->hash);
    cr_assert(a->hash != c->hash && a->hash != d->hash);
    zone_free(a);
    zone_free(b);
    zone_free(c);
    zone_free(d);
}

Test(zone, tables_that_make_no_sense_are_refused)
{
    int32_t offset[] = {0, 3600, 0};

    cr_assert(!zone_new("x", (int64_t[]){200, 100}, offset, 2));
    cr_assert(!zone_new("x", (int64_t[]){100, 100}, offset, 2));
    cr_assert(!zone_new("x", (int64_t[]){INT64_MIN, 100}, offset, 2));
    cr_assert(!zone_fixed("x", 27 * 3600));
    zone_free(NULL);
    zone_deinit(&(struct zone){0});
}

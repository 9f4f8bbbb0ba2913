/* SPDX-License-Identifier: Apache-2.0 */
/* The pure table against libc itself, for zones with habits. */
#include "shell/zone_load.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "funnel/clock.h"
#include "funnel/settings.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define END_2099 INT64_C(4102444800)

static const char *const zones[] = {
    "Europe/Berlin",    "America/New_York",  "Asia/Shanghai",     "Australia/Lord_Howe",
    "Pacific/Apia",     "America/Sao_Paulo", "Africa/Casablanca", "UTC",
    "America/St_Johns", "Africa/Monrovia",
};

static uint64_t random_state = 7;

static int64_t random_second(void)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)END_2099);
}

static bool have_tzdata(void)
{
    return access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0;
}

static struct zone *load(const char *name)
{
    char wrong[ZONE_LOAD_WRONG];
    struct zone *z = zone_load(name, wrong);

    cr_assert(z, "%s: %s", name, wrong);
    setenv("TZ", name, 1);
    tzset();
    return z;
}

static struct tm local(int64_t s)
{
    time_t t = (time_t)s;
    struct tm tm;

    localtime_r(&t, &tm);
    return tm;
}

static int64_t local_day(const struct tm *tm)
{
    return days_from_civil(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
}

/* The last change up to s. */
static int64_t change_before(const struct zone *z, int64_t s)
{
    size_t i = z->count - 1;

    while (i > 0 && z->at[i] > s)
        i--;
    return z->at[i];
}

/* Days differ from libc's only where the clock was set back into a day that was over (zone.h). */
static void check_instant(const struct zone *z, struct zone_cursor *c, int64_t s)
{
    struct tm tm = local(s);
    int64_t day = zone_day(z, c, s * 1000), libc_day = local_day(&tm);

    cr_assert(zone_offset(z, c, s * 1000) == tm.tm_gmtoff * 1000, "%s %" PRId64, z->name, s);
    if (day != libc_day) {
        int64_t change = change_before(z, s);
        struct tm earlier = local(change - 1);

        cr_assert(day == libc_day + 1 && local_day(&earlier) == day && s - change < 7200,
                  "%s %" PRId64, z->name, s);
    }
    cr_assert(zone_hour_of_week(z, c, s * 1000) == (tm.tm_wday + 6) % 7 * 24 + tm.tm_hour,
              "%s %" PRId64, z->name, s);
}

Test(zone_load, offsets_and_days_are_those_of_libc)
{
    if (!have_tzdata())
        cr_skip("no tzdata");
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct zone *z = load(zones[i]);
        struct zone_cursor c = {0};

        for (int n = 0; n < 100000; n++)
            check_instant(z, n % 2 ? &c : NULL, random_second());
        for (size_t t = 1; t < z->count; t++)
            for (int64_t s = z->at[t] - 2; s <= z->at[t] + 1; s++)
                check_instant(z, &c, s);
        zone_free(z);
    }
}

static void check_day_start(const struct zone *z, int64_t day)
{
    int64_t start = zone_day_start(z, day) / 1000;
    struct tm at = local(start), before = local(start - 1);

    if (zone_day_start(z, day + 1) == zone_day_start(z, day))
        return; /* skipped by the zone */
    cr_assert(local_day(&at) == day && local_day(&before) < day, "%s day %" PRId64, z->name, day);
}

Test(zone_load, days_start_where_libc_changes_the_date)
{
    if (!have_tzdata())
        cr_skip("no tzdata");
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct zone *z = load(zones[i]);
        int skipped = 0;

        for (int64_t day = 1; day < END_2099 / 86400; day++) {
            check_day_start(z, day);
            skipped += zone_day_start(z, day + 1) == zone_day_start(z, day);
        }
        cr_assert(skipped == (strcmp(zones[i], "Pacific/Apia") == 0), "%s: %d", zones[i], skipped);
        zone_free(z);
    }
}

/* The first second that mktime makes of the period's first midnight, where there is such a midnight. */
static void check_first_midnight(const struct zone *z, int calendar, int64_t index)
{
    struct civil first = civil_from_days(zone_period_first_day(calendar, index));
    struct tm tm = {.tm_year = (int)first.year - 1900,
                    .tm_mon = first.month - 1,
                    .tm_mday = first.day,
                    .tm_isdst = -1};
    int64_t s = (int64_t)mktime(&tm);

    if (tm.tm_hour != 0 || tm.tm_mday != first.day)
        return;
    cr_assert(zone_period_start(z, calendar, index) == s * 1000, "%s %d-%02d", z->name,
              (int)first.year, first.month);
    cr_assert(zone_period(z, NULL, calendar, s * 1000) == index);
    cr_assert(zone_period(z, NULL, calendar, s * 1000 - 1) == index - 1);
}

Test(zone_load, months_and_quarters_start_at_mktimes_midnight)
{
    if (!have_tzdata())
        cr_skip("no tzdata");
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct zone *z = load(zones[i]);

        for (int64_t month = 1; month < 130 * 12; month++)
            check_first_midnight(z, CALENDAR_MONTH, month);
        for (int64_t quarter = 1; quarter < 130 * 4; quarter++)
            check_first_midnight(z, CALENDAR_QUARTER, quarter);
        zone_free(z);
    }
}

Test(zone_load, weeks_are_those_of_strftime)
{
    struct zone *z;

    if (!have_tzdata())
        cr_skip("no tzdata");
    z = load("Asia/Shanghai");
    for (int n = 0; n < 100000; n++) {
        int64_t s = random_second();
        char want[ZONE_NAME_MAX], got[ZONE_NAME_MAX];
        struct tm tm = local(s);

        strftime(want, sizeof(want), "%G-W%V", &tm);
        zone_period_name(CALENDAR_WEEK, zone_period(z, NULL, CALENDAR_WEEK, s * 1000), got);
        cr_assert(strcmp(want, got) == 0, "%" PRId64 ": %s, not %s", s, got, want);
    }
    zone_free(z);
}

Test(zone_load, no_name_no_zone)
{
    static const char *const names[] = {
        "",          "Europe/Berlinn",       "Mars/Olympus", "europe/berlin",   "../etc/passwd",
        "Europe",    "Europe/../Asia/Tokyo", "CET-1CEST",    "/etc/localtime",  "zone.tab",
        "tzdata.zi", "right/Europe/Berlin",  ":UTC",         "Europe/Berlin\n", "GMT0BST",
    };
    char wrong[ZONE_LOAD_WRONG];

    for (size_t i = 0; i < COUNT(names); i++) {
        cr_assert(!zone_load(names[i], wrong), "%s", names[i]);
        cr_assert(strlen(wrong) > 10, "%s", names[i]);
    }
}

Test(zone_load, utc_needs_no_tzdata)
{
    char wrong[ZONE_LOAD_WRONG];
    struct zone *z;

    setenv("TZDIR", "/nonexistent", 1);
    z = zone_load("UTC", wrong);
    cr_assert(z && z->count == 1 && zone_offset(z, NULL, 0) == 0);
    zone_free(z);
    cr_assert(!zone_load("Europe/Berlin", wrong));
    cr_assert(strstr(wrong, "/nonexistent"), "%s", wrong);
}

Test(zone_load, the_process_keeps_its_own_zone_and_it_does_not_matter)
{
    char wrong[ZONE_LOAD_WRONG];
    struct zone *a, *b;

    if (!have_tzdata())
        cr_skip("no tzdata");
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    a = zone_load("Europe/Berlin", wrong);
    cr_assert(strcmp(getenv("TZ"), "Asia/Tokyo") == 0);
    cr_assert(local(0).tm_gmtoff == 9 * 3600);
    unsetenv("TZ");
    b = zone_load("Europe/Berlin", wrong);
    cr_assert(!getenv("TZ") && a && b && a->hash == b->hash && a->count > 200);
    zone_free(a);
    zone_free(b);
}

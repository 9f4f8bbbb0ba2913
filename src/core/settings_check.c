/* SPDX-License-Identifier: Apache-2.0 */
#include "core/settings_check.h"

#include <string.h>

#include "funnel/units.h"
#include "funnel/zone.h"

#define MIB (INT64_C(1) << 20)

/* --- time --- */

static void check_zone(const struct check *c)
{
    const char *zone = c->s->time.zone;
    size_t len = zone ? strlen(zone) : 0;
    bool fits = len > 0 && len <= 64 && zone[0] != '/' && zone[0] != '+' && zone[0] != '-' &&
                zone[len - 1] != '/' && !strstr(zone, "//") && !strstr(zone, "..");

    for (size_t i = 0; i < len && fits; i++)
        fits = (zone[i] >= 'a' && zone[i] <= 'z') || (zone[i] >= 'A' && zone[i] <= 'Z') ||
               (zone[i] >= '0' && zone[i] <= '9') || strchr("/_+-", zone[i]);
    if (zone && !fits)
        check_fail(c, AT(c->s->time.zone), "write an IANA name, as Asia/Shanghai or UTC",
                   "%s is no name of a time zone", check_quoted(c, zone));
}

/* "2026-02-28", and a day there is. */
static bool is_date(const char *text)
{
    static const char form[] = "0000-00-00";
    int n[3] = {0};
    struct civil back;

    for (size_t i = 0, part = 0; i < sizeof(form); i++) {
        if (form[i] != '0' ? text[i] != form[i] : text[i] < '0' || text[i] > '9')
            return false;
        if (form[i] == '0')
            n[part] = n[part] * 10 + (text[i] - '0');
        else
            part++;
    }
    if (n[0] < 1970 || n[1] < 1 || n[1] > 12 || n[2] < 1)
        return false;
    back = civil_from_days(days_from_civil(n[0], n[1], n[2]));
    return back.month == n[1] && back.day == n[2];
}

static void check_holidays(const struct check *c)
{
    const struct settings_strings *days = &c->s->time.holidays;

    if (!check_at_most(c, AT(*days), days->count, HOLIDAYS_MAX, "days"))
        return;
    for (size_t i = 0; i < days->count; i++)
        if (days->items[i] && !is_date(days->items[i]))
            check_fail(c, AT(days->items[i]), "write YYYY-MM-DD, as 2026-12-25", "%s is no day",
                       check_quoted(c, days->items[i]));
    check_repeated(c, days);
}

static void check_time(const struct check *c)
{
    const struct settings_time *t = &c->s->time;

    check_zone(c);
    check_holidays(c);
    if (check_set(c, AT(t->pane)) && check_good(c, AT(t->pane)) && !check_pane(c))
        check_fail(c, AT(t->pane), "write one of 1s, 5s, 10s, 15s, 30s, 1m, 3m, 5m, 15m",
                   "%s does not divide 15m, or is shorter than 1s", check_value(c, AT(t->pane)));
    check_duration(c, &t->lateness, 0, 7 * UNITS_DAY);
    check_duration(c, &t->max_ahead, 0, 30 * UNITS_DAY);
    check_duration(c, &t->max_jump, UNITS_SECOND, 365 * UNITS_DAY);
    check_count(c, &t->max_skew, 1, 4096);
    check_duration(c, &t->idle_after, UNITS_SECOND, UNITS_DAY);
    check_duration(c, &t->idle_lateness, UNITS_SECOND, 7 * UNITS_DAY);
}

/* --- http --- */

static bool take_number(const char **p, int max)
{
    int n = 0;

    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        n = n * 10 + (**p - '0');
        if (n > max)
            return false;
    }
    return true;
}

/* An address as 127.0.0.1:9464, [::1]:9464 or localhost:9464. */
static bool http_parse(const char *text, bool *ret_loopback)
{
    const char *p = text;

    if (strncmp(p, "localhost", 9) == 0) {
        *ret_loopback = true;
        p += 9;
    } else if (*p == '[') {
        size_t len = strspn(p + 1, "0123456789abcdefABCDEF:.");

        *ret_loopback = len == 3 && strncmp(p + 1, "::1", 3) == 0;
        if (len < 2 || p[1 + len] != ']' || !memchr(p + 1, ':', len))
            return false;
        p += len + 2;
    } else {
        *ret_loopback = strncmp(p, "127.", 4) == 0;
        for (int i = 0; i < 4; i++)
            if ((i > 0 && *p++ != '.') || !take_number(&p, 255))
                return false;
    }
    return *p++ == ':' && take_number(&p, 65535) && *p == '\0';
}

static void check_http(const struct check *c)
{
    const struct settings *s = c->s;
    bool loopback;

    if (!s->http || strcmp(s->http, "off") == 0)
        return;
    if (!http_parse(s->http, &loopback))
        check_fail(c, AT(s->http), "write IP:PORT, as 127.0.0.1:9464 or [::1]:9464, or off",
                   "%s is no address with a port", check_quoted(c, s->http));
    else if (!loopback && !check_set(c, AT(s->http_token)))
        check_fail(c, AT(s->http), "add http_token, as ${NAME} or file:PATH, or use 127.0.0.1",
                   "%s can be reached from elsewhere, and http_token is not set",
                   check_quoted(c, s->http));
}

/* --- the rest --- */

static void check_limits(const struct check *c)
{
    const struct settings_limits *l = &c->s->limits;

    check_bytes(c, &l->message, 256, 64 * MIB);
    check_count(c, &l->depth, 2, 256);
    check_bytes(c, &l->id, 16, 4096);
    check_count(c, &l->entities, 1, INT64_C(4000000000));
    check_count(c, &l->leaves, 1, 65534); /* numbers of 16 bits, as are those of values */
    check_count(c, &l->values, 1, 65000);
    check_count(c, &l->breakdown_values, 1, 10000000);
    check_count(c, &l->reorder, 1, INT64_C(1) << 24);
    check_count(c, &l->dedupe, 1, INT64_C(1) << 28);
    check_bytes(c, &l->outbox, 65536, 256 * MIB);
}

static void check_whole(const struct check *c)
{
    const struct settings *s = c->s;

    if (s->group)
        check_topic(c, AT(s->group), s->group);
    check_count(c, &s->amount_decimals, 0, 6);
    check_duration(c, &s->shutdown_timeout, UNITS_SECOND, 10 * UNITS_MINUTE);
    if (s->state.dir && s->state.dir[0] != '/')
        check_fail(c, AT(s->state.dir), "write the whole path, beginning with '/'",
                   "%s depends on where funneld is started", check_quoted(c, s->state.dir));
    check_duration(c, &s->state.snapshot, UNITS_SECOND, UNITS_DAY);
    check_http(c);
    check_limits(c);
}

void settings_check(const struct settings *s, struct schema *b)
{
    struct check c = {s, b};

    check_kafka(&c);
    check_inputs(&c);
    check_time(&c);
    check_whole(&c);
    if (s->funnels.count == 0 && check_set(&c, AT(s->funnels)))
        check_fail(&c, AT(s->funnels), "add 'NAME:' with its stages", "no funnel");
    if (!check_at_most(&c, AT(s->funnels), s->funnels.count, FUNNELS_MAX, "funnels"))
        return;
    for (size_t i = 0; i < s->funnels.count; i++) {
        const struct settings_funnel *f = &s->funnels.items[i];

        check_label(&c, AT(*f), f->name);
        check_names(&c, f);
        check_dims(&c, f);
        check_windows(&c, f);
        check_duration(&c, &f->dedupe, 0, 30 * UNITS_DAY);
        check_rules(&c, f);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "funnel/settings.h"

struct unit {
    const char *name;
    int64_t size;
};

/* Largest first: writing takes the first that fits. */
static const struct unit duration_units[] = {
    {"w", UNITS_WEEK},   {"d", UNITS_DAY},    {"h", UNITS_HOUR},
    {"m", UNITS_MINUTE}, {"s", UNITS_SECOND}, {"ms", 1},
};
static const struct unit size_units[] = {
    {"TiB", INT64_C(1) << 40},      {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},      {"KiB", INT64_C(1) << 10},
    {"TB", INT64_C(1000000000000)}, {"GB", INT64_C(1000000000)},
    {"MB", INT64_C(1000000)},       {"kB", INT64_C(1000)},
    {"KB", INT64_C(1000)},          {"B", 1},
};
static const struct unit rate_units[] = {
    {"hour", UNITS_HOUR},
    {"day", UNITS_DAY},
    {"week", UNITS_WEEK},
};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Digits at *p; moves it past them. */
static int take_digits(const char **p, int64_t *ret)
{
    int64_t n = 0;

    if (!is_digit(**p))
        return -1;
    for (; is_digit(**p); (*p)++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, **p - '0', &n))
            return -1;
    *ret = n;
    return 0;
}

/* The letters at *p as one of the units; moves it past them. */
static const struct unit *take_unit(const char **p, const struct unit *units, size_t count)
{
    size_t len = 0;

    while (is_letter((*p)[len]))
        len++;
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, *p, len) == 0) {
            *p += len;
            return &units[i];
        }
    return NULL;
}

int units_integer(const char *text, int64_t *ret)
{
    bool negative = *text == '-';
    const char *p = text + negative;
    int64_t n;

    if (take_digits(&p, &n) != 0 || *p != '\0')
        return -1;
    *ret = negative ? -n : n;
    return 0;
}

int settings_duration(const char *text, int64_t *ret_ms)
{
    const char *p = text;
    int64_t sum = 0;

    if (strcmp(text, "off") == 0 || strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    do {
        const struct unit *unit;
        int64_t n;

        if (take_digits(&p, &n) != 0)
            return -1;
        unit = take_unit(&p, duration_units, COUNT_OF(duration_units));
        if (!unit || __builtin_mul_overflow(n, unit->size, &n) ||
            __builtin_add_overflow(sum, n, &sum))
            return -1;
    } while (*p != '\0');
    *ret_ms = sum;
    return 0;
}

int settings_size(const char *text, int64_t *ret_bytes)
{
    const char *p = text;
    int64_t n, size = 1;

    if (take_digits(&p, &n) != 0)
        return -1;
    if (*p != '\0') {
        const struct unit *unit = take_unit(&p, size_units, COUNT_OF(size_units));

        if (!unit || *p != '\0')
            return -1;
        size = unit->size;
    }
    if (__builtin_mul_overflow(n, size, &n))
        return -1;
    *ret_bytes = n;
    return 0;
}

/* --- decimals --- */

/* mantissa * 10^exponent. Within 2^53 and 10^22 both are exact as doubles, so one multiplication or
 * division rounds once: the nearest double (Clinger 1990, the "fast path"), without strtod's locale. */
struct decimal {
    int64_t mantissa;
    int exponent;
};
#define DECIMAL_DIGITS 15
#define DECIMAL_EXPONENT 22

static int take_digits_into(const char **p, struct decimal *d, int *digits)
{
    int taken = 0;

    for (; is_digit(**p); (*p)++, taken++) {
        if (*digits > 0 || **p != '0')
            (*digits)++;
        if (*digits > DECIMAL_DIGITS)
            return -1;
        d->mantissa = d->mantissa * 10 + (**p - '0');
    }
    return taken;
}

static int take_exponent(const char **p, struct decimal *d)
{
    int64_t n;
    bool negative;

    if (**p != 'e' && **p != 'E')
        return 0;
    (*p)++;
    negative = **p == '-';
    if (negative || **p == '+')
        (*p)++;
    if (take_digits(p, &n) != 0 || n > DECIMAL_EXPONENT)
        return -1;
    d->exponent += negative ? -(int)n : (int)n;
    return 0;
}

static int take_decimal(const char **p, struct decimal *ret)
{
    struct decimal d = {0, 0};
    int digits = 0, whole, fraction;

    whole = take_digits_into(p, &d, &digits);
    if (whole <= 0)
        return -1;
    if (**p == '.') {
        (*p)++;
        fraction = take_digits_into(p, &d, &digits);
        if (fraction <= 0 || fraction > DECIMAL_EXPONENT)
            return -1;
        d.exponent = -fraction;
    }
    if (take_exponent(p, &d) != 0)
        return -1;
    *ret = d;
    return 0;
}

static int decimal_value(struct decimal d, double *ret)
{
    double power = 1;

    if (d.exponent > DECIMAL_EXPONENT || d.exponent < -DECIMAL_EXPONENT)
        return -1;
    for (int i = d.exponent < 0 ? -d.exponent : d.exponent; i > 0; i--)
        power *= 10;
    *ret = d.exponent < 0 ? (double)d.mantissa / power : (double)d.mantissa * power;
    return 0;
}

int units_ratio(const char *text, double *ret)
{
    struct decimal d;

    if (take_decimal(&text, &d) != 0)
        return -1;
    if (*text == '%') {
        text++;
        d.exponent -= 2;
    }
    return *text == '\0' ? decimal_value(d, ret) : -1;
}

int units_rate(const char *text, double *ret_per_week)
{
    const struct unit *unit;
    struct decimal d;
    double n;

    if (strcmp(text, "off") == 0) {
        *ret_per_week = 0;
        return 0;
    }
    if (take_decimal(&text, &d) != 0 || decimal_value(d, &n) != 0 || *text != '/')
        return -1;
    text++;
    unit = take_unit(&text, rate_units, COUNT_OF(rate_units));
    if (!unit || *text != '\0')
        return -1;
    *ret_per_week = n * (double)(UNITS_WEEK / unit->size);
    return 0;
}

/* --- writing --- */

/* Weeks only where nothing else is left: people write 30d, not 4w2d. */
void units_put_duration(struct buf *out, int64_t ms)
{
    bool any = false;

    for (size_t i = 0; i < COUNT_OF(duration_units); i++) {
        int64_t n = ms / duration_units[i].size;

        if (n == 0 || (duration_units[i].size == UNITS_WEEK && ms % UNITS_WEEK != 0))
            continue;
        buf_fmt(out, "%lld%s", (long long)n, duration_units[i].name);
        ms -= n * duration_units[i].size;
        any = true;
    }
    if (!any)
        buf_str(out, "0s");
}

void units_put_size(struct buf *out, int64_t bytes)
{
    for (size_t i = 0; i < COUNT_OF(size_units); i++) {
        const struct unit *u = &size_units[i];

        if (u->size > 1 && bytes >= u->size && bytes % u->size == 0 && strlen(u->name) == 3) {
            buf_fmt(out, "%lld%s", (long long)(bytes / u->size), u->name);
            return;
        }
    }
    buf_fmt(out, "%lld", (long long)bytes);
}

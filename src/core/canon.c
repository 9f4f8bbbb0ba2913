/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/canon.h"

#include <string.h>

#include "funnel/clock.h"
#include "funnel/settings.h"

#define DAY_MS INT64_C(86400000)
/* What four digits of a year can write: more than an event may have, for the ends of windows. */
#define WRITE_MIN_MS ETIME_MIN_MS
#define WRITE_MAX_MS INT64_C(253402300799999)
#define EXPONENT_MAX \
    INT64_C(1000000000000) /* beyond any length of a text: larger ones are all alike */

int canon_string(struct span text, int64_t limit)
{
    return text.p && text.len > 0 && (int64_t)text.len <= limit ? 0 : -1;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int canon_number(struct span token, int64_t limit)
{
    uint32_t i;

    if (canon_string(token, limit) != 0)
        return -1;
    for (i = token.p[0] == '-'; i < token.len; i++)
        if (!is_digit(token.p[i]))
            return -1;
    return token.p[i - 1] == '-' || span_is(token, "-0") ? -1 : 0;
}

/* |x| = 0.d1 d2 d3 … × 10^point with d1 > 0, the digits where they stand in the text. */
struct decimal {
    const char *digits, *end; /* a '.' may stand in between; digits == end: zero */
    int64_t point;
    int negative;
};

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

static const char *skip_sign(const char *p, const char *end, int *ret_negative)
{
    *ret_negative = p < end && *p == '-';
    return p < end && (*p == '-' || *p == '+') ? p + 1 : p;
}

/* From the 'e' to the end of the text. */
static int decimal_exponent(const char *p, const char *end, int64_t *ret)
{
    int64_t n = 0;
    int negative;

    p = skip_sign(p + 1, end, &negative);
    if (p == end)
        return -1;
    for (; p < end; p++) {
        if (!is_digit(*p))
            return -1;
        if (n < EXPONENT_MAX)
            n = n * 10 + (*p - '0');
    }
    *ret = negative ? -n : n;
    return 0;
}

static int decimal_parse(struct span text, struct decimal *ret)
{
    const char *end = text.p + text.len, *whole, *point, *stop;
    int64_t exponent = 0;

    if (!text.p)
        return -1;
    whole = skip_sign(text.p, end, &ret->negative);
    point = stop = skip_digits(whole, end);
    if (point == whole)
        return -1;
    if (stop < end && *stop == '.') {
        stop = skip_digits(point + 1, end);
        if (stop == point + 1)
            return -1;
    }
    if (stop < end &&
        ((*stop != 'e' && *stop != 'E') || decimal_exponent(stop, end, &exponent) != 0))
        return -1;

    while (whole < stop && (*whole == '0' || *whole == '.'))
        whole++;
    ret->digits = whole;
    ret->end = stop;
    ret->point = exponent + (whole < point ? point - whole : point + 1 - whole);
    return 0;
}

enum rounding { ROUND_HALF_EVEN, ROUND_PAST };

static int decimal_next(struct decimal *x)
{
    if (x->digits < x->end && *x->digits == '.')
        x->digits++;
    return x->digits < x->end ? *x->digits++ - '0' : 0;
}

/* 1 when the digits that are left ask for one more in the last place. */
static int decimal_round(struct decimal *x, int64_t places, enum rounding rounding, int odd)
{
    int first = places < 0 ? 0 : decimal_next(x); /* places < 0: 0.0…, then the digits */
    int rest = 0;

    while (x->digits < x->end && !rest)
        rest = decimal_next(x) != 0;
    if (rounding == ROUND_PAST)
        return x->negative && (first > 0 || rest);
    return first > 5 || (first == 5 && (rest || odd));
}

/* x × 10^shift as an integer of at most 18 digits. */
static int decimal_scale(struct decimal x, int shift, enum rounding rounding, int64_t *ret)
{
    int64_t places = x.point + shift, n = 0;

    if (x.digits == x.end) {
        *ret = 0;
        return 0;
    }
    if (places > 18)
        return -1;
    for (int64_t i = 0; i < places; i++)
        n = n * 10 + decimal_next(&x);
    n += decimal_round(&x, places, rounding, (int)(n & 1));
    *ret = x.negative ? -n : n;
    return 0;
}

int canon_amount(struct span text, int decimals, int64_t *ret_minor)
{
    struct decimal x;
    int64_t minor;

    if (decimal_parse(text, &x) != 0 || decimal_scale(x, decimals, ROUND_HALF_EVEN, &minor) != 0)
        return -1;
    if (minor <= -CANON_AMOUNT_LIMIT || minor >= CANON_AMOUNT_LIMIT)
        return -1;
    *ret_minor = minor;
    return 0;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, by years that begin in March and
 * eras of 400 years (146097 days): the leap day is then the last one of its year. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = floor_div(y, 400), year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), day = z - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t march;

    day -= 365 * year + year / 4 - year / 100;
    march = (5 * day + 2) / 153;
    *ret_day = (int)(day - (153 * march + 2) / 5 + 1);
    *ret_month = (int)(march < 10 ? march + 3 : march - 9);
    *ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* `count` digits at p; -1 when one is none. */
static int digits_at(const char *p, int count)
{
    int n = 0;

    for (int i = 0; i < count; i++) {
        if (!is_digit(p[i]))
            return -1;
        n = n * 10 + (p[i] - '0');
    }
    return n;
}

/* YYYY-MM-DDThh:mm:ss, the 19 bytes at p. */
static int rfc3339_civil(const char *p, int64_t *ret_ms)
{
    int year = digits_at(p, 4), month = digits_at(p + 5, 2), day = digits_at(p + 8, 2);
    int hour = digits_at(p + 11, 2), minute = digits_at(p + 14, 2), second = digits_at(p + 17, 2);

    if (p[4] != '-' || p[7] != '-' || p[13] != ':' || p[16] != ':' || !memchr("Tt ", p[10], 3))
        return -1;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return -1;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return -1;
    *ret_ms = days_from_civil(year, month, day) * DAY_MS +
              (int64_t)((hour * 60 + minute) * 60 + second) * 1000;
    return 0;
}

/* "Z" or "+hh:mm", the whole rest of the text. */
static int rfc3339_offset(const char *p, const char *end, int64_t *ret_ms)
{
    int hour, minute;

    if (end - p == 1 && (*p == 'Z' || *p == 'z')) {
        *ret_ms = 0;
        return 0;
    }
    if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':')
        return -1;
    hour = digits_at(p + 1, 2);
    minute = digits_at(p + 4, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return -1;
    *ret_ms = (int64_t)(hour * 60 + minute) * (*p == '-' ? -60000 : 60000);
    return 0;
}

static int time_check(int64_t ms, int64_t *ret_ms)
{
    if (ms < ETIME_MIN_MS || ms > ETIME_MAX_MS)
        return -1;
    *ret_ms = ms;
    return 0;
}

int canon_time_rfc3339(struct span text, int64_t *ret_ms)
{
    const char *p = text.p, *end = text.p + text.len, *fraction;
    int64_t ms, offset;

    if (!p || text.len < 20 || rfc3339_civil(p, &ms) != 0)
        return -1;
    fraction = p += 19;
    if (*p == '.') {
        fraction = p + 1;
        p = skip_digits(fraction, end);
        if (p == fraction)
            return -1;
    }
    if (rfc3339_offset(p, end, &offset) != 0)
        return -1;
    if (text.p[17] == '6')
        ms -= 1; /* a leap second has no place of its own in POSIX time */
    else
        for (int unit = 100; unit > 0 && fraction < p; unit /= 10)
            ms += (*fraction++ - '0') * unit;
    return time_check(ms - offset, ret_ms);
}

int canon_time_epoch(struct span text, int format, int64_t *ret_ms)
{
    struct decimal x;
    int64_t ms;
    int shift;

    if (decimal_parse(text, &x) != 0)
        return -1;
    if (format == FORMAT_AUTO) /* |x| < 10^n just when no digit stands beyond n places */
        format = x.point <= 11 ? FORMAT_EPOCH_S : x.point <= 14 ? FORMAT_EPOCH_MS : FORMAT_EPOCH_US;
    shift = format == FORMAT_EPOCH_S ? 3 : format == FORMAT_EPOCH_MS ? 0 : -3;
    if (decimal_scale(x, shift, ROUND_PAST, &ms) != 0)
        return -1;
    return time_check(ms, ret_ms);
}

int canon_time(struct span text, int format, int64_t *ret_ms)
{
    if (format == FORMAT_AUTO && text.len > 4 && text.p[4] == '-' && digits_at(text.p, 4) >= 0)
        format = FORMAT_RFC3339;
    if (format == FORMAT_RFC3339)
        return canon_time_rfc3339(text, ret_ms);
    return canon_time_epoch(text, format, ret_ms);
}

static char *write_digits(char *p, int n, int count, char after)
{
    for (int i = count; i-- > 0; n /= 10)
        p[i] = (char)('0' + n % 10);
    p[count] = after;
    return p + count + 1;
}

void canon_rfc3339(int64_t ms, char out[CANON_RFC3339_SIZE])
{
    int64_t days;
    int year, month, day, rest;

    ms = ms < WRITE_MIN_MS ? WRITE_MIN_MS : ms > WRITE_MAX_MS ? WRITE_MAX_MS : ms;
    days = floor_div(ms, DAY_MS);
    rest = (int)(ms - days * DAY_MS);
    civil_from_days(days, &year, &month, &day);
    out = write_digits(out, year, 4, '-');
    out = write_digits(out, month, 2, '-');
    out = write_digits(out, day, 2, 'T');
    out = write_digits(out, rest / 3600000, 2, ':');
    out = write_digits(out, rest / 60000 % 60, 2, ':');
    out = write_digits(out, rest / 1000 % 60, 2, '.');
    out = write_digits(out, rest % 1000, 3, 'Z');
    *out = '\0';
}

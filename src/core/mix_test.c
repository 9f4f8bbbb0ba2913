/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a dimension's values share the entries otherwise than usual.
 *
 * The likelihood-ratio test of two multinomials (Wilks 1938): G = 2 sum x ln(x / e) over both rows, with k values
 * chi-square with k - 1 degrees. Values of whom fewer than 5 are expected are taken together.
 *
 * Shares differ from day to day by more than chance: campaigns, a partner's batches. How much more is what the week
 * before shows: over blocks of as many hours as the window has, phi = sum (x - e)^2 / e over the days of a block,
 * against the block's own shares, per degree of freedom, at least 1. Then (G / (k - 1)) / phi is about
 * F(k - 1, f), f the degrees that phi has, and Paulson's cube root makes it normal (Annals of Mathematical
 * Statistics 13, 1942). What makes a day another one lasts all day: 1 - 1 / phi of the variance is common to its m
 * blocks, squares are correlated by the square of that, and f is by so much less, 1 + (m - 1) (1 - 1 / phi)^2.
 *
 *   Example. 400 entries, 100 of them by ads; in the same hours of the week before 2,800, 280 by ads. G = 62 for
 *   one degree. With phi = 2 from 24 blocks, 144 degrees count as 21, F = 31, and z = 4.1: beyond the 3.4 of 0.05
 *   false alarms in a week's 168 hours. 15 % of the entries are others.
 *
 * What is found is information: with enough entries any change is beyond chance, so that it must also be worth a
 * word (effect: the total variation distance). */
#include <string.h>

#include "funnel/fmath.h"
#include "funnel/mix.h"

#define EXPECTED_LEAST 5.0
#define ENTRIES_LEAST 30
#define BEFORE_LEAST 100
#define DAYS_LEAST 3

/* --- values taken together --- */

struct pool {
    int count;                 /* groups */
    uint8_t group[MIX_VALUES]; /* by value */
};

static uint64_t sum_of(const uint64_t *n)
{
    uint64_t sum = 0;

    for (int v = 0; v < MIX_VALUES; v++)
        sum += n[v];
    return sum;
}

/* Of all entries of both rows, the least one row may have. */
static double pool_floor(const uint64_t *now, const uint64_t *was)
{
    double a = (double)sum_of(now), b = (double)sum_of(was);

    return EXPECTED_LEAST * (a + b) / (a < b ? a : b);
}

/* Group 0 is the rest; one that is itself too small joins the smallest. */
static void pool_make(struct pool *p, const uint64_t *now, const uint64_t *was)
{
    double floor = pool_floor(now, was), rest = 0, least = __builtin_inf();
    int smallest = 0;

    memset(p, 0, sizeof(*p));
    p->count = 1;
    for (int v = 0; v < MIX_VALUES; v++) {
        double n = (double)now[v] + (double)was[v];

        if (n < floor) {
            rest += n;
            continue;
        }
        p->group[v] = (uint8_t)p->count++;
        if (n < least) {
            least = n;
            smallest = p->group[v];
        }
    }
    if (rest >= floor || p->count == 1)
        return;
    for (int v = 0; v < MIX_VALUES; v++)
        p->group[v] = (uint8_t)((p->group[v] == 0 ? smallest : p->group[v]) - 1);
    p->count--;
}

static void pool_sum(const struct pool *p, const uint64_t *n, double *ret)
{
    for (int g = 0; g < p->count; g++)
        ret[g] = 0;
    for (int v = 0; v < MIX_VALUES; v++)
        ret[p->group[v]] += (double)n[v];
}

static double total(const struct pool *p, const double *x)
{
    double sum = 0;

    for (int g = 0; g < p->count; g++)
        sum += x[g];
    return sum;
}

/* --- the statistic --- */

static double information(double x, double expected)
{
    return x > 0 ? x * fm_log(x / expected) : 0;
}

static double g_of(const struct pool *p, const uint64_t *now, const uint64_t *was)
{
    double a[MIX_VALUES], b[MIX_VALUES], all_a, all_b, g = 0;

    pool_sum(p, now, a);
    pool_sum(p, was, b);
    all_a = total(p, a);
    all_b = total(p, b);
    for (int i = 0; i < p->count; i++) {
        double share = (a[i] + b[i]) / (all_a + all_b);

        g += information(a[i], all_a * share) + information(b[i], all_b * share);
    }
    return g > 0 ? 2 * g : 0;
}

struct spread {
    double sum, degrees;
};

/* The days of one block, against what they have together. */
static void spread_add(struct spread *s, const struct pool *p, uint64_t (*days)[MIX_VALUES])
{
    double all[MIX_VALUES] = {0}, one[MIX_DAYS][MIX_VALUES], entries, used = 0, groups = 0;

    for (int d = 0; d < MIX_DAYS; d++) {
        pool_sum(p, days[d], one[d]);
        used += total(p, one[d]) > 0;
        for (int g = 0; g < p->count; g++)
            all[g] += one[d][g];
    }
    entries = total(p, all);
    for (int g = 0; g < p->count; g++)
        groups += all[g] > 0;
    if (used < 2 || groups < 2)
        return;
    for (int d = 0; d < MIX_DAYS; d++) {
        double of_day = total(p, one[d]);

        for (int g = 0; g < p->count; g++) {
            double e = of_day * all[g] / entries;

            s->sum += e > 0 ? (one[d][g] - e) * (one[d][g] - e) / e : 0;
        }
    }
    s->degrees += (used - 1) * (groups - 1);
}

static double cube_root(double x)
{
    return x > 0 ? fm_exp(fm_log(x) / 3) : 0;
}

/* degrees of the denominator: infinite where phi is taken as known. */
static double paulson(double f, double degrees, double below)
{
    double root = cube_root(f), a = 2 / (9 * degrees), b = 2 / (9 * below);

    return ((1 - b) * root - (1 - a)) / __builtin_sqrt(b * root * root + a);
}

static double statistic_of(const struct pool *p, double g, const struct mix_week *week)
{
    struct spread s = {0};
    double phi, common;

    for (size_t i = 0; i < week->blocks; i++)
        spread_add(&s, p, week->n[i]);
    if (!(s.degrees > 0))
        return 0;
    phi = s.sum / s.degrees > 1 ? s.sum / s.degrees : 1;
    common = 1 - 1 / phi;
    s.degrees /= 1 + (double)(week->blocks - 1) * common * common;
    return paulson(g / (p->count - 1) / phi, p->count - 1, s.degrees);
}

/* --- what changed --- */

static void shift_shares(struct mix_shift *ret, const uint64_t *now, const uint64_t *was)
{
    double all_now = (double)sum_of(now), all_was = (double)sum_of(was), most = 0, least = 0;

    for (uint32_t v = 0; v < MIX_VALUES; v++) {
        double is = (double)now[v] / all_now, before = (double)was[v] / all_was;
        double change = is - before;

        ret->distance += change > 0 ? change : 0;
        if (change > most) {
            most = change;
            ret->gained = v;
            ret->gained_is = is;
            ret->gained_was = before;
        }
        if (change < least) {
            least = change;
            ret->lost = v;
            ret->lost_is = is;
            ret->lost_was = before;
        }
    }
}

/* The same hours of the days before; how many of them had entries. */
static int days_before(const struct mix_week *week, uint64_t *ret)
{
    int used = 0;

    memset(ret, 0, MIX_VALUES * sizeof(*ret));
    for (int d = 0; d < MIX_DAYS; d++) {
        used += sum_of(week->n[0][d]) > 0;
        for (int v = 0; v < MIX_VALUES; v++)
            ret[v] += week->n[0][d][v];
    }
    return used;
}

static double strength_of(const struct mix_shift *x, double z, double effect)
{
    double chance = x->statistic / z, size = x->distance / effect;

    return chance < size ? chance : size;
}

/* What is not even half as strong without phi is not with it: that spares most of the work. */
bool mix_compare(const uint64_t now[MIX_VALUES], const struct mix_week *week, double z,
                 double effect, struct mix_shift *ret)
{
    uint64_t was[MIX_VALUES];
    struct pool p;
    double g;

    *ret = (struct mix_shift){.dim = -1, .entries = sum_of(now)};
    if (ret->entries < ENTRIES_LEAST || days_before(week, was) < DAYS_LEAST ||
        sum_of(was) < BEFORE_LEAST)
        return false;
    shift_shares(ret, now, was);
    pool_make(&p, now, was);
    if (p.count < 2)
        return true; /* one value has it all */
    g = g_of(&p, now, was);
    ret->statistic = paulson(g / (p.count - 1), p.count - 1, 1e9);
    ret->plain = ret->strength = strength_of(ret, z, effect);
    if (ret->strength < 0.5)
        return true;
    ret->statistic = statistic_of(&p, g, week);
    ret->strength = strength_of(ret, z, effect);
    return true;
}

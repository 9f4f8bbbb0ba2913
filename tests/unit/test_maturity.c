/* SPDX-License-Identifier: Apache-2.0 */
/* Maturity: the curve against its definition, what it is learned from against a list of stays, and what rules make
 * of it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/maturity.h"
#include "funnel/rules.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */
#define HEAD PIPE_KAFKA "inputs: [{topic: in, no_data: off}]\ntime: {lateness: 0s, pane: 1m}\n"
#define F(rules) \
    HEAD "funnels: {f: {stages: [a, b], lost: [lost], window: 2d, forget_after: 30d," \
         " dims: {channel: {top: 2}}, rules: [" rules "]}}\n"
#define MATURED "{id: matured, kind: target, measure: matured, target: 40%, window: 1d, hold: 0s}"

/* --- the curve --- */

static int bin_of(const struct ages *a, int64_t age)
{
    int bin = 0;

    while (bin + 1 < a->bins && age >= a->edge[bin + 1])
        bin++;
    return bin;
}

Test(maturity, curve_is_the_cumulative_incidence)
{
    struct dice dice = {7};

    for (int round = 0; round < 60; round++) {
        double d[AGES_BINS], x[AGES_BINS], y[AGES_BINS], cif[3001] = {0}, stay = 1;
        struct maturity_curve c;
        struct ages a;
        int64_t end;

        ages_init(&a, 1 + dice_below(&dice, 2500));
        end = a.edge[a.bins];
        for (int bin = 0; bin < a.bins; bin++) {
            y[bin] = (double)dice_below(&dice, 4) * 500;
            d[bin] = (double)dice_below(&dice, (int64_t)(y[bin] / 8) + 1);
            x[bin] = round % 2 ? (double)dice_below(&dice, (int64_t)(y[bin] / 8) + 1) : 0;
        }
        maturity_curve_init(&c, &a, d, x, y);
        for (int64_t age = 0; age < end; age++) {
            int bin = bin_of(&a, age);
            double advance = y[bin] > 0 ? d[bin] / y[bin] : 0;

            cif[age + 1] = cif[age] + stay * advance;
            stay *= 1 - advance - (y[bin] > 0 ? x[bin] / y[bin] : 0);
        }
        for (int64_t age = 0; age <= end; age++)
            cr_assert(fabs(maturity_curve_at(&c, (double)age) * cif[end] - cif[age]) < 1e-11,
                      "round %d, age %d", round, (int)age);
    }
}

Test(maturity, curve_at_its_ends)
{
    double none[AGES_BINS] = {0}, all[AGES_BINS];
    struct maturity_curve c;
    struct ages a;

    for (int i = 0; i < AGES_BINS; i++)
        all[i] = 3;
    ages_init(&a, 1000);
    maturity_curve_init(&c, &a, none, all, all);
    cr_expect(maturity_curve_at(&c, 10) == 0);
    cr_expect(maturity_curve_at(&c, 5000) == 0);
    maturity_curve_init(&c, &a, all, none, all); /* everybody at once */
    cr_expect(maturity_curve_at(&c, 0) == 0);
    cr_expect(maturity_curve_at(&c, 1) > 1 - 1e-12);
    cr_expect(maturity_curve_at(&c, 1001) == 1);
    maturity_curve_init(&c, &a, all, all, all); /* more than there were */
    cr_expect(maturity_curve_at(&c, 500) <= 1);
}

/* --- streams of stays --- */

struct stay {
    int64_t begin, end; /* ms; end INT64_MAX: open */
    char how;           /* b: advances, l: lost */
};
struct happening {
    int64_t at;
    int id;
    char stage;
};
#define STAYS_MAX 40000
static struct stay stays[STAYS_MAX];
static struct happening happenings[2 * STAYS_MAX];
static int stay_count;

static int happening_compare(const void *pa, const void *pb)
{
    const struct happening *a = pa, *b = pb;

    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->stage != b->stage)
        return a->stage < b->stage ? -1 : 1;
    return a->id - b->id;
}

/* `share` of them advance, each after up to two days, as likely at one time as at another. */
static void come(struct dice *d, int64_t from, int64_t to, int64_t every, double share)
{
    for (int64_t at = from; at < to; at += every) {
        struct stay *s = &stays[stay_count++];

        cr_assert(stay_count < STAYS_MAX);
        *s = (struct stay){at, INT64_MAX, '-'};
        if (!dice_chance(d, share))
            continue;
        s->how = 'b';
        s->end = at + dice_below(d, 2 * DAY);
    }
}

static void tell(struct pipe *k, int64_t until)
{
    int n = 0;

    for (int i = 0; i < stay_count; i++) {
        happenings[n++] = (struct happening){stays[i].begin, i, 'a'};
        if (stays[i].how != '-')
            happenings[n++] = (struct happening){stays[i].end, i, stays[i].how};
    }
    qsort(happenings, (size_t)n, sizeof(*happenings), happening_compare);
    for (int i = 0; i < n && happenings[i].at < until; i++) {
        const struct happening *h = &happenings[i];

        pipe_say(k,
                 "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64
                 ",\"dims\":{\"channel\":\"c%d\"}}",
                 h->id + 1,
                 h->stage == 'l'   ? "lost"
                 : h->stage == 'b' ? "b"
                                   : "a",
                 h->at, h->id % 3);
    }
    pipe_say(k, "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
             until);
}

/* --- what it learns from --- */

static void count_stay(const struct ages *a, const struct stay *s, int64_t from, int64_t until,
                       struct maturity_counts *ret)
{
    int64_t begin = floor_div(s->begin, MINUTE);
    int64_t end = s->how == '-' ? INT64_MAX : floor_div(s->end, MINUTE);
    int bin = 0;

    for (int64_t pane = begin; pane < until && pane <= end; pane++) {
        bin = ages_bin(a, pane, begin);
        if (bin == a->bins)
            return;
        if (pane >= from)
            ret->y[bin]++;
        if (pane >= from && pane == end)
            (s->how == 'b' ? ret->d : ret->x)[bin]++;
    }
}

static void expect_counts(const struct maturity_step *s, int64_t from, int64_t until)
{
    struct maturity_counts want = {0};

    for (int i = 0; i < stay_count; i++)
        count_stay(s->risk.ages, &stays[i], from, until, &want);
    for (int bin = 0; bin < s->risk.ages->bins; bin++) {
        cr_expect(eq(i64, s->today.y[bin], want.y[bin]), "y of bin %d", bin);
        cr_expect(eq(i64, s->today.d[bin], want.d[bin]), "d of bin %d", bin);
        cr_expect(eq(i64, s->today.x[bin], want.x[bin]), "x of bin %d", bin);
    }
}

static void make_some(void)
{
    struct dice d = {3};

    stay_count = 0;
    for (int i = 0; i < 3000; i++) {
        struct stay *s = &stays[stay_count++];

        *s = (struct stay){T0 + dice_below(&d, 5 * DAY), INT64_MAX, '-'};
        if (i % 3 == 0) /* silent from the third to the fifth day */
            s->begin = T0 + dice_below(&d, 2 * DAY);
        if (s->begin > T0 + 3 * DAY && s->begin < T0 + 4 * DAY)
            s->begin += DAY;
        if (dice_chance(&d, 0.6)) {
            s->how = dice_chance(&d, 0.6) ? 'b' : 'l';
            s->end = s->begin + dice_below(&d, dice_chance(&d, 0.5) ? HOUR : 2 * DAY);
        }
        if (s->how != '-' && s->end > T0 + 3 * DAY && s->end < T0 + 4 * DAY + HOUR)
            s->how = '-';
    }
}

/* Nobody knows what comes later. */
static void cut(int64_t until)
{
    int n = 0;

    for (int i = 0; i < stay_count; i++) {
        if (stays[i].begin >= until)
            continue;
        stays[n] = stays[i];
        if (stays[n].how != '-' && stays[n].end >= until)
            stays[n].how = '-';
        n++;
    }
    stay_count = n;
}

/* A day begins where something comes in it. */
static int64_t first_pane(int64_t day)
{
    int64_t first = INT64_MAX;

    for (int i = 0; i < stay_count; i++) {
        if (stays[i].begin >= day * DAY && stays[i].begin < first)
            first = stays[i].begin;
        if (stays[i].how != '-' && stays[i].end >= day * DAY && stays[i].end < first)
            first = stays[i].end;
    }
    return floor_div(first, MINUTE);
}

Test(maturity, counts_are_those_of_the_stays)
{
    const int64_t until[] = {T0 + 20 * HOUR, T0 + 3 * DAY + 7 * HOUR, T0 + 5 * DAY + 9 * HOUR};

    make_some();
    for (int i = 0; i < 3; i++) {
        const struct maturity_step *s;
        struct pipe k;
        double n = 0, learned = 0;

        pipe_open(&k, F(MATURED), 1);
        tell(&k, until[i] / MINUTE * MINUTE);
        maturity_open(pipe_judge(&k), until[i] / MINUTE); /* catches up */
        s = maturity_of(pipe_judge(&k), 0);
        expect_counts(s, first_pane(pipe_judge(&k)->day), until[i] / MINUTE);
        for (int b = 0; b < s->risk.ages->bins; b++) {
            n += (double)s->today.d[b];
            learned += s->d[b];
        }
        cr_expect(i > 0 || (n > 50 && learned == 0));
        cr_expect(i == 0 || learned > 50);
        pipe_close(&k);
    }
}

/* One half-life later a day counts half. */
Test(maturity, what_is_learned_fades)
{
    double before[AGES_BINS];
    const struct maturity_step *s;
    struct pipe k;

    make_some();
    pipe_open(&k, F(MATURED), 1);
    tell(&k, T0 + 5 * DAY);
    s = maturity_of(pipe_judge(&k), 0);
    maturity_learn(pipe_judge(&k), T0 / MINUTE + 5 * 1440, 1);
    memcpy(before, s->d, sizeof(before));
    maturity_learn(pipe_judge(&k), T0 / MINUTE + 5 * 1440, 14);
    for (int bin = 0; bin < s->risk.ages->bins; bin++)
        cr_expect(fabs(s->d[bin] - before[bin] / 2) < 1e-9);
    pipe_close(&k);
}

/* A rule that is new begins with the stays there are, at their ages. */
Test(maturity, a_new_rule_begins_with_the_open_stays)
{
    const struct maturity_step *s;
    struct pipe k;
    int64_t at = T0 + 2 * DAY + 9 * HOUR, since;

    make_some();
    cut(at);
    pipe_open(&k, F("{id: low, kind: target, target: 1%}"), 1);
    tell(&k, at);
    cr_assert(zero(ptr, pipe_judge(&k)->maturity));
    pipe_switch(&k, F(MATURED));
    s = maturity_of(pipe_judge(&k), 0);
    cr_assert(not(zero(ptr, (void *)s)));
    maturity_open(pipe_judge(&k), at / MINUTE + 30);
    cr_expect(eq(i64, s->since, at / MINUTE));
    expect_counts(s, at / MINUTE, at / MINUTE + 30);
    cr_expect(s->risk.open > 300);
    since = s->since;
    pipe_switch(&k, F(MATURED ", {id: low, kind: target, target: 1%}"));
    cr_expect(eq(i64, maturity_of(pipe_judge(&k), 0)->since, since));
    pipe_close(&k);
}

/* --- what rules make of it --- */

static const char *story(const struct pipe *k)
{
    static char text[2000];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < k->out.count && n < sizeof(text) - 100; i++) {
        int64_t at = k->out.items[i].timestamp - T0;

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "; " : "",
                              pipe_field(&k->out, i, NULL, "status"));
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s %d",
                              pipe_field(&k->out, i, "labels", "alertname"), (int)(at / DAY));
    }
    return text;
}

#define EXPECT_STORY(k, expected) \
    cr_expect(strcmp(story(k), expected) == 0, "expected %s\n     got %s", expected, story(k))

/* A day of thrice the traffic: its stays have had half a day of their two, the conversions of a usual day stand
 * against three times the entries. By throughput that is a drop, and so is the first day of all. */
Test(maturity, young_stays_are_no_drop)
{
    struct dice d = {11};
    struct pipe k;

    stay_count = 0;
    come(&d, T0 - 10 * DAY, T0 + 30 * DAY, 5 * MINUTE, 0.5);
    come(&d, T0 + 15 * DAY, T0 + 16 * DAY, 150 * INT64_C(1000), 0.5);
    pipe_open(&k,
              F(MATURED ", {id: through, kind: target, target: 40%, window: {calendar: day},"
                        " hold: 0s}"),
              1);
    tell(&k, T0 + 25 * DAY);
    EXPECT_STORY(&k,
                 "firing through -9; resolved through -7; firing through 16; resolved through 17");
    pipe_close(&k);
}

/* It is seen when the day ends, two days before its stays have had their time. */
Test(maturity, a_drop_is_seen_before_its_cohort_closes)
{
    struct dice d = {12};
    struct pipe k;

    stay_count = 0;
    come(&d, T0 - 10 * DAY, T0 + 15 * DAY, 5 * MINUTE, 0.5);
    come(&d, T0 + 15 * DAY, T0 + 17 * DAY, 5 * MINUTE, 0.1);
    come(&d, T0 + 17 * DAY, T0 + 30 * DAY, 5 * MINUTE, 0.5);
    pipe_open(&k,
              F(MATURED ", {id: closed, kind: target, measure: cohort, target: 40%, window: 1d,"
                        " hold: 0s}"),
              1);
    tell(&k, T0 + 25 * DAY);
    EXPECT_STORY(&k,
                 "firing matured 16; resolved matured 18; firing closed 18; resolved closed 20");
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, NULL, "measure"), "matured"));
    cr_expect(eq(str, (char *)pipe_field(&k.out, 0, "observed", "entries"), "288"));
    /* A quarter of what comes in two days comes, on average, in the first. */
    cr_expect(fabs(strtod(pipe_field(&k.out, 0, NULL, "maturity"), NULL) - 0.25) < 0.04);
    cr_expect(fabs(strtod(pipe_field(&k.out, 0, "observed", "rate"), NULL) - 0.1) < 0.08);
    cr_expect(fabs(strtod(pipe_field(&k.out, 0, "expected", "conversions"), NULL) -
                   288 * 0.4 * 0.25) < 5);
    cr_expect(eq(str, (char *)pipe_field(&k.out, 2, NULL, "maturity"), "null"));
    pipe_close(&k);
}

/* The hours count: whoever comes in the evening has had less time. */
Test(maturity, a_day_is_as_mature_as_its_hours)
{
    struct dice d = {13};
    const struct maturity_mean *means;
    const struct maturity_step *s;
    struct pipe k;
    int64_t pane = T0 / MINUTE + 21 * 1440 - 1;

    stay_count = 0;
    come(&d, T0, T0 + 20 * DAY, 5 * MINUTE, 0.5);
    come(&d, T0 + 20 * DAY + 22 * HOUR, T0 + 21 * DAY, MINUTE, 0.5);
    pipe_open(&k, F(MATURED), 1);
    tell(&k, T0 + 21 * DAY);
    s = maturity_of(pipe_judge(&k), 0);
    means = maturity_means(pipe_judge(&k), 0, pane, T0 / DAY + 10, T0 / DAY + 20);
    cr_expect(means[0].m == 1 && means[0].mm == 1);
    cr_expect(fabs(means[9].m - 0.75) < 0.03, "%g", means[9].m);
    cr_expect(fabs(means[10].m - 1.0 / 48) < 0.01, "%g", means[10].m);
    cr_expect(means[9].mm > means[9].m * means[9].m && means[9].mm < means[9].m);
    cr_expect(maturity_is_known(s, pane));
    cr_expect(s->recent_count <= 4);
    EXPECT_STORY(&k, "");
    pipe_close(&k);
}

Test(maturity, nothing_is_said_in_the_first_week)
{
    struct dice d = {14};
    struct pipe k;

    stay_count = 0;
    come(&d, T0, T0 + 20 * DAY, 5 * MINUTE, 0.1);
    pipe_open(&k, F(MATURED), 1);
    tell(&k, T0 + 12 * DAY);
    /* The eighth day is the first that ends after seven were learned. */
    EXPECT_STORY(&k, "firing matured 8");
    pipe_close(&k);
}

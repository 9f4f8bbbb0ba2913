/* SPDX-License-Identifier: Apache-2.0 */
/* How many events a silence would have had, and how many are too many.
 *
 * The model. Events come as a Poisson process whose rate depends on the hour of the week by the wall clock. Then
 * a silence in which Lambda events were expected comes by chance with probability exp(-Lambda). Each event
 * begins a new silence, so that a week of n events has n chances, and the number of false alarms a week of
 * "Lambda > L" is at most n exp(-L). It is the budget b at L = ln(n / b).
 *
 *   Example. A shop has 100,000 events a week and a budget of 0.05 a week: L = ln(2,000,000) = 14.5. In its
 *   busiest hour, with 1,200 events, that is 44 seconds: the first whole silent minute (20 events) fires. At
 *   night, with 30 events an hour, it is 29 minutes.
 *
 * What is left of the model where sources differ from it:
 *
 *   Bunches. A loader that writes 5,000 rows each quarter of an hour is silent 14 minutes out of 15, which a
 *   Poisson process of the same rate would be never. What counts is how many *arrivals* were expected. The wait
 *   from a random moment to the next event, in events at the hour's own rate, is 1 for a Poisson process of few
 *   events a pane and 0 for one of many. Over an hour of m panes with O events, silences of k panes each:
 *   sum(k (k O / m) / 2) / m = O sum(k^2) / (2 m^2). Its mean over the hours, at least 1, is the size of a
 *   bunch; Lambda is events expected / bunch. It needs no rate, so that it is known as soon as they are. The
 *   loader: O = 20,000, m = 60, four silences of 14: a bunch is 2,178; each silence has Lambda 2, and is quiet.
 *
 *   Spread. Rates by hour of week are not all there is: holidays, campaigns, and what a few weeks cannot tell
 *   of a rate. phi = mean of (O - E)^2 / E over the hours with O > 0 and E >= 1 arrivals, at least 1; for a
 *   Poisson process it is 1. The threshold grows by it: max(PULSE_QUIET, ln(n / b)) phi, as the standard errors
 *   of quasi-Poisson regression do (McCullagh and Nelder 1989, Generalized Linear Models, 2nd ed., section
 *   6.2.4). For a source with many events an hour this errs on the side of silence about silences.
 *
 * Both means start at 1 with the weight of PRIOR_HOURS hours.
 *
 * The rates. Events and panes are summed up by hour of week, all sums halve in HALF_LIFE days (at each day's
 * first pane with events), and three levels hold each other: r = (N + c) / (T + c / prior), in which the prior of
 * an hour of the week is its hour of the day, of that the mean of all, and c = 1/16 event. So small a c, because
 * an hour that has nothing is mostly one of several: of a Saturday, once seen to be empty, the hours that are
 * busy on other days expect 1/16 event each.
 *
 * What is learned. Panes with events, and silences that were quiet (Lambda <= PULSE_QUIET), as zeros; what is
 * beyond says nothing of the rate. Before LEARN_DAYS are learned nothing can tell a quiet silence, and all are
 * taken: a source's nights and weekends must not be its first outages. During a silence nothing is learned or
 * forgotten, so that Lambda is a function of where it begins and ends alone.
 *
 * Until then. What silences were is asked from the first hour on (pulse_rate_silence). The share s of silent panes
 * among all that were learned gives -ln s arrivals a pane, with one silent pane more than were seen so that it is
 * finite: of 60 panes without a silent one, 4.1 a pane, and two silent ones are an outage. It needs no size of a
 * bunch: the loader above has s = 14/15 and 0.97 expected in 14 panes, from its second day on. Nights, too, count
 * as outages then, until there are hours of the week. */
#include <string.h>

#include "funnel/fmath.h"
#include "funnel/pulse_parts.h"
#include "funnel/units.h"

#define HALF_LIFE 28.0 /* days */
#define LEARN_DAYS 7
#define KNOWN_WEIGHT 3.5 /* days left after forgetting, below which nothing is known any more */
#define ACTIVE_LEAST 20  /* panes with events, before which a silence is not judged at all */
#define PSEUDO (1.0 / 16)
#define PRIOR_HOURS 30.0

void pulse_rate_init(struct pulse_rate *r, const struct zone *zone, int64_t pane_ms)
{
    *r = (struct pulse_rate){.zone = zone,
                             .pane_ms = pane_ms,
                             .day = INT64_MIN,
                             .hour = INT64_MIN,
                             .bunch = 1,
                             .phi = 1};
}

/* --- panes and hours --- */

/* The hour a pane begins in, by the local clock; how many panes of it come before this one, and how many are
 * left with it. A zone changes its offset inside a stretch at most once a year, which is let pass. */
struct pulse_hour {
    int64_t index; /* since 1970 */
    int64_t before, left;
    int slot; /* hour of week */
};

static struct pulse_hour hour_of(const struct pulse_rate *r, struct zone_cursor *cursor,
                                 int64_t pane)
{
    int64_t ms = pane * r->pane_ms, local = ms + zone_offset(r->zone, cursor, ms);
    int64_t index = floor_div(local, UNITS_HOUR), into = local - index * UNITS_HOUR;

    return (struct pulse_hour){
        .index = index,
        .before = into / r->pane_ms,
        .left = (UNITS_HOUR - into + r->pane_ms - 1) / r->pane_ms,
        .slot = zone_hour_of_week(r->zone, cursor, ms),
    };
}

static int64_t panes_an_hour(const struct pulse_rate *r)
{
    return UNITS_HOUR / r->pane_ms;
}

/* Whole weeks are all alike: an hour more or less of them, where a clock is set, does not count. */
static int64_t whole_weeks(const struct pulse_rate *r, int64_t panes)
{
    return panes / (PULSE_HOURS * panes_an_hour(r));
}

static int64_t week_panes(const struct pulse_rate *r, int64_t weeks)
{
    return weeks * PULSE_HOURS * panes_an_hour(r);
}

static double days_of(const struct pulse_rate *r, double panes)
{
    return panes * (double)r->pane_ms / (double)UNITS_DAY;
}

/* --- deriving --- */

static double mean_of(const struct pulse_mean *m)
{
    double mean = (PRIOR_HOURS + m->sum) / (PRIOR_HOURS + m->weight);

    return mean > 1 ? mean : 1;
}

static void mean_add(struct pulse_mean *m, double x)
{
    m->sum += x;
    m->weight += 1;
}

static double shrunk(double events, double hours, double prior)
{
    return (events + PSEUDO) / (hours + PSEUDO / prior);
}

static void derive_rates(struct pulse_rate *r, double all_events, double all_hours)
{
    double all = (all_events + PSEUDO) / all_hours, an_hour = (double)panes_an_hour(r);

    for (int of_day = 0; of_day < 24; of_day++) {
        double events = 0, panes = 0, prior;

        for (int h = of_day; h < PULSE_HOURS; h += 24) {
            events += r->events[h];
            panes += r->panes[h];
        }
        prior = shrunk(events, panes / an_hour, all);
        for (int h = of_day; h < PULSE_HOURS; h += 24)
            r->per_hour[h] = shrunk(r->events[h], r->panes[h] / an_hour, prior);
    }
}

void pulse_rate_scale(struct pulse_rate *r)
{
    double an_hour = (double)panes_an_hour(r);

    r->per_week = 0;
    for (int h = 0; h < PULSE_HOURS; h++) {
        r->per_pane[h] = r->per_hour[h] / an_hour / r->bunch;
        r->per_week += r->per_pane[h] * an_hour;
    }
}

void pulse_rate_derive(struct pulse_rate *r)
{
    double events = 0, panes = 0, an_hour = (double)panes_an_hour(r);

    for (int h = 0; h < PULSE_HOURS; h++) {
        events += r->events[h];
        panes += r->panes[h];
    }
    r->bunch = mean_of(&r->bunches);
    r->phi = mean_of(&r->spread);
    r->known = days_of(r, (double)r->learned) >= LEARN_DAYS && days_of(r, panes) >= KNOWN_WEIGHT;
    if (!r->known)
        return;
    derive_rates(r, events, panes / an_hour);
    pulse_rate_scale(r);
}

/* --- learning --- */

static void hour_finish(struct pulse_rate *r, int slot)
{
    double m = (double)r->hour_panes, events = (double)r->hour_events;

    if (r->hour_events > 0 && r->hour_panes > 0) {
        double expected = r->per_hour[slot] * m / (double)panes_an_hour(r);

        mean_add(&r->bunches, events * (double)r->hour_squares / (2 * m * m));
        if (r->known && expected >= r->bunch)
            mean_add(&r->spread, (events - expected) * (events - expected) / expected / r->bunch);
    }
    r->hour_events = r->hour_panes = r->hour_squares = 0;
}

/* 1970 began on a Thursday. */
static int slot_of_hour(int64_t index)
{
    int64_t h = index + 3 * 24;

    return (int)(h - floor_div(h, PULSE_HOURS) * PULSE_HOURS);
}

static void hour_begin(struct pulse_rate *r, int64_t index)
{
    if (r->hour == index)
        return;
    if (r->hour != INT64_MIN)
        hour_finish(r, slot_of_hour(r->hour));
    r->hour = index;
}

static void forget(struct pulse_rate *r, int64_t days)
{
    double keep = fm_exp(-FM_LN2 / HALF_LIFE * (double)days);

    for (int h = 0; h < PULSE_HOURS; h++) {
        r->events[h] *= keep;
        r->panes[h] *= keep;
    }
    r->active *= keep;
    r->spread.sum *= keep;
    r->spread.weight *= keep;
    r->bunches.sum *= keep;
    r->bunches.weight *= keep;
}

void pulse_rate_day(struct pulse_rate *r, int64_t pane)
{
    int64_t day = zone_day(r->zone, NULL, pane * r->pane_ms);

    if (r->day != INT64_MIN && day <= r->day)
        return;
    hour_begin(r, hour_of(r, NULL, pane).index);
    if (r->day != INT64_MIN) {
        forget(r, day - r->day);
        pulse_rate_derive(r);
    }
    r->day = day;
}

void pulse_rate_learn(struct pulse_rate *r, int64_t pane, int64_t events)
{
    struct pulse_hour h = hour_of(r, NULL, pane);

    hour_begin(r, h.index);
    r->events[h.slot] += (double)events;
    r->panes[h.slot] += 1;
    r->active += 1;
    r->learned++;
    r->hour_events += events;
    r->hour_panes++;
}

/* A part of a silence in one hour; hours without any event do not count there. */
static void learn_piece(struct pulse_rate *r, int64_t index, int64_t panes)
{
    hour_begin(r, index);
    r->hour_panes += panes;
    r->hour_squares += panes * panes;
}

static void learn_pieces(struct pulse_rate *r, int64_t from, int64_t to)
{
    struct pulse_hour first = hour_of(r, NULL, from), last = hour_of(r, NULL, to);
    int64_t panes = to - from + 1;

    if (first.index == last.index) {
        learn_piece(r, first.index, panes);
        return;
    }
    learn_piece(r, first.index, first.left < panes ? first.left : panes);
    learn_piece(r, last.index, last.before + 1 < panes ? last.before + 1 : panes);
}

void pulse_rate_learn_silence(struct pulse_rate *r, int64_t from, int64_t to)
{
    int64_t weeks = whole_weeks(r, to - from + 1), pane = from + week_panes(r, weeks);
    struct zone_cursor cursor = {0};

    for (int h = 0; weeks > 0 && h < PULSE_HOURS; h++)
        r->panes[h] += (double)(weeks * panes_an_hour(r));
    while (pane <= to) {
        struct pulse_hour h = hour_of(r, &cursor, pane);
        int64_t panes = h.left < to - pane + 1 ? h.left : to - pane + 1;

        r->panes[h.slot] += (double)panes;
        pane += panes;
    }
    r->learned += to - from + 1;
    learn_pieces(r, from, to);
}

/* --- expecting --- */

/* Never falls as `to` rises, not by a rounding either: the first pane beyond a level can be searched. */
double pulse_rate_lambda(const struct pulse_rate *r, int64_t from, int64_t to)
{
    int64_t weeks = whole_weeks(r, to - from + 1), pane = from + week_panes(r, weeks);
    struct zone_cursor cursor = {0};
    double sum = 0;

    if (!r->known)
        return __builtin_nan("");
    while (pane <= to) {
        struct pulse_hour h = hour_of(r, &cursor, pane);
        int64_t panes = h.left < to - pane + 1 ? h.left : to - pane + 1;

        sum += (double)panes * r->per_pane[h.slot];
        pane += panes;
    }
    if (sum > r->per_week)
        sum = r->per_week;
    return weeks == 0 ? sum : ((double)weeks + sum / r->per_week) * r->per_week;
}

/* A Poisson process of x arrivals a pane leaves a pane silent with probability exp(-x). */
double pulse_rate_silence(const struct pulse_rate *r, int64_t from, int64_t to)
{
    double panes = 0;

    if (r->known)
        return pulse_rate_lambda(r, from, to);
    for (int h = 0; h < PULSE_HOURS; h++)
        panes += r->panes[h];
    if (panes < (double)panes_an_hour(r) || r->active < ACTIVE_LEAST)
        return 0;
    return (double)(to - from + 1) * -fm_log((panes - r->active + 1) / (panes + 1));
}

double pulse_rate_threshold(const struct pulse_rate *r, double budget)
{
    double level;

    if (!r->known || !(budget > 0))
        return __builtin_nan("");
    level = fm_log(r->per_week / budget);
    return (level > PULSE_QUIET ? level : PULSE_QUIET) * r->phi;
}

int64_t pulse_rate_cross(const struct pulse_rate *r, int64_t since, int64_t from, int64_t to,
                         double level)
{
    int64_t low = from, high = to + 1;

    if (!(pulse_rate_lambda(r, since, to) > level))
        return to + 1;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;

        if (pulse_rate_lambda(r, since, mid) > level)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pulse_brute.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "funnel/clock.h"

#define HOUR INT64_C(3600000)
#define WEEK_HOURS 168

struct item {
    int64_t day; /* when it was learned */
    int slot;
    double value;
};
struct items {
    struct item *items;
    size_t count, cap;
};
struct told {
    const char *name;
    bool firing, published;
    unsigned sequence;
};
struct brute {
    struct brute_pane *panes;
    int64_t from, pane_ms, day, unmuted_from;
    const struct zone *zone;
    double budget;
    struct buf *story;
    struct items counts, bunches, spreads; /* one a learned pane; one a finished hour */
    struct items hour; /* the panes of the hour that is learned: day = the pane */
    int64_t hour_index;
    bool known;
    double rate[WEEK_HOURS], bunch, phi, week; /* an hour */
    int64_t first, silent, lost_from;
    bool gap;
    struct told no_data, data_gap;
};

static void items_add(struct items *s, struct item x)
{
    if (s->count == s->cap) {
        s->cap = 2 * s->cap + 64;
        s->items = realloc(s->items, s->cap * sizeof(x));
    }
    s->items[s->count++] = x;
}

static int64_t local_ms(const struct brute *b, int64_t pane)
{
    return pane * b->pane_ms + zone_offset(b->zone, NULL, pane * b->pane_ms);
}

static int slot_of(const struct brute *b, int64_t pane)
{
    return zone_hour_of_week(b->zone, NULL, pane * b->pane_ms);
}

static double weight(const struct brute *b, const struct item *x)
{
    return pow(0.5, (double)(b->day - x->day) / 28);
}

static double mean(const struct brute *b, const struct items *s)
{
    double sum = 30, n = 30;

    for (size_t i = 0; i < s->count; i++) {
        sum += weight(b, &s->items[i]) * s->items[i].value;
        n += weight(b, &s->items[i]);
    }
    return fmax(1, sum / n);
}

static void derive(struct brute *b)
{
    double events[WEEK_HOURS] = {0}, hours[WEEK_HOURS] = {0}, all_events = 0, all_hours = 0;
    double pane_hours = (double)b->pane_ms / HOUR;

    for (size_t i = 0; i < b->counts.count; i++) {
        const struct item *x = &b->counts.items[i];

        events[x->slot] += weight(b, x) * x->value;
        hours[x->slot] += weight(b, x) * pane_hours;
        all_events += weight(b, x) * x->value;
        all_hours += weight(b, x) * pane_hours;
    }
    b->bunch = mean(b, &b->bunches);
    b->phi = mean(b, &b->spreads);
    b->known = (double)b->counts.count * pane_hours >= 168 && all_hours >= 84;
    b->week = 0;
    for (int h = 0; b->known && h < WEEK_HOURS; h++) {
        double of_day = 0, day_hours = 0, all = (all_events + 1. / 16) / all_hours, prior;

        for (int k = h % 24; k < WEEK_HOURS; k += 24) {
            of_day += events[k];
            day_hours += hours[k];
        }
        prior = (of_day + 1. / 16) / (day_hours + 1. / 16 / all);
        b->rate[h] = (events[h] + 1. / 16) / (hours[h] + 1. / 16 / prior);
        b->week += b->rate[h] / b->bunch;
    }
}

static void finish_hour(struct brute *b)
{
    double o = 0, squares = 0, m = (double)b->hour.count, e = 0, run = 0;

    for (size_t i = 0; i < b->hour.count; i++) {
        const struct item *x = &b->hour.items[i];
        bool goes_on = i > 0 && x[-1].value == 0 && x[-1].day == x->day - 1;

        o += x->value;
        run = x->value > 0 ? 0 : goes_on ? run + 1 : 1;
        squares += x->value > 0 ? 0 : 2 * run - 1; /* run squared, bit by bit */
        e += b->rate[x->slot] * (double)b->pane_ms / HOUR;
    }
    if (o > 0) {
        items_add(&b->bunches, (struct item){b->day, 0, o * squares / (2 * m * m)});
        if (b->known && e >= b->bunch)
            items_add(&b->spreads, (struct item){b->day, 0, (o - e) * (o - e) / e / b->bunch});
    }
    b->hour.count = 0;
}

static void learn(struct brute *b, int64_t pane, int64_t n)
{
    int64_t index = floor_div(local_ms(b, pane), HOUR);

    if (index != b->hour_index)
        finish_hour(b);
    b->hour_index = index;
    items_add(&b->hour, (struct item){pane, slot_of(b, pane), (double)n});
    items_add(&b->counts, (struct item){b->day, slot_of(b, pane), (double)n});
}

static double lambda(const struct brute *b, int64_t to)
{
    double sum = 0;

    for (int64_t pane = b->silent; pane <= to; pane++)
        sum += b->rate[slot_of(b, pane)] * (double)b->pane_ms / HOUR / b->bunch;
    return sum;
}

/* Of the silence up to a pane, whether or not rates are known. */
static double any_lambda(const struct brute *b, int64_t to)
{
    double panes = 0, active = 0;

    if (b->known)
        return lambda(b, to);
    for (size_t i = 0; i < b->counts.count; i++) {
        double w = weight(b, &b->counts.items[i]);

        panes += w;
        active += b->counts.items[i].value > 0 ? w : 0;
    }
    if (panes * (double)b->pane_ms < HOUR || active < 20)
        return 0;
    return (double)(b->silent - 1 - to) * log((panes - active + 1) / (panes + 1));
}

static double threshold(const struct brute *b)
{
    return fmax(7, log(b->week / b->budget)) * b->phi;
}

/* --- alerts --- */

static void tell(struct brute *b, struct told *t, const char *status, int64_t pane, int64_t from,
                 int64_t to)
{
    buf_fmt(b->story, "%s%s %s@%" PRId64 " %u %" PRId64 "..%" PRId64, b->story->len ? "; " : "",
            status, t->name, pane, ++t->sequence, from, to);
}

static void settle(struct brute *b, struct told *t, int64_t pane, int64_t from)
{
    if (!t->firing || t->published || pane < b->unmuted_from)
        return;
    tell(b, t, "firing", pane, from, pane);
    t->published = true;
}

static void end(struct brute *b, struct told *t, int64_t pane, int64_t from, int64_t to)
{
    if (t->firing && t->published)
        tell(b, t, "resolved", pane, from, to);
    t->firing = t->published = false;
}

/* --- panes --- */

static void lose(struct brute *b, int64_t pane)
{
    if (!b->data_gap.firing) {
        b->data_gap.firing = true;
        b->lost_from = pane;
        settle(b, &b->data_gap, pane, b->lost_from);
    } else if (b->data_gap.published) {
        tell(b, &b->data_gap, "updated", pane, b->lost_from, pane);
    } else {
        settle(b, &b->data_gap, pane, b->lost_from);
    }
}

static void pane_silent(struct brute *b, int64_t pane, struct brute_pane *x)
{
    if (b->first == INT64_MIN)
        return;
    if (b->silent == INT64_MIN)
        b->silent = pane;
    b->gap |= x->gap;
    x->dark = x->gap || (x->clock && (!b->known || lambda(b, pane) > 7));
    if (b->known && !b->no_data.firing && lambda(b, pane) > threshold(b)) {
        b->no_data.firing = true;
        settle(b, &b->no_data, pane, b->silent);
    }
}

static void pane_events(struct brute *b, int64_t pane, struct brute_pane *x)
{
    bool keep = b->silent != INT64_MIN && !b->gap && !b->data_gap.firing &&
                !(b->known && lambda(b, pane - 1) > 7);
    int64_t day = zone_day(b->zone, NULL, pane * b->pane_ms);

    x->active = true;
    x->ended_outage = b->first == INT64_MIN ||
                      (b->silent != INT64_MIN &&
                       (b->gap || b->data_gap.firing || any_lambda(b, pane - 1) > 7));
    end(b, &b->no_data, pane, b->silent, pane - 1);
    for (int64_t i = b->silent; keep && i < pane; i++)
        learn(b, i, 0);
    b->silent = INT64_MIN;
    b->gap = false;
    if (day != b->day) {
        bool begun = b->day != INT64_MIN;

        if (floor_div(local_ms(b, pane), HOUR) != b->hour_index)
            finish_hour(b);
        b->day = day;
        if (begun)
            derive(b);
    }
    if (b->first != INT64_MIN && !b->data_gap.firing)
        learn(b, pane, x->events);
    if (b->first == INT64_MIN)
        b->first = pane;
    if (x->lost == 0)
        end(b, &b->data_gap, pane, b->lost_from, pane);
}

void pulse_brute(struct brute_pane *panes, size_t count, int64_t from, int64_t pane_ms,
                 const struct zone *zone, double budget, int64_t unmuted_from,
                 struct buf *ret_story)
{
    struct brute b = {.panes = panes,
                      .from = from,
                      .pane_ms = pane_ms,
                      .day = INT64_MIN,
                      .unmuted_from = unmuted_from,
                      .zone = zone,
                      .budget = budget,
                      .story = ret_story,
                      .hour_index = INT64_MIN,
                      .bunch = 1,
                      .phi = 1,
                      .first = INT64_MIN,
                      .silent = INT64_MIN,
                      .no_data = {.name = "no_data"},
                      .data_gap = {.name = "data_gap"}};
    int64_t stale = INT64_MIN;

    for (size_t i = 0; i < count; i++) {
        struct brute_pane *x = &panes[i];
        int64_t pane = from + (int64_t)i;
        bool lost;

        if (x->lost > 0)
            lose(&b, pane);
        lost = b.data_gap.firing && (b.first != INT64_MIN || x->lost > 0 || x->events > 0);
        if (x->events > 0)
            pane_events(&b, pane, x);
        else
            pane_silent(&b, pane, x);
        settle(&b, &b.no_data, pane, b.silent);
        settle(&b, &b.data_gap, pane, b.lost_from);
        if (lost || (x->gap && x->dark))
            stale = pane + 1;
        x->stale_before = stale;
    }
    free(b.counts.items);
    free(b.bunches.items);
    free(b.spreads.items);
    free(b.hour.items);
}

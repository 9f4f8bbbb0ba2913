/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"

#define TRIES 4 /* a minute, so that sometimes more than one comes; every other one is of ads */

static bool change_holds(const struct traffic_change *c, int64_t at, bool ads)
{
    return at >= c->from && at < c->to &&
           (!c->channel || strcmp(c->channel, ads ? "ads" : "seo") == 0);
}

static double times_entries(const struct traffic_plan *p, int64_t at, bool ads)
{
    double times = 1;

    for (size_t i = 0; i < p->change_count; i++)
        if (change_holds(&p->changes[i], at, ads))
            times *= p->changes[i].entries;
    return times;
}

static double times_rate(const struct traffic_plan *p, int64_t at, bool ads, int step)
{
    double times = 1;

    for (size_t i = 0; i < p->change_count; i++)
        if (p->changes[i].step == step && change_holds(&p->changes[i], at, ads))
            times *= p->changes[i].rate;
    return times;
}

static double spoilt_share(const struct traffic_plan *p, int64_t at, bool ads)
{
    double share = 0;

    for (size_t i = 0; i < p->change_count; i++)
        if (change_holds(&p->changes[i], at, ads))
            share += p->changes[i].spoilt;
    return share;
}

static void event_add(struct traffic *t, struct dice *d, struct traffic_event e)
{
    double spoilt = spoilt_share(&t->plan, e.at, e.ads);

    t->events = mem_grow(t->events, t->count, &t->cap, sizeof(*t->events));
    t->events[t->count++] = e;
    if (spoilt <= 0 || !dice_chance(d, spoilt))
        return;
    e.stage = '?';
    t->events = mem_grow(t->events, t->count, &t->cap, sizeof(*t->events));
    t->events[t->count++] = e;
}

static void loss_add(struct traffic *t, int64_t at, int step, int sign, bool ads)
{
    t->losses = mem_grow(t->losses, t->loss_count, &t->loss_cap, sizeof(*t->losses));
    t->losses[t->loss_count++] = (struct traffic_loss){at, step, sign,
                                                       sign * (ads ? TRAFFIC_ADS : TRAFFIC_SEO)};
}

static double times_dwell(const struct traffic_plan *p, int64_t at, bool ads)
{
    struct traffic_change c = {.from = p->pace.from, .to = INT64_MAX, .channel = p->pace.channel};

    return p->pace.times > 0 && change_holds(&c, at, ads) ? p->pace.times : 1;
}

/* One throw decides with and without the changes: the difference is what they cost. */
static void visitor_comes(struct traffic *t, struct dice *d, int64_t at, int id, bool ads)
{
    const struct traffic_plan *p = &t->plan;

    event_add(t, d, (struct traffic_event){at, id, 'a', ads});
    for (int step = 0; step + 1 < p->stages; step++) {
        double u = (double)dice_below(d, 1000000) / 1e6;
        bool would = u < p->rate, does = u < p->rate * times_rate(p, at, ads, step);

        at += (int64_t)((double)dice_below(d, HOUR) * times_dwell(p, at, ads));
        if (would != does)
            loss_add(t, at, step, would ? 1 : -1, ads);
        if (!does)
            return;
        event_add(t, d, (struct traffic_event){at, id, (char)('b' + step), ads});
    }
}

static int event_compare(const void *pa, const void *pb)
{
    const struct traffic_event *a = pa, *b = pb;

    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->id != b->id ? a->id - b->id : a->stage - b->stage;
}

void traffic_make(struct traffic *t, const struct traffic_plan *plan)
{
    struct dice d = {plan->seed};
    int id = 0;

    *t = (struct traffic){.plan = *plan};
    for (int64_t at = plan->from; at < plan->to; at += MINUTE)
        for (int i = 0; i < TRIES; i++) {
            bool ads = i % 2 == 0;

            if (dice_chance(&d, plan->per_minute / TRIES * times_entries(plan, at, ads)))
                visitor_comes(t, &d, at + dice_below(&d, MINUTE), ++id, ads);
        }
    qsort(t->events, t->count, sizeof(*t->events), event_compare);
    while (t->count > 0 && t->events[t->count - 1].at >= plan->to)
        t->count--;
}

void traffic_deinit(struct traffic *t)
{
    mem_free(t->events);
    mem_free(t->losses);
    *t = (struct traffic){0};
}

void traffic_tell(struct traffic *t, struct pipe *k, int64_t until)
{
    char text[200];

    for (; t->told < t->count && t->events[t->told].at < until; t->told++) {
        const struct traffic_event *e = &t->events[t->told];

        snprintf(text, sizeof(text),
                 "{\"entity_id\":%d,\"stage\":\"%c\",\"ts\":%" PRId64 ",\"amount\":%d,"
                 "\"dims\":{\"channel\":\"%s\",\"device\":\"%s\"}}",
                 e->id, e->stage, e->at, e->ads ? TRAFFIC_ADS : TRAFFIC_SEO, e->ads ? "ads" : "seo",
                 e->id % 3 == 0 ? "app" : "web");
        pipe_log_add(&k->log, 0, -1, text);
    }
    pipe_feed(k);
}

struct traffic_lost traffic_lost(const struct traffic *t, int step, int64_t from, int64_t to)
{
    struct traffic_lost sum = {0};

    for (size_t i = 0; i < t->loss_count; i++) {
        const struct traffic_loss *l = &t->losses[i];

        if (l->step != step || l->at < from || l->at >= to)
            continue;
        sum.conversions += l->conversions;
        sum.amount += l->amount;
    }
    return sum;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_generator.h"

#include <stdio.h>
#include <time.h>

#include "cli/demo_scenario.h"
#include "funnel/fmath.h"
#include "funnel/mem.h"

#define CANCEL_SHARE 0.4 /* of the visitors who do not go on; the others just stay away */
#define DWELL_MAX (60 * MINUTE_MS)
#define DWELL_SIGMA 0.6

static const double dwell_minutes[SHOP_STEPS] = {2.5, 3.5, 4.0}; /* medians */
#define CANCEL_MINUTES 9.0
#define AMOUNT_MEDIAN 6000.0 /* cents */

struct demo_generator {
    uint64_t random;
    int64_t start_ms;
    int64_t visit_ms; /* the next visit */
    uint64_t visitors, events;
    struct shop_event *heap; /* what visitors will do next, earliest first */
    size_t count, cap;
    struct shop_loss loss;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct demo_generator *g)
{
    uint64_t z = g->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* In (0, 1): never 0, whose logarithm is none. */
static double draw_unit(struct demo_generator *g)
{
    return ((double)(draw(g) >> 11) + 0.5) * 0x1p-53;
}

static uint8_t draw_one(struct demo_generator *g, const double *shares, int count)
{
    double u = draw_unit(g);
    int i = 0;

    while (i < count - 1 && u >= shares[i])
        u -= shares[i++];
    return (uint8_t)i;
}

static double draw_lognormal(struct demo_generator *g, double median, double sigma)
{
    return median * fm_exp(sigma * fm_normal_quantile(draw_unit(g)));
}

static int64_t draw_dwell(struct demo_generator *g, double median_minutes)
{
    double ms = draw_lognormal(g, median_minutes, DWELL_SIGMA) * (double)MINUTE_MS;

    return ms > (double)DWELL_MAX ? DWELL_MAX : (int64_t)ms + 1;
}

/* Visits come as a Poisson process whose rate follows the hour: thinned from one at the highest rate. */
static int64_t draw_visit(struct demo_generator *g, int64_t after_ms)
{
    double at = (double)after_ms;

    do
        at -= fm_log(draw_unit(g)) / scenario_arrivals_max();
    while (draw_unit(g) * scenario_arrivals_max() > scenario_arrivals((int64_t)at));
    return (int64_t)at;
}

static bool event_before(const struct shop_event *a, const struct shop_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void heap_push(struct demo_generator *g, struct shop_event e)
{
    size_t at = g->count;

    g->heap = mem_grow(g->heap, g->count, &g->cap, sizeof(*g->heap));
    g->count++;
    while (at > 0 && event_before(&e, &g->heap[(at - 1) / 2])) {
        g->heap[at] = g->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    g->heap[at] = e;
}

static struct shop_event heap_pop(struct demo_generator *g)
{
    struct shop_event first = g->heap[0], last = g->heap[--g->count];
    size_t at = 0;

    for (size_t child = 1; child < g->count; child = 2 * at + 1) {
        if (child + 1 < g->count && event_before(&g->heap[child + 1], &g->heap[child]))
            child++;
        if (!event_before(&g->heap[child], &last))
            break;
        g->heap[at] = g->heap[child];
        at = child;
    }
    g->heap[at] = last;
    return first;
}

static void generator_visit(struct demo_generator *g)
{
    static const double channels[SHOP_CHANNELS] = {0.5, 0.3, 0.2};
    static const double devices[SHOP_DEVICES] = {0.6, 0.4};
    struct shop_event e = {.at_ms = g->visit_ms, .number = g->events++, .visitor = ++g->visitors};

    e.channel = draw_one(g, channels, SHOP_CHANNELS);
    e.device = draw_one(g, devices, SHOP_DEVICES);
    e.owner = (uint8_t)(draw(g) % SHOP_OWNERS);
    e.amount = (int64_t)draw_lognormal(g, AMOUNT_MEDIAN, DWELL_SIGMA);
    heap_push(g, e);
    g->visit_ms = draw_visit(g, g->visit_ms);
}

/* Whether the visitor takes the next step; who would have but for the incident is lost to it. */
static bool generator_converts(struct demo_generator *g, const struct shop_event *e)
{
    double luck = draw_unit(g);

    if (luck < scenario_rate(g->start_ms, e->at_ms, e->stage, e->channel, e->device))
        return true;
    if (luck < scenario_usual(e->stage, e->channel)) {
        g->loss.visitors++;
        g->loss.amount += e->amount;
    }
    return false;
}

/* What the visitor does after this event, if anything. */
static void generator_go_on(struct demo_generator *g, const struct shop_event *e)
{
    struct shop_event next = *e;

    if (e->stage >= SHOP_STEPS)
        return;
    if (generator_converts(g, e)) {
        next.stage++;
        next.at_ms += draw_dwell(g, dwell_minutes[e->stage]);
    } else if (draw_unit(g) < CANCEL_SHARE) {
        next.stage = SHOP_EXIT;
        next.reason = (uint8_t)(draw(g) % SHOP_REASONS);
        next.at_ms += draw_dwell(g, CANCEL_MINUTES);
    } else {
        return;
    }
    next.number = g->events++;
    heap_push(g, next);
}

struct demo_generator *demo_generator_new(int64_t start_ms, uint64_t seed)
{
    struct demo_generator *g = mem_zero(1, sizeof(*g));

    g->random = seed;
    g->start_ms = start_ms;
    g->visit_ms = draw_visit(g, start_ms);
    return g;
}

void demo_generator_free(struct demo_generator *g)
{
    if (!g)
        return;
    mem_free(g->heap);
    mem_free(g);
}

bool demo_generator_next(struct demo_generator *g, int64_t until_ms, struct shop_event *ret)
{
    while (g->count == 0 || g->visit_ms <= g->heap[0].at_ms) {
        if (g->visit_ms >= until_ms && (g->count == 0 || g->heap[0].at_ms >= until_ms))
            return false;
        generator_visit(g);
    }
    if (g->heap[0].at_ms >= until_ms)
        return false;
    *ret = heap_pop(g);
    generator_go_on(g, ret);
    return true;
}

struct shop_loss demo_generator_loss(const struct demo_generator *g)
{
    return g->loss;
}

size_t shop_event_key(const struct shop_event *e, char *ret, size_t size)
{
    return (size_t)snprintf(ret, size, "v-%06llu", (unsigned long long)e->visitor);
}

static void write_time(struct buf *out, int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];

    gmtime_r(&s, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_fmt(out, "%s.%03dZ", text, (int)(ms % 1000));
}

void shop_event_write(const struct shop_event *e, struct buf *out)
{
    char key[24];

    shop_event_key(e, key, sizeof(key));
    buf_fmt(out, "{\"event_id\":\"e-%llu\",\"entity_id\":\"%s\",\"funnel\":\"" DEMO_FUNNEL "\"",
            (unsigned long long)e->number, key);
    buf_fmt(out, ",\"stage\":\"%s\",\"ts\":\"", shop_stage_ids[e->stage]);
    write_time(out, e->at_ms);
    buf_char(out, '"');
    if (e->stage > 0)
        buf_fmt(out, ",\"amount\":\"%lld.%02d\"", (long long)(e->amount / 100),
                (int)(e->amount % 100));
    if (e->stage == SHOP_EXIT)
        buf_fmt(out, ",\"reason\":\"%s\"", shop_reasons[e->reason]);
    buf_fmt(out, ",\"owner\":\"%s\",\"dims\":{\"channel\":\"%s\",\"device\":\"%s\"}}",
            shop_owners[e->owner], shop_channels[e->channel], shop_devices[e->device]);
}

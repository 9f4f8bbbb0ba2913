/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the events of a simulated shop, in funneld's plain form, in the order of their time: what the
 * shop is like is drawn from the seed (bench/sim/world.h), what goes wrong is given (bench/sim/incident.h).
 * The same arguments give the same bytes. A visitor has a random stream of his own, so an incident changes
 * what it is about and nothing else.
 *
 *   funnel_sim --visits-per-day 5000 --days 60 --seed 7 --incident at=40d6h,for=3d,step=2,loss=0.3
 *   funnel_sim --seed 7 --truth */
#define _GNU_SOURCE /* strptime */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/mem.h"
#include "sim/line.h"
#include "sim/queue.h"
#include "sim/world.h"

#define VISITOR_STREAMS (UINT64_C(1) << 32)
#define STREAM_ARRIVALS (UINT64_C(1) << 31)
#define DUPLICATE_MS 30000 /* mean: how long after the event */

struct sim {
    struct world_options options;
    double late, duplicates; /* shares of the events */
    int64_t late_ms;         /* mean */
    bool truth;
    struct incidents incidents;
    struct world world;
    struct queue queue;
    struct lines lines;
    uint64_t visitors;
};

struct visitor {
    struct chance chance;
    uint64_t entity;
    uint32_t amount;
    int leaf;
};

/* --- visitors --- */

static void sim_deliver(struct sim *s, struct visitor *v, int stage, int64_t t)
{
    struct queued event = {.deliver_ms = t,
                           .ms = t,
                           .entity = v->entity,
                           .amount = v->amount,
                           .stage = (uint8_t)stage,
                           .leaf = (uint8_t)v->leaf};
    const struct incident *batch;

    if (incidents_find(&s->incidents, INCIDENT_OUTAGE, v->leaf, t))
        return;
    batch = incidents_find(&s->incidents, INCIDENT_LATE_BATCH, v->leaf, t);
    if (batch)
        event.deliver_ms = batch->to_ms +
                           (t - batch->from_ms) * batch->over_ms / (batch->to_ms - batch->from_ms);
    if (s->late > 0 && chance_uniform(&v->chance) < s->late)
        event.deliver_ms += (int64_t)(chance_exponential(&v->chance) * (double)s->late_ms);
    queue_put(&s->queue, &event);
    if (s->duplicates > 0 && chance_uniform(&v->chance) < s->duplicates) {
        event.deliver_ms += (int64_t)(chance_exponential(&v->chance) * DUPLICATE_MS);
        queue_put(&s->queue, &event);
    }
}

/* When the step is taken that begins at t; -1: never. */
static int64_t sim_step(const struct sim *s, struct visitor *v, int step, int64_t t)
{
    const struct world *w = &s->world;
    double p = w->p[step][v->leaf] * exp(w->headroom) *
               incidents_keep(&s->incidents, INCIDENT_COHORT, step, v->leaf, t);
    double converts = chance_uniform(&v->chance), kept = chance_uniform(&v->chance);
    double dwell = w->median_ms[step] * exp(w->sigma[step] * chance_normal(&v->chance));

    if (converts >= p)
        return -1;
    t = world_dwell_end(w, step, v->leaf, t, dwell);
    if (t >= w->hours * HOUR_MS)
        return -1;
    return kept < world_keep(w, step, t) *
                       incidents_keep(&s->incidents, INCIDENT_LOSS, step, v->leaf, t)
               ? t
               : -1;
}

static void sim_visit(struct sim *s, int64_t t, const double shares[LEAVES])
{
    struct visitor v = {.entity = s->visitors++};
    double leaf;

    v.chance = chance_stream(s->options.seed, VISITOR_STREAMS + v.entity);
    leaf = chance_uniform(&v.chance);
    while (leaf >= shares[v.leaf])
        v.leaf++;
    v.amount = (uint32_t)(4000 * exp(.8 * chance_normal(&v.chance))) + 100;
    for (int stage = 0; t >= 0; stage++) {
        sim_deliver(s, &v, stage, t);
        t = stage < STEPS ? sim_step(s, &v, stage, t) : -1;
    }
}

/* --- the stream --- */

/* In time that runs with the rate of arrivals, gaps are exponential. */
static void sim_arrivals(struct sim *s, int64_t from, struct chance *c, double *gap,
                         const double shares[LEAVES])
{
    double rate = world_rate(&s->world, from);

    for (; *gap < rate; *gap += chance_exponential(c))
        sim_visit(s, from + (int64_t)(*gap / rate * (double)MINUTE_MS), shares);
    *gap -= rate;
}

static bool sim_write(struct sim *s, int64_t minute)
{
    size_t n = queue_take(&s->queue, minute);

    for (size_t i = 0; i < n; i++) {
        if (!lines_add(&s->lines, &s->queue.items[(uint32_t)s->queue.order[i]]))
            return false;
    }
    return true;
}

static bool sim_run(struct sim *s)
{
    struct chance arrivals = chance_stream(s->options.seed, STREAM_ARRIVALS);
    int64_t minutes = s->options.days * INT64_C(1440);
    double gap = chance_exponential(&arrivals), shares[LEAVES];
    bool good = true;

    queue_init(&s->queue, minutes);
    lines_init(&s->lines, s->options.start_ms, s->duplicates > 0);
    for (int64_t m = 0; m < minutes && good; m++) {
        if (m % 10 == 0)
            world_shares(&s->world, m * MINUTE_MS, shares);
        sim_arrivals(s, m * MINUTE_MS, &arrivals, &gap, shares);
        good = sim_write(s, m);
    }
    good = good && lines_flush(&s->lines);
    if (!good)
        fprintf(stderr, "funnel_sim: standard output: %s\n", strerror(errno));
    lines_deinit(&s->lines);
    queue_deinit(&s->queue);
    return good;
}

/* --- the command line --- */

static const char usage[] =
    "Usage: funnel_sim [OPTIONS]\n"
    "\n"
    "  --visits-per-day N   mean of the arrivals (5000)\n"
    "  --days N             length of the stream (35)\n"
    "  --start DATE         its first day, UTC (2026-01-05, a Monday)\n"
    "  --seed N             decides everything that is random (1)\n"
    "  --noise X            sd of each step's log level of conversion (0.03)\n"
    "  --noise-memory D     how long it remembers (12h)\n"
    "  --night X            pace of those who take a step, at 4 in the morning (0.4; by day 1)\n"
    "  --dwell X            times as long as usual they take (1)\n"
    "  --bursts X           sd of the log arrivals of an hour (0.15)\n"
    "  --drift X            sd of the log weights of the dims' values, over a month (0.2)\n"
    "  --late X             share of events that come late (0), by D on average:\n"
    "  --late-by D          (2m)\n"
    "  --duplicates X       share of events that come twice (0); then events have ids\n"
    "  --incident K=V,...   at=30d6h,for=3d[,kind=loss|cohort|slow|mix|volume|outage|late_batch]\n"
    "                       [,step=1..4][,loss=0..1][,factor=X][,over=D][,channel=ads]...; repeatable\n"
    "  --truth              prints what the seed decided, as JSON, instead of events\n";

enum {
    OPT_VISITS = 256,
    OPT_DAYS,
    OPT_START,
    OPT_SEED,
    OPT_NOISE,
    OPT_NOISE_MEMORY,
    OPT_NIGHT,
    OPT_DWELL,
    OPT_BURSTS,
    OPT_DRIFT,
    OPT_LATE,
    OPT_LATE_BY,
    OPT_DUPLICATES,
    OPT_INCIDENT,
    OPT_TRUTH,
    OPT_HELP
};

static const struct option options[] = {
    {"visits-per-day", required_argument, NULL, OPT_VISITS},
    {"days", required_argument, NULL, OPT_DAYS},
    {"start", required_argument, NULL, OPT_START},
    {"seed", required_argument, NULL, OPT_SEED},
    {"noise", required_argument, NULL, OPT_NOISE},
    {"noise-memory", required_argument, NULL, OPT_NOISE_MEMORY},
    {"night", required_argument, NULL, OPT_NIGHT},
    {"dwell", required_argument, NULL, OPT_DWELL},
    {"bursts", required_argument, NULL, OPT_BURSTS},
    {"drift", required_argument, NULL, OPT_DRIFT},
    {"late", required_argument, NULL, OPT_LATE},
    {"late-by", required_argument, NULL, OPT_LATE_BY},
    {"duplicates", required_argument, NULL, OPT_DUPLICATES},
    {"incident", required_argument, NULL, OPT_INCIDENT},
    {"truth", no_argument, NULL, OPT_TRUTH},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static bool take_number(const char *text, double least, double most, double *ret)
{
    char *end;
    double x = strtod(text, &end);

    if (end == text || *end || !(x >= least && x <= most))
        return false;
    *ret = x;
    return true;
}

static bool take_seed(const char *text, uint64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(text, &end, 10);
    return end != text && !*end && !errno && *text != '-';
}

static bool take_date(const char *text, int64_t *ret)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);

    if (!end || *end || tm.tm_year < 70)
        return false;
    *ret = (int64_t)timegm(&tm) * 1000;
    return true;
}

static bool take_duration(const char *text, int64_t *ret)
{
    *ret = incident_duration(text);
    return *ret > 0;
}

static bool sim_take(struct sim *s, int option, const char *text)
{
    struct world_options *o = &s->options;
    double days = o->days;
    int64_t memory = (int64_t)(o->noise_hours * (double)HOUR_MS);
    bool good = false;

    switch (option) {
    case OPT_VISITS:
        return take_number(text, 1, 1e8, &o->visits_per_day);
    case OPT_DAYS:
        good = take_number(text, 1, 4000, &days);
        o->days = (int)days;
        return good;
    case OPT_START:
        return take_date(text, &o->start_ms);
    case OPT_SEED:
        return take_seed(text, &o->seed);
    case OPT_NOISE:
        return take_number(text, 0, .2, &o->noise);
    case OPT_NOISE_MEMORY:
        good = take_duration(text, &memory);
        o->noise_hours = (double)memory / (double)HOUR_MS;
        return good;
    case OPT_NIGHT:
        return take_number(text, .05, 1, &o->night);
    case OPT_DWELL:
        return take_number(text, .01, 100, &o->dwell);
    case OPT_BURSTS:
        return take_number(text, 0, 2, &o->bursts);
    case OPT_DRIFT:
        return take_number(text, 0, 2, &o->drift);
    case OPT_LATE:
        return take_number(text, 0, 1, &s->late);
    case OPT_LATE_BY:
        return take_duration(text, &s->late_ms);
    case OPT_DUPLICATES:
        return take_number(text, 0, 1, &s->duplicates);
    case OPT_INCIDENT:
        return incidents_add(&s->incidents, text);
    case OPT_TRUTH:
        return s->truth = true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    struct sim *s = mem_zero(1, sizeof(*s));
    int option, which = 0, code = 0;

    s->options = (struct world_options){.seed = 1,
                                        .visits_per_day = 5000,
                                        .days = 35,
                                        .start_ms = INT64_C(1767571200000),
                                        .noise = .03,
                                        .noise_hours = 12,
                                        .night = .4,
                                        .dwell = 1,
                                        .bursts = .15,
                                        .drift = .2};
    s->late_ms = 120000;
    while ((option = getopt_long(argc, argv, "", options, &which)) != -1) {
        if (option == OPT_HELP || option == '?' || !sim_take(s, option, optarg)) {
            if (option >= OPT_VISITS && option != OPT_HELP)
                fprintf(stderr, "funnel_sim: --%s %s\n", options[which].name, optarg);
            fputs(usage, option == OPT_HELP ? stdout : stderr);
            mem_free(s);
            return option == OPT_HELP ? 0 : 2;
        }
    }
    world_init(&s->world, &s->options, &s->incidents);
    if (s->truth)
        world_print(&s->world, stdout);
    else
        code = sim_run(s) ? 0 : 1;
    world_deinit(&s->world);
    mem_free(s);
    return code;
}

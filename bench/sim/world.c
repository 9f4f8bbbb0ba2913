/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <inttypes.h>
#include <string.h>

#include "funnel/mem.h"

#define LEVEL_BOUND 3 /* standard deviations */
#define DRIFT_HOURS 720
#define MOBILE 0 /* value of dim 1 */

enum { STREAM_SHOP, STREAM_BURST, STREAM_LEVEL, STREAM_WEIGHT = STREAM_LEVEL + STEPS };

/* Typical of a shop; the mean is made 1. */
static const double day_profile[24] = {.45, .30, .22,  .18,  .18, .25,  .42,  .65,
                                       .85, 1.0, 1.1,  1.15, 1.2, 1.2,  1.15, 1.1,
                                       1.1, 1.2, 1.35, 1.55, 1.7, 1.65, 1.3,  .8};
static const double week_profile[7] = {1.05, 1.02, 1.0, 1.0, 1.08, .95, .85};
static const double night_speed[24] = {.7, .55, .45, .4, .4, .45, .6, .8, 1, 1, 1, 1,
                                       1,  1,   1,   1,  1,  1,   1,  1,  1, 1, 1, .85};

static double logit(double p)
{
    return log(p / (1 - p));
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

/* --- what a seed decides --- */

static void world_draw_seasons(struct world *w)
{
    double sum = 0;

    for (int h = 0; h < 24; h++)
        w->speed[h] = 1 - (1 - night_speed[h]) * ((1 - w->options.night) / .6);
    for (int h = 0; h < WEEK_HOURS; h++) {
        double evening = cos(6.283185307179586 * (h % 24 - 20) / 24);
        double weekend = h / 24 >= 5 ? -.03 : 0;

        w->arrivals[h] = day_profile[h % 24] * week_profile[h / 24];
        w->season[h] = .05 * (evening - 1) + weekend;
        sum += w->arrivals[h];
    }
    for (int h = 0; h < WEEK_HOURS; h++)
        w->arrivals[h] *= WEEK_HOURS / sum;
}

static void world_draw_rates(struct world *w, struct chance *c)
{
    static const double base[STEPS] = {.40, .55, .65, .35};

    for (int s = 0; s < STEPS; s++) {
        double main[DIMS][VALUES_MAX], mean = logit(base[s]) + .1 * chance_normal(c);

        for (int d = 0; d < DIMS; d++) {
            for (int v = 0; v < VALUES_MAX; v++)
                main[d][v] = .25 * chance_normal(c);
        }
        for (int leaf = 0; leaf < LEAVES; leaf++) {
            double x = mean + .05 * chance_normal(c);

            for (int d = 0; d < DIMS; d++)
                x += main[d][dims_value(leaf, d)];
            w->p[s][leaf] = logistic(x);
        }
    }
}

static void world_draw_dwell(struct world *w, struct chance *c)
{
    static const double minutes[STEPS] = {6, 40, 12, 240};
    static const double sigma[STEPS] = {1.2, 1.3, 1.0, 1.0};

    for (int s = 0; s < STEPS; s++) {
        w->median_ms[s] = minutes[s] * 60000 * w->options.dwell * exp(.2 * chance_normal(c));
        w->sigma[s] = sigma[s];
    }
}

/* A stationary AR(1) at hours, of unit sd, `memory` hours long. */
static double ar_next(double x, double memory, struct chance *c)
{
    double keep = exp(-1 / memory);

    return keep * x + sqrt(1 - keep * keep) * chance_normal(c);
}

static double bounded(double x)
{
    return fmax(-LEVEL_BOUND, fmin(LEVEL_BOUND, x));
}

static void world_draw_levels(struct world *w)
{
    const struct world_options *o = &w->options;
    struct chance burst = chance_stream(o->seed, STREAM_BURST);

    w->burst = mem_zero((size_t)w->hours, sizeof(*w->burst));
    for (int h = 0; h < w->hours; h++)
        w->burst[h] = exp(o->bursts * chance_normal(&burst) - o->bursts * o->bursts / 2);
    for (int s = 0; s < STEPS; s++) {
        struct chance c = chance_stream(o->seed, STREAM_LEVEL + (uint64_t)s);
        double x = chance_normal(&c);

        w->level[s] = mem_zero((size_t)w->hours, sizeof(*w->level[s]));
        for (int h = 0; h < w->hours; h++) {
            w->level[s][h] = o->noise * bounded(x) - o->noise * o->noise / 2;
            x = ar_next(x, o->noise_hours, &c);
        }
    }
}

static void world_draw_weights(struct world *w)
{
    static const double base[DIMS][VALUES_MAX] = {
        {.30, .30, .15, .25}, {.50, .35, .15}, {.30, .20, .30, .20}};

    for (int d = 0; d < DIMS; d++) {
        struct chance c = chance_stream(w->options.seed, STREAM_WEIGHT + (uint64_t)d);

        w->weight[d] = mem_zero((size_t)w->hours * VALUES_MAX, sizeof(*w->weight[d]));
        for (int v = 0; v < dims_count[d]; v++) {
            double x = chance_normal(&c);

            for (int h = 0; h < w->hours; h++) {
                w->weight[d][h * VALUES_MAX + v] = log(base[d][v]) + w->options.drift * x;
                x = ar_next(x, DRIFT_HOURS, &c);
            }
        }
    }
}

void world_init(struct world *w, const struct world_options *options,
                const struct incidents *incidents)
{
    struct chance shop = chance_stream(options->seed, STREAM_SHOP);
    int64_t hours = options->start_ms / HOUR_MS;

    *w = (struct world){.options = *options, .incidents = incidents, .hours = options->days * 24};
    w->first_hour = (int)((hours + 72) % WEEK_HOURS); /* 1970 began on a Thursday */
    w->headroom = LEVEL_BOUND * options->noise;
    world_draw_seasons(w);
    world_draw_rates(w, &shop);
    world_draw_dwell(w, &shop);
    world_draw_levels(w);
    world_draw_weights(w);
}

void world_deinit(struct world *w)
{
    mem_free(w->burst);
    for (int s = 0; s < STEPS; s++)
        mem_free(w->level[s]);
    for (int d = 0; d < DIMS; d++)
        mem_free(w->weight[d]);
}

/* --- at a time --- */

static int world_hour(const struct world *w, int64_t t)
{
    int64_t h = t / HOUR_MS;

    return h < w->hours ? (int)h : w->hours - 1;
}

int world_hour_of_week(const struct world *w, int64_t t)
{
    return (int)((w->first_hour + t / HOUR_MS) % WEEK_HOURS);
}

double world_rate(const struct world *w, int64_t t)
{
    int now = world_hour_of_week(w, t), next = (now + 1) % WEEK_HOURS;
    double part = (double)(t % HOUR_MS) / (double)HOUR_MS;
    double profile = w->arrivals[now] * (1 - part) + w->arrivals[next] * part;
    int64_t until = INT64_MAX;

    return w->options.visits_per_day / 1440 * profile * w->burst[world_hour(w, t)] *
           incidents_factor(w->incidents, INCIDENT_VOLUME, -1, -1, t, &until);
}

/* The incidents of kind mix act on this dim through the leaves that have the value. */
static double world_weight(const struct world *w, int64_t t, int dim, int value)
{
    double x = exp(w->weight[dim][world_hour(w, t) * VALUES_MAX + value]);
    const struct incidents *all = w->incidents;

    if (dim == 1 && value == MOBILE)
        x *= 1 + .3 * fmax(0, -cos(6.283185307179586 * (world_hour_of_week(w, t) % 24 - 9) / 24));
    for (size_t i = all->first[INCIDENT_MIX]; i < all->first[INCIDENT_MIX + 1]; i++) {
        const struct incident *in = &all->items[i];

        if (in->values[dim] == value && t >= in->from_ms && t < in->to_ms)
            x *= in->factor;
    }
    return x;
}

void world_shares(const struct world *w, int64_t t, double cumulative[LEAVES])
{
    double share[DIMS][VALUES_MAX], sum[DIMS] = {0}, all = 0;

    for (int d = 0; d < DIMS; d++) {
        for (int v = 0; v < dims_count[d]; v++)
            sum[d] += share[d][v] = world_weight(w, t, d, v);
    }
    for (int leaf = 0; leaf < LEAVES; leaf++) {
        double p = 1;

        for (int d = 0; d < DIMS; d++)
            p *= share[d][dims_value(leaf, d)] / sum[d];
        cumulative[leaf] = all += p;
    }
    cumulative[LEAVES - 1] = 1;
}

int64_t world_dwell_end(const struct world *w, int step, int leaf, int64_t t, double dwell_ms)
{
    int64_t end = w->hours * HOUR_MS;

    while (t < end) {
        int64_t edge = (t / HOUR_MS + 1) * HOUR_MS;
        double speed = w->speed[world_hour_of_week(w, t) % 24] /
                       incidents_factor(w->incidents, INCIDENT_SLOW, step, leaf, t, &edge);
        double span = (double)(edge - t) * speed;

        if (span >= dwell_ms)
            return t + (int64_t)(dwell_ms / speed);
        dwell_ms -= span;
        t = edge;
    }
    return t;
}

double world_keep(const struct world *w, int step, int64_t t)
{
    return exp(w->season[world_hour_of_week(w, t)] + w->level[step][world_hour(w, t)] -
               w->headroom);
}

/* --- the truth, told --- */

static void print_list(FILE *out, const char *name, const double *x, int n)
{
    fprintf(out, "\"%s\":[", name);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s%.9g", i ? "," : "", x[i]);
    fprintf(out, "],");
}

static void print_leaves(FILE *out)
{
    fprintf(out, "\"leaves\":[");
    for (int leaf = 0; leaf < LEAVES; leaf++) {
        fprintf(out, "%s{", leaf ? "," : "");
        for (int d = 0; d < DIMS; d++)
            fprintf(out, "%s\"%s\":\"%s\"", d ? "," : "", dims_names[d],
                    dims_values[d][dims_value(leaf, d)]);
        fputc('}', out);
    }
    fprintf(out, "],");
}

void world_print(const struct world *w, FILE *out)
{
    const struct world_options *o = &w->options;

    fprintf(
        out,
        "{\"seed\":%" PRIu64 ",\"visits_per_day\":%.9g,\"days\":%d,\"start_ms\":%" PRId64
        ",\"noise\":%.9g,\"noise_hours\":%.9g,\"bursts\":%.9g,\"drift\":%.9g,\"first_hour\":%d,",
        o->seed, o->visits_per_day, o->days, o->start_ms, o->noise, o->noise_hours, o->bursts,
        o->drift, w->first_hour);
    print_leaves(out);
    print_list(out, "arrivals", w->arrivals, WEEK_HOURS);
    print_list(out, "season", w->season, WEEK_HOURS);
    print_list(out, "speed", w->speed, 24);
    print_list(out, "median_ms", w->median_ms, STEPS);
    print_list(out, "sigma", w->sigma, STEPS);
    fprintf(out, "\"steps\":[");
    for (int s = 0; s < STEPS; s++) {
        fprintf(out, "%s{\"step\":\"%s>%s\",", s ? "," : "", dims_stages[s], dims_stages[s + 1]);
        print_list(out, "p", w->p[s], LEAVES);
        fprintf(out, "\"index\":%d}", s);
    }
    fprintf(out, "],\"incidents\":");
    incidents_print(w->incidents, out);
    fprintf(out, "}\n");
}

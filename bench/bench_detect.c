/* SPDX-License-Identifier: Apache-2.0 */
/* What the detector costs: ns per pane for each (step, leaf) and for each (step, series) with all tests, and bytes of
 * both. Four pipelines are fed the same events, pane by pane in turn: with few series and with many, each without the
 * rules of detection and with them. What they differ by is the detector. Machine-readable key=value lines.
 *
 *   bench_detect [days]        (2, after nine that it learns from; pin it: taskset -c 0) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "funnel/pipeline.h"
#include "funnel/pipeline_parts.h"

#define PANE_MS INT64_C(60000)
#define PANES_A_DAY 1440
#define LEARNING_DAYS 9
#define BASE_PANE (INT64_C(19800) * PANES_A_DAY)
#define STAGES 4
#define STEPS (STAGES - 1)
#define ENTRIES 12  /* a pane */
#define LONGEST 240 /* panes that a step takes */
#define EVENTS_MAX 4096

static const char head[] = "group: bench\n"
                           "kafka: {bootstrap.servers: 127.0.0.1:1}\n"
                           "inputs: [{topic: t, no_data: off}]\n"
                           "time: {lateness: 0s, pane: 1m, zone: UTC}\n"
                           "funnels:\n"
                           "  sales:\n"
                           "    stages: [visit, cart, checkout, paid]\n"
                           "    window: 7d\n"
                           "    dims: {channel: {top: 20}, region: {top: 20}, device: {top: 20}}\n";
static const char few[] = "    segments: [[device]]\n";
static const char many[] = "    segments: [[channel, region, device]]\n";
static const char rules[] = "    rules: [{id: drop, kind: drop}, {id: rise, kind: rise}]\n";

struct line {
    struct settings *settings;
    struct pipeline *pipeline;
    struct records out;
    double ns, most; /* of the measured panes: all, and the dearest one */
};

/* Who comes next, by pane: stage codes and entities. */
struct coming {
    struct due {
        uint32_t entity;
        uint8_t stage;
    } items[EVENTS_MAX];
    size_t count;
};

struct bench {
    struct line lines[4]; /* few, few with rules, many, many with rules */
    struct zone *zone;
    struct coming coming[LONGEST + 1]; /* pane modulo this */
    struct message messages[EVENTS_MAX];
    char text[EVENTS_MAX][240];
    size_t count;
    uint64_t random;
    uint32_t entities;
    int64_t offset;
};

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t next_random(uint64_t *state) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* --- pipelines --- */

static void line_init(struct line *l, const struct zone *zone, const char *segments,
                      const char *with)
{
    struct settings_problems problems = {0};
    struct pipeline_source source = {"t", 0, 0};
    char text[2000];

    snprintf(text, sizeof(text), "%s%s%s", head, segments, with);
    l->settings = settings_parse(text, strlen(text), &problems);
    settings_problems_deinit(&problems);
    if (!l->settings)
        abort();
    l->pipeline = pipeline_new(l->settings, zone, &source, 1);
}

static void line_deinit(struct line *l)
{
    pipeline_free(l->pipeline);
    settings_free(l->settings);
    records_deinit(&l->out);
}

/* The same calls as pipeline_step, with a clock around the last. */
static void line_step(struct line *l, const struct bench *b, bool measured)
{
    struct pipeline *p = l->pipeline;
    const struct decoded *d = decode_batch(p->decoder, b->messages, b->count);
    struct tally_input in = {b->messages, d->events, d->event_count, d->failures, d->failure_count};
    double began, took;

    tally_step(&p->tallies[0], &in, &l->out);
    pipeline_take(p, 0, &l->out, 0);
    began = now_ns();
    pipeline_judge(p, &l->out);
    took = now_ns() - began;
    records_clear(&l->out);
    if (!measured)
        return;
    l->ns += took;
    l->most = took > l->most ? took : l->most;
}

/* --- events --- */

static void bench_say(struct bench *b, int64_t pane, const struct due *d)
{
    static const char *const stages[] = {"visit", "cart", "checkout", "paid"};
    static const char *const channels[] = {"ads", "search", "mail", "direct", "social"};
    static const char *const regions[] = {"east", "west", "north", "south"};
    static const char *const devices[] = {"mobile", "desktop", "tablet"};
    char *text = b->text[b->count];
    int n = snprintf(text, sizeof(b->text[0]),
                     "{\"entity_id\":%" PRIu32
                     ",\"funnel\":\"sales\",\"stage\":\"%s\",\"ts\":%" PRId64
                     ",\"dims\":{\"channel\":\"%s\",\"region\":\"%s\",\"device\":\"%s\"}}",
                     d->entity, stages[d->stage], pane * PANE_MS + (int64_t)b->count,
                     channels[d->entity % 5], regions[d->entity % 4], devices[d->entity % 3]);

    b->messages[b->count++] = (struct message){
        .value = {text, (uint32_t)n}, .timestamp = -1, .offset = b->offset++};
}

/* Half of all take the next step, most of them soon. */
static void bench_plan(struct bench *b, int64_t pane, const struct due *d)
{
    uint64_t r = next_random(&b->random), r2 = next_random(&b->random);
    int64_t after = 1 + (int64_t)(r % LONGEST * (r2 % LONGEST) / LONGEST);
    struct coming *c = &b->coming[(pane + after) % (LONGEST + 1)];

    if (r >> 63 || d->stage + 1 == STAGES || c->count == EVENTS_MAX)
        return;
    c->items[c->count++] = (struct due){d->entity, (uint8_t)(d->stage + 1)};
}

static void bench_pane(struct bench *b, int64_t pane)
{
    struct coming *c = &b->coming[pane % (LONGEST + 1)];

    b->count = 0;
    for (int i = 0; i < ENTRIES && c->count < EVENTS_MAX; i++)
        c->items[c->count++] = (struct due){++b->entities, 0};
    for (size_t i = 0; i < c->count; i++) {
        bench_say(b, pane, &c->items[i]);
        bench_plan(b, pane, &c->items[i]);
    }
    c->count = 0;
}

static void bench_init(struct bench *b)
{
    b->zone = zone_fixed("UTC", 0);
    line_init(&b->lines[0], b->zone, few, "");
    line_init(&b->lines[1], b->zone, few, rules);
    line_init(&b->lines[2], b->zone, many, "");
    line_init(&b->lines[3], b->zone, many, rules);
}

static void bench_deinit(struct bench *b)
{
    for (int i = 0; i < 4; i++)
        line_deinit(&b->lines[i]);
    zone_free(b->zone);
    mem_free(b);
}

/* --- what came out --- */

static void print_cost(const struct bench *b, double panes)
{
    const struct judge *f = &b->lines[1].pipeline->judges[0];
    const struct judge *m = &b->lines[3].pipeline->judges[0];
    double by_few = (b->lines[1].ns - b->lines[0].ns) / panes / STEPS;
    double by_many = (b->lines[3].ns - b->lines[2].ns) / panes / STEPS;
    double series_ns = (by_many - by_few) / (double)(m->series_count - f->series_count);
    double leaf_ns = (by_few - series_ns * (double)f->series_count) / (double)f->leaf_count;

    for (int i = 0; i < 4; i++) {
        const struct judge *j = &b->lines[i].pipeline->judges[0];

        printf("rules=%s leaves=%zu series=%zu panes=%.0f pane_us=%.2f pane_max_us=%.0f\n",
               j->detect ? "yes" : "no", j->leaf_count, j->series_count, panes,
               b->lines[i].ns / panes / 1000, b->lines[i].most / 1000);
    }
    printf("step_leaf_pane_ns=%.1f step_series_pane_ns=%.1f tests=%zu testing=%s\n", leaf_ns,
           series_ns, m->detect->tracks[0].test_count, m->detect->tracks[0].testing ? "yes" : "no");
}

/* The risk set is the judge's, with rules of detection or without. */
static void print_bytes(const struct bench *b)
{
    const struct funnel *f = &b->lines[0].pipeline->funnels[0];

    printf("step_leaf_bytes=%zu step_series_bytes=%zu step_bytes=%zu riskset_bytes=%zu\n",
           sizeof(struct detect_leaf), sizeof(struct detect_series) + sizeof(struct detect_pane),
           sizeof(struct detect_track),
           sizeof(struct riskset) + f->ages[0].slots * sizeof(uint32_t));
}

int main(int argc, char **argv)
{
    int64_t days = argc > 1 ? strtoll(argv[1], NULL, 10) : 2;
    int64_t panes = (LEARNING_DAYS + days) * PANES_A_DAY;
    struct bench *b = mem_zero(1, sizeof(*b));

    bench_init(b);
    for (int64_t i = 0; i < panes; i++) {
        bench_pane(b, BASE_PANE + i);
        for (int k = 0; k < 4; k++)
            line_step(&b->lines[k], b, i >= LEARNING_DAYS * PANES_A_DAY);
    }
    print_cost(b, (double)days * PANES_A_DAY);
    print_bytes(b);
    bench_deinit(b);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The core alone, one thread: ns per event for each part of the way, decode -> tally -> judge, and for how
 * the table grows. Machine-readable key=value lines; ratios are what to compare between machines.
 *
 *   bench_core [events] [entities]        (pin it: taskset -c 0) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "funnel/mem.h"
#include "funnel/pipeline.h"
#include "funnel/pipeline_parts.h"
#include "funnel/rules.h"

#define BATCH 1000
#define BASE_MS INT64_C(1700000000000)

static const char
    *const config = "group: bench\n"
                    "kafka: {bootstrap.servers: 127.0.0.1:1}\n"
                    "inputs: [{topic: t}]\n"
                    "funnels:\n"
                    "  sales:\n"
                    "    stages: [visit, cart, checkout, paid]\n"
                    "    lost: [left]\n"
                    "    dims: {channel: {top: 20}, region: {top: 20}, device: {top: 20}}\n"
                    "    rules:\n"
                    "      - {id: t, kind: target, step: cart>checkout, target: 0.2}\n"
                    "      - {id: c, kind: change, window: 1d, against: 7d}\n";

struct bench {
    struct settings *settings;
    struct zone *zone;
    struct pipeline *pipeline;
    struct message *messages;
    char *text;
    size_t count;
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

/* One event of about 240 bytes; an entity's later events come a stage further. */
static int make_event(char *out, size_t size, uint64_t i, uint64_t entities, uint64_t r)
{
    static const char *const stages[] = {"visit", "cart", "checkout", "paid"};
    static const char *const channels[] = {"ads", "search", "mail", "direct", "social"};
    static const char *const regions[] = {"east", "west", "north", "south"};
    static const char *const devices[] = {"mobile", "desktop", "tablet"};
    uint64_t entity = i < entities ? i : r % entities;
    uint64_t stage = i < entities ? 0 : 1 + (r >> 40) % 3;
    int64_t ms = BASE_MS + (int64_t)i; /* a thousand events a second */

    return snprintf(
        out, size,
        "{\"event_id\":\"e%012llu\",\"entity_id\":\"deal-%010llu\",\"funnel\":\"sales\","
        "\"stage\":\"%s\",\"ts\":%lld,\"amount\":%llu.%02llu,\"owner\":\"owner-%03llu\","
        "\"dims\":{\"channel\":\"%s\",\"region\":\"%s\",\"device\":\"%s\"},\"note\":\"-\"}",
        (unsigned long long)i, (unsigned long long)entity, stages[stage], (long long)ms,
        (unsigned long long)(r % 90000), (unsigned long long)(r % 100),
        (unsigned long long)(r % 200), channels[entity % 5], regions[entity % 4],
        devices[entity % 3]);
}

static void bench_messages(struct bench *b, uint64_t from, uint64_t entities)
{
    size_t at = 0;
    uint64_t state = from * 77 + 1;

    for (size_t k = 0; k < b->count; k++) {
        int n = make_event(b->text + at, 400, from + k, entities, next_random(&state));

        b->messages[k] = (struct message){
            .value = {b->text + at, (uint32_t)n}, .timestamp = -1, .offset = (int64_t)(from + k)};
        at += (size_t)n + 1;
    }
}

static void bench_init(struct bench *b, size_t chunk)
{
    struct settings_problems problems = {0};
    struct pipeline_source source = {"t", 0, 0};

    b->settings = settings_parse(config, strlen(config), &problems);
    settings_problems_deinit(&problems);
    if (!b->settings)
        abort();
    b->zone = zone_fixed("UTC", 0);
    b->pipeline = pipeline_new(b->settings, b->zone, &source, 1);
    b->count = chunk;
    b->messages = mem_zero(chunk, sizeof(*b->messages));
    b->text = mem_alloc(chunk * 400);
}

static void bench_deinit(struct bench *b)
{
    pipeline_free(b->pipeline);
    zone_free(b->zone);
    settings_free(b->settings);
    mem_free(b->messages);
    mem_free(b->text);
}

struct timing {
    double decode, tally, add, judge;
    uint64_t events, cells;
};

/* The same calls as pipeline_step, with a clock between them. */
static void timed_step(struct bench *b, size_t from, size_t count, struct records *out,
                       struct timing *t)
{
    struct pipeline *p = b->pipeline;
    double t0 = now_ns(), t1, t2, t3;
    const struct decoded *d = decode_batch(p->decoder, b->messages + from, count);
    struct tally_input in = {b->messages + from, d->events, d->event_count, d->failures,
                             d->failure_count};

    t1 = now_ns();
    tally_step(&p->tallies[0], &in, out);
    t2 = now_ns();
    t->cells += p->tallies[0].funnels[0].out.count;
    judge_add(&p->judges[0], 0, &p->tallies[0].funnels[0].out);
    cells_clear(&p->tallies[0].funnels[0].out);
    p->tallies[0].pulse.count = 0;
    t3 = now_ns();
    judge_step(&p->judges[0], out);
    t->decode += t1 - t0;
    t->tally += t2 - t1;
    t->add += t3 - t2;
    t->judge += now_ns() - t3;
    t->events += count;
}

static void bench_feed(struct bench *b, uint64_t from, uint64_t to, uint64_t entities,
                       struct timing *t)
{
    struct records out = {0};

    for (uint64_t i = from; i < to; i += b->count) {
        bench_messages(b, i, entities);
        for (size_t k = 0; k < b->count; k += BATCH)
            timed_step(b, k, BATCH, &out, t);
        records_clear(&out);
    }
    records_deinit(&out);
}

static void print_timing(const char *phase, const struct timing *t)
{
    double n = (double)t->events, all = t->decode + t->tally + t->add + t->judge;

    printf(
        "phase=%s events=%llu decode_ns=%.1f tally_ns=%.1f add_ns=%.1f judge_ns=%.1f core_ns=%.1f "
        "cells_per_event=%.2f events_per_s=%.0f\n",
        phase, (unsigned long long)t->events, t->decode / n, t->tally / n, t->add / n, t->judge / n,
        all / n, (double)t->cells / n, 1e9 * n / all);
}

int main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000000;
    uint64_t entities = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    struct timing fill = {0}, steady = {0};
    struct pipeline_gauges g;
    struct bench b;

    bench_init(&b, 50 * BATCH);
    bench_feed(&b, 0, entities, entities, &fill);
    bench_feed(&b, entities, events, entities, &steady);
    print_timing("fill", &fill);
    if (steady.events > 0)
        print_timing("steady", &steady);
    pipeline_gauges(b.pipeline, &g);
    printf("entities=%llu entity_bytes=%.1f\n", (unsigned long long)g.entities,
           g.entities > 0 ? (double)g.entity_bytes / (double)g.entities : 0);
    bench_deinit(&b);
    return 0;
}

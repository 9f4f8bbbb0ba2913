/* SPDX-License-Identifier: Apache-2.0 */
/* A step that is tested from the first hour, by its target and dwell: nights that it has not seen yet are no drop and no
 * slow-down, and an outage is one all the same. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY + 9 * HOUR) /* 2024-03-18, a Monday, in the morning */
#define BY_DAY 6                             /* entries a minute */
#define BY_NIGHT 2
#define RATE 0.4

static const char yaml[] = PIPE_KAFKA
    "inputs: [{topic: in, no_data: off}]\n"
    "time: {lateness: 0s, pane: 5m, zone: UTC}\n"
    "funnels: {f: {stages: [{id: a, target: %s, dwell: %s}, b], window: 6h,\n"
    "  rules: [{id: drop, kind: drop, budget: 1/week}]}}\n";

struct case_of {
    const char *target, *dwell;
    double night;         /* pace from midnight until six; by day 1 */
    int64_t outage, last; /* nobody converts from there on; the end; since T0 */
};

static struct happening {
    int64_t at;
    int id;
    const char *stage;
} * happenings;
static size_t count, cap;

static int happening_compare(const void *pa, const void *pb)
{
    const struct happening *a = pa, *b = pb;

    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return a->id != b->id ? a->id - b->id : strcmp(a->stage, b->stage);
}

static void happen(int64_t at, int id, const char *stage)
{
    if (count == cap) {
        cap = cap > 0 ? 2 * cap : 4096;
        happenings = realloc(happenings, cap * sizeof(*happenings));
        cr_assert(happenings != NULL);
    }
    happenings[count++] = (struct happening){at, id, stage};
}

/* When so much daytime has passed. */
static int64_t converts_at(int64_t at, int64_t dwell, double night)
{
    while (dwell > 0) {
        int64_t of_day = at % DAY, edge = of_day < 6 * HOUR ? 6 * HOUR : DAY;
        double pace = of_day < 6 * HOUR ? night : 1;
        int64_t span = (int64_t)((double)(edge - of_day) * pace);

        if (span >= dwell)
            return at + (int64_t)((double)dwell / pace);
        dwell -= span;
        at += edge - of_day;
    }
    return at;
}

static void make(const struct case_of *c, uint64_t seed)
{
    struct dice d = {seed};
    int id = 0;

    count = 0;
    for (int64_t at = T0; at < T0 + c->last; at += MINUTE)
        for (int i = at % DAY < 6 * HOUR ? BY_NIGHT : BY_DAY; i > 0; i--) {
            double x = (double)(dice_below(&d, 1000000) + 1) / 1000001;
            int64_t entered = at + dice_below(&d, MINUTE);
            int64_t dwell = (int64_t)(-log(x) / log(2) * 30 * (double)MINUTE);
            int64_t converted = converts_at(entered, dwell, c->night);
            bool converts = dice_chance(&d, RATE);

            happen(entered, ++id, "a");
            if (converts && (c->outage == 0 || converted < T0 + c->outage))
                happen(converted, id, "b");
        }
    qsort(happenings, count, sizeof(*happenings), happening_compare);
}

/* When an alert first fired, since T0; -1: never. */
static int64_t first_alert(const struct case_of *c, uint64_t seed)
{
    char text[1000];
    int64_t first = -1;
    struct pipe k;

    make(c, seed);
    snprintf(text, sizeof(text), yaml, c->target, c->dwell);
    pipe_open(&k, text, 1);
    for (size_t i = 0; i < count && happenings[i].at < T0 + c->last; i++) {
        snprintf(text, sizeof(text), "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64 "}",
                 happenings[i].id, happenings[i].stage, happenings[i].at);
        pipe_log_add(&k.log, 0, -1, text);
    }
    pipe_say(&k, "{\"entity_id\":0,\"stage\":\"a\",\"ts\":%" PRId64 "}", T0 + c->last);
    for (size_t i = 0; i < k.out.count && first < 0; i++)
        if (strcmp(pipe_field(&k.out, i, NULL, "status"), "firing") == 0)
            first = k.out.items[i].timestamp - T0;
    pipe_close(&k);
    free(happenings);
    happenings = NULL;
    count = cap = 0;
    return first;
}

static double hours(int64_t at)
{
    return (double)at / (double)HOUR;
}

/* What is configured is true, or off by what people are off. */
Test(detect_cold, first_nights_are_no_alert)
{
    static const struct case_of cases[] = {
        {"0.4", "30m", 0.4, 0, 6 * DAY},
        {"0.48", "20m", 0.4, 0, 6 * DAY},
        {"0.4", "45m", 0.6, 0, 6 * DAY},
    };
    size_t some = getenv("TEST_LIGHT") ? 1 : sizeof(cases) / sizeof(cases[0]);

    for (size_t i = 0; i < some; i++) {
        int64_t at = first_alert(&cases[i], 3 + i);

        cr_expect(at < 0, "case %zu: fired after %.1f hours", i, hours(at));
    }
}

static void expect_found(const struct case_of *c)
{
    int64_t at = first_alert(c, 5);

    cr_expect(at >= c->outage && at <= c->outage + HOUR, "outage at hour %.1f: fired at %.1f",
              hours(c->outage), hours(at));
}

Test(detect_cold, outage_on_the_first_day_is_found_within_an_hour)
{
    expect_found(&(struct case_of){"0.4", "30m", 0.4, 5 * HOUR, 7 * HOUR});
}

Test(detect_cold, outage_on_the_second_day_is_found_within_an_hour)
{
    expect_found(&(struct case_of){"0.48", "20m", 0.4, 25 * HOUR, 27 * HOUR});
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Visitors of a made-up funnel over days and weeks, for what is learned of and found in them: a steady stream, and
 * changes to it. A function of its plan alone. Its truth is known: what each change has cost. */
#ifndef TESTS_TRAFFIC_H
#define TESTS_TRAFFIC_H

#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */

/* From `from` on until `to`. Several at once multiply. */
struct traffic_change {
    int64_t from, to;
    const char *channel; /* "ads", "seo"; NULL: both */
    int step;            /* whose rate; 0: of the first two stages */
    double entries;      /* times as many come */
    double rate;         /* times as many convert of those that begin the step in it */
    double spoilt;       /* share of events with one beside it that has a stage nobody knows */
};

/* From `from` on everything takes so many times as long. */
struct traffic_pace {
    int64_t from;
    const char *channel; /* "ads", "seo"; NULL: both */
    double times;        /* 0: as usual */
};

#define TRAFFIC_CHANGES 12
struct traffic_plan {
    uint64_t seed;
    int64_t from, to;
    int stages;        /* "a", "b", ... */
    double per_minute; /* entries, half of either channel; at most 2 */
    double rate;       /* of every step; conversions come within an hour */
    struct traffic_pace pace;
    size_t change_count;
    struct traffic_change changes[TRAFFIC_CHANGES];
};

/* Events have an amount: 10 of ads, 30 of seo. */
#define TRAFFIC_ADS 10
#define TRAFFIC_SEO 30

struct traffic {
    struct traffic_plan plan;
    struct traffic_event {
        int64_t at;
        int id;
        char stage;
        bool ads;
    } * events; /* in the order of time */
    size_t count, cap, told;
    struct traffic_loss {
        int64_t at; /* when it would have converted */
        int step, conversions, amount;
    } * losses; /* negative: gains */
    size_t loss_count, loss_cap;
};

void traffic_make(struct traffic *t, const struct traffic_plan *plan);
void traffic_deinit(struct traffic *t);
/* What comes before `until` and was not told yet, in one batch. */
void traffic_tell(struct traffic *t, struct pipe *k, int64_t until);
/* Conversions of a step that did not come in [from, to) but would have, and their amount. */
struct traffic_lost {
    double conversions, amount;
};
struct traffic_lost traffic_lost(const struct traffic *t, int step, int64_t from, int64_t to);

#endif

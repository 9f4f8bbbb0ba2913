/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own figures, asked for over HTTP, and what they were an hour of event time ago. */
#ifndef CLI_DEMO_REPORT_H
#define CLI_DEMO_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/demo_scenario.h"
#include "funnel/buf.h"

/* Sums since the beginning. */
struct demo_sums {
    int64_t at_ms; /* event time they stand at */
    int64_t entries[SHOP_STEPS], conversions[SHOP_STEPS];
    int64_t reached[SHOP_STAGES];
};

enum { DEMO_SUMS_MAX = 256 };

/* Zero-initialised is empty. */
struct demo_report {
    bool there;       /* at least one answer was understood */
    int64_t begin_ms; /* event time of the first event */
    int64_t events, entities, deadletters;
    struct demo_sums now;
    struct demo_sums past[DEMO_SUMS_MAX]; /* a ring, at least half an event minute apart */
    size_t first, count;
    char wrong[256]; /* the last thing that went wrong */
};

/* One GET on loopback; waits at most timeout_ms for each piece. The HTTP status, with the body appended
 * to it, or -1. */
int demo_http_get(int port, const char *path, int timeout_ms, struct buf *body);

void demo_report_fetch(struct demo_report *r, int port);
/* What was added in the last hour of event time, or a little more: since the youngest sums that are an
 * hour old, or since the beginning. */
struct demo_sums demo_report_hour(const struct demo_report *r, int64_t *ret_minutes);

/* A TCP port of 127.0.0.1 that is free now; 0 when there is none. */
int demo_port_free(void);

#endif

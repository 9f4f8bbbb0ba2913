/* SPDX-License-Identifier: Apache-2.0 */
/* One running demo: its processes, its clients, its clock. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/demo_alerts.h"
#include "cli/demo_child.h"
#include "cli/demo_generator.h"
#include "cli/demo_kafka.h"
#include "cli/demo_report.h"
#include "cli/demo_story.h"
#include "cli/demo_words.h"

struct demo {
    /* What was asked for. */
    bool once;
    enum demo_language language;
    int64_t minutes_per_second; /* event minutes */
    uint64_t seed;
    const char *port_file; /* NULL: none */
    int timeout_s;         /* of once */

    struct demo_child broker, daemon;
    char folder[256]; /* private; "" before it is made */
    char daemon_log[320];
    char bootstrap[128];
    int http_port;

    struct demo_generator *generator;
    struct demo_producer *producer;
    struct demo_consumer *consumer;
    struct demo_report report;
    struct demo_alerts alerts;
    struct demo_story story;
    int64_t deadletters;  /* read from their topic */
    char deadletter[256]; /* reason and beginning of the last one */

    sigset_t signals; /* the ones that end it; blocked */
    bool screen;
    int64_t begun_ms;           /* by the monotonic clock */
    int64_t tick_ms;            /* the same, of the last tick */
    int64_t report_ms, draw_ms; /* the same, of the last report and frame */
    int64_t start_ms, now_ms;   /* event time: the script's start, and where the generator is */
    uint64_t events;            /* sent */
};

enum demo_end {
    DEMO_GOES_ON,
    DEMO_DONE,        /* once: the alert fired and resolved */
    DEMO_STOPPED,     /* by a signal, or nobody reads stdout any more */
    DEMO_TIMEOUT,     /* once: it did not */
    DEMO_CHILD_ENDED, /* before its time */
    DEMO_ERROR,       /* error[] says which */
};

/* Runs until there is a reason not to. */
enum demo_end demo_loop(struct demo *d, char error[256]);
int64_t demo_monotonic_ms(void);

#endif

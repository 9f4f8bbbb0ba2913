/* SPDX-License-Identifier: Apache-2.0 */
/* `funneld run`: intake, machines, outbox, transactions and HTTP on one loop. */
#ifndef SHELL_DAEMON_H
#define SHELL_DAEMON_H

#include <uv.h>

#include "funnel/pipeline.h"
#include "shell/config_load.h"
#include "shell/http.h"
#include "shell/intake.h"
#include "shell/life.h"
#include "shell/notify.h"
#include "shell/outbox.h"
#include "shell/start.h"
#include "shell/start_plan.h"
#include "shell/txn.h"

enum daemon_signal { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, SIGNAL_COUNT };

struct daemon {
    uv_loop_t loop;
    const struct config *config;
    struct start_flags flags;
    enum life life;
    int code; /* to exit with */
    struct kafka_health health;
    struct start start;
    bool starting; /* its job runs */
    struct start_plan plan;
    uint64_t cluster_hash;
    rd_kafka_t *consumer, *producer; /* producer: until the transactions have it, and after */
    struct pipeline_source *sources; /* of start; outlives it */
    size_t source_count;
    struct pipeline *pipeline;
    struct intake intake;
    struct outbox outbox;
    struct txn txn;
    struct http http;
    bool machines; /* the members from plan to txn are set up */
    uint64_t instance;
    enum flow_gate gate;
    int64_t shut_since;
    int64_t now; /* ms, of this turn */
    uv_signal_t signals[SIGNAL_COUNT];
    uv_timer_t tick;     /* 1 s: status line, flow */
    uv_timer_t due;      /* the next transaction */
    uv_timer_t deadline; /* of draining, then of closing */
    uv_timer_t watchdog;
    uv_prepare_t prepare;                    /* measures turns */
    uint64_t turn_from, turn_idle, turn_max; /* ns */
    struct notify_pulse pulse;
    uv_work_t closing;
    bool closing_begun;
};

/* Runs until stopped; returns the exit code. Logging is set up. */
int daemon_run(const struct config *config, const struct start_flags *flags);

/* --- between the daemon's own files --- */
void daemon_event(struct daemon *d, enum life_event event, int code, const char *why);
void daemon_pump(struct daemon *d); /* daemon_flow.c: gate, skew, commits */
void daemon_freeze_points(struct daemon *d);
void daemon_close_soon(struct daemon *d); /* daemon_close.c; again whenever something has ended */
void daemon_deadline(struct daemon *d, int64_t ms);
extern const struct http_route daemon_routes[]; /* daemon_http.c */
bool daemon_ready(struct daemon *d, struct buf *body);
void daemon_status_line(struct daemon *d);
int daemon_rebuild_plan(struct daemon *d, char why[512]); /* daemon_rebuild.c */
int daemon_rebuild_begin(struct daemon *d, char why[512]);
int daemon_rebuild_end(struct daemon *d, char why[512]);

#endif

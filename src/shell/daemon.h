/* SPDX-License-Identifier: Apache-2.0 */
/* `funneld run`: intake, machines, outbox, transactions, snapshots, decisions and HTTP on one loop. */
#ifndef SHELL_DAEMON_H
#define SHELL_DAEMON_H

#include <uv.h>

#include "funnel/pipeline.h"
#include "shell/config_load.h"
#include "shell/control_hold.h"
#include "shell/decision_log.h"
#include "shell/http.h"
#include "shell/intake.h"
#include "shell/life.h"
#include "shell/notify.h"
#include "shell/outbox.h"
#include "shell/probe.h"
#include "shell/quiet.h"
#include "shell/reconcile.h"
#include "shell/restore.h"
#include "shell/snapshot.h"
#include "shell/snapshot_due.h"
#include "shell/start.h"
#include "shell/start_plan.h"
#include "shell/state_dir.h"
#include "shell/state_file.h"
#include "shell/txn.h"

enum daemon_signal { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, SIGNAL_COUNT };

struct daemon_options {
    const char *path; /* of the configuration, to read it again */
    struct start_flags flags;
};

/* Another configuration on its way into the machines. */
struct daemon_switch {
    struct config next;   /* empty: none */
    bool waits;           /* for the first durable snapshot, or for room in the metadata */
    bool reloading;       /* the service manager waits for READY=1 */
    uint64_t uncommitted; /* last decision of one that is not committed yet; 0: none */
};

/* What no machine goes by and a reload may change: of the newest file that was taken, at once. */
struct daemon_keys {
    int64_t idle_after, idle_lateness, heartbeat, snapshot, shutdown_timeout; /* ms */
    int64_t outbox;                                                           /* bytes */
};

struct daemon_counts {
    uint64_t decisions, controls, controls_refused, reloads, reloads_refused;
    uint64_t snapshots, snapshots_failed;
    uint64_t reconciled;
};

struct daemon {
    uv_loop_t loop;
    const struct config *config; /* as at start: what cannot change goes by it */
    struct config machine;       /* what the machines go by: later ones differ from the first */
    struct daemon_keys keys;     /* what the shell alone goes by */
    struct daemon_options options;
    enum life life;
    int code; /* to exit with */
    struct kafka_health health;
    struct start start;
    bool starting; /* its job runs */
    struct start_plan plan;
    struct state_dir dir;
    struct state_file
        *found; /* owned: the snapshots the folder has, newest first; until one is loaded */
    size_t found_count;
    struct restore restore;
    bool restoring; /* its job runs */
    struct reconcile reconcile;
    bool reconciling;                /* its job runs */
    bool reconcile_due;              /* as soon as everything that fires has been told */
    bool still;                      /* for it: no machine moves */
    const struct start_way *way;     /* of the plan: how the machines were made */
    size_t cut;                      /* of the plan: the next one */
    rd_kafka_t *consumer, *producer; /* producer: until the transactions have it, and after */
    struct pipeline_source *sources; /* of start; outlives it; the control topic's come last */
    size_t source_count;             /* of the inputs */
    size_t part_count;               /* the control topic's partitions too */
    struct pipeline *pipeline;
    struct intake intake;
    struct outbox outbox;
    struct txn txn;
    struct decision_log decisions;
    struct control_hold controls;
    struct quiet quiet;
    struct probe probe;
    struct daemon_lost {
        int64_t offset, at; /* an offset that is not in its log, found so at (ms); -1: none */
    } * lost;               /* owned; by source */
    struct snapshot snapshot;
    struct snapshot_book book;
    int64_t *saved, *taken;                /* owned; S of the newest durable one, of the last one */
    int64_t *retention_ms;                 /* owned; of each partition's topic; -1 */
    int64_t snapshot_begun, snapshot_aged; /* ms; the last one; the newest durable one; -1 */
    int64_t snapshot_at;                   /* when to ask again whether one is due */
    bool snapshot_stopping;                /* the clean stop's was taken, or will not be */
    bool anchored;                         /* the frozen outbox waits for its snapshot */
    bool commit_now;                       /* a transaction is due, whatever was read */
    struct daemon_switch other;
    bool reload_later; /* SIGHUP came before it ran */
    int64_t heartbeat_at;
    struct daemon_counts counts;
    struct http http;
    bool machines; /* the members from intake to snapshot are set up */
    uint64_t instance;
    enum flow_gate gate;
    int64_t shut_since;
    int64_t now; /* ms, of this turn */
    int64_t running_since;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_timer_t tick;     /* 1 s: status line, flow, decisions */
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
int daemon_run(const struct config *config, const struct daemon_options *options);

/* --- between the daemon's own files --- */
void daemon_event(struct daemon *d, enum life_event event, int code, const char *why);
void daemon_die(struct daemon *d, int code, const char *why);
/* daemon_restore.c: from the facts of the start to machines */
void daemon_plan(struct daemon *d);
void daemon_restored_close(struct daemon *d);
/* daemon_rebuild.c: from the machines' place to the committed one */
void daemon_rebuild_begin(struct daemon *d);
void daemon_rebuild_reached(struct daemon *d); /* every partition stands at its stop */
int daemon_rebuild_end(struct daemon *d, char why[512]);
/* daemon_flow.c: gate, skew, commits */
void daemon_pump(struct daemon *d);
void daemon_freeze_points(struct daemon *d);
/* daemon_decide.c: what the log does not say */
int64_t daemon_wall_ms(void);
bool daemon_decide(struct daemon *d, struct decision *decision);
void daemon_decide_tick(struct daemon *d);
void daemon_probed(void *daemon);
void daemon_lost(void *daemon, size_t part, int64_t offset);
/* daemon_control.c */
void daemon_control(struct daemon *d, const struct message *messages, size_t count);
void daemon_control_pump(struct daemon *d); /* there may be room again for those that wait */
/* daemon_snapshot.c */
void daemon_snapshot_frozen(struct daemon *d); /* right after an outbox was frozen */
bool daemon_snapshot_last(struct daemon *d);   /* at a clean stop: nothing more to wait for */
void daemon_snapshot_confirmed(struct daemon *d, uint64_t seq);
void daemon_snapshot_done(void *daemon, const struct snapshot_result *result);
int64_t daemon_snapshot_due(struct daemon *d); /* when a transaction is due for its sake */
size_t daemon_meta_bytes(const struct daemon *d);
/* daemon_reconcile.c */
void daemon_reconcile_pump(struct daemon *d);
/* daemon_switch.c */
void daemon_keys_take(struct daemon *d, const struct settings *s);
void daemon_switch_file(struct daemon *d); /* the file is another one than the machines go by */
void daemon_reload(struct daemon *d);      /* SIGHUP */
void daemon_switch_begin(struct daemon *d, struct config *next); /* takes *next over */
void daemon_switch_pump(struct daemon *d);
void daemon_switch_committed(struct daemon *d); /* after each confirmed transaction */
/* Applies a switch to the machines; the records go to `out`. */
void daemon_switch_machines(struct daemon *d, struct config *next, struct records *out);

void daemon_close_soon(struct daemon *d); /* daemon_close.c; again whenever something has ended */
void daemon_deadline(struct daemon *d, int64_t ms);
extern const struct http_route daemon_routes[]; /* daemon_http.c */
bool daemon_ready(struct daemon *d, struct buf *body);
void daemon_status_line(struct daemon *d);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics in the Prometheus text format, from tables: the core's counters and gauges, the shell's own. */
#ifndef SHELL_METRICS_H
#define SHELL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/counters.h"
#include "funnel/pipeline.h"

/* Members of struct pipeline_gauges: X(member, "name", "help"). Absent times are left out. */
#define METRICS_GAUGES(X) \
    X(entities, "entities", "Entities in all tables") \
    X(entity_bytes, "entity_bytes", "Memory of the entity tables") \
    X(reordering, "events_reordering", "Events waiting to be put in order") \
    X(waiting, "events_waiting", "Events waiting as a jump into the future") \
    X(series, "series", "Judged series") \
    X(leaves, "leaves", "Combinations of dimension values") \
    X(alerts_firing, "alerts_firing", "Alerts that fire now") \
    X(alerts_pending, "alerts_pending", "Alerts about to fire")

/* The shell's: X(ID, type, "name", "help", "advice"). Values are doubles. */
#define METRICS_SHELL(X) \
    X(READY, gauge, "ready", "1 when /ready says yes", "Ask /ready for the reasons") \
    X(COMMITS, counter, "transactions_total", "Transactions committed", "") \
    X(ABORTS, counter, "transaction_aborts_total", "Transactions aborted", \
      "Look at the log and the brokers") \
    X(RESENDS, counter, "transaction_resends_total", "Outboxes sent again after an abort", "") \
    X(RENEWALS, counter, "producer_renewals_total", "Producers replaced after being fenced", \
      "Look for a second instance, or raise transaction.timeout.ms") \
    X(COMMIT_SECONDS, counter, "commit_seconds_total", \
      "Time from freezing an outbox to its confirmation", "") \
    X(COMMIT_MAX, gauge, "commit_max_seconds", "The longest of them since start", "") \
    X(ALERTS_PUBLISHED, counter, "alerts_published_total", \
      "Alert records handed to Kafka, re-sends too", "") \
    X(DEADLETTERS_PUBLISHED, counter, "deadletters_published_total", \
      "Dead letters handed to Kafka, re-sends too", "") \
    X(ALERTS_DROPPED, counter, "alerts_dropped_total", "Alerts above 64 KiB: a bug", "Report it") \
    X(DEADLETTERS_DROPPED, counter, "deadletters_dropped_total", \
      "Dead letters that were too large, or whose topic refuses them", \
      "Repair the topic or its ACLs") \
    X(DEADLETTERS_OFF, gauge, "deadletters_off", "1 when their topic refuses dead letters", \
      "Repair the topic or its ACLs, then restart") \
    X(OUTBOX_BYTES, gauge, "outbox_bytes", "Output not yet in a transaction", "") \
    X(GATE, gauge, "intake_shut", "1 while messages wait for a transaction", \
      "Look at the brokers' latency") \
    X(STALE, counter, "messages_rewound_total", \
      "Messages seen again below the next offset, and dropped", "") \
    X(TURN_MAX, gauge, "loop_turn_max_seconds", "The longest turn of the loop since start", "") \
    X(BOOTSTRAP, gauge, "bootstrapping", "1 while a first start reads what it will not publish", \
      "") \
    X(DECISIONS, counter, "decisions_total", \
      "Times at which the clock, an operator or a reload entered the machines", "") \
    X(DECISION_BYTES, gauge, "decision_bytes", \
      "Decisions in the commit metadata of one partition, at most; a snapshot is forced at 2048", \
      "Look why no snapshot becomes durable") \
    X(SNAPSHOTS, counter, "snapshots_total", "Snapshots that became durable", "") \
    X(SNAPSHOTS_FAILED, counter, "snapshots_failed_total", "Snapshots that could not be taken", \
      "Look at the log, and at the disk of state.dir") \
    X(SNAPSHOT_AGE, gauge, "snapshot_age_seconds", \
      "Age of the newest durable snapshot; -1: none. None is taken while nothing happens", \
      "Look at the log") \
    X(RETENTION_USED, gauge, "snapshot_age_retention_ratio", \
      "That age as a part of the shortest retention of the inputs; 0 where it is not known", \
      "Raise the retention of the inputs, or lower state.snapshot") \
    X(RELOADS, counter, "reloads_total", "Configurations taken at SIGHUP", "") \
    X(RELOADS_REFUSED, counter, "reloads_refused_total", "Configurations refused at SIGHUP", \
      "Look at the log: the old one is still in force") \
    X(CONTROLS, counter, "control_records_total", "Silences and interventions taken", "") \
    X(CONTROLS_REFUSED, counter, "control_records_refused_total", \
      "Records of the control topic that could not be used", "Look at the log") \
    X(BROKERS_DOWN, gauge, "brokers_down", "1 while no broker can be reached", \
      "Look at the brokers")

enum metric {
#define METRICS_ENUM(id, type, name, help, advice) METRIC_##id,
    METRICS_SHELL(METRICS_ENUM)
#undef METRICS_ENUM
        METRIC_COUNT
};

struct metrics_part {
    const char *topic;
    int32_t partition;
    int64_t lag; /* -1: unknown */
    unsigned paused;
    uint64_t messages;
    int64_t watermark; /* ms; INT64_MIN: none */
};

struct metrics_source {
    const char *topic;
    double lambda, threshold;
    int64_t dark_panes;
    bool silent; /* its no_data alert fires */
};

struct metrics_view {
    const char *state; /* the daemon's */
    const char *version;
    double shell[METRIC_COUNT];
    const struct counters *counters; /* NULL before there is a pipeline, as gauges */
    const struct pipeline_gauges *gauges;
    const struct metrics_part *parts;
    size_t part_count;
    const struct metrics_source *sources;
    size_t source_count;
};

void metrics_write(const struct metrics_view *v, struct buf *out);

#endif

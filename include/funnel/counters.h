/* SPDX-License-Identifier: Apache-2.0 */
/* What the machines count. One table: /metrics names, types and HELP come from it. */
#ifndef FUNNEL_COUNTERS_H
#define FUNNEL_COUNTERS_H

#include <stdint.h>

#include "funnel/decode.h"

/* X(id, "metric name without prefix", "what it says", "what to do when it grows; empty where nothing") */
#define COUNTERS_TABLE(X) \
    X(MESSAGES, "messages_total", "Messages taken from the inputs", "") \
    X(EVENTS, "events_total", "Events decoded from them", "") \
    X(UNWANTED, "events_unwanted_total", "Events no funnel's where wanted", \
      "Check the funnels' where and the events' funnel field") \
    X(LATE, "events_late_total", "Events behind their partition's watermark", \
      "Raise time.lateness") \
    X(DUPLICATES, "events_duplicate_total", "Events whose id was seen before (dedupe)", "") \
    X(IGNORED, "events_ignored_total", "Events without effect, by the funnel's policies", "") \
    X(ACTIONS, "events_action_total", "Events that are actions, not stages", "") \
    X(ENTITIES_CREATED, "entities_created_total", "Entities that began a first attempt", "") \
    X(ENTITIES_FORGOTTEN, "entities_forgotten_total", \
      "Entities unmoved for forget_after, deletes, and those whose stage a reload took away", "") \
    X(ENTITIES_REFUSED, "entities_refused_total", "Events of new entities beyond limits.entities", \
      "Raise limits.entities or lower forget_after") \
    X(VALUES_REFUSED, "values_refused_total", \
      "Dimension values beyond limits.values, counted as __other__", \
      "Raise limits.values or list the values that matter") \
    X(LEAVES_REFUSED, "leaves_refused_total", \
      "Combinations beyond limits.leaves, counted as __other__", \
      "Use fewer dims, or raise limits.leaves") \
    X(SERIES_REFUSED, "series_refused_total", \
      "Leaves that no segment of theirs could be made for: beyond 1024 of one kind, not watched", \
      "Use fewer dims in segments and by, or a lower top") \
    X(BREAKDOWNS_REFUSED, "breakdown_values_refused_total", \
      "Breakdown values beyond limits.breakdown_values, counted as __other__", \
      "Raise limits.breakdown_values") \
    X(REORDER_OVERFLOW, "reorder_overflow_total", "Events released early, at limits.reorder", \
      "Raise limits.reorder or lower time.lateness") \
    X(DEDUPE_OVERFLOW, "dedupe_overflow_total", "Event ids forgotten early, at limits.dedupe", \
      "Raise limits.dedupe or shorten dedupe") \
    X(WAITING_FUTURE, "events_waiting_total", "Events held back as a jump into the future", \
      "Check the producers' clocks") \
    X(SPLIT_KEYS, "split_keys_total", \
      "Ids found in more than one partition, counted in each funnel; one id in 4096 is watched", \
      "Key the topic by its entity id") \
    X(PANES_CLOSED, "panes_closed_total", "Panes the judges closed", "") \
    X(CONTROLS_REFUSED, "controls_refused_total", \
      "Silences and interventions beyond their caps, or without meaning to their funnel", \
      "Expire silences; see the daemon's log for what they were") \
    X(ALERTS, "alert_records_total", "Alert records put out", "") \
    X(CONSERVATION, "conservation_errors_total", "Steps whose sums did not balance: a bug", \
      "Report it, with the snapshot")

enum counter {
#define COUNTERS_ENUM(id, name, help, advice) COUNTER_##id,
    COUNTERS_TABLE(COUNTERS_ENUM)
#undef COUNTERS_ENUM
        COUNTER_COUNT
};

/* Zeroed is valid. Added up over machines by the reader. */
struct counters {
    uint64_t n[COUNTER_COUNT];
    uint64_t rejects[REJECT_COUNT]; /* dead letters by reason */
};

#endif

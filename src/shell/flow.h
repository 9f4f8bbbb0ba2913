/* SPDX-License-Identifier: Apache-2.0 */
/* Back-pressure: when to stop taking messages, and when a partition waits for the others. Pure. */
#ifndef SHELL_FLOW_H
#define SHELL_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_PATIENCE_MS \
    5000 /* not draining longer than this, partitions are paused in Kafka's sense */

/* Why a partition is paused; it is paused while any bit is set. */
enum flow_reason {
    FLOW_SKEW = 1,
    FLOW_BARRIER = 2,
    FLOW_FULL = 4,
    FLOW_STILL = 8,
    FLOW_CONTROL = 16
};

enum flow_gate {
    FLOW_OPEN,
    FLOW_SHUT,   /* the queue is left alone: cheap, but errors and logs wait too */
    FLOW_PAUSED, /* partitions are paused, the queue is served */
};

struct flow_view {
    size_t bytes, limit; /* of the open outbox */
    bool busy;           /* a transaction holds the other outbox */
    int64_t shut_since, now;
};
enum flow_gate flow_gate_next(enum flow_gate gate, const struct flow_view *v);

struct flow_lead {
    bool ahead;         /* beyond max_skew, as the machines see it */
    int64_t lead_ms;    /* watermark minus the slowest one's; INT64_MAX: that one has none */
    int64_t limit_ms;   /* max_skew as time */
    bool slowest_waits; /* the slowest stands at its barrier: waiting for it would be for ever */
};
/* Hysteresis: paused beyond the limit, resumed within half of it. */
bool flow_skewed(bool was, const struct flow_lead *l);

#endif

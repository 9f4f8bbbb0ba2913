/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an alert as a table. Step and deadline ask the same function when an edge is due, so
 * a caller that sleeps until the deadline sees what one that asks every millisecond sees. */
#include <stddef.h>

#include "funnel/alert.h"

/* What an edge waits for, beyond its verdict. */
enum alert_wait {
    WAIT_NOTHING,
    WAIT_PENDING, /* pending_ms since the state began */
    WAIT_HOLD,    /* hold_ms since the firing: back from resolving, the hold does not start again */
    WAIT_CLEAR,   /* resolve_after_ms since the state began */
};

struct alert_edge {
    enum alert_state from;
    enum alert_verdict verdict;
    enum alert_wait wait;
    enum alert_state to;
    enum alert_turn turn;
};

/* The diagram. What is not here leaves the state alone. The edges of one verdict form no cycle, so
 * a step may follow several (pending_ms = 0: quiet, pending, firing) and ends; none passes two
 * turns. */
static const struct alert_edge EDGES[] = {
    {ALERT_QUIET, VERDICT_BREACH, WAIT_NOTHING, ALERT_PENDING, TURN_NONE},
    {ALERT_PENDING, VERDICT_BREACH, WAIT_PENDING, ALERT_FIRING, TURN_FIRE},
    {ALERT_PENDING, VERDICT_BETWEEN, WAIT_NOTHING, ALERT_QUIET, TURN_NONE},
    {ALERT_PENDING, VERDICT_CLEAR, WAIT_NOTHING, ALERT_QUIET, TURN_NONE},
    {ALERT_FIRING, VERDICT_CLEAR, WAIT_HOLD, ALERT_RESOLVING, TURN_NONE},
    {ALERT_RESOLVING, VERDICT_CLEAR, WAIT_CLEAR, ALERT_QUIET, TURN_RESOLVE},
    {ALERT_RESOLVING, VERDICT_BETWEEN, WAIT_NOTHING, ALERT_FIRING, TURN_NONE},
    {ALERT_RESOLVING, VERDICT_BREACH, WAIT_NOTHING, ALERT_FIRING, TURN_NONE},
};

static const struct alert_edge *edge_find(enum alert_state from, enum alert_verdict verdict)
{
    for (size_t i = 0; i < sizeof(EDGES) / sizeof(EDGES[0]); i++) {
        if (EDGES[i].from == from && EDGES[i].verdict == verdict)
            return &EDGES[i];
    }
    return NULL;
}

static int64_t add_capped(int64_t start, int64_t wait)
{
    int64_t sum;

    return __builtin_add_overflow(start, wait, &sum) ? INT64_MAX : sum;
}

/* An edge that waits for nothing has been due for ever. */
static int64_t edge_due(const struct alert_edge *edge, const struct alert_life *life,
                        const struct alert_timing *timing)
{
    switch (edge->wait) {
    case WAIT_PENDING:
        return add_capped(life->since_ms, timing->pending_ms);
    case WAIT_HOLD:
        return add_capped(life->fired_ms, timing->hold_ms);
    case WAIT_CLEAR:
        return add_capped(life->since_ms, timing->resolve_after_ms);
    case WAIT_NOTHING:
        break;
    }
    return ETIME_MIN_MS;
}

static void life_move(struct alert_life *life, const struct alert_edge *edge, struct etime at)
{
    life->state = edge->to;
    life->since_ms = at.ms;
    if (edge->turn == TURN_FIRE)
        life->fired_ms = at.ms;
}

enum alert_turn alert_life_step(struct alert_life *life, const struct alert_timing *timing,
                                enum alert_verdict verdict, struct etime at)
{
    enum alert_turn turn = TURN_NONE;
    const struct alert_edge *edge;

    while ((edge = edge_find(life->state, verdict)) && at.ms >= edge_due(edge, life, timing)) {
        life_move(life, edge, at);
        if (edge->turn != TURN_NONE)
            turn = edge->turn;
    }
    return turn;
}

struct etime alert_life_deadline(const struct alert_life *life, const struct alert_timing *timing,
                                 enum alert_verdict verdict)
{
    const struct alert_edge *edge = edge_find(life->state, verdict);

    return edge ? (struct etime){edge_due(edge, life, timing)} : ETIME_NONE;
}

const char *alert_state_name(enum alert_state s)
{
    static const char *const NAMES[] = {
        [ALERT_QUIET] = "quiet",
        [ALERT_PENDING] = "pending",
        [ALERT_FIRING] = "firing",
        [ALERT_RESOLVING] = "resolving",
    };

    return NAMES[s];
}

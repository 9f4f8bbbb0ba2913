/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/flow.h"

enum flow_gate flow_gate_next(enum flow_gate gate, const struct flow_view *v)
{
    if (gate == FLOW_OPEN)
        return v->busy && v->bytes >= v->limit ? FLOW_SHUT : FLOW_OPEN;
    if (!v->busy || v->bytes < v->limit / 2)
        return FLOW_OPEN;
    if (gate == FLOW_SHUT && v->now - v->shut_since >= FLOW_PATIENCE_MS)
        return FLOW_PAUSED;
    return gate;
}

bool flow_skewed(bool was, const struct flow_lead *l)
{
    if (l->slowest_waits)
        return false;
    if (l->ahead)
        return true;
    /* INT64_MAX without `ahead`: no one is compared yet, so there is nothing to wait for. */
    return was && l->lead_ms != INT64_MAX && l->lead_ms > l->limit_ms / 2;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which silences were only quiet and which were outages. Decided when one ends, by what was known when it began. */
#include "funnel/pulse_parts.h"

/* Quiet ones are learned, outages are not; nor is what has a gap in it, or lost records. Before rates are known all
 * others are. */
void pulse_end_silence(struct pulse *p, int64_t pane)
{
    bool broken = p->silent_gap || p->data_gap.firing;
    int64_t from = p->silent_from;

    if (p->first == INT64_MIN)
        pulse_ranges_add(&p->outages, pane, pane);
    if (from != INT64_MIN) {
        bool beyond = pulse_rate_silence(&p->rate, from, pane - 1) > PULSE_QUIET;

        if (!broken && !(beyond && p->rate.known))
            pulse_rate_learn_silence(&p->rate, from, pane - 1);
        if (broken || beyond)
            pulse_ranges_add(&p->outages, from, pane);
    }
    pulse_ranges_add(&p->active, pane, pane);
    p->silent_from = INT64_MIN;
    p->silent_gap = false;
}

int64_t pulse_next_active(const struct pulse *p, int64_t from, int64_t to)
{
    int64_t end;

    return pulse_ranges_cover(&p->active, from, to, &end) ? from : end + 1;
}

bool pulse_was_outage(const struct pulse *p, int64_t pane)
{
    return pulse_ranges_find(&p->outages, pane) != NULL;
}

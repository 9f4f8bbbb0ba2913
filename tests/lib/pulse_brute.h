/* SPDX-License-Identifier: Apache-2.0 */
/* The pulse's rules once more, pane by pane and by their definitions, with everything learned kept apart. */
#ifndef TESTS_PULSE_BRUTE_H
#define TESTS_PULSE_BRUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/zone.h"

/* What is known of one pane once all parts have closed it. */
struct brute_pane {
    int64_t events, lost;
    bool clock, gap; /* closed so for all parts */
    /* What comes of it. */
    bool dark;
    int64_t stale_before;
    bool active, ended_outage; /* it has events; the silence that it ended was an outage */
};

/* Fills in what comes of count panes from `from` on, and a story as pulse_rig_story()'s, panes as they are.
 * unmuted_from: alerts are told from this pane on. */
void pulse_brute(struct brute_pane *panes, size_t count, int64_t from, int64_t pane_ms,
                 const struct zone *zone, double budget, int64_t unmuted_from,
                 struct buf *ret_story);

#endif

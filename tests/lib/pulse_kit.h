/* SPDX-License-Identifier: Apache-2.0 */
/* A pulse alone, told what its tallies would note, and what it puts out as a story. */
#ifndef TESTS_PULSE_KIT_H
#define TESTS_PULSE_KIT_H

#include "funnel/pulse_parts.h"
#include "lib/pipe_kit.h"

struct pulse_rig {
    struct settings settings;
    struct settings_input input;
    struct zone *zone;
    struct pulse *p;
    size_t parts;
    int64_t base; /* panes of the story count from here */
    struct records out;
    struct buf text;
};

void pulse_rig_open(struct pulse_rig *r, size_t parts, int64_t pane_ms, const char *zone);
void pulse_rig_close(struct pulse_rig *r);
void pulse_rig_note(struct pulse_rig *r, size_t part, struct pulse_note note);
/* All parts: n events of the pane (in the first one) and its close, by the clock if it is dark; a step. */
void pulse_rig_pane(struct pulse_rig *r, int64_t pane, int64_t n, bool dark);
/* Panes from..to are closed in one advance, by the clock if it is dark; as a gap where it is longer than a day. */
void pulse_rig_pass(struct pulse_rig *r, int64_t from, int64_t to, bool dark);
void pulse_rig_reload(struct pulse_rig *r); /* saved, and loaded into another one */

/* "firing no_data@12 1 0..12; …": status, alert, pane it was judged at the end of, sequence, window in panes; of
 * the records since the last call. Borrowed until the next. */
const char *pulse_rig_story(struct pulse_rig *r);

/* Events of a Poisson process in a time in which `mean` are expected. */
int64_t pulse_rig_poisson(struct dice *d, double mean);

#endif

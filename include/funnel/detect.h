/* SPDX-License-Identifier: Apache-2.0 */
/* The detector of one funnel: has a step's conversion changed? Observed less expected conversions by age, as CUSUMs for
 * every series, on a budget of false alarms (DETECTION). Rules of kind drop, rise and volume ask it.
 *
 * What it learns and tests follows the panes of event time: the judge tells it of each pane in which a source had
 * events or that has cells; of the silent panes before it the expectation is charged then, or dropped where the
 * silence was an outage (pulse_was_outage). Nothing depends on when panes are closed. */
#ifndef FUNNEL_DETECT_H
#define FUNNEL_DETECT_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/alert.h"
#include "funnel/codec.h"
#include "funnel/record.h"

struct judge;
struct rule;
struct watch;
struct reading;
struct detect; /* members in detect_parts.h, for its own files, tests and explain */

/* NULL where no rule asks. After rules_init. */
struct detect *detect_new(const struct judge *j);
void detect_free(struct detect *d); /* accepts NULL */

/* --- a pane, in this order; j->detect must not be NULL --- */

/* A pane with events. What is silent before it is charged or dropped, before any of its cells is applied. False: the
 * pane itself does not count, and what follows here is left out: it is dark, or the detector is blind. */
bool detect_begin(struct judge *j, int64_t pane, bool dark);
/* The stays at risk in the pane: after entries and seeds, before exits. */
void detect_expose(struct judge *j, int64_t pane);
/* n stays of a leaf advanced at this age. Without effect in a pane that was not exposed. */
void detect_advance(struct judge *j, uint32_t leaf, int step, int bin, uint32_t n);
/* Tests; what fires, is updated or recovers tells its rule's watch. */
void detect_finish(struct judge *j, int64_t pane, struct records *out);
/* After the rules were stepped: what has been resolved is over. */
void detect_settle(struct judge *j, int64_t pane);
/* Leaves have moved between series. */
void detect_regroup(struct judge *j);

/* --- for the rules --- */

bool detect_is_kind(int rule_kind); /* drop, rise, volume */
/* What the watch's incident shows since its onset. Nothing but zeros where there is none. */
void detect_reading(const struct judge *j, const struct watch *w, int64_t pane,
                    struct reading *ret);
/* The same into the record: evidence, onset, where. `parts` has room for DETECT_PARTS_MAX and lives as the alert;
 * their texts go to `text`. */
#define DETECT_PARTS_MAX 32
struct alert_part;
void detect_fill(const struct judge *j, const struct watch *w, struct alert *a,
                 struct alert_part *parts, struct buf *text);

/* From now on counts by age are kept for explain, of each step's first series: 50 kB each. Nothing else changes. */
void detect_look(struct judge *j);

/* --- state --- */

void detect_save(const struct judge *j, struct codec_out *out);
void detect_load(struct judge *j, struct codec_in *in); /* into a new one of the same settings */
/* Under other settings of the same shape: what was learned goes on, and tests whose rule means the same.
 * series_map[old] = new or UINT32_MAX. */
void detect_take_over(struct judge *to, struct judge *from, const uint32_t *series_map);

#endif

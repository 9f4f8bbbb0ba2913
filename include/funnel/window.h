/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and conversions of one series and step, by slot of time.
 *
 * A rolling window is a whole number of panes in at most 60 equal slots; it is read where a slot ends, so it
 * always covers exactly its length. A calendar window is one slot: the period. */
#ifndef FUNNEL_WINDOW_H
#define FUNNEL_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/codec.h"
#include "funnel/settings.h"

#define WINDOW_SLOTS_MAX 60

struct window_def {
    int calendar;       /* CALENDAR_*, or -1: rolling */
    int64_t panes;      /* rolling: length */
    int64_t slot_panes; /* rolling: panes of one slot */
    int64_t slots;      /* slots of the window; calendar: 1 */
    int64_t ring;  /* slots kept: one more than are read, more where a rule looks further back */
    int64_t busy;  /* the last slot with anything in any series; INT64_MIN */
    int64_t since; /* windows hold all there was from this pane on; INT64_MIN: from the first */
};

struct window_sum {
    uint64_t entries, conversions;
};

struct window {
    int64_t head;              /* newest slot written; INT64_MIN */
    struct window_sum slots[]; /* ring */
};

/* A rolling length must be a whole number of panes. */
void window_def_init(struct window_def *d, const struct settings_window *w, int64_t pane_ms);
/* A rule reads windows that end `slots` earlier, too. */
void window_def_look_back(struct window_def *d, int64_t slots);
struct window *window_new(const struct window_def *d); /* mem_free */
/* slot: pane / slot_panes, or the calendar period's index. Never decreases. */
void window_add(struct window *w, const struct window_def *d, int64_t slot, uint64_t entries,
                uint64_t conversions);
/* An empty one takes over what another of the same slots holds, as far as its ring goes. */
void window_copy(struct window *w, const struct window_def *d, const struct window *from,
                 const struct window_def *of);
/* The whole window whose last slot is `last`; slots not written are empty. w may be NULL. */
struct window_sum window_read(const struct window *w, const struct window_def *d, int64_t last);
void window_save(const struct window *w, const struct window_def *d, struct codec_out *out);
struct window *window_load(const struct window_def *d,
                           struct codec_in *in); /* mem_free; NULL: failed */

#endif

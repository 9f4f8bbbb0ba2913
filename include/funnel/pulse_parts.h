/* SPDX-License-Identifier: Apache-2.0 */
/* What a pulse is made of: for its own files, for tests and explain. Times are panes unless they say ms. */
#ifndef FUNNEL_PULSE_PARTS_H
#define FUNNEL_PULSE_PARTS_H

#include "funnel/alert.h"
#include "funnel/controls.h"
#include "funnel/pulse.h"

/* --- pulse_ranges.c: runs of panes, ascending and apart. A zeroed one is empty. --- */

struct pulse_range {
    int64_t from, to; /* to >= from */
};
struct pulse_ranges {
    struct pulse_range *items; /* owned */
    size_t count, cap;
};
void pulse_ranges_deinit(struct pulse_ranges *r);
/* Behind, into or right after the last one: nothing before it. */
void pulse_ranges_add(struct pulse_ranges *r, int64_t from, int64_t to);
void pulse_ranges_forget(struct pulse_ranges *r, int64_t to); /* those that end up to there */
/* The one that holds the pane; NULL: none. */
const struct pulse_range *pulse_ranges_find(const struct pulse_ranges *r, int64_t pane);
/* True where the pane is in one; *ret_to: the last pane up to `to` of which the same is true without a break. */
bool pulse_ranges_cover(const struct pulse_ranges *r, int64_t pane, int64_t to, int64_t *ret_to);

/* --- pulse_rate.c: what is expected --- */

struct pulse_mean {
    double sum, weight;
};
struct pulse_rate {
    const struct zone *zone; /* borrowed */
    int64_t pane_ms;
    /* Learned, by hour of week; older weeks count less. */
    double events[PULSE_HOURS], panes[PULSE_HOURS];
    struct pulse_mean spread, bunches;
    double active;   /* of the panes learned, those with events */
    int64_t learned; /* panes in all */
    int64_t day;     /* up to which was forgotten; INT64_MIN */
    /* The hour that is being counted, by the local clock since 1970; INT64_MIN: none. */
    int64_t hour, hour_events, hour_panes, hour_squares;
    /* Derived from it at each day's first pane with events, and the same until the next. */
    bool known;
    double per_hour[PULSE_HOURS]; /* events */
    double per_pane[PULSE_HOURS]; /* arrivals: events / bunch */
    double per_week;              /* arrivals */
    double bunch, phi;            /* >= 1 */
};
void pulse_rate_init(struct pulse_rate *r, const struct zone *zone, int64_t pane_ms);
/* The first pane with events of a later day than the last one's: forgets, and derives anew. */
void pulse_rate_day(struct pulse_rate *r, int64_t pane);
void pulse_rate_derive(struct pulse_rate *r);
void pulse_rate_scale(struct pulse_rate *r); /* per_pane, per_week: of per_hour and bunch */
/* Learns a whole pane with events; panes without. In the order of time. */
void pulse_rate_learn(struct pulse_rate *r, int64_t pane, int64_t events);
void pulse_rate_learn_silence(struct pulse_rate *r, int64_t from, int64_t to);
/* Arrivals expected in panes `from` to `to`; rises with `to`. NaN: not known yet. */
double pulse_rate_lambda(const struct pulse_rate *r, int64_t from, int64_t to);
/* The same, and while it is not known: by the share of panes with events; 0: too little was seen. */
double pulse_rate_silence(const struct pulse_rate *r, int64_t from, int64_t to);
/* Lambda that chance alone exceeds `budget` times a week. NaN: not known yet, or the budget is 0. */
double pulse_rate_threshold(const struct pulse_rate *r, double budget);
/* The first pane of `from` to `to`, of a silence since `since`, at which lambda exceeds a level; to + 1: none. */
int64_t pulse_rate_cross(const struct pulse_rate *r, int64_t since, int64_t from, int64_t to,
                         double level);

/* --- pulse.c --- */

struct pulse_part {
    int64_t closed; /* INT64_MIN */
    bool muted;
    int64_t unmuted_from;           /* INT64_MIN */
    struct pulse_ranges dark, gaps; /* gaps are dark, too; of panes not closed yet */
};
struct pulse_count {
    int64_t pane, n;
};
struct pulse_counts {          /* ascending */
    struct pulse_count *items; /* owned */
    size_t count, cap;
};
struct pulse_alert {
    bool firing;
    bool published;    /* the firing record is out: a muted one is not, until the mute ends */
    int64_t fired;     /* pane at the end of which it fired */
    uint32_t sequence; /* records so far */
};
struct pulse {
    const struct settings *settings;    /* borrowed */
    const struct settings_input *input; /* borrowed */
    int64_t pane_ms;
    struct pulse_part *parts;
    size_t part_count;
    struct pulse_counts events, losses; /* of panes not closed yet */
    int64_t lost_early;                 /* before a part had any event: told with the next events */
    int64_t closed, first;              /* first: pane with events; INT64_MIN */
    int64_t silent_from;     /* first pane without events since the last with; INT64_MIN */
    bool silent_gap;         /* the silence has a gap in it */
    int64_t lost_from, lost; /* the data_gap that fires: since when, records */
    struct pulse_alert no_data, data_gap;
    struct pulse_ranges dark, stale; /* closed, not forgotten yet */
    struct pulse_ranges active;      /* likewise: with events */
    struct pulse_ranges outages;     /* likewise: each with the pane with events that ended it */
    int64_t stale_before;            /* by what is forgotten; INT64_MIN */
    int64_t dark_panes;
    struct controls *controls; /* silences */
    struct pulse_rate rate;
};

/* --- pulse_dark.c --- */

/* Panes `from` to `to` of the silence close: which of them are dark, which make windows stale. */
void pulse_darken(struct pulse *p, int64_t from, int64_t to);
void pulse_note_stale(struct pulse *p, int64_t from, int64_t to);

/* --- pulse_quiet.c --- */

/* A pane with events closes: was the silence that it ends an outage? */
void pulse_end_silence(struct pulse *p, int64_t pane);

/* --- pulse_alert.c --- */

/* The first pane of which alerts are published; INT64_MAX: a part is muted, and will say. */
int64_t pulse_unmuted_from(const struct pulse *p);
void pulse_fire(struct pulse *p, struct pulse_alert *a, int64_t pane, struct records *out);
/* A firing one that was muted, if it is not any more. */
void pulse_tell(struct pulse *p, struct pulse_alert *a, int64_t pane, struct records *out);
void pulse_update(struct pulse *p, struct pulse_alert *a, int64_t pane, struct records *out);
/* last: the last silent pane. Nothing where it does not fire. */
void pulse_end(struct pulse *p, struct pulse_alert *a, int64_t pane, int64_t last,
               const char *reason, struct records *out);

#endif

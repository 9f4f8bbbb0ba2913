/* SPDX-License-Identifier: Apache-2.0 */
/* A judge owns one funnel: it adds up the tallies' cells by pane, and at each pane's end keeps risk sets,
 * totals and windows, and evaluates the rules. A function of the settings and of what the tallies gave:
 * neither their interleaving nor the way panes are closed in one go or one by one changes anything.
 *
 * Nothing happens in a pane without cells unless something is due (a window's slot ends, an alert's time
 * is over, a day begins): such panes are passed over at once, so a gap costs nothing. */
#ifndef FUNNEL_JUDGE_H
#define FUNNEL_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/alert.h"
#include "funnel/cells.h"
#include "funnel/codec.h"
#include "funnel/decision.h"
#include "funnel/dwell.h"
#include "funnel/funnel.h"
#include "funnel/names.h"
#include "funnel/record.h"
#include "funnel/riskset.h"
#include "funnel/window.h"
#include "funnel/zone.h"

/* Stays begun on one day of the funnel's zone, and how they have ended so far. */
struct cohort_day {
    int32_t day;
    uint32_t entered, credited, seeded;
    uint32_t exits[EXIT_CAUSES];
};
#define COHORT_DAYS_MAX 4096 /* see cohort_at */
struct cohort {
    struct cohort_day *days; /* by day, ascending; days without stays are left out */
    size_t count, cap;
    struct cohort_day gone; /* takes what still comes for days too long ago to be kept */
};

/* One step of one leaf. Everything but the open ones is a running total. */
struct judge_step {
    int64_t entered, credited, seeded, late_advance;
    int64_t exits[EXIT_CAUSES];
    int64_t expired_unheard; /* left the last age bin without a word */
    struct riskset risk;
    int64_t risk_pane; /* the last pane it was brought to; INT64_MIN before the first stay */
    uint32_t pane_entered, pane_credited, pane_advanced; /* of the pane being closed; not saved */
    struct dwell dwell;
    struct cohort cohort;
};

struct judge_stage {
    int64_t reached, regressed, stock, stock_amount, repeats, repeat_amount;
};

struct judge_leaf {
    uint32_t combo;             /* number in judge.combos: the values' text */
    uint32_t value[DIMS_MAX];   /* numbers in judge.values[dim] */
    struct judge_step *steps;   /* overall + 1 of them */
    struct judge_stage *stages; /* stage_count of them */
    int64_t won, won_amount;
    struct dwell cycle;
    uint32_t series[SEGMENT_SPECS_MAX]; /* by segment spec */
};

/* A set of leaves: those with these values of the spec's dims. Spec 0 is the whole funnel. */
struct series {
    uint8_t spec;
    uint32_t
        value[DIMS_MAX]; /* numbers in judge.values; NAME_ABSENT where the spec has not the dim */
    int64_t since;       /* the pane in which leaves last came or went; INT64_MIN: never */
    struct window **windows; /* [step * window_count + window]; NULL before the first entry */
};

#define SERIES_PER_SPEC_MAX 1024

struct segment_spec {
    int dims[DIMS_MAX];
    int count;
};

struct break_step {
    int64_t n[BREAK_CAUSES];
    int64_t amount;
};
struct breakdown {
    struct names values;
    struct break_step *steps; /* [value * stage_count + step] */
    size_t value_cap;
};

/* Cells as they came: to append is cheap, and each is read once. Only beyond JUDGE_PENDING_MAX cells in all
 * panes are equal ones added up, so that memory is bounded by the number of distinct keys. */
#define JUDGE_PENDING_MAX (UINT64_C(2) << 20)
struct pending_pane {
    int64_t pane;
    struct cell *cells; /* leaf = combo number; BREAK and LOST: the judge's numbers */
    size_t count, cap;
    size_t summed; /* how many were left when they were last added up */
};

/* What each source's numbers mean here. */
struct judge_map {
    uint32_t *to; /* owned; by the source's number, in whose order they come */
    size_t count, cap;
};
struct judge_source {
    struct judge_map combos, reasons, breaks[BREAKDOWNS_MAX];
    int64_t pane;       /* of the cells being read */
    int64_t closed;     /* INT64_MIN: nothing yet */
    bool muted;         /* a bootstrap: panes of this source are not published ... */
    int64_t mute_until; /* ... nor, once it is over, those before this pane; INT64_MIN */
};

/* The funnel's windows, and at most one more for each of its rules. */
#define JUDGE_WINDOWS_MAX (WINDOWS_MAX + RULES_MAX)

struct rules;    /* rules.h */
struct controls; /* controls.h */
struct pulse;    /* pulse.h */
struct detect;   /* detect.h */
struct maturity; /* maturity.h */
struct splits;   /* splits.h */

struct judge {
    const struct funnel *funnel; /* borrowed */
    const struct zone *zone;     /* borrowed */
    struct zone_cursor cursor;
    struct judge_source *sources;
    size_t source_count;
    struct names combos; /* values' text of every leaf seen (leaves_text) */
    int32_t *combo_leaf; /* by combo: leaf, -1 before it is admitted */
    size_t combo_cap;
    struct names values[DIMS_MAX];
    struct judge_leaf *leaves; /* 0: __other__ on every dim */
    size_t leaf_count, leaf_cap;
    uint64_t leaves_refused, series_refused;
    bool *shown[DIMS_MAX];      /* by value: is it one of the top N */
    uint64_t *score[DIMS_MAX];  /* by value: entries, halved each day */
    size_t shown_cap[DIMS_MAX]; /* of both */
    uint32_t shown_count[DIMS_MAX];
    struct segment_spec specs[SEGMENT_SPECS_MAX];
    size_t spec_count;
    struct series *series; /* 0: the whole funnel */
    size_t series_count, series_cap;
    struct window_def windows[JUDGE_WINDOWS_MAX];
    size_t window_count;
    struct pending_pane *pending; /* ascending */
    size_t pending_count, pending_cap;
    uint64_t pending_cells; /* in all of them */
    struct judge_touch {
        uint32_t leaf;
        int step;
    } * touched; /* steps with entries or conversions in the pane being closed; not saved */
    size_t touched_count, touched_cap;
    int64_t closed;     /* INT64_MIN before the first pane */
    bool finished;      /* `closed` is the last pane, not a whole one; not saved */
    int64_t first_pane; /* the first with cells, or the first whole one after a switch; INT64_MIN */
    int64_t last_pane;  /* the last with cells, so far; INT64_MIN before the first */
    int64_t day;        /* of the last pane, in the zone; INT64_MIN */
    int64_t counts[FUNNEL_COUNT_COUNT];
    int64_t first_ms, last_ms;
    struct names reasons;
    int64_t *lost; /* by reason */
    size_t lost_cap;
    struct breakdown breakdowns[BREAKDOWNS_MAX];
    struct rules *rules;
    struct detect *detect;             /* NULL where no rule asks for it */
    struct maturity *maturity;         /* likewise */
    struct controls *controls;         /* silences and interventions */
    struct splits *splits;             /* ids that come in more than one partition */
    const struct pulse *const *pulses; /* borrowed: of the inputs that can feed the funnel */
    size_t pulse_count;
    int64_t stale_before; /* windows that begin before this pane say nothing: a gap; INT64_MIN */
    uint64_t panes_closed, conservation_errors;
};

void judge_init(struct judge *j, const struct funnel *f, const struct zone *zone, size_t sources);
void judge_deinit(struct judge *j);

/* Takes one tally's cells. */
void judge_add(struct judge *j, size_t source, const struct cells *cells);
/* Entities have other homes now: what is known of where they came from is forgotten, in the open panes, too. */
void judge_forget_homes(struct judge *j);
/* No source has cells up to and with `pane` any more: what CELL_CLOSE says, for all of them. */
void judge_close(struct judge *j, int64_t pane);
/* The source's panes are not published, until judge_unmute() says from which on they are. */
void judge_mute(struct judge *j, size_t source);
void judge_unmute(struct judge *j, size_t source, int64_t open); /* INT64_MIN: from the first */
/* Closes every pane all sources have closed; verdicts go to `out`. */
void judge_step(struct judge *j, struct records *out);
/* A DECISION_CONTROL: takes effect with its pane, which must not be closed yet. */
void judge_control(struct judge *j, const struct decision *d);
/* The end of a finite log, whose last event lies in pane `last`: what is in the panes still open goes into the
 * totals, without verdicts. */
void judge_finish(struct judge *j, int64_t last);

/* judge_save.c: between steps, not after judge_finish(). Load is into a new one of the same settings. */
void judge_save(const struct judge *j, struct codec_out *out);
void judge_load(struct judge *j, struct codec_in *in);

/* Checks SEMANTICS section 3's conservation for every step and leaf; returns how many do not balance. */
uint64_t judge_audit(const struct judge *j);

/* How a step's stays stand at the last closed pane: what a reader is shown. Its risk set may be behind, and must not be
 * brought there: how silent panes counted, if they do, the detector is told by the next event. */
struct judge_stays {
    int64_t open, expired; /* expired: unheard */
    uint32_t n[AGES_BINS]; /* open ones by age */
};
struct judge_stays judge_step_stays(const struct judge *j, const struct judge_step *s);
/* Event time that was surely reached: the end of the last closed pane, at the end of a log the beginning of
 * its last one. ETIME_NONE before the first pane. */
struct etime judge_reached(const struct judge *j);

/* --- between the files of the judge --- */

/* Puts out an alert of this funnel, marked by the silences in force. */
void judge_put_alert(struct judge *j, struct alert *a, struct records *out);
void judge_map_set(struct judge_map *m, uint32_t from, uint32_t to);
/* judge_pane.c. Dark: sums and stays only, nothing that a rule goes by. */
void judge_apply_pane(struct judge *j, const struct pending_pane *p, bool dark, bool detects);
void judge_step_advance(struct judge_step *s, int64_t to); /* its risk set */
/* The same by one pane, most often, of which it is known what moves. */
void judge_step_move(struct judge_step *s, const struct riskset_moves *moves, int64_t pane);
/* judge_quiet.c: panes without verdicts, and verdicts without records. */
bool judge_is_dark(const struct judge *j, int64_t pane);
/* Some source had events in the pane; the first such pane of [from, to], to + 1: none. */
bool judge_is_active(const struct judge *j, int64_t pane);
int64_t judge_next_active(const struct judge *j, int64_t from, int64_t to);
/* The last pane of the dark run `pane` is in; pane - 1 where it is not dark. */
int64_t judge_dark_to(const struct judge *j, int64_t pane);
/* Gaps that end before this pane, and dark panes up to it: pulses may forget them when it is closed. */
void judge_note_silence(struct judge *j, int64_t pane);
bool judge_is_muted(const struct judge *j, int64_t pane);
/* The first pane that is not muted; INT64_MAX: not known yet, INT64_MIN: none ever was. */
int64_t judge_unmuted_from(const struct judge *j);
/* judge_leaf.c */
void judge_leaves_init(struct judge *j);
void judge_leaves_deinit(struct judge *j);
uint32_t judge_combo(struct judge *j, struct span text);
void judge_combos_reserve(struct judge *j); /* room in combo_leaf for all combos */
/* Without values and series. */
struct judge_leaf *judge_leaf_add(struct judge *j, uint32_t combo);
void judge_admit(struct judge *j, const struct cell *cells, size_t count);
struct cohort_day *cohort_at(struct cohort *c, int32_t day);
/* judge_save_leaf.c: leaves, and what belongs to them */
void judge_leaves_save(const struct judge *j, struct codec_out *out);
void judge_leaves_load(struct judge *j, struct codec_in *in);
/* series.c */
void series_init(struct judge *j);
void series_deinit(struct judge *j);
size_t series_spec(struct judge *j, const struct settings_strings *dims); /* finds or adds */
void series_free(struct judge *j);                                        /* the series alone */
/* The leaf's series under one spec; all of them. */
uint32_t series_of(struct judge *j, const struct judge_leaf *leaf, size_t spec);
void series_of_leaf(struct judge *j, struct judge_leaf *leaf);
void series_new_day(struct judge *j, int64_t days, int64_t pane);
void series_show_new(struct judge *j, int dim, uint32_t value);
struct window *series_window(struct judge *j, uint32_t series, int step,
                             size_t window); /* creates */
bool series_has(const struct judge *j, uint32_t series, uint32_t leaf);
/* Text of the value a series shows for dim: borrowed. */
struct span series_value(const struct judge *j, const struct series *s, int dim);
/* series_save.c: series with their windows, and the values shown */
void series_save(const struct judge *j, struct codec_out *out);
void series_load(struct judge *j, struct codec_in *in);
struct series *series_add(struct judge *j, const struct series *s); /* series.c; without windows */
void series_reserve(struct judge *j, int dim, uint32_t value); /* room for it in shown, score */

#endif

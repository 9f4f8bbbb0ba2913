/* SPDX-License-Identifier: Apache-2.0 */
/* What a judge or a pulse holds of what operators said: silences, and a judge interventions until they are measured.
 * Both take effect with the pane of their decision, whenever that comes and however panes are closed. */
#ifndef FUNNEL_CONTROLS_H
#define FUNNEL_CONTROLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/alert.h"
#include "funnel/codec.h"
#include "funnel/control.h"
#include "funnel/decision.h"
#include "funnel/funnel.h"
#include "funnel/record.h"
#include "funnel/window.h"

/* A record with the texts it borrows. */
struct control_held {
    struct span text;   /* owned (mem_free) */
    struct buf scratch; /* what control borrows */
    struct control control;
};

/* A marked change of this judge's funnel. Its effect is the whole funnel's throughput in two windows: the last
 * one that ends with a slot at or before the mark, and the one of the slots that begin at or after it. The slot
 * that holds the mark in its midst belongs to neither. */
struct control_mark {
    struct control_held held;
    struct etime at; /* as stated, but not before the pane from which it is known */
    int step;        /* -1: every step and overall */
    size_t window;   /* index into judge.windows */
    int64_t begin;   /* ms: of the window after */
    int64_t due;     /* the pane that ends it */
    bool taken;      /* `before` is filled */
    bool complete;   /* the window before holds all its data */
    struct window_sum before[STEPS_MAX]; /* by step */
};

struct controls {
    const struct funnel *funnel;   /* borrowed; NULL: of a source, which has no interventions */
    int64_t pane_ms;               /* of the settings; not saved */
    struct decision_queue waiting; /* for their panes */
    struct control_held *silences; /* in the order they came */
    struct control_mark *marks;    /* likewise */
    size_t silence_count, silence_cap, mark_count, mark_cap;
    int64_t last_dark; /* the last pane that was dark; INT64_MIN: none so far */
    uint64_t silences_refused, marks_refused; /* beyond the cap, or without meaning here */
};

struct controls *controls_new(const struct funnel *f);
struct controls *controls_new_source(int64_t pane_ms);
void controls_free(struct controls *c); /* accepts NULL */

/* A DECISION_CONTROL: kept until its pane. */
void controls_decide(struct controls *c, const struct decision *d);
/* Before the cells of `pane`: decisions for panes up to it take effect, in their order. */
void controls_reach(struct controls *c, int64_t pane);
/* The first pane after `pane` in which something is due though no cell comes: a decision takes effect, an
 * intervention is measured. INT64_MAX: none. */
int64_t controls_next(const struct controls *c, int64_t pane);

/* Ids of the silences in force for this alert at its event time, sorted, at most ALERT_SILENCES_MAX; borrowed.
 * Returns how many. */
size_t controls_silenced_by(const struct controls *c, const struct alert *a,
                            struct span ids[ALERT_SILENCES_MAX]);
/* How many are in force at an event time. */
size_t controls_in_force(const struct controls *c, struct etime at);

/* Pane `pane` is closed: what was due by then is measured. */
void controls_measured(struct controls *c, int64_t pane);

/* All silences and what waits, and the interventions if `with_marks`, from the same machine under other settings;
 * `from` is left empty. */
void controls_move(struct controls *to, struct controls *from, bool with_marks);

void controls_save(const struct controls *c, struct codec_out *out);
/* Into new ones, of the same settings. */
void controls_load(struct controls *c, struct codec_in *in);

/* --- between the files --- */

bool control_held_init(struct control_held *h,
                       struct span text); /* copies; false: it is no record */
void control_held_deinit(struct control_held *h);
/* Known at event time `now`. False: it means nothing to this funnel as it is, and the held one stays the caller's. */
bool control_mark_init(const struct controls *c, struct control_mark *m,
                       const struct control_held *h, struct etime now);

/* --- intervention.c --- */

struct judge;

/* Before the cells of `pane`, which is no dark one: puts out what was due in dark panes, lets decisions take effect
 * (controls_reach), and takes the figures before the marks that lie before the pane's end. `muted`: this pane is
 * not published. */
void interventions_open(struct judge *j, int64_t pane, bool muted, struct records *out);
/* After `pane` was closed: one record per watched step of what is due. `muted`: it is dropped instead. */
void interventions_step(struct judge *j, int64_t pane, bool muted, struct records *out);
/* `pane` was dark: windows that hold it are not complete. In rising order, each before what is opened after it. */
void controls_note_dark(struct controls *c, int64_t pane);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A source's pulse: one input topic's events by pane, over all its partitions. It learns the mean rate by hour
 * of week, tells a silence that is only quiet from one that is an outage, and owns the alerts about the source
 * itself: no_data (a silence too long for its rate) and data_gap (records lost to retention).
 *
 * Lambda is the number of arrivals expected in the silence so far: of events, or where they come in bunches of
 * those (pulse_rate.c). Up to PULSE_QUIET it was just quiet, and its panes count as any other; beyond, they are
 * dark, where the clock closed them for all parts: no rule's verdict goes by them (PROTOCOL section 3). Before a
 * week was learned they are from the first on. A silence of more than a day passed over in one step is a gap:
 * always dark, and windows that begin before its end say nothing (`stale`). Nor do those that hold lost records:
 * that begin before or in the next pane with events after the loss. A pane with events is never dark.
 *
 * A function of the settings and of what the tallies note alone. */
#ifndef FUNNEL_PULSE_H
#define FUNNEL_PULSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/codec.h"
#include "funnel/decision.h"
#include "funnel/record.h"
#include "funnel/settings.h"
#include "funnel/zone.h"

#define PULSE_QUIET 7.0
#define PULSE_HOURS 168

/* What a tally says to its source's pulse, in log order. */
enum pulse_kind {
    PULSE_EVENTS, /* n events of pane `pane` (a late one counts in the pane open then) */
    PULSE_CLOSE,  /* panes up to and with `pane` get no more */
    PULSE_DARK,   /* panes `pane` to `to` are closed by a DECISION_DARK; comes before their CLOSE */
    PULSE_GAP, /* panes `pane` to `to` are passed over in one advance of more than a day; likewise */
    PULSE_LOST,   /* n records are lost (DECISION_GAP); `pane` is the open pane, INT64_MIN: none */
    PULSE_MUTE,   /* what follows is muted (a bootstrap) ... */
    PULSE_UNMUTE, /* ... until panes from `pane` on; INT64_MIN: from the first */
};
struct pulse_note {
    enum pulse_kind kind;
    int64_t pane, to;
    int64_t n;
};
struct pulse_notes {
    struct pulse_note *items; /* owned */
    size_t count, cap;
};
void pulse_notes_deinit(struct pulse_notes *n);
/* EVENTS of the same pane as the last note are added to it. */
void pulse_notes_add(struct pulse_notes *n, struct pulse_note note);

struct pulse; /* members in pulse_parts.h, for tests and explain */

/* Borrowed for the pulse's life. parts: how many partitions the input has. */
struct pulse *pulse_new(const struct settings *settings, const struct settings_input *input,
                        const struct zone *zone, size_t parts);
void pulse_free(struct pulse *p); /* accepts NULL */

void pulse_add(struct pulse *p, size_t part, const struct pulse_notes *notes);
/* Closes the panes that all parts have closed; appends alerts. In any steps: the same records. */
void pulse_step(struct pulse *p, struct records *out);
/* A DECISION_CONTROL: takes effect with its pane, which must not be closed yet. */
void pulse_control(struct pulse *p, const struct decision *d);
int64_t pulse_closed(const struct pulse *p); /* the last closed pane; INT64_MIN */

/* Of panes the pulse has closed, not yet forgotten. Dark: kept out of every verdict. */
bool pulse_is_dark(const struct pulse *p, int64_t pane);
/* The last pane of the dark run that `pane` is in; pane - 1 where it is not dark. */
int64_t pulse_dark_to(const struct pulse *p, int64_t pane);
/* The last dark pane up to and with this one, of those not forgotten; INT64_MIN: none. */
int64_t pulse_last_dark(const struct pulse *p, int64_t pane);
/* Windows that begin before this pane are stale when pane `pane` is judged; INT64_MIN: none. */
int64_t pulse_stale_before(const struct pulse *p, int64_t pane);
/* Which silences were outages: for what is expected of silent panes, which waits until it is known. That is so
 * once the next pane with events, which ends the silence, is closed; the answer is of that pane and never changes,
 * however far ahead the pulse is, whoever closed the silent panes, and in whatever steps. So a judge at pane w goes
 * by the panes with events up to w, as pulse_next_active() gives them, and at each asks about what it ended.
 *
 * An outage is a silence with a Lambda beyond PULSE_QUIET, by the rates as they were when it began; or with a gap
 * in it, or lost records in or right behind it. Before rates are known, Lambda goes by the share of panes that had
 * events (pulse_rate_silence()); while too little was seen for that, a silence was just quiet. What came before the
 * first pane with events is an outage: nothing is known of it. */

/* The first pane of `from` to `to` with events; to + 1: none of them that is closed and not forgotten. */
int64_t pulse_next_active(const struct pulse *p, int64_t from, int64_t to);
/* Of a pane with events: whether the silence it ended was an outage; false where the pane before had events, too.
 * Of a silent pane that is not forgotten, and whose silence is over: the same. */
bool pulse_was_outage(const struct pulse *p, int64_t pane);

/* No judge will ask about panes up to and with `pane` any more. */
void pulse_forget(struct pulse *p, int64_t pane);

/* For /metrics and explain. */
struct pulse_view {
    double lambda;       /* of the silence so far; 0: events come, or it is not known yet */
    double threshold;    /* lambda at which no_data fires; NaN: not known yet, or never */
    double rate;         /* events a second expected at this hour; NaN: not known yet */
    int64_t dark_panes;  /* so far */
    int64_t silent_from; /* ms; INT64_MIN: events come */
    bool firing;
};
void pulse_look(const struct pulse *p, struct pulse_view *ret);

/* Resolves what fires with this reason (a rule was changed or removed), at the last closed pane. Where the
 * silence goes on, no_data may fire again with the next. */
void pulse_resolve(struct pulse *p, const char *reason, struct records *out);

void pulse_save(const struct pulse *p, struct codec_out *out);
/* What operators said, from the same source's pulse under panes of another length, which is left without. */
void pulse_take_controls(struct pulse *p, struct pulse *from);
/* Into a new one, of the same settings. */
void pulse_load(struct pulse *p, struct codec_in *in);

#endif

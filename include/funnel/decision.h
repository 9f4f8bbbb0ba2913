/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the log does not say: the wall clock, an operator's words, a change of settings. It enters the
 * machines only as a decision, at a place in the log (PROTOCOL section 3), is committed with what came of it,
 * and comes again at the same place in every replay. */
#ifndef FUNNEL_DECISION_H
#define FUNNEL_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/codec.h"

enum decision_kind {
    /* tally: its watermark is at least `value` (ms); it follows the live ones */
    DECISION_ADVANCE = 1,
    DECISION_DARK, /* the same; the whole source is silent: the panes closed by it are dark */
    DECISION_RELEASE, /* tally: events waiting as a jump into the future are let in up to `value` (ms) */
    DECISION_BOOTSTRAP_END, /* tally: from here on it counts as published; muted before */
    DECISION_GAP,           /* tally: `value` records before `at` are lost for ever */
    DECISION_SWITCH, /* all tallies at one cut: from here on the settings of hash `value` hold */
    DECISION_CONTROL, /* judges and pulses, from pane `at` on: a record of the control topic, `text` */
};

#define DECISION_JUDGES UINT32_MAX /* as source: it is for all judges and pulses, `at` is a pane */
#define DECISION_TEXT_MAX 1024

struct decision {
    uint64_t seq;    /* from 1, rising over all machines of a group */
    uint32_t source; /* index into the pipeline's sources, or DECISION_JUDGES */
    enum decision_kind kind;
    int64_t at; /* offset: takes effect before the record at it; or a pane */
    int64_t value;
    struct span text; /* CONTROL; borrowed */
};

/* One after another, as they lie in a snapshot and, coded once more, in commit metadata. */
void decision_put(struct codec_out *out, const struct decision *d);
/* Fails what is no decision. text is borrowed from the input. */
void decision_get(struct codec_in *in, struct decision *ret);

/* Of consecutive ADVANCEs, or DARKs, at one offset only the last need be kept: it does all that the others did.
 * But where together they pass more than a day, a replay would take them for a gap, which they were not, and a
 * gap that was one must stay as it is. `d` may stand for `last`, too: from_ms is the watermark before the first
 * that `last` stands for (INT64_MIN, a beginning: no). */
bool decision_replaces(const struct decision *d, const struct decision *last, int64_t from_ms);

/* Decisions that wait, by their place, then by seq. A zeroed one is empty. */
struct decision_queue {
    struct decision *items; /* owned, texts too */
    size_t count, cap;
};
void decision_queue_deinit(struct decision_queue *q);
void decision_queue_push(struct decision_queue *q, const struct decision *d); /* copies the text */
/* The first with at <= `at`, taken out; its text is the caller's (mem_free). False: none. */
bool decision_queue_take(struct decision_queue *q, int64_t at, struct decision *ret);
/* Place of the first; INT64_MAX: there is none. */
int64_t decision_queue_next(const struct decision_queue *q);
void decision_queue_save(const struct decision_queue *q, struct codec_out *out);
void decision_queue_load(struct decision_queue *q, struct codec_in *in);

#endif

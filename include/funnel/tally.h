/* SPDX-License-Identifier: Apache-2.0 */
/* A tally owns one input partition: it puts its events in order, keeps its entities, runs the automaton,
 * and gives cells. A function of the settings and of that partition's log alone (PROTOCOL section 1). */
#ifndef FUNNEL_TALLY_H
#define FUNNEL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/automaton.h"
#include "funnel/cells.h"
#include "funnel/counters.h"
#include "funnel/decision.h"
#include "funnel/decode.h"
#include "funnel/dedupe.h"
#include "funnel/entities.h"
#include "funnel/funnel.h"
#include "funnel/pulse.h"
#include "funnel/record.h"
#include "funnel/reorder.h"

/* Part of a decoded batch that belongs to one tally, in log order. */
struct tally_input {
    const struct message *messages; /* of the whole batch: events and failures index into it */
    const struct event *events;
    size_t event_count;
    const struct decode_failure *failures;
    size_t failure_count;
};

#define TALLY_READY 64     /* arrivals applied together, for their cache misses to overlap */
#define TALLY_WAITING 1024 /* events held back as a jump into the future */

struct tally_funnel {
    const struct funnel *funnel; /* borrowed */
    struct leaves leaves;
    struct entities entities;
    struct names breaks[BREAKDOWNS_MAX];
    struct names reasons;
    struct dedupe dedupe;
    struct automaton automaton;
    struct cells
        out; /* what the judge has not taken yet; cleared by the caller after each step, not saved */
    int64_t counts[FUNNEL_COUNT_COUNT]; /* of the open pane, since the last flush */
    int64_t first_ms, last_ms;          /* event times likewise */
    int64_t pane;                       /* the cells' pane; INT64_MIN before the first */
    size_t leaves_sent, reasons_sent, breaks_sent[BREAKDOWNS_MAX];
    uint64_t refused_entities, refused_values, refused_breaks;
};

struct tally {
    const struct settings *settings; /* borrowed */
    const char *topic;               /* borrowed; of its input */
    int32_t partition;
    uint64_t seed; /* keys the fingerprints */
    struct tally_funnel *funnels;
    size_t funnel_count;
    struct reorder reorder;
    struct arrival ready[TALLY_READY];
    size_t ready_count;      /* 0 between steps: not saved */
    struct arrival *waiting; /* with their copies */
    size_t waiting_count;
    int64_t newest_ms;        /* the latest event time taken; INT64_MIN before the first */
    int64_t newest_record_ms; /* the latest record timestamp; -1 before the first */
    int64_t watermark_ms;     /* INT64_MIN before the first event */
    int64_t swept;            /* last pane whose slice of forgotten entities was swept; INT64_MIN */
    struct decision_queue decisions; /* whose place in the log is still to come */
    bool muted;                      /* a bootstrap: what it puts out is not published */
    struct pulse_notes
        pulse; /* what the pulse has not taken yet; cleared by the caller, not saved */
    int64_t beats, beat_pane,
        beat_ms;      /* events of one pane not noted yet, and its begin: 0 between steps */
    int64_t lettered; /* the last message dead-lettered: once, not once an entity or a funnel */
    struct counters counters;
    uint64_t trace; /* fingerprint to explain; 0: none. Not saved, nor is its text */
    struct buf trace_text;
    struct records *records; /* during a step */
};

/* Everything is borrowed for the tally's life. */
void tally_init(struct tally *t, const struct settings *settings, const struct funnel *funnels,
                size_t funnel_count, const struct zone *zone, const char *topic, int32_t partition,
                uint64_t seed);
void tally_deinit(struct tally *t);

/* Cells are left in funnels[i].out, dead letters appended to `out`. */
void tally_step(struct tally *t, const struct tally_input *in, struct records *out);
/* What the log does not say, at its place: like a step, once everything before it was given. SWITCH and CONTROL
 * are not for a tally. */
void tally_decide(struct tally *t, const struct decision *d, struct records *out);
/* From its start on, until DECISION_BOOTSTRAP_END: dead letters are counted but not put out. */
void tally_mute(struct tally *t);
/* The end of a finite log: what waits is released, panes close up to the last event time. */
void tally_end(struct tally *t, struct records *out);

/* tally_save.c: between steps, when the judges and the pulse have taken what there was for them. Load is into a
 * new one of the same settings. */
void tally_save(const struct tally *t, struct codec_out *out);
void tally_load(struct tally *t, struct codec_in *in);

uint64_t tally_fingerprint(const struct tally *t, struct span entity);
/* The open pane: every earlier one is closed. INT64_MIN before the first event. */
int64_t tally_open_pane(const struct tally *t);

/* --- between the files of the tally --- */

/* tally_apply.c: runs the ready arrivals through the automaton. */
void tally_apply(struct tally *t);
void tally_push_ready(struct tally *t, const struct arrival *a);
void tally_count(struct tally *t, struct tally_funnel *tf, enum funnel_count which);
/* The same, of a dead letter. */
void tally_unusable(struct tally *t, struct tally_funnel *tf, enum funnel_count why);
void tally_close(struct tally *t);
/* What follows in tf->out belongs to this pane; what the numbers in it mean; counts so far. */
void tally_set_pane(struct tally_funnel *tf, int64_t pane);
void tally_define(struct tally_funnel *tf);
void tally_flush(struct tally_funnel *tf);
/* tally_time.c: watermark, order, lateness, the future. m: the message, for a dead letter. */
/* beats: it is the last of its event's arrivals, the one the pulse counts it by. */
void tally_offer(struct tally *t, struct arrival *a, const struct message *m, bool beats);
void tally_release(struct tally *t, int64_t up_to_ms);
void tally_advance(struct tally *t, int64_t to_ms); /* the watermark alone */
/* Those that wait as a jump up to this time. INT64_MAX: the end, no one will confirm them any more. */
void tally_release_waiting(struct tally *t, int64_t up_to_ms);
/* An event for the pulse. A late one counts in the open pane, and so does one that is refused (INT64_MIN). */
void tally_beat(struct tally *t, int64_t time_ms);
void tally_note(struct tally *t, struct pulse_note note);
void tally_deadletter(struct tally *t, const struct message *m, enum reject reason,
                      const char *field, uint32_t byte);
/* The same where everything before it is applied already. */
void tally_letter(struct tally *t, const struct message *m, enum reject reason, const char *field,
                  uint32_t byte);

#endif

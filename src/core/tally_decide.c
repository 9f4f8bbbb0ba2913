/* SPDX-License-Identifier: Apache-2.0 */
/* What the log does not say, in one tally. A watermark moved by a decision closes panes as one moved by events
 * does; of the latest event time the log alone decides (jumps and dedupe go by it). */
#include "funnel/tally.h"
#include "funnel/zone.h"

/* Panes passed over in the dark, or more than a day of them at once, are no ones to judge by. Nothing is done
 * for each: the automaton finds ages by arithmetic, and so does the sweep what it forgets. */
static void note_passed(struct tally *t, int64_t from, bool dark)
{
    struct pulse_note note = {.pane = from, .to = tally_open_pane(t) - 1};

    if (from == INT64_MIN || note.to < from)
        return;
    if (dark) {
        note.kind = PULSE_DARK;
        tally_note(t, note);
    }
    if (note.to - from >= ZONE_DAY_MS / t->settings->time.pane) {
        note.kind = PULSE_GAP;
        tally_note(t, note);
    }
}

static void decide_advance(struct tally *t, const struct decision *d)
{
    int64_t from = tally_open_pane(t);

    tally_advance(t, d->value);
    note_passed(t, from, d->kind == DECISION_DARK);
}

void tally_mute(struct tally *t)
{
    t->muted = true;
    tally_note(t, (struct pulse_note){.kind = PULSE_MUTE});
}

static void decide_bootstrap_end(struct tally *t)
{
    if (t->muted)
        tally_note(t, (struct pulse_note){.kind = PULSE_UNMUTE, .pane = tally_open_pane(t)});
    t->muted = false;
}

void tally_decide(struct tally *t, const struct decision *d, struct records *out)
{
    t->records = out;
    switch (d->kind) {
    case DECISION_ADVANCE:
    case DECISION_DARK:
        decide_advance(t, d);
        break;
    case DECISION_RELEASE:
        tally_release_waiting(t, d->value);
        break;
    case DECISION_BOOTSTRAP_END:
        decide_bootstrap_end(t);
        break;
    case DECISION_GAP:
        tally_note(
            t, (struct pulse_note){.kind = PULSE_LOST, .pane = tally_open_pane(t), .n = d->value});
        break;
    case DECISION_SWITCH:
    case DECISION_CONTROL:
        break;
    }
    tally_apply(t);
    tally_close(t);
    t->records = NULL;
}

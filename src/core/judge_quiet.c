/* SPDX-License-Identifier: Apache-2.0 */
/* Panes without verdicts: dark ones, in which a source that feeds the funnel was out. Windows that say nothing:
 * those that begin before a gap ends. Verdicts without records: those of a bootstrap.
 *
 * All of it is a matter of panes, known once every source has closed them: neither batches nor the partitions'
 * pace decide. */
#include "funnel/controls.h"
#include "funnel/judge.h"
#include "funnel/pulse.h"

int64_t judge_dark_to(const struct judge *j, int64_t pane)
{
    int64_t to = pane - 1;

    /* Runs of several sources may overlap: each goes on where another ends. */
    for (size_t i = 0; i < j->pulse_count;) {
        int64_t run = pulse_dark_to(j->pulses[i], to + 1);

        i = run > to ? 0 : i + 1;
        to = run > to ? run : to;
    }
    return to;
}

bool judge_is_dark(const struct judge *j, int64_t pane)
{
    for (size_t i = 0; i < j->pulse_count; i++)
        if (pulse_is_dark(j->pulses[i], pane))
            return true;
    return false;
}

int64_t judge_next_active(const struct judge *j, int64_t from, int64_t to)
{
    int64_t next = to + 1;

    for (size_t i = 0; i < j->pulse_count; i++) {
        int64_t pane = pulse_next_active(j->pulses[i], from, next - 1);

        next = pane < next ? pane : next;
    }
    return next;
}

bool judge_is_active(const struct judge *j, int64_t pane)
{
    return judge_next_active(j, pane, pane) == pane;
}

void judge_note_silence(struct judge *j, int64_t pane)
{
    for (size_t i = 0; i < j->pulse_count; i++) {
        int64_t before = pulse_stale_before(j->pulses[i], pane);

        j->stale_before = before > j->stale_before ? before : j->stale_before;
        controls_note_dark(j->controls, pulse_last_dark(j->pulses[i], pane));
    }
}

/* A source that is still muted has closed all its panes so while it was. */
int64_t judge_unmuted_from(const struct judge *j)
{
    int64_t from = INT64_MIN;

    for (size_t i = 0; i < j->source_count; i++) {
        if (j->sources[i].muted)
            return INT64_MAX;
        from = j->sources[i].mute_until > from ? j->sources[i].mute_until : from;
    }
    return from;
}

bool judge_is_muted(const struct judge *j, int64_t pane)
{
    return pane < judge_unmuted_from(j);
}

void judge_mute(struct judge *j, size_t source)
{
    j->sources[source].muted = true;
}

void judge_unmute(struct judge *j, size_t source, int64_t open)
{
    j->sources[source].muted = false;
    j->sources[source].mute_until = open;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which panes no rule's verdict goes by. Decided when the pane closes, and never revised: a judge may have read it.
 *
 * Only where the clock closed a pane for every part can nothing be in it because nothing came through; a silent
 * pane that some part passed with its events was silent for sure. */
#include "funnel/pulse_parts.h"

/* Whether all parts say so of the pane; *ret_to: up to which pane the answer is the same. */
static bool all_cover(const struct pulse *p, bool gaps, int64_t pane, int64_t to, int64_t *ret_to)
{
    bool all = true;

    for (size_t i = 0; i < p->part_count; i++) {
        const struct pulse_part *part = &p->parts[i];

        all &= pulse_ranges_cover(gaps ? &part->gaps : &part->dark, pane, to, &to);
    }
    *ret_to = to;
    return all;
}

/* From here on it is no longer just quiet. Before anything is known, from the beginning. */
static int64_t dark_from(const struct pulse *p, int64_t from, int64_t to)
{
    if (!p->rate.known)
        return from;
    return pulse_rate_cross(&p->rate, p->silent_from, from, to, PULSE_QUIET);
}

static void note_dark(struct pulse *p, int64_t from, int64_t to)
{
    if (from > to)
        return;
    pulse_ranges_add(&p->dark, from, to);
    p->dark_panes += to - from + 1;
}

void pulse_note_stale(struct pulse *p, int64_t from, int64_t to)
{
    pulse_ranges_add(&p->stale, from, to);
}

void pulse_darken(struct pulse *p, int64_t from, int64_t to)
{
    for (int64_t pane = from, end; pane <= to; pane = end + 1) {
        bool dark = all_cover(p, false, pane, to, &end);

        if (all_cover(p, true, pane, end, &end)) {
            note_dark(p, pane, end);
            pulse_note_stale(p, pane, end);
            p->silent_gap = true;
        } else if (dark) {
            note_dark(p, dark_from(p, pane, end), end);
        }
    }
}

bool pulse_is_dark(const struct pulse *p, int64_t pane)
{
    return pulse_ranges_find(&p->dark, pane) != NULL;
}

int64_t pulse_dark_to(const struct pulse *p, int64_t pane)
{
    const struct pulse_range *run = pulse_ranges_find(&p->dark, pane);

    return run ? run->to : pane - 1;
}

int64_t pulse_last_dark(const struct pulse *p, int64_t pane)
{
    size_t i = p->dark.count;

    while (i > 0 && p->dark.items[i - 1].from > pane)
        i--;
    if (i == 0)
        return INT64_MIN;
    return p->dark.items[i - 1].to < pane ? p->dark.items[i - 1].to : pane;
}

/* A pulse may have closed more than the judge that asks: what it knows of later panes does not count. */
int64_t pulse_stale_before(const struct pulse *p, int64_t pane)
{
    int64_t before = p->stale_before;

    for (size_t i = 0; i < p->stale.count && p->stale.items[i].from <= pane; i++) {
        int64_t to = p->stale.items[i].to;

        before = (to < pane ? to : pane) + 1;
    }
    return before;
}

void pulse_forget(struct pulse *p, int64_t pane)
{
    for (size_t i = 0; i < p->stale.count && p->stale.items[i].to <= pane; i++)
        p->stale_before = p->stale.items[i].to + 1;
    pulse_ranges_forget(&p->stale, pane);
    pulse_ranges_forget(&p->dark, pane);
    pulse_ranges_forget(&p->active, pane);
    pulse_ranges_forget(&p->outages, pane);
}

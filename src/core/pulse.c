/* SPDX-License-Identifier: Apache-2.0 */
/* Closing panes: those with events one by one, those without in one go, up to where something else is to be done.
 * So the pulse costs nothing for each pane of a silence, and the pieces a silence comes in make no difference. */
#include "funnel/pulse.h"

#include <string.h>

#include "funnel/mem.h"
#include "funnel/pulse_parts.h"

/* --- a life --- */

struct pulse *pulse_new(const struct settings *settings, const struct settings_input *input,
                        const struct zone *zone, size_t parts)
{
    struct pulse *p = mem_zero(1, sizeof(*p));

    p->settings = settings;
    p->input = input;
    p->pane_ms = settings->time.pane;
    p->part_count = parts;
    p->parts = mem_zero(parts > 0 ? parts : 1, sizeof(*p->parts));
    for (size_t i = 0; i < parts; i++)
        p->parts[i].closed = p->parts[i].unmuted_from = INT64_MIN;
    p->closed = p->first = p->silent_from = p->stale_before = INT64_MIN;
    p->lost_from = INT64_MIN;
    p->controls = controls_new_source(p->pane_ms);
    pulse_rate_init(&p->rate, zone, p->pane_ms);
    return p;
}

void pulse_free(struct pulse *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->part_count; i++) {
        pulse_ranges_deinit(&p->parts[i].dark);
        pulse_ranges_deinit(&p->parts[i].gaps);
    }
    pulse_ranges_deinit(&p->dark);
    pulse_ranges_deinit(&p->stale);
    pulse_ranges_deinit(&p->active);
    pulse_ranges_deinit(&p->outages);
    mem_free(p->events.items);
    mem_free(p->losses.items);
    mem_free(p->parts);
    controls_free(p->controls);
    mem_free(p);
}

/* --- notes --- */

/* Panes mostly come in order, and partitions do not run far apart. */
static void counts_add(struct pulse_counts *c, int64_t pane, int64_t n)
{
    size_t i = c->count;

    while (i > 0 && c->items[i - 1].pane > pane)
        i--;
    if (i > 0 && c->items[i - 1].pane == pane) {
        c->items[i - 1].n += n;
        return;
    }
    c->items = mem_grow(c->items, c->count, &c->cap, sizeof(*c->items));
    memmove(c->items + i + 1, c->items + i, (c->count - i) * sizeof(*c->items));
    c->items[i] = (struct pulse_count){pane, n};
    c->count++;
}

static void take_note(struct pulse *p, struct pulse_part *part, const struct pulse_note *x)
{
    switch (x->kind) {
    case PULSE_EVENTS:
        counts_add(&p->events, x->pane > p->closed ? x->pane : p->closed + 1, x->n);
        break;
    case PULSE_CLOSE:
        part->closed = x->pane > part->closed ? x->pane : part->closed;
        break;
    case PULSE_GAP:
        pulse_ranges_add(&part->gaps, x->pane, x->to);
        pulse_ranges_add(&part->dark, x->pane, x->to);
        break;
    case PULSE_DARK:
        pulse_ranges_add(&part->dark, x->pane, x->to);
        break;
    case PULSE_LOST:
        if (x->pane == INT64_MIN)
            p->lost_early += x->n;
        else
            counts_add(&p->losses, x->pane > p->closed ? x->pane : p->closed + 1, x->n);
        break;
    case PULSE_MUTE:
        part->muted = true;
        break;
    case PULSE_UNMUTE:
        part->muted = false;
        part->unmuted_from = x->pane;
        break;
    }
}

void pulse_add(struct pulse *p, size_t part, const struct pulse_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        take_note(p, &p->parts[part], &notes->items[i]);
}

/* --- one pane, or many without events --- */

/* Its budget is the chance of the whole silence: it fires once in one. */
static void close_silent(struct pulse *p, int64_t from, int64_t to, struct records *out)
{
    double threshold = pulse_rate_threshold(&p->rate, p->input->no_data);
    int64_t fires;

    p->closed = to;
    if (p->first == INT64_MIN)
        return;
    if (p->silent_from == INT64_MIN)
        p->silent_from = from;
    if (p->data_gap.firing)
        pulse_note_stale(p, from, to);
    pulse_darken(p, from, to);
    if (p->no_data.firing || threshold != threshold)
        return;
    fires = pulse_rate_cross(&p->rate, p->silent_from, from, to, threshold);
    if (fires <= to)
        pulse_fire(p, &p->no_data, fires, out);
}

/* The log's first pane began before its first event: it is not a whole one. */
static void close_events(struct pulse *p, int64_t pane, int64_t n, struct records *out)
{
    bool whole = p->first != INT64_MIN && !p->data_gap.firing;

    pulse_end(p, &p->no_data, pane, pane - 1, "data_returned", out);
    pulse_end_silence(p, pane);
    if (p->first == INT64_MIN)
        p->first = pane;
    if (p->data_gap.firing)
        pulse_note_stale(p, pane, pane);
    pulse_rate_day(&p->rate, pane);
    if (whole)
        pulse_rate_learn(&p->rate, pane, n);
    p->closed = pane;
}

/* Lost records lay between the pane that was open and the next one with events, which ends it. */
static void close_loss(struct pulse *p, int64_t pane, int64_t n, struct records *out)
{
    bool firing = p->data_gap.firing;

    p->lost = (firing ? p->lost : 0) + n;
    p->lost_from = firing ? p->lost_from : pane;
    pulse_note_stale(p, pane, pane);
    if (firing)
        pulse_update(p, &p->data_gap, pane, out);
    else
        pulse_fire(p, &p->data_gap, pane, out);
}

static void close_one(struct pulse *p, int64_t pane, int64_t events, int64_t lost,
                      struct records *out)
{
    bool learn = lost == 0;

    if (!learn) /* what follows knows it as one with lost records */
        close_loss(p, pane, lost, out);
    if (events > 0)
        close_events(p, pane, events, out);
    else
        close_silent(p, pane, pane, out);
    if (learn && events > 0 && p->data_gap.firing)
        pulse_end(p, &p->data_gap, pane, pane - 1, "data_returned", out);
    pulse_tell(p, &p->no_data, pane, out);
    pulse_tell(p, &p->data_gap, pane, out);
}

/* --- steps --- */

static int64_t parts_closed(const struct pulse *p)
{
    int64_t closed = p->part_count > 0 ? INT64_MAX : INT64_MIN;

    for (size_t i = 0; i < p->part_count; i++)
        closed = p->parts[i].closed < closed ? p->parts[i].closed : closed;
    return closed;
}

/* What is counted for panes up to this one, from the place *at on. */
static int64_t counts_take(const struct pulse_counts *c, size_t *at, int64_t pane)
{
    int64_t n = 0;

    while (*at < c->count && c->items[*at].pane <= pane)
        n += c->items[(*at)++].n;
    return n;
}

static void counts_drop(struct pulse_counts *c, size_t n)
{
    c->count -= n;
    if (n > 0 && c->count > 0)
        memmove(c->items, c->items + n, c->count * sizeof(*c->items));
}

/* The next pane that is more than silent: it has events, or a loss, or is the first that is not muted. */
static int64_t next_stop(const struct pulse *p, size_t event, size_t loss, int64_t to)
{
    int64_t stop = INT64_MAX, unmuted = pulse_unmuted_from(p);

    if (event < p->events.count)
        stop = p->events.items[event].pane;
    if (loss < p->losses.count && p->losses.items[loss].pane < stop)
        stop = p->losses.items[loss].pane;
    if (p->closed != INT64_MIN && unmuted > p->closed && unmuted < stop)
        stop = unmuted;
    return stop <= to ? stop : INT64_MAX;
}

static void pulse_pass(struct pulse *p, int64_t to, struct records *out)
{
    size_t event = 0, loss = 0;

    for (int64_t stop; (stop = next_stop(p, event, loss, to)) != INT64_MAX;) {
        int64_t events = counts_take(&p->events, &event, stop);
        int64_t lost = counts_take(&p->losses, &loss, stop);

        if (p->closed != INT64_MIN && stop - 1 > p->closed)
            close_silent(p, p->closed + 1, stop - 1, out);
        if (events > 0) {
            lost += p->lost_early;
            p->lost_early = 0;
        }
        close_one(p, stop, events, lost, out);
    }
    if (p->closed == INT64_MIN)
        p->closed = to;
    else if (to > p->closed)
        close_silent(p, p->closed + 1, to, out);
    controls_reach(p->controls, to); /* an alert of an earlier pane has done so itself */
    counts_drop(&p->events, event);
    counts_drop(&p->losses, loss);
    for (size_t i = 0; i < p->part_count; i++) {
        pulse_ranges_forget(&p->parts[i].dark, to);
        pulse_ranges_forget(&p->parts[i].gaps, to);
    }
}

void pulse_step(struct pulse *p, struct records *out)
{
    int64_t to = parts_closed(p);

    if (to != INT64_MIN && to > p->closed)
        pulse_pass(p, to, out);
}

/* --- what operators say --- */

void pulse_control(struct pulse *p, const struct decision *d)
{
    controls_decide(p->controls, d);
}

void pulse_take_controls(struct pulse *p, struct pulse *from)
{
    controls_move(p->controls, from->controls, false);
}

/* --- looking --- */

int64_t pulse_closed(const struct pulse *p)
{
    return p->closed;
}

void pulse_look(const struct pulse *p, struct pulse_view *ret)
{
    bool silent = p->silent_from != INT64_MIN;
    const struct pulse_rate *r = &p->rate;

    *ret = (struct pulse_view){
        .lambda = silent && r->known ? pulse_rate_lambda(r, p->silent_from, p->closed) : 0,
        .threshold = pulse_rate_threshold(r, p->input->no_data),
        .rate = __builtin_nan(""),
        .dark_panes = p->dark_panes,
        .silent_from = silent ? p->silent_from * p->pane_ms : INT64_MIN,
        .firing = p->no_data.firing,
    };
    if (r->known)
        ret->rate = r->per_hour[zone_hour_of_week(r->zone, NULL, (p->closed + 1) * p->pane_ms)] /
                    3600;
}

void pulse_resolve(struct pulse *p, const char *reason, struct records *out)
{
    pulse_end(p, &p->no_data, p->closed, p->closed, reason, out);
    pulse_end(p, &p->data_gap, p->closed, p->closed, reason, out);
}

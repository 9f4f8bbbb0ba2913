/* SPDX-License-Identifier: Apache-2.0 */
/* A pulse as bytes. What is derived is derived again; what was decided by it is kept. */
#include <string.h>

#include "funnel/mem.h"
#include "funnel/pulse_parts.h"

#define PANE_LIMIT (INT64_C(1) << 42) /* beyond any event time; as ms it fits */

static void put_ranges(const struct pulse_ranges *r, struct codec_out *out)
{
    codec_put_varint(out, r->count);
    for (size_t i = 0; i < r->count; i++) {
        codec_put_i64(out, r->items[i].from);
        codec_put_i64(out, r->items[i].to);
    }
}

static int64_t get_pane(struct codec_in *in)
{
    int64_t pane = codec_get_i64(in);

    if (pane != INT64_MIN && (pane < -PANE_LIMIT || pane > PANE_LIMIT))
        codec_fail(in, "pulse: a pane beyond all time");
    return in->error ? INT64_MIN : pane;
}

static void get_ranges(struct pulse_ranges *r, struct codec_in *in)
{
    size_t count = codec_get_count(in, 16);
    int64_t last = INT64_MIN;

    for (size_t i = 0; i < count; i++) {
        int64_t from = get_pane(in), to = get_pane(in);

        if (from == INT64_MIN || to < from || (i > 0 && from <= last + 1))
            codec_fail(in, "pulse: runs of panes out of order");
        if (in->error)
            return;
        pulse_ranges_add(r, from, to);
        last = to;
    }
}

static void put_counts(const struct pulse_counts *c, struct codec_out *out)
{
    codec_put_varint(out, c->count);
    for (size_t i = 0; i < c->count; i++) {
        codec_put_i64(out, c->items[i].pane);
        codec_put_i64(out, c->items[i].n);
    }
}

static int64_t get_number(struct codec_in *in)
{
    int64_t n = codec_get_i64(in);

    if (n < 0 || n > INT64_C(1) << 60)
        codec_fail(in, "pulse: a count that cannot be");
    return in->error ? 0 : n;
}

static void get_counts(struct pulse_counts *c, int64_t after, struct codec_in *in)
{
    size_t count = codec_get_count(in, 16);

    for (size_t i = 0; i < count; i++) {
        struct pulse_count x = {.pane = get_pane(in)};

        x.n = get_number(in);
        if (x.pane == INT64_MIN || x.pane <= after)
            codec_fail(in, "pulse: counts out of order");
        if (in->error)
            return;
        c->items = mem_grow(c->items, c->count, &c->cap, sizeof(*c->items));
        c->items[c->count++] = x;
        after = x.pane;
    }
}

static void put_alert(const struct pulse_alert *a, struct codec_out *out)
{
    codec_put_u8(out, (uint8_t)(a->firing + 2 * a->published));
    codec_put_i64(out, a->fired);
    codec_put_u32(out, a->sequence);
}

static void get_alert(struct pulse_alert *a, struct codec_in *in)
{
    uint8_t flags = (uint8_t)codec_get_max(in, 3);

    a->firing = flags & 1;
    a->published = flags >> 1;
    a->fired = get_pane(in);
    a->sequence = codec_get_u32(in);
}

/* --- the rates --- */

static void put_rate(const struct pulse_rate *r, struct codec_out *out)
{
    for (int h = 0; h < PULSE_HOURS; h++) {
        codec_put_f64(out, r->events[h]);
        codec_put_f64(out, r->panes[h]);
        codec_put_f64(out, r->per_hour[h]);
    }
    codec_put_f64(out, r->spread.sum);
    codec_put_f64(out, r->spread.weight);
    codec_put_f64(out, r->bunches.sum);
    codec_put_f64(out, r->bunches.weight);
    codec_put_f64(out, r->bunch);
    codec_put_f64(out, r->phi);
    codec_put_u8(out, r->known);
    codec_put_f64(out, r->active);
    codec_put_i64(out, r->learned);
    codec_put_i64(out, r->day);
    codec_put_i64(out, r->hour);
    codec_put_i64(out, r->hour_events);
    codec_put_i64(out, r->hour_panes);
    codec_put_i64(out, r->hour_squares);
}

static double get_amount(struct codec_in *in, double least)
{
    double x = codec_get_f64(in);

    if (!in->error && !(x >= least && x < 1e300))
        codec_fail(in, "pulse: a sum that cannot be");
    return in->error ? least : x;
}

static void get_rate(struct pulse_rate *r, struct codec_in *in)
{
    double panes = 0;

    for (int h = 0; h < PULSE_HOURS; h++) {
        r->events[h] = get_amount(in, 0);
        r->panes[h] = get_amount(in, 0);
        panes += r->panes[h];
        r->per_hour[h] = get_amount(in, 0);
    }
    r->spread.sum = get_amount(in, 0);
    r->spread.weight = get_amount(in, 0);
    r->bunches.sum = get_amount(in, 0);
    r->bunches.weight = get_amount(in, 0);
    r->bunch = get_amount(in, 1);
    r->phi = get_amount(in, 1);
    r->known = codec_get_bool(in);
    r->active = get_amount(in, 0);
    r->learned = get_number(in);
    r->day = get_pane(in);
    r->hour = get_pane(in);
    r->hour_events = get_number(in);
    r->hour_panes = get_number(in);
    r->hour_squares = get_number(in);
    if (r->active > panes + 0.5) /* they are forgotten alike, up to a rounding */
        codec_fail(in, "pulse: more panes with events than panes");
    pulse_rate_scale(r);
}

/* --- all of it --- */

void pulse_save(const struct pulse *p, struct codec_out *out)
{
    codec_put_varint(out, p->part_count);
    codec_put_i64(out, p->closed);
    for (size_t i = 0; i < p->part_count; i++) {
        const struct pulse_part *part = &p->parts[i];

        codec_put_i64(out, part->closed);
        codec_put_u8(out, part->muted);
        codec_put_i64(out, part->unmuted_from);
        put_ranges(&part->dark, out);
        put_ranges(&part->gaps, out);
    }
    put_counts(&p->events, out);
    put_counts(&p->losses, out);
    codec_put_i64(out, p->lost_early);
    codec_put_i64(out, p->first);
    codec_put_i64(out, p->silent_from);
    codec_put_u8(out, p->silent_gap);
    codec_put_i64(out, p->lost_from);
    codec_put_i64(out, p->lost);
    put_alert(&p->no_data, out);
    put_alert(&p->data_gap, out);
    put_ranges(&p->dark, out);
    put_ranges(&p->stale, out);
    put_ranges(&p->active, out);
    put_ranges(&p->outages, out);
    codec_put_i64(out, p->stale_before);
    codec_put_i64(out, p->dark_panes);
    controls_save(p->controls, out);
    put_rate(&p->rate, out);
}

static void get_parts(struct pulse *p, struct codec_in *in)
{
    if (codec_get_varint(in) != p->part_count)
        codec_fail(in, "pulse: of another number of partitions");
    p->closed = get_pane(in);
    for (size_t i = 0; i < p->part_count && !in->error; i++) {
        struct pulse_part *part = &p->parts[i];

        part->closed = get_pane(in);
        part->muted = codec_get_bool(in);
        part->unmuted_from = get_pane(in);
        get_ranges(&part->dark, in);
        get_ranges(&part->gaps, in);
    }
}

static bool alert_is_consistent(const struct pulse_alert *a, int64_t since, int64_t closed)
{
    return !a->firing || (since != INT64_MIN && a->fired != INT64_MIN && a->fired <= closed);
}

static bool is_within(const struct pulse_ranges *r, int64_t closed)
{
    return r->count == 0 || r->items[r->count - 1].to <= closed;
}

static bool is_consistent(const struct pulse *p)
{
    return p->silent_from <= p->closed && p->first <= p->closed &&
           (p->silent_from == INT64_MIN || p->first != INT64_MIN) &&
           (!p->rate.known || p->first != INT64_MIN) && is_within(&p->active, p->closed) &&
           is_within(&p->outages, p->closed) &&
           alert_is_consistent(&p->no_data, p->silent_from, p->closed) &&
           alert_is_consistent(&p->data_gap, p->lost_from, p->closed);
}

void pulse_load(struct pulse *p, struct codec_in *in)
{
    get_parts(p, in);
    get_counts(&p->events, p->closed, in);
    get_counts(&p->losses, p->closed, in);
    p->lost_early = get_number(in);
    p->first = get_pane(in);
    p->silent_from = get_pane(in);
    p->silent_gap = codec_get_bool(in);
    p->lost_from = get_pane(in);
    p->lost = get_number(in);
    get_alert(&p->no_data, in);
    get_alert(&p->data_gap, in);
    get_ranges(&p->dark, in);
    get_ranges(&p->stale, in);
    get_ranges(&p->active, in);
    get_ranges(&p->outages, in);
    p->stale_before = get_pane(in);
    p->dark_panes = get_number(in);
    controls_load(p->controls, in);
    get_rate(&p->rate, in);
    if (!in->error && !is_consistent(p))
        codec_fail(in, "pulse: what is not consistent with itself");
}

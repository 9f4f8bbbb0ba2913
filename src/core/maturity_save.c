/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of maturity, as bytes, and under other settings. Curves are derived again. */
#include "funnel/judge.h"
#include "funnel/maturity.h"
#include "funnel/mem.h"

#define COUNT_MAX 1e18 /* nothing that was counted is larger */

/* --- saving --- */

static void bins_save(const struct maturity_step *s, struct codec_out *out)
{
    for (int bin = 0; bin < s->risk.ages->bins; bin++) {
        codec_put_f64(out, s->d[bin]);
        codec_put_f64(out, s->x[bin]);
        codec_put_f64(out, s->y[bin]);
        codec_put_zigzag(out, s->today.d[bin]);
        codec_put_zigzag(out, s->today.x[bin]);
        codec_put_zigzag(out, s->today.y[bin]);
    }
}

static void recent_save(const struct maturity_step *s, struct codec_out *out)
{
    codec_put_varint(out, s->recent_count);
    for (size_t i = 0; i < s->recent_count; i++) {
        codec_put_zigzag(out, s->recent[i].day);
        for (int slot = 0; slot < MATURITY_SLOTS; slot++)
            codec_put_varint(out, s->recent[i].entered[slot]);
    }
}

void maturity_save(const struct judge *j, struct codec_out *out)
{
    for (int step = 0; step <= j->funnel->overall; step++) {
        const struct maturity_step *s = maturity_of(j, step);

        if (!s)
            continue;
        codec_put_zigzag(out, s->pane);
        codec_put_zigzag(out, s->since);
        codec_put_zigzag(out, s->days);
        codec_put_zigzag(out, s->conversions);
        bins_save(s, out);
        riskset_save(&s->risk, out);
        recent_save(s, out);
    }
}

/* --- loading --- */

static double get_amount(struct codec_in *in)
{
    double x = codec_get_f64(in);

    if (!(x >= 0 && x <= COUNT_MAX))
        codec_fail(in, "a maturity is learned from what is no number");
    return in->error ? 0 : x;
}

static int64_t get_count(struct codec_in *in)
{
    int64_t n = codec_get_sum(in);

    if (n < 0)
        codec_fail(in, "a maturity is learned from less than nothing");
    return in->error ? 0 : n;
}

static void bins_load(struct maturity_step *s, struct codec_in *in)
{
    for (int bin = 0; bin < s->risk.ages->bins; bin++) {
        s->d[bin] = get_amount(in);
        s->x[bin] = get_amount(in);
        s->y[bin] = get_amount(in);
        s->today.d[bin] = get_count(in);
        s->today.x[bin] = get_count(in);
        s->today.y[bin] = get_count(in);
    }
}

static void recent_load(const struct judge *j, struct maturity_step *s, struct codec_in *in)
{
    size_t count = codec_get_count(in, 1 + MATURITY_SLOTS);

    if (count > COHORT_DAYS_MAX)
        codec_fail(in, "a maturity has more days than may be");
    for (size_t i = 0; i < count && !in->error; i++) {
        struct maturity_day *d;

        s->recent = mem_grow(s->recent, i, &s->recent_cap, sizeof(*s->recent));
        d = &s->recent[s->recent_count++];
        *d = (struct maturity_day){.day = codec_get_pane(in)};
        for (int slot = 0; slot < MATURITY_SLOTS; slot++)
            d->entered[slot] = (uint32_t)codec_get_max(in, UINT32_MAX);
        if (d->day > j->day || (i > 0 && d->day <= d[-1].day))
            codec_fail(in, "a maturity's days are not in order");
    }
}

void maturity_load(struct judge *j, struct codec_in *in)
{
    for (int step = 0; step <= j->funnel->overall && !in->error; step++) {
        struct maturity_step *s = maturity_of(j, step);

        if (!s)
            continue;
        s->pane = codec_get_pane(in);
        s->since = codec_get_pane(in);
        s->days = get_count(in);
        s->conversions = get_count(in);
        bins_load(s, in);
        riskset_load(&s->risk, in);
        recent_load(j, s, in);
        if (s->pane > j->closed || (j->closed != INT64_MIN && s->since > j->closed + 1))
            codec_fail(in, "a maturity is ahead of its panes");
        maturity_derive(s);
    }
}

/* --- under other settings --- */

/* The leaf's own is left where it is: see judge_step_stays(). */
static void add_stays(struct riskset *to, const struct judge_step *from, int64_t pane)
{
    struct riskset moved;
    int64_t expired;

    riskset_init(&moved, to->ages);
    riskset_add(&moved, &from->risk);
    riskset_advance(&moved, from->risk_pane, pane, &expired);
    riskset_add(to, &moved);
    riskset_deinit(&moved);
}

/* The stays that are open are at risk from now on, at their ages. */
static void step_begin(struct judge *j, int step, struct maturity_step *s)
{
    if (j->closed == INT64_MIN)
        return;
    s->pane = j->closed;
    s->since = j->closed + 1;
    for (size_t i = 0; i < j->leaf_count; i++)
        add_stays(&s->risk, &j->leaves[i].steps[step], j->closed);
}

static void step_take_over(struct maturity_step *to, struct maturity_step *from)
{
    const struct ages *ages = to->risk.ages;
    struct maturity_step fresh = *to;

    *to = *from;
    to->risk.ages = ages;
    *from = fresh;
}

void maturity_take_over(struct judge *to, struct judge *from)
{
    if (!to->maturity)
        return;
    for (int step = 0; step <= to->funnel->overall; step++) {
        struct maturity_step *s = maturity_of(to, step), *was = maturity_of(from, step);

        if (s && was)
            step_take_over(s, was);
        else if (s)
            step_begin(to, step, s);
    }
}

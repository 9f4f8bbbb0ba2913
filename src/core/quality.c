/* SPDX-License-Identifier: Apache-2.0 */
/* An event is bad where it was late, or became a dead letter of the funnel: its stage is unknown, or it came too late
 * (late: deadletter), or it skipped a stage (skip: reject). What cannot be read at all belongs to no funnel.
 *
 * The test is that of kind target, from above: the score test of the observed share against the largest one that
 * is tolerated. It is clear when the share itself is back. */
#include "funnel/quality.h"

#include "funnel/mem.h"
#include "funnel/stats.h"

struct quality *quality_new(const struct window_def *def)
{
    struct quality *q = mem_zero(1, sizeof(*q));

    q->def = *def;
    q->window = window_new(def);
    return q;
}

void quality_free(struct quality *q)
{
    if (!q)
        return;
    mem_free(q->window);
    mem_free(q);
}

void quality_add(struct quality *q, int64_t pane, int64_t events, int64_t bad)
{
    q->def.busy = floor_div(pane, q->def.slot_panes);
    window_add(q->window, &q->def, q->def.busy, (uint64_t)events, (uint64_t)bad);
}

enum alert_verdict quality_judge(const struct rule *r, struct reading *x)
{
    x->expected = settings_rule_target(r->settings);
    x->statistic = stats_one_proportion_z(x->conversions, x->entries, x->expected);
    if (x->entries < r->settings->min_entries)
        return VERDICT_BETWEEN;
    if (x->rate <= x->expected)
        return VERDICT_CLEAR;
    return x->statistic > r->z ? VERDICT_BREACH : VERDICT_BETWEEN;
}

void quality_save(const struct quality *q, struct codec_out *out)
{
    codec_put_zigzag(out, q->def.busy);
    codec_put_zigzag(out, q->def.since);
    window_save(q->window, &q->def, out);
}

void quality_load(struct quality *q, struct codec_in *in)
{
    struct window *window;

    q->def.busy = codec_get_pane(in);
    q->def.since = codec_get_pane(in);
    window = window_load(&q->def, in);
    if (!window)
        return;
    mem_free(q->window);
    q->window = window;
}

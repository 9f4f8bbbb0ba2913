/* SPDX-License-Identifier: Apache-2.0 */
/* An event is bad where it was late, or became a dead letter of the funnel: its stage is unknown, or it came too late
 * (late: deadletter), or it skipped a stage (skip: reject). What cannot be read at all belongs to no funnel.
 *
 * The test is that of kind target, from above: the score test of the observed share against the largest one that
 * is tolerated. It is clear when the share itself is back.
 *
 * Split keys are seen in a sample of ids, so min_entries does not apply to it: a few events are enough, as no id should
 * ever come in two partitions. It is clear when both are. */
#include "funnel/quality.h"

#include "funnel/mem.h"
#include "funnel/stats.h"

#define SAMPLE_LEAST 3 /* events of split ids: one may be a producer's mishap */

struct quality *quality_new(const struct window_def *def)
{
    struct quality *q = mem_zero(1, sizeof(*q));

    q->def = *def;
    q->window = window_new(def);
    q->sample = window_new(def);
    return q;
}

void quality_free(struct quality *q)
{
    if (!q)
        return;
    mem_free(q->window);
    mem_free(q->sample);
    mem_free(q);
}

void quality_add(struct quality *q, int64_t pane, const struct quality_pane *x)
{
    q->def.busy = floor_div(pane, q->def.slot_panes);
    window_add(q->window, &q->def, q->def.busy, (uint64_t)x->events, (uint64_t)x->bad);
    if (x->watched > 0)
        window_add(q->sample, &q->def, q->def.busy, (uint64_t)x->watched, (uint64_t)x->split);
}

static enum alert_verdict whole_judge(const struct rule *r, struct reading *x)
{
    x->statistic = stats_one_proportion_z(x->conversions, x->entries, x->expected);
    if (x->entries < r->settings->min_entries)
        return VERDICT_BETWEEN;
    if (x->rate <= x->expected)
        return VERDICT_CLEAR;
    return x->statistic > r->z ? VERDICT_BREACH : VERDICT_BETWEEN;
}

static enum alert_verdict sample_judge(const struct rule *r, const struct reading *x)
{
    if ((double)x->split <= x->expected * (double)x->watched)
        return VERDICT_CLEAR;
    if (x->split < SAMPLE_LEAST)
        return VERDICT_BETWEEN;
    return stats_one_proportion_z(x->split, x->watched, x->expected) > r->z ? VERDICT_BREACH
                                                                            : VERDICT_BETWEEN;
}

static void become_sample(struct reading *x)
{
    struct interval wilson = stats_wilson(x->split, x->watched, STATS_Z95);

    x->sampled = true;
    x->entries = x->watched;
    x->conversions = x->split;
    x->rate = (double)x->split / (double)x->watched;
    x->low = wilson.low;
    x->high = wilson.high;
    x->statistic = stats_one_proportion_z(x->split, x->watched, x->expected);
}

enum alert_verdict quality_judge(const struct rule *r, struct reading *x)
{
    enum alert_verdict whole, sample;

    x->expected = settings_rule_target(r->settings);
    whole = whole_judge(r, x);
    sample = sample_judge(r, x);
    if (sample > whole)
        become_sample(x);
    return sample > whole ? sample : whole;
}

void quality_save(const struct quality *q, struct codec_out *out)
{
    codec_put_zigzag(out, q->def.busy);
    codec_put_zigzag(out, q->def.since);
    window_save(q->window, &q->def, out);
    window_save(q->sample, &q->def, out);
}

static void quality_window_load(const struct quality *q, struct window **window,
                                struct codec_in *in)
{
    struct window *loaded = window_load(&q->def, in);

    if (!loaded)
        return;
    mem_free(*window);
    *window = loaded;
}

void quality_load(struct quality *q, struct codec_in *in)
{
    q->def.busy = codec_get_pane(in);
    q->def.since = codec_get_pane(in);
    quality_window_load(q, &q->window, in);
    quality_window_load(q, &q->sample, in);
}

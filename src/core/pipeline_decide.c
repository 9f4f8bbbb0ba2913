/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions on their way to the machines: a tally's wait in its queue for their place in its log, those of the
 * judges and the pulses for their pane. */
#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"

static void pipeline_mute(struct pipeline *p, uint32_t source, struct records *out)
{
    tally_mute(&p->tallies[source]);
    for (size_t f = 0; f < p->funnel_count; f++)
        judge_mute(&p->judges[f], source);
    pipeline_take(p, source, out, out->count);
}

void pipeline_decide(struct pipeline *p, const struct decision *d)
{
    struct records none = {0};

    if (d->source == DECISION_JUDGES) {
        for (size_t f = 0; f < p->funnel_count; f++)
            judge_control(&p->judges[f], d);
        for (size_t i = 0; i < p->settings->inputs.count; i++)
            if (p->part_counts[i] > 0)
                pulse_control(p->pulses[i], d);
        return;
    }
    if (d->kind == DECISION_BOOTSTRAP_END)
        pipeline_mute(p, d->source, &none);
    decision_queue_push(&p->tallies[d->source].decisions, d);
}

static void pipeline_decide_one(struct pipeline *p, uint32_t source, const struct decision *d,
                                struct records *out)
{
    struct tally *t = &p->tallies[source];
    size_t before = out->count;

    tally_decide(t, d, out);
    pipeline_take(p, source, out, before);
    for (size_t f = 0; d->kind == DECISION_BOOTSTRAP_END && f < p->funnel_count; f++)
        judge_unmute(&p->judges[f], source, tally_open_pane(t));
}

void pipeline_decide_due(struct pipeline *p, uint32_t source, int64_t at, struct records *out)
{
    struct decision d;

    while (decision_queue_take(&p->tallies[source].decisions, at, &d)) {
        pipeline_decide_one(p, source, &d, out);
        mem_free((char *)d.text.p);
    }
}

void pipeline_reach(struct pipeline *p, uint32_t source, int64_t next, struct records *out)
{
    if (decision_queue_next(&p->tallies[source].decisions) > next)
        return;
    pipeline_decide_due(p, source, next, out);
    pipeline_judge(p, out);
}

int64_t pipeline_next_pane(const struct pipeline *p)
{
    int64_t closed = INT64_MIN;

    for (size_t f = 0; f < p->funnel_count; f++)
        closed = p->judges[f].closed > closed ? p->judges[f].closed : closed;
    for (size_t i = 0; i < p->settings->inputs.count; i++)
        closed = pulse_closed(p->pulses[i]) > closed ? pulse_closed(p->pulses[i]) : closed;
    return closed == INT64_MIN ? closed : closed + 1;
}

bool pipeline_is_muted(const struct pipeline *p)
{
    for (size_t i = 0; i < p->source_count; i++)
        if (p->tallies[i].muted)
            return true;
    return false;
}

struct etime pipeline_waits_for(const struct pipeline *p, uint32_t source)
{
    const struct tally *t = &p->tallies[source];

    return t->waiting_count > 0 ? (struct etime){t->waiting[0].time_ms} : ETIME_NONE;
}

const struct pulse *pipeline_pulse(const struct pipeline *p, uint16_t input)
{
    return p->pulses[input];
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline under other settings. A new one is made, and what of the old one its settings leave unchanged moves
 * into it: funnels of the same shape as they are, those of another shape by their entities (tally_resync.c); the
 * machines' place in the log and in time always. */
#include <string.h>

#include "funnel/mem.h"
#include "funnel/settings_meaning.h"
#include "core/switch.h"

/* --- the plan --- */

int64_t switch_pane(const struct switch_plan *plan, int64_t pane)
{
    if (pane == INT64_MIN || pane == INT64_MAX)
        return pane;
    return floor_div(pane * plan->from->settings->time.pane, plan->to->settings->time.pane);
}

int64_t switch_pane_up(const struct switch_plan *plan, int64_t pane)
{
    if (pane == INT64_MIN || pane == INT64_MAX)
        return pane;
    return -floor_div(-pane * plan->from->settings->time.pane, plan->to->settings->time.pane);
}

static void plan_funnel(struct switch_plan *plan, size_t old, size_t new)
{
    const struct pipeline *from = plan->from, *to = plan->to;
    const struct funnel *was = &from->funnels[old], *is = &to->funnels[new];
    struct switch_funnel *map = &plan->funnels[old];

    map->to = (int)new;
    plan->was[new] = (int)old;
    map->keeps = from->zone->hash == to->zone->hash &&
                 settings_shape(from->settings, was->settings) ==
                     settings_shape(to->settings, is->settings);
    for (int i = 0; i < was->stage_count; i++)
        map->stage[i] = funnel_stage(is, span_of(funnel_stage_id(was, i)));
}

static void plan_funnels(struct switch_plan *plan)
{
    for (size_t new = 0; new < plan->to->funnel_count; new ++)
        plan->was[new] = -1;
    for (size_t old = 0; old < plan->from->funnel_count; old++) {
        plan->funnels[old].to = -1;
        for (size_t new = 0; new < plan->to->funnel_count; new ++)
            if (strcmp(plan->from->funnels[old].name, plan->to->funnels[new].name) == 0)
                plan_funnel(plan, old, new);
    }
}

/* Rounded down: what comes next lies at or after the end of what was closed, and every verdict from here on is
 * of a later time than those before. All judges stand at the same pane. */
static void plan_panes(struct switch_plan *plan)
{
    const struct pipeline *from = plan->from;
    int64_t closed = from->judges[0].closed;

    plan->closed = closed == INT64_MIN ? closed : switch_pane(plan, closed + 1) - 1;
    plan->whole = INT64_MIN;
    for (size_t i = 0; i < from->source_count; i++) {
        int64_t watermark = from->tallies[i].watermark_ms, open;

        if (watermark == INT64_MIN)
            continue;
        open = floor_div(watermark, plan->to->settings->time.pane);
        plan->whole = open + 1 > plan->whole ? open + 1 : plan->whole;
    }
}

/* --- machines --- */

/* The first funnel remembers the sequences of those that are gone, for their return. */
static void remember(const struct switch_plan *plan, size_t f)
{
    const struct switch_funnel *map = &plan->funnels[f];

    rules_remember(plan->to->judges[map->to < 0 ? 0 : map->to].rules, &plan->from->judges[f],
                   map->keeps);
}

static void resolve(struct switch_plan *plan, struct records *out)
{
    for (size_t f = 0; f < plan->from->funnel_count; f++) {
        const struct switch_funnel *map = &plan->funnels[f];
        const struct judge *to = map->to < 0 ? NULL : &plan->to->judges[map->to];
        size_t before = out->count;

        rules_resolve(&plan->from->judges[f], to, map->keeps, out);
        remember(plan, f);
        plan->from->judge_digests[f] = pipeline_digest(plan->from->judge_digests[f], out, before);
    }
    for (size_t f = 0; f < plan->to->funnel_count; f++)
        if (plan->was[f] < 0)
            rules_remember_past(plan->to->judges[f].rules, plan->from->judges[0].rules);
}

/* --- pulses --- */

static bool flush(struct codec_out *out)
{
    return codec_flush_buf(out);
}

/* Into a new one, of panes of the same length. */
static void pulse_copy(struct pulse *to, const struct pulse *from)
{
    unsigned char block[512];
    struct buf bytes = {0};
    struct codec_out out = {.data = block, .cap = sizeof(block), .flush = flush, .context = &bytes};
    struct codec_in in;

    pulse_save(from, &out);
    codec_flush_buf(&out);
    in = (struct codec_in){.p = (const unsigned char *)bytes.data, .left = bytes.len};
    pulse_load(to, &in);
    buf_deinit(&bytes);
}

/* Panes of another length, or other hours of the week: it learns anew what is usual, from where the tallies
 * stand. */
static void pulse_begin(const struct switch_plan *plan, uint32_t source)
{
    const struct pipeline *from = plan->from;
    struct pipeline *to = plan->to;
    const struct judge_source *s = &from->judges[0].sources[source];
    struct pulse_notes notes = {0};

    if (s->muted)
        pulse_notes_add(&notes, (struct pulse_note){.kind = PULSE_MUTE});
    else if (s->mute_until != INT64_MIN)
        pulse_notes_add(&notes, (struct pulse_note){.kind = PULSE_UNMUTE,
                                                    .pane = switch_pane_up(plan, s->mute_until)});
    if (s->closed != INT64_MIN) /* as the judges know it */
        pulse_notes_add(&notes, (struct pulse_note){.kind = PULSE_CLOSE,
                                                    .pane = switch_pane(plan, s->closed + 1) - 1});
    pulse_add(to->pulses[to->sources[source].input], to->parts[source], &notes);
    pulse_notes_deinit(&notes);
}

static bool pulse_rule_is_same(const struct settings_input *a, const struct settings_input *b)
{
    return a->no_data == b->no_data && strcmp(a->no_data_severity, b->no_data_severity) == 0;
}

static void take_pulses(const struct switch_plan *plan, struct records *out)
{
    const struct settings_inputs *was = &plan->from->settings->inputs,
                                 *is = &plan->to->settings->inputs;
    bool same = plan->from->zone->hash == plan->to->zone->hash &&
                plan->from->settings->time.pane == plan->to->settings->time.pane;

    for (size_t i = 0; i < is->count; i++) {
        size_t before = out->count;

        if (!same || !pulse_rule_is_same(&was->items[i], &is->items[i]))
            pulse_resolve(plan->from->pulses[i], "rule_changed", out);
        plan->to->pulse_digests[i] = pipeline_digest(plan->from->pulse_digests[i], out, before);
        if (same)
            pulse_copy(plan->to->pulses[i], plan->from->pulses[i]);
        else
            pulse_take_controls(plan->to->pulses[i], plan->from->pulses[i]);
    }
    for (uint32_t i = 0; !same && i < plan->to->source_count; i++)
        pulse_begin(plan, i);
}

/* --- digests --- */

/* The digest of a funnel that is gone goes on in the first one's. */
static void take_digests(const struct switch_plan *plan)
{
    const struct pipeline *from = plan->from;
    struct pipeline *to = plan->to;

    memcpy(to->tally_digests, from->tally_digests,
           from->source_count * sizeof(*from->tally_digests));
    for (size_t f = 0; f < from->funnel_count; f++)
        if (plan->funnels[f].to >= 0)
            to->judge_digests[plan->funnels[f].to] = from->judge_digests[f];
    for (size_t f = 0; f < from->funnel_count; f++)
        if (plan->funnels[f].to < 0)
            to->judge_digests[0] = pipeline_digest_join(to->judge_digests[0],
                                                        from->judge_digests[f]);
}

/* New ones first: they look at what the others have. */
static void take_judges(const struct switch_plan *plan)
{
    struct judge *from = plan->from->judges, *to = plan->to->judges;

    for (size_t f = 0; f < plan->to->funnel_count; f++)
        if (plan->was[f] < 0)
            judge_begin(plan, &to[f], &from[0], true);
    for (size_t f = 0; f < plan->from->funnel_count; f++) {
        const struct switch_funnel *map = &plan->funnels[f];

        if (map->to >= 0 && map->keeps)
            judge_take_over(&to[map->to], &from[f]);
        else if (map->to >= 0)
            judge_begin(plan, &to[map->to], &from[f], false);
    }
}

/* What the tallies have left for judges that begin. */
static void give_cells(struct pipeline *p)
{
    for (size_t i = 0; i < p->source_count; i++) {
        for (size_t f = 0; f < p->funnel_count; f++) {
            judge_add(&p->judges[f], i, &p->tallies[i].funnels[f].out);
            cells_clear(&p->tallies[i].funnels[f].out);
        }
    }
}

/* Counters never fall: what went with a judge or a funnel is kept with the first tally's. */
static void keep_counters(struct switch_plan *plan, const struct counters *before)
{
    struct counters now, *own = &plan->to->tallies[0].counters;

    pipeline_counters(plan->to, &now);
    for (int i = 0; i < COUNTER_COUNT; i++)
        own->n[i] += (before->n[i] > now.n[i] ? before->n[i] - now.n[i] : 0) + plan->more.n[i];
}

/* The same partitions, with the names the new settings keep. */
static struct pipeline *pipeline_like(const struct pipeline *old, const struct settings *settings,
                                      const struct zone *zone)
{
    struct pipeline_source *sources = mem_zero(old->source_count, sizeof(*sources));
    struct pipeline *p;

    for (size_t i = 0; i < old->source_count; i++) {
        sources[i] = old->sources[i];
        sources[i].topic = settings->inputs.items[sources[i].input].topic;
    }
    p = pipeline_new(settings, zone, sources, old->source_count);
    mem_free(sources);
    return p;
}

struct pipeline *pipeline_switch(struct pipeline *old, const struct settings *settings,
                                 const struct zone *zone, struct records *out)
{
    struct switch_plan plan = {.from = old, .to = pipeline_like(old, settings, zone)};
    struct counters before;

    plan_funnels(&plan);
    plan_panes(&plan);
    resolve(&plan, out);
    pipeline_counters(old, &before);
    take_digests(&plan);
    take_pulses(&plan, out);
    plan.to->messages = old->messages;
    plan.to->first_pane = switch_pane(&plan, old->first_pane);
    for (size_t i = 0; i < old->source_count; i++)
        tally_switch(&plan, &plan.to->tallies[i], &old->tallies[i], &plan.more);
    take_judges(&plan);
    give_cells(plan.to);
    keep_counters(&plan, &before);
    pipeline_free(old);
    return plan.to;
}

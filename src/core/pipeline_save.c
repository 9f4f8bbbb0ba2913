/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's state in sections, each of one machine, after one of what belongs to none. */
#include <stdio.h>

#include "funnel/pipeline_parts.h"

enum section { SECTION_PIPELINE, SECTION_TALLY, SECTION_PULSE, SECTION_JUDGE };

/* Which machine a section is of. */
static enum section section_of(const struct pipeline *p, size_t section, size_t *ret_index)
{
    *ret_index = section - 1;
    if (section == 0)
        return SECTION_PIPELINE;
    if (*ret_index < p->source_count)
        return SECTION_TALLY;
    *ret_index -= p->source_count;
    if (*ret_index < p->settings->inputs.count)
        return SECTION_PULSE;
    *ret_index -= p->settings->inputs.count;
    return SECTION_JUDGE;
}

size_t pipeline_sections(const struct pipeline *p)
{
    return 1 + p->source_count + p->settings->inputs.count + p->funnel_count;
}

void pipeline_section_name(const struct pipeline *p, size_t section, char name[32])
{
    static const char *const names[] = {"pipeline", "tally", "pulse", "judge"};
    size_t index;
    enum section kind = section_of(p, section, &index);

    if (kind == SECTION_PIPELINE)
        snprintf(name, 32, "%s", names[kind]);
    else
        snprintf(name, 32, "%s %zu", names[kind], index);
}

/* --- saving --- */

static void pipeline_save(const struct pipeline *p, struct codec_out *out)
{
    codec_put_varint(out, p->source_count);
    codec_put_varint(out, p->funnel_count);
    codec_put_varint(out, p->messages);
    codec_put_u8(out, p->first_pane != INT64_MAX);
    if (p->first_pane != INT64_MAX)
        codec_put_zigzag(out, p->first_pane);
}

void pipeline_section_save(const struct pipeline *p, size_t section, struct codec_out *out)
{
    size_t i;

    switch (section_of(p, section, &i)) {
    case SECTION_PIPELINE:
        pipeline_save(p, out);
        break;
    case SECTION_TALLY:
        codec_put_u64(out, p->tally_digests[i]);
        tally_save(&p->tallies[i], out);
        break;
    case SECTION_PULSE:
        codec_put_u64(out, p->pulse_digests[i]);
        pulse_save(p->pulses[i], out);
        break;
    case SECTION_JUDGE:
        codec_put_u64(out, p->judge_digests[i]);
        judge_save(&p->judges[i], out);
        break;
    }
}

/* --- loading --- */

static void pipeline_load(struct pipeline *p, struct codec_in *in)
{
    if (codec_get_varint(in) != p->source_count || codec_get_varint(in) != p->funnel_count)
        codec_fail(in, "it is of other partitions or funnels");
    p->messages = codec_get_varint(in);
    if (codec_get_bool(in))
        p->first_pane = codec_get_pane(in);
}

/* What the tally has told is what the judge knows: cells that still come are understood, and for a pane
 * not closed yet. */
static bool judge_knows(const struct judge *j, size_t source, const struct tally_funnel *tf,
                        int64_t open)
{
    const struct judge_source *s = &j->sources[source];
    bool known = s->combos.count == tf->leaves_sent && s->reasons.count == tf->reasons_sent &&
                 s->pane == tf->pane && (s->closed == INT64_MIN || s->closed < open);

    for (int b = 0; b < tf->funnel->breakdown_count; b++)
        known = known && s->breaks[b].count == tf->breaks_sent[b];
    return known;
}

static void pipeline_judge_load(struct pipeline *p, size_t funnel, struct codec_in *in)
{
    struct judge *j = &p->judges[funnel];

    p->judge_digests[funnel] = codec_get_u64(in);
    judge_load(j, in);
    for (size_t i = 0; i < p->source_count && !in->error; i++)
        if (!judge_knows(j, i, &p->tallies[i].funnels[funnel], tally_open_pane(&p->tallies[i])))
            codec_fail(in, "it does not belong to these tallies");
}

void pipeline_section_load(struct pipeline *p, size_t section, struct codec_in *in)
{
    size_t i;

    switch (section_of(p, section, &i)) {
    case SECTION_PIPELINE:
        pipeline_load(p, in);
        break;
    case SECTION_TALLY:
        p->tally_digests[i] = codec_get_u64(in);
        tally_load(&p->tallies[i], in);
        break;
    case SECTION_PULSE:
        p->pulse_digests[i] = codec_get_u64(in);
        pulse_load(p->pulses[i], in);
        break;
    case SECTION_JUDGE:
        pipeline_judge_load(p, i, in);
        break;
    }
    if (!in->error && in->left > 0)
        codec_fail(in, "something is left over");
}

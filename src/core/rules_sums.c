/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that go by sums of their own, beside the judge's windows of entries and conversions: data_quality, mix. Each
 * has one watch, of the whole funnel. */
#include "funnel/mem.h"
#include "funnel/mix.h"
#include "funnel/quality.h"
#include "funnel/rules.h"
#include "funnel/stats.h"

const struct window_def *rule_window_def(const struct judge *j, const struct rule *r)
{
    if (r->quality)
        return &r->quality->def;
    return r->mix ? &r->mix->def : &j->windows[r->window];
}

bool rules_sums_init(const struct judge *j, struct rule *r)
{
    const struct funnel *f = j->funnel;
    const struct settings_rule *s = r->settings;
    struct window_def def;

    if (s->kind != RULE_DATA_QUALITY && s->kind != RULE_MIX)
        return false;
    r->steps = mem_zero((size_t)f->overall + 1, sizeof(*r->steps));
    r->steps[f->overall] = true;
    if (s->kind == RULE_MIX) {
        r->mix = mix_new(&s->window, f, s->min_effect);
        r->z = mix_threshold(r->mix, settings_rule_budget(s));
    } else {
        window_def_init(&def, &s->window, f->pane_ms);
        r->quality = quality_new(&def);
        r->z = stats_significance_z(s->significance);
    }
    return true;
}

void rules_sums_deinit(struct rule *r)
{
    quality_free(r->quality);
    mix_free(r->mix);
}

static void mix_take(const struct judge *j, struct mix *m, int64_t pane)
{
    for (size_t i = 0; i < j->touched_count; i++) {
        const struct judge_leaf *leaf = &j->leaves[j->touched[i].leaf];
        const struct judge_step *s = &leaf->steps[j->touched[i].step];

        if (j->touched[i].step == 0 && s->pane_entered + s->pane_credited > 0)
            mix_add(m, pane, leaf->value, s->pane_entered + s->pane_credited);
    }
}

void rules_sums_take(struct judge *j, int64_t pane, const struct quality_pane *quality)
{
    for (size_t i = 0; i < j->rules->count; i++) {
        struct rule *r = &j->rules->items[i];

        if (r->quality && quality->events > 0)
            quality_add(r->quality, pane, quality);
        if (r->mix)
            mix_take(j, r->mix, pane);
    }
}

void rules_sums_save(const struct rule *r, struct codec_out *out)
{
    if (r->quality)
        quality_save(r->quality, out);
    if (r->mix)
        mix_save(r->mix, out);
}

void rules_sums_load(struct rule *r, struct codec_in *in)
{
    if (r->quality)
        quality_load(r->quality, in);
    if (r->mix)
        mix_load(r->mix, in);
}

void rules_sums_take_over(struct rule *to, struct rule *from)
{
    struct quality *quality = to->quality;
    struct mix *mix = to->mix;

    to->quality = from->quality;
    to->mix = from->mix;
    from->quality = quality;
    from->mix = mix;
}

void rules_sums_begin(struct rule *r, int64_t pane)
{
    if (r->quality)
        r->quality->def.since = pane;
    if (r->mix)
        r->mix->def.since = pane;
}

/* --- records --- */

static void fill_quality(const struct reading *x, struct alert *a)
{
    a->expected_source = "target";
    a->events = x->entries;
    a->lost_records = x->conversions;
    a->sampled = x->sampled;
}

/* The value whose share rose most, then the one whose share fell most. */
static void fill_mix(const struct judge *j, const struct rule *r, const struct reading *x,
                     struct alert *a, struct alert_part *parts, struct buf *text)
{
    const struct mix_shift *s = &x->shift;
    const struct names *names = s->dim >= 0 ? &j->values[s->dim] : NULL;
    const uint32_t values[] = {s->gained, s->lost};
    const double changes[] = {s->gained_is - s->gained_was, s->lost_is - s->lost_was};
    size_t ends[2];

    a->expected_source = "baseline";
    a->events = x->entries;
    a->budget = settings_rule_budget(r->settings);
    a->rate = a->low = a->high = a->effect_absolute = a->effect_relative = __builtin_nan("");
    if (!names || !(s->distance > 0))
        return;
    for (int i = 0; i < 2; i++) {
        buf_fmt(text, "%s=", j->funnel->settings->dims.items[s->dim].name);
        buf_add(text, names_text(names, values[i]).p, names_text(names, values[i]).len);
        ends[i] = text->len;
    }
    for (int i = 0; i < 2; i++)
        parts[i] = (struct alert_part){
            .segment = {text->data + (i > 0 ? ends[0] : 0),
                        (uint32_t)(ends[i] - (i > 0 ? ends[0] : 0))},
            .rate_effect = __builtin_nan(""),
            .mix_effect = changes[i],
        };
    a->parts = parts;
    a->part_count = 2;
    a->remainder = __builtin_nan("");
}

void rules_sums_fill(const struct judge *j, const struct rule *r, const struct reading *x,
                     struct alert *a, struct alert_part parts[2], struct buf *text)
{
    a->measure = ALERT_MEASURE_EVENTS;
    a->expected_conversions = a->lost_conversions = __builtin_nan("");
    a->has_lost_amount = false;
    if (r->mix)
        fill_mix(j, r, x, a, parts, text);
    else
        fill_quality(x, a);
}

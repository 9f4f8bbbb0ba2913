/* SPDX-License-Identifier: Apache-2.0 */
/* A judge's leaves as bytes: totals, risk sets, durations and cohorts of each step. */
#include <string.h>

#include "funnel/judge.h"
#include "funnel/mem.h"

/* --- saving --- */

static void day_save(const struct cohort_day *d, struct codec_out *out)
{
    codec_put_varint(out, d->entered);
    codec_put_varint(out, d->credited);
    codec_put_varint(out, d->seeded);
    for (int c = 0; c < EXIT_CAUSES; c++)
        codec_put_varint(out, d->exits[c]);
}

static void cohort_save(const struct cohort *c, struct codec_out *out)
{
    day_save(&c->gone, out);
    codec_put_varint(out, c->count);
    for (size_t i = 0; i < c->count; i++) {
        codec_put_zigzag(out, c->days[i].day);
        day_save(&c->days[i], out);
    }
}

static void step_save(const struct judge_step *s, struct codec_out *out)
{
    codec_put_zigzag(out, s->entered);
    codec_put_zigzag(out, s->credited);
    codec_put_zigzag(out, s->seeded);
    codec_put_zigzag(out, s->late_advance);
    for (int c = 0; c < EXIT_CAUSES; c++)
        codec_put_zigzag(out, s->exits[c]);
    codec_put_zigzag(out, s->expired_unheard);
    riskset_save(&s->risk, out);
    codec_put_zigzag(out, s->risk_pane);
    dwell_save(&s->dwell, out);
    cohort_save(&s->cohort, out);
}

static void stage_save(const struct judge_stage *s, struct codec_out *out)
{
    codec_put_zigzag(out, s->reached);
    codec_put_zigzag(out, s->regressed);
    codec_put_zigzag(out, s->stock);
    codec_put_zigzag(out, s->stock_amount);
    codec_put_zigzag(out, s->repeats);
    codec_put_zigzag(out, s->repeat_amount);
}

static void leaf_save(const struct judge *j, const struct judge_leaf *leaf, struct codec_out *out)
{
    codec_put_varint(out, leaf->combo);
    for (size_t k = 0; k < j->spec_count; k++)
        codec_put_varint(out, leaf->series[k]);
    codec_put_zigzag(out, leaf->won);
    codec_put_zigzag(out, leaf->won_amount);
    dwell_save(&leaf->cycle, out);
    for (int s = 0; s <= j->funnel->overall; s++)
        step_save(&leaf->steps[s], out);
    for (int s = 0; s < j->funnel->stage_count; s++)
        stage_save(&leaf->stages[s], out);
}

/* Then the combinations that share leaf 0, because the limit refused them. */
void judge_leaves_save(const struct judge *j, struct codec_out *out)
{
    codec_put_varint(out, j->leaf_count);
    for (size_t i = 0; i < j->leaf_count; i++)
        leaf_save(j, &j->leaves[i], out);
    for (uint32_t c = NAME_FIRST; c < j->combos.count; c++)
        codec_put_u8(out, j->combo_leaf[c] == 0);
}

/* --- loading --- */

static void day_load(struct cohort_day *d, struct codec_in *in)
{
    d->entered = (uint32_t)codec_get_max(in, UINT32_MAX);
    d->credited = (uint32_t)codec_get_max(in, UINT32_MAX);
    d->seeded = (uint32_t)codec_get_max(in, UINT32_MAX);
    for (int c = 0; c < EXIT_CAUSES; c++)
        d->exits[c] = (uint32_t)codec_get_max(in, UINT32_MAX);
}

static void cohort_load(struct cohort *c, struct codec_in *in)
{
    size_t count;

    day_load(&c->gone, in);
    count = codec_get_count(in, 1 + 3 + EXIT_CAUSES);
    if (count > COHORT_DAYS_MAX)
        codec_fail(in, "a cohort has too many days");
    for (size_t i = 0; i < count && !in->error; i++) {
        int64_t day = codec_get_pane(in);

        if (day != (int32_t)day || (i > 0 && day <= c->days[i - 1].day))
            codec_fail(in, "the days of a cohort are not in order");
        c->days = mem_grow(c->days, c->count, &c->cap, sizeof(*c->days));
        c->days[c->count] = (struct cohort_day){.day = (int32_t)day};
        day_load(&c->days[c->count++], in);
    }
}

static void step_load(const struct judge *j, struct judge_step *s, struct codec_in *in)
{
    s->entered = codec_get_sum(in);
    s->credited = codec_get_sum(in);
    s->seeded = codec_get_sum(in);
    s->late_advance = codec_get_sum(in);
    for (int c = 0; c < EXIT_CAUSES; c++)
        s->exits[c] = codec_get_sum(in);
    s->expired_unheard = codec_get_sum(in);
    riskset_load(&s->risk, in);
    s->risk_pane = codec_get_pane(in);
    if (s->risk_pane > j->closed)
        codec_fail(in, "a risk set is ahead of its judge");
    dwell_load(&s->dwell, in);
    cohort_load(&s->cohort, in);
}

static void stage_load(struct judge_stage *s, struct codec_in *in)
{
    s->reached = codec_get_sum(in);
    s->regressed = codec_get_sum(in);
    s->stock = codec_get_sum(in);
    s->stock_amount = codec_get_zigzag(in); /* sums of amounts may wrap */
    s->repeats = codec_get_sum(in);
    s->repeat_amount = codec_get_zigzag(in);
}

/* Its values from its text, u16 length + bytes each (leaves_text). False: that is not what the text is. */
static bool text_values(const struct judge *j, struct span text, uint32_t *ret_values)
{
    for (int d = 0; d < j->funnel->dim_count; d++) {
        uint16_t len;

        if (text.len < sizeof(len))
            return false;
        memcpy(&len, text.p, sizeof(len));
        text = (struct span){text.p + sizeof(len), text.len - (uint32_t)sizeof(len)};
        if (text.len < len)
            return false;
        ret_values[d] = names_find(&j->values[d], (struct span){text.p, len});
        text = (struct span){text.p + len, text.len - len};
    }
    return text.len == 0;
}

static bool values_are_known(const struct judge *j, const uint32_t *values)
{
    for (int d = 0; d < j->funnel->dim_count; d++)
        if (values[d] == NAME_ABSENT)
            return false;
    return true;
}

/* Leaf 0 is there from the start. */
static struct judge_leaf *leaf_at(struct judge *j, size_t i, struct codec_in *in)
{
    uint32_t combo = (uint32_t)codec_get_max(in, j->combos.count - 1);
    struct judge_leaf *leaf;

    if (in->error || combo < NAME_FIRST ||
        (i == 0 ? combo != j->leaves[0].combo : j->combo_leaf[combo] != -1))
        codec_fail(in, "a leaf is there twice");
    if (in->error)
        return NULL;
    leaf = i == 0 ? &j->leaves[0] : judge_leaf_add(j, combo);
    text_values(j, names_text(&j->combos, combo), leaf->value);
    if (!values_are_known(j, leaf->value))
        codec_fail(in, "a leaf has a value that is not there");
    return leaf;
}

static void leaf_load(struct judge *j, size_t i, struct codec_in *in)
{
    struct judge_leaf *leaf = leaf_at(j, i, in);

    for (size_t k = 0; leaf && k < j->spec_count; k++) {
        leaf->series[k] = (uint32_t)codec_get_max(in, UINT32_MAX);
        if (leaf->series[k] >= j->series_count || j->series[leaf->series[k]].spec != k) {
            codec_fail(in, "a leaf is in a series that is not there");
            leaf = NULL;
        }
    }
    if (in->error)
        return;
    leaf->won = codec_get_sum(in);
    leaf->won_amount = codec_get_zigzag(in);
    dwell_load(&leaf->cycle, in);
    for (int s = 0; s <= j->funnel->overall && !in->error; s++)
        step_load(j, &leaf->steps[s], in);
    for (int s = 0; s < j->funnel->stage_count; s++)
        stage_load(&leaf->stages[s], in);
}

void judge_leaves_load(struct judge *j, struct codec_in *in)
{
    size_t count = (size_t)codec_get_max(in, j->combos.count - NAME_FIRST);
    uint32_t values[DIMS_MAX];

    judge_combos_reserve(j);
    for (uint32_t c = NAME_FIRST; c < j->combos.count && !in->error; c++)
        if (!text_values(j, names_text(&j->combos, c), values))
            codec_fail(in, "the text of a leaf is wrong");
    if (!in->error && count < 1)
        codec_fail(in, "leaf 0 is missing");
    for (size_t i = 0; i < count && !in->error; i++)
        leaf_load(j, i, in);
    for (uint32_t c = NAME_FIRST; c < j->combos.count && !in->error; c++) {
        bool refused = codec_get_bool(in);

        if (c == j->leaves[0].combo ? !refused : refused && j->combo_leaf[c] != -1)
            codec_fail(in, "a refused leaf is there");
        else if (refused)
            j->combo_leaf[c] = 0;
    }
}

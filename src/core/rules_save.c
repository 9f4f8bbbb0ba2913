/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules remember of their watches, as bytes. */
#include "funnel/detect.h"
#include "funnel/mem.h"
#include "funnel/rules.h"

static void watch_save(const struct watch *w, struct codec_out *out)
{
    codec_put_varint(out, w->series);
    codec_put_varint(out, (uint64_t)w->step);
    codec_put_u8(out, (uint8_t)w->life.state);
    codec_put_zigzag(out, w->life.since_ms);
    codec_put_zigzag(out, w->life.fired_ms);
    codec_put_u8(out, (uint8_t)w->verdict);
    codec_put_varint(out, w->sequence);
    codec_put_zigzag(out, w->starts_at.ms);
    codec_put_f64(out, w->reference);
    codec_put_u8(out, w->rise);
    codec_put_u8(out, w->published);
    codec_put_u8(out, w->slow);
    codec_put_zigzag(out, w->ended.ms);
}
#define WATCH_BYTES (12 + sizeof(double)) /* the least */

static void past_save(const struct rules *all, struct codec_out *out)
{
    codec_put_varint(out, all->past_count);
    for (size_t i = 0; i < all->past_count; i++) {
        codec_put_u64(out, all->past[i].fingerprint);
        codec_put_varint(out, all->past[i].sequence);
    }
}

void rules_save(const struct judge *j, struct codec_out *out)
{
    codec_put_varint(out, j->rules->alerts);
    past_save(j->rules, out);
    codec_put_varint(out, j->rules->count);
    for (size_t i = 0; i < j->rules->count; i++) {
        const struct rule *r = &j->rules->items[i];

        codec_put_u64(out, r->hash);
        codec_put_varint(out, r->series_seen);
        codec_put_varint(out, r->count);
        for (size_t k = 0; k < r->count; k++)
            watch_save(&r->watches[k], out);
        rules_sums_save(r, out);
    }
}

static void watch_load(const struct judge *j, const struct rule *r, struct watch *w,
                       struct codec_in *in)
{
    *w = (struct watch){.series = (uint32_t)codec_get_max(in, UINT32_MAX)};
    w->step = (int)codec_get_max(in, (uint64_t)j->funnel->overall);
    w->life.state = (enum alert_state)codec_get_max(in, ALERT_RESOLVING);
    w->life.since_ms = codec_get_time(in);
    w->life.fired_ms = codec_get_time(in);
    w->verdict = (enum alert_verdict)codec_get_max(in, VERDICT_BREACH);
    w->sequence = (uint32_t)codec_get_max(in, UINT32_MAX);
    w->starts_at.ms = codec_get_time(in);
    w->reference = codec_get_f64(in);
    w->rise = codec_get_bool(in);
    w->published = codec_get_bool(in);
    w->slow = codec_get_bool(in);
    w->ended.ms = codec_get_time(in);
    if (w->series >= r->series_seen || !r->steps[w->step] ||
        (j->series[w->series].spec != r->spec && !detect_is_kind(r->settings->kind)))
        codec_fail(in, "a rule watches what is not there");
}

static void rule_load(const struct judge *j, struct rule *r, struct codec_in *in)
{
    uint64_t hash = codec_get_u64(in);
    size_t count;

    if (!in->error && hash != r->hash)
        codec_fail(in, "a rule means something else");
    r->series_seen = (size_t)codec_get_max(in, j->series_count);
    count = codec_get_count(in, WATCH_BYTES);
    for (size_t k = 0; k < count && !in->error; k++) {
        r->watches = mem_grow(r->watches, r->count, &r->cap, sizeof(*r->watches));
        watch_load(j, r, &r->watches[r->count++], in);
    }
    rules_sums_load(r, in);
}

static void past_load(struct rules *all, struct codec_in *in)
{
    size_t count = codec_get_count(in, sizeof(uint64_t) + 1);

    if (count > RULES_PAST_MAX)
        codec_fail(in, "more past alerts are remembered than may be");
    for (size_t i = 0; i < count && !in->error; i++) {
        struct rules_past *p;

        all->past = mem_grow(all->past, all->past_count, &all->past_cap, sizeof(*all->past));
        p = &all->past[all->past_count++];
        p->fingerprint = codec_get_u64(in);
        p->sequence = (uint32_t)codec_get_max(in, UINT32_MAX);
        if (i > 0 && p->fingerprint <= p[-1].fingerprint)
            codec_fail(in, "past alerts are not in order");
    }
}

void rules_load(struct judge *j, struct codec_in *in)
{
    j->rules->alerts = codec_get_varint(in);
    past_load(j->rules, in);
    if (codec_get_varint(in) != j->rules->count)
        codec_fail(in, "there are more rules, or fewer");
    for (size_t i = 0; i < j->rules->count && !in->error; i++)
        rule_load(j, &j->rules->items[i], in);
}

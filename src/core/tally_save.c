/* SPDX-License-Identifier: Apache-2.0 */
/* The tally's state as bytes. What is empty between steps, or only remembers work, is not written. */
#include "funnel/mem.h"
#include "funnel/tally.h"

/* --- saving --- */

static void save_counters(const struct counters *c, struct codec_out *out)
{
    for (int i = 0; i < COUNTER_COUNT; i++)
        codec_put_varint(out, c->n[i]);
    for (int i = 0; i < REJECT_COUNT; i++)
        codec_put_varint(out, c->rejects[i]);
}

static void save_names(const struct tally_funnel *tf, struct codec_out *out)
{
    leaves_save(&tf->leaves, out);
    codec_put_varint(out, tf->leaves_sent);
    names_save(&tf->reasons, out);
    codec_put_varint(out, tf->reasons_sent);
    for (int b = 0; b < tf->funnel->breakdown_count; b++) {
        names_save(&tf->breaks[b], out);
        codec_put_varint(out, tf->breaks_sent[b]);
    }
}

static void tally_funnel_save(const struct tally_funnel *tf, struct codec_out *out)
{
    save_names(tf, out);
    entities_save(&tf->entities, out);
    dedupe_save(&tf->dedupe, out);
    for (int i = 0; i < FUNNEL_COUNT_COUNT; i++)
        codec_put_zigzag(out, tf->counts[i]);
    codec_put_zigzag(out, tf->last_ms);
    if (tf->last_ms != INT64_MIN)
        codec_put_zigzag(out, tf->first_ms);
    codec_put_zigzag(out, tf->pane);
    codec_put_varint(out, tf->automaton.leaves_refused);
    codec_put_varint(out, tf->refused_entities);
    codec_put_varint(out, tf->refused_values);
    codec_put_varint(out, tf->refused_breaks);
}

void tally_save(const struct tally *t, struct codec_out *out)
{
    for (size_t i = 0; i < t->funnel_count; i++)
        tally_funnel_save(&t->funnels[i], out);
    codec_put_zigzag(out, t->newest_ms);
    codec_put_zigzag(out, t->newest_record_ms);
    codec_put_zigzag(out, t->watermark_ms);
    codec_put_zigzag(out, t->swept);
    reorder_save(&t->reorder, out);
    codec_put_varint(out, t->waiting_count);
    for (size_t i = 0; i < t->waiting_count; i++)
        arrival_save(&t->waiting[i], out);
    decision_queue_save(&t->decisions, out);
    codec_put_u8(out, t->muted);
    codec_put_zigzag(out, t->lettered);
    save_counters(&t->counters, out);
}

/* --- loading --- */

static void load_counters(struct counters *c, struct codec_in *in)
{
    for (int i = 0; i < COUNTER_COUNT; i++)
        c->n[i] = codec_get_varint(in);
    for (int i = 0; i < REJECT_COUNT; i++)
        c->rejects[i] = codec_get_varint(in);
}

static void load_names(struct tally_funnel *tf, struct codec_in *in)
{
    leaves_load(&tf->leaves, in);
    tf->leaves_sent = (size_t)codec_get_max(in, tf->leaves.count);
    names_load(&tf->reasons, in);
    tf->reasons_sent = (size_t)codec_get_max(in, tf->reasons.count);
    for (int b = 0; b < tf->funnel->breakdown_count; b++) {
        names_load(&tf->breaks[b], in);
        tf->breaks_sent[b] = (size_t)codec_get_max(in, tf->breaks[b].count);
    }
}

/* Whatever is in the table was told to the judge: a sweep gives cells without another event. */
static void load_entities(struct tally_funnel *tf, struct codec_in *in)
{
    struct entities_bounds bounds = {.stages = (uint32_t)tf->funnel->stage_count,
                                     .leaves = (uint32_t)tf->leaves_sent};

    for (int b = 0; b < tf->funnel->breakdown_count; b++)
        bounds.breaks[b] = (uint32_t)tf->breaks_sent[b];
    entities_restore(&tf->entities, &bounds, in);
}

static void tally_funnel_load(struct tally_funnel *tf, struct codec_in *in)
{
    load_names(tf, in);
    load_entities(tf, in);
    dedupe_load(&tf->dedupe, in);
    for (int i = 0; i < FUNNEL_COUNT_COUNT; i++)
        tf->counts[i] = codec_get_sum(in);
    tf->last_ms = codec_get_time(in);
    if (tf->last_ms != INT64_MIN)
        tf->first_ms = codec_get_time(in);
    tf->pane = codec_get_pane(in);
    tf->automaton.leaves_refused = codec_get_varint(in);
    tf->refused_entities = codec_get_varint(in);
    tf->refused_values = codec_get_varint(in);
    tf->refused_breaks = codec_get_varint(in);
}

static bool numbers_are_known(const struct tally_funnel *tf, const struct arrival *a)
{
    const struct funnel *f = tf->funnel;
    bool known = a->reason != NAME_ABSENT && a->reason < tf->reasons.count;

    for (int d = 0; d < DIMS_MAX; d++)
        known = known && a->dims.value[d] < (d < f->dim_count ? tf->leaves.names[d].count : 1);
    for (int b = 0; b < BREAKDOWNS_MAX; b++)
        known = known && a->breaks[b] < (b < f->breakdown_count ? tf->breaks[b].count : 1);
    return known;
}

static void check_arrival(const struct tally *t, const struct arrival *a, bool waits,
                          struct codec_in *in)
{
    const struct tally_funnel *tf = a->funnel < t->funnel_count ? &t->funnels[a->funnel] : NULL;
    bool stage = tf && (a->stage < tf->funnel->stage_count ||
                        (a->stage >= STAGE_EXIT && a->stage <= STAGE_NONE));

    if (a->late || a->floor_ms != INT64_MIN || (!waits && a->time_ms < t->watermark_ms))
        codec_fail(in, "an event waits for what has passed");
    else if (waits ? !a->copy || (!tf && a->funnel != ARRIVAL_NO_FUNNEL) : !tf)
        codec_fail(in, "a waiting event is no funnel's, or its message is missing");
    else if (tf && !(stage && numbers_are_known(tf, a)))
        codec_fail(in, "a waiting event is wrong");
}

static void load_waiting(struct tally *t, struct codec_in *in)
{
    size_t count = (size_t)codec_get_max(in, TALLY_WAITING);

    if (count > 0)
        t->waiting = mem_alloc(TALLY_WAITING * sizeof(*t->waiting));
    while (t->waiting_count < count && !in->error) {
        struct arrival *a = &t->waiting[t->waiting_count++];

        arrival_load(a, in);
        check_arrival(t, a, true, in);
    }
}

void tally_load(struct tally *t, struct codec_in *in)
{
    for (size_t i = 0; i < t->funnel_count && !in->error; i++)
        tally_funnel_load(&t->funnels[i], in);
    t->newest_ms = codec_get_time(in);
    t->newest_record_ms = codec_get_zigzag(in);
    t->watermark_ms = codec_get_time(in);
    t->swept = codec_get_pane(in);
    reorder_load(&t->reorder, in);
    for (size_t i = 0; i < t->reorder.pool_count && !in->error; i++)
        check_arrival(t, &t->reorder.pool[i], false, in);
    load_waiting(t, in);
    decision_queue_load(&t->decisions, in);
    t->muted = codec_get_bool(in);
    t->lettered = codec_get_zigzag(in);
    load_counters(&t->counters, in);
}

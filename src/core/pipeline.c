/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/pipeline.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/controls.h"
#include "funnel/judge.h"
#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"
#include "funnel/rules.h"
#include "funnel/tally.h"

static uint64_t pipeline_seed(const struct settings *s)
{
    struct span key = span_of(s->state.hash_key ? s->state.hash_key : s->group);

    return XXH3_64bits(key.p, key.len);
}

static void pipeline_init_pulses(struct pipeline *p)
{
    const struct settings_inputs *inputs = &p->settings->inputs;

    p->pulses = mem_zero(inputs->count, sizeof(*p->pulses));
    p->pulse_digests = mem_zero(inputs->count, sizeof(*p->pulse_digests));
    p->part_counts = mem_zero(inputs->count, sizeof(*p->part_counts));
    p->parts = mem_zero(p->source_count, sizeof(*p->parts));
    for (size_t i = 0; i < p->source_count; i++)
        p->parts[i] = p->part_counts[p->sources[i].input]++;
    for (size_t i = 0; i < inputs->count; i++)
        p->pulses[i] = pulse_new(p->settings, &inputs->items[i], p->zone, p->part_counts[i]);
}

/* An input without partitions has nothing to say. */
static void judge_init_pulses(struct pipeline *p, size_t funnel)
{
    const struct settings_inputs *inputs = &p->settings->inputs;
    const struct pulse **mine = p->judge_pulses + funnel * inputs->count;
    struct judge *j = &p->judges[funnel];

    j->pulses = mine;
    for (size_t i = 0; i < inputs->count; i++)
        if (p->part_counts[i] > 0 &&
            funnel_takes_topic(&p->funnels[funnel], inputs->items[i].topic))
            mine[j->pulse_count++] = p->pulses[i];
}

static void pipeline_init_machines(struct pipeline *p)
{
    const struct settings *s = p->settings;

    pipeline_init_pulses(p);
    p->judge_pulses = mem_zero(p->funnel_count * s->inputs.count, sizeof(*p->judge_pulses));
    p->funnels = mem_zero(p->funnel_count, sizeof(*p->funnels));
    p->judges = mem_zero(p->funnel_count, sizeof(*p->judges));
    for (size_t i = 0; i < p->funnel_count; i++) {
        funnel_init(&p->funnels[i], s, &s->funnels.items[i]);
        judge_init(&p->judges[i], &p->funnels[i], p->zone, p->source_count);
        judge_init_pulses(p, i);
    }
    p->tallies = mem_zero(p->source_count, sizeof(*p->tallies));
    for (size_t i = 0; i < p->source_count; i++)
        tally_init(&p->tallies[i], s, p->funnels, p->funnel_count, p->zone, p->sources[i].topic,
                   p->sources[i].partition, pipeline_seed(s));
}

struct pipeline *pipeline_new(const struct settings *settings, const struct zone *zone,
                              const struct pipeline_source *sources, size_t source_count)
{
    struct pipeline *p = mem_zero(1, sizeof(*p));

    p->settings = settings;
    p->zone = zone;
    p->source_count = source_count;
    p->funnel_count = settings->funnels.count;
    p->sources = mem_zero(source_count, sizeof(*p->sources));
    memcpy(p->sources, sources, source_count * sizeof(*sources));
    p->tally_digests = mem_zero(source_count, sizeof(*p->tally_digests));
    p->judge_digests = mem_zero(p->funnel_count, sizeof(*p->judge_digests));
    p->first_pane = INT64_MAX;
    p->decoder = decoder_new(settings);
    pipeline_init_machines(p);
    return p;
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->source_count; i++)
        tally_deinit(&p->tallies[i]);
    for (size_t i = 0; i < p->funnel_count; i++) {
        judge_deinit(&p->judges[i]);
        funnel_deinit(&p->funnels[i]);
    }
    for (size_t i = 0; i < p->settings->inputs.count; i++)
        pulse_free(p->pulses[i]);
    decoder_free(p->decoder);
    mem_free(p->pulses);
    mem_free(p->pulse_digests);
    mem_free(p->part_counts);
    mem_free(p->parts);
    mem_free(p->judge_pulses);
    mem_free(p->tallies);
    mem_free(p->judges);
    mem_free(p->funnels);
    mem_free(p->sources);
    mem_free(p->tally_digests);
    mem_free(p->judge_digests);
    buf_deinit(&p->trace_text);
    mem_free(p);
}

/* --- the way of a batch --- */

static uint64_t digest_span(uint64_t digest, struct span s)
{
    uint64_t len = s.p ? s.len : UINT64_MAX;

    digest = XXH3_64bits_withSeed(&len, sizeof(len), digest);
    return s.p ? XXH3_64bits_withSeed(s.p, s.len, digest) : digest;
}

/* All bytes of the records from `from` on, chained to what came before. */
uint64_t pipeline_digest(uint64_t digest, const struct records *r, size_t from)
{
    for (size_t i = from; i < r->count; i++) {
        const struct record *x = &r->items[i];
        const char *name;
        struct span value;
        size_t at = 0;

        digest = XXH3_64bits_withSeed(&x->timestamp, sizeof(x->timestamp), digest ^ x->target);
        digest = digest_span(digest, record_key_of(r, x));
        digest = digest_span(digest, record_value_of(r, x));
        while (record_header_next(r, x, &at, &name, &value))
            digest = digest_span(digest_span(digest, span_of(name)), value);
    }
    return digest;
}

uint64_t pipeline_digest_join(uint64_t digest, uint64_t with)
{
    return XXH3_64bits_withSeed(&with, sizeof(with), digest);
}

void pipeline_take(struct pipeline *p, uint32_t source, const struct records *out, size_t before)
{
    struct tally *t = &p->tallies[source];

    p->tally_digests[source] = pipeline_digest(p->tally_digests[source], out, before);
    for (size_t f = 0; f < p->funnel_count; f++) {
        judge_add(&p->judges[f], source, &t->funnels[f].out);
        cells_clear(&t->funnels[f].out);
    }
    pulse_add(p->pulses[p->sources[source].input], p->parts[source], &t->pulse);
    t->pulse.count = 0;
    if (p->first_pane == INT64_MAX && tally_open_pane(t) != INT64_MIN)
        p->first_pane = tally_open_pane(t);
}

static void pipeline_pulses(struct pipeline *p, struct records *out)
{
    for (size_t i = 0; i < p->settings->inputs.count; i++) {
        size_t before = out->count;

        if (p->part_counts[i] > 0)
            pulse_step(p->pulses[i], out);
        p->pulse_digests[i] = pipeline_digest(p->pulse_digests[i], out, before);
    }
}

static int64_t pipeline_closed(const struct pipeline *p)
{
    int64_t closed = INT64_MAX;

    for (size_t f = 0; f < p->funnel_count; f++)
        closed = p->judges[f].closed < closed ? p->judges[f].closed : closed;
    return closed;
}

/* A pane's darkness is known before any judge closes it: by then all partitions have. */
void pipeline_judge(struct pipeline *p, struct records *out)
{
    int64_t closed;

    pipeline_pulses(p, out);
    for (size_t f = 0; f < p->funnel_count; f++) {
        size_t before = out->count;

        judge_step(&p->judges[f], out);
        p->judge_digests[f] = pipeline_digest(p->judge_digests[f], out, before);
    }
    closed = pipeline_closed(p);
    for (size_t i = 0; closed != INT64_MIN && i < p->settings->inputs.count; i++)
        pulse_forget(p->pulses[i], closed);
}

/* Where the run of one partition's messages ends: with the batch, or where a decision comes between. */
static size_t run_end(const struct pipeline *p, const struct message *messages, size_t count,
                      size_t from)
{
    uint32_t source = messages[from].partition;
    int64_t stop = decision_queue_next(&p->tallies[source].decisions);
    size_t to = from + 1;

    while (to < count && messages[to].partition == source && messages[to].offset < stop)
        to++;
    return to;
}

/* Runs of one partition, as they come: a batch holds few of them. */
void pipeline_step(struct pipeline *p, const struct message *messages, size_t count,
                   struct records *out)
{
    const struct decoded *d = decode_batch(p->decoder, messages, count);
    size_t event = 0, failure = 0;

    p->messages += count;
    for (size_t from = 0, to; from < count; from = to) {
        uint32_t source = messages[from].partition;
        struct tally_input in = {.messages = messages};
        size_t before;

        pipeline_decide_due(p, source, messages[from].offset, out);
        to = run_end(p, messages, count, from);
        if (event < d->event_count)
            in.events = d->events + event;
        if (failure < d->failure_count)
            in.failures = d->failures + failure;
        for (; event < d->event_count && d->events[event].message < to; event++)
            in.event_count++;
        for (; failure < d->failure_count && d->failures[failure].message < to; failure++)
            in.failure_count++;
        before = out->count;
        tally_step(&p->tallies[source], &in, out);
        pipeline_take(p, source, out, before);
    }
    pipeline_judge(p, out);
}

/* The logs have ended: none holds the others back. */
static void close_all(struct pipeline *p, int64_t pane)
{
    struct pulse_note close = {.kind = PULSE_CLOSE, .pane = pane};
    const struct pulse_notes notes = {.items = &close, .count = 1};

    for (size_t f = 0; f < p->funnel_count; f++)
        judge_close(&p->judges[f], pane);
    for (size_t i = 0; i < p->source_count; i++)
        pulse_add(p->pulses[p->sources[i].input], p->parts[i], &notes);
}

void pipeline_end(struct pipeline *p, struct records *out)
{
    int64_t last = INT64_MIN;

    for (size_t i = 0; i < p->source_count; i++) {
        size_t before = out->count;

        tally_end(&p->tallies[i], out);
        pipeline_take(p, (uint32_t)i, out, before);
        if (tally_open_pane(&p->tallies[i]) > last)
            last = tally_open_pane(&p->tallies[i]);
    }
    if (last != INT64_MIN)
        close_all(p, last - 1);
    pipeline_judge(p, out);
    for (size_t f = 0; f < p->funnel_count; f++)
        judge_finish(&p->judges[f], last);
}

/* --- what the shell asks --- */

bool pipeline_ahead(const struct pipeline *p, uint32_t source)
{
    int64_t open = tally_open_pane(&p->tallies[source]), closed = pipeline_closed(p);

    if (open == INT64_MIN || p->source_count == 1)
        return false;
    if (closed == INT64_MIN) /* some partition has not spoken yet */
        closed = p->first_pane;
    return open - closed > p->settings->time.max_skew;
}

uint32_t pipeline_slowest(const struct pipeline *p, struct etime *ret_watermark)
{
    uint32_t slowest = 0;

    for (uint32_t i = 1; i < p->source_count; i++)
        if (p->tallies[i].watermark_ms < p->tallies[slowest].watermark_ms)
            slowest = i;
    *ret_watermark = pipeline_watermark(p, slowest);
    return slowest;
}

struct etime pipeline_watermark(const struct pipeline *p, uint32_t source)
{
    return (struct etime){p->tallies[source].watermark_ms};
}

uint64_t pipeline_tally_digest(const struct pipeline *p, uint32_t source)
{
    return p->tally_digests[source];
}

uint64_t pipeline_judge_digest(const struct pipeline *p)
{
    uint64_t digest = XXH3_64bits(p->judge_digests, p->funnel_count * sizeof(*p->judge_digests));

    return XXH3_64bits_withSeed(p->pulse_digests,
                                p->settings->inputs.count * sizeof(*p->pulse_digests), digest);
}

static void counters_of_tally(const struct tally *t, struct counters *sum)
{
    for (int i = 0; i < COUNTER_COUNT; i++)
        sum->n[i] += t->counters.n[i];
    for (int i = 0; i < REJECT_COUNT; i++)
        sum->rejects[i] += t->counters.rejects[i];
    for (size_t f = 0; f < t->funnel_count; f++) {
        sum->n[COUNTER_VALUES_REFUSED] += t->funnels[f].refused_values;
        sum->n[COUNTER_BREAKDOWNS_REFUSED] += t->funnels[f].refused_breaks;
        sum->n[COUNTER_LEAVES_REFUSED] += t->funnels[f].automaton.leaves_refused;
    }
}

void pipeline_counters(const struct pipeline *p, struct counters *ret_sum)
{
    *ret_sum = (struct counters){0};
    for (size_t i = 0; i < p->source_count; i++)
        counters_of_tally(&p->tallies[i], ret_sum);
    for (size_t f = 0; f < p->funnel_count; f++) {
        const struct judge *j = &p->judges[f];

        ret_sum->n[COUNTER_IGNORED] += (uint64_t)j->counts[COUNT_IGNORED];
        ret_sum->n[COUNTER_ACTIONS] += (uint64_t)j->counts[COUNT_ACTIONS];
        ret_sum->n[COUNTER_SPLIT_KEYS] += (uint64_t)j->counts[COUNT_SPLIT];
        ret_sum->n[COUNTER_LEAVES_REFUSED] += j->leaves_refused;
        ret_sum->n[COUNTER_SERIES_REFUSED] += j->series_refused;
        ret_sum->n[COUNTER_PANES_CLOSED] += j->panes_closed;
        ret_sum->n[COUNTER_CONSERVATION] += j->conservation_errors;
        ret_sum->n[COUNTER_ALERTS] += j->rules->alerts;
        /* Every judge holds every silence. */
        ret_sum->n[COUNTER_CONTROLS_REFUSED] += j->controls->marks_refused +
                                                (f == 0 ? j->controls->silences_refused : 0);
    }
    ret_sum->n[COUNTER_MESSAGES] = p->messages;
}

void pipeline_gauges(const struct pipeline *p, struct pipeline_gauges *ret)
{
    *ret = (struct pipeline_gauges){.closed = ETIME_NONE};
    for (size_t i = 0; i < p->source_count; i++) {
        const struct tally *t = &p->tallies[i];

        ret->reordering += reorder_count(&t->reorder);
        ret->waiting += t->waiting_count;
        for (size_t f = 0; f < t->funnel_count; f++) {
            ret->entities += t->funnels[f].entities.count;
            ret->entity_bytes += t->funnels[f].entities.bytes;
        }
    }
    for (size_t f = 0; f < p->funnel_count; f++) {
        ret->series += p->judges[f].series_count;
        ret->leaves += p->judges[f].leaf_count;
        rules_gauge(&p->judges[f], &ret->alerts_firing, &ret->alerts_pending);
    }
    if (pipeline_closed(p) != INT64_MIN)
        ret->closed.ms = (pipeline_closed(p) + 1) * p->settings->time.pane;
}

void pipeline_trace(struct pipeline *p, struct span entity)
{
    for (size_t i = 0; i < p->source_count; i++)
        p->tallies[i].trace = tally_fingerprint(&p->tallies[i], entity);
}

struct buf *pipeline_trace_text(struct pipeline *p)
{
    for (size_t i = 0; i < p->source_count; i++) {
        struct buf *b = &p->tallies[i].trace_text;

        buf_add(&p->trace_text, b->data, b->len);
        buf_clear(b);
    }
    return &p->trace_text;
}

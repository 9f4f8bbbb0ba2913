/* SPDX-License-Identifier: Apache-2.0 */
/* The tally: admission of events in log order. What depends on the log's order happens here (which funnel
 * wants it, names and their caps, the future, dead letters); tally_time.c puts events in the order of their
 * own time, tally_apply.c runs them through the automaton. */
#include "funnel/tally.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/deadletter.h"
#include "funnel/mem.h"

static void tally_funnel_init(struct tally_funnel *tf, const struct funnel *f,
                              const struct settings *s, const struct zone *zone)
{
    *tf = (struct tally_funnel){
        .funnel = f, .pane = INT64_MIN, .first_ms = INT64_MAX, .last_ms = INT64_MIN};
    leaves_init(&tf->leaves, &f->settings->dims, &s->limits);
    entities_init(&tf->entities, f->breakdown_count, (uint64_t)s->limits.entities);
    for (int b = 0; b < f->breakdown_count; b++)
        names_init(&tf->breaks[b], (uint32_t)s->limits.breakdown_values);
    names_init(&tf->reasons, (uint32_t)s->limits.values);
    dedupe_init(&tf->dedupe, f->settings->dedupe, (size_t)s->limits.dedupe);
    tf->automaton = (struct automaton){
        .funnel = f, .zone = zone, .leaves = &tf->leaves, .out = &tf->out, .counts = tf->counts};
}

static void tally_funnel_deinit(struct tally_funnel *tf)
{
    leaves_deinit(&tf->leaves);
    entities_deinit(&tf->entities);
    for (int b = 0; b < tf->funnel->breakdown_count; b++)
        names_deinit(&tf->breaks[b]);
    names_deinit(&tf->reasons);
    dedupe_deinit(&tf->dedupe);
    cells_deinit(&tf->out);
}

void tally_init(struct tally *t, const struct settings *settings, const struct funnel *funnels,
                size_t funnel_count, const struct zone *zone, const char *topic, int32_t partition,
                uint64_t seed)
{
    *t = (struct tally){.settings = settings,
                        .topic = topic,
                        .partition = partition,
                        .seed = seed,
                        .funnel_count = funnel_count,
                        .newest_ms = INT64_MIN,
                        .newest_record_ms = -1,
                        .watermark_ms = INT64_MIN,
                        .swept = INT64_MIN,
                        .lettered = -1};
    t->funnels = mem_zero(funnel_count, sizeof(*t->funnels));
    for (size_t i = 0; i < funnel_count; i++)
        tally_funnel_init(&t->funnels[i], &funnels[i], settings, zone);
}

void tally_deinit(struct tally *t)
{
    for (size_t i = 0; i < t->funnel_count; i++)
        tally_funnel_deinit(&t->funnels[i]);
    mem_free(t->funnels);
    reorder_deinit(&t->reorder);
    for (size_t i = 0; i < t->waiting_count; i++)
        mem_free(t->waiting[i].copy);
    mem_free(t->waiting);
    decision_queue_deinit(&t->decisions);
    pulse_notes_deinit(&t->pulse);
    buf_deinit(&t->trace_text);
    *t = (struct tally){0};
}

uint64_t tally_fingerprint(const struct tally *t, struct span entity)
{
    return XXH3_64bits_withSeed(entity.p, entity.len, t->seed);
}

int64_t tally_open_pane(const struct tally *t)
{
    if (t->watermark_ms == INT64_MIN)
        return INT64_MIN;
    return floor_div(t->watermark_ms, t->settings->time.pane);
}

/* A message of many ids, or for many funnels, is one dead letter all the same. */
void tally_letter(struct tally *t, const struct message *m, enum reject reason, const char *field,
                  uint32_t byte)
{
    bool moved = m->partition & MESSAGE_MOVED;
    int64_t place = moved ? -2 - m->offset : m->offset; /* of another log: no offset of this one */

    if (place == t->lettered)
        return;
    t->lettered = place;
    t->counters.rejects[reason]++;
    if (!t->muted)
        deadletter_put(t->records, m, t->topic,
                       moved ? (int32_t)(m->partition & ~MESSAGE_MOVED) : t->partition, reason,
                       field, byte);
}

/* Everything before it in the log is applied first, so that dead letters come out in one order whatever
 * the batches were. */
void tally_deadletter(struct tally *t, const struct message *m, enum reject reason,
                      const char *field, uint32_t byte)
{
    tally_apply(t);
    tally_letter(t, m, reason, field, byte);
}

static uint32_t intern(struct names *names, struct span text, uint64_t *refused)
{
    int over = 0;
    uint32_t number;

    if (!text.p)
        return NAME_ABSENT;
    number = names_intern(names, text, &over);
    *refused += (uint64_t)over;
    return number;
}

static void arrival_fill(struct tally_funnel *tf, const struct event *e, struct arrival *a)
{
    const struct funnel *f = tf->funnel;

    for (int d = 0; d < f->dim_count; d++)
        a->dims.value[d] = (uint16_t)intern(&tf->leaves.names[d], e->fields[f->dim_field[d]],
                                            &tf->refused_values);
    for (int b = 0; b < f->breakdown_count; b++)
        a->breaks[b] = intern(&tf->breaks[b], e->fields[f->breakdown_field[b]],
                              &tf->refused_breaks);
    a->reason = intern(&tf->reasons, e->reason, &tf->refused_values);
    if (a->reason == NAME_ABSENT)
        a->reason = NAME_NONE;
    if (f->settings->dedupe > 0 && e->id.p)
        a->id_hash = XXH3_64bits(e->id.p, e->id.len) | 1;
}

static void tally_refuse_stage(struct tally *t, const struct event *e, const struct message *m)
{
    tally_deadletter(t, m, REJECT_UNKNOWN_STAGE, "stage", e->stage_byte);
    for (size_t i = 0; i < t->funnel_count; i++)
        if (funnel_wants(t->funnels[i].funnel, e, t->topic))
            tally_unusable(t, &t->funnels[i], COUNT_UNKNOWN);
}

/* What the event's stage means to each funnel; STAGE_UNKNOWN where one does not want it. Returns how many do,
 * and how many of them know the stage. */
static size_t event_stages(const struct tally *t, const struct event *e, uint8_t *codes,
                           size_t *ret_known)
{
    size_t wanted = 0, known = 0;

    for (size_t i = 0; i < t->funnel_count; i++) {
        codes[i] = STAGE_UNKNOWN;
        if (!funnel_wants(t->funnels[i].funnel, e, t->topic))
            continue;
        codes[i] = funnel_stage(t->funnels[i].funnel, e->stage);
        if (codes[i] == STAGE_UNKNOWN && e->kind == EVENT_DELETE)
            codes[i] = STAGE_NONE; /* what is deleted need not stand in a stage of ours */
        wanted++;
        known += codes[i] != STAGE_UNKNOWN;
    }
    *ret_known = known;
    return wanted;
}

static void tally_event(struct tally *t, const struct event *e, const struct message *m,
                        uint16_t sub)
{
    struct arrival base = {.time_ms = e->at.ms,
                           .order = m->offset,
                           .sub = sub,
                           .floor_ms = INT64_MIN,
                           .entered_ms = e->entered_at.ms,
                           .amount = e->amount,
                           .has_amount = e->has_amount,
                           .kind = (uint8_t)e->kind,
                           .fingerprint = tally_fingerprint(t, e->entity),
                           .stage_byte = e->stage_byte,
                           .time_byte = e->at_byte,
                           .funnel = ARRIVAL_NO_FUNNEL};
    uint8_t codes[FUNNELS_MAX];
    size_t wanted, known;

    t->counters.n[COUNTER_EVENTS]++;
    if (m->timestamp >= 0 && e->at.ms - t->settings->time.max_ahead > m->timestamp) {
        tally_deadletter(t, m, REJECT_FUTURE, "ts", e->at_byte);
        tally_beat(t, INT64_MIN);
        return;
    }
    wanted = event_stages(t, e, codes, &known);
    if (wanted > 0 && known == 0) {
        tally_refuse_stage(t, e, m);
        tally_beat(t, INT64_MIN);
        return;
    }
    if (wanted == 0) {
        t->counters.n[COUNTER_UNWANTED]++;
        tally_offer(t, &base, m, true);
    }
    for (size_t i = 0; i < t->funnel_count; i++) {
        struct arrival a = base;

        if (codes[i] == STAGE_UNKNOWN)
            continue;
        a.funnel = (uint16_t)i;
        a.stage = codes[i];
        arrival_fill(&t->funnels[i], e, &a);
        tally_offer(t, &a, m, --known == 0);
    }
}

void tally_step(struct tally *t, const struct tally_input *in, struct records *out)
{
    size_t e = 0, f = 0;
    uint32_t last = UINT32_MAX;
    uint16_t sub = 0;

    t->records = out;
    while (e < in->event_count || f < in->failure_count) {
        const struct decode_failure *fail = f < in->failure_count ? &in->failures[f] : NULL;
        const struct event *event = e < in->event_count ? &in->events[e] : NULL;

        if (fail && (!event || fail->message < event->message)) {
            tally_deadletter(t, &in->messages[fail->message], fail->reason, fail->field,
                             fail->byte);
            f++;
            continue;
        }
        sub = event->message == last ? (uint16_t)(sub + 1) : 0;
        last = event->message;
        tally_event(t, event, &in->messages[event->message], sub);
        e++;
    }
    tally_apply(t);
    tally_close(t);
    t->records = NULL;
}

void tally_end(struct tally *t, struct records *out)
{
    t->records = out;
    tally_release_waiting(t, INT64_MAX);
    tally_release(t, INT64_MAX);
    tally_apply(t);
    if (t->newest_ms > t->watermark_ms)
        t->watermark_ms = t->newest_ms;
    tally_close(t);
    t->records = NULL;
}

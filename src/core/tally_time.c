/* SPDX-License-Identifier: Apache-2.0 */
/* Time within one partition: watermark = newest event time - lateness, moved per event, never per batch, so
 * that the outcome is a function of the log alone. */
#include <string.h>

#include "funnel/mem.h"
#include "funnel/tally.h"

void tally_release(struct tally *t, int64_t up_to_ms)
{
    const struct arrival *next;
    struct arrival a;

    while ((next = reorder_peek(&t->reorder)) && next->time_ms <= up_to_ms) {
        reorder_pop(&t->reorder, &a);
        tally_push_ready(t, &a);
    }
}

/* What was counted before there was a time belongs to the first pane. */
static void watermark_begin(struct tally *t)
{
    for (size_t i = 0; i < t->funnel_count; i++)
        tally_set_pane(&t->funnels[i], tally_open_pane(t));
}

static void watermark_raise(struct tally *t, int64_t to_ms)
{
    bool first = t->watermark_ms == INT64_MIN && to_ms > INT64_MIN;

    if (to_ms > t->watermark_ms)
        t->watermark_ms = to_ms;
    if (first)
        watermark_begin(t);
}

void tally_advance(struct tally *t, int64_t to_ms)
{
    watermark_raise(t, to_ms);
    tally_release(t, t->watermark_ms);
}

/* --- the pulse --- */

void tally_note(struct tally *t, struct pulse_note note)
{
    if (t->beats > 0)
        pulse_notes_add(&t->pulse, (struct pulse_note){
                                       .kind = PULSE_EVENTS, .pane = t->beat_pane, .n = t->beats});
    t->beats = 0;
    pulse_notes_add(&t->pulse, note);
}

/* Events of one pane mostly come together: no note is made for each. */
void tally_beat(struct tally *t, int64_t time_ms)
{
    int64_t pane = t->settings->time.pane;

    if (time_ms < t->watermark_ms)
        time_ms = t->watermark_ms;
    if (time_ms == INT64_MIN)
        return;
    if (t->beats > 0 && time_ms >= t->beat_ms && time_ms - t->beat_ms < pane) {
        t->beats++;
        return;
    }
    if (t->beats > 0)
        pulse_notes_add(&t->pulse, (struct pulse_note){
                                       .kind = PULSE_EVENTS, .pane = t->beat_pane, .n = t->beats});
    t->beat_pane = floor_div(time_ms, pane);
    t->beat_ms = t->beat_pane * pane;
    t->beats = 1;
}

static void tally_newest(struct tally *t, int64_t time_ms)
{
    if (time_ms <= t->newest_ms)
        return;
    t->newest_ms = time_ms;
    watermark_raise(t, time_ms - t->settings->time.lateness);
}

static bool arrival_is_duplicate(struct tally *t, const struct arrival *a)
{
    struct tally_funnel *tf = &t->funnels[a->funnel];
    uint64_t before = tf->dedupe.overflow;
    bool seen;

    if (a->id_hash == 0)
        return false;
    /* One message's array of ids is one event id and several entities. */
    seen = dedupe_seen(&tf->dedupe, a->id_hash ^ a->fingerprint * (a->sub > 0), a->time_ms,
                       t->newest_ms > a->time_ms ? t->newest_ms : a->time_ms);
    t->counters.n[COUNTER_DEDUPE_OVERFLOW] += tf->dedupe.overflow - before;
    if (!seen)
        return false;
    t->counters.n[COUNTER_DUPLICATES]++;
    tally_count(t, tf, COUNT_EVENTS);
    tally_count(t, tf, COUNT_DUPLICATES);
    return true;
}

static void tally_late(struct tally *t, struct arrival *a, const struct message *m)
{
    struct tally_funnel *tf = &t->funnels[a->funnel];
    int64_t pane = t->settings->time.pane;

    t->counters.n[COUNTER_LATE]++;
    if (t->settings->time.late == LATE_DEADLETTER) {
        tally_deadletter(t, m, REJECT_LATE, "ts", a->time_byte);
        tally_count(t, tf, COUNT_EVENTS);
        tally_unusable(t, tf, COUNT_LATE);
        mem_free(a->copy);
        return;
    }
    a->late = 1;
    a->floor_ms = floor_div(t->watermark_ms, pane) * pane;
    tally_push_ready(t, a);
}

/* At the cap the oldest goes, and the watermark with it: still a function of the log. */
static void reorder_bound(struct tally *t)
{
    struct arrival a;

    while (reorder_count(&t->reorder) > (size_t)t->settings->limits.reorder) {
        reorder_pop(&t->reorder, &a);
        watermark_raise(t, a.time_ms);
        t->counters.n[COUNTER_REORDER_OVERFLOW]++;
        tally_push_ready(t, &a);
    }
}

/* `a` has no copy of its message yet. */
static void tally_admit(struct tally *t, struct arrival *a, const struct message *m, bool beats)
{
    bool late = a->time_ms < t->watermark_ms;

    if (beats)
        tally_beat(t, a->time_ms);
    if (m->timestamp > t->newest_record_ms)
        t->newest_record_ms = m->timestamp;
    if (a->funnel == ARRIVAL_NO_FUNNEL || arrival_is_duplicate(t, a)) {
        tally_newest(t, a->time_ms);
        tally_release(t, t->watermark_ms);
        return;
    }
    if (t->funnels[a->funnel].funnel->skip == SKIP_REJECT)
        a->copy = message_copy(m);
    if (late) {
        tally_late(t, a, m);
        return;
    }
    tally_newest(t, a->time_ms);
    if (a->time_ms <= t->watermark_ms && reorder_count(&t->reorder) == 0) {
        tally_push_ready(t, a);
        return;
    }
    reorder_push(&t->reorder, a);
    tally_release(t, t->watermark_ms);
    reorder_bound(t);
}

/* --- jumps into the future ---
 *
 * One producer with a wrong clock would drag the watermark ahead and make everybody else late. A jump beyond
 * what the records' own timestamps show waits, and its entity's events behind it, until another entity's
 * event says the same. */

static bool is_jump(const struct tally *t, const struct arrival *a, int64_t record_ms)
{
    int64_t by_record;

    if (record_ms < 0 || t->newest_record_ms < 0 || t->newest_ms == INT64_MIN)
        return false;
    by_record = record_ms > t->newest_record_ms ? record_ms - t->newest_record_ms : 0;
    return a->time_ms - t->newest_ms - t->settings->time.max_jump > by_record;
}

/* Among the first `count` that wait. */
static bool is_waited_for(const struct tally *t, uint64_t fingerprint, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (t->waiting[i].fingerprint == fingerprint)
            return true;
    return false;
}

static void waiting_remove(struct tally *t, size_t i, struct arrival *ret)
{
    *ret = t->waiting[i];
    t->waiting_count--;
    memmove(&t->waiting[i], &t->waiting[i + 1], (t->waiting_count - i) * sizeof(*t->waiting));
}

/* The arrivals of one event wait side by side, for the first to go before the others. */
static void waiting_admit(struct tally *t, size_t i)
{
    struct arrival a;
    struct message *m;
    const struct arrival *next;
    bool beats;

    waiting_remove(t, i, &a);
    next = i < t->waiting_count ? &t->waiting[i] : NULL;
    beats = !next || next->order != a.order || next->sub != a.sub;
    m = a.copy;
    a.copy = NULL;
    tally_admit(t, &a, m, beats);
    mem_free(m);
}

/* Lets go, in log order, those that are no jump any more, and up to a time those that another entity's event
 * confirms, or a decision (NULL); what follows an entity's jump stays behind it. */
static void waiting_release(struct tally *t, const uint64_t *other_than, int64_t up_to_ms)
{
    for (size_t i = 0; i < t->waiting_count;) {
        const struct arrival *w = &t->waiting[i];
        bool confirmed = w->time_ms <= up_to_ms && (!other_than || w->fingerprint != *other_than);

        if ((confirmed || !is_jump(t, w, w->copy->timestamp)) &&
            !is_waited_for(t, w->fingerprint, i))
            waiting_admit(t, i);
        else
            i++;
    }
}

void tally_release_waiting(struct tally *t, int64_t up_to_ms)
{
    waiting_release(t, NULL, up_to_ms);
}

static void waiting_push(struct tally *t, struct arrival *a, const struct message *m)
{
    struct arrival oldest;

    if (!t->waiting)
        t->waiting = mem_alloc(TALLY_WAITING * sizeof(*t->waiting));
    if (t->waiting_count == TALLY_WAITING) {
        waiting_remove(t, 0, &oldest);
        tally_deadletter(t, oldest.copy, REJECT_FUTURE, "ts", oldest.time_byte);
        mem_free(oldest.copy);
    }
    t->counters.n[COUNTER_WAITING_FUTURE]++;
    a->copy = message_copy(m);
    t->waiting[t->waiting_count++] = *a;
}

void tally_offer(struct tally *t, struct arrival *a, const struct message *m, bool beats)
{
    bool jump = is_jump(t, a, m->timestamp);

    if (t->waiting_count > 0 && jump) {
        waiting_release(t, &a->fingerprint, a->time_ms + t->settings->time.max_jump);
        jump = is_jump(t, a, m->timestamp);
    }
    if (jump || (t->waiting_count > 0 && is_waited_for(t, a->fingerprint, t->waiting_count))) {
        waiting_push(t, a, m);
        return;
    }
    tally_admit(t, a, m, beats);
    if (t->waiting_count > 0)
        waiting_release(t, &a->fingerprint, INT64_MIN);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/controls.h"

#include <string.h>

#include "funnel/mem.h"

struct controls *controls_new_source(int64_t pane_ms)
{
    struct controls *c = mem_zero(1, sizeof(*c));

    c->pane_ms = pane_ms;
    c->last_dark = INT64_MIN;
    return c;
}

struct controls *controls_new(const struct funnel *f)
{
    struct controls *c = controls_new_source(f->pane_ms);

    c->funnel = f;
    return c;
}

void control_held_deinit(struct control_held *h)
{
    mem_free((void *)(uintptr_t)h->text.p);
    buf_deinit(&h->scratch);
}

static void drop_silence(struct controls *c, size_t i)
{
    control_held_deinit(&c->silences[i]);
    c->silence_count--;
    memmove(&c->silences[i], &c->silences[i + 1], (c->silence_count - i) * sizeof(c->silences[0]));
}

static void drop_mark(struct controls *c, size_t i)
{
    control_held_deinit(&c->marks[i].held);
    c->mark_count--;
    memmove(&c->marks[i], &c->marks[i + 1], (c->mark_count - i) * sizeof(c->marks[0]));
}

void controls_free(struct controls *c)
{
    if (!c)
        return;
    while (c->silence_count > 0)
        drop_silence(c, c->silence_count - 1);
    while (c->mark_count > 0)
        drop_mark(c, c->mark_count - 1);
    decision_queue_deinit(&c->waiting);
    mem_free(c->silences);
    mem_free(c->marks);
    mem_free(c);
}

/* --- taking effect --- */

/* Begin of a pane; decisions come from disk: any number is a pane. */
static struct etime pane_begin(const struct controls *c, int64_t pane)
{
    int64_t pane_ms = c->pane_ms;

    if (pane <= ETIME_MIN_MS / pane_ms)
        return (struct etime){ETIME_MIN_MS};
    if (pane >= ETIME_MAX_MS / pane_ms)
        return (struct etime){ETIME_MAX_MS};
    return (struct etime){pane * pane_ms};
}

bool control_held_init(struct control_held *h, struct span text)
{
    *h = (struct control_held){0};
    if (control_parse(text, &h->scratch, &h->control)) {
        buf_deinit(&h->scratch);
        return false;
    }
    h->text = (struct span){mem_strndup(text.p, text.len), text.len};
    return true;
}

/* What is over by the pane's begin, so that how many there are depends on the decisions and on event time alone. A
 * mark that is still there had no event to be measured by. */
static void forget_past(struct controls *c, int64_t pane)
{
    struct etime begin = pane_begin(c, pane);

    for (size_t i = c->silence_count; i-- > 0;)
        if (c->silences[i].control.to.ms <= begin.ms)
            drop_silence(c, i);
    for (size_t i = c->mark_count; i-- > 0;)
        if (c->marks[i].due < pane)
            drop_mark(c, i);
}

static void admit_silence(struct controls *c, struct control_held *h, struct etime now)
{
    for (size_t i = 0; i < c->silence_count; i++)
        if (span_equal(c->silences[i].control.id, h->control.id))
            drop_silence(c, i); /* it is said anew */
    if (c->silence_count == CONTROL_SILENCES_MAX || h->control.to.ms <= now.ms) {
        c->silences_refused += c->silence_count == CONTROL_SILENCES_MAX;
        control_held_deinit(h);
        return;
    }
    c->silences = mem_grow(c->silences, c->silence_count, &c->silence_cap, sizeof(*c->silences));
    c->silences[c->silence_count++] = *h;
}

static void expire(struct controls *c, struct span id)
{
    for (size_t i = c->silence_count; i-- > 0;)
        if (span_equal(c->silences[i].control.id, id))
            drop_silence(c, i);
    for (size_t i = c->mark_count; i-- > 0;)
        if (span_equal(c->marks[i].held.control.id, id))
            drop_mark(c, i);
}

bool control_mark_init(const struct controls *c, struct control_mark *m,
                       const struct control_held *h, struct etime now)
{
    const struct settings_funnel *f = c->funnel->settings;
    int window = control_window(&h->control, f);
    struct window_def d;
    int64_t slot;

    *m = (struct control_mark){.held = *h, .step = -1};
    if (h->control.step.p)
        m->step = funnel_step(c->funnel, h->control.step.p);
    if (window < 0 || (h->control.step.p && m->step < 0))
        return false;
    window_def_init(&d, &f->windows.items[window], c->funnel->pane_ms);
    m->window = (size_t)window;
    m->at.ms = h->control.from.ms > now.ms ? h->control.from.ms : now.ms;
    slot = -floor_div(-m->at.ms, d.slot_panes * c->funnel->pane_ms);
    m->begin = slot * d.slot_panes * c->funnel->pane_ms;
    m->due = (slot + d.slots) * d.slot_panes - 1;
    return true;
}

static void admit_mark(struct controls *c, struct control_held *h, struct etime now)
{
    bool mine = c->funnel && span_is(h->control.funnel, c->funnel->name);
    struct control_mark m;

    for (size_t i = 0; i < c->mark_count; i++)
        mine = mine && !span_equal(c->marks[i].held.control.id, h->control.id); /* a repetition */
    if (mine && c->mark_count < CONTROL_INTERVENTIONS_MAX && control_mark_init(c, &m, h, now)) {
        c->marks = mem_grow(c->marks, c->mark_count, &c->mark_cap, sizeof(*c->marks));
        c->marks[c->mark_count++] = m;
        return;
    }
    c->marks_refused += mine;
    control_held_deinit(h);
}

static void admit(struct controls *c, const struct decision *d)
{
    struct control_held h;

    forget_past(c, d->at);
    if (!control_held_init(&h, d->text)) {
        c->silences_refused++;
        return;
    }
    if (h.control.kind == CONTROL_SILENCE) {
        admit_silence(c, &h, pane_begin(c, d->at));
    } else if (h.control.kind == CONTROL_INTERVENTION) {
        admit_mark(c, &h, pane_begin(c, d->at));
    } else {
        expire(c, h.control.id);
        control_held_deinit(&h);
    }
}

void controls_decide(struct controls *c, const struct decision *d)
{
    if (d->kind == DECISION_CONTROL)
        decision_queue_push(&c->waiting, d);
}

void controls_reach(struct controls *c, int64_t pane)
{
    struct decision d;

    while (decision_queue_take(&c->waiting, pane, &d)) {
        admit(c, &d);
        mem_free((void *)(uintptr_t)d.text.p);
    }
}

int64_t controls_next(const struct controls *c, int64_t pane)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < c->waiting.count; i++)
        next = c->waiting.items[i].at < next ? c->waiting.items[i].at : next;
    for (size_t i = 0; i < c->mark_count; i++)
        next = c->marks[i].due < next ? c->marks[i].due : next;
    return next > pane ? next : pane + 1;
}

void controls_measured(struct controls *c, int64_t pane)
{
    for (size_t i = c->mark_count; i-- > 0;)
        if (c->marks[i].due <= pane)
            drop_mark(c, i);
}

void controls_note_dark(struct controls *c, int64_t pane)
{
    c->last_dark = pane > c->last_dark ? pane : c->last_dark;
}

/* --- silences and alerts --- */

static bool matches(const struct control *c, const struct alert_label *labels, size_t count)
{
    for (size_t i = 0; i < c->matcher_count; i++) {
        const struct control_matcher *m = &c->matchers[i];
        size_t k = 0;

        while (k < count && !span_equal(m->label, labels[k].name))
            k++;
        if (k == count || !span_equal(m->value, labels[k].value))
            return false;
    }
    return true;
}

static bool in_force(const struct control *c, struct etime at)
{
    return c->from.ms <= at.ms && at.ms < c->to.ms;
}

/* Keeps the first `max` by name. */
static size_t insert_sorted(struct span *ids, size_t count, struct span id, size_t max)
{
    size_t at = count;

    while (at > 0 && span_compare(ids[at - 1], id) > 0)
        at--;
    if (at == max)
        return count;
    count -= count == max;
    memmove(&ids[at + 1], &ids[at], (count - at) * sizeof(*ids));
    ids[at] = id;
    return count + 1;
}

size_t controls_silenced_by(const struct controls *c, const struct alert *a,
                            struct span ids[ALERT_SILENCES_MAX])
{
    struct alert_label labels[ALERT_LABELS_MAX];
    struct arena *arena;
    size_t label_count, count = 0;

    if (controls_in_force(c, a->at) == 0)
        return 0;
    arena = alert_labels(a, labels, &label_count);
    for (size_t i = 0; i < c->silence_count; i++) {
        const struct control *s = &c->silences[i].control;

        if (in_force(s, a->at) && matches(s, labels, label_count))
            count = insert_sorted(ids, count, s->id, ALERT_SILENCES_MAX);
    }
    arena_free(arena);
    return count;
}

size_t controls_in_force(const struct controls *c, struct etime at)
{
    size_t count = 0;

    for (size_t i = 0; i < c->silence_count; i++)
        count += in_force(&c->silences[i].control, at);
    return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the detector does to the watches of its rules: they have the alert's life, it has the evidence. */
#include "funnel/mem.h"
#include "funnel/rules.h"

size_t rules_watch(struct judge *j, size_t rule, uint32_t series, int step, bool slow)
{
    struct rule *r = &j->rules->items[rule];

    for (size_t k = 0; k < r->count; k++)
        if (r->watches[k].series == series && r->watches[k].step == step &&
            r->watches[k].slow == slow)
            return k;
    r->series_seen = j->series_count;
    r->watches = mem_grow(r->watches, r->count, &r->cap, sizeof(*r->watches));
    r->watches[r->count] = (struct watch){
        .series = series, .step = step, .slow = slow, .starts_at = ETIME_NONE, .ended = ETIME_NONE};
    return r->count++;
}

void rules_breach(struct watch *w)
{
    w->verdict = VERDICT_BREACH;
}

void rules_update(struct judge *j, size_t rule, size_t watch, int64_t pane, struct records *out)
{
    struct rule *r = &j->rules->items[rule];
    struct watch *w = &r->watches[watch];
    struct etime at = {(pane + 1) * j->funnel->pane_ms};
    struct reading x;

    if (!w->published || judge_is_muted(j, pane))
        return;
    reading_take(j, r, w, pane, &x);
    rules_put(j, r, w, &x, ALERT_STATUS_UPDATED, at, NULL, out);
}

/* Told of, and to be told: not of a mute. */
static bool watch_is_out(const struct judge *j, const struct watch *w, int64_t pane)
{
    return w->published && !judge_is_muted(j, pane);
}

void rules_leave(struct judge *j, size_t rule, size_t watch, int64_t pane, struct records *out)
{
    struct rule *r = &j->rules->items[rule];
    struct watch *w = &r->watches[watch];
    struct etime at = {(pane + 1) * j->funnel->pane_ms};
    struct reading x;

    if (!watch_is_out(j, w, pane))
        return;
    reading_take(j, r, w, pane, &x);
    rules_put(j, r, w, &x, ALERT_STATUS_RESOLVED, at, "relocated", out);
}

void rules_enter(struct judge *j, size_t rule, size_t from, size_t to, int64_t pane,
                 struct records *out)
{
    struct rule *r = &j->rules->items[rule];
    struct watch *was = &r->watches[from], *w = &r->watches[to];
    struct etime at = {(pane + 1) * j->funnel->pane_ms};
    struct reading x;

    w->life = was->life;
    w->verdict = was->verdict;
    w->starts_at = was->starts_at;
    w->published = watch_is_out(j, was, pane);
    was->life = (struct alert_life){.since_ms = at.ms};
    was->verdict = VERDICT_CLEAR;
    was->published = false;
    if (!w->published)
        return;
    reading_take(j, r, w, pane, &x);
    rules_put(j, r, w, &x, ALERT_STATUS_FIRING, at, NULL, out);
}

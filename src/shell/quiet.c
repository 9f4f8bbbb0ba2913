/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/quiet.h"

/* --- one partition --- */

static bool quiet_at_end(const struct quiet_part *p)
{
    return !p->paused && p->at_end && p->high >= 0 && p->next >= p->high;
}

/* The cached high watermark stands still when a broker goes away: only a fresh answer says that nothing more
 * is there. */
static bool quiet_is_probed(const struct quiet_part *p, int64_t now_ms)
{
    return p->probed_high == p->next && p->probed_at > p->heard_at &&
           now_ms - p->probed_at < QUIET_PROBE_MAX_AGE_MS;
}

bool quiet_is_quiet(const struct quiet_view *v, size_t part)
{
    const struct quiet_part *p = &v->parts[part];

    return quiet_at_end(p) && quiet_is_probed(p, v->now_ms) &&
           v->now_ms - p->heard_at >= v->time->idle_after;
}

bool quiet_is_candidate(const struct quiet_view *v, size_t part)
{
    const struct quiet_part *p = &v->parts[part];

    return quiet_at_end(p) && v->now_ms - p->heard_at >= v->time->idle_after / 2;
}

/* --- one topic --- */

struct quiet_topic {
    bool live; /* some partition is */
    struct etime
        slowest; /* of the live ones; ETIME_NONE: one has had no event, nobody can follow */
};

static struct quiet_topic quiet_topic_of(const struct quiet_view *v, uint16_t input)
{
    struct quiet_topic t = {.slowest = ETIME_NONE};

    for (size_t i = 0; i < v->count; i++) {
        const struct quiet_part *p = &v->parts[i];

        if (p->input != input || quiet_is_quiet(v, i))
            continue;
        if (!t.live || p->watermark.ms < t.slowest.ms)
            t.slowest = p->watermark;
        t.live = true;
    }
    return t;
}

/* --- decisions --- */

/* Where a watermark must be for one more pane to be closed by it: the start of the pane that `to` is in. A
 * watermark within a pane closes nothing, and would only make more events late. */
static bool quiet_follow(const struct quiet_view *v, const struct quiet_part *p, struct etime to,
                         int64_t *ret_value)
{
    if (!etime_is_set(to))
        return false;
    *ret_value = floor_div(to.ms, v->time->pane) * v->time->pane;
    return *ret_value > p->watermark.ms;
}

/* What a quiet partition does; began: some partition of some topic has had an event. */
static bool quiet_decide_part(const struct quiet_view *v, const struct quiet_topic *t, bool began,
                              bool trusted, struct quiet_decision *out)
{
    const struct quiet_part *p = &v->parts[out->part];
    const struct etime wall = {v->wall_ms - v->time->idle_lateness};

    if (trusted && etime_is_set(p->waits_for) && p->waits_for.ms <= v->wall_ms) {
        out->kind = DECISION_RELEASE;
        out->value = v->wall_ms;
        return true;
    }
    if (t->live) {
        out->kind = DECISION_ADVANCE;
        return quiet_follow(v, p, t->slowest, &out->value);
    }
    out->kind = DECISION_DARK;
    return began && trusted && quiet_follow(v, p, wall, &out->value);
}

/* True: it has jumped ahead since the last call. A machine that slept looks the same, and is believed later:
 * by then its brokers have been heard. */
static bool quiet_clocks(struct quiet *q, const struct quiet_view *v)
{
    bool jumped = q->begun && (v->wall_ms - q->wall_ms) - (v->now_ms - q->now_ms) > QUIET_JUMP_MS;

    if (jumped || !q->begun)
        q->distrust_until = jumped ? v->now_ms + QUIET_DISTRUST_MS : INT64_MIN;
    q->begun = true;
    q->now_ms = v->now_ms;
    q->wall_ms = v->wall_ms;
    return jumped;
}

static bool quiet_began(const struct quiet_view *v)
{
    bool began = false;

    for (size_t i = 0; i < v->count; i++)
        began |= etime_is_set(v->parts[i].watermark);
    return began;
}

size_t quiet_decide(struct quiet *q, const struct quiet_view *v, struct quiet_decision *out,
                    bool *ret_jumped)
{
    bool began = quiet_began(v), trusted;
    struct quiet_topic topic = {0};
    size_t count = 0;

    *ret_jumped = quiet_clocks(q, v);
    trusted = v->now_ms >= q->distrust_until;
    for (size_t i = 0; i < v->count; i++) {
        if (i == 0 || v->parts[i].input != v->parts[i - 1].input)
            topic = quiet_topic_of(v, v->parts[i].input);
        if (!quiet_is_quiet(v, i))
            continue;
        out[count].part = i;
        count += quiet_decide_part(v, &topic, began, trusted, &out[count]);
    }
    return count;
}

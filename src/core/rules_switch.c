/* SPDX-License-Identifier: Apache-2.0 */
/* Rules under other settings. A rule is what it means: one of the same hash goes on with its watches as they are;
 * every other's alerts end here, under the settings they fired by. */
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "core/switch.h"

static struct rule *rule_of_hash(const struct rules *all, uint64_t hash)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].hash == hash)
            return &all->items[i];
    return NULL;
}

static bool has_id(const struct rules *all, const char *id)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].settings->id, id) == 0)
            return true;
    return false;
}

/* Fires, and is known to. */
static bool is_out(const struct watch *w)
{
    return w->published && (w->life.state == ALERT_FIRING || w->life.state == ALERT_RESOLVING);
}

static void watch_resolve(struct judge *j, const struct rule *r, struct watch *w,
                          const char *reason, struct records *out)
{
    struct etime at = {(j->closed + 1) * j->funnel->pane_ms};
    struct reading x;

    reading_take(j, r, w, j->closed, &x);
    rules_put(j, r, w, &x, ALERT_STATUS_RESOLVED, at, reason, out);
    w->life = (struct alert_life){.since_ms = at.ms};
}

void rules_resolve(struct judge *from, const struct judge *to, bool keeps, struct records *out)
{
    for (size_t i = 0; i < from->rules->count; i++) {
        struct rule *r = &from->rules->items[i];
        bool there = to && has_id(to->rules, r->settings->id);

        if (keeps && rule_of_hash(to->rules, r->hash))
            continue;
        for (size_t k = 0; k < r->count; k++)
            if (is_out(&r->watches[k]))
                watch_resolve(from, r, &r->watches[k], there ? "rule_changed" : "rule_removed",
                              out);
    }
}

/* --- sequences --- */

uint32_t rules_past(const struct rules *all, uint64_t fingerprint)
{
    size_t low = 0, high = all->past_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (all->past[middle].fingerprint == fingerprint)
            return all->past[middle].sequence;
        if (all->past[middle].fingerprint < fingerprint)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static int past_compare(const void *pa, const void *pb)
{
    const struct rules_past *a = pa, *b = pb;

    if (a->fingerprint != b->fingerprint)
        return a->fingerprint < b->fingerprint ? -1 : 1;
    return a->sequence > b->sequence ? -1 : a->sequence < b->sequence;
}

static void past_add(struct rules *to, struct rules_past past)
{
    to->past = mem_grow(to->past, to->past_count, &to->past_cap, sizeof(*to->past));
    to->past[to->past_count++] = past;
}

/* Of equal ones the highest sequence stays. */
static void past_sort(struct rules *to)
{
    size_t n = 0;

    if (to->past_count > 0)
        qsort(to->past, to->past_count, sizeof(*to->past), past_compare);
    for (size_t i = 0; i < to->past_count && n < RULES_PAST_MAX; i++)
        if (n == 0 || to->past[n - 1].fingerprint != to->past[i].fingerprint)
            to->past[n++] = to->past[i];
    to->past_count = n;
}

void rules_remember_past(struct rules *to, const struct rules *from)
{
    for (size_t i = 0; i < from->past_count; i++)
        past_add(to, from->past[i]);
    past_sort(to);
}

void rules_remember(struct rules *to, const struct judge *from, bool keeps)
{
    for (size_t i = 0; i < from->rules->count; i++) {
        const struct rule *r = &from->rules->items[i];

        if (keeps && rule_of_hash(to, r->hash))
            continue;
        for (size_t k = 0; k < r->count; k++)
            if (r->watches[k].sequence > 0)
                past_add(to, (struct rules_past){rules_fingerprint(from, r, &r->watches[k]),
                                                 r->watches[k].sequence});
    }
    rules_remember_past(to, from->rules);
}

/* --- watches --- */

static void watches_take_over(struct rule *to, struct rule *from, const uint32_t *series_map)
{
    mem_free(to->watches);
    to->watches = from->watches;
    to->count = from->count;
    to->cap = from->cap;
    from->watches = NULL;
    from->count = from->cap = 0;
    /* The rule's spec is there, and with it all its series. */
    for (size_t k = 0; k < to->count; k++)
        to->watches[k].series = series_map[to->watches[k].series];
    for (size_t i = 0; i < from->series_seen; i++)
        to->series_seen += series_map[i] != UINT32_MAX;
}

void rules_take_over(struct judge *to, struct rules *from, const uint32_t *series_map)
{
    to->rules->alerts = from->alerts;
    for (size_t i = 0; i < to->rules->count; i++) {
        struct rule *was = rule_of_hash(from, to->rules->items[i].hash);

        if (was) {
            watches_take_over(&to->rules->items[i], was, series_map);
            rules_sums_take_over(&to->rules->items[i], was);
        } else if (to->closed != INT64_MIN) {
            rules_sums_begin(&to->rules->items[i], to->closed + 1);
        }
    }
}

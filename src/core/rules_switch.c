/* SPDX-License-Identifier: Apache-2.0 */
/* Rules under other settings. A rule is what it means: one of the same hash goes on with its watches as they are;
 * every other's alerts end here, under the settings they fired by. */
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

        if (was)
            watches_take_over(&to->rules->items[i], was, series_map);
    }
}

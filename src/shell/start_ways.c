/* SPDX-License-Identifier: Apache-2.0 */
/* From committed offsets that are understood to the ways to get there. */
#include <string.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/start_planning.h"
#include "shell/state_header.h"

const char start_plan_lost[] =
    "no snapshot can be read, and without one the state cannot be built again: restore the state "
    "folder, or start once with --rebuild --reconcile to go on with what the logs still hold";

/* Where machines stand before the replay: a snapshot's header, or NULL for the logs' origin. */
struct footing {
    const struct state_header *h;
    const char *name;
};

static int64_t footing_at(const struct planning *g, const struct footing *f, size_t i)
{
    return f->h ? f->h->parts[i].next : g->plan->metas[i].origin;
}

/* --- one way --- */

static struct start_way *way_new(struct planning *g, enum start_kind kind)
{
    struct start_plan *plan = g->plan;
    struct start_way *w;

    plan->ways = mem_grow(plan->ways, plan->way_count, &g->way_cap, sizeof(*plan->ways));
    w = &plan->ways[plan->way_count++];
    *w = (struct start_way){.kind = kind,
                            .start = mem_zero(g->count, sizeof(*w->start)),
                            .stop = mem_zero(g->count, sizeof(*w->stop)),
                            .reset = mem_zero(g->count, sizeof(*w->reset)),
                            .made = mem_zero(2 * g->count, sizeof(*w->made))};
    return w;
}

static void way_drop(struct planning *g)
{
    struct start_way *w = &g->plan->ways[--g->plan->way_count];

    mem_free(w->start);
    mem_free(w->stop);
    mem_free(w->reset);
    mem_free(w->made);
}

static void way_make(struct start_way *w, size_t i, enum decision_kind kind, int64_t at,
                     int64_t value)
{
    w->made[w->made_count++] = (struct decision){
        .source = (uint32_t)i, .kind = kind, .at = at, .value = value};
}

/* Its records from `at` on are gone up to where the log begins: reading goes on there. */
static void way_skip(struct start_way *w, size_t i, int64_t at, int64_t committed, int64_t low,
                     bool reset)
{
    int64_t on = reset || low > committed ? low : committed;
    int64_t lost = reset ? committed - at : low - at;

    w->start[i] = low;
    w->stop[i] = on;
    w->reset[i] = reset;
    w->compare = w->compare && at == committed;
    w->anchor = true;
    way_make(w, i, DECISION_GAP, on, lost > 0 ? lost : 1);
}

static int way_part(struct planning *g, struct start_way *w, const struct footing *f, size_t i)
{
    const struct start_part *p = &g->parts[i];
    int64_t at = footing_at(g, f, i);
    bool lacks = p->low > at && at < p->committed && !g->reset[i];
    char what[320];

    if (lacks && (!f->h || (!g->ours->flags.rebuild && p->low <= p->committed))) {
        snprintf(
            what, sizeof(what),
            "the log begins after offset %lld, from where %s must be replayed; to go on without "
            "those records start once with --rebuild --reconcile",
            (long long)at, f->name);
        return planning_refuse(g, i, EXIT_REPLAY, what);
    }
    if (g->reset[i] || p->low > at) {
        way_skip(w, i, at, p->committed, p->low, g->reset[i]);
        return EXIT_OK;
    }
    w->start[i] = at;
    w->stop[i] = p->committed;
    return EXIT_OK;
}

/* --- settings --- */

static bool settings_at_hand(const struct planning *g, const struct footing *f, uint64_t hash)
{
    for (size_t i = 0; i < g->ours->known_count; i++) {
        if (g->ours->known[i] == hash)
            return true;
    }
    return hash == g->ours->settings_hash || (f->h && f->h->settings_hash == hash);
}

/* All settings that were in force from the footing on. */
static const char *way_settings(const struct planning *g, struct start_way *w,
                                const struct footing *f)
{
    const struct start_plan *plan = g->plan;

    w->decision_seq = f->h ? f->h->decision_seq : 0;
    while (w->first_cut < plan->cut_count && plan->cuts[w->first_cut].seq <= w->decision_seq)
        w->first_cut++;
    if (!f->h && plan->cut_count > 0)
        return "the settings were changed since the logs were first read, and it is not known from which";
    w->settings_hash = f->h ? f->h->settings_hash : plan->settings_hash;
    if (!settings_at_hand(g, f, w->settings_hash))
        return "the settings are others now, and the earlier ones were not kept: start once with the earlier file";
    for (size_t k = w->first_cut; k < plan->cut_count; k++) {
        if (!settings_at_hand(g, f, plan->cuts[k].settings_hash))
            return "the settings were changed since, and those of in between were not kept";
    }
    return NULL;
}

/* --- which snapshots --- */

/* The committed transactions know of it: it is named, or the same process went on and committed after it. Decisions
 * are kept since the oldest one named, so none older will do. */
static bool snapshot_happened(const struct commit_meta *base, const struct state_header *h)
{
    for (size_t i = 0; i < base->snapshot_count; i++) {
        const struct commit_snapshot *s = &base->snapshots[i];

        if (s->generation == h->generation)
            return s->instance == h->instance && s->seq == h->txn_seq;
        if (s->generation > h->generation)
            return false;
    }
    return h->instance == base->instance && h->txn_seq <= base->seq;
}

static bool snapshot_is_ahead(const struct planning *g, const struct state_header *h)
{
    for (size_t i = 0; i < g->count; i++) {
        if (h->parts[i].next > g->parts[i].committed)
            return true;
    }
    return false;
}

static bool snapshot_cluster_differs(const struct planning *g, const struct state_header *h)
{
    uint64_t hash = commit_meta_cluster(h->cluster_id);

    return hash && g->base->cluster_hash && hash != g->base->cluster_hash;
}

static bool snapshot_is_usable(const struct planning *g, const struct state_header *h,
                               char why[512])
{
    const struct state_ours ours = {g->ours->group, g->sources, g->count};

    if (!state_header_is_ours(h, &ours, why))
        return false;
    snprintf(why, 512, "%s",
             snapshot_cluster_differs(g, h)   ? "it is of another cluster"
             : !snapshot_happened(g->base, h) ? "its transaction was never committed"
             : snapshot_is_ahead(g, h)        ? "it is ahead of the committed offsets"
                                              : "");
    return !*why;
}

/* --- all ways --- */

static int way_try(struct planning *g, enum start_kind kind, const struct footing *f)
{
    struct start_way *w = way_new(g, kind);
    const char *wrong = way_settings(g, w, f);
    int code = EXIT_OK;

    w->compare = true;
    w->anchor =
        g->moved; /* snapshots of the other cluster are of no use once this one has offsets */
    if (wrong) {
        snprintf(g->why, 512, "%s cannot be replayed: %s; or with --rebuild --reconcile", f->name,
                 wrong);
        code = EXIT_STATE;
    }
    for (size_t i = 0; code == EXIT_OK && i < g->count; i++)
        code = way_part(g, w, f, i);
    if (code != EXIT_OK)
        way_drop(g);
    return code;
}

/* Why the newest snapshot is of no use is what an operator wants to know; but where one that counts lacks records of
 * the log, as after a rebuild that was killed before it had committed, that is the reason. */
static int ways_snapshots(struct planning *g)
{
    int newest = EXIT_OK;
    char why[512] = "";

    for (size_t i = 0; i < g->snapshot_count; i++) {
        const struct state_header *h = g->snapshots[i];
        char name[32], wrong[512];
        const struct footing f = {h, name};
        int code = EXIT_STATE;

        snprintf(name, sizeof(name), "snapshot %u", h->generation);
        if (snapshot_is_usable(g, h, wrong))
            code = way_try(g, START_SNAPSHOT, &f);
        else
            snprintf(g->why, 512, "%s is of no use: %s", name, wrong);
        if (code == EXIT_OK)
            g->plan->ways[g->plan->way_count - 1].snapshot = i;
        else if (newest == EXIT_OK || (newest == EXIT_STATE && code == EXIT_REPLAY)) {
            newest = code;
            snprintf(why, sizeof(why), "%s", g->why);
        }
    }
    snprintf(g->why, 512, "%s", why);
    return newest;
}

/* While no snapshot was ever durable, every decision since the origin is still committed. */
static int ways_origin(struct planning *g)
{
    const struct footing f = {NULL, "the log"};

    if (g->base->machine != COMMIT_META_MACHINE) {
        snprintf(g->why, 512,
                 "another version of funneld would not give the same again: use the earlier one "
                 "until a snapshot is durable, or start once with --rebuild --reconcile");
        return EXIT_STATE;
    }
    return way_try(g, START_ORIGIN, &f);
}

int planning_ways(struct planning *g)
{
    int code = ways_snapshots(g), origin = EXIT_STATE;
    size_t len;

    if (g->base->snapshot_count ==
        0) /* also where a snapshot nobody names turns out to be broken */
        origin = ways_origin(g);
    if (g->base->snapshot_count == 0 && g->plan->way_count == 0)
        code = origin;
    else if (g->plan->way_count == 0 && (code == EXIT_OK || code == EXIT_STATE)) {
        code = EXIT_STATE;
        len = strlen(g->why);
        snprintf(g->why + len, 512 - len, "%s%s", len ? "; " : "", start_plan_lost);
    }
    if (g->ours->flags.rebuild)
        planning_fresh(g);
    return g->plan->way_count > 0 ? EXIT_OK : code;
}

/* Where publishing begins: where it ended before, or with what comes in from now on. */
static int64_t fresh_end(const struct planning *g, size_t i)
{
    const struct start_part *p = &g->parts[i];

    if (g->with == 0)
        return p->high;
    return p->committed > p->low && !g->reset[i] ? p->committed : p->low;
}

void planning_fresh(struct planning *g)
{
    struct start_way *w = way_new(g, START_FRESH);
    bool publish = g->with == 0 && g->ours->publish;

    w->settings_hash = g->ours->settings_hash;
    w->decision_seq = UINT64_MAX;
    w->first_cut = g->plan->cut_count;
    for (size_t i = 0; i < g->count; i++) {
        const struct start_part *p = &g->parts[i];

        w->start[i] = w->stop[i] = p->low;
        if (!publish)
            way_make(w, i, DECISION_BOOTSTRAP_END, fresh_end(g, i), 0);
        if (p->committed >= 0 && p->low > p->committed && !g->reset[i])
            way_make(w, i, DECISION_GAP, p->low, p->low - p->committed);
    }
    w->commit_first = w->made_count > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/start_plan.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/start_planning.h"
#include "shell/state_header.h"

uint64_t start_layout_hash(const struct pipeline_source *sources, size_t count)
{
    struct buf b = {0};
    uint64_t hash;

    for (size_t i = 0; i < count; i++)
        buf_fmt(&b, "%s/%d\n", sources[i].topic, sources[i].partition);
    hash = XXH3_64bits(b.data, b.len);
    buf_deinit(&b);
    return hash;
}

/* --- refusing --- */

int planning_refuse(const struct planning *g, size_t i, int code, const char *what)
{
    snprintf(g->why, 512, "%s/%d: %s (log %lld to %lld, committed %lld)", g->sources[i].topic,
             g->sources[i].partition, what, (long long)g->parts[i].low, (long long)g->parts[i].high,
             (long long)g->parts[i].committed);
    return code;
}

static int refuse_group(const struct planning *g, int code, const char *what)
{
    snprintf(g->why, 512, "group %s: %s", g->ours->group, what);
    return code;
}

/* --- what is committed --- */

/* All partitions have an offset, or none, or it is a new epoch. */
static int plan_presence(struct planning *g)
{
    for (size_t i = 0; i < g->count; i++)
        g->with += g->parts[i].committed >= 0;
    for (size_t i = 0; g->with && !g->ours->flags.new_epoch && i < g->count; i++) {
        if (g->parts[i].committed < 0)
            return planning_refuse(
                g, i, EXIT_PARTITIONS,
                "no committed offset, though others have one: if partitions were added, "
                "'funneld state rekey' moves the state; if inputs were, or the topic was deleted and "
                "created again (which deletes its offsets), go on with --new-epoch");
    }
    return EXIT_OK;
}

/* Nothing is committed: a first start, unless a snapshot tells of earlier transactions. One of the first transaction
 * may have been taken and that one never committed. */
static int plan_first(const struct planning *g)
{
    const struct start_flags *f = &g->ours->flags;

    for (size_t i = 0; i < g->snapshot_count; i++) {
        const struct state_header *h = g->snapshots[i];

        if (h->txn_seq > 1 && strcmp(h->group, g->ours->group) == 0 && !f->accept_reset &&
            !f->rebuild && !f->new_epoch)
            return refuse_group(
                g, EXIT_RESET,
                "it has no committed offset, but the state folder has a snapshot of it: its topics were "
                "deleted and created again, or its offsets expired; to begin as a first start does, "
                "start once with --accept-reset --reconcile");
    }
    return EXIT_OK;
}

/* Its own decisions; the metadata's text has been checked. */
static void plan_take_decisions(struct planning *g, struct commit_meta *m)
{
    struct codec_in in = {.p = (const unsigned char *)m->decisions.p, .left = m->decisions.len};
    struct start_plan *plan = g->plan;

    while (in.left > 0) {
        struct decision *d;

        plan->decisions = mem_grow(plan->decisions, plan->decision_count, &g->decision_cap,
                                   sizeof(*plan->decisions));
        d = &plan->decisions[plan->decision_count++];
        decision_get(&in, d);
        if (d->text.p)
            d->text.p = mem_strndup(d->text.p, d->text.len);
    }
    m->decisions = SPAN_NONE; /* its bytes do not outlive the call */
}

static bool plan_is_foreign(const struct decision *d, size_t i)
{
    return d->source != DECISION_JUDGES && d->source != i;
}

static const char *plan_meta(struct planning *g, size_t i)
{
    struct commit_meta *m = &g->plan->metas[i];
    const struct commit_meta *first = &g->plan->metas[0];
    size_t before = g->plan->decision_count;
    const char *wrong;

    wrong = commit_meta_decode(g->parts[i].meta ? g->parts[i].meta : "", g->parts[i].meta_len,
                               &g->scratch, m);
    if (wrong) {
        *m = (struct commit_meta){0};
        return wrong;
    }
    plan_take_decisions(g, m);
    for (; before < g->plan->decision_count; before++) {
        if (plan_is_foreign(&g->plan->decisions[before], i))
            return "its decisions are another partition's";
    }
    if (m->seq != first->seq || m->instance != first->instance)
        return "it is of another transaction than the first one's: something else commits to this group";
    if (m->has_base != (i == 0))
        return "its base is missing, or is where none belongs";
    return NULL;
}

static int by_seq(const void *a, const void *b)
{
    uint64_t x = ((const struct decision *)a)->seq, y = ((const struct decision *)b)->seq;

    return x < y ? -1 : x > y;
}

static int plan_metas(struct planning *g)
{
    struct start_plan *plan = g->plan;
    char what[320];

    for (size_t i = 0; i < g->count; i++) {
        const char *wrong = plan_meta(g, i);

        if (!wrong)
            continue;
        snprintf(what, sizeof(what),
                 "metadata of its committed offset is unusable: %s; use a group that nothing else "
                 "commits to, or --new-epoch",
                 wrong);
        return planning_refuse(g, i, EXIT_STATE, what);
    }
    if (plan->decision_count > 0)
        qsort(plan->decisions, plan->decision_count, sizeof(*plan->decisions), by_seq);
    return EXIT_OK;
}

/* A new epoch takes what it can get: only numbers that must go on rising. */
static void plan_metas_leniently(struct planning *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct commit_meta *m = &g->plan->metas[i];

        if (commit_meta_decode(g->parts[i].meta ? g->parts[i].meta : "", g->parts[i].meta_len,
                               &g->scratch, m))
            *m = (struct commit_meta){.watermark = INT64_MIN, .last = {.offset = -1}};
        m->decisions = SPAN_NONE;
    }
}

/* From the partition that has the base; partitions may have been added before it. */
static void plan_base(struct planning *g)
{
    const struct commit_meta *base = &g->plan->metas[0];

    for (size_t i = 0; i < g->count; i++) {
        if (g->plan->metas[i].has_base)
            base = &g->plan->metas[i];
    }
    g->base = base;
    g->plan->known = g->with > 0;
    g->plan->instance = base->instance;
    g->plan->seq = base->seq;
    g->plan->decision_seq = base->decision_seq;
    g->plan->generation = base->generation;
    g->plan->settings_hash = base->has_base ? base->settings_hash : g->ours->settings_hash;
    g->plan->zone_hash = base->zone_hash;
}

/* --- the switches --- */

static struct start_cut *plan_cut(struct start_plan *plan, size_t k, size_t count, size_t *cap)
{
    if (k == plan->cut_count) {
        plan->cuts = mem_grow(plan->cuts, k, cap, sizeof(*plan->cuts));
        plan->cuts[plan->cut_count++] = (struct start_cut){.at = mem_zero(count, sizeof(int64_t))};
    }
    return &plan->cuts[k];
}

/* Each cut is made of one decision of every partition. */
static int plan_cuts(struct planning *g)
{
    size_t *seen = mem_zero(g->count, sizeof(*seen)), cap = 0;
    bool whole = true;

    for (size_t i = 0; i < g->plan->decision_count && whole; i++) {
        const struct decision *d = &g->plan->decisions[i];
        struct start_cut *cut;
        size_t k;

        if (d->kind != DECISION_SWITCH)
            continue;
        k = seen[d->source]++;
        cut = plan_cut(g->plan, k, g->count, &cap);
        whole = cut->seq == 0 || cut->settings_hash == (uint64_t)d->value;
        cut->settings_hash = (uint64_t)d->value;
        cut->seq = d->seq;
        cut->at[d->source] = d->at;
    }
    for (size_t i = 0; i < g->count && whole; i++)
        whole = seen[i] == g->plan->cut_count;
    mem_free(seen);
    return whole ? EXIT_OK
                 : refuse_group(g, EXIT_STATE,
                                "its metadata holds a switch of settings that not every partition "
                                "has; drop the state with --new-epoch --reconcile");
}

/* --- where each log stands --- */

static bool plan_last_differs(const struct start_part *p, const struct commit_meta *m)
{
    return p->reread && m->last.offset >= 0 &&
           (p->last.hash != m->last.hash || p->last.timestamp != m->last.timestamp ||
            p->last.offset != m->last.offset);
}

/* Another cluster: what cannot be seen to be the same log is another one. */
static const char *plan_reset(const struct planning *g, size_t i)
{
    const struct start_part *p = &g->parts[i];
    const struct commit_meta *m = &g->plan->metas[i];

    if (p->high < p->committed)
        return "the log is shorter than what was consumed: the topic was recreated or truncated";
    if (plan_last_differs(p, m))
        return "the last record consumed is another one now: the topic was recreated or mirrored";
    if (g->moved && !(p->reread && m->last.offset >= 0))
        return "it cannot be seen whether the log of another cluster goes on where this one ended";
    return NULL;
}

static int plan_cluster(struct planning *g)
{
    g->moved = g->base->cluster_hash && g->ours->cluster_hash &&
               g->base->cluster_hash != g->ours->cluster_hash;
    if (!g->moved || g->ours->flags.accept_reset)
        return EXIT_OK;
    return refuse_group(g, EXIT_RESET,
                        "its offsets are of another cluster: check bootstrap.servers, or if the "
                        "topics were moved start once with --accept-reset");
}

static int plan_logs(struct planning *g)
{
    char what[320];

    for (size_t i = 0; i < g->count; i++) {
        const char *wrong = plan_reset(g, i);

        if (wrong && !g->ours->flags.accept_reset) {
            snprintf(what, sizeof(what),
                     "%s; to read the new log from its beginning start once with "
                     "--accept-reset",
                     wrong);
            return planning_refuse(g, i, EXIT_RESET, what);
        }
        g->reset[i] = wrong != NULL;
        if (!wrong && g->parts[i].low > g->parts[i].committed && !g->ours->on_gap_continue &&
            !g->ours->flags.rebuild)
            return planning_refuse(
                g, i, EXIT_GAP,
                "the log begins after the committed offset: retention took unread events; raise it, "
                "and set on_gap: continue to go on without them");
    }
    return EXIT_OK;
}

/* --- the plan --- */

static int plan_restore(struct planning *g)
{
    int code = plan_metas(g);

    plan_base(g);
    if (code == EXIT_OK && g->base->layout_hash != g->ours->layout_hash)
        code = refuse_group(
            g, EXIT_PARTITIONS,
            "inputs or their partition counts changed since the last run; go on with "
            "--new-epoch");
    if (code == EXIT_OK)
        code = plan_cluster(g);
    if (code == EXIT_OK)
        code = plan_logs(g);
    if (code == EXIT_OK)
        code = plan_cuts(g);
    return code == EXIT_OK ? planning_ways(g) : code;
}

int start_plan_make(const struct pipeline_source *sources, const struct start_part *parts,
                    size_t count, const struct state_header *const *snapshots,
                    size_t snapshot_count, const struct start_ours *ours, struct start_plan *ret,
                    char why[512])
{
    struct planning g = {.sources = sources,
                         .parts = parts,
                         .count = count,
                         .snapshots = snapshots,
                         .snapshot_count = snapshot_count,
                         .ours = ours,
                         .plan = ret,
                         .why = why};
    int code;

    *ret = (struct start_plan){.metas = mem_zero(count, sizeof(*ret->metas)),
                               .reconcile = ours->flags.reconcile};
    g.reset = mem_zero(count, sizeof(*g.reset));
    code = plan_presence(&g);
    if (code == EXIT_OK && g.with == 0)
        code = plan_first(&g);
    if (code == EXIT_OK && g.with > 0 && !ours->flags.new_epoch) {
        code = plan_restore(&g);
    } else if (code == EXIT_OK) {
        plan_metas_leniently(&g);
        plan_base(&g);
        for (size_t i = 0; i < count; i++)
            g.reset[i] = parts[i].committed >= 0 && plan_reset(&g, i);
        planning_fresh(&g);
    }
    mem_free(g.reset);
    buf_deinit(&g.scratch);
    return code;
}

static void start_way_deinit(struct start_way *w)
{
    mem_free(w->start);
    mem_free(w->stop);
    mem_free(w->reset);
    mem_free(w->made);
}

void start_plan_deinit(struct start_plan *p)
{
    for (size_t i = 0; i < p->way_count; i++)
        start_way_deinit(&p->ways[i]);
    for (size_t i = 0; i < p->decision_count; i++)
        mem_free((char *)p->decisions[i].text.p);
    for (size_t i = 0; i < p->cut_count; i++)
        mem_free(p->cuts[i].at);
    mem_free(p->ways);
    mem_free(p->decisions);
    mem_free(p->cuts);
    mem_free(p->metas);
    *p = (struct start_plan){0};
}

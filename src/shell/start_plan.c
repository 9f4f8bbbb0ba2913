/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/start_plan.h"

#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shell/exit_codes.h"
#include "funnel/mem.h"

struct planning {
    const struct pipeline_source *sources;
    const struct start_part *parts;
    size_t count;
    const struct start_ours *ours;
    struct start_plan *plan;
    char *why;
};

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

static int refuse(const struct planning *g, size_t i, int code, const char *what)
{
    snprintf(g->why, 512, "%s/%d: %s (log %lld to %lld, committed %lld)", g->sources[i].topic,
             g->sources[i].partition, what, (long long)g->parts[i].low, (long long)g->parts[i].high,
             (long long)g->parts[i].committed);
    return code;
}

/* All partitions have an offset, or none. */
static int plan_presence(const struct planning *g)
{
    size_t with = 0;

    for (size_t i = 0; i < g->count; i++)
        with += g->parts[i].committed >= 0;
    g->plan->fresh = with == 0;
    for (size_t i = 0; with && i < g->count; i++) {
        if (g->parts[i].committed < 0)
            return refuse(
                g, i, EXIT_PARTITIONS,
                "no committed offset, though others have one: partitions or inputs were added");
    }
    return EXIT_OK;
}

static int plan_metas(const struct planning *g)
{
    char what[160];

    for (size_t i = 0; i < g->count; i++) {
        struct commit_meta *m = &g->plan->metas[i];
        const char *text = g->parts[i].meta ? g->parts[i].meta : "";
        const char *wrong = commit_meta_decode(text, g->parts[i].meta_len, m);

        if (wrong) {
            snprintf(what, sizeof(what), "metadata of its committed offset is unusable: %s", wrong);
            return refuse(g, i, EXIT_STATE, what);
        }
        if (m->seq != g->plan->metas[0].seq || m->instance != g->plan->metas[0].instance)
            return refuse(
                g, i, EXIT_STATE,
                "its offset is of another transaction: something else commits to this group");
    }
    if (!g->plan->metas[0].has_base)
        return refuse(g, 0, EXIT_STATE, "the lowest partition's metadata lacks its base");
    if (g->plan->metas[0].layout_hash != g->ours->layout_hash)
        return refuse(g, 0, EXIT_PARTITIONS, "inputs or their partition counts changed");
    return EXIT_OK;
}

static int plan_logs(const struct planning *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct start_part *p = &g->parts[i];

        if (p->high < p->committed)
            return refuse(g, i, EXIT_RESET,
                          "the log is shorter than what was consumed: recreated or truncated");
        if (p->low > p->committed)
            return refuse(
                g, i, EXIT_GAP,
                "the log begins after the committed offset: retention took unread events");
        if (p->low > g->plan->metas[i].origin)
            g->plan->trimmed = true;
    }
    return EXIT_OK;
}

int start_plan_make(const struct pipeline_source *sources, const struct start_part *parts,
                    size_t count, const struct start_ours *ours, struct start_plan *ret,
                    char why[512])
{
    struct planning g = {sources, parts, count, ours, ret, why};
    const struct commit_meta *first;
    int code;

    *ret = (struct start_plan){.metas = mem_zero(count, sizeof(*ret->metas))};
    code = plan_presence(&g);
    if (code != EXIT_OK || ret->fresh)
        return code;
    code = plan_metas(&g);
    if (code == EXIT_OK)
        code = plan_logs(&g);
    if (code != EXIT_OK)
        return code;
    first = &ret->metas[0];
    ret->instance = first->instance;
    ret->seq = first->seq;
    ret->judge_digest = first->judge_digest;
    ret->changed = first->settings_hash != ours->settings_hash ||
                   first->zone_hash != ours->zone_hash || first->machine != COMMIT_META_MACHINE;
    ret->compare = !ret->changed && !ret->trimmed;
    return EXIT_OK;
}

void start_plan_deinit(struct start_plan *p)
{
    mem_free(p->metas);
    *p = (struct start_plan){0};
}

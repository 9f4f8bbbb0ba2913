/* SPDX-License-Identifier: Apache-2.0 */
/* Which partitions there were, and whether there is a snapshot of exactly what is committed for them. */
#include <stdio.h>
#include <string.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/rekey.h"

static int refuse(char why[REKEY_WHY], int code, const char *topic, int32_t partition,
                  const char *what)
{
    snprintf(why, REKEY_WHY, "%s/%d: %s", topic, partition, what);
    return code;
}

/* --- the sources of before --- */

static bool is_committed(const struct start_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i].committed >= 0)
            return true;
    return false;
}

/* Of each input partitions 0 to some number have offsets: new ones have none yet. */
static int plan_olds(const struct pipeline_source *sources, const struct start_part *parts,
                     size_t count, struct rekey_plan *plan, char why[REKEY_WHY])
{
    uint32_t first = 0;

    for (uint32_t i = 0; i < count; i++) {
        bool begins = i == 0 || sources[i].input != sources[i - 1].input;

        first = begins ? i : first;
        if (parts[i].committed < 0 && begins)
            return refuse(
                why, EXIT_PARTITIONS, sources[i].topic, sources[i].partition,
                "no offset is committed for the topic's first partition: the input is new, "
                "or the topic was created again; go on with --new-epoch");
        if (parts[i].committed < 0)
            continue;
        if (!begins && parts[i - 1].committed < 0)
            return refuse(
                why, EXIT_PARTITIONS, sources[i].topic, sources[i].partition,
                "an offset is committed, for the partition before it none: something else "
                "commits to this group; go on with --new-epoch");
        plan->sources[plan->count] = sources[i];
        plan->parts[plan->count] = parts[i];
        plan->olds[plan->count++] = (struct rekey_part){.now = i, .first = first};
    }
    return EXIT_OK;
}

static void plan_counts(const struct pipeline_source *sources, size_t count,
                        struct rekey_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        for (size_t k = 0; k < plan->count; k++)
            plan->olds[i].count += plan->sources[k].input == plan->sources[i].input;
        for (size_t k = 0; k < count; k++)
            plan->olds[i].more += sources[k].input == plan->sources[i].input;
    }
}

/* The newest snapshot knows of partitions that are gone. */
static int plan_shrunk(const struct pipeline_source *sources, size_t count,
                       const struct state_header *newest, char why[REKEY_WHY])
{
    for (size_t i = 0; i < newest->part_count; i++) {
        const struct state_part *p = &newest->parts[i];
        size_t k = 0;

        while (k < count &&
               (sources[k].partition != p->partition || strcmp(sources[k].topic, p->topic) != 0))
            k++;
        if (k == count)
            return refuse(why, EXIT_PARTITIONS, p->topic, p->partition,
                          "the state has this partition, and the topic has not: a topic only gets "
                          "fewer partitions by being created again; go on with --new-epoch");
    }
    return EXIT_OK;
}

/* --- the snapshot --- */

static bool way_stands(const struct start_plan *plan, size_t count)
{
    const struct start_way *way = &plan->ways[0];

    if (way->kind != START_SNAPSHOT)
        return false;
    for (size_t i = 0; i < count; i++)
        if (way->start[i] != way->stop[i] || way->reset[i])
            return false;
    for (size_t i = 0; i < plan->decision_count; i++)
        if (plan->decisions[i].seq > way->decision_seq)
            return false;
    return true;
}

static int plan_snapshot(struct rekey_plan *plan, const struct state_header *const *snapshots,
                         size_t snapshot_count, const struct start_ours *ours, char why[REKEY_WHY])
{
    struct start_ours before = *ours;
    int code;

    before.layout_hash = start_layout_hash(plan->sources, plan->count);
    before.flags = (struct start_flags){0};
    code = start_plan_make(plan->sources, plan->parts, plan->count, snapshots, snapshot_count,
                           &before, &plan->start, why);
    if (code != EXIT_OK)
        return code;
    if (!way_stands(&plan->start, plan->count)) {
        snprintf(why, REKEY_WHY,
                 "no snapshot stands at the committed offsets: the daemon was killed before it had "
                 "stopped by itself over the new partitions, and what came after its last snapshot "
                 "can only be replayed under the partitions of before; go on with --new-epoch");
        return EXIT_STATE;
    }
    plan->snapshot = plan->start.ways[0].snapshot;
    return EXIT_OK;
}

/* --- the plan --- */

int rekey_plan_make(const struct pipeline_source *sources, const struct start_part *parts,
                    size_t count, const struct state_header *const *snapshots,
                    size_t snapshot_count, const struct start_ours *ours, struct rekey_plan *ret,
                    char why[REKEY_WHY])
{
    int code = EXIT_OK;

    *ret = (struct rekey_plan){0};
    if (!is_committed(parts, count)) {
        snprintf(why, REKEY_WHY, "group %s has committed nothing: there is no state to move",
                 ours->group);
        return EXIT_STATE;
    }
    *ret = (struct rekey_plan){.sources = mem_zero(count, sizeof(*ret->sources)),
                               .parts = mem_zero(count, sizeof(*ret->parts)),
                               .olds = mem_zero(count, sizeof(*ret->olds))};
    if (snapshot_count > 0)
        code = plan_shrunk(sources, count, snapshots[0], why);
    if (code == EXIT_OK)
        code = plan_olds(sources, parts, count, ret, why);
    if (code != EXIT_OK)
        return code;
    ret->nothing = ret->count == count;
    if (ret->nothing)
        return EXIT_OK;
    plan_counts(sources, count, ret);
    return plan_snapshot(ret, snapshots, snapshot_count, ours, why);
}

void rekey_plan_deinit(struct rekey_plan *p)
{
    start_plan_deinit(&p->start);
    mem_free(p->sources);
    mem_free(p->parts);
    mem_free(p->olds);
    *p = (struct rekey_plan){0};
}

const char *rekey_plan_check(const struct rekey_plan *plan, const struct pipeline *p)
{
    for (size_t i = 0; i < plan->count; i++)
        if (pipeline_tally_digest(p, (uint32_t)i) != plan->start.metas[i].tally_digest)
            return "a partition's output in the snapshot is not what was committed";
    if (pipeline_judge_digest(p) != plan->start.metas[0].judge_digest)
        return "the alerts in the snapshot are not those that were committed";
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Between start_plan.c, which judges what is committed, and start_ways.c, which finds the ways from there. */
#ifndef SHELL_START_PLANNING_H
#define SHELL_START_PLANNING_H

#include <stdio.h>

#include "shell/start_plan.h"

struct planning {
    const struct pipeline_source *sources;
    const struct start_part *parts;
    size_t count;
    const struct state_header *const *snapshots;
    size_t snapshot_count;
    const struct start_ours *ours;
    struct start_plan *plan;
    char *why;                      /* [512] */
    size_t with;                    /* partitions with a committed offset */
    const struct commit_meta *base; /* of plan->metas */
    struct buf scratch;             /* owned */
    size_t decision_cap, way_cap;
    bool *reset; /* owned; by source: its log is another one */
    bool moved;  /* it is another cluster */
};

/* Fills why; returns code. */
int planning_refuse(const struct planning *g, size_t i, int code, const char *what);
/* Everything committed is understood: finds the ways. Returns EXIT_OK, or a code with why. */
int planning_ways(struct planning *g);
/* The one way that needs nothing: no state, the logs from their beginning. */
void planning_fresh(struct planning *g);

#endif

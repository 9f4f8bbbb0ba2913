/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tale.h"

struct traffic_plan tale_plan(uint64_t seed, int64_t days, size_t count,
                              const struct traffic_change *changes)
{
    struct traffic_plan plan = {.seed = seed,
                                .from = T0,
                                .to = T0 + days * DAY,
                                .stages = 3,
                                .per_minute = 0.5,
                                .rate = 0.5,
                                .change_count = count};

    memcpy(plan.changes, changes, count * sizeof(*changes));
    return plan;
}

void tale_open(struct tale *t, const char *yaml, const struct traffic_plan *plan)
{
    traffic_make(&t->traffic, plan);
    pipe_open(&t->pipe, yaml, 1);
    turns_take(&t->pipe, &t->turns);
}

void tale_go_on(struct tale *t, int64_t until)
{
    traffic_tell(&t->traffic, &t->pipe, until);
    turns_take(&t->pipe, &t->turns);
}

void tale_close(struct tale *t)
{
    pipe_close(&t->pipe);
    traffic_deinit(&t->traffic);
}

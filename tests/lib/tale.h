/* SPDX-License-Identifier: Apache-2.0 */
/* What a made-up shop's alerts tell over weeks: its visitors, its pipeline, and the turns. Two weeks as usual come
 * first. */
#ifndef TESTS_TALE_H
#define TESTS_TALE_H

#include <string.h>

#include "lib/traffic.h"
#include "lib/turns.h"

/* Settings, with more of `time` (", key: value") and with rules. */
#define TALE_WITH(time, rules) \
    PIPE_KAFKA "inputs: [{topic: in, no_data: off}]\n" \
               "time: {lateness: 0s, pane: 15m, zone: UTC" time "}\n" \
               "funnels: {f: {stages: [a, b, c], window: 3h,\n" \
               " dims: {channel: {values: [ads, seo]}, device: {values: [web, app]}},\n" \
               " rules: [" rules "]}}\n"
#define TALE(rules) TALE_WITH("", rules)
#define DROP "{id: drop, kind: drop}"
#define RISE "{id: rise, kind: rise}"

#define WEEK (7 * DAY)
#define BEGIN (T0 + 2 * WEEK) /* of what happens, if it begins at once */

struct tale {
    struct traffic traffic;
    struct pipe pipe;
    struct turns turns;
};

/* Half an entry a minute: five thousand a week. */
struct traffic_plan tale_plan(uint64_t seed, int64_t days, size_t count,
                              const struct traffic_change *changes);
void tale_open(struct tale *t, const char *yaml, const struct traffic_plan *plan);
/* What comes before `until`; its turns are then all so far. */
void tale_go_on(struct tale *t, int64_t until);
void tale_close(struct tale *t);

/* For a program with Criterion: the turns in their order, without their times. */
#define TALE_EXPECT(t, expected) \
    cr_expect(strcmp(turns_tale(&(t)->turns), expected) == 0, "seed %d: expected '%s', got '%s'", \
              (int)(t)->traffic.plan.seed, expected, turns_text(&(t)->turns, T0))

#endif

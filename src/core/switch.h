/* SPDX-License-Identifier: Apache-2.0 */
/* From one pipeline to another under other settings: what each machine needs to know of the other one. The old
 * machines give away what the new ones take; what is left is freed with them. */
#ifndef FUNNEL_SWITCH_H
#define FUNNEL_SWITCH_H

#include "funnel/pipeline_parts.h"
#include "funnel/rules.h"

/* One funnel of the old settings. */
struct switch_funnel {
    int to;     /* its number under the new ones; -1: it is gone */
    bool keeps; /* of the same shape: its entities, windows and series go on as they are */
    uint8_t
        stage[STAGES_MAX]; /* by old stage: what its id means now, STAGE_UNKNOWN where nothing */
};

struct switch_plan {
    struct pipeline *from, *to;
    struct switch_funnel funnels[FUNNELS_MAX]; /* by old funnel */
    int was[FUNNELS_MAX];                      /* by new funnel: the old one; -1: it is new */
    int64_t closed; /* the last pane closed, in new panes, rounded down; INT64_MIN */
    int64_t whole;  /* the first new pane of which every event comes after the switch; INT64_MIN */
    struct counters more; /* what the switch itself counts */
};

/* A pane's begin in other panes: the pane it lies in. INT64_MIN and INT64_MAX stay. */
int64_t switch_pane(const struct switch_plan *plan, int64_t pane);
int64_t switch_pane_up(const struct switch_plan *plan, int64_t pane); /* the first one from it on */

/* --- tally_switch.c, tally_resync.c --- */

/* Everything but its funnels' entities: the watermark, what waits, decisions, counters. */
void tally_switch(const struct switch_plan *plan, struct tally *to, struct tally *from,
                  struct counters *more);
/* Carries the entities over to a funnel of another shape, and leaves their stock and open stays in to->out.
 * `t` has its watermark already. */
void tally_resync(const struct switch_funnel *map, struct tally *t, struct tally_funnel *to,
                  const struct tally_funnel *from, struct counters *more);
/* The number of one table's name in another; reserved ones stay what they are. */
uint32_t switch_name(struct names *to, const struct names *from, uint32_t number,
                     uint64_t *refused);
/* Index of the old dim (breakdown) of the same name as the new one; -1. */
int switch_dim(const struct funnel *from, const struct funnel *to, int dim);
int switch_breakdown(const struct funnel *from, const struct funnel *to, int breakdown);

/* --- judge_switch.c --- */

/* Same shape: all it knows. */
void judge_take_over(struct judge *to, struct judge *from);
/* Another shape, or none before: it begins at the switch. from: the funnel's old judge, for a new one any. */
void judge_begin(const struct switch_plan *plan, struct judge *to, struct judge *from, bool is_new);

/* --- rules_switch.c --- */

/* Resolves what the rules of `from` have firing that `to` does not go on with; to NULL: all of them. */
void rules_resolve(struct judge *from, const struct judge *to, bool keeps, struct records *out);
/* Sequences of the alerts that `to` does not go on with, for those that follow under the same labels. What was
 * remembered alone. */
void rules_remember_past(struct rules *to, const struct rules *from);
void rules_remember(struct rules *to, const struct judge *from, bool keeps);
/* Rules of equal meaning keep their watches; series_map: by old series, UINT32_MAX: gone. */
void rules_take_over(struct judge *to, struct rules *from, const uint32_t *series_map);

#endif

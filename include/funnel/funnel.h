/* SPDX-License-Identifier: Apache-2.0 */
/* One funnel, compiled: what the settings say, as the machines need it. Immutable. */
#ifndef FUNNEL_FUNNEL_H
#define FUNNEL_FUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "funnel/ages.h"
#include "funnel/event.h"
#include "funnel/settings.h"

/* Steps are numbered by the stage they begin at: 0 .. stage_count-2. `overall` (first stage -> won) is
 * step number stage_count; number stage_count-1, the last stage, begins no step. */
#define STEPS_MAX (STAGES_MAX + 1)

/* What a stage name of an event means to a funnel: a stage's number, or one of these. */
enum { STAGE_EXIT = 0xf0, STAGE_ACTION, STAGE_NONE /* a delete without stage */, STAGE_UNKNOWN };

struct stage_name {
    uint64_t hash;
    const char *name; /* borrowed from the settings; NULL: free */
    uint8_t code;
};
#define STAGE_NAMES_MAX 1024 /* slots, a power of two; settings allow at most half as many names */

struct funnel {
    const struct settings_funnel *settings; /* borrowed */
    const char *name;
    const struct settings *root;
    int stage_count, won, overall;
    bool strict, loop;
    int skip, regress, reentry;
    int64_t pane_ms;
    int64_t window_ms[STEPS_MAX]; /* by step; 0 where there is none */
    struct ages ages[STEPS_MAX];
    int64_t forget_ms;
    int dim_count, breakdown_count;
    int dim_field[DIMS_MAX]; /* index into event.fields */
    int breakdown_field[BREAKDOWNS_MAX];
    int where_field[16];      /* by where term: event field, or one of WHERE_* */
    struct stage_name *names; /* STAGE_NAMES_MAX slots, owned */
};

void funnel_init(struct funnel *f, const struct settings *root, const struct settings_funnel *s);
void funnel_deinit(struct funnel *f);

/* Does the funnel want this event? topic is the input's. */
bool funnel_wants(const struct funnel *f, const struct event *e, const char *topic);
/* Can it want any event of this input? */
bool funnel_takes_topic(const struct funnel *f, const char *topic);
/* A stage number, STAGE_EXIT, STAGE_ACTION, STAGE_NONE or STAGE_UNKNOWN. */
uint8_t funnel_stage(const struct funnel *f, struct span name);
bool funnel_has_step(const struct funnel *f, int step);
/* "cart>checkout" or "overall". */
void funnel_step_name(const struct funnel *f, int step, struct buf *out);
/* The other way round; -1 if it is none. */
int funnel_step(const struct funnel *f, const char *name);
/* Stage id and the name people see; for exits NULL. */
const char *funnel_stage_id(const struct funnel *f, int stage);
const char *funnel_stage_label(const struct funnel *f, int stage);
/* Where the step ends: the next stage, or won for overall. */
int funnel_step_end(const struct funnel *f, int step);
int funnel_step_begin(const struct funnel *f, int step);

#endif

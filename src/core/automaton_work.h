/* SPDX-License-Identifier: Apache-2.0 */
/* One event at work on one entity: what the automaton's table and its effects share. */
#ifndef AUTOMATON_WORK_H
#define AUTOMATON_WORK_H

#include "funnel/automaton.h"

enum fact {
    KNOWN = 1 << 0,
    DELETE = 1 << 1,
    SEED = 1 << 2,
    EXIT = 1 << 3,
    FIRST = 1 << 4,  /* the funnel's first stage */
    STRICT = 1 << 5, /* order: strict */
    CLOSED = 1 << 6, /* the attempt was lost */
    WON = 1 << 7,    /* the attempt reached won, or went beyond it */
    OLDER = 1 << 8,  /* before the position's entry */
    LOOPED = 1 << 9, /* the last stage again, with loop: true */
    NEXT = 1 << 10,  /* highest + 1 */
    JUMP = 1 << 11,  /* beyond highest + 1 */
    SAME = 1 << 12,  /* the position itself */
    AHEAD = 1 << 13, /* position < stage <= highest */
    BEHIND = 1 << 14,
    KEEP = 1 << 15, /* reentry: ignore */
    ACTION = 1 << 16,
    NOWHERE = 1 << 17, /* no stage at all */
};

/* One event at work. */
struct work {
    struct automaton *m;
    const struct funnel *f;
    const struct arrival *a;
    struct entity *e;
    int64_t at;
    uint32_t facts;
    const char *effect;
};

typedef enum automaton_fate effect_fn(struct work *w);

extern effect_fn effect_ignore, effect_action, effect_delete, effect_seed, effect_first,
    effect_lose, effect_again, effect_repeat, effect_advance, effect_jump, effect_backfill,
    effect_refresh, effect_forward, effect_back;

/* Stays whose window has passed expire, whatever the event is. True if any did. */
bool automaton_expire(struct work *w);

/* A stay's place in the risk set at w->at: bin, column, day of its begin. One that has left the last bin has no
 * place there any more, only its day. */
void automaton_place(struct work *w, int step, int64_t begin_ms, struct cell *ret);

static inline bool entity_has(const struct entity *e, uint8_t flag)
{
    return (e->flags & flag) != 0;
}

#endif

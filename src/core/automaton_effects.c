/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of the automaton do: cells, and the entity after it. */
#include <string.h>

#include "automaton_work.h"
#include "funnel/dwell.h"

/* --- cells --- */

static void put(struct work *w, struct cell c)
{
    cells_add(w->m->out, c);
}

static void put_break(struct work *w, int step, uint8_t cause, const uint32_t *values,
                      int64_t amount)
{
    for (int b = 0; b < w->f->breakdown_count; b++)
        put(w, (struct cell){.kind = CELL_BREAK,
                             .stage = (uint8_t)step,
                             .cause = cause,
                             .bin = (uint8_t)b,
                             .leaf = values[b],
                             .n = 1,
                             .value = amount});
}

static void put_duration(struct work *w, uint8_t kind, int step, uint32_t leaf, int64_t ms)
{
    uint32_t bucket = dwell_bucket(ms);
    int64_t above_low = ms - dwell_bucket_low(bucket);
    /* From 17 years on a bucket is wider than 32 bits: still within its error. */
    uint32_t above = above_low < UINT32_MAX ? (uint32_t)above_low : UINT32_MAX;

    put(w, (struct cell){.kind = kind,
                         .stage = (uint8_t)step,
                         .leaf = leaf,
                         .bucket = bucket,
                         .low = above,
                         .high = above,
                         .n = 1,
                         .value = ms});
}

void automaton_place(struct work *w, int step, int64_t begin_ms, struct cell *ret)
{
    const struct ages *ages = &w->f->ages[step];
    int64_t begin = floor_div(begin_ms, w->f->pane_ms);
    int bin = ages_bin(ages, floor_div(w->at, w->f->pane_ms), begin);

    ret->day = (int32_t)zone_day(w->m->zone, &w->m->cursor, begin_ms);
    ret->bin = CELL_BIN_GONE;
    if (bin >= ages->bins)
        return;
    ret->bin = (uint8_t)bin;
    ret->column = ages_column(ages, bin, begin);
}

static void put_exit(struct work *w, int step, uint32_t leaf, int64_t begin_ms, uint8_t cause)
{
    struct cell c = {
        .kind = CELL_EXIT, .stage = (uint8_t)step, .cause = cause, .leaf = leaf, .n = 1};

    automaton_place(w, step, begin_ms, &c);
    put(w, c);
}

/* --- stays --- */

static void stay_end(struct work *w, uint8_t cause)
{
    struct entity *e = w->e;
    int step = e->highest;

    if (entity_has(e, ENTITY_STAY_OPEN)) {
        put_exit(w, step, e->stay, e->reached_ms, cause);
        put_break(w, step, cause, e->break_stay, e->amount);
        if (cause == EXIT_ADVANCED)
            put_duration(w, CELL_DWELL, step, e->stay, w->at - e->reached_ms);
    } else if (entity_has(e, ENTITY_STAY_EXPIRED) && cause == EXIT_ADVANCED) {
        put(w, (struct cell){.kind = CELL_LATE, .stage = (uint8_t)step, .leaf = e->stay, .n = 1});
    }
    e->flags &= (uint8_t) ~(ENTITY_STAY_OPEN | ENTITY_STAY_EXPIRED);
}

static void overall_end(struct work *w, uint8_t cause)
{
    struct entity *e = w->e;
    int step = w->f->overall;

    if (entity_has(e, ENTITY_OVERALL_OPEN)) {
        put_exit(w, step, e->attempt_leaf, e->attempt_ms, cause);
        if (cause == EXIT_ADVANCED)
            put_duration(w, CELL_DWELL, step, e->attempt_leaf, w->at - e->attempt_ms);
    } else if (entity_has(e, ENTITY_OVERALL_EXPIRED) && cause == EXIT_ADVANCED) {
        put(w, (struct cell){
                   .kind = CELL_LATE, .stage = (uint8_t)step, .leaf = e->attempt_leaf, .n = 1});
    }
    e->flags &= (uint8_t) ~(ENTITY_OVERALL_OPEN | ENTITY_OVERALL_EXPIRED);
}

bool automaton_expire(struct work *w)
{
    struct entity *e = w->e;
    bool expired = false;

    if (entity_has(e, ENTITY_STAY_OPEN) && w->at - e->reached_ms > w->f->window_ms[e->highest]) {
        stay_end(w, EXIT_LATE);
        e->flags |= ENTITY_STAY_EXPIRED;
        expired = true;
    }
    if (entity_has(e, ENTITY_OVERALL_OPEN) &&
        w->at - e->attempt_ms > w->f->window_ms[w->f->overall]) {
        overall_end(w, EXIT_LATE);
        e->flags |= ENTITY_OVERALL_EXPIRED;
        expired = true;
    }
    return expired;
}

static void won(struct work *w)
{
    struct entity *e = w->e;

    overall_end(w, EXIT_ADVANCED);
    put(w, (struct cell){.kind = CELL_WON, .leaf = e->attempt_leaf, .n = 1, .value = e->amount});
    if (!entity_has(e, ENTITY_SEEDED))
        put_duration(w, CELL_CYCLE, 0, e->attempt_leaf, w->at - e->attempt_ms);
}

/* Progress reaches `stage` now: an entry, and a stay of its step unless it is the last. */
static void enter(struct work *w, int stage)
{
    struct entity *e = w->e;

    e->highest = (uint8_t)stage;
    e->reached_ms = w->at;
    e->stay = e->latest;
    memcpy(e->break_stay, e->break_latest, sizeof(e->break_stay));
    put(w, (struct cell){.kind = CELL_ENTER,
                         .stage = (uint8_t)stage,
                         .leaf = e->stay,
                         .n = 1,
                         .value = e->amount});
    put_break(w, stage, BREAK_ENTERED, e->break_stay, e->amount);
    if (funnel_has_step(w->f, stage))
        e->flags |= ENTITY_STAY_OPEN;
}

static void move(struct work *w, int stage)
{
    w->e->stage = (uint8_t)stage;
    w->e->position_ms = w->at;
}

static void attempt_begin(struct work *w, int stage)
{
    struct entity *e = w->e;

    e->attempt = e->attempt < UINT8_MAX ? (uint8_t)(e->attempt + 1) : UINT8_MAX;
    e->flags = 0;
    e->attempt_ms = w->at;
    e->attempt_leaf = e->latest;
    w->m->counts[COUNT_ATTEMPTS]++;
    move(w, stage);
    enter(w, stage);
    if (stage == 0) {
        e->flags |= ENTITY_OVERALL_OPEN;
        put(w, (struct cell){.kind = CELL_ENTER,
                             .stage = (uint8_t)w->f->overall,
                             .leaf = e->attempt_leaf,
                             .n = 1,
                             .value = e->amount});
    } else {
        w->m->counts[COUNT_MIDWAY]++;
    }
    if (stage == w->f->won)
        won(w);
}

/* What the event says of the entity, for it and for stays that begin from now on. */
static void attributes(struct work *w)
{
    struct entity *e = w->e;
    int refused = 0;

    if (w->facts & OLDER)
        return;
    e->latest = w->facts & KNOWN ? leaves_update(w->m->leaves, e->latest, &w->a->dims, &refused)
                                 : leaves_begin(w->m->leaves, &w->a->dims, &refused);
    w->m->leaves_refused += (uint64_t)refused;
    if (w->a->has_amount)
        e->amount = w->a->amount;
    for (int b = 0; b < w->f->breakdown_count; b++) {
        if (w->a->breaks[b] != NAME_ABSENT)
            e->break_latest[b] = w->a->breaks[b];
        else if (!(w->facts & KNOWN))
            e->break_latest[b] = NAME_NONE;
    }
}

/* --- effects --- */

enum automaton_fate effect_ignore(struct work *w)
{
    w->effect = "ignored";
    w->m->counts[COUNT_IGNORED]++;
    return FATE_UNTOUCHED;
}

enum automaton_fate effect_action(struct work *w)
{
    w->effect = "action counted";
    w->m->counts[COUNT_ACTIONS]++;
    return FATE_UNTOUCHED;
}

enum automaton_fate effect_backfill(struct work *w)
{
    effect_ignore(w);
    w->effect = "backfill, ignored";
    w->m->counts[COUNT_BACKFILL]++;
    return FATE_UNTOUCHED;
}

enum automaton_fate effect_delete(struct work *w)
{
    w->effect = "deleted";
    stay_end(w, EXIT_DELETED);
    overall_end(w, EXIT_DELETED);
    return FATE_DELETED;
}

static void seed_stay(struct work *w, int step, uint32_t leaf, int64_t begin_ms, uint8_t flag)
{
    struct cell c = {.kind = CELL_SEED, .stage = (uint8_t)step, .leaf = leaf, .n = 1};

    if (w->at - begin_ms > w->f->window_ms[step])
        return;
    automaton_place(w, step, begin_ms, &c);
    put(w, c);
    w->e->flags |= flag;
}

/* A row of a CDC snapshot: the entity is there. Only with its true age can it join the risk set. */
enum automaton_fate effect_seed(struct work *w)
{
    struct entity *e = w->e;
    int stage = w->a->stage;
    bool aged = w->a->entered_ms != INT64_MIN && w->a->entered_ms <= w->at;
    int64_t since = aged ? w->a->entered_ms : w->at;

    w->effect = "seeded";
    attributes(w);
    e->stage = e->highest = (uint8_t)stage;
    e->attempt = 1;
    e->position_ms = e->reached_ms = e->attempt_ms = since;
    e->stay = e->attempt_leaf = e->latest;
    memcpy(e->break_stay, e->break_latest, sizeof(e->break_stay));
    e->flags = ENTITY_SEEDED;
    w->m->counts[COUNT_ENTITIES]++;
    w->m->counts[COUNT_ATTEMPTS]++;
    if (aged && funnel_has_step(w->f, stage))
        seed_stay(w, stage, e->stay, since, ENTITY_STAY_OPEN);
    if (aged && stage == 0)
        seed_stay(w, w->f->overall, e->attempt_leaf, since, ENTITY_OVERALL_OPEN);
    return FATE_CREATED;
}

enum automaton_fate effect_first(struct work *w)
{
    w->effect = "attempt 1 begins";
    attributes(w);
    w->m->counts[COUNT_ENTITIES]++;
    attempt_begin(w, w->a->stage);
    return FATE_CREATED;
}

enum automaton_fate effect_lose(struct work *w)
{
    w->effect = "lost";
    attributes(w);
    stay_end(w, EXIT_LOST);
    overall_end(w, EXIT_LOST);
    put(w, (struct cell){.kind = CELL_LOST, .leaf = w->a->reason, .n = 1});
    w->e->flags |= ENTITY_CLOSED;
    w->e->position_ms = w->at;
    return FATE_CHANGED;
}

enum automaton_fate effect_again(struct work *w)
{
    w->effect = "a new attempt begins";
    stay_end(w, EXIT_SUPERSEDED);
    overall_end(w, EXIT_SUPERSEDED);
    attributes(w);
    attempt_begin(w, w->a->stage);
    return FATE_CHANGED;
}

enum automaton_fate effect_repeat(struct work *w)
{
    w->effect = "repeat";
    put(w, (struct cell){.kind = CELL_REPEAT,
                         .stage = w->a->stage,
                         .leaf = w->e->latest,
                         .n = 1,
                         .value = w->a->has_amount ? w->a->amount : 0});
    return FATE_UNTOUCHED;
}

/* Progress to the event's stage. An older event moves the position only if that is won. */
static void arrive(struct work *w)
{
    int stage = w->a->stage;

    if (!(w->facts & OLDER) || stage == w->f->won)
        move(w, stage);
    enter(w, stage);
    if (stage == w->f->won)
        won(w);
}

enum automaton_fate effect_advance(struct work *w)
{
    w->effect = "advanced";
    stay_end(w, EXIT_ADVANCED);
    attributes(w);
    arrive(w);
    return FATE_CHANGED;
}

/* Each skipped stage as if it had been touched at this instant: an entry and a conversion, no age. */
static void credit(struct work *w, int stage)
{
    struct entity *e = w->e;

    put(w, (struct cell){.kind = CELL_CREDIT,
                         .stage = (uint8_t)stage,
                         .leaf = e->latest,
                         .n = 1,
                         .value = e->amount});
    put_break(w, stage, BREAK_CREDITED, e->break_latest, e->amount);
    if (stage == w->f->won)
        won(w);
}

enum automaton_fate effect_jump(struct work *w)
{
    int from = w->e->highest;

    if (w->f->skip == SKIP_IGNORE)
        return effect_ignore(w);
    if (w->f->skip == SKIP_REJECT) {
        w->effect = "rejected: it skips a stage";
        return FATE_REJECTED;
    }
    if (w->f->skip == SKIP_DIRECT) {
        w->effect = "skipped ahead";
        stay_end(w, EXIT_SKIPPED);
        attributes(w);
    } else {
        w->effect = "advanced, with the stages between credited";
        stay_end(w, EXIT_ADVANCED);
        attributes(w);
        for (int stage = from + 1; stage < w->a->stage; stage++)
            credit(w, stage);
    }
    arrive(w);
    return FATE_CHANGED;
}

enum automaton_fate effect_refresh(struct work *w)
{
    w->effect = "refreshed";
    w->m->counts[COUNT_REFRESH]++;
    attributes(w);
    return FATE_CHANGED;
}

enum automaton_fate effect_forward(struct work *w)
{
    w->effect = "position moves forward";
    attributes(w);
    move(w, w->a->stage);
    return FATE_CHANGED;
}

enum automaton_fate effect_back(struct work *w)
{
    if (w->f->regress == REGRESS_IGNORE)
        return effect_ignore(w);
    if (w->f->regress == REGRESS_NEW_ATTEMPT)
        return effect_again(w);
    w->effect = "position moves back";
    put(w, (struct cell){.kind = CELL_REGRESS, .stage = w->e->stage, .leaf = w->e->latest, .n = 1});
    attributes(w);
    move(w, w->a->stage);
    return FATE_CHANGED;
}

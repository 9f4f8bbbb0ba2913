/* SPDX-License-Identifier: Apache-2.0 */
/* The funnel automaton.
 *
 * An event is first described by a set of facts (is the entity known, is it an exit, does it lie before the
 * position's entry, is it the next stage, …). The table below then says what happens: its rows are tried in
 * order, the first whose `need` facts all hold and whose `never` facts all do not decides. The table is the
 * specification: it follows SEMANTICS section 3 row by row, and `funneld trace` names the row it took.
 *
 * Effects write cells and change the entity. Two things are common to all of them and done around them:
 * before, a stay whose window has passed expires by arithmetic; after, the change of the entity's standing
 * (stage, leaf, amount) goes to the stock, as one pair of cells. */
#include "automaton_work.h"

static const struct row {
    const char *name;
    uint32_t need, never;
    effect_fn *effect;
} rows[] = {
    {"action", ACTION, 0, effect_action},
    {"delete", DELETE | KNOWN, 0, effect_delete},
    {"delete of an unknown entity", DELETE, KNOWN, effect_ignore},
    {"no stage", NOWHERE, 0, effect_ignore},
    {"exit of an unknown entity", EXIT, KNOWN, effect_ignore},
    {"seed", SEED, KNOWN, effect_seed},
    {"strict: not the first stage", STRICT, KNOWN | FIRST, effect_ignore},
    {"first event", 0, KNOWN, effect_first},
    {"lost again", EXIT | CLOSED, 0, effect_ignore},
    {"lost", EXIT, 0, effect_lose},
    {"after lost, strict: not the first stage", CLOSED | STRICT, OLDER | FIRST, effect_ignore},
    {"after lost, reentry: ignore", CLOSED | KEEP, OLDER, effect_ignore},
    {"after lost", CLOSED, OLDER, effect_again},
    {"first stage after won, reentry: ignore", WON | FIRST | KEEP, OLDER, effect_ignore},
    {"first stage after won", WON | FIRST, OLDER, effect_again},
    {"last stage again", LOOPED, 0, effect_repeat},
    {"strict: older", OLDER | STRICT, 0, effect_backfill},
    {"older, next stage", OLDER | NEXT, CLOSED, effect_advance},
    {"older, further stage", OLDER | JUMP, CLOSED, effect_jump},
    {"older", OLDER, 0, effect_backfill},
    {"same stage", SAME, 0, effect_refresh},
    {"next stage", NEXT, 0, effect_advance},
    {"further stage", JUMP, 0, effect_jump},
    {"forward again", AHEAD, 0, effect_forward},
    {"back", BEHIND, 0, effect_back},
};

static uint32_t facts_of_stage(const struct funnel *f, const struct entity *e, int stage)
{
    uint32_t facts = stage == 0 ? FIRST : 0;

    if (stage == f->stage_count - 1 && f->loop && e->highest == stage)
        facts |= LOOPED;
    if (stage == e->highest + 1)
        facts |= NEXT;
    else if (stage > e->highest + 1)
        facts |= JUMP;
    if (stage == e->stage)
        facts |= SAME;
    else if (stage > e->stage && stage <= e->highest)
        facts |= AHEAD;
    else if (stage < e->stage)
        facts |= BEHIND;
    return facts;
}

static uint32_t facts_of(const struct funnel *f, const struct arrival *a, bool known,
                         const struct entity *e)
{
    uint32_t facts = f->strict ? STRICT : 0;

    facts |= f->reentry == REENTRY_IGNORE ? KEEP : 0;
    facts |= a->kind == EVENT_DELETE ? DELETE : a->kind == EVENT_SEED ? SEED : 0;
    facts |= a->stage == STAGE_ACTION ? ACTION : a->stage == STAGE_EXIT ? EXIT : 0;
    facts |= a->stage == STAGE_NONE ? NOWHERE : 0;
    if (facts & DELETE) /* its stage does not matter */
        facts &= ~(uint32_t)(ACTION | EXIT | NOWHERE);
    if (!known)
        return facts | (a->stage == 0 ? FIRST : 0);
    facts |= KNOWN;
    facts |= entity_has(e, ENTITY_CLOSED) ? CLOSED : 0;
    facts |= e->highest >= f->won ? WON : 0;
    facts |= a->time_ms < e->position_ms ? OLDER : 0;
    return a->stage < f->stage_count ? facts | facts_of_stage(f, e, a->stage) : facts;
}

/* Where an entity stands, for the stock. */
struct standing {
    bool in;
    uint8_t stage;
    uint32_t leaf;
    int64_t amount;
};

static struct standing standing_of(bool exists, const struct entity *e)
{
    if (!exists || entity_has(e, ENTITY_CLOSED))
        return (struct standing){0};
    return (struct standing){true, e->stage, e->latest, e->amount};
}

static void put_stock(struct automaton *m, const struct standing *s, int32_t n)
{
    if (s->in)
        cells_add(m->out, (struct cell){.kind = CELL_STOCK,
                                        .stage = s->stage,
                                        .leaf = s->leaf,
                                        .n = n,
                                        .value = n * s->amount});
}

static void stock_change(struct automaton *m, const struct standing *was, const struct standing *is)
{
    if (was->in == is->in && was->stage == is->stage && was->leaf == is->leaf &&
        was->amount == is->amount)
        return;
    put_stock(m, was, -1);
    put_stock(m, is, 1);
}

static const struct row *row_for(uint32_t facts)
{
    size_t i = 0;

    while ((facts & rows[i].need) != rows[i].need || (facts & rows[i].never) != 0)
        i++; /* the last rows cover what is left: a known entity's stage is one of them */
    return &rows[i];
}

int64_t automaton_time(const struct arrival *a, const struct entity *known)
{
    int64_t at = a->time_ms > a->floor_ms ? a->time_ms : a->floor_ms;

    return known && known->position_ms > at ? known->position_ms : at;
}

struct automaton_result automaton_apply(struct automaton *m, const struct arrival *a, bool known,
                                        struct entity *e)
{
    struct work w = {.m = m, .f = m->funnel, .a = a, .e = e};
    struct standing was = standing_of(known, e), is;
    struct automaton_result r;
    const struct row *row;

    if (!known)
        *e = (struct entity){.fingerprint = a->fingerprint};
    w.at = automaton_time(a, known ? e : NULL);
    w.facts = facts_of(m->funnel, a, known, e);
    r.expired = known && automaton_expire(&w);
    row = row_for(w.facts);
    r.fate = row->effect(&w);
    r.row = row->name;
    r.effect = w.effect;
    r.at_ms = w.at;
    is = standing_of(r.fate == FATE_CREATED || (known && r.fate != FATE_DELETED), e);
    stock_change(m, &was, &is);
    return r;
}

void automaton_forget(struct automaton *m, const struct entity *e)
{
    struct standing was = standing_of(true, e), is = {0};

    stock_change(m, &was, &is);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/cells.h"

#include <string.h>

#include "funnel/mem.h"

void cells_deinit(struct cells *c)
{
    mem_free(c->items);
    buf_deinit(&c->strings);
    *c = (struct cells){0};
}

void cells_clear(struct cells *c)
{
    c->count = 0;
    buf_clear(&c->strings);
}

struct cell *cells_add(struct cells *c, struct cell cell)
{
    c->items = mem_grow(c->items, c->count, &c->cap, sizeof(*c->items));
    c->items[c->count] = cell;
    return &c->items[c->count++];
}

static int cell_is_duration(const struct cell *c)
{
    return c->kind == CELL_DWELL || c->kind == CELL_CYCLE;
}

/* What makes two cells one: kind, stage, cause, bin and leaf, then what the kind counts by. */
struct cell_key {
    uint64_t what, where;
    uint32_t when;
};

static struct cell_key cell_key(const struct cell *c)
{
    struct cell_key key = {.where = (uint64_t)c->column, .when = (uint32_t)c->day};

    memcpy(&key.what, c, sizeof(key.what));
    if (cell_is_duration(c)) {
        key.where = c->bucket;
        key.when = 0;
    } else if (c->kind == CELL_SPAN) {
        key.when = (uint32_t)c->n;
    }
    return key;
}

static size_t key_hash(const struct cell_key *key)
{
    uint64_t h = key->what * 0x9e3779b97f4a7c15u;

    h = (h ^ (h >> 29) ^ key->where) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 32) ^ key->when) * 0x94d049bb133111ebu;
    return (size_t)(h >> 24);
}

static int key_equal(const struct cell_key *a, const struct cell_key *b)
{
    return a->what == b->what && a->where == b->where && a->when == b->when;
}

static void cell_join(struct cell *to, const struct cell *from)
{
    if (to->kind == CELL_SPAN) {
        if (to->n == 0 ? from->value < to->value : from->value > to->value)
            to->value = from->value;
        return;
    }
    if (cell_is_duration(to)) {
        to->low = from->low < to->low ? from->low : to->low;
        to->high = from->high > to->high ? from->high : to->high;
    }
    to->n += from->n;
    amount_add(&to->value, from->value);
}

void cell_sums_deinit(struct cell_sums *s)
{
    mem_free(s->items);
    mem_free(s->slots);
    *s = (struct cell_sums){0};
}

static size_t sums_slot(const struct cell_sums *s, const struct cell_key *key)
{
    size_t mask = s->slot_count - 1, at = key_hash(key) & mask;

    for (; s->slots[at]; at = (at + 1) & mask) {
        struct cell_key other = cell_key(&s->items[s->slots[at] - 1]);

        if (key_equal(key, &other))
            break;
    }
    return at;
}

static void sums_grow(struct cell_sums *s)
{
    s->slot_count = s->slot_count ? s->slot_count * 2 : 64;
    mem_free(s->slots);
    s->slots = mem_zero(s->slot_count, sizeof(*s->slots));
    for (size_t i = 0; i < s->count; i++) {
        struct cell_key key = cell_key(&s->items[i]);

        s->slots[sums_slot(s, &key)] = (uint32_t)i + 1;
    }
}

void cell_sums_add(struct cell_sums *s, const struct cell *c)
{
    struct cell_key key = cell_key(c);
    size_t at;

    if (s->count * 2 >= s->slot_count)
        sums_grow(s);
    at = sums_slot(s, &key);
    if (s->slots[at]) {
        cell_join(&s->items[s->slots[at] - 1], c);
        return;
    }
    s->items = mem_grow(s->items, s->count, &s->cap, sizeof(*s->items));
    s->items[s->count++] = *c;
    s->slots[at] = (uint32_t)s->count;
}

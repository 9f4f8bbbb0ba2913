/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/control_hold.h"

#include <assert.h>
#include <string.h>

#include "funnel/mem.h"

void control_hold_deinit(struct control_hold *h)
{
    while (h->count > 0)
        control_hold_pop(h);
    mem_free(h->items);
    *h = (struct control_hold){0};
}

void control_hold_push(struct control_hold *h, const struct message *m)
{
    h->items = mem_grow(h->items, h->count, &h->cap, sizeof(*h->items));
    h->items[h->count++] = (struct control_wait){
        m->partition, m->offset, {mem_strndup(m->value.p, m->value.len), m->value.len}};
}

bool control_hold_first(const struct control_hold *h, struct message *ret)
{
    if (h->count == 0)
        return false;
    *ret = (struct message){
        .partition = h->items[0].part, .offset = h->items[0].offset, .value = h->items[0].value};
    return true;
}

void control_hold_pop(struct control_hold *h)
{
    assert(h->count > 0);
    mem_free((char *)h->items[0].value.p);
    h->count--;
    memmove(h->items, h->items + 1, h->count * sizeof(*h->items));
}

int64_t control_hold_next(const struct control_hold *h, uint32_t part, int64_t next)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->items[i].part == part)
            return h->items[i].offset;
    return next;
}

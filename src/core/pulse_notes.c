/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/mem.h"
#include "funnel/pulse.h"

void pulse_notes_deinit(struct pulse_notes *n)
{
    mem_free(n->items);
    *n = (struct pulse_notes){0};
}

void pulse_notes_add(struct pulse_notes *n, struct pulse_note note)
{
    struct pulse_note *last = n->count > 0 ? &n->items[n->count - 1] : NULL;

    if (last && note.kind == PULSE_EVENTS && last->kind == PULSE_EVENTS &&
        last->pane == note.pane) {
        last->n += note.n;
        return;
    }
    n->items = mem_grow(n->items, n->count, &n->cap, sizeof(*n->items));
    n->items[n->count++] = note;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What one event does to one entity: SEMANTICS section 3 as a const table, the first row that fits. */
#ifndef FUNNEL_AUTOMATON_H
#define FUNNEL_AUTOMATON_H

#include <stdbool.h>

#include "funnel/cells.h"
#include "funnel/entities.h"
#include "funnel/funnel.h"
#include "funnel/leaves.h"
#include "funnel/reorder.h"
#include "funnel/zone.h"

/* What is wanted of the entity table afterwards. */
enum automaton_fate {
    FATE_UNTOUCHED, /* known or not, nothing about it changed */
    FATE_CREATED,
    FATE_CHANGED,
    FATE_DELETED,
    FATE_REJECTED, /* untouched, and the event is a dead letter (skip: reject) */
};

struct automaton {
    const struct funnel *funnel; /* borrowed */
    const struct zone *zone;     /* borrowed */
    struct zone_cursor cursor;
    struct leaves *leaves; /* borrowed; grows */
    struct cells *out;     /* borrowed; cells of the event's pane are appended */
    int64_t *counts;       /* FUNNEL_COUNT_COUNT, borrowed */
    uint64_t leaves_refused;
};

struct automaton_result {
    enum automaton_fate fate;
    const char *row;    /* the table's row that fitted, for `trace` */
    const char *effect; /* what it did */
    int64_t at_ms;      /* the time it took effect */
    bool expired;       /* a window had passed before it: the entity changed, whatever its fate */
};

/* The time at which an arrival takes effect: max(its own, start of the open pane if late, and for a known
 * entity the position's entry where it is older). Its pane is the pane the cells belong to. */
int64_t automaton_time(const struct arrival *a, const struct entity *known);

/* `e` holds the known entity (known) or is filled when the row creates one. */
struct automaton_result automaton_apply(struct automaton *m, const struct arrival *a, bool known,
                                        struct entity *e);

/* An entity unmoved for too long leaves the table: its stock goes, at event time `at_ms`. */
void automaton_forget(struct automaton *m, const struct entity *e);

#endif

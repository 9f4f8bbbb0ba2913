/* SPDX-License-Identifier: Apache-2.0 */
/* Between pipeline_rekey.c, which knows the sources, and tally_rekey.c, which moves from one tally to another. */
#ifndef FUNNEL_REKEY_H
#define FUNNEL_REKEY_H

#include "funnel/tally.h"

/* All that goes from one tally to another one, of the same settings and input. */
struct tally_move {
    struct tally *from, *to;
    int64_t
        shift; /* added to an event's place in the log: before all that is still to come there */
    uint32_t
        *leaves[FUNNELS_MAX]; /* owned; by leaf of `from`: that of `to` and 1, 0: not looked up */
    const int64_t
        *joins_ms; /* borrowed; by funnel: an open stay of `from` may join as late as then */
    bool any;
};
void tally_move_init(struct tally_move *m, struct tally *from, struct tally *to, int64_t shift,
                     const int64_t *joins_ms);
/* What goes with the entities; frees what the move needed. */
void tally_move_end(struct tally_move *m);
/* False: it finds no room, and stays. */
bool tally_move_entity(struct tally_move *m, size_t funnel, uint32_t place, const struct entity *e);
/* Takes *a, which waited in `from`, over; in order, or as a jump (false: no room, *a is as it was). */
void tally_move_arrival(struct tally_move *m, struct arrival *a);
bool tally_move_waiting(struct tally_move *m, struct arrival *a);

#endif

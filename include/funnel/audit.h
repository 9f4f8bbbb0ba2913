/* SPDX-License-Identifier: Apache-2.0 */
/* The judges' risk sets against a recount of the entity tables: bin counts are the entities with that bin
 * (DETECTION section 2). Pure; looks, and changes nothing. */
#ifndef FUNNEL_AUDIT_H
#define FUNNEL_AUDIT_H

#include <stdint.h>

#include "funnel/buf.h"
#include "funnel/pipeline.h"

/* How many places (funnel, step, leaf, bin, column) hold other numbers of open stays than the entities say; 0: all
 * agree. Appends where the first is, in words, to `why` (NULL: nobody asks).
 *
 * Exact at any moment between steps, wherever the partitions stand: both sides are taken to one pane, the newest that
 * a judge has heard of. A judge's stays move on as they will, what waits in panes not closed joins and leaves them;
 * an entity's stay is asked for its bin and column by the time of its begin alone. Stays whose column has left the
 * last bin are nobody's; credited entries, late ones and seeds of unknown age never were anybody's. Where forget_after
 * is hardly longer than a window, the judge may hold stays whose entity is forgotten, until their column leaves: no
 * more than that is excused, and only in columns that old.
 *
 * Time: one pass over all entities, two thirds of what loading them takes. Memory: as much again as the risk sets of one
 * funnel. So it is for those who ask (`state verify`, tests), not for a start, and not for the child that saves. */
uint64_t audit_pipeline(const struct pipeline *p, struct buf *why);

#endif

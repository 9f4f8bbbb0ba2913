/* SPDX-License-Identifier: Apache-2.0 */
/* The open stays of one (step, leaf) by age: exposure for the hazards, and `open` and `expired` of the sums
 * (DETECTION section 2). Counts only; its cost does not depend on how many stays are open.
 *
 * When pane w closes, in this order:
 *   riskset_close(rs, w, entries, &expired)   older stays move up, the pane's entries join bin 0
 *   riskset_seed(...)                         stays of known age join
 *   rs->n[j] is Y_j, the stays at risk in this pane
 *   riskset_exit(...)                         stays leave
 * Every pane must be closed, singly or, where nothing happened, by riskset_advance(). */
#ifndef FUNNEL_RISKSET_H
#define FUNNEL_RISKSET_H

#include <stdint.h>

#include "funnel/ages.h"
#include "funnel/codec.h"

struct riskset {
    const struct ages *ages; /* borrowed for its life */
    int64_t open;            /* sum of n[] */
    uint32_t n[AGES_BINS];   /* open stays by bin */
    uint32_t *columns; /* owned; ages->slots counts, ring after ring; NULL before the first stay */
};

/* What moves when a pane closes: the same for every leaf of a step, so worked out once. */
struct riskset_moves {
    int count;
    struct {
        uint16_t from, to; /* slots; to is unused where the stays expire */
        uint8_t bin;       /* that the stays leave; they join the next, or expire from the last */
    } items[AGES_BINS];    /* the oldest bin first */
};

void riskset_init(struct riskset *rs, const struct ages *ages); /* allocates nothing */
void riskset_deinit(struct riskset *rs);                        /* accepts a zeroed one */

/* Moves stays on to pane `pane`, then adds `entries` that began in it. *ret_expired: how many left the last
 * bin. The pane must be the one after the last one closed or advanced to (any, while open is 0). */
void riskset_close(struct riskset *rs, int64_t pane, uint32_t entries, int64_t *ret_expired);

/* The same in two parts, for many leaves of a step: riskset_moves() once, riskset_move() for each. */
void riskset_moves(const struct ages *ages, int64_t pane, struct riskset_moves *ret);
/* Returns how many expired. */
int64_t riskset_move(struct riskset *rs, const struct riskset_moves *moves);
void riskset_enter(struct riskset *rs, int64_t pane, uint32_t entries);

/* As closing the panes after `from` up to and with `to` one by one, without entries. O(1) while nothing is
 * open; else at most a look at every live column, however far the jump. to <= from changes nothing. */
void riskset_advance(struct riskset *rs, int64_t from, int64_t to, int64_t *ret_expired);

/* What riskset_advance() would leave at pane `to`: open stays by bin, and how many expire until then. Changes nothing. */
void riskset_look(const struct riskset *rs, int64_t from, int64_t to, uint32_t ret_n[AGES_BINS],
                  int64_t *ret_expired);

/* n stays join, or leave, at (bin, column) as ages_bin() and ages_column() give for the pane being closed.
 * Both return how many could not: 0, or n for a bin that does not exist, or, leaving, what was missing
 * there (the rest has left). Anything but 0 means that tally and judge disagree: count it, report it. */
uint32_t riskset_seed(struct riskset *rs, int bin, int64_t column, uint32_t n);
uint32_t riskset_exit(struct riskset *rs, int bin, int64_t column, uint32_t n);

/* The stays of another one of the same ages, brought to the same pane, join. */
void riskset_add(struct riskset *rs, const struct riskset *from);

/* Open stays in one column, for audits. 0 for what does not exist. */
uint32_t riskset_column(const struct riskset *rs, int bin, int64_t column);

void riskset_save(const struct riskset *rs, struct codec_out *out);
void riskset_load(struct riskset *rs, struct codec_in *in); /* into one that riskset_init made */

#endif

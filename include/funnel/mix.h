/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of kind mix: whether other entries come than usual, dimension by dimension: the shares of its values among
 * the first step's entries in a rolling window, against the same hours of the seven days before. Windows are whole
 * hours and judged when one ends, so that they are compared with the very same ones: a campaign that begins at
 * eight each day is nothing unusual. */
#ifndef FUNNEL_MIX_H
#define FUNNEL_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/codec.h"
#include "funnel/funnel.h"
#include "funnel/window.h"

#define MIX_DAYS 7
#define MIX_WINDOW_MAX (INT64_C(7) * 24 * 3600000) /* ms */
/* By the value's number in its judge, which never changes; those beyond, seen later, are together NAME_OTHER. */
#define MIX_VALUES 64
#define MIX_EFFECT 0.1 /* where the rule has no min_effect */

/* --- mix_test.c: the test of one dimension --- */

/* Entries by value. Hours of a week stand by block, of so many hours as the window touches (blocks[0]: its own hours
 * of day), and day; a block of more hours than a day holds is a day. */
struct mix_week {
    size_t blocks;                       /* 1 .. 24 */
    uint64_t (*n)[MIX_DAYS][MIX_VALUES]; /* by block */
};

struct mix_shift {
    int dim; /* -1: there is nothing to compare */
    uint64_t entries;
    double distance; /* half the sum of the shares' differences: how much of the traffic is other */
    double statistic; /* in standard deviations; with `strength` below 1/2, at most */
    double strength;  /* 1: just enough of a change, and just beyond chance */
    /* The same if days did not differ: below 1/2 it is as usual again. By then days with the change are among those
     * before, and let it seem one of their whims. Of all dimensions, the most. */
    double plain;
    uint32_t gained, lost; /* the values whose shares rose and fell most */
    double gained_was, gained_is, lost_was, lost_is;
};

/* z: what the statistic must exceed. False: not enough entries to compare; ret->entries alone is set. */
bool mix_compare(const uint64_t now[MIX_VALUES], const struct mix_week *week, double z,
                 double effect, struct mix_shift *ret);

/* --- mix.c: one rule's own sums --- */

struct mix {
    struct window_def def; /* slots of an hour, of the window and the week before it */
    int64_t pane_ms;
    int dims;
    double effect;
    int64_t head; /* the newest hour; INT64_MIN: none */
    uint32_t *n;  /* owned; entries by [hour mod def.ring][dim][value] */
};

/* A window of whole hours, or what is rounded up to them. */
struct mix *mix_new(const struct settings_window *window, const struct funnel *f,
                    double min_effect);
void mix_free(struct mix *m); /* accepts NULL */
/* The z that keeps a budget of false alarms a week, tested at each hour's end in each dimension. */
double mix_threshold(const struct mix *m, double budget);
/* n entries of pane `pane`, none earlier than the last one's; values by dim. */
void mix_add(struct mix *m, int64_t pane, const uint32_t *values, uint32_t n);
/* Of the window whose last hour is `last`: the dimension that has changed most. */
void mix_read(const struct mix *m, int64_t last, double z, struct mix_shift *ret);
/* ms of the earliest entry that it goes by. */
int64_t mix_since(const struct mix *m, int64_t last);
void mix_save(const struct mix *m, struct codec_out *out);
void mix_load(struct mix *m, struct codec_in *in); /* into a new one of the same rule */

#endif

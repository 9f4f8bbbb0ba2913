/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves of one tally: combinations of dimension values, numbered in log order up to a cap. */
#ifndef FUNNEL_LEAVES_H
#define FUNNEL_LEAVES_H

#include <stdint.h>

#include "funnel/names.h"
#include "funnel/settings.h"

/* Leaf 0 is __other__ on every dimension: what the cap refuses. Numbers fit 16 bits. */
#define LEAF_OTHER 0u
#define LEAVES_CAP 65534u

struct leaf_key {
    uint16_t value[DIMS_MAX]; /* numbers in names[dim]; 0 beyond the funnel's dims */
};

struct leaves {
    int dims;
    uint32_t limit;
    struct names names[DIMS_MAX];
    struct leaf_key *keys; /* by leaf */
    size_t count, cap;
    uint32_t *slots; /* leaf + 1; 0: free */
    uint32_t slot_count;
};

void leaves_init(struct leaves *l, const struct settings_dims *dims,
                 const struct settings_limits *limits);
void leaves_deinit(struct leaves *l);
/* The leaf that `leaf` becomes when the present (non-zero) values of `seen` replace its own; values that
 * are still unknown are NAME_NONE. *ret_refused is set to 1 when the cap refuses a new one. */
uint32_t leaves_update(struct leaves *l, uint32_t leaf, const struct leaf_key *seen,
                       int *ret_refused);
/* The same from nothing: a new entity. */
uint32_t leaves_begin(struct leaves *l, const struct leaf_key *seen, int *ret_refused);
/* Texts of the values as u16 length + bytes each, in the order of the dims. */
void leaves_text(const struct leaves *l, uint32_t leaf, struct buf *out);
void leaves_save(const struct leaves *l, struct codec_out *out);
/* Into one that leaves_init made, of the same settings. */
void leaves_load(struct leaves *l, struct codec_in *in);

#endif

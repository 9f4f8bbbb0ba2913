/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's saved state in memory, for tests. */
#ifndef TESTS_SAVED_H
#define TESTS_SAVED_H

#include "lib/pipe_kit.h"

struct saved {
    struct buf *sections;
    size_t count;
};

void saved_take(struct saved *s, const struct pipeline *p);
void saved_deinit(struct saved *s);
/* Into a new one. NULL, or what is wrong; the section's name is before it. */
const char *saved_load(const struct saved *s, struct pipeline *p);
/* NULL where they are the same bytes, else the name of a section that is not. */
const char *saved_differs(const struct saved *a, const struct saved *b, const struct pipeline *p);

/* A new pipeline as the kit's own was when it was new. */
struct pipeline *saved_fresh(const struct pipe *k);
/* The kit goes on with a pipeline loaded from what its own saved. NULL, or what is not as it was: then it goes on
 * with its own. */
const char *saved_restart(struct pipe *k);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean ...?": the known word nearest to a mistyped one. */
#ifndef FUNNEL_NEAREST_H
#define FUNNEL_NEAREST_H

#include <stddef.h>

/* Begin with {word, NULL, 0}; offer candidates; best is NULL while none is near enough. */
struct nearest {
    const char *word;
    const char *best; /* borrowed from what was offered */
    size_t distance;
};
void nearest_offer(struct nearest *n, const char *candidate);

/* Optimal string alignment distance (insert, delete, replace, swap neighbours) in code points; case of ASCII
 * and - for _ count nothing. Words over 48 code points are infinitely far. */
size_t nearest_distance(const char *a, const char *b);

#endif

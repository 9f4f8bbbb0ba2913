/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated shop's stages and dimensions. A leaf is a number: channel × 12 + device × 4 + region. */
#ifndef SIM_DIMS_H
#define SIM_DIMS_H

#define STAGES 5
#define STEPS (STAGES - 1)
#define DIMS 3
#define VALUES_MAX 4
#define LEAVES 48

extern const char *const dims_stages[STAGES];
extern const char *const dims_names[DIMS];
extern const char *const dims_values[DIMS][VALUES_MAX]; /* NULL beyond the last */
extern const int dims_count[DIMS];

int dims_value(int leaf, int dim);
int dims_find(int dim, const char *value); /* -1: no such value */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the core. An allocation that fails ends the process: state is a function of the log,
 * so a restart loses nothing, and no half-updated machine can go on. Everything a peer can make
 * grow has a cap of its own, counted in log order, long before this point. */
#ifndef FUNNEL_MEM_H
#define FUNNEL_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                 /* n > 0; never NULL */
void *mem_zero(size_t count, size_t size); /* zeroed array, overflow-checked; never NULL */
void *mem_resize(void *p, size_t count, size_t size);
char *mem_strdup(const char *s); /* NULL stays NULL */
char *mem_strndup(const char *s, size_t n);
void mem_free(void *p); /* accepts NULL */

/* Room for one more element: doubles *cap when n == *cap. Returns the (moved) array. */
void *mem_grow(void *p, size_t n, size_t *cap, size_t size);

/* A pool freed as a whole: settings trees, one batch's strings. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a);             /* accepts NULL */
void arena_reset(struct arena *a);            /* keeps the largest block */
void *arena_alloc(struct arena *a, size_t n); /* 16-byte aligned, zeroed */
char *arena_strndup(struct arena *a, const char *s, size_t n);

#endif

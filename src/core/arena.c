/* SPDX-License-Identifier: Apache-2.0 */
/* A pool freed as a whole. Blocks double, so a tree of any size costs a handful of allocations. */
#include <stdint.h>
#include <string.h>

#include "funnel/mem.h"

#define ARENA_FIRST 4096
#define ARENA_ALIGN 16

struct block {
    struct block *next; /* older and smaller */
    size_t cap, used;
    _Alignas(ARENA_ALIGN) unsigned char bytes[];
};

struct arena {
    struct block *newest;
};

struct arena *arena_new(void)
{
    return mem_zero(1, sizeof(struct arena));
}

static void arena_free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;

        mem_free(b);
        b = next;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_free_blocks(a->newest);
    mem_free(a);
}

void arena_reset(struct arena *a)
{
    if (!a->newest)
        return;
    arena_free_blocks(a->newest->next);
    a->newest->next = NULL;
    a->newest->used = 0;
}

static struct block *arena_block(struct arena *a, size_t need)
{
    size_t cap = a->newest ? a->newest->cap * 2 : ARENA_FIRST;
    struct block *b;

    while (cap < need)
        cap *= 2;
    b = mem_alloc(sizeof(*b) + cap);
    *b = (struct block){.next = a->newest, .cap = cap};
    a->newest = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t need = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct block *b = a->newest;
    void *p;

    if (!b || b->cap - b->used < need)
        b = arena_block(a, need);
    p = b->bytes + b->used;
    b->used += need;
    return memset(p, 0, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1);

    memcpy(copy, s, n);
    return copy;
}

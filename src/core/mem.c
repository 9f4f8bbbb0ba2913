/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* abort(), not exit(): no handler may run on a machine that is half way through an event. */
static void *mem_check(void *p)
{
    if (!p)
        abort();
    return p;
}

void *mem_alloc(size_t n)
{
    return mem_check(malloc(n));
}

void *mem_zero(size_t count, size_t size)
{
    return mem_check(calloc(count ? count : 1, size));
}

void *mem_resize(void *p, size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n))
        abort();
    return mem_check(realloc(p, n ? n : 1));
}

char *mem_strdup(const char *s)
{
    return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
    char *copy = mem_alloc(n + 1);

    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void *mem_grow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap ? *cap * 2 : 8;
    return mem_resize(p, *cap, size);
}

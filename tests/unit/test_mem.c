/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "funnel/mem.h"

Test(mem, zeroed_is_zero)
{
    unsigned char *p = mem_zero(100, 7);

    for (int i = 0; i < 700; i++)
        cr_assert(p[i] == 0);
    mem_free(p);
    mem_free(NULL);
    p = mem_zero(0, 8);
    cr_assert(p != NULL);
    mem_free(p);
}

Test(mem, strings)
{
    char *s = mem_strdup("方案"), *n = mem_strndup("abcdef", 3);

    cr_assert(eq(str, s, "方案"));
    cr_assert(eq(str, n, "abc"));
    cr_assert(zero(ptr, mem_strdup(NULL)));
    mem_free(s);
    mem_free(n);
}

Test(mem, grow_doubles_and_keeps)
{
    size_t cap = 0;
    int *items = NULL;

    for (int i = 0; i < 1000; i++) {
        items = mem_grow(items, (size_t)i, &cap, sizeof(*items));
        items[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        cr_assert(items[i] == i);
    cr_assert(eq(sz, cap, 1024));
    mem_free(items);
}

Test(mem, resize_to_nothing_gives_a_pointer)
{
    void *p = mem_resize(NULL, 0, 4);

    cr_assert(p != NULL);
    mem_free(p);
}

Test(mem, a_product_that_overflows_ends_the_process, .signal = SIGABRT)
{
    mem_resize(NULL, SIZE_MAX / 2, 4);
}

Test(arena, gives_zeroed_aligned_memory_that_does_not_overlap)
{
    struct arena *a = arena_new();
    unsigned char *p[200];

    for (size_t i = 0; i < 200; i++) {
        p[i] = arena_alloc(a, i * 37 % 5000 + 1);
        cr_assert(zero(sz, (uintptr_t)p[i] % 16));
        for (size_t k = 0; k < i * 37 % 5000 + 1; k++)
            cr_assert(p[i][k] == 0);
        memset(p[i], (int)i + 1, i * 37 % 5000 + 1);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 37 % 5000 + 1; k++)
            cr_assert(p[i][k] == (unsigned char)(i + 1));
    arena_free(a);
    arena_free(NULL);
}

Test(arena, one_allocation_may_be_larger_than_any_block)
{
    struct arena *a = arena_new();
    char *big = arena_alloc(a, 10 << 20), *small = arena_alloc(a, 1);

    big[(10 << 20) - 1] = 'x';
    *small = 'y';
    cr_assert(eq(chr, big[(10 << 20) - 1], 'x'));
    arena_free(a);
}

Test(arena, reset_keeps_one_block_and_zeroes_again)
{
    struct arena *a = arena_new();
    char *first, *again;

    arena_reset(a);
    memset(arena_alloc(a, 3000), 'x', 3000);
    first = arena_alloc(a, 3000);
    memset(first, 'x', 3000);
    arena_reset(a);
    again = arena_alloc(a, 3000);
    for (int i = 0; i < 3000; i++)
        cr_assert(again[i] == 0);
    arena_free(a);
}

Test(arena, strings_end)
{
    struct arena *a = arena_new();

    cr_assert(eq(str, arena_strndup(a, "abcdef", 3), "abc"));
    cr_assert(eq(str, arena_strndup(a, "", 0), ""));
    arena_free(a);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "funnel/mem.h"

struct span span_of(const char *cstr)
{
    return cstr ? (struct span){cstr, (uint32_t)strlen(cstr)} : SPAN_NONE;
}

int span_equal(struct span a, struct span b)
{
    if (!a.p || !b.p)
        return a.p == b.p;
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

int span_is(struct span a, const char *cstr)
{
    return span_equal(a, span_of(cstr));
}

int span_compare(struct span a, struct span b)
{
    uint32_t shorter = a.len < b.len ? a.len : b.len;
    int c = shorter ? memcmp(a.p, b.p, shorter) : 0;

    if (c != 0)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

void buf_deinit(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

void buf_reserve(struct buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : 64;

    if (b->cap - b->len >= more)
        return;
    while (cap - b->len < more)
        cap *= 2;
    b->data = mem_resize(b->data, cap, 1);
    b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    buf_reserve(b, n);
    memcpy(b->data + b->len, p, n);
    b->len += n;
}

void buf_str(struct buf *b, const char *cstr)
{
    buf_add(b, cstr, strlen(cstr));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    buf_reserve(b, 64);
    va_start(ap, fmt);
    n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= b->cap - b->len) {
        buf_reserve(b, (size_t)n + 1);
        va_start(ap, fmt);
        n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
        va_end(ap);
    }
    b->len += (size_t)n;
}

char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    b->data[b->len] = '\0';
    return b->data;
}

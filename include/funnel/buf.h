/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte string. */
#ifndef FUNNEL_BUF_H
#define FUNNEL_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* owned; not NUL-terminated unless buf_cstr() was called */
    size_t len;
    size_t cap;
};

/* A borrowed piece of text; p == NULL means absent (an empty string has p != NULL, len 0). */
struct span {
    const char *p;
    uint32_t len;
};

#define SPAN_NONE ((struct span){NULL, 0})

struct span span_of(const char *cstr); /* borrows; NULL gives SPAN_NONE */
int span_equal(struct span a, struct span b);
int span_is(struct span a, const char *cstr);
/* Byte order, a shorter prefix first: the order of every list of names in the product. */
int span_compare(struct span a, struct span b);

void buf_deinit(struct buf *b);               /* accepts a zeroed one; leaves it zeroed */
void buf_clear(struct buf *b);                /* keeps the memory */
void buf_reserve(struct buf *b, size_t more); /* room for `more` bytes after len */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *cstr);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_cstr(struct buf *b); /* borrowed until the next call on b; NUL after len */

#endif

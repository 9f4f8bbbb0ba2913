/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/record.h"

#include <string.h>

#include "funnel/mem.h"

/* A header in bytes[]: NUL-terminated name, u32 length (UINT32_MAX: absent), value. */
#define HEADER_ABSENT UINT32_MAX

void records_deinit(struct records *r)
{
    buf_deinit(&r->bytes);
    mem_free(r->items);
    *r = (struct records){0};
}

void records_clear(struct records *r)
{
    buf_clear(&r->bytes);
    r->count = 0;
}

void record_begin(struct records *r, enum record_target target, int64_t timestamp)
{
    r->items = mem_grow(r->items, r->count, &r->cap, sizeof(*r->items));
    r->items[r->count++] = (struct record){.target = target, .timestamp = timestamp};
}

static struct record *record_open(struct records *r)
{
    return &r->items[r->count - 1];
}

void record_key(struct records *r, struct span key)
{
    struct record *x = record_open(r);

    x->has_key = key.p != NULL;
    x->key = r->bytes.len;
    x->key_len = key.len;
    buf_add(&r->bytes, key.p, key.len);
}

void record_value(struct records *r, struct span value)
{
    struct record *x = record_open(r);

    x->has_value = value.p != NULL;
    x->value = r->bytes.len;
    x->value_len = value.len;
    buf_add(&r->bytes, value.p, value.len);
}

void record_header(struct records *r, const char *name, struct span value)
{
    struct record *x = record_open(r);
    uint32_t len = value.p ? value.len : HEADER_ABSENT;

    if (x->header_count == 0)
        x->headers = r->bytes.len;
    buf_add(&r->bytes, name, strlen(name) + 1);
    buf_add(&r->bytes, &len, sizeof(len));
    buf_add(&r->bytes, value.p, value.len);
    x->headers_len = r->bytes.len - x->headers;
    x->header_count++;
}

struct span record_key_of(const struct records *r, const struct record *x)
{
    return x->has_key ? (struct span){r->bytes.data + x->key, (uint32_t)x->key_len} : SPAN_NONE;
}

struct span record_value_of(const struct records *r, const struct record *x)
{
    return x->has_value ? (struct span){r->bytes.data + x->value, (uint32_t)x->value_len}
                        : SPAN_NONE;
}

int record_header_next(const struct records *r, const struct record *x, size_t *at,
                       const char **ret_name, struct span *ret_value)
{
    const char *p = r->bytes.data + x->headers + *at;
    uint32_t len;

    if (*at >= x->headers_len)
        return 0;
    *ret_name = p;
    p += strlen(p) + 1;
    memcpy(&len, p, sizeof(len));
    p += sizeof(len);
    *ret_value = len == HEADER_ABSENT ? SPAN_NONE : (struct span){p, len};
    if (len != HEADER_ABSENT)
        p += len;
    *at = (size_t)(p - (r->bytes.data + x->headers));
    return 1;
}

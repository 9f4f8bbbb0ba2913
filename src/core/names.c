/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/names.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/mem.h"

#define NAMES_FIRST_SLOTS 16

static uint32_t names_slot(const struct names *n, struct span name)
{
    uint32_t mask = n->slot_count - 1;
    uint32_t at = (uint32_t)XXH3_64bits(name.p, name.len) & mask;

    while (n->slots[at] && !span_equal(names_text(n, n->slots[at]), name))
        at = (at + 1) & mask;
    return at;
}

static void names_append(struct names *n, struct span name)
{
    n->begin = mem_grow(n->begin, n->count + 1, &n->begin_cap, sizeof(*n->begin));
    buf_add(&n->text, name.p, name.len);
    n->count++;
    n->begin[n->count] = n->text.len;
}

static void names_rehash(struct names *n, uint32_t slot_count)
{
    mem_free(n->slots);
    n->slots = mem_zero(slot_count, sizeof(*n->slots));
    n->slot_count = slot_count;
    for (uint32_t i = 1; i < n->count; i++)
        n->slots[names_slot(n, names_text(n, i))] = i;
}

void names_init(struct names *n, uint32_t limit)
{
    *n = (struct names){.limit = limit};
    n->begin = mem_grow(NULL, 0, &n->begin_cap, sizeof(*n->begin));
    n->begin[0] = 0;
    buf_reserve(&n->text, 64);
    names_append(n, (struct span){"", 0}); /* NAME_ABSENT, never found */
    names_append(n, span_of(NAME_OTHER_TEXT));
    names_append(n, span_of(NAME_NONE_TEXT));
    names_rehash(n, NAMES_FIRST_SLOTS);
}

void names_deinit(struct names *n)
{
    buf_deinit(&n->text);
    mem_free(n->begin);
    mem_free(n->slots);
    *n = (struct names){0};
}

void names_close(struct names *n)
{
    n->closed = 1;
}

uint32_t names_intern(struct names *n, struct span name, int *ret_refused)
{
    uint32_t at = names_slot(n, name);

    if (n->slots[at])
        return n->slots[at];
    if (n->closed)
        return NAME_OTHER;
    if (n->count - NAME_FIRST >= n->limit) {
        *ret_refused = 1;
        return NAME_OTHER;
    }
    names_append(n, name);
    n->slots[at] = n->count - 1;
    if (n->count * 4 > n->slot_count * 3)
        names_rehash(n, n->slot_count * 2);
    return n->count - 1;
}

uint32_t names_find(const struct names *n, struct span name)
{
    return n->slots[names_slot(n, name)];
}

struct span names_text(const struct names *n, uint32_t number)
{
    size_t from = n->begin[number];

    return (struct span){n->text.data + from, (uint32_t)(n->begin[number + 1] - from)};
}

struct name_text {
    uint32_t number;
    struct span text;
};

static int name_compare(const void *a, const void *b)
{
    return span_compare(((const struct name_text *)a)->text, ((const struct name_text *)b)->text);
}

uint32_t *names_sorted(const struct names *n)
{
    struct name_text *all = mem_zero(n->count, sizeof(*all));
    uint32_t *numbers = mem_zero(n->count, sizeof(*numbers));

    for (uint32_t i = 1; i < n->count; i++)
        all[i - 1] = (struct name_text){i, names_text(n, i)};
    qsort(all, n->count - 1, sizeof(*all), name_compare);
    for (uint32_t i = 0; i + 1 < n->count; i++)
        numbers[i] = all[i].number;
    mem_free(all);
    return numbers;
}

size_t names_bytes(const struct names *n)
{
    return n->text.cap + n->begin_cap * sizeof(*n->begin) + n->slot_count * sizeof(*n->slots);
}

void names_save(const struct names *n, struct codec_out *out)
{
    codec_put_varint(out, n->count - NAME_FIRST);
    for (uint32_t i = NAME_FIRST; i < n->count; i++)
        codec_put_span(out, names_text(n, i));
}

/* Interning gives the numbers again, or shows that a text is there twice. The limit bounds what comes: a reload
 * may have lowered it below what is there. */
void names_load(struct names *n, struct codec_in *in)
{
    size_t count = codec_get_count(in, 1);
    uint32_t limit = n->limit;
    int refused = 0;

    if (!in->error && count < n->count - NAME_FIRST)
        codec_fail(in, "configured values are missing");
    n->limit = UINT32_MAX - NAME_FIRST;
    for (size_t i = 0; i < count && !in->error; i++) {
        struct span text = codec_get_span(in);

        if (!text.p || names_intern(n, text, &refused) != NAME_FIRST + i)
            codec_fail(in, "a name is wrong");
    }
    n->limit = limit;
}

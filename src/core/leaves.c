/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/leaves.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/mem.h"

#define LEAVES_FIRST_SLOTS 64

static uint32_t leaves_slot(const struct leaves *l, const struct leaf_key *key)
{
    uint32_t mask = l->slot_count - 1;
    uint32_t at = (uint32_t)XXH3_64bits(key, sizeof(*key)) & mask;

    while (l->slots[at] && memcmp(&l->keys[l->slots[at] - 1], key, sizeof(*key)) != 0)
        at = (at + 1) & mask;
    return at;
}

static uint32_t leaves_append(struct leaves *l, const struct leaf_key *key)
{
    l->keys = mem_grow(l->keys, l->count, &l->cap, sizeof(*l->keys));
    l->keys[l->count] = *key;
    return (uint32_t)l->count++;
}

static void leaves_rehash(struct leaves *l, uint32_t slot_count)
{
    mem_free(l->slots);
    l->slots = mem_zero(slot_count, sizeof(*l->slots));
    l->slot_count = slot_count;
    for (uint32_t i = 0; i < l->count; i++)
        l->slots[leaves_slot(l, &l->keys[i])] = i + 1;
}

static void leaves_init_names(struct names *n, const struct settings_dim *dim, uint32_t limit)
{
    int refused = 0;

    names_init(n, limit);
    for (size_t i = 0; i < dim->values.count; i++)
        names_intern(n, span_of(dim->values.items[i]), &refused);
    if (dim->values.count > 0)
        names_close(n);
}

void leaves_init(struct leaves *l, const struct settings_dims *dims,
                 const struct settings_limits *limits)
{
    struct leaf_key other = {{0}};

    *l = (struct leaves){.dims = (int)dims->count, .limit = (uint32_t)limits->leaves};
    if (l->limit > LEAVES_CAP)
        l->limit = LEAVES_CAP;
    for (int d = 0; d < l->dims; d++) {
        leaves_init_names(&l->names[d], &dims->items[d], (uint32_t)limits->values);
        other.value[d] = NAME_OTHER;
    }
    leaves_append(l, &other);
    leaves_rehash(l, LEAVES_FIRST_SLOTS);
}

void leaves_deinit(struct leaves *l)
{
    for (int d = 0; d < l->dims; d++)
        names_deinit(&l->names[d]);
    mem_free(l->keys);
    mem_free(l->slots);
    *l = (struct leaves){0};
}

static uint32_t leaves_find(struct leaves *l, const struct leaf_key *key, int *ret_refused)
{
    uint32_t at = leaves_slot(l, key);

    if (l->slots[at])
        return l->slots[at] - 1;
    if (l->count > l->limit) { /* leaf 0 is not counted */
        *ret_refused = 1;
        return LEAF_OTHER;
    }
    l->slots[at] = leaves_append(l, key) + 1;
    if (l->count * 4 > (size_t)l->slot_count * 3)
        leaves_rehash(l, l->slot_count * 2);
    return (uint32_t)l->count - 1;
}

uint32_t leaves_update(struct leaves *l, uint32_t leaf, const struct leaf_key *seen,
                       int *ret_refused)
{
    struct leaf_key key = l->keys[leaf];
    int changed = 0;

    for (int d = 0; d < l->dims; d++) {
        if (seen->value[d] == NAME_ABSENT || seen->value[d] == key.value[d])
            continue;
        key.value[d] = seen->value[d];
        changed = 1;
    }
    return changed ? leaves_find(l, &key, ret_refused) : leaf;
}

uint32_t leaves_begin(struct leaves *l, const struct leaf_key *seen, int *ret_refused)
{
    struct leaf_key key = *seen;

    for (int d = 0; d < l->dims; d++)
        if (key.value[d] == NAME_ABSENT)
            key.value[d] = NAME_NONE;
    return leaves_find(l, &key, ret_refused);
}

void leaves_text(const struct leaves *l, uint32_t leaf, struct buf *out)
{
    for (int d = 0; d < l->dims; d++) {
        struct span text = names_text(&l->names[d], l->keys[leaf].value[d]);
        uint16_t len = (uint16_t)text.len;

        buf_add(out, &len, sizeof(len));
        buf_add(out, text.p, text.len);
    }
}

void leaves_save(const struct leaves *l, struct codec_out *out)
{
    for (int d = 0; d < l->dims; d++)
        names_save(&l->names[d], out);
    codec_put_varint(out, l->count);
    for (size_t i = 1; i < l->count; i++)
        for (int d = 0; d < l->dims; d++)
            codec_put_u16(out, l->keys[i].value[d]);
}

static struct leaf_key leaf_key_load(const struct leaves *l, struct codec_in *in)
{
    struct leaf_key key = {{0}};

    for (int d = 0; d < l->dims; d++) {
        key.value[d] = codec_get_u16(in);
        if (key.value[d] == NAME_ABSENT || key.value[d] >= l->names[d].count)
            codec_fail(in, "a leaf has a value that is not there");
    }
    return key;
}

void leaves_load(struct leaves *l, struct codec_in *in)
{
    uint32_t limit = l->limit;
    uint64_t count;
    int refused = 0;

    for (int d = 0; d < l->dims; d++)
        names_load(&l->names[d], in);
    count = codec_get_max(in, LEAVES_CAP + 1);
    if (!in->error && count < 1)
        codec_fail(in, "leaf 0 is missing");
    l->limit = LEAVES_CAP; /* a reload may have lowered the limit below what is there */
    for (size_t i = 1; i < count && !in->error; i++) {
        struct leaf_key key = leaf_key_load(l, in);

        if (!in->error && leaves_find(l, &key, &refused) != i)
            codec_fail(in, "a leaf is there twice");
    }
    l->limit = limit;
}

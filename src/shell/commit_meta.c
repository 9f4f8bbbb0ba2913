/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/commit_meta.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shell/base64url.h"

enum { SECTION_BASE = 1, SECTION_DECISIONS = 2, SECTION_OPTIONAL = 128 };

static const char commit_meta_magic[] = {'F', '1'};

/* --- writing --- */

static void put(struct buf *b, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_char(b, (char)(value >> (8 * i) & 0xff));
}

void commit_meta_encode(const struct commit_meta *m, struct buf *out)
{
    struct buf b = {0};

    buf_add(&b, commit_meta_magic, sizeof(commit_meta_magic));
    put(&b, m->instance, 8);
    put(&b, m->seq, 8);
    put(&b, m->generation, 4);
    put(&b, (uint64_t)m->origin, 8);
    put(&b, (uint64_t)m->watermark, 8);
    put(&b, (uint64_t)m->last.offset, 8);
    put(&b, (uint64_t)m->last.timestamp, 8);
    put(&b, m->last.hash, 8);
    put(&b, m->tally_digest, 8);
    if (m->has_base) {
        put(&b, SECTION_BASE, 1);
        put(&b, 36, 2);
        put(&b, m->machine, 4);
        put(&b, m->settings_hash, 8);
        put(&b, m->zone_hash, 8);
        put(&b, m->layout_hash, 8);
        put(&b, m->judge_digest, 8);
    }
    put(&b, XXH3_64bits(b.data, b.len) & UINT32_MAX, 4);
    base64url_encode(b.data, b.len, out);
    buf_deinit(&b);
}

/* --- reading --- */

struct reader {
    const unsigned char *p;
    size_t left;
    bool failed;
};

static uint64_t get(struct reader *r, unsigned bytes)
{
    uint64_t value = 0;

    if (r->left < bytes) {
        r->failed = true;
        r->left = 0;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)r->p[i] << (8 * i);
    r->p += bytes;
    r->left -= bytes;
    return value;
}

static bool commit_meta_base(struct reader *r, struct commit_meta *m)
{
    m->has_base = true;
    m->machine = (uint32_t)get(r, 4);
    m->settings_hash = get(r, 8);
    m->zone_hash = get(r, 8);
    m->layout_hash = get(r, 8);
    m->judge_digest = get(r, 8);
    return !r->failed && r->left == 0;
}

static const char *commit_meta_sections(struct reader *r, struct commit_meta *m)
{
    unsigned before = 0;

    while (r->left > 0) {
        unsigned tag = (unsigned)get(r, 1);
        size_t len = (size_t)get(r, 2);
        struct reader section = {r->p, len, false};

        if (r->failed || len > r->left)
            return "a section is cut off";
        if (tag <= before)
            return "its sections are out of order";
        before = tag;
        r->p += len;
        r->left -= len;
        if (tag == SECTION_BASE && !commit_meta_base(&section, m))
            return "its base section is malformed";
        if (tag != SECTION_BASE && tag < SECTION_OPTIONAL)
            return "it holds decisions, or another section, of a newer version";
    }
    return NULL;
}

const char *commit_meta_decode(const char *text, size_t len, struct commit_meta *ret)
{
    unsigned char bytes[COMMIT_META_MAX];
    struct commit_meta m = {0};
    struct reader r = {bytes, 0, false}, sum;
    const char *wrong;
    ssize_t n;

    if (len == 0)
        return "it is empty";
    n = base64url_decode(text, len, bytes, sizeof(bytes));
    if (n < 0)
        return "it is not base64url of a bounded length";
    if (n < 6 || bytes[0] != 'F')
        return "it was not written by funneld";
    if (bytes[1] != commit_meta_magic[1])
        return "it was written by another version";
    sum = (struct reader){bytes + n - 4, 4, false};
    if (get(&sum, 4) != (XXH3_64bits(bytes, (size_t)n - 4) & UINT32_MAX))
        return "its checksum is wrong";
    r.p += sizeof(commit_meta_magic);
    r.left = (size_t)n - 4 - sizeof(commit_meta_magic);
    m.instance = get(&r, 8);
    m.seq = get(&r, 8);
    m.generation = (uint32_t)get(&r, 4);
    m.origin = (int64_t)get(&r, 8);
    m.watermark = (int64_t)get(&r, 8);
    m.last.offset = (int64_t)get(&r, 8);
    m.last.timestamp = (int64_t)get(&r, 8);
    m.last.hash = get(&r, 8);
    m.tally_digest = get(&r, 8);
    if (r.failed)
        return "it is cut off";
    wrong = commit_meta_sections(&r, &m);
    if (!wrong)
        *ret = m;
    return wrong;
}

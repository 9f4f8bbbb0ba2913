/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/commit_meta.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "funnel/codec.h"
#include "funnel/decision.h"
#include "shell/base64url.h"

enum { SECTION_BASE = 1, SECTION_DECISIONS = 2, SECTION_OPTIONAL = 128 };

static const char commit_meta_magic[] = {'F', '2'};

uint64_t commit_meta_cluster(const char *cluster_id)
{
    return cluster_id && *cluster_id ? XXH3_64bits(cluster_id, strlen(cluster_id)) : 0;
}

/* --- writing --- */

static void put(struct buf *b, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_char(b, (char)(value >> (8 * i) & 0xff));
}

static void put_section(struct buf *out, unsigned tag, const void *p, size_t n)
{
    put(out, tag, 1);
    put(out, n, 2);
    buf_add(out, p, n);
}

static void put_base(struct buf *out, const struct commit_meta *m)
{
    struct buf b = {0};

    put(&b, m->machine, 4);
    put(&b, m->settings_hash, 8);
    put(&b, m->zone_hash, 8);
    put(&b, m->layout_hash, 8);
    put(&b, m->judge_digest, 8);
    put(&b, m->cluster_hash, 8);
    put(&b, m->decision_seq, 8);
    put(&b, m->snapshot_count, 1);
    for (size_t i = 0; i < m->snapshot_count; i++) {
        put(&b, m->snapshots[i].generation, 4);
        put(&b, m->snapshots[i].instance, 8);
        put(&b, m->snapshots[i].seq, 8);
    }
    put_section(out, SECTION_BASE, b.data, b.len);
    buf_deinit(&b);
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
    if (m->has_base)
        put_base(&b, m);
    if (m->decisions.len > 0)
        put_section(&b, SECTION_DECISIONS, m->decisions.p, m->decisions.len);
    put(&b, XXH3_64bits(b.data, b.len) & UINT32_MAX, 4);
    if (b.len > COMMIT_META_MAX)
        abort();
    base64url_encode(b.data, b.len, out);
    buf_deinit(&b);
}

/* --- reading --- */

static void get_base(struct codec_in *in, struct commit_meta *m)
{
    m->has_base = true;
    m->machine = codec_get_u32(in);
    m->settings_hash = codec_get_u64(in);
    m->zone_hash = codec_get_u64(in);
    m->layout_hash = codec_get_u64(in);
    m->judge_digest = codec_get_u64(in);
    m->cluster_hash = codec_get_u64(in);
    m->decision_seq = codec_get_u64(in);
    m->snapshot_count = codec_get_u8(in);
    if (m->snapshot_count > COMMIT_META_SNAPSHOTS) {
        m->snapshot_count = 0;
        codec_fail(in, "too many snapshots");
    }
    for (size_t i = 0; i < m->snapshot_count; i++) {
        struct commit_snapshot *s = &m->snapshots[i];

        s->generation = codec_get_u32(in);
        s->instance = codec_get_u64(in);
        s->seq = codec_get_u64(in);
        if (s->generation == 0 || (i > 0 && s->generation <= s[-1].generation))
            codec_fail(in, "snapshots out of order");
    }
}

/* Rising by seq, of one partition; only the lowest has those for the judges. */
static void get_decisions(struct codec_in *in, struct commit_meta *m)
{
    uint32_t source = DECISION_JUDGES;
    uint64_t seq = 0;

    m->decisions = (struct span){(const char *)in->p, (uint32_t)in->left};
    if (in->left == 0)
        codec_fail(in, "a section without decisions");
    while (in->left > 0 && !in->error) {
        struct decision d;

        decision_get(in, &d);
        if (in->error)
            return;
        if (d.seq <= seq)
            codec_fail(in, "decisions out of order");
        else if (d.source == DECISION_JUDGES ? !m->has_base
                                             : source != DECISION_JUDGES && d.source != source)
            codec_fail(in, "decisions of another partition");
        seq = d.seq;
        if (d.source != DECISION_JUDGES)
            source = d.source;
    }
}

static const char *get_section(struct codec_in *in, unsigned tag, struct commit_meta *m)
{
    if (tag == SECTION_BASE)
        get_base(in, m);
    else if (tag == SECTION_DECISIONS)
        get_decisions(in, m);
    else
        return tag < SECTION_OPTIONAL ? "it holds a section of a newer version" : NULL;
    if (in->error || in->left > 0)
        return tag == SECTION_BASE ? "its base section is malformed"
                                   : "its decisions are malformed";
    return NULL;
}

static const char *get_sections(struct codec_in *in, struct commit_meta *m)
{
    unsigned before = 0;

    while (in->left > 0) {
        unsigned tag = codec_get_u8(in);
        size_t len = codec_get_u16(in);
        struct codec_in section = {.p = codec_get(in, len), .left = len};
        const char *wrong;

        if (in->error)
            return "a section is cut off";
        if (tag <= before)
            return "its sections are out of order";
        before = tag;
        wrong = get_section(&section, tag, m);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *get_fixed(struct codec_in *in, struct commit_meta *m)
{
    m->instance = codec_get_u64(in);
    m->seq = codec_get_u64(in);
    m->generation = codec_get_u32(in);
    m->origin = codec_get_i64(in);
    m->watermark = codec_get_i64(in);
    m->last.offset = codec_get_i64(in);
    m->last.timestamp = codec_get_i64(in);
    m->last.hash = codec_get_u64(in);
    m->tally_digest = codec_get_u64(in);
    return in->error ? "it is cut off" : NULL;
}

/* What stands before the fields, and the sum after them. */
static const char *get_frame(const unsigned char *bytes, ssize_t n, struct codec_in *ret)
{
    struct codec_in sum;

    if (n < 0)
        return "it is not base64url of a bounded length";
    if (n < 6 || bytes[0] != 'F')
        return "it was not written by funneld";
    if (bytes[1] != commit_meta_magic[1])
        return "it was written by another version";
    sum = (struct codec_in){.p = bytes + n - 4, .left = 4};
    if (codec_get_u32(&sum) != (XXH3_64bits(bytes, (size_t)n - 4) & UINT32_MAX))
        return "its checksum is wrong";
    *ret = (struct codec_in){.p = bytes + sizeof(commit_meta_magic),
                             .left = (size_t)n - 4 - sizeof(commit_meta_magic)};
    return NULL;
}

const char *commit_meta_decode(const char *text, size_t len, struct buf *scratch,
                               struct commit_meta *ret)
{
    struct commit_meta m = {0};
    struct codec_in in = {0};
    unsigned char *bytes;
    const char *wrong;

    if (len == 0)
        return "it is empty";
    buf_clear(scratch);
    buf_reserve(scratch, COMMIT_META_MAX);
    bytes = (unsigned char *)scratch->data;
    wrong = get_frame(bytes, base64url_decode(text, len, bytes, COMMIT_META_MAX), &in);
    if (!wrong)
        wrong = get_fixed(&in, &m);
    if (!wrong)
        wrong = get_sections(&in, &m);
    if (!wrong)
        *ret = m;
    return wrong;
}

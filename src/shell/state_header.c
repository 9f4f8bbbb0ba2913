/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/state_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "funnel/codec.h"
#include "funnel/mem.h"

#define PART_BYTES 54 /* the least a part takes: its topic is one byte at least */
#define CONTROL_BYTES 12
#define SCRATCH_BYTES 512

/* --- writing --- */

static void put_part(struct codec_out *out, const struct state_part *p)
{
    codec_put_span(out, span_of(p->topic));
    codec_put_u32(out, (uint32_t)p->partition);
    codec_put_i64(out, p->next);
    codec_put_i64(out, p->origin);
    codec_put_i64(out, p->watermark);
    codec_put_i64(out, p->last.offset);
    codec_put_i64(out, p->last.timestamp);
    codec_put_u64(out, p->last.hash);
}

void state_header_encode(const struct state_header *h, struct buf *ret)
{
    unsigned char scratch[SCRATCH_BYTES];
    struct codec_out out = {
        .data = scratch, .cap = sizeof(scratch), .flush = codec_flush_buf, .context = ret};

    codec_put_u32(&out, h->generation);
    codec_put_u64(&out, h->instance);
    codec_put_u64(&out, h->txn_seq);
    codec_put_u64(&out, h->decision_seq);
    codec_put_u32(&out, h->machine);
    codec_put_u64(&out, h->zone_hash);
    codec_put_u64(&out, h->settings_hash);
    codec_put_i64(&out, h->taken_at);
    codec_put_span(&out, span_of(h->group));
    codec_put_span(&out, span_of(h->cluster_id));
    codec_put_varint(&out, h->part_count);
    for (size_t i = 0; i < h->part_count; i++)
        put_part(&out, &h->parts[i]);
    codec_put_varint(&out, h->control_count);
    for (size_t i = 0; i < h->control_count; i++) {
        codec_put_u32(&out, (uint32_t)h->controls[i].partition);
        codec_put_i64(&out, h->controls[i].next);
    }
    codec_put_span(&out, h->settings);
    out.flush(&out);
}

/* --- reading --- */

static const char *get_text(struct codec_in *in, struct arena *memory, size_t max)
{
    struct span s = codec_get_span(in);

    if (!s.p || s.len > max || memchr(s.p, '\0', s.len)) {
        codec_fail(in, "a name in it is no name");
        return "";
    }
    return arena_strndup(memory, s.p, s.len);
}

static void get_part(struct codec_in *in, struct arena *memory, struct state_part *p)
{
    p->topic = get_text(in, memory, STATE_TOPIC_MAX);
    p->partition = (int32_t)codec_get_u32(in);
    p->next = codec_get_i64(in);
    p->origin = codec_get_i64(in);
    p->watermark = codec_get_i64(in);
    p->last.offset = codec_get_i64(in);
    p->last.timestamp = codec_get_i64(in);
    p->last.hash = codec_get_u64(in);
    if (!*p->topic || p->partition < 0 || p->origin < 0 || p->next < p->origin ||
        p->last.offset < -1 || p->last.offset >= p->next + (p->next == 0))
        codec_fail(in, "a partition's offsets in it are impossible");
}

static void get_parts(struct codec_in *in, struct arena *memory, struct state_header *h)
{
    struct state_part *parts;

    h->part_count = codec_get_count(in, PART_BYTES);
    if (!in->error && (h->part_count == 0 || h->part_count > STATE_PARTS_MAX))
        codec_fail(in, "its number of partitions is impossible");
    if (in->error)
        return;
    parts = arena_alloc(memory, h->part_count * sizeof(*parts));
    for (size_t i = 0; i < h->part_count && !in->error; i++)
        get_part(in, memory, &parts[i]);
    h->parts = parts;
}

static void get_controls(struct codec_in *in, struct arena *memory, struct state_header *h)
{
    struct state_control *controls;

    h->control_count = codec_get_count(in, CONTROL_BYTES);
    if (in->error || h->control_count == 0)
        return;
    controls = arena_alloc(memory, h->control_count * sizeof(*controls));
    for (size_t i = 0; i < h->control_count; i++) {
        controls[i].partition = (int32_t)codec_get_u32(in);
        controls[i].next = codec_get_i64(in);
        if (controls[i].partition < 0 || controls[i].next < 0)
            codec_fail(in, "its place in the control topic is impossible");
    }
    h->controls = controls;
}

const char *state_header_decode(const void *bytes, size_t len, struct arena *memory,
                                struct state_header *ret)
{
    struct codec_in in = {.p = bytes, .left = len};
    struct state_header h = {0};

    h.generation = codec_get_u32(&in);
    h.instance = codec_get_u64(&in);
    h.txn_seq = codec_get_u64(&in);
    h.decision_seq = codec_get_u64(&in);
    h.machine = codec_get_u32(&in);
    h.zone_hash = codec_get_u64(&in);
    h.settings_hash = codec_get_u64(&in);
    h.taken_at = codec_get_i64(&in);
    h.group = get_text(&in, memory, STATE_NAME_MAX);
    h.cluster_id = get_text(&in, memory, STATE_NAME_MAX);
    get_parts(&in, memory, &h);
    get_controls(&in, memory, &h);
    h.settings = codec_get_span(&in);
    if (!in.error && (h.settings.len == 0 || h.settings.len > STATE_SETTINGS_MAX))
        codec_fail(&in, "it carries no settings");
    if (!in.error && h.generation == 0)
        codec_fail(&in, "it has no generation");
    if (!in.error && in.left > 0)
        codec_fail(&in, "it is longer than it should be");
    if (!in.error)
        *ret = h;
    return in.error;
}

/* --- may it be used --- */

static bool refuse(char why[512], const char *what)
{
    snprintf(why, 512, "%s", what);
    return false;
}

static bool same_sources(const struct state_header *h, const struct state_ours *ours)
{
    if (h->part_count != ours->source_count)
        return false;
    for (size_t i = 0; i < h->part_count; i++) {
        if (strcmp(h->parts[i].topic, ours->sources[i].topic) != 0 ||
            h->parts[i].partition != ours->sources[i].partition)
            return false;
    }
    return true;
}

bool state_header_is_ours(const struct state_header *h, const struct state_ours *ours,
                          char why[512])
{
    if (strcmp(h->group, ours->group) != 0) {
        snprintf(why, 512, "it is of group %.200s, not %.200s", h->group, ours->group);
        return false;
    }
    if (h->machine != COMMIT_META_MACHINE)
        return refuse(why, "it was written by another version of the machines");
    if (!same_sources(h, ours))
        return refuse(why, "it has other inputs or partitions");
    return true;
}

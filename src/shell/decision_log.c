/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/decision_log.h"

#include <assert.h>
#include <string.h>

#include "funnel/mem.h"

#define DECISION_LOG_LEAST 64        /* more than any decision without text takes */
#define DECISION_LOG_NEVER INT64_MAX /* as from_ms: not known, nothing may take its place */

struct decision_log_item {
    struct decision d; /* text owned */
    int64_t from_ms;   /* the watermark before the first that it stands for */
    size_t bytes;
};

struct decision_log_part {
    struct decision_log_item *items; /* owned; rising by seq */
    size_t count, cap;
    size_t bytes;
};

/* --- one partition --- */

static size_t decision_log_size(const struct decision *d)
{
    unsigned char bytes[DECISION_LOG_LEAST + DECISION_TEXT_MAX];
    struct codec_out out = {.data = bytes, .cap = sizeof(bytes)};

    decision_put(&out, d);
    return out.len;
}

static void part_push(struct decision_log_part *p, const struct decision *d, int64_t from_ms)
{
    struct decision_log_item *item;

    p->items = mem_grow(p->items, p->count, &p->cap, sizeof(*p->items));
    item = &p->items[p->count++];
    *item = (struct decision_log_item){*d, from_ms, decision_log_size(d)};
    if (d->text.p)
        item->d.text.p = mem_strndup(d->text.p, d->text.len);
    p->bytes += item->bytes;
}

static void part_drop(struct decision_log_part *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p->bytes -= p->items[i].bytes;
        mem_free((char *)p->items[i].d.text.p);
    }
    p->count -= n;
    if (p->count > 0)
        memmove(p->items, p->items + n, p->count * sizeof(*p->items));
}

static struct decision_log_part *part_of(const struct decision_log *log, uint32_t source)
{
    size_t i = source == DECISION_JUDGES ? 0 : source;

    assert(i < log->count);
    return &log->parts[i];
}

/* --- all --- */

void decision_log_init(struct decision_log *log, size_t source_count)
{
    *log = (struct decision_log){mem_zero(source_count, sizeof(*log->parts)), source_count, 0};
}

void decision_log_deinit(struct decision_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        part_drop(&log->parts[i], log->parts[i].count);
        mem_free(log->parts[i].items);
    }
    mem_free(log->parts);
    *log = (struct decision_log){0};
}

void decision_log_add(struct decision_log *log, struct decision *d, int64_t from_ms)
{
    struct decision_log_part *p = part_of(log, d->source);
    struct decision_log_item *last = p->count ? &p->items[p->count - 1] : NULL;

    d->seq = ++log->last;
    if (last && last->from_ms != DECISION_LOG_NEVER &&
        decision_replaces(d, &last->d, last->from_ms)) {
        from_ms = last->from_ms;
        p->bytes -= last->bytes;
        p->count--; /* one of time has no text */
    }
    part_push(p, d, from_ms);
}

void decision_log_restore(struct decision_log *log, const struct decision *d)
{
    assert(d->seq > 0);
    part_push(part_of(log, d->source), d, DECISION_LOG_NEVER);
    if (d->seq > log->last)
        log->last = d->seq;
}

void decision_log_trim(struct decision_log *log, uint64_t seq)
{
    for (size_t i = 0; i < log->count; i++) {
        struct decision_log_part *p = &log->parts[i];
        size_t n = 0;

        while (n < p->count && p->items[n].d.seq <= seq)
            n++;
        if (n > 0)
            part_drop(p, n);
    }
}

void decision_log_encode(const struct decision_log *log, uint32_t source, struct buf *out)
{
    const struct decision_log_part *p = part_of(log, source);
    unsigned char bytes[DECISION_LOG_LEAST + DECISION_TEXT_MAX];

    for (size_t i = 0; i < p->count; i++) {
        struct codec_out coded = {.data = bytes, .cap = sizeof(bytes)};

        decision_put(&coded, &p->items[i].d);
        buf_add(out, bytes, coded.len);
    }
}

size_t decision_log_bytes(const struct decision_log *log)
{
    size_t most = 0;

    for (size_t i = 0; i < log->count; i++)
        most = log->parts[i].bytes > most ? log->parts[i].bytes : most;
    return most;
}

bool decision_log_fits(const struct decision_log *log, const struct decision *d)
{
    struct decision numbered = *d;

    numbered.seq = log->last + 1;
    return part_of(log, d->source)->bytes + decision_log_size(&numbered) <= DECISION_LOG_MAX;
}

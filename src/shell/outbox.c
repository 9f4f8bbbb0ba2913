/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/outbox.h"

#include <assert.h>

#include "funnel/mem.h"
#include "shell/fault.h"

void outbox_init(struct outbox *o, size_t part_count)
{
    *o = (struct outbox){.progress_since = -1};
    o->point.parts = mem_zero(part_count, sizeof(*o->point.parts));
    o->point.part_count = part_count;
}

void outbox_controls(struct outbox *o, size_t count)
{
    mem_free(o->point.controls);
    o->point.controls = count > 0 ? mem_zero(count, sizeof(*o->point.controls)) : NULL;
    o->point.control_count = count;
}

void outbox_deinit(struct outbox *o)
{
    for (size_t i = 0; i < o->point.part_count; i++)
        buf_deinit(&o->point.parts[i].decisions);
    mem_free(o->point.controls);
    records_deinit(&o->open);
    records_deinit(&o->frozen);
    mem_free(o->point.parts);
    *o = (struct outbox){0};
}

void outbox_progress(struct outbox *o, int64_t now_ms)
{
    if (o->progress_since < 0)
        o->progress_since = now_ms;
}

void outbox_note(struct outbox *o, int64_t now_ms)
{
    outbox_progress(o, now_ms);
    for (; o->counted < o->open.count; o->counted++)
        o->alerts += o->open.items[o->counted].target == RECORD_ALERT;
}

static void outbox_begin(struct outbox *o)
{
    o->counted = 0;
    o->alerts = 0;
    o->progress_since = -1;
}

void outbox_freeze(struct outbox *o, uint64_t seq)
{
    struct records empty = o->frozen; /* its memory is used again */

    assert(!o->is_frozen);
    o->frozen = o->open;
    o->open = empty;
    records_clear(&o->open);
    o->is_frozen = true;
    o->point.seq = seq;
    outbox_begin(o);
    FAULT("outbox.frozen");
}

void outbox_confirm(struct outbox *o)
{
    records_clear(&o->frozen);
    o->is_frozen = false;
}

void outbox_discard(struct outbox *o)
{
    records_clear(&o->open);
    outbox_begin(o);
}

bool outbox_record_fits(const struct record *r)
{
    return r->target != RECORD_ALERT ||
           r->key_len + r->value_len + r->headers_len <= OUTBOX_ALERT_MAX;
}

size_t outbox_bytes(const struct outbox *o)
{
    return o->open.bytes.len;
}

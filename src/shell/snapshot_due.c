/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/snapshot_due.h"

const char *snapshot_reason_text(enum snapshot_reason reason)
{
    static const char *const texts[] = {
#define SNAPSHOT_REASON_TEXT(name, text) text,
        SNAPSHOT_REASONS(SNAPSHOT_REASON_TEXT)
#undef SNAPSHOT_REASON_TEXT
    };

    return texts[reason];
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- when --- */

bool snapshot_part_presses(const struct snapshot_part *p, int64_t age)
{
    if (p->retention_ms >= 0 && age > p->retention_ms / 4)
        return true;
    /* The two differences are of offsets, which are never negative. */
    return p->low >= 0 && p->next > p->low && p->saved - p->low < (p->next - p->low) / 4;
}

/* What cannot wait for the interval. */
static enum snapshot_reason due_pressing(const struct snapshot_view *v)
{
    if (v->switching)
        return SNAPSHOT_SWITCH;
    if (v->meta_bytes >= SNAPSHOT_META_BYTES)
        return SNAPSHOT_METADATA;
    for (size_t i = 0; v->age >= 0 && v->changed && i < v->part_count; i++) {
        if (snapshot_part_presses(&v->parts[i], v->age))
            return SNAPSHOT_RETENTION;
    }
    return SNAPSHOT_NONE;
}

/* When the next regular one is due. */
static int64_t due_regular(const struct snapshot_view *v)
{
    if (v->begun >= 0) /* a failed one too: it is tried again in its turn */
        return v->begun + v->interval;
    if (v->age >= 0)
        return later(v->since, v->now - v->age + v->interval);
    return v->since + sooner(SNAPSHOT_FIRST_MS, v->interval);
}

enum snapshot_reason snapshot_due(const struct snapshot_view *v, int64_t *ret_at)
{
    enum snapshot_reason pressing;
    int64_t at;

    *ret_at = SNAPSHOT_NEVER;
    if (v->busy)
        return SNAPSHOT_NONE;
    if (v->stopping)
        return SNAPSHOT_STOP;
    pressing = due_pressing(v);
    at = due_regular(v);
    if (pressing && v->begun >= 0)
        at = sooner(at, v->begun + SNAPSHOT_APART_MS);
    else if (pressing)
        at = v->since;
    *ret_at = at;
    if (v->now < at)
        return SNAPSHOT_NONE;
    *ret_at = v->now;
    if (pressing)
        return pressing;
    if (v->age >= 0 && !v->changed) { /* it would be the same once more */
        *ret_at = v->now + SNAPSHOT_APART_MS;
        return SNAPSHOT_NONE;
    }
    return v->begun < 0 && v->age < 0 ? SNAPSHOT_FIRST : SNAPSHOT_INTERVAL;
}

/* --- which --- */

static void book_add(struct snapshot_book *b, const struct snapshot_mark *m)
{
    for (size_t i = SNAPSHOT_KEPT - 1; i > 0; i--)
        b->durable[i] = b->durable[i - 1];
    b->durable[0] = *m;
    if (b->durable_count < SNAPSHOT_KEPT)
        b->durable_count++;
}

static bool book_settle(struct snapshot_book *b)
{
    if (!b->has_pending || !b->filed || !b->confirmed)
        return false;
    book_add(b, &b->pending);
    b->has_pending = false;
    return true;
}

void snapshot_book_found(struct snapshot_book *b, const struct snapshot_mark *m)
{
    book_add(b, m);
}

void snapshot_book_taken(struct snapshot_book *b, const struct snapshot_mark *m)
{
    b->pending = *m;
    b->has_pending = true;
    b->filed = b->confirmed = false;
}

bool snapshot_book_filed(struct snapshot_book *b, uint32_t generation)
{
    if (!b->has_pending || b->pending.generation != generation)
        return false;
    b->filed = true;
    return book_settle(b);
}

bool snapshot_book_confirmed(struct snapshot_book *b, uint64_t txn_seq)
{
    if (!b->has_pending || b->pending.txn_seq > txn_seq)
        return false;
    b->confirmed = true;
    return book_settle(b);
}

void snapshot_book_failed(struct snapshot_book *b, uint32_t generation)
{
    if (b->has_pending && b->pending.generation == generation)
        b->has_pending = false;
}

size_t snapshot_book_generations(const struct snapshot_book *b, uint32_t ret[SNAPSHOT_KEPT + 1])
{
    size_t n = 0;

    if (b->has_pending)
        ret[n++] = b->pending.generation;
    for (size_t i = 0; i < b->durable_count; i++)
        ret[n++] = b->durable[i].generation;
    return n;
}

uint32_t snapshot_book_generation(const struct snapshot_book *b)
{
    return b->durable_count > 0 ? b->durable[0].generation : 0;
}

uint64_t snapshot_book_decisions(const struct snapshot_book *b)
{
    uint64_t least = b->durable_count > 0 ? b->durable[0].decision_seq : 0;

    for (size_t i = 1; i < b->durable_count; i++)
        least = b->durable[i].decision_seq < least ? b->durable[i].decision_seq : least;
    return least;
}

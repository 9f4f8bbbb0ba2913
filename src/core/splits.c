/* SPDX-License-Identifier: Apache-2.0 */
/* Ids lie in order of their fingerprints: what is saved is the same whatever order they came in, and saving needs no
 * memory. What a pane brings is few: it is sorted, looked up, and what is new is merged in.
 *
 * An id is split from the moment on that it comes from another source than before, for a day after the last change.
 * It is not for good: once the producer's keys are repaired, an id settles in one partition, and says no more. */
#include "funnel/splits.h"

#include <stdlib.h>
#include <string.h>

#include "funnel/clock.h"
#include "funnel/mem.h"
#include "funnel/zone.h"

#define ID_BYTES (sizeof(uint64_t) + 3) /* saved, the least */

struct splits_id {
    uint64_t fingerprint;
    uint32_t source; /* the last one; of several in one pane the highest */
    int64_t last;    /* the last pane it was heard of in */
    int64_t changed; /* the last one in which its source was another than before; INT64_MIN: none */
};

struct splits_seen {
    uint64_t fingerprint;
    uint32_t source;
    int64_t n;
};

struct splits {
    struct splits_id *ids; /* ascending */
    size_t count, cap;
    int64_t day; /* of the last pane with any of them; INT64_MIN */
    /* Of the pane that is being closed: not saved. */
    struct splits_seen *seen;
    size_t seen_count, seen_cap;
    struct splits_id *new; /* ascending */
    size_t new_count, new_cap;
};

struct splits *splits_new(void)
{
    struct splits *s = mem_zero(1, sizeof(*s));

    s->day = INT64_MIN;
    return s;
}

void splits_free(struct splits *s)
{
    if (!s)
        return;
    mem_free(s->ids);
    mem_free(s->seen);
    mem_free(s->new);
    mem_free(s);
}

void splits_clear(struct splits *s)
{
    s->count = 0;
    s->day = INT64_MIN;
}

void splits_see(struct splits *s, uint64_t fingerprint, uint32_t source, int64_t n)
{
    s->seen = mem_grow(s->seen, s->seen_count, &s->seen_cap, sizeof(*s->seen));
    s->seen[s->seen_count++] = (struct splits_seen){fingerprint, source, n};
}

/* --- a pane --- */

static int seen_compare(const void *pa, const void *pb)
{
    const struct splits_seen *a = pa, *b = pb;

    if (a->fingerprint != b->fingerprint)
        return a->fingerprint < b->fingerprint ? -1 : 1;
    return a->source < b->source ? -1 : a->source > b->source;
}

static void forget(struct splits *s, int64_t pane, int64_t pane_ms, int64_t forget_ms)
{
    int64_t a_day = ZONE_DAY_MS / pane_ms, day = floor_div(pane, a_day);
    size_t left = 0;

    if (day == s->day)
        return;
    for (size_t i = 0; i < s->count; i++)
        if ((day * a_day - s->ids[i].last) * pane_ms <= forget_ms)
            s->ids[left++] = s->ids[i];
    s->count = left;
    s->day = day;
}

static struct splits_id *id_find(const struct splits *s, uint64_t fingerprint)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (s->ids[middle].fingerprint == fingerprint)
            return &s->ids[middle];
        if (s->ids[middle].fingerprint < fingerprint)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Known from now on, where there is room; NULL. */
static struct splits_id *id_new(struct splits *s, const struct splits_seen *first)
{
    if (s->count + s->new_count >= SPLITS_MAX)
        return NULL;
    s->new = mem_grow(s->new, s->new_count, &s->new_cap, sizeof(*s->new));
    s->new[s->new_count] = (struct splits_id){
        .fingerprint = first->fingerprint, .source = first->source, .changed = INT64_MIN};
    return &s->new[s->new_count++];
}

/* What one id did in this pane: seen[0..n) are its own. */
static void id_take(struct splits *s, const struct splits_seen *seen, size_t n, int64_t pane,
                    int64_t a_day, struct splits_sums *sums)
{
    struct splits_id *id = id_find(s, seen->fingerprint);
    int64_t events = 0;

    if (!id)
        id = id_new(s, seen);
    if (!id)
        return;
    for (size_t i = 0; i < n; i++)
        events += seen[i].n;
    if (seen[0].source != id->source || seen[n - 1].source != id->source) {
        sums->fresh += id->changed == INT64_MIN;
        id->changed = pane;
    }
    id->source = seen[n - 1].source;
    id->last = pane;
    sums->watched += events;
    if (id->changed != INT64_MIN && pane - id->changed <= a_day)
        sums->split += events;
}

/* From the end, so that each moves once. */
static void merge_new(struct splits *s)
{
    size_t old = s->count, new = s->new_count, to = old + new;

    while (s->cap < to)
        s->ids = mem_grow(s->ids, s->cap, &s->cap, sizeof(*s->ids));
    s->count = to;
    while (new > 0) {
        bool older = old > 0 && s->ids[old - 1].fingerprint > s->new[new - 1].fingerprint;

        s->ids[--to] = older ? s->ids[--old] : s->new[--new];
    }
    s->new_count = 0;
}

struct splits_sums splits_close(struct splits *s, int64_t pane, int64_t pane_ms, int64_t forget_ms)
{
    struct splits_sums sums = {0};
    size_t next;

    if (s->seen_count == 0)
        return sums;
    forget(s, pane, pane_ms, forget_ms);
    qsort(s->seen, s->seen_count, sizeof(*s->seen), seen_compare);
    for (size_t i = 0; i < s->seen_count; i = next) {
        for (next = i + 1; next < s->seen_count; next++)
            if (s->seen[next].fingerprint != s->seen[i].fingerprint)
                break;
        id_take(s, &s->seen[i], next - i, pane, ZONE_DAY_MS / pane_ms, &sums);
    }
    merge_new(s);
    s->seen_count = 0;
    return sums;
}

/* --- saved --- */

void splits_save(const struct splits *s, struct codec_out *out)
{
    codec_put_zigzag(out, s->day);
    codec_put_varint(out, s->count);
    for (size_t i = 0; i < s->count; i++) {
        codec_put_u64(out, s->ids[i].fingerprint);
        codec_put_varint(out, s->ids[i].source);
        codec_put_zigzag(out, s->ids[i].last);
        codec_put_zigzag(out, s->ids[i].changed);
    }
}

static void id_load(struct splits_id *id, size_t sources, int64_t closed, struct codec_in *in)
{
    id->fingerprint = codec_get_u64(in);
    id->source = (uint32_t)codec_get_max(in, sources - 1);
    id->last = codec_get_pane(in);
    id->changed = codec_get_pane(in);
    if (!splits_watches(id->fingerprint))
        codec_fail(in, "an id is known that is not watched");
    if (id->last == INT64_MIN || id->last > closed || id->changed > id->last)
        codec_fail(in, "a watched id is of another time");
}

void splits_load(struct splits *s, size_t sources, int64_t closed, struct codec_in *in)
{
    size_t count;

    s->day = codec_get_pane(in);
    count = codec_get_count(in, ID_BYTES);
    if (count > SPLITS_MAX)
        codec_fail(in, "more ids are watched than may be");
    for (size_t i = 0; i < count && !in->error; i++) {
        s->ids = mem_grow(s->ids, s->count, &s->cap, sizeof(*s->ids));
        id_load(&s->ids[s->count++], sources, closed, in);
        if (i > 0 && s->ids[i].fingerprint <= s->ids[i - 1].fingerprint)
            codec_fail(in, "watched ids are not in order");
    }
}

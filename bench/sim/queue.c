/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"

#define BLOCK_EVENTS 31
#define SMALL 24

struct queue_block {
    struct queue_block *next; /* put in before */
    size_t n;
    struct queued items[BLOCK_EVENTS];
};

void queue_init(struct queue *q, int64_t minutes)
{
    *q = (struct queue){.minutes = minutes};
    q->heads = mem_zero((size_t)minutes, sizeof(struct queue_block *));
}

static void blocks_free(struct queue_block *b)
{
    while (b) {
        struct queue_block *next = b->next;

        mem_free(b);
        b = next;
    }
}

void queue_deinit(struct queue *q)
{
    for (int64_t m = 0; m < q->minutes; m++)
        blocks_free(q->heads[m]);
    blocks_free(q->spare);
    mem_free(q->heads);
    mem_free(q->items);
    mem_free(q->order);
}

void queue_put(struct queue *q, const struct queued *event)
{
    int64_t minute = event->deliver_ms / MINUTE_MS;
    struct queue_block *b;

    if (minute >= q->minutes)
        return;
    b = q->heads[minute];
    if (!b || b->n == BLOCK_EVENTS) {
        struct queue_block *fresh = q->spare;

        if (fresh)
            q->spare = fresh->next;
        else
            fresh = mem_alloc(sizeof(*fresh));
        fresh->next = b;
        fresh->n = 0;
        q->heads[minute] = b = fresh;
    }
    b->items[b->n++] = *event;
}

/* Blocks stand newest first: fills items[] from its end. */
static size_t queue_flatten(struct queue *q, int64_t minute)
{
    size_t n = 0, at;

    for (struct queue_block *b = q->heads[minute]; b; b = b->next)
        n += b->n;
    if (n > q->cap) {
        q->cap = 2 * n;
        q->items = mem_resize(q->items, q->cap, sizeof(*q->items));
        q->order = mem_resize(q->order, q->cap, sizeof(*q->order));
    }
    at = n;
    while (q->heads[minute]) {
        struct queue_block *b = q->heads[minute];

        at -= b->n;
        memcpy(q->items + at, b->items, b->n * sizeof(*b->items));
        q->heads[minute] = b->next;
        b->next = q->spare;
        q->spare = b;
    }
    return n;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void sort_keys(uint64_t *keys, size_t n)
{
    if (n > SMALL) {
        qsort(keys, n, sizeof(*keys), compare_keys);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint64_t key = keys[i];
        size_t j = i;

        for (; j > 0 && keys[j - 1] > key; j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

size_t queue_take(struct queue *q, int64_t minute)
{
    size_t n = queue_flatten(q, minute);

    for (size_t i = 0; i < n; i++)
        q->order[i] = (uint64_t)(q->items[i].deliver_ms - minute * MINUTE_MS) << 32 | i;
    sort_keys(q->order, n);
    return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Events waiting for their minute: a list of blocks for each minute of the stream. A minute's events
 * come out by the time they are delivered, ties as they were put in. Only the current minute and later
 * ones take events. */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#define MINUTE_MS INT64_C(60000)

struct queued {
    int64_t deliver_ms; /* since the stream's start */
    int64_t ms;         /* the event's own time */
    uint64_t entity;
    uint32_t amount; /* minor units */
    uint8_t stage, leaf;
};

struct queue_block;

struct queue {
    struct queue_block **heads; /* [minutes] */
    int64_t minutes;
    struct queue_block *spare;
    struct queued *items; /* of the minute last taken, as put in */
    uint64_t *order;
    size_t cap;
};

void queue_init(struct queue *q, int64_t minutes);
void queue_deinit(struct queue *q);

void queue_put(struct queue *q, const struct queued *event); /* beyond the end: dropped */

/* Takes the events of a minute. They are at items[(uint32_t)order[i]], in order, until the next call. */
size_t queue_take(struct queue *q, int64_t minute);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Control records that wait for room in the commit metadata. What waits is not consumed: its offset is committed
 * with its decision, so that a restart reads it again. Pure. */
#ifndef SHELL_CONTROL_HOLD_H
#define SHELL_CONTROL_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/message.h"

struct control_wait {
    uint32_t part; /* message.partition */
    int64_t offset;
    struct span value; /* owned */
};

/* Zero-initialised is empty. */
struct control_hold {
    struct control_wait *items; /* owned; in the order they came */
    size_t count, cap;
};

void control_hold_deinit(struct control_hold *h);                        /* accepts an empty one */
void control_hold_push(struct control_hold *h, const struct message *m); /* copies the value */
/* The first of them, borrowed until the next call; false: none waits. */
bool control_hold_first(const struct control_hold *h, struct message *ret);
void control_hold_pop(struct control_hold *h); /* that one; only while there is one */
/* The offset to commit: of the partition's first that waits; else `next`. */
int64_t control_hold_next(const struct control_hold *h, uint32_t part, int64_t next);

#endif

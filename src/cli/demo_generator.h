/* SPDX-License-Identifier: Apache-2.0 */
/* Visitors of the demo's shop, one event after another in the order of event time. Pure: the same seed
 * and start give the same events. */
#ifndef CLI_DEMO_GENERATOR_H
#define CLI_DEMO_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"

struct shop_event {
    int64_t at_ms;
    uint64_t number; /* of the event: order among equal times */
    uint64_t visitor;
    int64_t amount; /* cents; the cart's value from `cart` on */
    uint8_t stage;  /* SHOP_EXIT: cancelled */
    uint8_t channel, device, owner, reason;
};

/* What incidents have cost so far: visitors who would have gone on. */
struct shop_loss {
    int64_t visitors, amount; /* cents */
};

struct demo_generator;

struct demo_generator *demo_generator_new(int64_t start_ms, uint64_t seed);
void demo_generator_free(struct demo_generator *g); /* accepts NULL */

/* The next event before until_ms, or false. */
bool demo_generator_next(struct demo_generator *g, int64_t until_ms, struct shop_event *ret);

struct shop_loss demo_generator_loss(const struct demo_generator *g);

/* "v-000042"; buffer of at least 24 bytes. Returns the length. */
size_t shop_event_key(const struct shop_event *e, char *ret, size_t size);
/* The message's JSON. */
void shop_event_write(const struct shop_event *e, struct buf *out);

#endif

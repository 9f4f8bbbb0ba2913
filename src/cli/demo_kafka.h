/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's two clients: one writes the events, one reads alerts and dead letters back. */
#ifndef CLI_DEMO_KAFKA_H
#define CLI_DEMO_KAFKA_H

#include <stddef.h>
#include <stdint.h>

#include "cli/demo_generator.h"

struct demo_producer;

/* NULL with a sentence in error[256]. Signals the caller waits for must be blocked by then. */
struct demo_producer *demo_producer_new(const char *bootstrap, char error[256]);
void demo_producer_free(struct demo_producer *p); /* accepts NULL; drops what is not sent yet */
/* The record's timestamp is the event's time. 0, or -1 with a sentence in error[256]. */
int demo_producer_send(struct demo_producer *p, const struct shop_event *e, char error[256]);
/* Waits until all is sent, so that a long history arrives in slices of equal time. 0, or -1. */
int demo_producer_flush(struct demo_producer *p, int timeout_ms);

struct demo_consumer;

struct demo_message {
    int dead_letter;   /* else an alert */
    const char *value; /* borrowed until the next call */
    size_t len;
    const char *reason; /* of a dead letter, or NULL */
};

struct demo_consumer *demo_consumer_new(const char *bootstrap, char error[256]);
void demo_consumer_free(struct demo_consumer *c); /* accepts NULL */
/* 1 and a message, or 0 when none is there. Never waits. */
int demo_consumer_next(struct demo_consumer *c, struct demo_message *ret);

#endif

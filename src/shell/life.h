/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's life: a const table of edges, and one mover. */
#ifndef SHELL_LIFE_H
#define SHELL_LIFE_H

#include <stdbool.h>

enum life {
    LIFE_STARTING,   /* brokers, topics, committed offsets */
    LIFE_REBUILDING, /* the log up to the committed offsets, output only digested */
    LIFE_RUNNING,
    LIFE_DRAINING, /* reads no more; the last outbox is being committed */
    LIFE_STOPPED,  /* closing what is open */
};
enum life_event {
    LIFE_CONNECTED, /* the start plan is made */
    LIFE_CAUGHT_UP, /* every partition stands at its committed offset */
    LIFE_TERM,      /* SIGTERM, SIGINT */
    LIFE_SETTLED,   /* nothing uncommitted is left */
    LIFE_FAILED,
};

/* False: the event means nothing in this state. */
bool life_next(enum life from, enum life_event event, enum life *ret_to);
const char *life_name(enum life l);

#endif

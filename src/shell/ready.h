/* SPDX-License-Identifier: Apache-2.0 */
/* Whether funneld does its work, and if not, why: /ready. Pure. */
#ifndef SHELL_READY_H
#define SHELL_READY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/buf.h"
#include "shell/life.h"

#define READY_ABORTS 3        /* not ready from this failed attempt on */
#define READY_COMMIT_MS 10000 /* nor while one call takes longer */

struct ready_place {
    const char *topic; /* NULL: none */
    int32_t partition;
    int64_t watermark; /* ms; INT64_MIN: it has had no event */
};

struct ready_view {
    enum life life;
    const char *note;      /* starting: what it waits for */
    size_t waiting, parts; /* rebuilding: partitions not yet there; 0: no machines yet */
    bool brokers_down;
    unsigned aborts; /* failed attempts of the outbox in flight */
    const char *abort_reason;
    int64_t commit_ms; /* how long the transaction in flight takes; 0: none */
    struct ready_input {
        const char *topic, *error; /* NULL: all inputs can be read */
    } input;
    const char *alerts_refused, *deadletters_refused; /* reason, NULL: not */
    struct ready_place slowest;
    bool others_have_events; /* so that a partition without any holds them back */
};

/* Appends {"ready":…,"state":…,"reasons":[…],"slowest":{…}} and a line break; returns the verdict. */
bool ready_write(const struct ready_view *v, struct buf *out);

#endif

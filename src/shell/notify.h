/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told, and when it may believe that funneld lives. */
#ifndef SHELL_NOTIFY_H
#define SHELL_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void notify_status(const char *text); /* sent when it changed */
void notify_ready(void);
void notify_reloading(void); /* notify_ready() ends it */
void notify_stopping(void);
void notify_watchdog(void);
/* ms between pings: half of what systemd allows; 0: no watchdog. */
int64_t notify_watchdog_ms(void);

/* What the drain path did, seen at two pings. */
struct notify_pulse {
    uint64_t drains, messages; /* so far */
    size_t queued;             /* messages the library holds for us */
    bool idle;                 /* not meant to drain: starting, gate shut, all paused */
};
/* Pure. Alive: it drained since, and took something if anything was there to be taken. */
bool notify_is_alive(const struct notify_pulse *before, const struct notify_pulse *now);

#endif

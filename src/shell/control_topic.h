/* SPDX-License-Identifier: Apache-2.0 */
/* The control topic as the commands meet it: one record written, or all of it read. Blocking, a few seconds at
 * most; no client is left behind. */
#ifndef SHELL_CONTROL_TOPIC_H
#define SHELL_CONTROL_TOPIC_H

#include <stdbool.h>
#include <stddef.h>

#include "funnel/control.h"
#include "funnel/controls.h"
#include "funnel/settings.h"

#define CONTROL_TOPIC_MS 10000 /* for the brokers to answer, and once more for what was asked */

/* False: the settings' control is off. */
bool control_topic_is_on(const struct settings *settings);

/* Waits for the brokers to have it (acks=all). Both return EXIT_OK, EXIT_KAFKA, EXIT_TOPIC_MISSING or
 * EXIT_CONFIGURATION, the last three with the reason in error[512]. */
int control_topic_write(const struct settings *settings, struct span key, struct span value,
                        char error[512]);

/* Silences not over at an event time, by their begin, then id. Zeroed is empty. */
struct control_list {
    struct control_held *items; /* owned */
    size_t count, cap;
    size_t unreadable; /* records that are none */
};
int control_topic_read(const struct settings *settings, struct etime now, struct control_list *ret,
                       char error[512]);
void control_list_deinit(struct control_list *l);

/* One record more, in the topic's order. Pure. */
void control_list_take(struct control_list *l, struct etime now, struct span value);
void control_list_sort(struct control_list *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's Kafka: librdkafka's mock cluster in a process of its own. It keeps all in memory, and a few
 * megabytes of it; it takes transactions but does not undo aborted ones. Good for a demo, not for proof. */
#ifndef CLI_DEMO_BROKER_H
#define CLI_DEMO_BROKER_H

#include <stddef.h>

#include "cli/demo_child.h"

#define DEMO_TOPIC_EVENTS "funnel.events"
#define DEMO_TOPIC_ALERTS "funnel.alerts"
#define DEMO_TOPIC_DEADLETTER "funnel.deadletter"
enum { DEMO_PARTITIONS = 4 }; /* of the events; the others have one */

/* Forks the broker and waits until it listens. Its address goes to ret_bootstrap ("127.0.0.1:41234").
 * Returns 0, or -1 with a sentence in error[256]. Should the parent die, it removes the folder. */
int demo_broker_start(struct demo_child *child, const char *folder, char *ret_bootstrap,
                      size_t size, char error[256]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of librdkafka on the loop: an eventfd that the library writes, a poll handle that wakes. The
 * client behind it may be exchanged. Loop thread only. */
#ifndef SHELL_KAFKA_QUEUE_H
#define SHELL_KAFKA_QUEUE_H

#include <librdkafka/rdkafka.h>
#include <uv.h>

struct kafka_queue {
    uv_poll_t poll;
    int fd;
    rd_kafka_queue_t *queue; /* owned; NULL while detached */
    void (*wake)(void *context);
    void *context;
};

/* Returns 0, or a negative uv error. */
int kafka_queue_init(struct kafka_queue *q, uv_loop_t *loop, void (*wake)(void *), void *context);
/* Takes the queue over. The caller must drain once after: events may be there already. */
void kafka_queue_attach(struct kafka_queue *q, rd_kafka_queue_t *queue);
/* Before the client is destroyed. */
void kafka_queue_detach(struct kafka_queue *q);
void kafka_queue_close(struct kafka_queue *q);

#endif

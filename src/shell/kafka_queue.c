/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/kafka_queue.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The wake-up is read before the queue is: the library sends another one only after the queue was read. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct kafka_queue *q = poll->data;
    uint64_t count;

    (void)status;
    (void)events;
    while (read(q->fd, &count, sizeof(count)) > 0) {
    }
    q->wake(q->context);
}

int kafka_queue_init(struct kafka_queue *q, uv_loop_t *loop, void (*wake)(void *), void *context)
{
    int failed;

    *q = (struct kafka_queue){.wake = wake, .context = context};
    q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (q->fd < 0)
        return -errno;
    failed = uv_poll_init(loop, &q->poll, q->fd);
    if (failed) {
        close(q->fd);
        return failed;
    }
    q->poll.data = q;
    return uv_poll_start(&q->poll, UV_READABLE, on_poll);
}

void kafka_queue_attach(struct kafka_queue *q, rd_kafka_queue_t *queue)
{
    static const uint64_t one = 1;

    q->queue = queue;
    rd_kafka_queue_io_event_enable(queue, q->fd, &one, sizeof(one));
}

void kafka_queue_detach(struct kafka_queue *q)
{
    if (!q->queue)
        return;
    rd_kafka_queue_io_event_enable(q->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(q->queue);
    q->queue = NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct kafka_queue *q = handle->data;

    close(q->fd);
}

void kafka_queue_close(struct kafka_queue *q)
{
    kafka_queue_detach(q);
    if (q->poll.data) /* not when kafka_queue_init found no descriptor */
        uv_close((uv_handle_t *)&q->poll, on_closed);
}

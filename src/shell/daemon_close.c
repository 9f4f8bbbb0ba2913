/* SPDX-License-Identifier: Apache-2.0 */
/* Closing. Everything ends on the loop but the two clients, whose destruction may take for ever (once a
 * topic was deleted): that is a worker's, with a deadline, then _exit. */
#include <unistd.h>

#include "shell/exit_codes.h"
#include "funnel/mem.h"
#include "shell/daemon.h"
#include "shell/log.h"

static void on_deadline(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    if (d->life == LIFE_DRAINING) {
        daemon_event(
            d, LIFE_FAILED, EXIT_UNFINISHED,
            "shutdown_timeout passed before the last transaction; the next start does it again");
        return;
    }
    log_notice("closing took too long: exiting", LOG_NUMBER("exit", d->code));
    _exit(d->code);
}

void daemon_deadline(struct daemon *d, int64_t ms)
{
    uv_timer_start(&d->deadline, on_deadline, (uint64_t)ms, 0);
}

static void on_close_work(uv_work_t *work)
{
    struct daemon *d = work->data;

    if (d->producer)
        rd_kafka_destroy(d->producer);
    if (d->consumer) {
        rd_kafka_consumer_close(d->consumer);
        rd_kafka_destroy(d->consumer);
    }
}

static void on_close_worked(uv_work_t *work, int status)
{
    struct daemon *d = work->data;

    (void)status;
    uv_close((uv_handle_t *)&d->deadline, NULL);
    if (d->machines) {
        pipeline_free(d->pipeline);
        outbox_deinit(&d->outbox);
    }
    start_plan_deinit(&d->plan);
    mem_free(d->sources);
}

/* No list, message, queue or topic of a client may be alive when it is destroyed. */
static void daemon_close_parts(struct daemon *d)
{
    if (d->machines) {
        rd_kafka_t *producer;

        intake_close(&d->intake);
        producer = txn_close(&d->txn);
        if (producer)
            d->producer = producer;
    }
    http_close(&d->http);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    uv_close((uv_handle_t *)&d->tick, NULL);
    uv_close((uv_handle_t *)&d->due, NULL);
    uv_close((uv_handle_t *)&d->watchdog, NULL);
    uv_close((uv_handle_t *)&d->prepare, NULL);
}

/* Waits for the worker's jobs to end, then closes everything. */
static void on_closing(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    if (d->starting) {
        start_cancel(&d->start);
        return;
    }
    if (d->machines && d->txn.working) {
        atomic_store(&d->txn.job.cancel, true);
        return;
    }
    d->closing_begun = true;
    daemon_close_parts(d);
    d->closing.data = d;
    uv_queue_work(&d->loop, &d->closing, on_close_work, on_close_worked);
}

/* Not at once: the caller may stand in the middle of a part that is about to be freed. */
void daemon_close_soon(struct daemon *d)
{
    if (!d->closing_begun)
        uv_timer_start(&d->due, on_closing, 0, 0);
}

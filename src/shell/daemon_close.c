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

    if (d->life == LIFE_DRAINING && !d->outbox.is_frozen && d->outbox.progress_since < 0) {
        log_warning(
            "shutdown_timeout passed before the last snapshot: the next start reads more of "
            "the log again");
        daemon_event(d, LIFE_SETTLED, EXIT_OK, NULL);
        return;
    }
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

/* What outlives the clients: the plan and the parts of the start are looked at until the end. */
static void daemon_free(struct daemon *d)
{
    pipeline_free(d->pipeline);
    outbox_deinit(&d->outbox);
    decision_log_deinit(&d->decisions);
    control_hold_deinit(&d->controls);
    daemon_restored_close(d);
    start_plan_deinit(&d->plan);
    start_deinit(&d->start);
    config_deinit(&d->machine);
    config_deinit(&d->other.next);
    mem_free(d->sources);
    mem_free(d->saved);
    mem_free(d->taken);
    mem_free(d->lost);
    mem_free(d->retention_ms);
}

static void on_close_worked(uv_work_t *work, int status)
{
    struct daemon *d = work->data;

    (void)status;
    uv_close((uv_handle_t *)&d->deadline, NULL);
    daemon_free(d);
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
        snapshot_close(&d->snapshot);
        probe_deinit(&d->probe);
    }
    http_close(&d->http);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    uv_close((uv_handle_t *)&d->tick, NULL);
    uv_close((uv_handle_t *)&d->due, NULL);
    uv_close((uv_handle_t *)&d->watchdog, NULL);
    uv_close((uv_handle_t *)&d->prepare, NULL);
}

/* A job of the thread pool still runs: it is told to end, and calls back when it has. */
static bool daemon_works(struct daemon *d)
{
    bool working = d->starting || d->restoring || d->reconciling;

    if (d->starting)
        start_cancel(&d->start);
    if (d->reconciling)
        reconcile_cancel(&d->reconcile);
    if (!d->machines)
        return working;
    atomic_store(&d->txn.job.cancel, true); /* also of one that waits for its turn */
    working |= d->txn.working;
    if (d->probe.working) {
        probe_cancel(&d->probe);
        working = true;
    }
    return !snapshot_stop(&d->snapshot) || working;
}

/* Waits for jobs to end, then closes everything. */
static void on_closing(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    if (daemon_works(d))
        return;
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

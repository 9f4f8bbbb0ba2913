/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "funnel/mem.h"
#include "shell/exit_codes.h"
#include "shell/fault.h"
#include "shell/log.h"

#define TICK_MS 1000
#define CLOSE_MS 5000
#define CLOSE_STARTING_MS 200 /* nothing is open that is worth waiting for */

void daemon_die(struct daemon *d, int code, const char *why)
{
    daemon_event(d, LIFE_FAILED, code, why);
}

/* --- what the parts tell --- */

/* Runs of the inputs and of the control topic, as they come. */
static void on_step(void *context, const struct message *messages, size_t count)
{
    struct daemon *d = context;

    for (size_t from = 0, to; from < count; from = to) {
        bool control = messages[from].partition >= d->source_count;

        for (to = from + 1; to < count && (messages[to].partition >= d->source_count) == control;)
            to++;
        if (control)
            daemon_control(d, messages + from, to - from);
        else
            pipeline_step(d->pipeline, messages + from, to - from, &d->outbox.open);
    }
    if (d->life == LIFE_REBUILDING) {
        outbox_discard(&d->outbox);
        FAULT("replay");
    } else {
        outbox_note(&d->outbox, d->now);
    }
}

/* Past what no machine reads (the end of an upstream transaction): what is decided for a place up to there, as the end
 * of a bootstrap is, need not wait for another record. */
static void daemon_moved(struct daemon *d)
{
    for (uint32_t i = 0; i < d->source_count; i++)
        pipeline_reach(d->pipeline, i, d->intake.parts[i].next, &d->outbox.open);
    outbox_note(&d->outbox, d->now);
}

static void on_turned(void *context)
{
    struct daemon *d = context;

    uv_update_time(&d->loop);
    d->now = (int64_t)uv_now(&d->loop);
    if (d->life == LIFE_REBUILDING && !d->restoring && d->intake.waiting == 0)
        daemon_rebuild_reached(d);
    if (d->intake.moved && d->life == LIFE_RUNNING)
        daemon_moved(d);
    d->intake.moved = false;
    daemon_pump(d);
}

static void on_failed(void *context, int code, const char *why)
{
    daemon_die(context, code, why);
}

static void on_committed(void *context)
{
    struct daemon *d = context;

    d->now = (int64_t)uv_now(&d->loop); /* no message may have come meanwhile */
    outbox_confirm(&d->outbox);
    daemon_switch_committed(d);
    daemon_snapshot_confirmed(d, d->outbox.point.seq);
    if (d->life == LIFE_STOPPED)
        daemon_close_soon(d);
    else
        daemon_pump(d);
}

/* --- entering states --- */

/* The intake reads the control topic as it does the inputs. */
static void sources_add_controls(struct daemon *d)
{
    d->part_count = d->source_count + d->start.control_count;
    d->sources = mem_resize(d->sources, d->part_count, sizeof(*d->sources));
    for (size_t i = 0; i < d->start.control_count; i++)
        d->sources[d->source_count + i] = (struct pipeline_source){
            d->config->settings->control, d->start.controls[i].partition, INTAKE_CONTROL};
}

static int daemon_machines(struct daemon *d)
{
    const struct settings *s = d->config->settings;
    const struct intake_hooks intake_hooks = {d, on_step, on_turned, on_failed, daemon_lost};
    const struct txn_hooks txn_hooks = {d, on_committed, on_failed};
    const struct snapshot_hooks snapshot_hooks = {d, daemon_snapshot_done};
    int code, txn_code;

    sources_add_controls(d);
    d->saved = mem_zero(d->source_count, sizeof(*d->saved));
    d->taken = mem_zero(d->source_count, sizeof(*d->taken));
    d->retention_ms = mem_zero(d->source_count, sizeof(*d->retention_ms));
    d->lost = mem_zero(d->source_count, sizeof(*d->lost));
    for (size_t i = 0; i < d->source_count; i++) {
        d->retention_ms[i] = d->start.parts[i].retention_ms;
        d->lost[i].offset = -1;
    }
    outbox_init(&d->outbox, d->source_count);
    outbox_controls(&d->outbox, d->part_count - d->source_count);
    /* All of them, whatever becomes of the first: what is begun is closed as a whole. */
    code = intake_init(&d->intake, &d->loop, &d->health, d->sources, d->part_count, &intake_hooks);
    txn_code = txn_init(&d->txn, &d->loop, s, &d->health, d->sources, d->source_count, &d->outbox,
                        &txn_hooks);
    probe_init(&d->probe, &d->loop, s, &d->health, d->sources, d->source_count, daemon_probed, d);
    if (snapshot_init(&d->snapshot, &d->loop, &d->dir, &snapshot_hooks) != 0)
        code = EXIT_INTERNAL;
    d->machines = true;
    return code == EXIT_OK ? txn_code : code;
}

static void enter_rebuilding(struct daemon *d)
{
    daemon_plan(d);
}

/* Nothing of the first start is read before its decisions are in a transaction of their own. */
static void running_begin(struct daemon *d)
{
    char why[STATE_DIR_WHY];

    if (!state_dir_put_settings(&d->dir, d->machine.hash,
                                (struct span){d->machine.text.data, (uint32_t)d->machine.text.len},
                                why)) {
        daemon_die(d, EXIT_IO, why);
        return;
    }
    d->anchored = d->way->anchor;
    d->commit_now = d->way->commit_first || d->way->anchor;
    daemon_pump(d);
    if (d->life != LIFE_RUNNING)
        return;
    intake_assign(&d->intake, d->consumer);
    d->reconcile_due = d->plan.reconcile;
    daemon_reconcile_pump(d);
    if (d->config->hash != d->machine.hash)
        daemon_switch_file(d);
}

static void enter_running(struct daemon *d)
{
    char why[512];
    int code = daemon_rebuild_end(d, why);

    if (code != EXIT_OK) {
        daemon_die(d, code, why);
        return;
    }
    d->now = (int64_t)uv_now(&d->loop);
    d->running_since = d->now;
    log_notice("running", LOG_NUMBER("partitions", d->source_count),
               LOG_NUMBER("seq", txn_next_seq(&d->txn)),
               LOG_TEXT("librdkafka", rd_kafka_version_str()));
    running_begin(d);
    if (d->life != LIFE_RUNNING)
        return;
    notify_ready();
    daemon_status_line(d);
    if (d->reload_later)
        daemon_reload(d);
}

static void enter_draining(struct daemon *d)
{
    log_notice("stopping: the last transaction");
    if (d->reconcile_due || d->reconciling)
        log_warning("not reconciled with the alert topic yet: start with --reconcile again");
    notify_stopping();
    intake_stop(&d->intake);
    txn_hurry(&d->txn);
    daemon_deadline(d, d->keys.shutdown_timeout);
    daemon_pump(d);
}

static void enter_stopped(struct daemon *d)
{
    notify_stopping();
    if (d->machines)
        intake_stop(&d->intake);
    daemon_deadline(d, d->starting || d->restoring ? CLOSE_STARTING_MS : CLOSE_MS);
    daemon_close_soon(d);
}

void daemon_event(struct daemon *d, enum life_event event, int code, const char *why)
{
    static void (*const enter[])(struct daemon *) = {[LIFE_REBUILDING] = enter_rebuilding,
                                                     [LIFE_RUNNING] = enter_running,
                                                     [LIFE_DRAINING] = enter_draining,
                                                     [LIFE_STOPPED] = enter_stopped};
    enum life to;

    if (!life_next(d->life, event, &to)) {
        if (d->life == LIFE_STOPPED)
            daemon_close_soon(d);
        return;
    }
    if (event == LIFE_FAILED) {
        d->code = code;
        log_error("stopping", LOG_TEXT("reason", why), LOG_NUMBER("exit", code));
    }
    d->life = to;
    enter[to](d);
}

/* --- start --- */

static void on_started(struct start *s)
{
    struct daemon *d = s->context;
    int code = s->code;

    d->starting = false;
    d->consumer = s->consumer;
    d->producer = s->producer;
    d->sources = s->sources;
    d->source_count = d->part_count = s->count;
    s->consumer = s->producer = NULL;
    s->sources = NULL;
    if (d->life != LIFE_STARTING) { /* stopped meanwhile */
        daemon_close_soon(d);
        return;
    }
    if (code == EXIT_OK)
        code = daemon_machines(d);
    if (code != EXIT_OK)
        daemon_die(d, code, *s->why ? s->why : "no descriptor for a Kafka queue");
    else
        daemon_event(d, LIFE_CONNECTED, EXIT_OK, NULL);
}

/* --- handles --- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;

    if (number == SIGHUP) {
        daemon_reload(d);
        return;
    }
    if (d->life == LIFE_DRAINING || d->life == LIFE_STOPPED) {
        log_warning("second signal: exiting at once", LOG_NUMBER("signal", number));
        _exit(d->code != EXIT_OK ? d->code : EXIT_UNFINISHED);
    }
    log_notice("signal", LOG_NUMBER("signal", number));
    daemon_event(d, LIFE_TERM, EXIT_OK, NULL);
}

static void on_tick(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    d->now = (int64_t)uv_now(&d->loop);
    daemon_decide_tick(d);
    daemon_pump(d);
    daemon_status_line(d);
}

static void on_watchdog(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    struct notify_pulse now = {.idle = true};

    if (d->machines && d->intake.queue.queue) {
        now.drains = d->intake.drains;
        now.messages = d->intake.messages;
        now.queued = rd_kafka_queue_length(d->intake.queue.queue);
        now.idle = d->intake.shut || (d->life != LIFE_REBUILDING && d->life != LIFE_RUNNING);
    }
    if (notify_is_alive(&d->pulse, &now))
        notify_watchdog();
    d->pulse = now;
}

/* Between two waits for events, less the waiting itself: what one turn kept everything else waiting. */
static void on_prepare(uv_prepare_t *handle)
{
    struct daemon *d = handle->data;
    uint64_t now = uv_hrtime(), idle = uv_metrics_idle_time(&d->loop);
    uint64_t took = now - d->turn_from - (idle - d->turn_idle);

    if (d->turn_from && took > d->turn_max)
        d->turn_max = took;
    d->turn_from = now;
    d->turn_idle = idle;
}

static void daemon_handles(struct daemon *d)
{
    static const int numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};
    int64_t watchdog_ms = notify_watchdog_ms();

    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        uv_signal_start(&d->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&d->loop, &d->tick);
    uv_timer_init(&d->loop, &d->due);
    uv_timer_init(&d->loop, &d->deadline);
    uv_timer_init(&d->loop, &d->watchdog);
    uv_prepare_init(&d->loop, &d->prepare);
    d->tick.data = d->due.data = d->deadline.data = d->watchdog.data = d->prepare.data = d;
    uv_timer_start(&d->tick, on_tick, TICK_MS, TICK_MS);
    if (watchdog_ms)
        uv_timer_start(&d->watchdog, on_watchdog, (uint64_t)watchdog_ms, (uint64_t)watchdog_ms);
    uv_prepare_start(&d->prepare, on_prepare);
}

static void daemon_begin(struct daemon *d)
{
    const struct settings *s = d->config->settings;
    char why[STATE_DIR_WHY] = "";
    int code = EXIT_OK;

    daemon_handles(d);
    if (getrandom(&d->instance, sizeof(d->instance), 0) != sizeof(d->instance))
        abort();
    code = state_dir_open(&d->dir, s->state.dir, why);
    if (code == EXIT_OK && strcmp(s->http, "off") != 0)
        code = http_open(&d->http, &d->loop, s->http, s->http_token, daemon_routes, d, why);
    if (code == EXIT_OK && start_begin(&d->start, &d->loop, s, &d->health, on_started, d) == 0)
        d->starting = true;
    else
        daemon_die(d, code == EXIT_OK ? EXIT_INTERNAL : code, code == EXIT_OK ? "no worker" : why);
}

int daemon_run(const struct config *config, const struct daemon_options *options)
{
    struct daemon *d = mem_zero(1, sizeof(*d));
    int code;

    signal(SIGPIPE, SIG_IGN);
    d->config = config;
    d->options = *options;
    d->snapshot_aged = -1;
    daemon_keys_take(d, config->settings);
    if (uv_loop_init(&d->loop) != 0) {
        mem_free(d);
        return EXIT_INTERNAL;
    }
    uv_loop_configure(&d->loop, UV_METRICS_IDLE_TIME);
    daemon_begin(d);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    code = d->code;
    state_dir_close(&d->dir);
    if (uv_loop_close(&d->loop) != 0) { /* a handle was left open: a free leak check */
        log_error("the loop still has open handles");
        abort();
    }
    mem_free(d);
    log_notice("stopped", LOG_NUMBER("exit", code));
    return code;
}

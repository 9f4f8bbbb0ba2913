/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon answers over HTTP, and its line for systemctl status. */
#include <inttypes.h>
#include <stdio.h>

#include "funnel/mem.h"
#include "funnel/pulse.h"
#include "funnel/report.h"
#include "shell/daemon.h"
#include "shell/metrics.h"
#include "shell/version.h"
#include "shell/ready.h"

/* --- /ready --- */

static const char *refused(const struct daemon *d, enum record_target target)
{
    rd_kafka_resp_err_t code = d->txn.publish.refused[target];

    return d->machines && code != RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_err2name(code) : NULL;
}

/* The first input that gives errors. */
static struct ready_input ready_input(const struct daemon *d)
{
    for (size_t i = 0; i < d->config->settings->inputs.count; i++) {
        const struct probe_topic *t = &d->probe.result.topics[i];

        if (t->partitions >= 0 && t->error != RD_KAFKA_RESP_ERR_NO_ERROR)
            return (struct ready_input){d->config->settings->inputs.items[i].topic,
                                        rd_kafka_err2name(t->error)};
    }
    for (size_t i = 0; i < d->source_count; i++) {
        if (d->intake.parts[i].error != RD_KAFKA_RESP_ERR_NO_ERROR)
            return (struct ready_input){d->sources[i].topic,
                                        rd_kafka_err2name(d->intake.parts[i].error)};
    }
    return (struct ready_input){NULL, NULL};
}

static void ready_machines(struct daemon *d, struct ready_view *v)
{
    struct etime least;
    uint32_t slowest = pipeline_slowest(d->pipeline, &least);

    v->waiting = d->intake.waiting;
    v->parts = d->source_count;
    v->aborts = d->txn.failures;
    v->abort_reason = d->txn.reason;
    v->commit_ms = d->outbox.is_frozen && !d->anchored ? (int64_t)uv_now(&d->loop) - d->txn.begun
                                                       : 0;
    v->input = ready_input(d);
    v->alerts_refused = refused(d, RECORD_ALERT);
    v->deadletters_refused = refused(d, RECORD_DEADLETTER);
    v->slowest = (struct ready_place){d->sources[slowest].topic, d->sources[slowest].partition,
                                      least.ms};
    for (size_t i = 0; i < d->source_count && !v->others_have_events; i++)
        v->others_have_events = etime_is_set(pipeline_watermark(d->pipeline, (uint32_t)i));
}

bool daemon_ready(struct daemon *d, struct buf *body)
{
    struct ready_view v = {.life = d->life, .brokers_down = atomic_load(&d->health.down)};
    char note[512];

    if (d->starting) {
        start_note(&d->start, note);
        v.note = note;
    }
    if (d->pipeline)
        ready_machines(d, &v);
    return ready_write(&v, body);
}

static unsigned answer_ready(void *context, const struct http_request *request, struct buf *body)
{
    (void)request;
    return daemon_ready(context, body) ? 200 : 503;
}

static unsigned answer_healthz(void *context, const struct http_request *request, struct buf *body)
{
    (void)context;
    (void)request;
    buf_str(body, "ok\n");
    return 200;
}

/* --- /metrics --- */

static double retention_used(const struct daemon *d, double age_ms)
{
    double used = 0;

    for (size_t i = 0; i < d->source_count; i++)
        if (d->retention_ms[i] > 0 && age_ms / (double)d->retention_ms[i] > used)
            used = age_ms / (double)d->retention_ms[i];
    return used;
}

static void metrics_state(const struct daemon *d, double *value)
{
    double age = d->snapshot_aged < 0 ? -1e3
                                      : (double)((int64_t)uv_now(&d->loop) - d->snapshot_aged);

    value[METRIC_BOOTSTRAP] = d->pipeline && pipeline_is_muted(d->pipeline);
    value[METRIC_DECISIONS] = (double)d->counts.decisions;
    value[METRIC_DECISION_BYTES] = (double)daemon_meta_bytes(d);
    value[METRIC_SNAPSHOTS] = (double)d->counts.snapshots;
    value[METRIC_SNAPSHOTS_FAILED] = (double)d->counts.snapshots_failed;
    value[METRIC_SNAPSHOT_AGE] = age / 1e3;
    value[METRIC_RETENTION_USED] = age < 0 ? 0 : retention_used(d, age);
    value[METRIC_RELOADS] = (double)d->counts.reloads;
    value[METRIC_RELOADS_REFUSED] = (double)d->counts.reloads_refused;
    value[METRIC_CONTROLS] = (double)d->counts.controls;
    value[METRIC_CONTROLS_REFUSED] = (double)d->counts.controls_refused;
}

static void metrics_shell(struct daemon *d, double *value)
{
    const struct txn_stats *t = &d->txn.stats;
    struct buf body = {0};

    value[METRIC_READY] = daemon_ready(d, &body);
    buf_deinit(&body);
    value[METRIC_TURN_MAX] = (double)d->turn_max / 1e9;
    value[METRIC_BROKERS_DOWN] = atomic_load(&d->health.down);
    if (!d->machines)
        return;
    value[METRIC_COMMITS] = (double)t->commits;
    value[METRIC_ABORTS] = (double)t->aborts;
    value[METRIC_RESENDS] = (double)t->resends;
    value[METRIC_RENEWALS] = (double)t->renewals;
    value[METRIC_COMMIT_SECONDS] = (double)t->commit_ms_sum / 1e3;
    value[METRIC_COMMIT_MAX] = (double)t->commit_ms_max / 1e3;
    value[METRIC_ALERTS_PUBLISHED] = (double)d->txn.publish.produced[RECORD_ALERT];
    value[METRIC_DEADLETTERS_PUBLISHED] = (double)d->txn.publish.produced[RECORD_DEADLETTER];
    value[METRIC_ALERTS_DROPPED] = (double)d->txn.publish.dropped[RECORD_ALERT];
    value[METRIC_DEADLETTERS_DROPPED] = (double)d->txn.publish.dropped[RECORD_DEADLETTER];
    value[METRIC_DEADLETTERS_OFF] = publish_deadletters_off(&d->txn.publish);
    value[METRIC_OUTBOX_BYTES] = (double)outbox_bytes(&d->outbox);
    value[METRIC_GATE] = d->gate != FLOW_OPEN;
    value[METRIC_STALE] = (double)d->intake.stale;
    metrics_state(d, value);
}

static void metrics_parts_of(const struct daemon *d, struct metrics_part *parts)
{
    for (size_t i = 0; i < d->source_count; i++) {
        const struct intake_part *p = &d->intake.parts[i];

        parts[i] = (struct metrics_part){
            .topic = d->sources[i].topic,
            .partition = d->sources[i].partition,
            .lag = intake_lag(&d->intake, i),
            .paused = p->paused,
            .messages = p->messages,
            .watermark = pipeline_watermark(d->pipeline, (uint32_t)i).ms,
        };
    }
}

static void metrics_sources_of(const struct daemon *d, struct metrics_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pulse_view view;

        pulse_look(pipeline_pulse(d->pipeline, (uint16_t)i), &view);
        sources[i] = (struct metrics_source){d->config->settings->inputs.items[i].topic,
                                             view.lambda, view.threshold, view.dark_panes,
                                             view.firing};
    }
}

static unsigned answer_metrics(void *context, const struct http_request *request, struct buf *body)
{
    struct daemon *d = context;
    struct metrics_view v = {.state = life_name(d->life), .version = FUNNELD_VERSION};
    struct counters counters = {0};
    struct pipeline_gauges gauges = {0};
    struct metrics_part *parts = NULL;
    struct metrics_source *sources = NULL;

    (void)request;
    metrics_shell(d, v.shell);
    if (d->pipeline) {
        pipeline_counters(d->pipeline, &counters);
        pipeline_gauges(d->pipeline, &gauges);
        parts = mem_zero(d->source_count, sizeof(*parts));
        metrics_parts_of(d, parts);
        v.counters = &counters;
        v.gauges = &gauges;
        v.parts = parts;
        v.part_count = d->source_count;
        v.source_count = d->config->settings->inputs.count;
        sources = mem_zero(v.source_count, sizeof(*sources));
        metrics_sources_of(d, sources, v.source_count);
        v.sources = sources;
    }
    metrics_write(&v, body);
    mem_free(parts);
    mem_free(sources);
    return 200;
}

/* --- /api/v1/report --- */

static unsigned answer_report(void *context, const struct http_request *request, struct buf *body)
{
    struct daemon *d = context;
    const struct settings_funnels
        *funnels = &(d->pipeline ? d->machine.settings : d->config->settings)->funnels;
    struct report_options options = {REPORT_JSON, -1, http_argument(request, "funnel")};
    bool known = options.funnel == NULL;

    for (size_t i = 0; i < funnels->count && !known; i++)
        known = span_equal(span_of(funnels->items[i].name), span_of(options.funnel));
    if (!known) {
        buf_str(body, "{\"error\":\"no such funnel\"}\n");
        return 404;
    }
    if (!d->pipeline) {
        buf_str(body, "{\"error\":\"starting; see /ready\"}\n");
        return 503;
    }
    report_write(d->pipeline, &options, body);
    return 200;
}

const struct http_route daemon_routes[] = {
    {"/healthz", "text/plain; charset=utf-8", answer_healthz},
    {"/ready", "application/json", answer_ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", answer_metrics},
    {"/api/v1/report", "application/x-ndjson", answer_report},
    {NULL, NULL, NULL},
};

/* --- STATUS= --- */

void daemon_status_line(struct daemon *d)
{
    struct pipeline_gauges gauges;
    char text[256], note[512];
    int64_t lag = 0;

    if (d->starting) {
        start_note(&d->start, note);
        snprintf(text, sizeof(text), "starting: %.200s", note);
    } else if (d->pipeline && (d->life == LIFE_RUNNING || d->life == LIFE_REBUILDING)) {
        for (size_t i = 0; i < d->source_count; i++)
            lag += intake_lag(&d->intake, i) > 0 ? intake_lag(&d->intake, i) : 0;
        pipeline_gauges(d->pipeline, &gauges);
        snprintf(text, sizeof(text), "%s: lag %" PRId64 ", %" PRIu64 " alerts firing",
                 life_name(d->life), lag, gauges.alerts_firing);
    } else {
        snprintf(text, sizeof(text), "%s", life_name(d->life));
    }
    notify_status(text);
}

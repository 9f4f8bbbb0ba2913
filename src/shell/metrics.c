/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/metrics.h"

#include <inttypes.h>

static void metrics_head(struct buf *out, const char *type, const char *name, const char *help,
                         const char *advice)
{
    buf_fmt(out, "# HELP funneld_%s %s%s%s\n# TYPE funneld_%s %s\n", name, help,
            *advice ? ". " : "", advice, name, type);
}

/* Backslash, quote and line break are escaped; the format has no other escapes and takes UTF-8. Other
 * control characters and bytes that are no ASCII pass: topic names hold none. */
static void metrics_label(struct buf *out, const char *name, const char *value)
{
    buf_fmt(out, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\n')
            buf_str(out, "\\n");
        else if (*value == '"' || *value == '\\')
            buf_fmt(out, "\\%c", *value);
        else
            buf_char(out, *value);
    }
    buf_char(out, '"');
}

static void metrics_core(const struct metrics_view *v, struct buf *out)
{
#define METRICS_COUNTER(id, name, help, advice) \
    metrics_head(out, "counter", name, help, advice); \
    buf_fmt(out, "funneld_%s %" PRIu64 "\n", name, v->counters->n[COUNTER_##id]);
    COUNTERS_TABLE(METRICS_COUNTER)
#undef METRICS_COUNTER
    metrics_head(out, "counter", "deadletters_total", "Messages refused, by reason", "");
    for (int i = 0; i < REJECT_COUNT; i++) {
        buf_str(out, "funneld_deadletters_total{");
        metrics_label(out, "reason", reject_word((enum reject)i));
        buf_fmt(out, "} %" PRIu64 "\n", v->counters->rejects[i]);
    }
}

static void metrics_time(struct buf *out, int64_t ms)
{
    buf_fmt(out, " %s%" PRId64 ".%03d\n", ms < 0 ? "-" : "", (ms < 0 ? -ms : ms) / 1000,
            (int)((ms < 0 ? -ms : ms) % 1000));
}

static void metrics_gauges(const struct metrics_view *v, struct buf *out)
{
#define METRICS_GAUGE(member, name, help) \
    metrics_head(out, "gauge", name, help, ""); \
    buf_fmt(out, "funneld_%s %" PRIu64 "\n", name, v->gauges->member);
    METRICS_GAUGES(METRICS_GAUGE)
#undef METRICS_GAUGE
    metrics_head(out, "gauge", "closed_timestamp_seconds",
                 "Event time up to which every pane is closed; absent before the first", "");
    if (etime_is_set(v->gauges->closed)) {
        buf_str(out, "funneld_closed_timestamp_seconds");
        metrics_time(out, v->gauges->closed.ms);
    }
}

/* --- per partition --- */

static void metrics_part_labels(struct buf *out, const char *name, const struct metrics_part *p)
{
    buf_fmt(out, "funneld_%s{", name);
    metrics_label(out, "topic", p->topic);
    buf_fmt(out, ",partition=\"%d\"}", p->partition);
}

static void metrics_parts(const struct metrics_view *v, struct buf *out)
{
    metrics_head(out, "gauge", "partition_lag", "Records between the next offset and the log's end",
                 "");
    for (size_t i = 0; i < v->part_count; i++) {
        if (v->parts[i].lag < 0)
            continue;
        metrics_part_labels(out, "partition_lag", &v->parts[i]);
        buf_fmt(out, " %" PRId64 "\n", v->parts[i].lag);
    }
    metrics_head(out, "gauge", "partition_paused",
                 "Why it is paused, as a sum: 1 ahead of the others, 2 rebuilding, 4 outbox full, "
                 "8 reconciling, 16 a control record waits for a snapshot",
                 "");
    for (size_t i = 0; i < v->part_count; i++) {
        metrics_part_labels(out, "partition_paused", &v->parts[i]);
        buf_fmt(out, " %u\n", v->parts[i].paused);
    }
    metrics_head(out, "counter", "partition_messages_total", "Messages taken, by partition", "");
    for (size_t i = 0; i < v->part_count; i++) {
        metrics_part_labels(out, "partition_messages_total", &v->parts[i]);
        buf_fmt(out, " %" PRIu64 "\n", v->parts[i].messages);
    }
    metrics_head(out, "gauge", "partition_watermark_timestamp_seconds",
                 "Event time up to which events are in order; absent before the first", "");
    for (size_t i = 0; i < v->part_count; i++) {
        if (v->parts[i].watermark == INT64_MIN)
            continue;
        metrics_part_labels(out, "partition_watermark_timestamp_seconds", &v->parts[i]);
        metrics_time(out, v->parts[i].watermark);
    }
}

/* --- per source --- */

static void metrics_source(struct buf *out, const char *name, const char *topic, double value)
{
    buf_fmt(out, "funneld_%s{", name);
    metrics_label(out, "topic", topic);
    buf_fmt(out, "} %.15g\n", value);
}

static void metrics_sources(const struct metrics_view *v, struct buf *out)
{
    metrics_head(out, "gauge", "source_lambda",
                 "Events expected in the silence so far; 0: events come", "");
    for (size_t i = 0; i < v->source_count; i++)
        metrics_source(out, "source_lambda", v->sources[i].topic, v->sources[i].lambda);
    metrics_head(out, "gauge", "source_lambda_threshold",
                 "Lambda at which no_data fires; absent while the rate is not learned", "");
    for (size_t i = 0; i < v->source_count; i++)
        if (v->sources[i].threshold == v->sources[i].threshold)
            metrics_source(out, "source_lambda_threshold", v->sources[i].topic,
                           v->sources[i].threshold);
    metrics_head(out, "counter", "source_dark_panes_total",
                 "Panes kept out of every verdict, because the source was silent", "");
    for (size_t i = 0; i < v->source_count; i++)
        metrics_source(out, "source_dark_panes_total", v->sources[i].topic,
                       (double)v->sources[i].dark_panes);
    metrics_head(out, "gauge", "source_silent", "1 while its no_data alert fires",
                 "Look at what produces to it");
    for (size_t i = 0; i < v->source_count; i++)
        metrics_source(out, "source_silent", v->sources[i].topic, v->sources[i].silent);
}

void metrics_write(const struct metrics_view *v, struct buf *out)
{
    metrics_head(out, "gauge", "build_info", "Always 1", "");
    buf_str(out, "funneld_build_info{");
    metrics_label(out, "version", v->version);
    buf_str(out, "} 1\n");
    metrics_head(out, "gauge", "state", "1 for the state the daemon is in", "");
    buf_str(out, "funneld_state{");
    metrics_label(out, "state", v->state);
    buf_str(out, "} 1\n");
#define METRICS_VALUE(id, type, name, help, advice) \
    metrics_head(out, #type, name, help, advice); \
    buf_fmt(out, "funneld_%s %.15g\n", name, v->shell[METRIC_##id]);
    METRICS_SHELL(METRICS_VALUE)
#undef METRICS_VALUE
    if (v->counters)
        metrics_core(v, out);
    if (v->gauges)
        metrics_gauges(v, out);
    metrics_parts(v, out);
    metrics_sources(v, out);
}

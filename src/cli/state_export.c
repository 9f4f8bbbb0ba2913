/* SPDX-License-Identifier: Apache-2.0 */
/* funneld state export: one snapshot as JSON, an object a line. What it says of entities is in numbers only. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/state_look.h"
#include "funnel/canon.h"
#include "funnel/json_out.h"
#include "funnel/pipeline_parts.h"
#include "funnel/report.h"
#include "funnel/rules.h"
#include "shell/exit_codes.h"

static void pair_hex(struct json_out *j, const char *key, uint64_t x)
{
    char text[17];

    snprintf(text, sizeof(text), "%016" PRIx64, x);
    json_pair_string(j, key, text);
}

static void pair_time(struct json_out *j, const char *key, int64_t ms)
{
    char text[CANON_RFC3339_SIZE] = "";

    if (ms != INT64_MIN)
        canon_rfc3339(ms, text);
    json_pair_string(j, key, *text ? text : NULL);
}

/* --- the snapshot itself --- */

static void put_parts(struct json_out *j, const struct state_header *h)
{
    json_key(j, "partitions");
    json_open(j, '[');
    for (size_t i = 0; i < h->part_count; i++) {
        const struct state_part *p = &h->parts[i];

        json_open(j, '{');
        json_pair_string(j, "topic", p->topic);
        json_pair_int(j, "partition", p->partition);
        json_pair_int(j, "origin", p->origin);
        json_pair_int(j, "next", p->next);
        pair_time(j, "watermark", p->watermark);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_key(j, "control");
    json_open(j, '[');
    for (size_t i = 0; i < h->control_count; i++) {
        json_open(j, '{');
        json_pair_int(j, "partition", h->controls[i].partition);
        json_pair_int(j, "next", h->controls[i].next);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void put_snapshot(struct json_out *j, const struct state_look *l)
{
    const struct state_header *h = &l->file.header;
    struct pipeline_gauges g;

    pipeline_gauges(l->pipeline, &g);
    json_pair_int(j, "generation", h->generation);
    pair_time(j, "taken_at", h->taken_at);
    json_pair_string(j, "group", h->group);
    json_pair_string(j, "cluster", *h->cluster_id ? h->cluster_id : NULL);
    pair_hex(j, "instance", h->instance);
    json_pair_int(j, "transaction", (int64_t)h->txn_seq);
    json_pair_int(j, "decision", (int64_t)h->decision_seq);
    json_pair_int(j, "machine", h->machine);
    pair_hex(j, "settings", h->settings_hash);
    pair_hex(j, "zone", h->zone_hash);
    json_pair_int(j, "bytes", (int64_t)l->file.size);
    json_pair_int(j, "entities", (int64_t)g.entities);
    json_pair_int(j, "alerts_firing", (int64_t)g.alerts_firing);
    put_parts(j, h);
}

/* --- its alerts --- */

static void put_dims(struct json_out *j, const struct judge *judge, const struct rule *r,
                     const struct watch *w)
{
    const struct segment_spec *spec = &judge->specs[r->spec];

    json_key(j, "dims");
    json_open(j, '{');
    for (int i = 0; i < spec->count; i++) {
        int dim = spec->dims[i];

        json_key(j, judge->funnel->settings->dims.items[dim].name);
        json_string(j, series_value(judge, &judge->series[w->series], dim));
    }
    json_close(j, '}');
}

static void put_alert(struct buf *out, const struct judge *judge, const struct rule *r,
                      const struct watch *w)
{
    struct json_out j = {.out = out};
    struct buf step = {0};

    funnel_step_name(judge->funnel, w->step, &step);
    json_open(&j, '{');
    json_key(&j, "alert");
    json_open(&j, '{');
    json_pair_string(&j, "funnel", judge->funnel->name);
    json_pair_string(&j, "rule", r->settings->id);
    json_pair_string(&j, "step", buf_cstr(&step));
    json_pair_string(&j, "state", alert_state_name(w->life.state));
    pair_time(&j, "since", w->life.fired_ms);
    put_dims(&j, judge, r, w);
    json_close(&j, '}');
    json_close(&j, '}');
    buf_char(out, '\n');
    buf_deinit(&step);
}

static void put_alerts(struct buf *out, const struct judge *judge)
{
    for (size_t i = 0; i < judge->rules->count; i++) {
        const struct rule *r = &judge->rules->items[i];

        for (size_t k = 0; k < r->count; k++) {
            const struct watch *w = &r->watches[k];

            if (w->life.state == ALERT_FIRING || w->life.state == ALERT_RESOLVING)
                put_alert(out, judge, r, w);
        }
    }
}

/* --- all of it --- */

static void put_reports(struct buf *out, const struct pipeline *p)
{
    const struct report_options options = {.format = REPORT_JSON, .cohort = -1};
    struct buf text = {0};
    size_t at = 0;

    report_write(p, &options, &text);
    while (at < text.len) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.len - at);
        size_t n = end ? (size_t)(end - line) : text.len - at;

        buf_str(out, "{\"report\":");
        buf_add(out, line, n);
        buf_str(out, "}\n");
        at += n + 1;
    }
    buf_deinit(&text);
}

static int export_one(const struct state_look *l)
{
    struct buf out = {0};
    struct json_out j = {.out = &out};
    int code = EXIT_OK;

    json_open(&j, '{');
    json_key(&j, "snapshot");
    json_open(&j, '{');
    put_snapshot(&j, l);
    json_close(&j, '}');
    json_close(&j, '}');
    buf_char(&out, '\n');
    put_reports(&out, l->pipeline);
    for (size_t i = 0; i < l->pipeline->funnel_count; i++)
        put_alerts(&out, &l->pipeline->judges[i]);
    if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
        perror("funneld state export: output");
        code = EXIT_IO;
    }
    buf_deinit(&out);
    return code;
}

int state_export(const struct state_dir *dir, uint32_t generation)
{
    uint32_t list[STATE_DIR_LIST] = {generation};
    size_t count = generation ? 1 : state_dir_list(dir, list);
    int code = EXIT_STATE;

    for (size_t i = 0; i < count && code == EXIT_STATE; i++) {
        struct state_look l;

        if (state_look_open(&l, dir, list[i]) && state_look_load(&l))
            code = export_one(&l);
        else
            fprintf(stderr, "funneld state export: %s: %s\n", buf_cstr(&l.name), l.why);
        state_look_close(&l);
    }
    if (count == 0)
        fprintf(stderr, "funneld state export: %s: no snapshots\n", dir->path);
    return code;
}

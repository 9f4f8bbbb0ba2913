/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/ready.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

__attribute__((format(printf, 2, 3))) static void reason(cJSON *reasons, const char *fmt, ...)
{
    char text[768];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cJSON_AddItemToArray(reasons, cJSON_CreateString(text));
}

static void ready_life(const struct ready_view *v, cJSON *reasons)
{
    switch (v->life) {
    case LIFE_STARTING:
        reason(reasons, "starting: %s", v->note && *v->note ? v->note : "making Kafka clients");
        break;
    case LIFE_REBUILDING:
        if (v->parts == 0)
            reason(reasons, "loading the saved state");
        else
            reason(reasons,
                   "rebuilding state from the log: %zu of %zu partitions are at their committed "
                   "offset",
                   v->parts - v->waiting, v->parts);
        break;
    case LIFE_RUNNING:
        break;
    case LIFE_DRAINING:
    case LIFE_STOPPED:
        reason(reasons, "stopping");
        break;
    }
}

static void ready_kafka(const struct ready_view *v, cJSON *reasons)
{
    if (v->brokers_down)
        reason(reasons, "no broker can be reached");
    if (v->aborts >= READY_ABORTS)
        reason(reasons, "%u attempts to commit failed: %s", v->aborts,
               v->abort_reason ? v->abort_reason : "unknown");
    else if (v->commit_ms >= READY_COMMIT_MS)
        reason(reasons, "a transaction waits for the brokers since %lld s",
               (long long)(v->commit_ms / 1000));
    if (v->input.error)
        reason(reasons, "%s cannot be read: %s", v->input.topic, v->input.error);
    if (v->alerts_refused)
        reason(reasons, "the alert topic refuses records: %s", v->alerts_refused);
    if (v->deadletters_refused)
        reason(reasons, "dead letters are switched off: their topic refuses them: %s",
               v->deadletters_refused);
}

static void ready_slowest(const struct ready_view *v, cJSON *root, cJSON *reasons)
{
    cJSON *slowest;
    char text[40];
    time_t seconds;
    struct tm tm;

    if (!v->slowest.topic)
        return;
    slowest = cJSON_AddObjectToObject(root, "slowest");
    cJSON_AddStringToObject(slowest, "topic", v->slowest.topic);
    cJSON_AddNumberToObject(slowest, "partition", v->slowest.partition);
    if (v->slowest.watermark != INT64_MIN) {
        seconds = (time_t)(v->slowest.watermark / 1000);
        gmtime_r(&seconds, &tm);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        cJSON_AddStringToObject(slowest, "watermark", text);
    } else {
        cJSON_AddNullToObject(slowest, "watermark");
        if (v->others_have_events)
            reason(reasons,
                   "%s/%d has had no event yet: no pane closes until it has one, or was quiet for "
                   "time.idle_after",
                   v->slowest.topic, v->slowest.partition);
    }
}

bool ready_write(const struct ready_view *v, struct buf *out)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *verdict = cJSON_AddBoolToObject(root, "ready", 1);
    cJSON *reasons;
    char *text;
    bool ready;

    cJSON_AddStringToObject(root, "state", life_name(v->life));
    reasons = cJSON_AddArrayToObject(root, "reasons");
    ready_life(v, reasons);
    ready_kafka(v, reasons);
    ready_slowest(v, root, reasons);
    ready = cJSON_GetArraySize(reasons) == 0;
    if (!ready)
        verdict->type = cJSON_False;
    text = cJSON_PrintUnformatted(root);
    if (text)
        buf_fmt(out, "%s\n", text);
    free(text);
    cJSON_Delete(root);
    return ready;
}

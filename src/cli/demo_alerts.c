/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strptime, timegm */
#endif
#include "cli/demo_alerts.h"

#include <math.h> /* NAN, isfinite */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

int64_t demo_time_parse(const char *text)
{
    struct tm tm = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    int ms = 0;

    if (!rest || (*rest == '.' && sscanf(rest, ".%3d", &ms) != 1))
        return -1;
    return (int64_t)timegm(&tm) * 1000 + ms;
}

void demo_time_format(int64_t ms, bool date, char *ret, size_t size)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&s, &tm);
    strftime(ret, size, date ? "%Y-%m-%d %H:%M" : "%H:%M", &tm);
}

static void copy_text(char *ret, size_t size, const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    snprintf(ret, size, "%s", text ? text : "");
}

static double number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static int64_t integer_of(const cJSON *object, const char *name)
{
    double x = number_of(object, name);

    return isfinite(x) ? (int64_t)x : 0;
}

static int64_t time_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    int64_t ms = demo_time_parse(text);

    return ms < 0 ? 0 : ms;
}

/* Labels that every alert has say nothing about which visitors it concerns. */
static void read_dims(struct demo_alert *x, const cJSON *labels)
{
    static const char *const known = " alertname severity funnel step ";
    const cJSON *label;
    size_t len = 0;

    cJSON_ArrayForEach (label, labels) {
        char word[DEMO_LABELS_MAX];
        int n;

        snprintf(word, sizeof(word), " %s ", label->string);
        if (strstr(known, word) || !cJSON_IsString(label))
            continue;
        n = snprintf(x->dims + len, sizeof(x->dims) - len, "%s%s=%s", len ? " " : "", label->string,
                     label->valuestring);
        if (n < 0 || len + (size_t)n >= sizeof(x->dims))
            return;
        len += (size_t)n;
    }
}

static void read_status(struct demo_alert *x, const cJSON *root)
{
    char status[16], reason[32];

    copy_text(status, sizeof(status), root, "status");
    copy_text(reason, sizeof(reason), root, "endsReason");
    x->firing = strcmp(status, "resolved") != 0;
    x->updated = strcmp(status, "updated") == 0;
    x->moved = strcmp(reason, "relocated") == 0;
    x->starts_ms = time_of(root, "startsAt");
    x->ends_ms = x->firing ? 0 : time_of(root, "endsAt");
    x->at_ms = time_of(cJSON_GetObjectItemCaseSensitive(root, "window"), "to");
    x->sequence = integer_of(root, "sequence");
}

static void read_evidence(struct demo_alert *x, const cJSON *root)
{
    const cJSON *effect = cJSON_GetObjectItemCaseSensitive(root, "effect");
    const cJSON *evidence = cJSON_GetObjectItemCaseSensitive(root, "evidence");

    x->onset_ms = time_of(root, "change_point");
    x->conversions = integer_of(cJSON_GetObjectItemCaseSensitive(root, "observed"), "conversions");
    x->expected = number_of(cJSON_GetObjectItemCaseSensitive(root, "expected"), "conversions");
    x->lost = number_of(effect, "lost_conversions");
    copy_text(x->lost_amount, sizeof(x->lost_amount), effect, "lost_amount");
    x->statistic = number_of(evidence, "statistic");
    x->threshold = number_of(evidence, "threshold");
}

static bool read_alert(struct demo_alert *x, const cJSON *root)
{
    const cJSON *labels = cJSON_GetObjectItemCaseSensitive(root, "labels");

    *x = (struct demo_alert){0};
    copy_text(x->fingerprint, sizeof(x->fingerprint), root, "fingerprint");
    copy_text(x->rule, sizeof(x->rule), cJSON_GetObjectItemCaseSensitive(root, "rule"), "id");
    copy_text(x->step, sizeof(x->step), labels, "step");
    copy_text(x->summary, sizeof(x->summary), cJSON_GetObjectItemCaseSensitive(root, "annotations"),
              "summary");
    read_dims(x, labels);
    read_status(x, root);
    read_evidence(x, root);
    return x->fingerprint[0] && x->rule[0] && x->starts_ms > 0;
}

static void alerts_remove(struct demo_alerts *a, size_t at)
{
    memmove(&a->items[at], &a->items[at + 1], (--a->count - at) * sizeof(a->items[0]));
}

const struct demo_alert *demo_alerts_take(struct demo_alerts *a, const char *value, size_t len)
{
    cJSON *root = cJSON_ParseWithLength(value, len);
    struct demo_alert x;
    bool good = root && read_alert(&x, root);

    cJSON_Delete(root);
    a->records++;
    if (!good) {
        snprintf(a->wrong, sizeof(a->wrong), "%.*s", (int)(len < 200 ? len : 200),
                 value ? value : "");
        return NULL;
    }
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].fingerprint, x.fingerprint) == 0) {
            /* The mock broker also shows what an aborted transaction wrote. */
            if (a->items[i].sequence >= x.sequence)
                return NULL;
            alerts_remove(a, i);
            break;
        }
    if (a->count == DEMO_ALERTS_MAX)
        alerts_remove(a, 0);
    a->items[a->count] = x;
    return &a->items[a->count++];
}

bool demo_alert_has(const struct demo_alert *x, const char *label, const char *value)
{
    char pair[DEMO_LABELS_MAX];

    snprintf(pair, sizeof(pair), "%s=%s", label, value);
    return strcmp(x->dims, pair) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A row for each rule and alertname, those of the rules first; an episode for each alert that fires now. */
#include "cli/replay_summary.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "funnel/canon.h"
#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"
#include "funnel/rules.h"

#define WEEK_DAYS 7.0

struct row {
    const struct judge *judge;
    size_t rule;     /* of the judge's */
    char *alertname; /* owned */
    size_t alerts;
    int64_t firing_ms;
};
struct firing {
    char *fingerprint; /* owned */
    size_t row;
    int64_t since_ms;
};
struct replay_summary {
    struct row *rows;
    size_t count, cap;
    struct firing *firing;
    size_t firing_count, firing_cap;
};

/* --- rows --- */

static size_t row_add(struct replay_summary *s, const struct judge *j, size_t rule,
                      const char *alertname)
{
    s->rows = mem_grow(s->rows, s->count, &s->cap, sizeof(*s->rows));
    s->rows[s->count] = (struct row){.judge = j, .rule = rule, .alertname = mem_strdup(alertname)};
    return s->count++;
}

struct replay_summary *replay_summary_new(const struct feed *f)
{
    struct replay_summary *s = mem_zero(1, sizeof(*s));

    for (size_t i = 0; i < f->pipeline->funnel_count; i++) {
        const struct judge *j = &f->pipeline->judges[i];

        for (size_t k = 0; k < j->rules->count; k++) {
            const struct settings_rule *r = j->rules->items[k].settings;

            if (!isnan(settings_rule_budget(r)))
                row_add(s, j, k, r->id);
        }
    }
    return s;
}

void replay_summary_free(struct replay_summary *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        mem_free(s->rows[i].alertname);
    for (size_t i = 0; i < s->firing_count; i++)
        mem_free(s->firing[i].fingerprint);
    mem_free(s->rows);
    mem_free(s->firing);
    mem_free(s);
}

static bool row_is_of(const struct row *x, const char *funnel, const char *rule)
{
    return strcmp(x->judge->funnel->name, funnel) == 0 &&
           strcmp(x->judge->rules->items[x->rule].settings->id, rule) == 0;
}

/* SIZE_MAX: the rule has no budget. */
static size_t row_of(struct replay_summary *s, const char *funnel, const char *rule,
                     const char *alertname)
{
    size_t any = SIZE_MAX;

    for (size_t i = 0; i < s->count; i++) {
        if (!row_is_of(&s->rows[i], funnel, rule))
            continue;
        if (strcmp(s->rows[i].alertname, alertname) == 0)
            return i;
        any = any == SIZE_MAX ? i : any;
    }
    if (any == SIZE_MAX)
        return SIZE_MAX;
    return row_add(s, s->rows[any].judge, s->rows[any].rule, alertname);
}

/* --- alerts --- */

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsString(x) ? x->valuestring : "";
}

static int64_t time_of(const cJSON *object, const char *key)
{
    int64_t ms = 0;

    (void)canon_time_rfc3339(span_of(text_of(object, key)), &ms);
    return ms;
}

static size_t firing_find(const struct replay_summary *s, const char *fingerprint)
{
    for (size_t i = 0; i < s->firing_count; i++)
        if (strcmp(s->firing[i].fingerprint, fingerprint) == 0)
            return i;
    return SIZE_MAX;
}

static void firing_end(struct replay_summary *s, size_t at, int64_t ms)
{
    struct firing *x = &s->firing[at];

    if (ms > x->since_ms)
        s->rows[x->row].firing_ms += ms - x->since_ms;
    mem_free(x->fingerprint);
    *x = s->firing[--s->firing_count];
}

/* An alert that is found again goes on with an earlier startsAt: it fires since the record says so. One that takes over
 * from another (relocated) is an alert of its own. */
static void firing_begin(struct replay_summary *s, const cJSON *alert, const char *fingerprint)
{
    const cJSON *labels = cJSON_GetObjectItemCaseSensitive(alert, "labels");
    const cJSON *rule = cJSON_GetObjectItemCaseSensitive(alert, "rule");
    size_t row = row_of(s, text_of(labels, "funnel"), text_of(rule, "id"),
                        text_of(labels, "alertname"));

    if (row == SIZE_MAX)
        return;
    s->rows[row].alerts++;
    s->firing = mem_grow(s->firing, s->firing_count, &s->firing_cap, sizeof(*s->firing));
    s->firing[s->firing_count++] = (struct firing){
        mem_strdup(fingerprint), row,
        time_of(cJSON_GetObjectItemCaseSensitive(alert, "window"), "to")};
}

static void summary_alert(struct replay_summary *s, const cJSON *alert)
{
    const char *status = text_of(alert, "status"), *fingerprint = text_of(alert, "fingerprint");
    size_t at = firing_find(s, fingerprint);

    if (strcmp(status, "resolved") == 0 && at != SIZE_MAX)
        firing_end(s, at, time_of(alert, "endsAt"));
    else if (strcmp(status, "firing") == 0 && at == SIZE_MAX)
        firing_begin(s, alert, fingerprint);
}

void replay_summary_take(struct replay_summary *s, const struct feed *f)
{
    for (size_t i = 0; i < f->out.count && s->count > 0; i++) {
        struct span value = record_value_of(&f->out, &f->out.items[i]);
        cJSON *alert;

        if (f->out.items[i].target != RECORD_ALERT || !value.p)
            continue;
        alert = cJSON_ParseWithLength(value.p, value.len);
        if (alert)
            summary_alert(s, alert);
        cJSON_Delete(alert);
    }
}

/* --- printing --- */

static double days_of(const struct judge *j, int64_t panes)
{
    return (double)panes * (double)j->funnel->pane_ms / (double)ZONE_DAY_MS;
}

/* Of the panes there were, about: those after the week of learning. Steps that begin with a target need none. */
static double days_tested(const struct judge *j, double target)
{
    double days;

    if (j->first_pane == INT64_MIN || j->closed < j->first_pane)
        return 0;
    days = days_of(j, j->closed - j->first_pane + 1) - (target > 0 ? 0 : DETECT_LEARNING_DAYS);
    return days > 0 ? days : 0;
}

/* Expected false alarms, and the rule's longest time of testing in days. */
static double row_expected(const struct row *x, double *ret_days)
{
    const struct judge *j = x->judge;
    const struct rule *r = &j->rules->items[x->rule];
    double sum = 0;

    *ret_days = 0;
    if (!detect_is_kind(r->settings->kind)) {
        *ret_days = days_tested(j, 0);
        return settings_rule_budget(r->settings) * *ret_days / WEEK_DAYS;
    }
    for (size_t i = 0; i < j->detect->track_count; i++) {
        const struct detect_track *t = &j->detect->tracks[i];
        double days = t->testing ? days_tested(j, t->target) : 0;

        for (size_t k = 0; k < t->battery_count; k++) {
            if (t->batteries[k].rule != x->rule)
                continue;
            sum += t->batteries[k].alpha * days / WEEK_DAYS;
            *ret_days = days > *ret_days ? days : *ret_days;
        }
    }
    return sum;
}

static int64_t row_firing_ms(const struct replay_summary *s, size_t row)
{
    const struct judge *j = s->rows[row].judge;
    int64_t ms = s->rows[row].firing_ms, end = (j->closed + 1) * j->funnel->pane_ms;

    for (size_t i = 0; i < s->firing_count; i++)
        if (s->firing[i].row == row && end > s->firing[i].since_ms)
            ms += end - s->firing[i].since_ms;
    return ms;
}

static void row_print(const struct replay_summary *s, size_t row)
{
    const struct row *x = &s->rows[row];
    const struct settings_rule *r = x->judge->rules->items[x->rule].settings;
    double days, expected = row_expected(x, &days);

    fprintf(stderr, "%s, rule %s", x->judge->funnel->name, r->id);
    if (strcmp(x->alertname, r->id) != 0)
        fprintf(stderr, ", %s", x->alertname);
    fprintf(stderr, ": %zu alert%s, %.1f h firing", x->alerts, x->alerts == 1 ? "" : "s",
            (double)row_firing_ms(s, row) / 3600000.0);
    if (strcmp(x->alertname, r->id) == 0) /* the budget is for all of its alertnames */
        fprintf(stderr, "; about %.2g false alarm%s to be expected of %.1f days tested", expected,
                expected == 1 ? "" : "s", days);
    fputc('\n', stderr);
}

void replay_summary_print(const struct replay_summary *s)
{
    for (size_t i = 0; i < s->count; i++)
        row_print(s, i);
}

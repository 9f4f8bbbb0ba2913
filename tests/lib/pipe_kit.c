/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pipe_kit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"

/* --- messages --- */

void pipe_log_add_keyed(struct pipe_log *l, uint32_t partition, int64_t timestamp, const char *key,
                        const char *value)
{
    struct pipe_line line = {
        .partition = partition, .timestamp = timestamp, .has_key = key, .has_value = value};

    line.offset = l->next[partition]++;
    line.at = l->text.len;
    buf_str(&l->text, value ? value : "");
    line.len = l->text.len - line.at;
    line.key_at = l->text.len;
    buf_str(&l->text, key ? key : "");
    line.key_len = l->text.len - line.key_at;
    l->lines = mem_grow(l->lines, l->count, &l->cap, sizeof(*l->lines));
    l->lines[l->count++] = line;
}

void pipe_log_add(struct pipe_log *l, uint32_t partition, int64_t timestamp, const char *value)
{
    pipe_log_add_keyed(l, partition, timestamp, NULL, value);
}

static struct message line_message(const struct pipe_log *l, const struct pipe_line *x)
{
    struct message m = {.offset = x->offset, .timestamp = x->timestamp, .partition = x->partition};

    if (x->has_value)
        m.value = (struct span){l->text.data + x->at, (uint32_t)x->len};
    if (x->has_key)
        m.key = (struct span){l->text.data + x->key_at, (uint32_t)x->key_len};
    return m;
}

/* Those made before are still right while their text has not moved: a log told line by line is not made anew for each. */
const struct message *pipe_log_messages(struct pipe_log *l)
{
    if (l->made_of != l->text.data)
        l->made = 0;
    l->made_of = l->text.data;
    for (; l->made < l->count; l->made++) {
        l->messages = mem_grow(l->messages, l->made, &l->message_cap, sizeof(*l->messages));
        l->messages[l->made] = line_message(l, &l->lines[l->made]);
    }
    return l->messages;
}

void pipe_log_deinit(struct pipe_log *l)
{
    buf_deinit(&l->text);
    mem_free(l->lines);
    mem_free(l->messages);
    *l = (struct pipe_log){0};
}

/* --- zones --- */

/* The last Sunday of a month, 01:00 UTC, in seconds. */
static int64_t summer_turn(int64_t year, int month)
{
    int64_t day = days_from_civil(year, month, 31);

    while (weekday_from_days(day) != 6)
        day--;
    return day * 86400 + 3600;
}

static struct zone *zone_berlin(void)
{
    int64_t at[2 * 42];
    int32_t offset[2 * 42 + 1] = {3600};
    size_t n = 0;

    for (int64_t year = 1996; year <= 2037; year++) {
        at[n++] = summer_turn(year, 3);
        offset[n] = 7200;
        at[n++] = summer_turn(year, 10);
        offset[n] = 3600;
    }
    return zone_new("Europe/Berlin", at, offset, n);
}

struct zone *pipe_zone(const char *name)
{
    if (strcmp(name, "Europe/Berlin") == 0)
        return zone_berlin();
    return zone_fixed(name, strcmp(name, "Asia/Shanghai") == 0 ? 8 * 3600 : 0);
}

/* --- the pipeline --- */

static struct settings *settings_or_exit(const char *yaml)
{
    struct settings_problems problems = {0};
    struct settings *s = settings_parse(yaml, strlen(yaml), &problems);

    for (size_t i = 0; !s && i < problems.count; i++)
        fprintf(stderr, "%u:%u: %s: %s\n", problems.items[i].mark.line,
                problems.items[i].mark.column, problems.items[i].path, problems.items[i].message);
    settings_problems_deinit(&problems);
    if (!s) {
        fprintf(stderr, "of the settings\n%s\n", yaml);
        abort();
    }
    return s;
}

void pipe_open(struct pipe *k, const char *yaml, size_t partitions)
{
    struct pipeline_source sources[PIPE_SOURCES_MAX];

    *k = (struct pipe){.settings = settings_or_exit(yaml)};
    k->zone = pipe_zone(k->settings->time.zone);
    for (size_t i = 0; i < partitions; i++)
        sources[i] = (struct pipeline_source){.topic = k->settings->inputs.items[0].topic,
                                              .partition = (int32_t)i};
    k->p = pipeline_new(k->settings, k->zone, sources, partitions);
}

void pipe_close(struct pipe *k)
{
    pipeline_free(k->p);
    records_deinit(&k->out);
    pipe_log_deinit(&k->log);
    zone_free(k->zone);
    settings_free(k->settings);
    *k = (struct pipe){0};
}

void pipe_switch(struct pipe *k, const char *yaml)
{
    struct settings *settings = settings_or_exit(yaml);
    struct zone *zone = pipe_zone(settings->time.zone);

    k->p = pipeline_switch(k->p, settings, zone, &k->out);
    zone_free(k->zone);
    settings_free(k->settings);
    k->settings = settings;
    k->zone = zone;
}

void pipe_feed(struct pipe *k)
{
    const struct message *m = pipe_log_messages(&k->log);

    pipeline_step(k->p, m + k->fed, k->log.count - k->fed, &k->out);
    k->fed = k->log.count;
}

void pipe_say(struct pipe *k, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    pipe_say_on(k, 0, -1, text);
}

void pipe_say_on(struct pipe *k, uint32_t partition, int64_t timestamp, const char *value)
{
    pipe_log_add(&k->log, partition, timestamp, value);
    pipe_feed(k);
}

void pipe_end(struct pipe *k)
{
    pipeline_end(k->p, &k->out);
}

void pipe_decide_at(struct pipe *k, uint32_t partition, enum decision_kind kind, int64_t at,
                    int64_t value)
{
    struct decision d = {
        .seq = ++k->decided, .source = partition, .kind = kind, .at = at, .value = value};

    pipeline_decide(k->p, &d);
}

void pipe_decide(struct pipe *k, uint32_t partition, enum decision_kind kind, int64_t value)
{
    pipe_decide_at(k, partition, kind, k->log.next[partition], value);
    pipeline_reach(k->p, partition, k->log.next[partition], &k->out);
}

struct judge *pipe_judge(struct pipe *k)
{
    return &k->p->judges[0];
}

struct judge_step *pipe_step_of(struct pipe *k, size_t leaf, int step)
{
    return &k->p->judges[0].leaves[leaf].steps[step];
}

void pipe_count(const struct pipe *k, struct counters *ret)
{
    pipeline_counters(k->p, ret);
}

void pipe_report(struct pipe *k, int cohort, struct buf *out)
{
    struct report_options options = {.format = REPORT_JSON, .cohort = cohort};

    report_write(k->p, &options, out);
}

bool pipe_reports(struct pipe *k, const char *part)
{
    struct buf text = {0};
    bool there;

    pipe_report(k, CALENDAR_DAY, &text);
    there = strstr(buf_cstr(&text), part) != NULL;
    if (!there)
        fprintf(stderr, "not in the report: %s\n%s\n", part, buf_cstr(&text));
    buf_deinit(&text);
    return there;
}

/* --- records --- */

static void add_span(struct buf *out, const char *name, struct span s)
{
    buf_fmt(out, " %s=", name);
    if (s.p)
        buf_add(out, s.p, s.len);
    else
        buf_str(out, "(absent)");
}

void pipe_record_text(const struct records *r, size_t i, struct buf *out)
{
    const struct record *x = &r->items[i];
    const char *name;
    struct span value;
    size_t at = 0;

    buf_fmt(out, "%s %" PRId64, x->target == RECORD_ALERT ? "alert" : "deadletter", x->timestamp);
    add_span(out, "key", record_key_of(r, x));
    while (record_header_next(r, x, &at, &name, &value))
        add_span(out, name, value);
    add_span(out, "value", record_value_of(r, x));
    buf_char(out, '\n');
}

static const char *copy_text(struct span s)
{
    static char text[512];

    snprintf(text, sizeof(text), "%.*s", (int)s.len, s.p ? s.p : "");
    return text;
}

const char *pipe_header(const struct records *r, size_t i, const char *wanted)
{
    const char *name;
    struct span value;
    size_t at = 0;

    while (record_header_next(r, &r->items[i], &at, &name, &value))
        if (strcmp(name, wanted) == 0)
            return copy_text(value);
    return NULL;
}

const char *pipe_field(const struct records *r, size_t i, const char *after, const char *key)
{
    struct span value = record_value_of(r, &r->items[i]);
    struct buf text = {0}, name = {0};
    const char *at, *end, *found = NULL;

    buf_add(&text, value.p, value.len);
    at = buf_cstr(&text);
    if (after) {
        buf_fmt(&name, "\"%s\":", after);
        at = strstr(at, buf_cstr(&name));
        buf_clear(&name);
    }
    buf_fmt(&name, "\"%s\":", key);
    at = at ? strstr(at, buf_cstr(&name)) : NULL;
    if (at) {
        at += name.len;
        end = *at == '"' ? strchr(++at, '"') : at + strcspn(at, ",}]");
        found = copy_text((struct span){at, (uint32_t)(end - at)});
    }
    buf_deinit(&text);
    buf_deinit(&name);
    return found;
}

/* --- dice --- */

uint64_t dice_next(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t dice_below(struct dice *d, int64_t n)
{
    return (int64_t)(dice_next(d) % (uint64_t)n);
}

bool dice_chance(struct dice *d, double p)
{
    return (double)(dice_next(d) >> 11) < p * 9007199254740992.0;
}

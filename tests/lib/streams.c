/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* --- settings --- */

static const char *pick(struct dice *d, const char *const *words, size_t count)
{
    return words[dice_below(d, (int64_t)count)];
}
#define PICK(d, ...) \
    pick(d, (const char *const[]){__VA_ARGS__}, \
         sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void put_rule_timing(struct dice *d, struct buf *y)
{
    buf_fmt(y, ", min_entries: %s, significance: %s, min_effect: %s", PICK(d, "3", "5", "8"),
            PICK(d, "0.05", "0.2"), PICK(d, "0", "10%"));
    buf_fmt(y, ", pending: %s, hold: %s, resolve_after: %s}\n", PICK(d, "0s", "0s", "7m", "1h"),
            PICK(d, "0s", "5m", "50m"), PICK(d, "0s", "0s", "3m", "95m"));
}

static void put_rules(struct dice *d, struct buf *y, bool dims, const char *by, unsigned flags)
{
    buf_str(y, "    rules:\n");
    if (!(flags & STREAM_STEADY))
        buf_str(
            y, "      - {id: quality, kind: data_quality, window: 30m, target: 10%, min_entries: 5,"
               " significance: 0.2}\n");
    if (dims)
        buf_str(y, "      - {id: mix, kind: mix, window: 2h, budget: 10/week}\n");
    buf_fmt(y, "      - {id: low, kind: target, window: %s, target: %s, clear: 60%%%s",
            PICK(d, "15m", "30m", "1h", "{calendar: day}"), PICK(d, "30%", "50%"), by);
    put_rule_timing(d, y);
    buf_fmt(
        y, "      - {id: change, kind: change, step: %s, window: 30m, against: %s, direction: %s%s",
        PICK(d, "a>b", "b>c", "overall"), PICK(d, "30m", "1h", "3h"),
        PICK(d, "drop", "rise", "both"), by);
    put_rule_timing(d, y);
    if (dice_chance(d, 0.5)) {
        buf_fmt(
            y,
            "      - {id: daily, kind: change, step: a>b, window: {calendar: %s}, direction: both",
            PICK(d, "day", "week"));
        put_rule_timing(d, y);
    }
    if (dice_chance(d, 0.5)) {
        buf_fmt(
            y,
            "      - {id: cohort, kind: target, measure: %s, step: a>b, window: %s, target: 50%%%s",
            d->state & 64 ? "cohort" : "matured", PICK(d, "1d", "2d", "{calendar: week}"), by);
        put_rule_timing(d, y);
    }
}

/* What detection is about. A step with a target and a dwell is tested from the first hour, by what mostly is wrong:
 * how alerts come does not matter here, so long as they do. */
static void put_detection(struct dice *d, struct buf *y)
{
    buf_fmt(y, "      - {id: drop, kind: drop, budget: %s, accept_after: %s}\n",
            PICK(d, "10/week", "10/week", "0.5/week"), PICK(d, "7d", "1d"));
    if (dice_chance(d, 0.5))
        buf_fmt(y, "      - {id: rise, kind: rise, step: %s, budget: 10/week, accept_after: 1d}\n",
                PICK(d, "a>b", "b>c"));
    if (dice_chance(d, 0.5))
        buf_fmt(y, "      - {id: volume, kind: volume, budget: 10/week, accept_after: %s}\n",
                PICK(d, "7d", "1d"));
}

static void put_funnel(struct dice *d, struct buf *y, int f, unsigned flags)
{
    bool dims = f > 0 || dice_chance(d, 0.7); /* where needs one */

    buf_fmt(y, "  f%d:\n    stages: [%s, {id: b, window: %s%s}, c%s]\n", f,
            PICK(d, "a", "{id: a, target: 95%, dwell: 5m}", "{id: a, target: 5%, dwell: 2m}"),
            PICK(d, "20m", "2h", "7h"),
            PICK(d, "", ", target: 95%, dwell: 5m", ", target: 5%, dwell: 1m"),
            PICK(d, "", ", {id: d, loop: true}"));
    buf_fmt(y, "    lost: [lost]\n    actions: [call]\n    reentry: %s\n",
            PICK(d, "new_attempt", "ignore"));
    if (dice_chance(d, 0.2))
        buf_str(y, "    order: strict\n");
    else
        buf_fmt(y, "    skip: %s\n    regress: %s\n",
                PICK(d, "credit", "direct", "ignore", "reject"),
                PICK(d, "back", "new_attempt", "ignore"));
    buf_fmt(y, "    window: %s\n    dedupe: %s\n    windows: [30m]\n", PICK(d, "15m", "1h", "5h"),
            PICK(d, "off", "1h"));
    if (dice_chance(d, 0.5))
        buf_str(y, "    overall: 8h\n    forget_after: 8h\n");
    if (dims)
        buf_fmt(y, "    dims: {channel: {%s}}\n",
                PICK(d, "top: 1", "top: 2", "top: 20", "values: [ads, seo]"));
    if (dice_chance(d, 0.5))
        buf_str(y, "    breakdowns: [owner]\n");
    if (f > 0)
        buf_str(y, "    where: {channel: [ads, seo, mail]}\n");
    put_rules(d, y, dims, dims && dice_chance(d, 0.7) ? ", by: [channel]" : "", flags);
    if (!(flags & STREAM_STEADY))
        put_detection(d, y);
}

static void put_settings(struct dice *d, struct stream *s, unsigned flags)
{
    struct buf *y = &s->yaml;
    int funnels = 1 + (int)dice_below(d, 2);
    const char *pane = PICK(d, "1m", "1m", "5m", "15m");

    s->pane_ms = strtoll(pane, NULL, 10) * MINUTE;
    buf_fmt(y, PIPE_KAFKA "inputs: [{topic: in%s}]\n",
            flags & STREAM_HEARD ? ", no_data: off" : "");
    buf_fmt(y,
            "time: {zone: %s, pane: %s, lateness: %s, late: %s, max_ahead: 10m, max_jump: 20m}\n",
            PICK(d, "UTC", "Europe/Berlin", "Asia/Shanghai"), pane,
            PICK(d, "0s", "2s", "90s", "5m"), PICK(d, "apply", "apply", "deadletter"));
    if (dice_chance(d, 0.3))
        buf_fmt(
            y,
            "limits: {leaves: %s, values: 20, breakdown_values: %s, reorder: %s, entities: %s}\n",
            PICK(d, "2", "5"), PICK(d, "2", "1000"), PICK(d, "4", "1000"), PICK(d, "20", "1000"));
    buf_str(y, "funnels:\n");
    for (int f = 0; f < funnels; f++)
        put_funnel(d, y, f, flags);
}

/* --- events --- */

#define RECENT 24

struct author {
    struct dice dice;
    struct stream *s;
    uint32_t partition;
    int64_t now, step_ms;
    int64_t phase_ms; /* every other phase converts badly */
    unsigned flags;
    int stage[RECENT]; /* of the entities that still move */
    int number[RECENT];
    int made;
};

static void author_line(struct author *a, int entity, const char *stage, const char *more)
{
    struct dice *d = &a->dice;
    int64_t disorder = dice_chance(d, 0.3) ? dice_below(d, dice_chance(d, 0.1) ? 8 * MINUTE : 2500)
                                           : 0;
    int64_t at = a->now - disorder, record = -1;
    char text[512];

    if (a->flags & STREAM_TIMESTAMPS) {
        record = a->now + dice_below(d, 1000);
        if (dice_chance(d, 0.01)) /* a clock that is wrong, by little or by much */
            at += dice_below(d, dice_chance(d, 0.5) ? 30 * MINUTE : 9 * MINUTE);
        if (dice_chance(d, 0.01)) {
            at += 2 * DAY;
            record += 2 * DAY;
        }
    }
    snprintf(text, sizeof(text),
             "{\"entity_id\":\"p%u-%d\",\"stage\":\"%s\",\"ts\":%" PRId64
             ",\"event_id\":\"%s%" PRId64 "\"%s}",
             a->partition, entity, stage, at, dice_chance(d, 0.02) ? "same" : "e",
             dice_chance(d, 0.02) ? 0 : (int64_t)(dice_next(d) >> 20), more);
    pipe_log_add(&a->s->log, a->partition, record, text);
}

static void author_attributes(struct author *a, char *ret, size_t size)
{
    static const char *const channels[] = {"ads", "seo", "mail", "shop", "fair", "x\\\"y"};
    struct dice *d = &a->dice;
    size_t n = 0;

    ret[0] = '\0';
    /* Which channel is the busiest changes as the days pass. */
    if (dice_chance(d, 0.8))
        n += (size_t)snprintf(ret + n, size - n, ",\"dims\":{\"channel\":\"%s\"}",
                              channels[(dice_below(d, 3) * dice_below(d, 3) + a->now / DAY) % 6]);
    if (dice_chance(d, 0.6))
        n += (size_t)snprintf(ret + n, size - n, ",\"amount\":%d,\"owner\":\"o%d\"",
                              (int)dice_below(d, 900), (int)dice_below(d, 5));
    if (dice_chance(d, 0.3))
        snprintf(ret + n, size - n, ",\"reason\":\"r%d\"", (int)dice_below(d, 4));
}

static void author_odd(struct author *a, int entity)
{
    static const char *const stages[] = {"nonsense", "call", "lost", "lost", "a", "d", "a", "c"};
    struct dice *d = &a->dice;
    char more[256];

    author_attributes(a, more, sizeof(more));
    switch (dice_below(d, 8)) {
    case 0:
        pipe_log_add(&a->s->log, a->partition, -1, "{\"entity_id\": not json");
        break;
    case 1:
        author_line(a, entity, "a", ",\"op\":\"d\"");
        break;
    case 2:
        strcat(more, ",\"op\":\"r\"");
        snprintf(more + strlen(more), sizeof(more) - strlen(more), ",\"entered_at\":%" PRId64,
                 a->now - dice_below(d, 6 * HOUR));
        author_line(a, 100000 + (int)dice_below(d, 100000), dice_chance(d, 0.5) ? "a" : "b", more);
        break;
    case 3:
        author_line(a, entity, "a", ",\"funnel\":\"other\"");
        break;
    default:
        author_line(a, entity, stages[dice_below(d, 8)], more);
    }
}

static void author_event(struct author *a)
{
    static const char *const stages[] = {"a", "b", "c", "d"};
    struct dice *d = &a->dice;
    int i = (int)dice_below(d, RECENT);
    bool bad = (a->now / a->phase_ms) % 2 != 0;
    char more[256];

    if (dice_chance(d, 0.06)) {
        author_odd(a, a->number[i]);
        return;
    }
    author_attributes(a, more, sizeof(more));
    if (a->stage[i] < 0 || a->stage[i] == 3 || dice_chance(d, 0.15)) {
        a->stage[i] = 0;
        a->number[i] = ++a->made;
    } else if (dice_chance(d, bad ? 0.08 : 0.85)) {
        a->stage[i]++;
    }
    author_line(a, a->number[i], stages[a->stage[i]], more);
}

/* The time passes; a gap is jumped over, with a quarter of an hour's silence before its end. */
static void author_wait(struct author *a)
{
    a->now += dice_below(&a->dice, 2 * a->step_ms);
    if (a->s->gap_to_ms > a->s->gap_from_ms && a->now >= a->s->gap_from_ms &&
        a->now < a->s->gap_to_ms)
        a->now = a->s->gap_to_ms + dice_below(&a->dice, a->step_ms) + 15 * MINUTE;
}

static void author_write(struct author *a, int64_t to_ms)
{
    for (int i = 0; i < RECENT; i++)
        a->stage[i] = -1;
    while (a->now < to_ms) {
        author_event(a);
        author_wait(a);
    }
}

/* Interleaves the partitions' lines by their time: how they would come in. */
static void stream_weave(struct stream *s, struct pipe_log *logs)
{
    size_t at[PIPE_SOURCES_MAX] = {0};
    struct pipe_log woven = {0};
    struct dice d = {s->seed ^ 77};

    for (;;) {
        size_t left = 0, p;

        for (size_t i = 0; i < s->partitions; i++)
            left += logs[i].count - at[i];
        if (left == 0)
            break;
        left = (size_t)dice_below(&d, (int64_t)left);
        for (p = 0; left >= logs[p].count - at[p]; p++)
            left -= logs[p].count - at[p];
        {
            const struct pipe_line *x = &logs[p].lines[at[p]++];
            char *text = mem_strndup(logs[p].text.data + x->at, x->len);

            pipe_log_add(&woven, (uint32_t)p, x->timestamp, text);
            mem_free(text);
        }
    }
    s->log = woven;
}

void stream_make(struct stream *s, uint64_t seed, size_t partitions, unsigned flags)
{
    struct dice d = {seed * 1000003};
    struct pipe_log logs[PIPE_SOURCES_MAX] = {0};
    bool slow = dice_chance(&d, 0.4);
    int64_t length = slow ? 12 * DAY : 18 * HOUR;

    *s = (struct stream){.seed = seed, .partitions = partitions};
    put_settings(&d, s, flags);
    /* Some begin shortly before a clock is set forward. */
    s->from_ms = days_from_civil(2024, 3, dice_chance(&d, 0.5) ? 28 : 4) * DAY +
                 dice_below(&d, DAY);
    if (flags & STREAM_GAP) {
        s->gap_from_ms = s->from_ms + length / 2;
        s->gap_to_ms = s->gap_from_ms + (dice_chance(&d, 0.5) ? 3 * HOUR : 4 * DAY) +
                       dice_below(&d, DAY);
    }
    for (size_t p = 0; p < partitions; p++) {
        struct author a = {
            .dice = {seed * 31 + p}, .s = s, .partition = (uint32_t)p, .flags = flags};
        struct pipe_log keep = s->log;

        s->log = (struct pipe_log){0};
        a.now = s->from_ms + dice_below(&a.dice, HOUR);
        a.step_ms = (slow ? 20 * MINUTE : 90000) * (int64_t)partitions / 2 + 1000;
        a.phase_ms = slow ? 30 * HOUR : 100 * MINUTE;
        author_write(&a, s->from_ms + length + s->gap_to_ms - s->gap_from_ms);
        logs[p] = s->log;
        s->log = keep;
    }
    stream_weave(s, logs);
    for (size_t p = 0; p < partitions; p++)
        pipe_log_deinit(&logs[p]);
}

void stream_deinit(struct stream *s)
{
    buf_deinit(&s->yaml);
    pipe_log_deinit(&s->log);
}

/* --- looking --- */

int64_t stream_time(struct stream *s, size_t line)
{
    const char *text = buf_cstr(&s->log.text) + s->log.lines[line].at,
               *ts = strstr(text, "\"ts\":");

    return ts && ts < text + s->log.lines[line].len ? strtoll(ts + 5, NULL, 10) : INT64_MIN;
}

/* --- interleavings --- */

/* How eager each partition is: once for the run, or anew from time to time. */
void stream_interleave(const struct stream *s, const size_t *lines, size_t count, uint64_t seed,
                       size_t *ret)
{
    size_t *of[PIPE_SOURCES_MAX], left[PIPE_SOURCES_MAX] = {0}, at[PIPE_SOURCES_MAX] = {0};
    int64_t eager[PIPE_SOURCES_MAX];
    struct dice d = {seed};

    for (size_t p = 0; p < s->partitions; p++) {
        of[p] = mem_alloc((count + 1) * sizeof(size_t));
        eager[p] = 1 + dice_below(&d, 50);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t p = s->log.lines[lines[i]].partition;

        of[p][left[p]++] = lines[i];
    }
    for (size_t i = 0; i < count;) {
        size_t p = (size_t)dice_below(&d, (int64_t)s->partitions);

        if (left[p] == at[p] || dice_below(&d, 50) > eager[p])
            continue;
        ret[i++] = of[p][at[p]++];
        if (dice_chance(&d, 0.005))
            eager[p] = 1 + dice_below(&d, 50);
    }
    for (size_t p = 0; p < s->partitions; p++)
        mem_free(of[p]);
}

/* One partition after the other, the last first: the others lag by the whole log. */
void stream_apart(const struct stream *s, const size_t *lines, size_t count, size_t *ret)
{
    size_t n = 0;

    for (size_t p = s->partitions; p-- > 0;)
        for (size_t i = 0; i < count; i++)
            if (s->log.lines[lines[i]].partition == p)
                ret[n++] = lines[i];
}

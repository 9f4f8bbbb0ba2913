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

static void put_rules(struct dice *d, struct buf *y, const char *by)
{
    buf_str(y, "    rules:\n");
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
            "      - {id: cohort, kind: target, measure: cohort, step: a>b, window: %s, target: 50%%%s",
            PICK(d, "1d", "2d", "{calendar: week}"), by);
        put_rule_timing(d, y);
    }
}

static void put_funnel(struct dice *d, struct buf *y, int f)
{
    bool dims = f > 0 || dice_chance(d, 0.7); /* where needs one */

    buf_fmt(y, "  f%d:\n    stages: [a, {id: b, window: %s}, c%s]\n", f, PICK(d, "20m", "2h", "7h"),
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
    put_rules(d, y, dims && dice_chance(d, 0.7) ? ", by: [channel]" : "");
}

static void put_settings(struct dice *d, struct stream *s)
{
    struct buf *y = &s->yaml;
    int funnels = 1 + (int)dice_below(d, 2);
    const char *pane = PICK(d, "1m", "1m", "5m", "15m");

    s->pane_ms = strtoll(pane, NULL, 10) * MINUTE;
    buf_fmt(y, PIPE_KAFKA "inputs: [{topic: in}]\n");
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
        put_funnel(d, y, f);
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
    put_settings(&d, s);
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

/* --- runs --- */

static int funnel_of(const struct records *r, size_t i)
{
    const char *name = pipe_field(r, i, NULL, "funnel");

    return name && name[0] == 'f' ? name[1] - '0' : 0;
}

static void take_records(struct pipe *k, struct run_result *ret)
{
    for (size_t i = 0; i < k->out.count; i++) {
        if (k->out.items[i].target == RECORD_DEADLETTER) {
            pipe_record_text(&k->out, i,
                             &ret->deadletters[atoi(pipe_header(&k->out, i, "funneld_partition"))]);
            continue;
        }
        pipe_record_text(&k->out, i, &ret->alerts[funnel_of(&k->out, i)]);
        ret->fired += strcmp(pipe_field(&k->out, i, NULL, "status"), "firing") == 0;
        ret->resolved += strcmp(pipe_field(&k->out, i, NULL, "status"), "resolved") == 0;
    }
}

void run_result_take(struct pipe *k, struct run_result *ret)
{
    struct counters sum;

    take_records(k, ret);
    pipe_report(k, CALENDAR_WEEK, &ret->report);
    for (size_t i = 0; i < k->p->source_count; i++)
        ret->tally_digests[i] = pipeline_tally_digest(k->p, (uint32_t)i);
    ret->judge_digest = pipeline_judge_digest(k->p);
    pipeline_counters(k->p, &sum);
    memcpy(ret->counts, sum.n, sizeof(ret->counts));
    for (size_t f = 0; f < k->p->funnel_count; f++)
        ret->conservation += judge_audit(&k->p->judges[f]);
}

void run_result_deinit(struct run_result *r)
{
    for (size_t i = 0; i < PIPE_SOURCES_MAX; i++)
        buf_deinit(&r->deadletters[i]);
    for (size_t i = 0; i < 4; i++)
        buf_deinit(&r->alerts[i]);
    buf_deinit(&r->report);
    *r = (struct run_result){0};
}

/* Where two texts part, with a little of both. */
static const char *text_differs(const char *what, const struct buf *a, const struct buf *b)
{
    static char said[1400];
    size_t at = 0, from;

    while (at < a->len && at < b->len && a->data[at] == b->data[at])
        at++;
    if (at == a->len && at == b->len)
        return NULL;
    from = at > 200 ? at - 200 : 0;
    snprintf(said, sizeof(said), "%s part at byte %zu of %zu and %zu:\n--- %.*s\n+++ %.*s", what,
             at, a->len, b->len, (int)(a->len - from > 500 ? 500 : a->len - from),
             a->data ? a->data + from : "", (int)(b->len - from > 500 ? 500 : b->len - from),
             b->data ? b->data + from : "");
    return said;
}

const char *run_result_differs(const struct run_result *a, const struct run_result *b)
{
    static char said[200];
    const char *differs = NULL;

    for (size_t i = 0; !differs && i < PIPE_SOURCES_MAX; i++)
        differs = text_differs("dead letters", &a->deadletters[i], &b->deadletters[i]);
    for (size_t i = 0; !differs && i < 4; i++)
        differs = text_differs("alerts", &a->alerts[i], &b->alerts[i]);
    if (!differs)
        differs = text_differs("reports", &a->report, &b->report);
    if (!differs && memcmp(a->tally_digests, b->tally_digests, sizeof(a->tally_digests)) != 0)
        return "tally digests differ";
    if (!differs && a->judge_digest != b->judge_digest)
        return "judge digests differ";
    for (int i = 0; !differs && i < COUNTER_COUNT; i++) {
        if (a->counts[i] == b->counts[i])
            continue;
        snprintf(said, sizeof(said), "counter %d: %" PRIu64 " and %" PRIu64, i, a->counts[i],
                 b->counts[i]);
        differs = said;
    }
    return differs;
}

void stream_run(struct stream *s, const size_t *order, size_t count, stream_batch_fn *batch,
                void *user, struct run_result *ret)
{
    const struct message *all = pipe_log_messages(&s->log);
    struct message *mine = mem_alloc((count + 1) * sizeof(*mine));
    struct pipe k;

    *ret = (struct run_result){0};
    for (size_t i = 0; i < count; i++)
        mine[i] = all[order ? order[i] : i];
    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    for (size_t at = 0, n; at < count; at += n) {
        n = batch ? batch(user, &k, at) : count;
        n = n > count - at ? count - at : n;
        pipeline_step(k.p, mine + at, n, &k.out);
    }
    pipe_end(&k);
    run_result_take(&k, ret);
    pipe_close(&k);
    mem_free(mine);
}

/* --- properties --- */

/* Leaves out ever smaller runs of lines while it still fails: for people, a minute of work at most. */
static size_t property_shrink(property_fn *check, struct stream *s, size_t *lines, size_t count)
{
    struct property_sums ignored = {0};
    size_t *less = mem_alloc((count + 1) * sizeof(*less));
    int tries = 3000;

    for (size_t run = count / 2; run > 0 && tries > 0; run = run > 1 ? (run + 1) / 2 : 0) {
        for (size_t from = 0; from < count && tries-- > 0;) {
            size_t gone = run < count - from ? run : count - from;

            memcpy(less, lines, from * sizeof(*less));
            memcpy(less + from, lines + from + gone, (count - from - gone) * sizeof(*less));
            if (check(s, less, count - gone, &ignored)) {
                count -= gone;
                memcpy(lines, less, count * sizeof(*less));
            } else {
                from += gone;
            }
        }
        if (run == 1)
            break;
    }
    mem_free(less);
    return count;
}

static void property_print(const struct stream *s, const size_t *lines, size_t count,
                           const char *wrong)
{
    fprintf(stderr, "SEED=%" PRIu64 ": %s\nsettings:\n%.*s%zu lines, partition timestamp value:\n",
            s->seed, wrong, (int)s->yaml.len, s->yaml.data, count);
    for (size_t i = 0; i < count && i < 60; i++) {
        const struct pipe_line *x = &s->log.lines[lines[i]];

        fprintf(stderr, "  p%u %" PRId64 " %.*s\n", x->partition, x->timestamp, (int)x->len,
                s->log.text.data + x->at);
    }
}

static const char *property_seed(property_fn *check, uint64_t seed, size_t max_partitions,
                                 unsigned flags, struct property_sums *sums)
{
    struct stream s;
    const char *wrong;
    size_t *lines, count;

    stream_make(&s, seed, 1 + seed % max_partitions, flags);
    count = s.log.count;
    lines = mem_alloc(count * sizeof(*lines));
    for (size_t i = 0; i < count; i++)
        lines[i] = i;
    sums->streams++;
    wrong = check(&s, lines, count, sums);
    if (wrong) {
        struct property_sums ignored = {0};

        count = property_shrink(check, &s, lines, count);
        wrong = check(&s, lines, count, &ignored);
        property_print(&s, lines, count, wrong);
    }
    mem_free(lines);
    stream_deinit(&s);
    return wrong;
}

const char *property_run(property_fn *check, uint64_t first, size_t count, size_t max_partitions,
                         unsigned flags, struct property_sums *ret_sums)
{
    const char *only = getenv("SEED"), *wrong = NULL;

    *ret_sums = (struct property_sums){0};
    if (only)
        return property_seed(check, strtoull(only, NULL, 10), max_partitions, flags, ret_sums);
    if (getenv("TEST_LIGHT")) /* under a sanitizer everything takes ten times as long */
        count = (count + 3) / 4;
    for (uint64_t seed = first; !wrong && seed < first + count; seed++)
        wrong = property_seed(check, seed, max_partitions, flags, ret_sums);
    return wrong;
}

size_t property_least(size_t n)
{
    return getenv("TEST_LIGHT") ? n / 8 : n;
}

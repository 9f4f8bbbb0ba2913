/* SPDX-License-Identifier: Apache-2.0 */
/* Other settings in the middle of a stream: what they leave alone goes on to the byte, and whatever they are,
 * every sum balances and is what the entity tables say. */
#define _GNU_SOURCE /* memmem */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "lib/saved.h"
#include "lib/standings.h"
#include "lib/streams.h"

/* Switches before some of the batches, each time to the next of these texts. */
struct switcher {
    struct dice dice;
    const char *yamls[4];
    size_t count, next, switches;
    double chance;
    bool restarts; /* saved and loaded now and then */
};

static size_t switch_and_go_on(void *user, struct pipe *k, size_t at)
{
    struct switcher *w = user;

    (void)at;
    if (dice_chance(&w->dice, w->chance)) {
        pipe_switch(k, w->yamls[w->next]);
        w->next = (w->next + 1) % w->count;
        w->switches++;
    }
    if (w->restarts && dice_chance(&w->dice, w->chance / 2)) {
        const char *wrong = saved_restart(k);

        cr_assert(!wrong, "%s", wrong);
    }
    return 1 + (size_t)dice_below(&w->dice, 60);
}

static const char *the_same_goes_on(struct stream *s, const size_t *lines, size_t count,
                                    struct property_sums *sums)
{
    struct switcher w = {
        .dice = {s->seed}, .yamls = {buf_cstr(&s->yaml)}, .count = 1, .chance = 0.1};
    struct run_result switched, whole;
    const char *wrong;

    stream_run(s, lines, count, switch_and_go_on, &w, &switched);
    stream_run(s, lines, count, NULL, NULL, &whole);
    sums->fired += switched.fired;
    sums->detected += switched.detected;
    sums->resolved += switched.resolved;
    wrong = run_result_differs(&whole, &switched);
    run_result_deinit(&switched);
    run_result_deinit(&whole);
    return wrong;
}

Test(switching, to_the_same_settings_changes_nothing)
{
    struct property_sums sums;
    const char *wrong = property_run(the_same_goes_on, 2001, 30, 3, STREAM_GAP | STREAM_TIMESTAMPS,
                                     &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(50),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

/* --- rules --- */

#define RULE "      - {id: more, kind: "

/* Rules before and after the others, with a window and a segment of their own. */
static void with_more_rules(const struct buf *yaml, struct buf *out)
{
    const char *at = yaml->data, *end = yaml->data + yaml->len;

    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)(line + 1 - at);

        buf_add(out, at, len);
        if (len == strlen("    rules:\n") && memcmp(at, "    rules:\n", len) == 0)
            buf_str(out, "      - {id: more, kind: target, target: 90%, window: 45m, by: [],"
                         " min_entries: 3}\n");
        at += len;
    }
    buf_str(out, "      - {id: most, kind: change, window: 15m, against: 6h, step: overall,"
                 " direction: both, min_entries: 2, significance: 0.2}\n");
}

/* What is left of the alerts without those of the rules that come and go. */
static void without_more(const struct buf *alerts, struct buf *out)
{
    const char *at = alerts->data, *end = alerts->data + alerts->len;

    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)(line + 1 - at);

        if (!memmem(at, len, "\"alertname\":\"mo", 15))
            buf_add(out, at, len);
        at += len;
    }
}

static size_t times(const struct buf *text, const char *what)
{
    size_t n = 0;

    for (const char *at = text->data;
         at && (at = memmem(at, (size_t)(text->data + text->len - at), what, strlen(what))); at++)
        n++;
    return n;
}

static const char *others_go_on(struct stream *s, const size_t *lines, size_t count,
                                struct property_sums *sums)
{
    struct buf more = {0}, left = {0}, expected = {0};
    struct switcher w = {
        .dice = {s->seed}, .yamls = {NULL, buf_cstr(&s->yaml)}, .count = 2, .chance = 0.1};
    struct run_result switched, whole;
    const char *wrong = NULL;

    with_more_rules(&s->yaml, &more);
    w.yamls[0] = buf_cstr(&more);
    stream_run(s, lines, count, switch_and_go_on, &w, &switched);
    stream_run(s, lines, count, NULL, NULL, &whole);
    sums->detected += whole.detected;
    for (size_t f = 0; !wrong && f < 2; f++) {
        buf_clear(&left);
        buf_clear(&expected);
        without_more(&switched.alerts[f], &left);
        without_more(&whole.alerts[f], &expected);
        if (strcmp(buf_cstr(&left), buf_cstr(&expected)) != 0)
            wrong = "the alerts of another rule have changed";
        sums->resolved += times(&switched.alerts[f], "rule_removed");
        sums->fired += times(&switched.alerts[f], "rule_changed");
    }
    if (!wrong && (switched.report.len != whole.report.len ||
                   memcmp(switched.report.data, whole.report.data, whole.report.len) != 0))
        wrong = "the report has changed";
    if (sums->fired > 0)
        wrong = "no rule was edited";
    buf_deinit(&more);
    buf_deinit(&left);
    buf_deinit(&expected);
    run_result_deinit(&switched);
    run_result_deinit(&whole);
    return wrong;
}

Test(switching, rules_that_come_and_go_leave_the_others_alone)
{
    struct property_sums sums;
    const char *wrong = property_run(others_go_on, 2101, 30, 3, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.resolved > property_least(20), "%zu resolved", sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

/* --- anything --- */

/* Every alert that fires is resolved, or fires at the end. */
static const char *alerts_pair(const struct run_result *r, size_t firing)
{
    return r->fired != r->resolved + firing ? "an alert was not resolved" : NULL;
}

/* Of one fingerprint: 1, 2, 3, … */
static const char *sequences_rise(const struct records *out)
{
    struct {
        char key[20];
        uint32_t sequence;
    } *seen = mem_zero(out->count + 1, sizeof(*seen));
    const char *wrong = NULL;
    size_t count = 0;

    for (size_t i = 0; !wrong && i < out->count; i++) {
        struct span key = record_key_of(out, &out->items[i]);
        size_t at = 0;

        if (out->items[i].target != RECORD_ALERT)
            continue;
        while (at < count && !span_is(key, seen[at].key))
            at++;
        count += at == count;
        memcpy(seen[at].key, key.p, key.len);
        if ((uint32_t)atoi(pipe_field(out, i, NULL, "sequence")) != ++seen[at].sequence)
            wrong = "the sequence of an alert does not rise by one";
    }
    mem_free(seen);
    return wrong;
}

static const char *sums_hold(struct stream *s, const size_t *lines, size_t count,
                             struct property_sums *sums)
{
    const struct message *all = pipe_log_messages(&s->log);
    struct stream others[3];
    struct switcher w = {.dice = {s->seed}, .count = 4, .chance = 0.1, .restarts = true};
    struct run_result result = {0};
    struct pipeline_gauges gauges;
    const char *wrong;
    struct pipe k;

    for (size_t i = 0; i < 3; i++) {
        stream_make(&others[i], s->seed + 100000 * (i + 1), 1, 0);
        w.yamls[i] = buf_cstr(&others[i].yaml);
    }
    w.yamls[3] = buf_cstr(&s->yaml);
    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    for (size_t at = 0, n; at < count; at += n) {
        n = switch_and_go_on(&w, &k, at);
        n = n < count - at ? n : count - at;
        run_result_audit(&k, &result);
        for (size_t i = at; i < at + n; i++)
            pipeline_step(k.p, &all[lines[i]], 1, &k.out);
    }
    pipe_end(&k);
    wrong = standings_differ(k.p);
    run_result_take(&k, &result);
    pipeline_gauges(k.p, &gauges);
    if (!wrong && result.conservation + result.counts[COUNTER_CONSERVATION] > 0)
        wrong = "a step does not balance";
    if (!wrong)
        wrong = run_result_differs(&result, &result);
    if (!wrong)
        wrong = alerts_pair(&result, gauges.alerts_firing);
    if (!wrong)
        wrong = sequences_rise(&k.out);
    sums->fired += result.fired;
    sums->detected += result.detected;
    sums->resolved += w.switches;
    run_result_deinit(&result);
    pipe_close(&k);
    for (size_t i = 0; i < 3; i++)
        stream_deinit(&others[i]);
    return wrong;
}

Test(switching, whatever_the_settings_are_sums_hold)
{
    struct property_sums sums;
    const char *wrong = property_run(sums_hold, 2201, 40, 3, STREAM_TIMESTAMPS, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(200),
              "%zu fired, %zu switches", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

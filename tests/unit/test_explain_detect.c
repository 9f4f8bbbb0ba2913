/* SPDX-License-Identifier: Apache-2.0 */
/* What explain says of the detector's rules: two entries a minute and channel, of which every second one converts after
 * a time with a median of five minutes, until those of channel b stop. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/explain.h"
#include "funnel/rules.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR 60
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY * MINUTE) /* 2024-03-18 */
#define STOP (12 * HOUR)

/* Minutes until a stay converts: the quantiles of an exponential distribution, each once in twenty minutes. */
#define DWELLS 20
#define DWELL_MOST 26
#define DWELL_MEAN 6.6
static int dwell_of(int64_t entered, int who)
{
    static const int dwells[DWELLS] = {0, 0, 0, 1, 1, 2,  2,  3,  3,  4,
                                       5, 6, 7, 8, 9, 10, 12, 15, 18, DWELL_MOST};

    return dwells[(entered * 7 + who * 3) % DWELLS];
}

static void open_funnel(struct pipe *k)
{
    pipe_open(k,
              PIPE_KAFKA "inputs: [{topic: in, no_data: off}]\n"
                         "time: {lateness: 0s, pane: 1m, zone: UTC}\n"
                         "funnels: {f: {stages: [{id: a, target: 50%, dwell: 5m}, b], window: 1h, "
                         "dims: {channel: {values: [a, b]}}, rules: [{id: low, kind: drop}, "
                         "{id: high, kind: rise}, {id: few, kind: volume}]}}\n",
              1);
}

static void say(struct pipe *k, int64_t minute, int who, const char *stage, int64_t entered)
{
    pipe_say(k,
             "{\"entity_id\":\"%" PRId64 "-%d\",\"stage\":\"%s\",\"ts\":%" PRId64
             ",\"dims\":{\"channel\":\"%s\"}}",
             entered, who, stage, T0 + minute * MINUTE, who % 2 ? "b" : "a");
}

/* Minutes of [from, to). */
static void run(struct pipe *k, int64_t from, int64_t to)
{
    for (int64_t at = from; at < to; at++) {
        for (int who = 0; who < 4; who++)
            say(k, at, who, "a", at);
        for (int64_t entered = at > DWELL_MOST ? at - DWELL_MOST : 0; entered <= at; entered++)
            for (int who = 0; who < (at < STOP ? 2 : 1); who++)
                if (dwell_of(entered, who) == at - entered)
                    say(k, at, who, "b", entered);
    }
}

static size_t explain(struct pipe *k, const struct explain_query *q, struct buf *out)
{
    buf_clear(out);
    return explain_write(k->p, q, out);
}

#define EXPECT_IN(text, part) \
    cr_expect(strstr(buf_cstr(text), part) != NULL, "no \"%s\" in\n%s", part, buf_cstr(text))
#define EXPECT_NOT_IN(text, part) \
    cr_expect(strstr(buf_cstr(text), part) == NULL, "\"%s\" in\n%s", part, buf_cstr(text))

/* The number after `word` in a line of the text that begins with `line`; -1: there is none. */
static double number_in(struct buf *text, const char *line, const char *word)
{
    const char *at = strstr(buf_cstr(text), line), *found = at ? strstr(at, word) : NULL;

    return found ? strtod(found + strlen(word), NULL) : -1;
}

Test(explain_detect, every_rule_is_explained_that_never_fired)
{
    const struct explain_query all = {0}, volume = {.step = "overall"}, low = {.rule = "low"};
    struct buf text = {0};
    struct pipe k;

    open_funnel(&k);
    run(&k, 0, 6 * HOUR);
    cr_expect(eq(sz, explain(&k, &all, &text), 3));
    EXPECT_IN(&text, "low: drop, funnel f, step a>b  (");
    EXPECT_IN(&text, "high: rise, funnel f, step a>b  (");
    EXPECT_IN(&text, "few: volume, funnel f, step overall  (");
    cr_expect(eq(sz, explain(&k, &volume, &text), 1));
    EXPECT_IN(&text, "learning: undecided before day 7");
    EXPECT_NOT_IN(&text, "  tests ");
    cr_expect(eq(sz, explain(&k, &low, &text), 1));
    EXPECT_IN(&text, "learned   0 days; 2880.0 conversions a day; p = ");
    EXPECT_IN(&text, "testing, by target and dwell\n");
    EXPECT_IN(&text, "  tests     16");
    EXPECT_IN(&text, "alert     quiet, 0 records so far\n");
    EXPECT_NOT_IN(&text, "incident");
    pipe_close(&k);
    buf_deinit(&text);
}

Test(explain_detect, counts_are_those_of_the_series)
{
    struct alert_dim channel = {span_of("channel"), span_of("a")};
    const struct explain_query whole = {.rule = "low"};
    const struct explain_query segment = {.rule = "low", .dims = &channel, .dim_count = 1};
    struct buf text = {0};
    struct pipe k;
    double expected;

    open_funnel(&k);
    run(&k, 0, 6 * HOUR);
    cr_expect(eq(sz, explain(&k, &whole, &text), 1));
    EXPECT_IN(&text, "hour      O = 120, E = ");
    /* Of a minute's four two convert, the others leave when they are older than an hour. */
    cr_expect(epsilon_eq(dbl, number_in(&text, "\n    all  ", "all"), 61 * 2 + DWELL_MEAN * 2, 4));
    cr_assert(
        eq(int, sscanf(strstr(buf_cstr(&text), "\n    all  "), " all %*f %lf", &expected), 1));
    cr_expect(expected > 1 && expected < 2.4, "two a minute: %s", buf_cstr(&text));
    expected = number_in(&text, "hour  ", "E = ");
    cr_expect(expected > 100 && expected < 140, "%s", buf_cstr(&text));
    cr_expect(eq(sz, explain(&k, &segment, &text), 1));
    EXPECT_IN(&text, "step a>b, channel=a  (");
    EXPECT_IN(&text, "hour      O = 60, E = ");
    cr_expect(epsilon_eq(dbl, number_in(&text, "\n    all  ", "all"), 61 + DWELL_MEAN, 2));
    channel.value = span_of("c");
    cr_expect(eq(sz, explain(&k, &segment, &text), 0));
    pipe_close(&k);
    buf_deinit(&text);
}

Test(explain_detect, an_alert_shows_its_evidence)
{
    struct explain_query q = {.rule = "low"};
    const struct detect *d;
    struct buf text = {0};
    struct pipe k;
    double due;

    open_funnel(&k);
    run(&k, 0, STOP + HOUR);
    d = pipe_judge(&k)->detect;
    cr_assert(eq(sz, d->incident_count, 1));
    /* The whole, and what an alert is about. */
    cr_expect(eq(sz, explain(&k, &q, &text), 2));
    q.fingerprint = strtoull(pipe_field(&k.out, 0, NULL, "fingerprint"), NULL, 16);
    cr_expect(eq(sz, explain(&k, &q, &text), 1));
    EXPECT_IN(&text, "step a>b, channel=b  (");
    EXPECT_IN(&text, pipe_field(&k.out, 0, NULL, "fingerprint"));
    EXPECT_IN(&text, "  incident  since 2024-03-18T1");
    EXPECT_IN(&text, "of them are explained by an alert that fires");
    EXPECT_IN(&text, "alert     firing since 2024-03-18T1");
    cr_expect(epsilon_eq(dbl, number_in(&text, "incident", "O = "), d->incidents[0].n, 0.5));
    cr_expect(epsilon_eq(dbl, number_in(&text, "incident", "E = "), d->incidents[0].e, 0.051));
    /* As its record says, which is less: the lost stay at risk. */
    due = incident_due(pipe_judge(&k), &d->incidents[0], d->cursor);
    cr_expect(lt(dbl, due, d->incidents[0].e));
    cr_expect(
        epsilon_eq(dbl, number_in(&text, "incident", "lost "), due - d->incidents[0].n, 0.051));
    cr_expect(ge(dbl, number_in(&text, "recovery", "recovery"), 0));
    q.fingerprint++;
    cr_expect(eq(sz, explain(&k, &q, &text), 0));
    pipe_close(&k);
    buf_deinit(&text);
}

/* A line of the table by age: stays, O and E. False: it has no such columns. */
static bool ages_in(struct buf *text, const char *line, double *ret_o, double *ret_e)
{
    const char *at = strstr(buf_cstr(text), line), *end = at ? strchr(at + 1, '\n') : NULL;
    char copy[128] = "";

    if (!end || end - at >= (int)sizeof(copy))
        return false;
    memcpy(copy, at, (size_t)(end - at));
    return sscanf(copy, " all %*f %*f %lf %lf", ret_o, ret_e) == 2;
}

Test(explain_detect, counts_by_age_add_up)
{
    const struct explain_query q = {.rule = "low"};
    double o = 0, e = 0, o_first = -1;
    const char *row;
    struct buf text = {0};
    struct pipe k;

    open_funnel(&k);
    run(&k, 0, 3 * HOUR);
    explain(&k, &q, &text);
    cr_expect(not(ages_in(&text, "\n    all  ", &o, &e)), "nobody has asked for them");
    explain_begin(k.p);
    run(&k, 3 * HOUR, 6 * HOUR);
    explain(&k, &q, &text);
    EXPECT_IN(&text, "; O, E: since 2024-03-18T0");
    cr_assert(ages_in(&text, "\n    all  ", &o, &e), "%s", buf_cstr(&text));
    cr_expect(eq(dbl, o, number_in(&text, "hour  ", "O = ")));
    cr_expect(epsilon_eq(dbl, e, number_in(&text, "hour  ", "E = "), 0.011));
    /* Of twenty conversions three come in the minute of their entry. */
    row = strstr(buf_cstr(&text), "\n    0s ");
    cr_assert(row && sscanf(row, " 0s %*f %*f %*f %lf", &o_first) == 1);
    cr_expect(eq(dbl, o_first, o * 3 / DWELLS));
    pipe_close(&k);
    buf_deinit(&text);
}

Test(explain_detect, counts_by_age_of_an_alert_are_since_its_onset)
{
    struct explain_query q = {.rule = "low"};
    const struct incident *c;
    double o = 0, e = 0;
    struct buf text = {0};
    struct pipe k;

    open_funnel(&k);
    explain_begin(k.p);
    run(&k, 0, STOP + HOUR / 2);
    cr_assert(eq(sz, pipe_judge(&k)->detect->incident_count, 1));
    c = &pipe_judge(&k)->detect->incidents[0];
    cr_assert(lt(i64, pipe_judge(&k)->detect->tracks[0].fine - c->onset, DETECT_FINE), "exact");
    q.fingerprint = strtoull(pipe_field(&k.out, 0, NULL, "fingerprint"), NULL, 16);
    explain(&k, &q, &text);
    cr_assert(ages_in(&text, "\n    all  ", &o, &e), "%s", buf_cstr(&text));
    cr_expect(epsilon_eq(dbl, o, c->n, 0.5));
    cr_expect(epsilon_eq(dbl, e, c->e, 0.011));
    pipe_close(&k);
    buf_deinit(&text);
}

static size_t lines_after(struct buf *text, const char *line)
{
    const char *at = strstr(buf_cstr(text), line);
    size_t n = 0;

    for (at = at ? strchr(at, '\n') : NULL; at && strncmp(at + 1, "    ", 4) == 0; n++)
        at = strchr(at + 1, '\n');
    return n;
}

Test(explain_detect, all_tests_where_asked_for)
{
    struct explain_query q = {.rule = "low"};
    struct buf text = {0};
    struct pipe k;

    open_funnel(&k);
    run(&k, 0, 6 * HOUR);
    explain(&k, &q, &text);
    cr_expect(le(sz, lines_after(&text, "  tests  "), 1 + 3));
    q.all_tests = true;
    explain(&k, &q, &text);
    cr_expect(eq(sz, lines_after(&text, "  tests  "), 1 + 16), "%s", buf_cstr(&text));
    pipe_close(&k);
    buf_deinit(&text);
}

Test(explain_detect, to_explain_changes_nothing)
{
    const struct explain_query all = {0};
    struct buf text = {0};
    struct pipe asked, other;

    open_funnel(&asked);
    open_funnel(&other);
    explain_begin(asked.p);
    for (int64_t at = 0; at < STOP + HOUR; at += 30) {
        run(&asked, at, at + 30);
        run(&other, at, at + 30);
        explain(&asked, &all, &text);
    }
    cr_assert(gt(sz, asked.out.count, 0));
    cr_assert(eq(sz, asked.out.count, other.out.count));
    for (size_t i = 0; i < asked.out.count; i++) {
        struct buf a = {0}, b = {0};

        pipe_record_text(&asked.out, i, &a);
        pipe_record_text(&other.out, i, &b);
        cr_expect(eq(str, buf_cstr(&a), buf_cstr(&b)));
        buf_deinit(&a);
        buf_deinit(&b);
    }
    pipe_close(&asked);
    pipe_close(&other);
    buf_deinit(&text);
}

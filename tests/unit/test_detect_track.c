/* SPDX-License-Identifier: Apache-2.0 */
/* Every W of every series, after every pane, against the plain recursion: stays kept in a list, each asked for its bin,
 * the chances of their leaf, the season and the level give what is expected, cusum_step() does the rest. The detector
 * advances all tests of a series together, bin by bin, from risk sets, and only hears of silent panes afterwards. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define PANE (5 * MINUTE)
#define PANES_A_DAY (DAY / PANE)
#define T0 (INT64_C(19800) * DAY) /* 2024-03-18, a Monday */
#define FIRST (T0 / PANE)
/* Four events or five come in a pane: a silence of one or two is none, an hour is an outage. */
#define OUTAGE 12  /* panes */
#define LONGEST 22 /* panes that a conversion takes; the window has 24 */

#define HEAD \
    PIPE_KAFKA "inputs: [{topic: in, no_data: off}]\n" \
               "time: {lateness: 0s, pane: 5m, zone: UTC}\n" \
               "funnels: {f: {window: 2h, dims: {channel: {values: [ads, seo]}}, stages: "
#define RULES \
    ",\n  rules: [{id: drop, kind: drop, budget: 1/week}, {id: rise, kind: rise}," \
    " {id: volume, kind: volume}]}}\n"
static const char learned[] = HEAD "[a, b]" RULES;
static const char configured[] = HEAD "[{id: a, target: 40%, dwell: 20m}, b]" RULES;

/* --- the reference --- */

#define TRACKS 2
#define SERIES_MAX 8
#define LEAVES_MAX 8
#define STAYS_MAX 4000
struct stay {
    int id;
    bool ads, over;     /* over: it has converted, in pane `due` */
    int64_t entry, due; /* panes; due: INT64_MAX, never */
};

struct reference {
    double w[SERIES_MAX][DETECT_TESTS];
    int64_t zero[SERIES_MAX][DETECT_TESTS];
    bool crossed; /* in this pane, or in a silent one before it */
};

struct world {
    struct pipe k;
    struct dice dice;
    struct stay stays[STAYS_MAX]; /* of the last few hours */
    int count, last_id;
    struct reference of[TRACKS];
    bool frozen[TRACKS][LEAVES_MAX]; /* when the pane began */
    size_t incidents[TRACKS];
    int64_t open, counted; /* the pane with events that is, and the last one that was; INT64_MIN */
    double convert[2], pace; /* of seo, ads: the chance; 1: the usual pace */
    /* what has been seen, so that nothing passes for want of it */
    int compared, eventless, charged, dropped, while_frozen, resets;
    bool positive[TRACKS][DETECT_TESTS];
};

static uint32_t leaf_of(const struct judge *j, bool ads)
{
    const char *wanted = ads ? "ads" : "seo";

    for (uint32_t i = 0; i < j->leaf_count; i++) {
        struct span text = names_text(&j->values[0], j->leaves[i].value[0]);

        if (text.len == 3 && memcmp(text.p, wanted, 3) == 0)
            return i;
    }
    return UINT32_MAX;
}

/* What is at risk in a pane, and who converts in it, by leaf and bin. */
static void stays_count(const struct world *x, const struct judge *j, const struct ages *a,
                        int64_t pane, double (*ret_y)[AGES_BINS], double (*ret_n)[AGES_BINS])
{
    uint32_t leaves[] = {leaf_of(j, false), leaf_of(j, true)};

    for (int i = 0; i < x->count; i++) {
        const struct stay *s = &x->stays[i];
        int bin = ages_bin(a, pane, s->entry);

        if (s->entry > pane || (s->over && s->due < pane) || bin == a->bins)
            continue;
        ret_y[leaves[s->ads]][bin]++;
        ret_n[leaves[s->ads]][bin] += s->over && s->due == pane;
    }
}

/* Of volume: a pane's entries are the events, and it is expected as one. */
static void entries_count(const struct world *x, const struct judge *j, int64_t pane,
                          double (*ret_y)[AGES_BINS], double (*ret_n)[AGES_BINS])
{
    for (uint32_t leaf = 0; leaf < j->leaf_count; leaf++)
        ret_y[leaf][0] = 1;
    for (int i = 0; i < x->count; i++)
        if (x->stays[i].entry == pane)
            ret_n[leaf_of(j, x->stays[i].ads)][0]++;
}

static void leaf_chances(const struct detect_track *t, uint32_t leaf, double *ret_h)
{
    if (t->volume)
        ret_h[0] = t->leaves[leaf].h[0];
    else if (t->known)
        hazard_chances(&t->pool, t->leaves[leaf].p, ret_h);
}

/* N_j and E_j of a series. */
static void series_sum(struct world *x, size_t track, uint32_t series, int64_t pane, double *ret_n,
                       double *ret_e)
{
    const struct judge *j = pipe_judge(&x->k);
    const struct detect_track *t = &j->detect->tracks[track];
    double y[LEAVES_MAX][AGES_BINS] = {0}, n[LEAVES_MAX][AGES_BINS] = {0};
    double hour = (double)((pane * PANE - T0) % (7 * DAY)) / HOUR;

    if (t->volume)
        entries_count(x, j, pane, y, n);
    else
        stays_count(x, j, t->ages, pane, y, n);
    for (uint32_t leaf = 0; leaf < j->leaf_count; leaf++) {
        double h[AGES_BINS] = {0};

        if (x->frozen[track][leaf] || !series_has(j, series, leaf))
            continue;
        leaf_chances(t, leaf, h);
        for (int bin = 0; bin < t->bins; bin++) {
            ret_n[bin] += n[leaf][bin];
            ret_e[bin] += y[leaf][bin] * h[bin] * season_at(t->factor[t->group[bin]], hour) *
                          t->gain;
        }
    }
}

/* What a test expects where hours are not known well yet: of each age what makes less of an alert. */
static const double *granted(const struct judge *j, const struct detect_track *t, uint32_t series,
                             size_t test, int64_t pane, const double *e, double *ret_e)
{
    struct doubt_shares shares[DETECT_GROUPS];

    if (!t->doubtful)
        return e;
    doubt_shares(j, t, series, pane, (int)detect_hour(j, pane) % 24, shares);
    for (int bin = 0; bin < t->bins; bin++) {
        const struct doubt_shares *share = &shares[t->group[bin]];

        ret_e[bin] = e[bin] * (t->tests[test].u[bin] < 0 ? share->least : share->most);
    }
    return ret_e;
}

static void reference_series(struct world *x, size_t track, uint32_t series, int64_t pane)
{
    const struct judge *j = pipe_judge(&x->k);
    const struct detect_track *t = &j->detect->tracks[track];
    const struct detect_series *s = &t->series[series];
    struct reference *r = &x->of[track];
    double n[AGES_BINS] = {0}, e[AGES_BINS] = {0}, least[AGES_BINS];

    if (!t->testing)
        return;
    series_sum(x, track, series, pane, n, e);
    for (size_t i = 0; i < t->test_count; i++) {
        double *w = &r->w[series][i];

        *w = isinf(s->b[i]) ? 0
                            : cusum_step(&t->tests[i], t->bins, *w, n,
                                         granted(j, t, series, i, pane, e, least), s->rho[i],
                                         1 / s->inverse[i]);
        if (*w == 0)
            r->zero[series][i] = pane;
        else if (r->zero[series][i] == INT64_MIN)
            r->zero[series][i] = pane - 1;
        r->crossed |= *w > s->b[i];
        x->positive[track][i] |= *w > 0;
    }
}

static void reference_reset(struct reference *r, int64_t pane)
{
    for (int i = 0; i < SERIES_MAX; i++)
        for (int k = 0; k < DETECT_TESTS; k++) {
            r->w[i][k] = 0;
            r->zero[i][k] = pane;
        }
    r->crossed = false;
}

static void reference_pane(struct world *x, int64_t pane)
{
    const struct judge *j = pipe_judge(&x->k);

    for (size_t i = 0; i < j->detect->track_count; i++)
        for (uint32_t k = 0; k < j->series_count; k++)
            reference_series(x, i, k, pane);
}

/* --- against the detector --- */

static void compare(struct world *x, size_t track, uint32_t series, int64_t pane)
{
    const struct detect_track *t = &pipe_judge(&x->k)->detect->tracks[track];
    const struct detect_series *s = &t->series[series];
    const struct reference *r = &x->of[track];

    for (size_t i = 0; i < t->test_count; i++) {
        double w = r->w[series][i];

        cr_assert(fabs(s->w[i] - w) <= 1e-9 * w + 1e-12,
                  "track %zu, series %u, test %zu, pane %d: %.17g, not %.17g", track, series, i,
                  (int)(pane - FIRST), s->w[i], w);
        if (t->testing && w > 1e-12)
            cr_assert(s->zero[i] == r->zero[series][i], "track %zu, series %u, test %zu, pane %d",
                      track, series, i, (int)(pane - FIRST));
        x->compared += w > 0;
    }
}

static size_t incidents_of(const struct judge *j, size_t track)
{
    size_t n = 0;

    for (size_t i = 0; i < j->detect->incident_count; i++)
        n += j->detect->incidents[i].track == track;
    return n;
}

/* An alert's begin and its end take the evidence away, and its leaves with them. */
static void alerts_step(struct world *x, int64_t pane)
{
    const struct judge *j = pipe_judge(&x->k);

    for (size_t i = 0; i < j->detect->track_count; i++) {
        size_t n = incidents_of(j, i);

        if (x->of[i].crossed || n < x->incidents[i]) {
            reference_reset(&x->of[i], pane);
            x->resets++;
        }
        x->incidents[i] = n;
    }
}

static void frozen_note(struct world *x)
{
    const struct judge *j = pipe_judge(&x->k);

    for (size_t i = 0; i < j->detect->track_count; i++)
        for (uint32_t leaf = 0; leaf < j->leaf_count; leaf++) {
            x->frozen[i][leaf] = j->detect->tracks[i].leaves[leaf].frozen;
            x->while_frozen += x->frozen[i][leaf];
        }
}

/* A pane with events is closed, and what was silent before it. */
static void pane_closed(struct world *x, int64_t pane)
{
    const struct judge *j = pipe_judge(&x->k);
    bool outage = x->counted != INT64_MIN && pane - x->counted > OUTAGE;

    for (int64_t quiet = x->counted + 1; x->counted != INT64_MIN && quiet < pane; quiet++) {
        if (!outage)
            reference_pane(x, quiet);
        *(outage ? &x->dropped : &x->charged) += 1;
    }
    reference_pane(x, pane);
    alerts_step(x, pane);
    for (size_t i = 0; i < j->detect->track_count; i++)
        for (uint32_t k = 0; k < j->series_count; k++)
            compare(x, i, k, pane);
    x->counted = pane;
    frozen_note(x);
}

/* --- what comes --- */

static void say(struct world *x, const struct stay *s, const char *stage, int64_t at)
{
    pipe_say(&x->k,
             "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64 ",\"dims\":{\"channel\":\"%s\"}}",
             s->id, stage, at, s->ads ? "ads" : "seo");
}

static void enter(struct world *x, int64_t pane, int64_t at)
{
    struct stay *s = &x->stays[x->count++];
    int64_t took = 0;

    cr_assert(x->count < STAYS_MAX);
    *s = (struct stay){.id = ++x->last_id, .ads = dice_chance(&x->dice, 0.5), .entry = pane};
    while (took < LONGEST && dice_chance(&x->dice, 0.75 * x->pace))
        took++;
    s->due = dice_chance(&x->dice, x->convert[s->ads]) ? pane + took : INT64_MAX;
    say(x, s, "a", at);
}

static void forget(struct world *x, int64_t pane)
{
    int kept = 0;

    for (int i = 0; i < x->count; i++)
        if (x->stays[i].entry > pane - 40)
            x->stays[kept++] = x->stays[i];
    x->count = kept;
}

/* Who is due in a silent pane converts with the first event after it. */
static void convert(struct world *x, int64_t pane, int64_t at)
{
    for (int i = 0; i < x->count; i++) {
        struct stay *s = &x->stays[i];

        if (s->over || s->due > pane || pane - s->entry > LONGEST)
            continue;
        s->over = true;
        s->due = pane;
        say(x, s, "b", at++);
    }
}

/* Something that no funnel knows, so that the pane is not silent; it closes those before. */
static void tick(struct world *x, int64_t pane)
{
    pipe_say(&x->k,
             "{\"entity_id\":\"t\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64 "}",
             pane * PANE);
}

enum pane_kind { BUSY, EVENTLESS, SILENT };

static void come(struct world *x, int64_t pane, enum pane_kind kind)
{
    if (kind == SILENT)
        return;
    tick(x, pane);
    if (x->open != INT64_MIN)
        pane_closed(x, x->open);
    x->open = pane;
    forget(x, pane);
    x->eventless += kind == EVENTLESS;
    for (int i = 0; kind == BUSY && i < 20; i++)
        if (dice_chance(&x->dice, 0.12))
            enter(x, pane, pane * PANE + i);
    if (kind == BUSY)
        convert(x, pane, pane * PANE + 1000);
}

static struct world *world_open(const char *yaml, uint64_t seed)
{
    struct world *x = mem_zero(1, sizeof(*x));

    pipe_open(&x->k, yaml, 1);
    cr_assert(pipe_judge(&x->k)->detect->track_count == TRACKS);
    x->dice.state = seed;
    x->open = x->counted = INT64_MIN;
    x->convert[0] = x->convert[1] = 0.4;
    x->pace = 1;
    for (int i = 0; i < TRACKS; i++)
        reference_reset(&x->of[i], INT64_MIN);
    return x;
}

static void world_close(struct world *x)
{
    pipe_close(&x->k);
    mem_free(x);
}

/* Every test has had something to say, of the first tracks. */
static void expect_all_tests(struct world *x, size_t tracks)
{
    const struct detect *d = pipe_judge(&x->k)->detect;

    for (size_t i = 0; i < tracks; i++)
        for (size_t k = 0; k < d->tracks[i].test_count; k++)
            cr_expect(x->positive[i][k], "track %zu, test %zu", i, k);
}

/* Busy days, with what is wanted of an hour of a day. */
static void days_come(struct world *x, int from, int to, int hour, int hours, enum pane_kind kind)
{
    for (int64_t i = from * PANES_A_DAY; i < to * PANES_A_DAY; i++) {
        int64_t at = i % PANES_A_DAY / 12;

        come(x, FIRST + i, at >= hour && at < hour + hours ? kind : BUSY);
    }
}

Test(detect_track, every_w_is_the_plain_recursion)
{
    struct world *x = world_open(learned, 5);

    days_come(x, 0, 8, 12, 0, BUSY);
    cr_expect(x->compared > 10000, "%d", x->compared);
    cr_expect(x->eventless + x->charged + x->dropped + x->while_frozen == 0);
    expect_all_tests(x, TRACKS);
    world_close(x);
}

Test(detect_track, panes_without_events_cost_what_was_expected)
{
    struct world *x = world_open(learned, 6);

    days_come(x, 0, 7, 12, 0, BUSY);
    days_come(x, 7, 8, 12, 1, EVENTLESS);
    cr_expect(x->eventless == 12 && x->charged + x->dropped == 0);
    expect_all_tests(x, TRACKS);
    world_close(x);
}

/* A silent pane here and there is charged by the next, one after the other; three hours are an outage. */
Test(detect_track, silent_panes_are_charged_or_dropped)
{
    struct world *x = world_open(learned, 7);

    for (int64_t i = 0; i < 8 * PANES_A_DAY; i++)
        come(x, FIRST + i, i % 12 == 5 || i % 48 == 6 ? SILENT : BUSY);
    cr_expect(x->charged == 8 * (24 + 6) && x->dropped == 0, "%d, %d", x->charged, x->dropped);
    days_come(x, 8, 9, 12, 3, SILENT);
    cr_expect(x->charged == 8 * (24 + 6) && x->dropped == 36, "%d, %d", x->charged, x->dropped);
    expect_all_tests(x, TRACKS);
    world_close(x);
}

/* Nobody of ads converts for half a day: its series stand still, the whole goes on without them. */
Test(detect_track, what_is_frozen_is_left_out)
{
    struct world *x = world_open(learned, 8);

    days_come(x, 0, 8, 12, 0, BUSY);
    x->convert[1] = 0;
    days_come(x, 8, 9, 12, 0, BUSY);
    cr_expect(x->while_frozen > 100 && x->resets == 1, "%d, %d", x->while_frozen, x->resets);
    x->convert[1] = 0.4;
    days_come(x, 9, 10, 12, 0, BUSY);
    cr_expect(pipe_judge(&x->k)->detect->incident_count == 0);
    cr_expect(x->resets == 2, "%d", x->resets);
    expect_all_tests(x, TRACKS);
    world_close(x);
}

/* What a configured rate and dwell expect is tested from the first hour, and derived anew each hour. */
Test(detect_track, so_it_is_from_the_first_hour)
{
    struct world *x = world_open(configured, 9);

    days_come(x, 0, 2, 12, 0, BUSY);
    cr_expect(x->compared > 10000, "%d", x->compared);
    expect_all_tests(x, 1);
    world_close(x);
}

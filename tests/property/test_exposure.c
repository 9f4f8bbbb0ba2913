/* SPDX-License-Identifier: Apache-2.0 */
/* Exposure through the whole pipeline: who is at risk in each pane by age, Y_j, and who advances, D_j (DETECTION
 * section 2), against a list of stays that is made first. Events are written from the list; ages, bins and panes are
 * computed here by the law's own words. The pipeline's are read after every pane: what the detector has counted that
 * day for each step and leaf, and who is left in the risk sets. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "lib/pipe_kit.h"
#include "lib/standings.h"

#define MINUTE INT64_C(60000)
#define DAY_PANES INT64_C(1440)
#define FIRST_PANE (INT64_C(19676) * DAY_PANES + 1200)
#define LENGTH INT64_C(900) /* panes with new entities: over one midnight */
#define PANES (LENGTH + 600)
#define LATENESS (3 * MINUTE)
#define STEPS 3 /* a>b, b>c, c>d; then the overall */
#define OVERALL STEPS
#define LOST (STEPS + 1) /* as a stage */
#define CHANNELS 3
#define BINS 24

static const char *const stages[] = {"a", "b", "c", "d"};
static const char *const channels[CHANNELS] = {"ads", "mail", "seo"};
static const struct {
    const char *text;
    int64_t panes;
} windows[] = {{"7m", 7}, {"45m", 45}, {"5h", 300}, {"1d", 1440}};

/* --- ages, by the law --- */

struct law {
    int bins;
    int64_t edge[BINS + 1], shift[BINS];
};

static void law_make(struct law *l, int64_t window)
{
    int i = 0;

    *l = (struct law){0};
    do {
        int64_t wanted = llround(pow((double)window, (double)i / 23.0));

        i++;
        l->edge[i] = wanted > l->edge[i - 1] ? wanted : l->edge[i - 1] + 1;
    } while (i < BINS && l->edge[i] < window);
    l->bins = i;
    l->edge[i] = window + 1;
    for (int j = 0; j < l->bins; j++) {
        double width = (double)(l->edge[j + 1] - l->edge[j]) / 16.0;
        int64_t own = width > 1 ? (int64_t)floor(log2(width)) : 0;

        l->shift[j] = j > 0 && l->shift[j - 1] > own ? l->shift[j - 1] : own;
    }
}

static int law_bin(const struct law *l, int64_t now, int64_t entry)
{
    int bin = 0;

    for (int j = 0; j < l->bins; j++)
        bin += now >= (((entry >> l->shift[j]) + 1) << l->shift[j]) - 1 + l->edge[j + 1];
    return bin;
}

/* --- the stays --- */

enum stay_end { STAY_OPEN, STAY_ADVANCED, STAY_OTHERWISE };
struct stay {
    int step, channel;
    int64_t begin_ms, end_ms; /* end: INT64_MAX where it is open */
    enum stay_end end;
};
struct line {
    int64_t at_ms, comes_ms; /* it comes when it does */
    size_t number;
    int entity, stage;
};
struct trial {
    struct dice dice;
    struct law laws[STEPS + 1];
    int64_t window_ms[STEPS + 1];
    struct stay *stays;
    size_t stay_count, stay_cap;
    struct line *lines;
    size_t line_count, line_cap;
    uint32_t (*y)[STEPS + 1][CHANNELS][BINS];    /* by pane since FIRST_PANE: at risk */
    uint32_t (*d)[STEPS + 1][CHANNELS][BINS];    /* advanced */
    uint32_t (*left)[STEPS + 1][CHANNELS][BINS]; /* open when the pane is over */
    int64_t checked;                             /* the last pane whose day's sums were compared */
    double sum_y[STEPS][CHANNELS][BINS], sum_d[STEPS][CHANNELS][BINS]; /* of the track's day */
    size_t panes, quiet, advanced; /* compared, silent ones among them, stays */
};

static void stay_add(struct trial *t, int step, int channel, int64_t begin_ms, int64_t end_ms,
                     bool advances)
{
    bool in_time = end_ms - begin_ms <= t->window_ms[step];

    t->stays = mem_grow(t->stays, t->stay_count, &t->stay_cap, sizeof(*t->stays));
    t->stays[t->stay_count++] = (struct stay){step, channel, begin_ms, end_ms,
                                              end_ms == INT64_MAX   ? STAY_OPEN
                                              : advances && in_time ? STAY_ADVANCED
                                                                    : STAY_OTHERWISE};
}

static void line_add(struct trial *t, int entity, int stage, int64_t at_ms)
{
    t->lines = mem_grow(t->lines, t->line_count, &t->line_cap, sizeof(*t->lines));
    t->lines[t->line_count] = (struct line){at_ms, at_ms + dice_below(&t->dice, LATENESS),
                                            t->line_count, entity, stage};
    t->line_count++;
}

/* Within the minute as often as beyond the window. */
static int64_t some_delay(struct trial *t)
{
    int64_t longest[] = {MINUTE, 10 * MINUTE, 100 * MINUTE, 700 * MINUTE};

    return 1 + dice_below(&t->dice, longest[dice_below(&t->dice, 4)]);
}

/* The first event that comes too late for it ends it. */
static void overall_end(struct trial *t, struct stay *s, int64_t at_ms, bool is_last)
{
    bool late = at_ms != INT64_MAX && at_ms - s->begin_ms > t->window_ms[OVERALL];

    if (s->end_ms != INT64_MAX || (!late && !is_last))
        return;
    s->end_ms = at_ms;
    stay_add(t, OVERALL, s->channel, s->begin_ms, at_ms, false);
}

/* From its first event on, until it stays where it is, is lost or has come to the last stage; at times a stage is
 * left out, which ends the stay otherwise than by advancing. Beyond the last stage: lost. */
static void entity_live(struct trial *t, int entity, int64_t at_ms)
{
    int64_t last_ms = (FIRST_PANE + PANES - 5) * MINUTE, before_ms;
    struct stay whole = {OVERALL, entity % CHANNELS, at_ms, INT64_MAX, STAY_OPEN};
    int stage = 0, next;

    line_add(t, entity, 0, at_ms);
    while (stage < STEPS) {
        before_ms = at_ms;
        at_ms += some_delay(t);
        if (at_ms >= last_ms || dice_chance(&t->dice, 0.3)) {
            stay_add(t, stage, whole.channel, before_ms, INT64_MAX, false);
            break;
        }
        next = dice_chance(&t->dice, 0.15) ? LOST : stage + 1 + dice_chance(&t->dice, 0.1);
        line_add(t, entity, next, at_ms);
        stay_add(t, stage, whole.channel, before_ms, at_ms, next == stage + 1 && next < LOST);
        overall_end(t, &whole, at_ms, next >= STEPS);
        stage = next;
    }
    if (stage < STEPS)
        overall_end(t, &whole, INT64_MAX, true);
}

static int line_compare(const void *pa, const void *pb)
{
    const struct line *a = pa, *b = pb;

    if (a->comes_ms != b->comes_ms)
        return a->comes_ms < b->comes_ms ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

/* Panes without any event come singly: a longer silence might be taken for an outage, which does not count. */
static void trial_write(struct trial *t)
{
    int64_t n = 0;
    int entity = 0;

    for (int64_t pane = FIRST_PANE; pane < FIRST_PANE + PANES; pane++) {
        int64_t least = n == 0;

        n = pane < FIRST_PANE + LENGTH ? dice_below(&t->dice, 4) : dice_chance(&t->dice, 0.5);
        n = n > least ? n : least;
        for (int64_t i = 0; i < n; i++)
            entity_live(t, entity++, pane * MINUTE + dice_below(&t->dice, MINUTE));
    }
    qsort(t->lines, t->line_count, sizeof(*t->lines), line_compare);
}

/* --- the brute force --- */

static void count_stay(struct trial *t, const struct stay *s)
{
    const struct law *l = &t->laws[s->step];
    int64_t entry = s->begin_ms / MINUTE;
    int64_t end = s->end == STAY_OPEN ? INT64_MAX : s->end_ms / MINUTE;

    for (int64_t pane = entry; pane <= end && pane < FIRST_PANE + PANES; pane++) {
        int bin = law_bin(l, pane, entry);

        if (bin >= l->bins)
            return;
        t->y[pane - FIRST_PANE][s->step][s->channel][bin]++;
        if (pane < end)
            t->left[pane - FIRST_PANE][s->step][s->channel][bin]++;
        else if (s->end == STAY_ADVANCED)
            t->d[pane - FIRST_PANE][s->step][s->channel][bin]++;
    }
}

static void trial_count(struct trial *t)
{
    t->y = mem_zero(PANES, sizeof(*t->y));
    t->d = mem_zero(PANES, sizeof(*t->d));
    t->left = mem_zero(PANES, sizeof(*t->left));
    for (size_t i = 0; i < t->stay_count; i++) {
        count_stay(t, &t->stays[i]);
        t->advanced += t->stays[i].end == STAY_ADVANCED;
    }
}

/* --- the comparison --- */

static size_t leaf_of(const struct judge *j, int channel)
{
    for (size_t i = 0; i < j->leaf_count; i++)
        if (span_is(names_text(&j->values[0], j->leaves[i].value[0]), channels[channel]))
            return i;
    return SIZE_MAX;
}

static void check_left(const struct trial *t, const struct judge *j)
{
    for (int channel = 0; channel < CHANNELS; channel++) {
        size_t leaf = leaf_of(j, channel);

        for (int step = 0; leaf != SIZE_MAX && step <= OVERALL; step++) {
            int at = step == OVERALL ? j->funnel->overall : step;
            struct judge_stays is = judge_step_stays(j, &j->leaves[leaf].steps[at]);

            cr_assert(memcmp(is.n, t->left[j->closed - FIRST_PANE][step][channel], sizeof(is.n)) ==
                          0,
                      "pane %" PRId64 ", step %d, %s: other stays are left", j->closed, step,
                      channels[channel]);
        }
    }
}

static const struct detect_track *track_of(const struct judge *j, int step)
{
    size_t i = 0;

    while (j->detect->tracks[i].volume || j->detect->tracks[i].step != step)
        i++;
    return &j->detect->tracks[i];
}

/* A track's day begins as many panes after midnight as its step has before it. */
static void sum_pane(struct trial *t, int64_t pane, int step)
{
    if (pane % DAY_PANES == step)
        for (int channel = 0; channel < CHANNELS; channel++) {
            memset(t->sum_y[step][channel], 0, sizeof(t->sum_y[step][channel]));
            memset(t->sum_d[step][channel], 0, sizeof(t->sum_d[step][channel]));
        }
    for (int channel = 0; channel < CHANNELS; channel++)
        for (int bin = 0; bin < BINS; bin++) {
            t->sum_y[step][channel][bin] += t->y[pane - FIRST_PANE][step][channel][bin];
            t->sum_d[step][channel][bin] += t->d[pane - FIRST_PANE][step][channel][bin];
        }
}

static void check_counted(const struct trial *t, const struct judge *j, int step)
{
    const struct detect_track *track = track_of(j, step);

    for (int channel = 0; channel < CHANNELS; channel++) {
        size_t leaf = leaf_of(j, channel);
        const struct detect_leaf_day *day;

        if (leaf == SIZE_MAX || leaf >= track->leaf_count)
            continue;
        day = &track->leaves[leaf].days[track->today];
        for (int bin = 0; bin < BINS; bin++)
            cr_assert(day->y[bin] == t->sum_y[step][channel][bin] &&
                          day->d[bin] == t->sum_d[step][channel][bin],
                      "pane %" PRId64 ", step %d, %s, bin %d: at risk %.0f, not %.0f; advanced "
                      "%.0f, not %.0f",
                      t->checked, step, channels[channel], bin, day->y[bin],
                      t->sum_y[step][channel][bin], day->d[bin], t->sum_d[step][channel][bin]);
    }
}

/* Silent panes count with the next event. */
static void check_pane(struct trial *t, const struct judge *j)
{
    if (j->closed < FIRST_PANE || j->detect->cursor == t->checked)
        return;
    check_left(t, j);
    for (int64_t pane = t->checked + 1; pane <= j->detect->cursor; pane++)
        for (int step = 0; step < STEPS; step++)
            sum_pane(t, pane, step);
    t->panes++;
    t->quiet += (size_t)(j->detect->cursor - t->checked - 1);
    t->checked = j->detect->cursor;
    for (int step = 0; step < STEPS; step++)
        check_counted(t, j, step);
}

/* --- trials --- */

static void trial_open(struct trial *t, struct pipe *k, uint64_t seed)
{
    char yaml[1000];
    const char *text[STEPS];

    *t = (struct trial){.dice = {seed}, .checked = FIRST_PANE - 1};
    for (int i = 0; i < STEPS; i++) {
        size_t w = (size_t)dice_below(&t->dice, 4);

        text[i] = windows[w].text;
        law_make(&t->laws[i], windows[w].panes);
        t->window_ms[i] = windows[w].panes * MINUTE;
        t->window_ms[OVERALL] += t->window_ms[i];
    }
    law_make(&t->laws[OVERALL], t->window_ms[OVERALL] / MINUTE);
    snprintf(yaml, sizeof(yaml),
             PIPE_KAFKA
             "inputs: [{topic: t, no_data: off}]\n"
             "time: {lateness: 3m}\n"
             "funnels:\n"
             "  f:\n"
             "    stages: [{id: a, window: %s}, {id: b, window: %s}, {id: c, window: %s}, d]\n"
             "    lost: [lost]\n"
             "    skip: direct\n"
             "    dims: {channel: {top: 5}}\n"
             "    rules: [{id: drop, kind: drop, budget: 0.1/week}]\n",
             text[0], text[1], text[2]);
    pipe_open(k, yaml, 1 + seed % 2);
}

static void trial_run(uint64_t seed, struct trial *sums)
{
    struct trial t;
    struct pipe k;
    int64_t next[2] = {0};

    trial_open(&t, &k, seed);
    trial_write(&t);
    trial_count(&t);
    for (size_t i = 0; i < t.line_count; i++) {
        const struct line *x = &t.lines[i];
        uint32_t partition = (uint32_t)x->entity % (uint32_t)k.p->source_count;
        char text[200];
        int len = snprintf(
            text, sizeof(text),
            "{\"entity_id\":\"e%d\",\"funnel\":\"f\",\"stage\":\"%s\",\"ts\":%" PRId64
            ",\"dims\":{\"channel\":\"%s\"}}",
            x->entity, x->stage == LOST ? "lost" : stages[x->stage], x->at_ms,
            channels[x->entity % CHANNELS]);
        struct message m = {.value = {text, (uint32_t)len},
                            .timestamp = -1,
                            .offset = next[partition]++,
                            .partition = partition};

        pipeline_step(k.p, &m, 1, &k.out);
        check_pane(&t, pipe_judge(&k));
        cr_assert(i % 100 != 0 || audit_differs(k.p) == NULL, "%s", audit_differs(k.p));
    }
    sums->panes += t.panes;
    sums->quiet += t.quiet;
    sums->advanced += t.advanced;
    mem_free(t.stays);
    mem_free(t.lines);
    mem_free(t.y);
    mem_free(t.d);
    mem_free(t.left);
    pipe_close(&k);
}

Test(exposure, is_what_a_list_of_stays_says)
{
    uint64_t trials = getenv("TEST_LIGHT") ? 2 : 16;
    struct trial sums = {0};

    for (uint64_t seed = 1; seed <= trials; seed++)
        trial_run(seed, &sums);
    cr_expect(sums.panes > 500 * trials && sums.quiet > 20 * trials && sums.advanced > 500 * trials,
              "%zu panes, %zu quiet, %zu advanced", sums.panes, sums.quiet, sums.advanced);
}

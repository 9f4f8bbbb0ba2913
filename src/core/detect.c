/* SPDX-License-Identifier: Apache-2.0 */
/* The detector's way through the panes.
 *
 * Panes that count are those in which a source had events. Before each, the silent ones since the
 * last are either charged one by one with nothing observed, or dropped: then their stays only grow older. */
#include "funnel/detect_parts.h"

#include <stdio.h>
#include <string.h>

#include "funnel/mem.h"
#include "funnel/pulse.h"
#include "funnel/rules.h"

/* Longer ones are no sign of anything, whoever watches the source: four days, of shorter panes than a minute fewer, as
 * all of them are charged at once. */
#define SILENCE_MOST_MS (4 * ZONE_DAY_MS)
#define SILENCE_MOST_PANES 5760

bool detect_is_kind(int rule_kind)
{
    return rule_kind == RULE_DROP || rule_kind == RULE_RISE || rule_kind == RULE_VOLUME;
}

/* --- what is watched --- */

static struct detect_track *track_at(struct detect *d, int step, bool volume, size_t *cap)
{
    struct detect_track *t;

    for (size_t i = 0; i < d->track_count; i++)
        if (d->tracks[i].step == step && d->tracks[i].volume == volume)
            return &d->tracks[i];
    d->tracks = mem_grow(d->tracks, d->track_count, cap, sizeof(*d->tracks));
    t = &d->tracks[d->track_count++];
    *t = (struct detect_track){.step = step, .volume = volume, .day = INT64_MIN, .gain = 1};
    return t;
}

static void track_add_rule(struct detect_track *t, const struct judge *j, size_t rule,
                           size_t steps_watched)
{
    const struct settings_rule *s = j->rules->items[rule].settings;
    struct detect_battery *b = &t->batteries[t->battery_count];

    if (t->battery_count == DETECT_BATTERIES) /* settings_check keeps it from happening */
        return;
    t->battery_count++;
    *b = (struct detect_battery){.rule = rule,
                                 .kind = s->kind,
                                 .first = t->test_count,
                                 .alpha = settings_rule_budget(s) / (double)steps_watched,
                                 .min_effect = s->min_effect};
    b->count = s->kind == RULE_DROP ? 3 * CUSUM_RATIOS + 1
                                    : (s->kind == RULE_RISE ? CUSUM_RATIOS - 1 : CUSUM_RATIOS);
    t->test_count += b->count;
}

static void detect_add_rule(struct detect *d, const struct judge *j, size_t rule, size_t *cap)
{
    const struct rule *r = &j->rules->items[rule];
    size_t steps = 0;

    if (r->settings->kind == RULE_VOLUME) {
        track_add_rule(track_at(d, 0, true, cap), j, rule, 1);
        return;
    }
    for (int step = 0; step < j->funnel->overall; step++)
        steps += r->steps[step];
    for (int step = 0; step < j->funnel->overall; step++)
        if (r->steps[step])
            track_add_rule(track_at(d, step, false, cap), j, rule, steps);
}

/* By the settings alone, so that no threshold depends on what has been seen of other series. */
static size_t series_allowed(const struct judge *j)
{
    size_t sum = 0;

    for (size_t k = 1; k < j->spec_count; k++) {
        size_t product = 1;

        for (int i = 0; i < j->specs[k].count; i++)
            product *= settings_dim_cap(&j->funnel->settings->dims.items[j->specs[k].dims[i]]);
        sum += product < SERIES_PER_SPEC_MAX ? product : SERIES_PER_SPEC_MAX;
    }
    return sum;
}

static void track_init(const struct judge *j, struct detect_track *t)
{
    ages_init(&t->one, 1);
    t->one.bins = 1;
    t->ages = t->volume ? &t->one : &j->funnel->ages[t->step];
    t->bins = t->ages->bins;
    t->coarse = t->fine = INT64_MIN;
    level_init(&t->level);
    for (int i = 0; i < DETECT_DAYS; i++)
        t->pending[i].day = INT64_MIN;
    for (int i = 0; i < CUSUM_SCALES; i++)
        t->blocks[i] = INT64_MIN;
    cold_init(j, t);
    track_derive(j, t);
}

struct detect *detect_new(const struct judge *j)
{
    struct detect *d = NULL;
    size_t cap = 0;

    for (size_t i = 0; i < j->rules->count; i++) {
        if (!detect_is_kind(j->rules->items[i].settings->kind))
            continue;
        if (!d) {
            d = mem_zero(1, sizeof(*d));
            d->cursor = d->day = d->blind_to = d->late_pane = INT64_MIN;
        }
        detect_add_rule(d, j, i, &cap);
    }
    if (!d)
        return NULL;
    d->others = series_allowed(j);
    for (size_t i = 0; i < d->track_count; i++)
        track_init(j, &d->tracks[i]);
    return d;
}

static void track_deinit(struct detect_track *t)
{
    for (int i = 0; i < DIMS_MAX; i++)
        mem_free(t->m[i]);
    mem_free(t->leaves);
    mem_free(t->series);
    mem_free(t->pane);
    look_free(t->look);
}

void detect_free(struct detect *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->track_count; i++)
        track_deinit(&d->tracks[i]);
    mem_free(d->tracks);
    mem_free(d->incidents);
    mem_free(d);
}

/* --- panes --- */

/* The settings have them as sorted texts. */
static bool is_holiday(const struct judge *j, int64_t day)
{
    const struct settings_strings *days = &j->funnel->root->time.holidays;
    struct civil c;
    size_t low = 0, high = days->count;
    char text[32];

    if (high == 0)
        return false;
    c = civil_from_days(day);
    snprintf(text, sizeof(text), "%04d-%02d-%02d", (int)c.year, c.month, c.day);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(days->items[middle], text);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static void detect_day_of(struct judge *j, int64_t pane)
{
    struct detect *d = j->detect;
    int64_t day = zone_day(j->zone, &d->zone, pane * j->funnel->pane_ms);

    if (day == d->day)
        return;
    d->day = day;
    d->holiday = is_holiday(j, day);
    d->day_first = -floor_div(-zone_day_start(j->zone, day), j->funnel->pane_ms);
}

double detect_hour(const struct judge *j, int64_t pane)
{
    struct zone_cursor *cursor = &j->detect->zone;
    int64_t ms = pane * j->funnel->pane_ms, local = ms + zone_offset(j->zone, cursor, ms);
    int hour = zone_hour_of_week(j->zone, cursor, ms);

    if (j->detect->holiday)
        hour = hour % 24 + 6 * 24;
    return hour +
           (double)(local - floor_div(local, ZONE_HOUR_MS) * ZONE_HOUR_MS) / (double)ZONE_HOUR_MS;
}

static void detect_open(struct judge *j, int64_t pane)
{
    detect_day_of(j, pane);
    for (size_t i = 0; i < j->detect->track_count; i++) {
        struct detect_track *t = &j->detect->tracks[i];

        track_reserve(j, t);
        track_day(j, t, (size_t)(t->volume ? j->funnel->overall : t->step), pane);
        track_expose(j, t, pane);
    }
}

static void detect_close(struct judge *j, int64_t pane)
{
    double hour = detect_hour(j, pane);

    for (size_t i = 0; i < j->detect->track_count; i++)
        track_finish(j, &j->detect->tracks[i], pane, hour);
    j->detect->cursor = pane;
}

static bool was_outage(const struct judge *j, int64_t pane)
{
    for (size_t i = 0; i < j->pulse_count; i++)
        if (pulse_was_outage(j->pulses[i], pane))
            return true;
    return false;
}

static void detect_catch_up(struct judge *j, int64_t pane)
{
    struct detect *d = j->detect;

    /* Found before a pane that did not count: it is found again, as the sum still stands there. */
    for (size_t i = 0; i < d->track_count; i++)
        for (size_t b = 0; b < DETECT_BATTERIES; b++)
            d->tracks[i].crossing[b].found = false;
    if (d->cursor == INT64_MIN || d->cursor >= pane - 1 || was_outage(j, pane) ||
        pane - d->cursor > SILENCE_MOST_PANES ||
        pane - d->cursor > SILENCE_MOST_MS / j->funnel->pane_ms)
        return;
    for (int64_t quiet = d->cursor + 1; quiet < pane; quiet++) {
        detect_open(j, quiet);
        detect_close(j, quiet);
    }
}

/* Tests begin anew after it, and nothing that the day counted until then is learned. */
static void detect_blind(struct judge *j, int64_t pane)
{
    for (size_t i = 0; i < j->detect->track_count; i++) {
        struct detect_track *t = &j->detect->tracks[i];

        track_reset(t, pane);
        track_drop(t);
        if (t->day != INT64_MIN)
            track_taint(j, t, 0, pane);
    }
}

bool detect_begin(struct judge *j, int64_t pane, bool dark)
{
    struct detect *d = j->detect;

    if (d->blind_to != INT64_MIN && pane <= d->blind_to) {
        detect_late(j, pane);
        d->cursor = pane;
        return false;
    }
    detect_catch_up(j, pane);
    if (dark)
        d->cursor = pane;
    return !dark;
}

void detect_expose(struct judge *j, int64_t pane)
{
    detect_open(j, pane);
    j->detect->exposed = true;
}

static void track_advance(const struct judge *j, struct detect_track *t, uint32_t leaf, int bin,
                          double n)
{
    const struct judge_leaf *of = &j->leaves[leaf];
    bool frozen = t->leaves[leaf].frozen;

    if (!frozen)
        t->leaves[leaf].days[t->today].d[bin] += n;
    for (size_t k = 0; k < j->spec_count; k++) {
        struct detect_pane *p = &t->pane[of->series[k]];

        *(frozen ? &p->fn[bin] : &p->n[bin]) += n;
    }
}

void detect_advance(struct judge *j, uint32_t leaf, int step, int bin, uint32_t n)
{
    struct detect *d = j->detect;

    for (size_t i = 0; d->exposed && i < d->track_count; i++)
        if (d->tracks[i].step == step && !d->tracks[i].volume && bin < d->tracks[i].bins)
            track_advance(j, &d->tracks[i], leaf, bin, n);
}

void detect_finish(struct judge *j, int64_t pane, struct records *out)
{
    j->detect->exposed = false;
    if (detect_late(j, pane)) {
        detect_blind(j, pane);
        j->detect->cursor = pane;
        return;
    }
    detect_close(j, pane);
    incidents_step(j, pane, out);
}

void detect_regroup(struct judge *j)
{
    for (size_t i = 0; i < j->detect->track_count; i++)
        track_reserve(j, &j->detect->tracks[i]);
    incidents_mark(j);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Given traffic goes down the funnel by the stages' targets; what was seen of a file is what the detector has learned
 * of it. The rules are compiled as for a run, so steps, budgets and segments are the real ones. */
#include "cli/check_sight.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"
#include "funnel/pipeline_parts.h"
#include "funnel/rules.h"
#include "funnel/visibility.h"

#define RATE_ASSUMED 0.5
#define DAYS_ASSUMED 30
#define SEGMENT 0.1

struct sight {
    const struct judge *j;
    bool given;
    double entries[STEPS_MAX], rate[STEPS_MAX]; /* a day; by step */
};

/* --- traffic --- */

static void sight_give(struct sight *s, double per_day)
{
    const struct funnel *f = s->j->funnel;
    double entries = per_day;

    for (int step = 0; step < f->stage_count - 1; step++) {
        double target = f->settings->stages.items[step].target;

        s->entries[step] = entries;
        s->rate[step] = target > 0 ? target : RATE_ASSUMED;
        entries *= s->rate[step];
    }
    s->entries[f->overall] = per_day;
    s->rate[f->overall] = 1;
    for (int step = 0; step < f->won && step < f->stage_count - 1; step++)
        s->rate[f->overall] *= s->rate[step];
}

static void sight_learn(struct sight *s)
{
    const struct judge *j = s->j;
    double days = 0;

    if (j->first_pane != INT64_MIN && j->last_pane >= j->first_pane)
        days = (double)(j->last_pane - j->first_pane + 1) * (double)j->funnel->pane_ms /
               (double)ZONE_DAY_MS;
    for (int step = 0; step <= j->funnel->overall; step++) {
        double entered = 0, advanced = 0;

        for (size_t i = 0; i < j->leaf_count; i++) {
            const struct judge_step *x = &j->leaves[i].steps[step];

            entered += (double)(x->entered + x->credited);
            advanced += (double)(x->exits[EXIT_ADVANCED] + x->credited);
        }
        s->entries[step] = days > 0 ? entered / days : 0;
        s->rate[step] = entered > 0 ? advanced / entered : 0;
    }
}

/* --- rules of the detector --- */

static void time_text(double days, char text[32])
{
    if (isinf(days))
        snprintf(text, 32, "not in %.0f d", VISIBILITY_DAYS_MAX);
    else if (days < 2.0 / 24)
        snprintf(text, 32, "%.0f min", ceil(days * 1440));
    else if (days < 2)
        snprintf(text, 32, "%.1f h", days * 24);
    else
        snprintf(text, 32, "%.1f d", days);
}

static void put_times(const char *where, const struct visibility *v)
{
    char little[32], half[32], all[32];

    time_text(visibility_days(v, v->series.rise ? 1.2 : 0.8), little);
    time_text(visibility_days(v, v->series.rise ? 1.5 : 0.5), half);
    time_text(visibility_days(v, v->series.rise ? 2 : 0), all);
    printf("    %-18s  20 %% %s: %-11s  50 %% %s: %-11s  %s: %s\n", where,
           v->series.rise ? "more" : "lost", little, v->series.rise ? "more" : "lost", half,
           v->series.rise ? "twice" : "all lost", all);
}

static void put_head(const struct sight *s, const struct settings_rule *r, int kind, int step)
{
    static const char *const kinds[RULE_KINDS] = {
        [RULE_TARGET] = "target", [RULE_BENCHMARK] = "benchmark", [RULE_CHANGE] = "change",
        [RULE_DROP] = "drop",     [RULE_RISE] = "rise",           [RULE_VOLUME] = "volume"};
    struct buf name = {0};

    funnel_step_name(s->j->funnel, step, &name);
    printf("  %s (%s)%s%s: ", r->id, kinds[kind], kind == RULE_VOLUME ? "" : " of ",
           kind == RULE_VOLUME ? "" : buf_cstr(&name));
    buf_deinit(&name);
}

static void sight_learned(const struct sight *s, const struct detect_track *t, struct visibility *v)
{
    struct track_facts facts;

    if (t->series_count == 0)
        return;
    facts = track_facts(s->j, t, 0);
    v->series.nu = facts.nu;
    v->series.o = facts.o;
    v->level_variance = t->level.p;
    v->short_history = track_is_short(s->j, t);
    for (int i = 0; i < CUSUM_SCALES; i++)
        v->phi[i] = t->series[0].phi[CUSUM_ALL][i];
}

static struct visibility sight_of(const struct sight *s, const struct detect_track *t,
                                  const struct detect_battery *b)
{
    struct visibility v = {
        .series = {.alpha = b->alpha,
                   .share = threshold_share(0, t->volume ? 0 : s->j->detect->others),
                   .rise = b->kind == RULE_RISE,
                   .pane_ms = s->j->funnel->pane_ms},
        .min_effect = b->min_effect};

    if (!s->given) {
        sight_learned(s, t, &v);
        return v;
    }
    visibility_learned(&v, s->entries[t->step] * (t->volume ? 1 : s->rate[t->step]), DAYS_ASSUMED);
    v.short_history = !t->volume && s->j->funnel->window_ms[t->step] > DAYS_ASSUMED * ZONE_DAY_MS;
    return v;
}

static void sight_battery(const struct sight *s, const struct detect_track *t,
                          const struct detect_battery *b)
{
    const struct rule *r = &s->j->rules->items[b->rule];
    struct visibility v = sight_of(s, t, b), segment;

    put_head(s, r->settings, b->kind, t->step);
    if (!s->given && !t->testing) {
        printf("not tested yet, %" PRId64 " of %d days learned\n", t->days_learned,
               DETECT_LEARNING_DAYS);
        return;
    }
    printf("%.*f %s a day\n", v.series.nu < 10 ? 1 : 0, v.series.nu,
           t->volume ? "entries" : "conversions");
    put_times("the funnel", &v);
    if (s->j->detect->others == 0 || t->volume)
        return;
    segment = visibility_segment(&v, SEGMENT, threshold_share(1, s->j->detect->others));
    put_times("a segment of 10 %", &segment);
}

/* --- rules that look at a window --- */

static double window_days(const struct settings_window *w)
{
    static const double calendar[] = {
        [CALENDAR_DAY] = 1, [CALENDAR_WEEK] = 7, [CALENDAR_MONTH] = 30, [CALENDAR_QUARTER] = 91};

    return w->calendar >= 0 ? calendar[w->calendar] : (double)w->ms / (double)ZONE_DAY_MS;
}

static void sight_window(const struct sight *s, const struct rule *r, int step)
{
    const struct settings_rule *x = r->settings;
    bool change = x->kind == RULE_CHANGE;
    double n = s->entries[step] * window_days(&x->window);
    double rate = change ? s->rate[step] : x->target;
    double drop = visibility_window(n, rate, r->z, change);

    if (drop < x->min_effect)
        drop = x->min_effect;
    put_head(s, x, x->kind, step);
    printf("%.0f entries in its window", n);
    if (n < (double)x->min_entries)
        printf(", below its min_entries %" PRId64 ": sees nothing\n", x->min_entries);
    else if (drop > 1)
        printf(": no drop from %.3g %% is large enough\n", rate * 100);
    else
        printf(": a drop of %.2g %% from %.3g %% shows every other time\n", drop * 100, rate * 100);
}

static bool is_windowed(int kind)
{
    return kind == RULE_TARGET || kind == RULE_BENCHMARK || kind == RULE_CHANGE;
}

/* --- all --- */

static void sight_rule(const struct sight *s, size_t rule)
{
    const struct judge *j = s->j;
    const struct rule *r = &j->rules->items[rule];

    for (int step = 0; is_windowed(r->settings->kind) && step <= j->funnel->overall; step++)
        if (r->steps[step] && funnel_has_step(j->funnel, step))
            sight_window(s, r, step);
    for (size_t i = 0; j->detect && i < j->detect->track_count; i++) {
        const struct detect_track *t = &j->detect->tracks[i];

        for (size_t k = 0; k < t->battery_count; k++)
            if (t->batteries[k].rule == rule)
                sight_battery(s, t, &t->batteries[k]);
    }
}

static bool sight_is_asked(const struct judge *j)
{
    for (size_t i = 0; i < j->rules->count; i++)
        if (is_windowed(j->rules->items[i].settings->kind) ||
            detect_is_kind(j->rules->items[i].settings->kind))
            return true;
    return false;
}

void check_sight(const struct pipeline *p, long long per_day, bool assumed)
{
    for (size_t i = 0; i < p->funnel_count; i++) {
        struct sight s = {.j = &p->judges[i], .given = per_day > 0};

        if (!sight_is_asked(s.j))
            continue;
        if (s.given)
            sight_give(&s, (double)per_day);
        else
            sight_learn(&s);
        if (s.given)
            printf(
                "%s at %lld entries a day%s, later steps by target, else 50 %%; a month learned, "
                "no noise but chance; mean times:\n",
                s.j->funnel->name, per_day,
                assumed ? " (assumed: --per-day N, or --history FILE, for yours)" : "");
        else
            printf("%s as learned from the file; mean times:\n", s.j->funnel->name);
        for (size_t rule = 0; rule < s.j->rules->count; rule++)
            sight_rule(&s, rule);
    }
}

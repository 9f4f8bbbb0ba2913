/* SPDX-License-Identifier: Apache-2.0 */
/* Panes and windows: what divides what. */
#include <string.h>

#include "funnel/units.h"
#include "core/settings_check.h"

#define SLOTS_MAX 60 /* SEMANTICS: a rolling window keeps at most so many */
#define PANE_MIN UNITS_SECOND
#define PANE_DIVIDES (15 * UNITS_MINUTE) /* the finest offset of time zones */
#define WINDOW_LONGEST (400 * UNITS_DAY)
#define STAY_LONGEST (3650 * UNITS_DAY)

static bool pane_fits(int64_t pane)
{
    return pane >= PANE_MIN && PANE_DIVIDES % pane == 0;
}

int64_t check_pane(const struct check *c)
{
    int64_t pane = c->s->time.pane;

    return check_good(c, AT(c->s->time.pane)) && pane_fits(pane) ? pane : 0;
}

int64_t check_slot(int64_t window_ms, int64_t pane_ms)
{
    int64_t panes = window_ms / pane_ms, n = SLOTS_MAX;

    while (panes % n != 0)
        n--;
    return window_ms / n;
}

/* The nearest lengths that fit, for the remedy. */
static const char *whole_panes(const struct check *c, int64_t ms, int64_t pane)
{
    int64_t below = ms / pane * pane;

    if (below == 0)
        return check_text(c, "write %s or more", check_duration_text(c, pane));
    return check_text(c, "write %s or %s, or change time.pane", check_duration_text(c, below),
                      check_duration_text(c, below + pane));
}

bool check_rolling(const struct check *c, const struct settings_window *w)
{
    int64_t pane = check_pane(c);

    if (w->calendar >= 0 || !pane || !check_good(c, AT(*w)))
        return false;
    if (!check_duration(c, &w->ms, pane, WINDOW_LONGEST))
        return false;
    if (w->ms % pane == 0)
        return true;
    check_fail(c, AT(w->ms), whole_panes(c, w->ms, pane), "%s is not a whole number of panes of %s",
               check_value(c, AT(w->ms)), check_duration_text(c, pane));
    return false;
}

static bool same_window(const struct settings_window *a, const struct settings_window *b)
{
    return a->ms == b->ms && a->calendar == b->calendar;
}

static void check_rolling_windows(const struct check *c, const struct settings_funnel *f)
{
    const struct settings_windows *w = &f->windows;

    if (!check_at_most(c, AT(*w), w->count, WINDOWS_MAX, "windows"))
        return;
    for (size_t i = 0; i < w->count; i++) {
        check_rolling(c, &w->items[i]);
        for (size_t j = 0; j < i; j++)
            if (check_good(c, AT(w->items[i])) && same_window(&w->items[i], &w->items[j])) {
                check_fail(c, AT(w->items[i]), "remove one of the two", "this window stands twice");
                break;
            }
    }
}

/* Rules bring windows of their own; the judge has room for twice as many as a funnel may list. */
static void check_window_total(const struct check *c, const struct settings_funnel *f)
{
    const struct settings_window *known[WINDOWS_MAX * 2];
    size_t count = 0;

    if (f->windows.count > WINDOWS_MAX)
        return;
    for (size_t i = 0; i < f->windows.count; i++)
        known[count++] = &f->windows.items[i];
    for (size_t i = 0; i < f->rules.count; i++) {
        const struct settings_window *w = &f->rules.items[i].window;
        size_t at = 0;

        while (at < count && !same_window(known[at], w))
            at++;
        if (at < count)
            continue;
        if (count == WINDOWS_MAX * 2) {
            check_fail(c, AT(*w), "use one of the windows of the other rules",
                       "more than %d different windows in one funnel", WINDOWS_MAX * 2);
            return;
        }
        known[count++] = w;
    }
}

/* --- how long stays may take --- */

/* Of a value out of range only so much counts, so that sums stay sums. */
static int64_t bounded(int64_t ms)
{
    return ms > STAY_LONGEST ? STAY_LONGEST : ms;
}

static int64_t longest_stay(const struct settings_funnel *f)
{
    int64_t sum = 0, longest = 0;
    bool open = true; /* won not reached yet: the default of `overall` */

    for (size_t i = 0; i + 1 < f->stages.count && i < STAGES_MAX; i++) {
        const struct settings_stage *stage = &f->stages.items[i];
        int64_t ms = bounded(stage->window > 0 ? stage->window : f->window);

        if (f->won && stage->id && strcmp(stage->id, f->won) == 0)
            open = false;
        if (open)
            sum += ms;
        if (ms > longest)
            longest = ms;
    }
    if (f->overall > 0)
        sum = bounded(f->overall);
    return sum > longest ? sum : longest;
}

static void check_forget(const struct check *c, const struct settings_funnel *f)
{
    int64_t longest = longest_stay(f);

    if (!check_set(c, AT(f->forget_after)) || !check_good(c, AT(f->forget_after)) ||
        f->forget_after >= longest)
        return;
    check_fail(c, AT(f->forget_after),
               check_text(c, "write %s or more, or remove it", check_duration_text(c, longest)),
               "%s is shorter than the longest window, %s", check_value(c, AT(f->forget_after)),
               check_duration_text(c, longest));
}

void check_windows(const struct check *c, const struct settings_funnel *f)
{
    int64_t pane = check_pane(c);

    check_rolling_windows(c, f);
    check_window_total(c, f);
    if (!pane)
        return;
    check_duration(c, &f->window, pane, STAY_LONGEST);
    check_duration(c, &f->overall, pane, STAY_LONGEST);
    check_duration(c, &f->forget_after, pane, 2 * STAY_LONGEST);
    for (size_t i = 0; i < f->stages.count; i++)
        check_duration(c, &f->stages.items[i].window, pane, STAY_LONGEST);
    check_forget(c, f);
}

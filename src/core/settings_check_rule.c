/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: what each needs and refuses, and whether its numbers fit together. */
#include <string.h>

#include "funnel/units.h"
#include "core/settings_check.h"

#define AGAINST_WINDOWS_MAX 32 /* slots are kept so far back */
#define ENTRIES_MAX INT64_C(1000000000)
#define TIMING_LONGEST (30 * UNITS_DAY)

/* --- step --- */

static int stage_index(const struct settings_funnel *f, const char *id, size_t len)
{
    for (size_t i = 0; i < f->stages.count; i++) {
        const char *known = f->stages.items[i].id;

        if (known && strlen(known) == len && memcmp(known, id, len) == 0)
            return (int)i;
    }
    return -1;
}

/* "did you mean 'a>b'?", from what steps there are. */
static const char *nearest_step(const struct check *c, const struct settings_funnel *f,
                                const char *step)
{
    const char *names[STAGES_MAX];
    size_t count = 0;

    names[count++] = "overall";
    for (size_t i = 0; i + 1 < f->stages.count; i++)
        names[count++] = check_text(c, "%.200s>%.200s", f->stages.items[i].id,
                                    f->stages.items[i + 1].id);
    return check_nearest(c, step, names, count);
}

/* a>d goes over others on its way: say which step ends there. */
static const char *neighbours(const struct check *c, const struct settings_funnel *f, int from,
                              int to)
{
    if (to > 0)
        return check_text(c, "write %.100s>%.100s, or overall", f->stages.items[to - 1].id,
                          f->stages.items[to].id);
    return check_text(c, "write %.100s>%.100s, or overall", f->stages.items[from].id,
                      from + 1 < (int)f->stages.count ? f->stages.items[from + 1].id : "...");
}

static void check_step(const struct check *c, const struct settings_funnel *f,
                       const struct settings_rule *r)
{
    const char *arrow = strchr(r->step, '>');
    int from = arrow ? stage_index(f, r->step, (size_t)(arrow - r->step)) : -1;
    int to = arrow ? stage_index(f, arrow + 1, strlen(arrow + 1)) : -1;

    if (strcmp(r->step, "overall") == 0 || (from >= 0 && to == from + 1))
        return;
    if (from < 0 || to < 0)
        check_fail(c, AT(r->step), nearest_step(c, f, r->step), "%s is not a step of the funnel",
                   check_quoted(c, r->step));
    else
        check_fail(c, AT(r->step), neighbours(c, f, from, to),
                   "%s are not neighbours in this order", check_quoted(c, r->step));
}

static void check_by(const struct check *c, const struct settings_funnel *f,
                     const struct settings_rule *r)
{
    const char *names[DIMS_MAX];

    for (size_t i = 0; i < f->dims.count; i++)
        names[i] = f->dims.items[i].name;
    for (size_t i = 0; i < r->by.count; i++)
        if (r->by.items[i] &&
            !settings_has_name(&(struct settings_strings){names, f->dims.count}, r->by.items[i]))
            check_fail(c, AT(r->by.items[i]),
                       check_nearest(c, r->by.items[i], names, f->dims.count),
                       "%s is not among the funnel's dims", check_quoted(c, r->by.items[i]));
    check_repeated(c, &r->by);
}

/* --- kinds --- */

static void check_target(const struct check *c, const struct settings_rule *r)
{
    if (!check_set(c, AT(r->target))) {
        check_fail(c, AT(r->target), "add the rate to hold: target: 30%",
                   "'target' is missing: this kind compares with it");
        return;
    }
    if (!check_good(c, AT(r->target)))
        return;
    if (r->target <= 0)
        check_fail(c, AT(r->target), "write a rate above 0, as 30%",
                   "a target of 0 cannot be missed");
    if (r->target >= 1)
        check_fail(c, AT(r->target), "write a rate below 100%, as 99%",
                   "a test against 100%% cannot tell chance from a miss");
    if (check_set(c, AT(r->clear)) && check_good(c, AT(r->clear)) && r->clear < r->target)
        check_fail(c, AT(r->clear),
                   check_text(c, "write %s or a higher rate", check_value(c, AT(r->target))),
                   "%s is below the target: the alert would end while it is missed",
                   check_value(c, AT(r->clear)));
}

static void check_only_change(const struct check *c, const struct settings_rule *r)
{
    if (check_set(c, AT(r->against)))
        check_fail(c, AT(r->against), "remove it, or use kind: change",
                   "only a rule of kind change compares with an earlier period");
    if (check_set(c, AT(r->direction)))
        check_fail(c, AT(r->direction), "remove it, or use kind: change",
                   "only a rule of kind change has a direction");
}

static const char *against_text(const struct check *c, const struct settings_rule *r)
{
    return check_set(c, AT(r->against))
               ? check_value(c, AT(r->against))
               : check_text(c, "the default %s", check_duration_text(c, r->against));
}

/* The earlier window is made of slots that are still kept, and shares none with the present one. */
static void check_against(const struct check *c, const struct settings_rule *r, int64_t slot)
{
    const char *window = check_duration_text(c, r->window.ms), *against = against_text(c, r);
    int64_t furthest = AGAINST_WINDOWS_MAX * r->window.ms;

    if (r->against < r->window.ms)
        check_fail(c, AT(r->against), check_text(c, "write %s or more", window),
                   "%s is shorter than the window, %s: the two would overlap", against, window);
    else if (r->against > furthest)
        check_fail(
            c, AT(r->against),
            check_text(c, "at most %d windows back: write against: %s or less, or a longer window",
                       AGAINST_WINDOWS_MAX, check_duration_text(c, furthest)),
            "%s is too far back for a window of %s", against, window);
    else if (r->against % slot != 0)
        check_fail(c, AT(r->against),
                   check_text(c, "write a multiple of %s, such as %s", check_duration_text(c, slot),
                              check_duration_text(c, r->against - r->against % slot)),
                   "%s is not a whole number of slots of a window of %s (%s each)", against, window,
                   check_duration_text(c, slot));
}

static void check_change(const struct check *c, const struct settings_rule *r)
{
    if (check_set(c, AT(r->target)))
        check_fail(c, AT(r->target), "remove it, or use kind: target",
                   "a rule of kind change compares with an earlier period, not with a target");
    if (r->window.calendar >= 0) {
        if (check_set(c, AT(r->against)))
            check_fail(c, AT(r->against), "remove it",
                       "a calendar window is compared with the one before it");
    } else if (check_rolling(c, &r->window) && check_good(c, AT(r->against))) {
        check_against(c, r, check_slot(r->window.ms, check_pane(c)));
    }
}

/* --- numbers --- */

static void check_cohort(const struct check *c, const struct settings_rule *r)
{
    bool days = r->measure == MEASURE_COHORT || r->measure == MEASURE_MATURED;

    if (!days || r->window.calendar >= 0 || !check_good(c, AT(r->window)) ||
        r->window.ms % UNITS_DAY == 0)
        return;
    check_fail(c, AT(r->window), "write whole days, as 1d or 7d, or {calendar: week}",
               "measure: %s needs a window of whole days; this one is %s",
               r->measure == MEASURE_COHORT ? "cohort" : "matured",
               check_duration_text(c, r->window.ms));
}

static void check_numbers(const struct check *c, const struct settings_rule *r)
{
    if (check_set(c, AT(r->significance)) && (r->significance <= 0 || r->significance >= 0.5))
        check_fail(c, AT(r->significance), "write a small chance, as 0.01 or 0.001",
                   "%s is not between 0 and 0.5", check_value(c, AT(r->significance)));
    if (r->min_effect >= 1)
        check_fail(c, AT(r->min_effect), "write how much of the rate must be lost, as 0.1 or 10%",
                   "%s: no rate can lose all of itself and more",
                   check_value(c, AT(r->min_effect)));
    check_count(c, &r->min_entries, 1, ENTRIES_MAX);
    check_duration(c, &r->pending, 0, TIMING_LONGEST);
    check_duration(c, &r->hold, 0, TIMING_LONGEST);
    check_duration(c, &r->resolve_after, 0, TIMING_LONGEST);
    if (r->runbook_url && !strstr(r->runbook_url, "://"))
        check_fail(c, AT(r->runbook_url), "write https://...", "%s is no URL",
                   check_quoted(c, r->runbook_url));
}

static void check_rule(const struct check *c, const struct settings_funnel *f, size_t at)
{
    const struct settings_rule *r = &f->rules.items[at];

    for (size_t i = 0; r->id && i < at; i++)
        if (f->rules.items[i].id && strcmp(f->rules.items[i].id, r->id) == 0) {
            check_fail(c, AT(r->id), "give each rule of a funnel its own id",
                       "%s is the id of a rule on line %u already", check_quoted(c, r->id),
                       f->rules.items[i].mark.line);
            break;
        }
    if (r->step && check_has_stages(f))
        check_step(c, f, r);
    if (check_has_dims(c, f))
        check_by(c, f, r);
    check_numbers(c, r);
    if (r->kind <= RULE_CHANGE) /* the others refuse the key */
        check_cohort(c, r);
    check_kind(c, f, at);
    if (r->kind == RULE_CHANGE) {
        check_change(c, r);
    } else if (r->kind >= 0 && r->kind < RULE_CHANGE) {
        check_rolling(c, &r->window);
        check_target(c, r);
        check_only_change(c, r);
    }
}

void check_rules(const struct check *c, const struct settings_funnel *f)
{
    if (!check_at_most(c, AT(f->rules), f->rules.count, RULES_MAX, "rules"))
        return;
    for (size_t i = 0; i < f->rules.count; i++)
        check_rule(c, f, i);
}

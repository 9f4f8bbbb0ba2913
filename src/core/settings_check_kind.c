/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of rules: which keys each takes, and why not the others. */
#include <string.h>

#include "funnel/alert.h"
#include "funnel/units.h"
#include "core/settings_check.h"

#define BUDGET_MAX 10.0 /* a week */
#define EFFECT_MAX 0.5
#define ACCEPT_LONGEST (90 * UNITS_DAY)

static const char *const kinds[RULE_KINDS] = {"target", "benchmark", "change", "drop",
                                              "rise",   "volume",    "mix",    "data_quality"};

/* --- keys that say nothing to a kind --- */

#define ON(kind) (1U << (kind))
#define WINDOWED (ON(RULE_TARGET) | ON(RULE_BENCHMARK) | ON(RULE_CHANGE))
#define SEQUENTIAL (ON(RULE_DROP) | ON(RULE_RISE) | ON(RULE_VOLUME))
#define FUNNEL_WIDE (ON(RULE_MIX) | ON(RULE_DATA_QUALITY))
#define DETECTING (SEQUENTIAL | FUNNEL_WIDE)

static const struct stranger {
    size_t offset, size;
    const char *key;
    unsigned kinds; /* that do not take it */
    const char *reason, *remedy;
} strangers[] = {
#define KEY(member) \
    offsetof(struct settings_rule, member), sizeof(((struct settings_rule *)0)->member), #member
    {KEY(step), ON(RULE_VOLUME) | FUNNEL_WIDE, "it watches the funnel's entries", "remove it"},
    {KEY(by), SEQUENTIAL, "it tests the whole funnel and every segment at once, and names the one",
     "remove it; the funnel's segments say which there are"},
    {KEY(by), FUNNEL_WIDE, "it watches the whole funnel", "remove it"},
    {KEY(measure), DETECTING, "it does not compare rates of windows", "remove it"},
    {KEY(window), SEQUENTIAL, "the test gathers evidence from pane to pane, over no window",
     "remove it; budget says how soon it alerts"},
    {KEY(against), DETECTING, "it compares with what it has learned, not with an earlier period",
     "remove it, or use kind: change"},
    {KEY(target), SEQUENTIAL | ON(RULE_MIX), "it compares with what it has learned",
     "remove it, or use kind: target"},
    {KEY(clear), DETECTING, "it ends by its own test of recovery", "remove it"},
    {KEY(significance), SEQUENTIAL | ON(RULE_MIX), "its false alarms are what budget allows",
     "remove it, and write budget: 0.1/week or another"},
    {KEY(min_effect), ON(RULE_DATA_QUALITY), "its target is the share that matters",
     "remove it, or raise target"},
    {KEY(min_entries), SEQUENTIAL | ON(RULE_MIX), "the test itself waits for as much as it needs",
     "remove it; a lower budget waits longer"},
    {KEY(direction), DETECTING, "its kind says the direction", "remove it, or use kind: rise"},
    {KEY(pending), DETECTING, "the test itself waits for as much as it needs",
     "remove it; a lower budget waits longer"},
    {KEY(hold), FUNNEL_WIDE, "it ends when its window is as usual", "remove it"},
    {KEY(resolve_after), FUNNEL_WIDE, "it ends when its window is as usual", "remove it"},
    {KEY(budget), WINDOWED | ON(RULE_DATA_QUALITY), "significance bounds its errors",
     "remove it, or use kind: drop"},
    {KEY(accept_after), WINDOWED | FUNNEL_WIDE, "it learns no level that could be accepted",
     "remove it, or use kind: drop"},
#undef KEY
};

static void check_strangers(const struct check *c, const struct settings_rule *r)
{
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        const struct stranger *s = &strangers[i];
        const void *at = (const unsigned char *)r + s->offset;

        if ((s->kinds & ON(r->kind)) && check_set(c, at, s->size))
            check_fail(c, at, s->size, s->remedy, "a rule of kind %s takes no %s: %s",
                       kinds[r->kind], s->key, s->reason);
    }
}

/* --- keys of these kinds --- */

static void check_budget(const struct check *c, const struct settings_rule *r)
{
    if (!check_set(c, AT(r->budget)) || !check_good(c, AT(r->budget)))
        return;
    if (r->budget <= 0)
        check_fail(c, AT(r->budget), "write a rate above 0, as 0.1/week, or remove the rule",
                   "no test is without false alarms");
    else if (r->budget > BUDGET_MAX)
        check_fail(c, AT(r->budget), "write 10/week or less, as 0.1/week",
                   "%s: more false alarms than anybody looks at", check_value(c, AT(r->budget)));
}

static void check_sequential(const struct check *c, const struct settings_rule *r)
{
    check_duration(c, &r->accept_after, UNITS_DAY, ACCEPT_LONGEST);
    if (r->min_effect >= EFFECT_MAX && r->min_effect < 1)
        check_fail(c, AT(r->min_effect), "write how much may be lost unsaid, as 0.1 or 10%",
                   "%s is too much: a rule of kind %s takes less than 0.5",
                   check_value(c, AT(r->min_effect)), kinds[r->kind]);
    if (r->kind != RULE_VOLUME && r->step && strcmp(r->step, "overall") == 0)
        check_fail(c, AT(r->step), "remove it: every step is tested then, or name one",
                   "overall is not tested by kind %s, its steps are", kinds[r->kind]);
}

/* Of data_quality: a share that may be bad, above which there is something to find. */
static void check_share(const struct check *c, const struct settings_rule *r)
{
    if (check_set(c, AT(r->target)) && check_good(c, AT(r->target)) &&
        (r->target <= 0 || r->target >= 1))
        check_fail(c, AT(r->target), "write the share of events that may be bad, as 5%",
                   "%s is not between 0 and 100%%", check_value(c, AT(r->target)));
}

/* Of mix: its window is compared with the same hours of the week before. */
static void check_mix(const struct check *c, const struct settings_funnel *f,
                      const struct settings_rule *r)
{
    if (f->dims.count == 0)
        check_fail(c, AT(r->kind), "give the funnel dims, or remove the rule",
                   "a funnel without dims has no mix");
    if (check_rolling(c, &r->window) &&
        (r->window.ms % UNITS_HOUR != 0 || r->window.ms > UNITS_WEEK))
        check_fail(c, AT(r->window), "write whole hours, as 1h or 1d, at most 7d",
                   "kind mix compares whole hours with those of the week before, not %s",
                   check_duration_text(c, r->window.ms));
}

static bool check_no_calendar(const struct check *c, const struct settings_rule *r)
{
    if (!check_good(c, AT(r->window)) || r->window.calendar < 0)
        return true;
    check_fail(c, AT(r->window), "write a duration, as 1h or 1d",
               "a rule of kind %s takes a rolling window", kinds[r->kind]);
    return false;
}

static bool is_same_watch(const struct settings_rule *a, const struct settings_rule *b)
{
    return a->kind == b->kind &&
           (a->kind == RULE_VOLUME || !a->step || !b->step || strcmp(a->step, b->step) == 0);
}

/* Each would spend its budget on the same tests. */
static void check_watched_once(const struct check *c, const struct settings_funnel *f, size_t at)
{
    const struct settings_rule *r = &f->rules.items[at];

    for (size_t i = 0; i < at; i++) {
        const struct settings_rule *before = &f->rules.items[i];

        if (!is_same_watch(before, r))
            continue;
        check_fail(c, AT(r->kind), "remove one of the two, or let each name another step",
                   "the rules of kind %s on lines %u and %u watch the same%s%s", kinds[r->kind],
                   before->mark.line, r->mark.line, r->kind == RULE_VOLUME ? " entries" : " step",
                   r->kind == RULE_VOLUME || (r->step && before->step) ? "" : "s");
        return;
    }
}

void check_kind(const struct check *c, const struct settings_funnel *f, size_t at)
{
    const struct settings_rule *r = &f->rules.items[at];

    if (r->id && strcmp(r->id, ALERT_SLOWDOWN) == 0)
        check_fail(c, AT(r->id), "give the rule another id",
                   "%s names the alerts that rules of kind drop give when a step takes longer",
                   check_quoted(c, r->id));
    if (r->kind < 0)
        return;
    check_strangers(c, r);
    if (r->kind == RULE_CHANGE && r->measure == MEASURE_MATURED)
        check_fail(c, AT(r->measure), "write cohort or throughput, or use kind: target",
                   "measure: matured is for kind target and benchmark");
    if (!(DETECTING & ON(r->kind)))
        return;
    check_budget(c, r);
    if (SEQUENTIAL & ON(r->kind)) {
        check_sequential(c, r);
        check_watched_once(c, f, at);
    } else if (check_no_calendar(c, r)) {
        if (r->kind == RULE_MIX)
            check_mix(c, f, r);
        else
            check_rolling(c, &r->window);
    }
    if (r->kind == RULE_DATA_QUALITY)
        check_share(c, r);
}

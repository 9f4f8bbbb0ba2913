/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of rules refuse, and the settings of detection beside them. */
#include "lib/settings_kit.h"

#define FUNNEL(text) KIT_HEAD "funnels:\n  f:\n    " text "\n"
/* A rule on line 6, beginning in column 9. */
#define RULE(text) \
    FUNNEL("rules:\n      - {" text "}\n    stages: [a, b, c]\n    dims: {ch: {}, reg: {}}")

struct refusal {
    const char *kind, *key, *value, *reason, *remedy;
};

static void expect_refused(const struct refusal *x)
{
    struct buf text = {0}, path = {0}, said = {0};
    size_t column;

    buf_fmt(&text, RULE("id: r, kind: %s, %s: %s"), x->kind, x->key, x->value);
    buf_fmt(&path, "funnels.f.rules[0].%s", x->key);
    buf_fmt(&said, "a rule of kind %s takes no %s: %s", x->kind, x->key, x->reason);
    /* A scalar is marked where its value stands, a list at its key. */
    column = 25 + strlen(x->kind) + (x->value[0] == '[' ? 0 : 2 + strlen(x->key));
    kit_check(&(struct kit_case){buf_cstr(&text), 6, (uint32_t)column, buf_cstr(&path),
                                 buf_cstr(&said), x->remedy},
              0);
    buf_deinit(&text);
    buf_deinit(&path);
    buf_deinit(&said);
}

Test(check_kind, sequential_tests_take_no_window_and_nothing_of_one)
{
    static const char *const kinds[] = {"drop", "rise", "volume"};
    static const struct refusal refusals[] = {
        {NULL, "by", "[ch]", "it tests the whole funnel and every segment", "segments"},
        {NULL, "measure", "cohort", "it does not compare rates", "remove it"},
        {NULL, "window", "1d", "the test gathers evidence", "budget"},
        {NULL, "against", "7d", "it compares with what it has learned", "kind: change"},
        {NULL, "target", "30%", "it compares with what it has learned", "kind: target"},
        {NULL, "clear", "30%", "it ends by its own test", "remove it"},
        {NULL, "significance", "0.01", "its false alarms are what budget allows", "budget: 0.1"},
        {NULL, "min_entries", "10", "the test itself waits", "a lower budget"},
        {NULL, "direction", "both", "its kind says the direction", "kind: rise"},
        {NULL, "pending", "5m", "the test itself waits", "a lower budget"},
    };

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
            struct refusal x = refusals[i];

            x.kind = kinds[k];
            expect_refused(&x);
        }
}

Test(check_kind, others_take_no_key_of_another_kind)
{
    static const struct refusal refusals[] = {
        {"volume", "step", "a>b", "it watches the funnel's entries", "remove"},
        {"mix", "step", "a>b", "it watches the funnel's entries", "remove"},
        {"data_quality", "step", "a>b", "it watches the funnel's entries", "remove"},
        {"mix", "by", "[ch]", "it watches the whole funnel", "remove"},
        {"mix", "measure", "cohort", "it does not compare", "remove"},
        {"mix", "against", "7d", "it compares with what it has learned", "kind: change"},
        {"mix", "target", "3%", "it compares with", "kind: target"},
        {"mix", "clear", "3%", "it ends by", "remove"},
        {"mix", "significance", "0.01", "its false alarms", "budget"},
        {"mix", "min_entries", "9", "the test itself", "budget"},
        {"mix", "direction", "both", "its kind", "remove"},
        {"mix", "pending", "1m", "the test itself", "budget"},
        {"mix", "hold", "1m", "it ends when its window", "remove"},
        {"mix", "resolve_after", "1m", "it ends when its window", "remove"},
        {"mix", "accept_after", "7d", "it learns no level", "kind: drop"},
        {"data_quality", "by", "[ch]", "it watches the whole funnel", "remove"},
        {"data_quality", "measure", "cohort", "it does not compare", "remove"},
        {"data_quality", "against", "7d", "it compares with", "kind: change"},
        {"data_quality", "clear", "3%", "it ends by", "remove"},
        {"data_quality", "min_effect", "3%", "its target is the share", "raise target"},
        {"data_quality", "direction", "both", "its kind", "remove"},
        {"data_quality", "pending", "1m", "the test itself", "remove"},
        {"data_quality", "hold", "1m", "it ends when its window", "remove"},
        {"data_quality", "resolve_after", "1m", "it ends when its window", "remove"},
        {"data_quality", "budget", "1/week", "significance bounds", "kind: drop"},
        {"data_quality", "accept_after", "7d", "it learns no level", "kind: drop"},
    };

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        expect_refused(&refusals[i]);
}

Test(check_kind, those_that_compare_rates_have_no_budget)
{
    static const struct kit_case cases[] = {
        {RULE("id: r, kind: target, target: 1%, budget: 1/week"), 6, 51,
         "funnels.f.rules[0].budget", "a rule of kind target takes no budget: significance bounds",
         "kind: drop"},
        {RULE("id: r, kind: benchmark, target: 1%, accept_after: 7d"), 6, 60,
         "funnels.f.rules[0].accept_after", "a rule of kind benchmark takes no accept_after",
         "kind: drop"},
        {RULE("id: r, kind: change, window: 1d, budget: 1/week"), 6, 51,
         "funnels.f.rules[0].budget", "a rule of kind change takes no budget", "kind: drop"},
        {RULE("id: r, kind: change, window: 1d, accept_after: 7d"), 6, 57,
         "funnels.f.rules[0].accept_after", "a rule of kind change takes no accept_after",
         "kind: drop"},
    };

    KIT_ERRORS(cases);
}

Test(check_kind, what_they_take_has_bounds)
{
    static const struct kit_case cases[] = {
        {RULE("id: r, kind: drop, budget: off"), 6, 37, "funnels.f.rules[0].budget",
         "no test is without false alarms", "remove the rule"},
        {RULE("id: r, kind: mix, budget: 0/week"), 6, 36, "funnels.f.rules[0].budget",
         "no test is without false alarms", "0.1/week"},
        {RULE("id: r, kind: rise, budget: 2/day"), 6, 37, "funnels.f.rules[0].budget",
         "'2/day': more false alarms than", "10/week or less"},
        {RULE("id: r, kind: volume, budget: 0.1"), 6, 39, "funnels.f.rules[0].budget",
         "'0.1' is not a rate", "0.1/week"},
        {RULE("id: r, kind: drop, accept_after: 1h"), 6, 43, "funnels.f.rules[0].accept_after",
         "'1h' is out of range", "1d to 90d"},
        {RULE("id: r, kind: drop, accept_after: 91d"), 6, 43, "funnels.f.rules[0].accept_after",
         "'91d' is out of range", "1d to 90d"},
        {RULE("id: r, kind: drop, min_effect: 50%"), 6, 41, "funnels.f.rules[0].min_effect",
         "'50%' is too much: a rule of kind drop takes less than 0.5", "10%"},
        {RULE("id: r, kind: drop, min_effect: 1"), 6, 41, "funnels.f.rules[0].min_effect",
         "all of itself", "10%"},
        {RULE("id: r, kind: drop, step: overall"), 6, 35, "funnels.f.rules[0].step",
         "overall is not tested by kind drop, its steps are", "every step"},
        {RULE("id: r, kind: rise, step: overall"), 6, 35, "funnels.f.rules[0].step",
         "overall is not tested by kind rise", "name one"},
        {RULE("id: r, kind: rise, step: a>c"), 6, 35, "funnels.f.rules[0].step", "not neighbours",
         "b>c"},
        {RULE("id: r, kind: data_quality, target: 0"), 6, 45, "funnels.f.rules[0].target",
         "'0' is not between 0 and 100%", "5%"},
        {RULE("id: r, kind: data_quality, target: 100%"), 6, 45, "funnels.f.rules[0].target",
         "'100%' is not between", "5%"},
        {RULE("id: r, kind: data_quality, window: 90s"), 6, 45, "funnels.f.rules[0].window",
         "not a whole number of panes", "2m"},
        {RULE("id: r, kind: mix, window: 90s"), 6, 36, "funnels.f.rules[0].window",
         "not a whole number of panes", "2m"},
        {RULE("id: r, kind: mix, window: {calendar: day}"), 6, 28, "funnels.f.rules[0].window",
         "a rule of kind mix takes a rolling window", "as 1h or 1d"},
        {RULE("id: r, kind: data_quality, window: {calendar: day}"), 6, 37,
         "funnels.f.rules[0].window", "a rule of kind data_quality takes a rolling window", "1h"},
        {RULE("id: r, kind: mix, window: 90m"), 6, 36, "funnels.f.rules[0].window",
         "kind mix compares whole hours with those of the week before, not 1h30m", "1h or 1d"},
        {RULE("id: r, kind: mix, window: 8d"), 6, 36, "funnels.f.rules[0].window",
         "kind mix compares whole hours with those of the week before, not 8d", "at most 7d"},
        {FUNNEL("rules:\n      - {id: r, kind: mix}\n    stages: [a, b, c]"), 6, 23,
         "funnels.f.rules[0].kind", "a funnel without dims has no mix", "give the funnel dims"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(RULE("id: r, kind: drop, step: b>c, budget: 10/week, min_effect: 49%, "
                                 "accept_after: 90d, hold: 1h, resolve_after: 1h")));
    settings_free(kit_parse(RULE("id: r, kind: data_quality, target: 2%, window: 6h, "
                                 "significance: 0.001, min_entries: 100")));
    settings_free(kit_parse(RULE("id: r, kind: mix, window: 1d, min_effect: 10%, budget: 1/week")));
}

#define TWO(a, b) RULE("id: r, kind: " a "}\n      - {id: s, kind: " b)

Test(check_kind, what_is_watched_is_watched_once)
{
    static const struct kit_case cases[] = {
        {TWO("drop", "drop"), 7, 23, "funnels.f.rules[1].kind",
         "the rules of kind drop on lines 6 and 7 watch the same steps", "remove one"},
        {TWO("drop, step: a>b", "drop"), 7, 23, "funnels.f.rules[1].kind",
         "lines 6 and 7 watch the same steps", "another step"},
        {TWO("rise, step: a>b", "rise, step: a>b"), 7, 23, "funnels.f.rules[1].kind",
         "the rules of kind rise on lines 6 and 7 watch the same step", "another step"},
        {TWO("volume", "volume"), 7, 23, "funnels.f.rules[1].kind",
         "the rules of kind volume on lines 6 and 7 watch the same entries", "remove one"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(TWO("drop, step: a>b", "drop, step: b>c")));
    settings_free(kit_parse(TWO("drop", "rise")));
    settings_free(kit_parse(TWO("mix, window: 1h", "mix, window: 1d")));
    settings_free(kit_parse(TWO("data_quality, window: 1h", "data_quality, window: 1d")));
}

Test(check_kind, a_name_that_detection_gives_is_no_id)
{
    static const struct kit_case cases[] = {
        {RULE("id: slowdown, kind: target, target: 1%"), 6, 14, "funnels.f.rules[0].id",
         "'slowdown' names the alerts", "another id"},
    };

    KIT_ERRORS(cases);
}

Test(check_kind, a_typical_time_lies_within_the_window)
{
    static const struct kit_case cases[] = {
        {FUNNEL("stages: [{id: a, target: 9%, dwell: 1h}, b]\n    window: 1h"), 5, 41,
         "funnels.f.stages[0].dwell", "'1h' is no typical time within the step's window, 1h",
         "half of the conversions"},
        {FUNNEL("stages: [{id: a, target: 9%, dwell: 2h, window: 1h}, b]"), 5, 41,
         "funnels.f.stages[0].dwell", "within the step's window, 1h", "half"},
        {FUNNEL("stages: [{id: a, target: 9%, dwell: off}, b]"), 5, 41, "funnels.f.stages[0].dwell",
         "'off' is too short", "20m"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(FUNNEL("stages: [{id: a, target: 9%, dwell: 1s}, b]")));
}

Test(check_kind, holidays_are_days)
{
#define DAYS(text) KIT_SMALL "time: {holidays: [" text "]}\n"
    static const struct kit_case cases[] = {
        {DAYS("2026-1-01"), 4, 19, "time.holidays[0]", "'2026-1-01' is no day", "YYYY-MM-DD"},
        {DAYS("2026-02-29"), 4, 19, "time.holidays[0]", "'2026-02-29' is no day", "2026-12-25"},
        {DAYS("2026-13-01"), 4, 19, "time.holidays[0]", "no day", "YYYY"},
        {DAYS("2026-00-01"), 4, 19, "time.holidays[0]", "no day", "YYYY"},
        {DAYS("2026-04-31"), 4, 19, "time.holidays[0]", "no day", "YYYY"},
        {DAYS("2026-04-00"), 4, 19, "time.holidays[0]", "no day", "YYYY"},
        {DAYS("2026-04-011"), 4, 19, "time.holidays[0]", "no day", "YYYY"},
        {DAYS("2026/04/01"), 4, 19, "time.holidays[0]", "no day", "YYYY"},
        {DAYS("1969-12-31"), 4, 19, "time.holidays[0]", "no day", "YYYY"},
        {DAYS("''"), 4, 19, "time.holidays[0]", "an empty text", "write a text"},
        {DAYS("christmas"), 4, 19, "time.holidays[0]", "'christmas' is no day", "YYYY"},
        {DAYS("2026-12-25, 2026-12-25"), 4, 31, "time.holidays[1]", "stands here twice", "remove"},
    };
    struct buf text = {0};

    KIT_ERRORS(cases);
    settings_free(kit_parse(DAYS("2024-02-29")));
    buf_str(&text, KIT_SMALL "time: {holidays: [");
    for (int i = 0; i < 1001; i++)
        buf_fmt(&text, "%d-12-%02d, ", 2000 + i / 28, 1 + i % 28);
    buf_str(&text, "]}\n");
    kit_check(
        &(struct kit_case){buf_cstr(&text), 4, 8, "time.holidays", "1001 days", "at most 1000"}, 0);
    buf_deinit(&text);
}

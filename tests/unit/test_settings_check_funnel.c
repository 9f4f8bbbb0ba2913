/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a funnel or a rule, each mistake by itself. */
#include "lib/settings_kit.h"

/* Line 3 begins with the funnels; what is tested stands on line 5, indented by 4. */
#define FUNNEL(text) KIT_HEAD "funnels:\n  f:\n    " text "\n"
/* On line 5 again, with three stages and two dims below it. */
#define WITH(text) \
    FUNNEL(text "\n    stages: [a, {id: b, alias: [B, 乙]}, c]\n    dims: {ch: {}, reg: {}}")
/* A rule on line 6, beginning in column 9. */
#define RULE(text) WITH("rules:\n      - {" text "}")

Test(check_funnel, stages)
{
    static const struct kit_case cases[] = {
        {FUNNEL("stages: [a]"), 5, 5, "funnels.f.stages", "1 stage; a funnel has two or more",
         "[first"},
        {FUNNEL("stages: []"), 5, 5, "funnels.f.stages", "0 stages; a funnel", "[first"},
        {FUNNEL("stages: [a, b, a]"), 5, 20, "funnels.f.stages[2]",
         "'a' is named twice among stages, aliases, lost and actions, first on line 5", "rename"},
        {FUNNEL("stages: [a, {id: b, alias: [x, x]}]"), 5, 36, "funnels.f.stages[1].alias[1]",
         "'x' is named twice", "rename"},
        {FUNNEL("stages: [a, {id: b, alias: b}]"), 5, 32, "funnels.f.stages[1].alias",
         "'b' is named twice", "rename"},
        {FUNNEL("stages: [a, {id: b, alias: 丢单}]\n    lost: [x, 丢单]"), 6, 15,
         "funnels.f.lost[1]", "'丢单' is named twice", "rename"},
        {FUNNEL("stages: [a, b]\n    lost: [x]\n    actions: x"), 7, 14, "funnels.f.actions",
         "first on line 6", "rename"},
        {FUNNEL("stages: [a, 'b>c']"), 5, 17, "funnels.f.stages[1]", "holds '>'", "as an alias"},
        {FUNNEL("stages: [a, ' b']"), 5, 17, "funnels.f.stages[1]", "a blank at an end", "remove"},
        {FUNNEL("stages: [{id: a, loop: true}, b]"), 5, 28, "funnels.f.stages[0].loop",
         "only the last stage can loop", "remove it"},
        {WITH("won: a"), 5, 10, "funnels.f.won", "the first stage cannot be won", "a later stage"},
        {WITH("won: 乙"), 5, 10, "funnels.f.won", "'乙' is an alias", "write its id: b"},
        {WITH("won: paid"), 5, 10, "funnels.f.won", "'paid' is none of the stages", "a, b, c"},
        {FUNNEL("stages: [visit, checkout, paid]\n    won: chekout"), 6, 10, "funnels.f.won",
         "'chekout' is none", "did you mean 'checkout'?"},
    };

    KIT_ERRORS(cases);
}

Test(check_funnel, the_last_stage_begins_no_step)
{
    static const struct kit_case cases[] = {
        {FUNNEL("stages: [a, {id: b, window: 1d}]"), 5, 33, "funnels.f.stages[1].window",
         "no step begins at the last stage", "the stage before"},
        {FUNNEL("stages: [a, {id: b, target: 1%}]"), 5, 33, "funnels.f.stages[1].target",
         "no step begins at the last stage", "the stage before"},
        {FUNNEL("stages: [a, {id: b, dwell: 1h}]"), 5, 32, "funnels.f.stages[1].dwell",
         "no step begins at the last stage", "the stage before"},
        {FUNNEL("stages: [{id: a, dwell: 1h}, b]"), 5, 29, "funnels.f.stages[0].dwell",
         "a dwell without a target has no effect", "target: 40%"},
    };

    KIT_WARNINGS(cases);
}

Test(check_funnel, too_many_stages_and_names)
{
    struct buf text = {0};

    buf_str(&text, KIT_HEAD "funnels: {f: {stages: [");
    for (int i = 0; i < 33; i++)
        buf_fmt(&text, "s%d, ", i);
    buf_str(&text, "]}}\n");
    kit_check(
        &(struct kit_case){buf_cstr(&text), 3, 15, "funnels.f.stages", "33 stages", "at most 32"},
        0);

    buf_clear(&text);
    buf_str(&text, KIT_HEAD "funnels: {f: {stages: [a, b], actions: [");
    for (int i = 0; i < 511; i++)
        buf_fmt(&text, "s%d, ", i);
    buf_str(&text, "]}}\n");
    kit_check(&(struct kit_case){buf_cstr(&text), 3, 15, "funnels.f.stages", "513 names of stages",
                                 "at most 512"},
              0);

    buf_clear(&text);
    buf_str(&text, KIT_SMALL "limits: {id: 16}\n");
    settings_free(kit_parse(buf_cstr(&text)));
    buf_clear(&text);
    buf_str(&text, KIT_HEAD "limits: {id: 16}\nfunnels: {f: {stages: [a, 方案方案方案]}}\n");
    kit_check(&(struct kit_case){buf_cstr(&text), 4, 27, "funnels.f.stages[1]",
                                 "'方案方案方案' is longer than limits.id (16 bytes)", "limits.id"},
              0);
    buf_deinit(&text);
}

Test(check_funnel, strict_order_contradicts_other_policies)
{
    static const struct kit_case cases[] = {
        {WITH("order: strict\n    skip: credit"), 6, 11, "funnels.f.skip",
         "order: strict contradicts skip: 'credit'", "order: flow"},
        {WITH("order: strict\n    regress: back"), 6, 14, "funnels.f.regress",
         "order: strict contradicts regress: 'back'", "order: flow"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(WITH("order: strict\n    skip: ignore\n    regress: ignore")));
    settings_free(kit_parse(WITH("order: strict")));
}

Test(check_funnel, names_go_into_labels)
{
    static const struct kit_case cases[] = {
        {KIT_HEAD "funnels: {'a b': {stages: [a, b]}}\n", 3, 11, "funnels.a b", "cannot be a name",
         "letters, digits"},
        {KIT_HEAD "funnels: {'': {stages: [a, b]}}\n", 3, 11, "funnels.", "cannot be a name",
         "letters"},
        {KIT_HEAD "funnels: {__x: {stages: [a, b]}}\n", 3, 11, "funnels.__x", "cannot be a name",
         "__"},
        {FUNNEL("stages: [a, b]\n    dims: {'a=b': {}}"), 6, 12, "funnels.f.dims.a=b",
         "cannot be a name", "letters"},
        {FUNNEL("stages: [a, b]\n    dims: {step: {}}"), 6, 12, "funnels.f.dims.step",
         "'step' is the name of something else", "another name"},
        {FUNNEL("stages: [a, b]\n    breakdowns: [owner, topic]"), 6, 25, "funnels.f.breakdowns[1]",
         "'topic' is the name of something else", "another name"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(KIT_HEAD "funnels: {销售-1.b: {stages: [a, b], dims: {渠道: {}}}}\n"));
}

Test(check_funnel, dims)
{
    static const struct kit_case cases[] = {
        {FUNNEL("stages: [a, b]\n    dims: {ch: {top: 0}}"), 6, 22, "funnels.f.dims.ch.top",
         "'0' is out of range", "1 to 1024"},
        {FUNNEL("stages: [a, b]\n    dims: {ch: {top: 2000}}"), 6, 22, "funnels.f.dims.ch.top",
         "out of range", "1 to 1024"},
        {FUNNEL("stages: [a, b]\n    dims: {ch: {top: 5, values: [x]}}"), 6, 25,
         "funnels.f.dims.ch.values", "top and values contradict", "keep one"},
        {FUNNEL("stages: [a, b]\n    dims: {ch: {values: []}}"), 6, 17, "funnels.f.dims.ch.values",
         "no values", "list some"},
        {FUNNEL("stages: [a, b]\n    dims: {ch: {values: [x, y, x]}}"), 6, 32,
         "funnels.f.dims.ch.values[2]", "'x' stands here twice", "remove one"},
        {FUNNEL("stages: [a, b]\n    dims: {ch: {values: [__other__]}}"), 6, 26,
         "funnels.f.dims.ch.values[0]", "'__other__' is not for use", "anyway"},
        {FUNNEL("stages: [a, b]\n    dims: {ch: {values: x}}\nlimits: {values: 0x}"), 7, 18,
         "limits.values", "'0x' is not a whole number", "digits"},
        {FUNNEL("stages: [a, b]\n    dims: {ch: {values: [x, y, z]}}\nlimits: {values: 2}"), 6, 17,
         "funnels.f.dims.ch.values", "3 values; limits.values is 2", "list fewer"},
        {FUNNEL("stages: [a, b]\n    dims: {a: , b: , c: , d: , e: , f: , g: , h: , i: }"), 6, 5,
         "funnels.f.dims", "9 dims", "at most 8"},
        {FUNNEL("stages: [a, b]\n    dims: [ch]"), 6, 5, "funnels.f.dims",
         "a list, where a map of dim", "{channel: {top: 20}}"},
        {WITH("segments: [[ch], [regg]]"), 5, 23, "funnels.f.segments[1][0]",
         "'regg' is not among the funnel's dims", "did you mean 'reg'?"},
        {WITH("segments: [[ch, reg], [reg, ch]]"), 5, 27, "funnels.f.segments[1]", "stands twice",
         "remove one"},
        {WITH("segments: [[ch, ch]]"), 5, 21, "funnels.f.segments[0][1]", "'ch' stands here twice",
         "remove one"},
        {WITH("segments: [[]]"), 5, 16, "funnels.f.segments[0]", "a segment without dims",
         "always"},
        {WITH("segments: []"), 5, 5, "funnels.f.segments", "no segments", "each dim alone"},
        {WITH("breakdowns: [x, y, x]"), 5, 24, "funnels.f.breakdowns[2]", "'x' stands here twice",
         "remove one"},
        {WITH("breakdowns: [v, w, x, y, z]"), 5, 5, "funnels.f.breakdowns", "5 breakdowns",
         "at most 4"},
    };

    KIT_ERRORS(cases);
}

Test(check_funnel, too_many_segments)
{
    struct buf text = {0};

    buf_str(&text, KIT_HEAD "funnels:\n  f:\n    stages: [a, b]\n    dims: {");
    for (char d = 'a'; d <= 'h'; d++)
        buf_fmt(&text, "%c: , ", d);
    buf_str(&text,
            "}\n    segments: [a, b, c, d, e, f, g, h, [a, b], [a, c], [a, d], [a, e], [a, f], "
            "[a, g], [a, h], [b, c]]\n");
    kit_check(&(struct kit_case){buf_cstr(&text), 7, 5, "funnels.f.segments", "16 segments",
                                 "at most 15"},
              0);

    text.len -= strlen(", [b, c]]\n");
    buf_str(&text, "]\n    rules:\n      - {id: r, kind: target, target: 1%, by: [h, a]}\n");
    settings_free(kit_parse(buf_cstr(&text))); /* is one of the segments */
    buf_str(&text, "      - {id: s, kind: target, target: 1%, by: [b, c]}\n");
    kit_check(&(struct kit_case){buf_cstr(&text), 8, 5, "funnels.f.rules",
                                 "make 16 combinations of dims; at most 15", "list fewer"},
              0);
    buf_deinit(&text);
}

Test(check_funnel, too_many_fields)
{
    struct buf text = {0};

    buf_str(&text, KIT_HEAD "funnels:\n");
    for (int f = 0; f < 3; f++) {
        buf_fmt(&text, "  f%d: {stages: [a, b], dims: {", f);
        for (int d = 0; d < 8; d++)
            buf_fmt(&text, "f%dd%d: , ", f, d);
        buf_str(&text, "}}\n");
    }
    settings_free(kit_parse(buf_cstr(&text))); /* 24 is what there is room for */
    buf_str(&text, "  f3: {stages: [a, b], breakdowns: [one, f0d0]}\n");
    kit_check(&(struct kit_case){buf_cstr(&text), 7, 37, "funnels.f3.breakdowns[0]",
                                 "more than 24 fields, with 'one'", "fewer"},
              0);
    buf_deinit(&text);
}

Test(check_funnel, where)
{
    static const struct kit_case cases[] = {
        {WITH("where: {chh: x}"), 5, 18, "funnels.f.where.chh",
         "'chh' is neither funnel, topic, owner nor a dimension", "did you mean 'ch'?"},
        {WITH("where: {country: x}"), 5, 22, "funnels.f.where.country", "neither",
         "funnel, topic, owner, ch, reg; or say in inputs[].map.dims where it stands"},
        {WITH("where: {ch: []}"), 5, 13, "funnels.f.where.ch", "no event could match", "list some"},
        {WITH("where: {ch: [x, x]}"), 5, 21, "funnels.f.where.ch[1]", "'x' stands here twice",
         "one"},
        {WITH("where: [ch]"), 5, 5, "funnels.f.where", "a list, where a map of fields", "{funnel:"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(WITH("where: {funnel: f, topic: in, owner: li, ch: x}")));
}

Test(check_funnel, windows)
{
    static const struct kit_case cases[] = {
        {WITH("windows: [1h, 1h]"), 5, 19, "funnels.f.windows[1]", "this window stands twice",
         "one"},
        {WITH("windows: [{calendar: day}, 1h, {calendar: day}]"), 5, 36, "funnels.f.windows[2]",
         "stands twice", "remove"},
        {WITH("windows: [90s]"), 5, 15, "funnels.f.windows[0]",
         "'90s' is not a whole number of panes of 1m", "write 1m or 2m"},
        {WITH("windows: 30s"), 5, 14, "funnels.f.windows", "'30s' is out of range", "1m to 400d"},
        {WITH("windows: [500d]"), 5, 15, "funnels.f.windows[0]", "out of range", "400d"},
        {WITH("windows: [{}]"), 5, 15, "funnels.f.windows[0].calendar", "'calendar' is missing",
         "add"},
        {WITH("windows: [{calendar: year}]"), 5, 26, "funnels.f.windows[0].calendar", "'year'",
         "day, week, month, quarter"},
        {WITH("windows: [1m, 2m, 3m, 4m, 5m, 6m, 7m, 8m, 9m]"), 5, 5, "funnels.f.windows",
         "9 windows", "at most 8"},
        {WITH("window: 30s"), 5, 13, "funnels.f.window", "'30s' is out of range", "1m to 3650d"},
        {WITH("window: off"), 5, 13, "funnels.f.window", "'off' is out of range", "1m to"},
        {WITH("overall: 99999999d"), 5, 14, "funnels.f.overall", "out of range", "3650d"},
        {FUNNEL("stages: [{id: a, window: 1s}, b]"), 5, 30, "funnels.f.stages[0].window",
         "out of range", "1m to"},
        {WITH("dedupe: 31d"), 5, 13, "funnels.f.dedupe", "out of range", "30d"},
        {WITH("forget_after: 30d"), 5, 19, "funnels.f.forget_after",
         "'30d' is shorter than the longest window, 60d", "write 60d or more"},
        {WITH("forget_after: 9d\n    window: 1d\n    overall: 10d"), 5, 19,
         "funnels.f.forget_after", "the longest window, 10d", "10d or more"},
        {WITH("forget_after: 20d\n    won: b"), 5, 19, "funnels.f.forget_after",
         "the longest window, 30d", "30d or more"},
    };

    KIT_ERRORS(cases);
}

/* Values far out of range do no harm to the sums that other checks make of them. */
Test(check_funnel, windows_beyond_all_bounds)
{
    static const struct kit_case cases[] = {
        {WITH("window: 9223372036854775807ms"), 5, 13, "funnels.f.window", "out of range", "3650d"},
        {WITH("windows: 9223372036854775807ms"), 5, 14, "funnels.f.windows", "out of range",
         "400d"},
        {RULE("id: r, kind: change, window: 9223372036854775807ms"), 6, 39,
         "funnels.f.rules[0].window", "out of range", "400d"},
    };

    KIT_ERRORS(cases);
}

Test(check_funnel, rules)
{
    static const struct kit_case cases[] = {
        {RULE("kind: target, target: 1%"), 6, 9, "funnels.f.rules[0].id", "'id' is missing",
         "add id"},
        {RULE("id: r"), 6, 9, "funnels.f.rules[0].kind", "'kind' is missing", "add kind"},
        {RULE("id: r, kind: targt"), 6, 23, "funnels.f.rules[0].kind", "'targt' is not known",
         "did you mean 'target'?"},
        {RULE("id: r, kind: stuck"), 6, 23, "funnels.f.rules[0].kind",
         "'stuck' comes in a later version",
         "this version has: target, benchmark, change, drop, rise, volume, mix, data_quality"},
        {RULE("id: r, kind: slow"), 6, 23, "funnels.f.rules[0].kind", "'slow' is not set here",
         "write kind: drop"},
        {RULE("id: r, kind: no_data"), 6, 23, "funnels.f.rules[0].kind",
         "'no_data' is not set here", "inputs[].no_data is the place"},
        {RULE("id: r, kind: no"), 6, 23, "funnels.f.rules[0].kind", "'no' is not known here",
         "one of: target"},
        {RULE("id: r, kind: target"), 6, 9, "funnels.f.rules[0].target", "'target' is missing",
         "30%"},
        {RULE("id: r, kind: benchmark"), 6, 9, "funnels.f.rules[0].target", "'target' is missing",
         "30%"},
        {RULE("id: r, kind: target, target: 0"), 6, 39, "funnels.f.rules[0].target",
         "a target of 0 cannot be missed", "above 0"},
        {RULE("id: r, kind: target, target: 100%"), 6, 39, "funnels.f.rules[0].target",
         "cannot tell chance from a miss", "below 100%"},
        {RULE("id: r, kind: target, target: 30"), 6, 39, "funnels.f.rules[0].target",
         "'30' is above 1, that is 100%", "write 30%"},
        {RULE("id: r, kind: target, target: 130%"), 6, 39, "funnels.f.rules[0].target",
         "'130%' is above 1", "0.3 or 30%"},
        {RULE("id: r, kind: target, target: many"), 6, 39, "funnels.f.rules[0].target",
         "'many' is not a ratio", "from 0 to 1"},
        {RULE("id: r, kind: target, target: 30%, clear: 20%"), 6, 51, "funnels.f.rules[0].clear",
         "'20%' is below the target", "write '30%' or a higher rate"},
        {RULE("id: r, kind: target, target: 1%, against: 7d"), 6, 52, "funnels.f.rules[0].against",
         "only a rule of kind change", "kind: change"},
        {RULE("id: r, kind: benchmark, target: 1%, direction: rise"), 6, 57,
         "funnels.f.rules[0].direction", "only a rule of kind change", "kind: change"},
        {RULE("id: r, kind: change, window: 1d, target: 1%"), 6, 51, "funnels.f.rules[0].target",
         "not with a target", "kind: target"},
        {RULE("id: r, kind: target, target: 1%}\n      - {id: r, kind: target, target: 1%"), 7, 14,
         "funnels.f.rules[1].id", "'r' is the id of a rule on line 6 already", "its own id"},
        {RULE("id: r, kind: target, target: 1%, by: [ch, x]"), 6, 52, "funnels.f.rules[0].by[1]",
         "'x' is not among the funnel's dims", "there are: ch, reg"},
        {RULE("id: r, kind: target, target: 1%, by: [ch, ch]"), 6, 52, "funnels.f.rules[0].by[1]",
         "'ch' stands here twice", "remove"},
        {RULE("id: r, kind: target, target: 1%, significance: 0.5"), 6, 57,
         "funnels.f.rules[0].significance", "'0.5' is not between 0 and 0.5", "0.01"},
        {RULE("id: r, kind: target, target: 1%, significance: 0"), 6, 57,
         "funnels.f.rules[0].significance", "'0' is not between", "0.01"},
        {RULE("id: r, kind: target, target: 1%, min_effect: 1"), 6, 55,
         "funnels.f.rules[0].min_effect", "all of itself", "0.1 or 10%"},
        {RULE("id: r, kind: target, target: 1%, min_entries: 0"), 6, 56,
         "funnels.f.rules[0].min_entries", "'0' is out of range", "1 to"},
        {RULE("id: r, kind: target, target: 1%, pending: 31d"), 6, 52, "funnels.f.rules[0].pending",
         "out of range", "30d"},
        {RULE("id: r, kind: target, target: 1%, hold: 31d"), 6, 49, "funnels.f.rules[0].hold",
         "out of", "30d"},
        {RULE("id: r, kind: target, target: 1%, resolve_after: 31d"), 6, 58,
         "funnels.f.rules[0].resolve_after", "out of range", "30d"},
        {RULE("id: r, kind: target, target: 1%, runbook_url: wiki"), 6, 56,
         "funnels.f.rules[0].runbook_url", "'wiki' is no URL", "https://"},
        {RULE("id: r, kind: target, target: 1%, window: 90s"), 6, 51, "funnels.f.rules[0].window",
         "not a whole number of panes", "1m or 2m"},
        {RULE("id: r, kind: target, target: 1%, measure: cohort, window: 36h"), 6, 68,
         "funnels.f.rules[0].window", "cohort needs a window of whole days; this one is 1d12h",
         "1d or"},
        {RULE("id: r, kind: target, target: 1%, measure: cohort"), 6, 9,
         "funnels.f.rules[0].window", "this one is 1h", "{calendar: week}"},
        {RULE("id: r, kind: target, target: 1%, measure: matured, window: 36h"), 6, 69,
         "funnels.f.rules[0].window", "matured needs a window of whole days; this one is 1d12h",
         "1d or"},
        {RULE("id: r, kind: target, target: 1%, measure: mature"), 6, 52,
         "funnels.f.rules[0].measure", "'mature' is not known", "did you mean 'matured'?"},
        {RULE("id: r, kind: change, window: 1d, measure: matured"), 6, 52,
         "funnels.f.rules[0].measure", "matured is for kind target and benchmark", "kind: target"},
        {WITH("rules: {id: r}"), 5, 5, "funnels.f.rules", "where a list of rules", "- {id: NAME"},
        {WITH("rules: [r]"), 5, 13, "funnels.f.rules[0]", "'r' is not a rule", "{id: NAME"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(RULE("id: r, kind: target, target: 1%, measure: cohort, window: 2d")));
    settings_free(kit_parse(
        RULE("id: r, kind: target, target: 1%, measure: cohort, window: {calendar: month}")));
    settings_free(kit_parse(RULE("id: r, kind: target, target: 1%, window: 1d, measure: matured")));
    settings_free(
        kit_parse(RULE("id: r, kind: benchmark, target: 1%, window: 7d, measure: matured")));
}

Test(check_funnel, steps)
{
#define STEP(step) RULE("id: r, kind: target, target: 1%, step: " step)
    static const struct kit_case cases[] = {
        {STEP("a>c"), 6, 49, "funnels.f.rules[0].step", "'a>c' are not neighbours",
         "b>c, or overall"},
        {STEP("b>a"), 6, 49, "funnels.f.rules[0].step", "'b>a' are not neighbours",
         "write b>c, or"},
        {STEP("a>a"), 6, 49, "funnels.f.rules[0].step", "not neighbours", "a>b, or overall"},
        {STEP("c>a"), 6, 49, "funnels.f.rules[0].step", "not neighbours", "overall"},
        {STEP("a>x"), 6, 49, "funnels.f.rules[0].step", "'a>x' is not a step", "a>b"},
        {STEP("a > b"), 6, 49, "funnels.f.rules[0].step", "'a > b' is not a step", "a>b"},
        {STEP("a>乙"), 6, 49, "funnels.f.rules[0].step", "'a>乙' is not a step", "a>b"},
        {STEP("a"), 6, 49, "funnels.f.rules[0].step", "'a' is not a step", "overall, a>b, b>c"},
        {STEP("overal"), 6, 49, "funnels.f.rules[0].step", "'overal'", "did you mean 'overall'?"},
        {STEP("'>'"), 6, 49, "funnels.f.rules[0].step", "'>' is not a step", "overall"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(STEP("b>c")));
    settings_free(kit_parse(STEP("overall")));
}

Test(check_funnel, against_an_earlier_period)
{
#define CHANGE(text) RULE("id: r, kind: change, " text)
    static const struct kit_case cases[] = {
        {CHANGE("min_effect: 10%"), 6, 9, "funnels.f.rules[0].against",
         "the default 1w is too far back for a window of 1h", "at most 32 windows back"},
        {CHANGE("window: 1h, against: 33h"), 6, 52, "funnels.f.rules[0].against",
         "'33h' is too far back for a window of 1h", "against: 1d8h or less"},
        {CHANGE("window: 1d, against: 1h"), 6, 52, "funnels.f.rules[0].against",
         "'1h' is shorter than the window, 1d: the two would overlap", "1d or more"},
        {CHANGE("window: 1d, against: 1501m"), 6, 52, "funnels.f.rules[0].against",
         "'1501m' is not a whole number of slots of a window of 1d (24m each)",
         "multiple of 24m, such as 1d48m"},
        {CHANGE("window: 61m, against: 62m"), 6, 53, "funnels.f.rules[0].against", "(1h1m each)",
         "multiple of 1h1m"},
        {CHANGE("window: {calendar: month}, against: 30d"), 6, 67, "funnels.f.rules[0].against",
         "compared with the one before it", "remove it"},
        {CHANGE("window: 1d, against: off"), 6, 52, "funnels.f.rules[0].against",
         "shorter than the", "1d or more"},
    };

    KIT_ERRORS(cases);
    settings_free(kit_parse(CHANGE("window: 1d")));
    settings_free(kit_parse(CHANGE("window: 1h, against: 32h")));
    settings_free(kit_parse(CHANGE("window: 30m, against: 3h")));
    settings_free(kit_parse(CHANGE("window: {calendar: month}")));
}

Test(check_funnel, too_many_rules_and_windows)
{
    struct buf text = {0};

    buf_str(&text, WITH("rules:"));
    text.len -= strlen(
        "    stages: [a, {id: b, alias: [B, 乙]}, c]\n    dims: {ch: {}, reg: {}}\n");
    for (int i = 1; i <= 14; i++)
        buf_fmt(&text, "    - {id: r%d, kind: target, target: 1%%, window: %dm}\n", i, i);
    buf_str(&text, "    - {id: again, kind: target, target: 1%, window: 1d}\n");
    buf_str(&text, "    stages: [a, b]\n");
    settings_free(kit_parse(buf_cstr(&text)));
    buf_str(&text, "    windows: [1h, 1d, 2h]\n");
    kit_check(&(struct kit_case){buf_cstr(&text), 19, 51, "funnels.f.rules[13].window",
                                 "more than 16 different windows", "one of the windows"},
              0);

    buf_clear(&text);
    buf_str(&text, FUNNEL("stages: [a, b]\n    rules:"));
    for (int i = 0; i < 65; i++)
        buf_fmt(&text, "    - {id: r%d, kind: target, target: 1%%}\n", i);
    kit_check(
        &(struct kit_case){buf_cstr(&text), 6, 5, "funnels.f.rules", "65 rules", "at most 64"}, 0);
    buf_deinit(&text);
}

/* One mistake is told once: what depends on it keeps quiet. */
Test(check_funnel, no_mistake_leads_to_others)
{
    static const struct kit_case cases[] = {
        {FUNNEL("stages: x\n    won: b\n    rules: [{id: r, kind: target, target: 1%, step: a>b}]"),
         5, 13, "funnels.f.stages", "'x' is not a list of stages", "[first"},
        {FUNNEL("stages: [a, b]\n    dims: x\n    segments: [c]\n"
                "    rules: [{id: r, kind: target, target: 1%, by: c}]"),
         6, 11, "funnels.f.dims", "'x' is not a map of dimensions", "{channel"},
        {WITH("window: 3x\n    forget_after: 90d"), 5, 13, "funnels.f.window", "not a duration",
         "1h"},
        {KIT_SMALL "time: {pane: x}\n", 4, 14, "time.pane", "'x' is not a duration", "1h30m"},
        {RULE("id: r, kind: change, window: x, against: 1m"), 6, 39, "funnels.f.rules[0].window",
         "'x' is not a", "1h"},
        {RULE("id: r, kind: change, window: 1d, against: x"), 6, 52, "funnels.f.rules[0].against",
         "'x' is not a duration", "1h"},
        {RULE("id: r, kind: x, against: 1m, target: 1%"), 6, 23, "funnels.f.rules[0].kind", "'x'",
         "one"},
        {RULE("id: r, kind: target, target: x, clear: 1%"), 6, 39, "funnels.f.rules[0].target",
         "'x' is not a ratio", "30%"},
        {RULE("id: r, kind: target, target: 1%, measure: cohort, window: x"), 6, 68,
         "funnels.f.rules[0].window", "'x' is not a", "1h"},
    };

    KIT_ERRORS(cases);
}

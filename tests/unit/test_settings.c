/* SPDX-License-Identifier: Apache-2.0 */
/* What a file means: defaults, forms of values, what is derived. */
#include "lib/settings_kit.h"

Test(settings, smallest_file_has_every_default)
{
    struct settings *s = kit_parse(KIT_SMALL);
    const struct settings_funnel *f = &s->funnels.items[0];

    cr_assert(eq(int, s->mode, MODE_SINGLE));
    cr_assert(eq(str, (char *)s->group, "funneld"));
    cr_assert(eq(int, s->language, LANGUAGE_EN));
    cr_assert(eq(i64, s->amount_decimals, 2));
    cr_assert(eq(str, (char *)s->http, "127.0.0.1:9464"));
    cr_assert(zero(ptr, (void *)s->http_token));
    cr_assert(eq(int, s->missing_topic, MISSING_WAIT));
    cr_assert(eq(i64, s->shutdown_timeout, 20000));
    cr_assert(eq(str, (char *)s->outputs.alerts, "funnel.alerts"));
    cr_assert(eq(str, (char *)s->outputs.deadletter, "funnel.deadletter"));
    cr_assert(eq(str, (char *)s->time.zone, "UTC"));
    cr_assert(eq(i64, s->time.pane, 60000));
    cr_assert(eq(i64, s->time.lateness, 2000));
    cr_assert(eq(int, s->time.late, LATE_APPLY));
    cr_assert(eq(i64, s->time.max_ahead, 60000));
    cr_assert(eq(i64, s->time.max_jump, 600000));
    cr_assert(eq(i64, s->time.max_skew, 64));
    cr_assert(eq(i64, s->limits.message, 1 << 20));
    cr_assert(eq(i64, s->limits.id, 256));
    cr_assert(eq(i64, s->limits.entities, 20000000));
    cr_assert(eq(str, (char *)s->state.dir, "/var/lib/funneld"));
    cr_assert(eq(int, s->log.level, LOG_LEVEL_INFO));

    cr_assert(eq(sz, s->funnels.count, 1));
    cr_assert(eq(str, (char *)f->name, "f"));
    cr_assert(eq(sz, f->stages.count, 3));
    cr_assert(zero(ptr, (void *)f->won));
    cr_assert(eq(int, f->order, ORDER_FLOW));
    cr_assert(eq(int, f->skip, SKIP_CREDIT));
    cr_assert(eq(int, f->regress, REGRESS_BACK));
    cr_assert(eq(int, f->reentry, REENTRY_NEW_ATTEMPT));
    cr_assert(eq(i64, f->window, INT64_C(30) * 86400000));
    cr_assert(eq(i64, f->overall, -1));
    cr_assert(eq(i64, f->forget_after, -1));
    cr_assert(eq(i64, f->dedupe, 0));
    cr_assert(eq(int, f->ids, IDS_KEEP));
    cr_assert(eq(sz, f->windows.count, 2));
    cr_assert(eq(i64, f->windows.items[0].ms, 3600000));
    cr_assert(eq(int, f->windows.items[0].calendar, -1));
    cr_assert(eq(i64, f->windows.items[1].ms, 86400000));
    cr_assert(zero(sz, f->rules.count));
    cr_assert(zero(sz, f->segments.count));
    settings_free(s);
}

Test(settings, kafka_keeps_order_keys_and_values)
{
    struct settings *s = kit_parse("kafka:\n"
                                   "  ssl.key.pem: |\n"
                                   "    line one\n"
                                   "    line two\n"
                                   "  bootstrap.servers: ${BROKERS}\n"
                                   "  sasl.password: ''\n"
                                   "  fetch.wait.max.ms: 50\n" KIT_INPUTS KIT_FUNNELS);

    cr_assert(eq(sz, s->kafka.count, 4));
    cr_assert(eq(str, (char *)s->kafka.items[0].key, "ssl.key.pem"));
    cr_assert(eq(str, (char *)s->kafka.items[0].value, "line one\nline two\n"));
    cr_assert(eq(str, (char *)s->kafka.items[1].value, "${BROKERS}"));
    cr_assert(eq(u32, s->kafka.items[1].mark.line, 5));
    cr_assert(eq(u32, s->kafka.items[1].mark.column, 3));
    cr_assert(eq(str, (char *)s->kafka.items[2].value, ""));
    cr_assert(eq(str, (char *)s->kafka.items[3].value, "50"));
    settings_free(s);
}

Test(settings, sources_are_texts_or_objects)
{
    struct settings *s = kit_parse(
        KIT_KAFKA "inputs:\n"
                  "  - topic: in\n"
                  "    map:\n"
                  "      entity_id: /a~1b/0\n"
                  "      stage: header:stage\n"
                  "      ts: {from: timestamp}\n"
                  "      entered_at: {from: /since, format: epoch_s, default: '0'}\n"
                  "      owner: {default: nobody}\n"
                  "      funnel: {const: 1}\n"
                  "      event_id: key:/id\n"
                  "      dims: {channel: /c, region: {from: key, default: east}}\n"
                  "funnels: {f: {stages: [a, b], dims: {channel: {}}, breakdowns: region}}\n");
    const struct settings_map *m = &s->inputs.items[0].map;

    cr_assert(eq(str, (char *)m->entity_id.from, "/a~1b/0"));
    cr_assert(eq(int, m->entity_id.format, FORMAT_AUTO));
    cr_assert(eq(u32, m->entity_id.mark.line, 5));
    cr_assert(eq(u32, m->entity_id.mark.column, 18));
    cr_assert(eq(str, (char *)m->stage.from, "header:stage"));
    cr_assert(eq(str, (char *)m->ts.from, "timestamp"));
    cr_assert(eq(int, m->entered_at.format, FORMAT_EPOCH_S));
    cr_assert(eq(str, (char *)m->entered_at.fallback, "0"));
    cr_assert(zero(ptr, (void *)m->owner.from));
    cr_assert(eq(str, (char *)m->owner.fallback, "nobody"));
    cr_assert(eq(str, (char *)m->funnel.constant, "1"));
    cr_assert(eq(sz, m->dims.count, 2));
    cr_assert(eq(str, (char *)m->dims.items[0].name, "channel"));
    cr_assert(eq(str, (char *)m->dims.items[0].source.from, "/c"));
    cr_assert(eq(str, (char *)m->dims.items[1].source.fallback, "east"));
    cr_assert(zero(ptr, (void *)m->amount.from));
    cr_assert(zero(ptr, (void *)m->amount.constant));
    settings_free(s);
}

Test(settings, a_funnel_with_everything)
{
    struct settings *s = kit_parse(
        KIT_HEAD
        "funnels:\n"
        "  sales:\n"
        "    where: {funnel: sales, topic: [in, other]}\n"
        "    stages:\n"
        "      - lead\n"
        "      - {id: proposal, name: 方案, alias: [方案, \"Proposal Sent\"], window: 14d,\n"
        "         probability: 20%, target: 0.3, owner: li, note: a remark}\n"
        "      - id: won\n"
        "      - {id: repeat, loop: yes}\n"
        "    won: won\n"
        "    lost: gone\n"
        "    actions: [call, visit]\n"
        "    order: strict\n"
        "    skip: ignore\n"
        "    reentry: ignore\n"
        "    window: 1h30m\n"
        "    overall: 90d\n"
        "    forget_after: 52w\n"
        "    dims: {channel: {top: 5}, region: {values: [east, west]}, kind: }\n"
        "    segments: [channel, [channel, region]]\n"
        "    breakdowns: [owner]\n"
        "    dedupe: 1h\n"
        "    windows: {calendar: month}\n"
        "    rules:\n"
        "      - {id: t, kind: target, step: lead>proposal, target: 0.30, clear: 31%, by: region,\n"
        "         measure: cohort, window: {calendar: quarter}}\n"
        "      - {id: c, kind: change, window: 1d, against: 7d, significance: 1e-3, min_effect: 10%,\n"
        "         direction: both, pending: off, severity: page}\n");
    const struct settings_funnel *f = &s->funnels.items[0];
    const struct settings_stage *stage = &f->stages.items[1];
    const struct settings_rule *r = f->rules.items;

    cr_assert(eq(sz, f->where.count, 2));
    cr_assert(eq(str, (char *)f->where.items[1].field, "topic"));
    cr_assert(eq(sz, f->where.items[0].values.count, 1));
    cr_assert(eq(str, (char *)f->where.items[1].values.items[1], "other"));
    cr_assert(eq(str, (char *)f->stages.items[0].id, "lead"));
    cr_assert(eq(u32, f->stages.items[0].mark.line, 7));
    cr_assert(eq(i64, f->stages.items[0].window, -1));
    cr_assert(eq(str, (char *)stage->name, "方案"));
    cr_assert(eq(str, (char *)stage->alias.items[1], "Proposal Sent"));
    cr_assert(eq(i64, stage->window, INT64_C(14) * 86400000));
    cr_assert(eq(dbl, stage->probability, 0.2));
    cr_assert(eq(dbl, stage->target, 0.3));
    cr_assert(not(stage->loop));
    cr_assert(f->stages.items[3].loop);
    cr_assert(eq(dbl, f->stages.items[3].target, -1));
    cr_assert(eq(sz, f->lost.count, 1));
    cr_assert(eq(int, f->order, ORDER_STRICT));
    cr_assert(eq(i64, f->window, 5400000));
    cr_assert(eq(i64, f->forget_after, INT64_C(364) * 86400000));
    cr_assert(eq(sz, f->dims.count, 3));
    cr_assert(eq(str, (char *)f->dims.items[1].name, "region"));
    cr_assert(eq(sz, f->dims.items[1].values.count, 2));
    cr_assert(eq(i64, f->dims.items[2].top, 20));
    cr_assert(eq(sz, f->segments.count, 2));
    cr_assert(eq(sz, f->segments.items[0].count, 1));
    cr_assert(eq(sz, f->segments.items[1].count, 2));
    cr_assert(eq(sz, f->windows.count, 1));
    cr_assert(eq(int, f->windows.items[0].calendar, CALENDAR_MONTH));
    cr_assert(zero(i64, f->windows.items[0].ms));
    cr_assert(eq(int, f->ids, IDS_KEEP));
    cr_assert(eq(int, r[0].kind, RULE_TARGET));
    cr_assert(eq(dbl, r[0].target, 0.3));
    cr_assert(eq(dbl, r[0].clear, 0.31));
    cr_assert(eq(int, r[0].window.calendar, CALENDAR_QUARTER));
    cr_assert(eq(int, r[0].measure, MEASURE_COHORT));
    cr_assert(eq(str, (char *)r[0].by.items[0], "region"));
    cr_assert(eq(int, r[1].kind, RULE_CHANGE));
    cr_assert(eq(dbl, r[1].significance, 0.001));
    cr_assert(eq(dbl, r[1].target, -1));
    cr_assert(eq(int, r[1].direction, DIRECTION_BOTH));
    cr_assert(zero(i64, r[1].pending));
    cr_assert(eq(i64, r[1].hold, 300000));
    cr_assert(eq(u32, r[1].mark.line, 29));
    settings_free(s);
}

/* The order of an event's fields: funnels in turn, each with dims, breakdowns, where. */
Test(settings, fields_are_derived_in_order_of_first_use)
{
    struct settings *s = kit_parse(KIT_KAFKA
                                   "inputs: [{topic: in, map: {dims: {country: /c}}}]\n"
                                   "funnels:\n"
                                   "  f: {stages: [a, b], where: {funnel: f, country: cn},\n"
                                   "      dims: {channel: {}, region: {}}, breakdowns: [owner]}\n"
                                   "  g: {stages: [a, b], where: {topic: in},\n"
                                   "      dims: {region: {}, device: {}}}\n");
    static const char *const names[] = {"channel", "region", "owner", "country", "device"};

    cr_assert(eq(sz, s->field_count, 5));
    for (int i = 0; i < 5; i++) {
        cr_assert(eq(str, (char *)s->fields[i], (char *)names[i]));
        cr_assert(eq(int, settings_field(s, names[i]), i));
    }
    cr_assert(eq(int, settings_field(s, "funnel"), -1));
    cr_assert(eq(int, settings_field(s, ""), -1));
    settings_free(s);
}

Test(settings, rules_of_detection_know_their_defaults)
{
    struct settings *s = kit_parse(KIT_HEAD
                                   "time: {holidays: [2026-12-26, 2026-01-01, 2026-12-25]}\n"
                                   "funnels:\n"
                                   "  f:\n"
                                   "    dims: {ch: {}}\n"
                                   "    stages: [{id: a, target: 40%, dwell: 20m}, b, c]\n"
                                   "    rules:\n"
                                   "      - {id: d, kind: drop, step: a>b}\n"
                                   "      - {id: e, kind: drop, step: b>c, budget: 1/day,\n"
                                   "         accept_after: 2d, min_effect: 10%, hold: 1h}\n"
                                   "      - {id: r, kind: rise}\n"
                                   "      - {id: v, kind: volume}\n"
                                   "      - {id: m, kind: mix, window: 1d, min_effect: 20%}\n"
                                   "      - {id: q, kind: data_quality, window: 6h}\n"
                                   "      - {id: p, kind: data_quality, target: 1%}\n"
                                   "      - {id: t, kind: target, target: 30%}\n");
    const struct settings_rule *r = s->funnels.items[0].rules.items;
    static const double budgets[] = {0.1, 7, 0.1, 0.05, 0.05};

    for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++)
        cr_expect(eq(dbl, settings_rule_budget(&r[i]), budgets[i]), "%s", r[i].id);
    for (size_t i = 5; i < 8; i++)
        cr_expect(settings_rule_budget(&r[i]) != settings_rule_budget(&r[i]), "%s", r[i].id);
    cr_expect(eq(dbl, settings_rule_target(&r[0]), -1));
    cr_expect(eq(dbl, settings_rule_target(&r[5]), 0.05));
    cr_expect(eq(dbl, settings_rule_target(&r[6]), 0.01));
    cr_expect(eq(dbl, settings_rule_target(&r[7]), 0.3));
    cr_expect(eq(i64, r[0].accept_after, INT64_C(7) * 86400000));
    cr_expect(eq(i64, r[1].accept_after, INT64_C(2) * 86400000));
    cr_expect(eq(i64, s->funnels.items[0].stages.items[0].dwell, 1200000));
    cr_expect(eq(i64, s->funnels.items[0].stages.items[1].dwell, -1));
    cr_assert(eq(sz, s->time.holidays.count, 3));
    cr_expect(eq(str, (char *)s->time.holidays.items[0], "2026-01-01"));
    cr_expect(eq(str, (char *)s->time.holidays.items[2], "2026-12-26"));
    settings_free(s);
}

Test(settings, a_value_may_have_an_alias)
{
    struct settings *s = kit_parse(KIT_HEAD
                                   "funnels:\n"
                                   "  f: {stages: &s [a, {id: b, alias: 乙}], windows: [1h]}\n"
                                   "  g: {stages: *s}\n");

    cr_assert(eq(sz, s->funnels.items[1].stages.count, 2));
    cr_assert(eq(str, (char *)s->funnels.items[1].stages.items[1].alias.items[0], "乙"));
    settings_free(s);
}

Test(settings, names_may_look_like_anything_when_texts_are_wanted)
{
    struct settings *s = kit_parse(
        KIT_HEAD "funnels: {2024: {stages: [1, true, 'null', 0x10, '~'], lost: no}}\n");

    cr_assert(eq(str, (char *)s->funnels.items[0].name, "2024"));
    cr_assert(eq(str, (char *)s->funnels.items[0].stages.items[1].id, "true"));
    cr_assert(eq(str, (char *)s->funnels.items[0].stages.items[2].id, "null"));
    cr_assert(eq(str, (char *)s->funnels.items[0].lost.items[0], "no"));
    settings_free(s);
}

Test(settings, empty_maps_and_lists_are_their_defaults)
{
    struct settings *s = kit_parse(KIT_HEAD "outputs:\ntime: {}\nlimits:\nlog:\n"
                                            "funnels:\n"
                                            "  f:\n"
                                            "    stages: [a, b]\n"
                                            "    dims:\n"
                                            "    lost: []\n"
                                            "    rules:\n"
                                            "    windows:\n"
                                            "    where: {}\n");

    cr_assert(eq(str, (char *)s->outputs.alerts, "funnel.alerts"));
    cr_assert(eq(i64, s->time.pane, 60000));
    cr_assert(eq(sz, s->funnels.items[0].windows.count, 2));
    settings_free(s);
}

Test(settings, nothing_is_kept_of_the_text)
{
    char *text = strdup(KIT_SMALL);
    struct settings_problems p = {0};
    struct settings *s = settings_parse(text, strlen(text), &p);

    memset(text, 'x', strlen(text));
    free(text);
    cr_assert(eq(str, (char *)s->funnels.items[0].stages.items[2].id, "c"));
    settings_free(s);
    settings_problems_deinit(&p);
    settings_free(NULL);
}

/* --- problems --- */

Test(settings, problems_are_kept_in_order_and_copied)
{
    struct settings_problems p = {0};
    char text[] = "message";

    settings_problem_add(&p, (struct settings_mark){3, 1}, false, "c", text, "r");
    settings_problem_add(&p, (struct settings_mark){1, 9}, true, "a", text, "r");
    settings_problem_add(&p, (struct settings_mark){3, 1}, false, "d", text, "r");
    settings_problem_add(&p, (struct settings_mark){2, 4}, false, NULL, text, NULL);
    text[0] = 'M';
    cr_assert(eq(sz, p.count, 4));
    cr_assert(eq(sz, p.errors, 3));
    cr_assert(eq(str, (char *)p.items[0].path, "a"));
    cr_assert(eq(str, (char *)p.items[1].path, ""));
    cr_assert(eq(str, (char *)p.items[2].path, "c"));
    cr_assert(eq(str, (char *)p.items[3].path, "d"));
    cr_assert(eq(str, (char *)p.items[0].message, "message"));
    settings_problems_deinit(&p);
    cr_assert(zero(sz, p.count));
    settings_problems_deinit(&p);
}

Test(settings, a_flood_of_problems_is_counted_but_not_kept)
{
    struct settings_problems p = {0};

    for (uint32_t i = 1; i <= 5000; i++)
        settings_problem_add(&p, (struct settings_mark){i, 1}, false, "", "m", "r");
    cr_assert(eq(sz, p.errors, 5000));
    cr_assert(eq(sz, p.count, 1000));
    settings_problems_deinit(&p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Silences and the alerts about a source. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/pulse_kit.h"

#define PANE INT64_C(900000)
#define DAY 96
#define MONDAY (INT64_C(19800) * DAY) /* 2024-03-18 */
#define FIRST (MONDAY + 8 * DAY + 1)  /* silent pane: 2024-03-26T00:15Z */

static struct pulse_rig rig;
static uint64_t decisions;

/* After eight days of four events a pane no_data fires in the third silent one. */
static void open_steady(void)
{
    pulse_rig_open(&rig, 1, PANE, "UTC");
    for (int64_t pane = MONDAY; pane < FIRST; pane++)
        pulse_rig_pane(&rig, pane, 4, false);
    rig.base = FIRST;
}

static void close_rig(void)
{
    pulse_rig_close(&rig);
}

TestSuite(pulse_control, .init = open_steady, .fini = close_rig);

static void decide(struct pulse *p, int64_t pane, const char *text)
{
    struct decision d = {.seq = ++decisions,
                         .source = DECISION_JUDGES,
                         .kind = DECISION_CONTROL,
                         .at = pane,
                         .text = span_of(text)};

    pulse_control(p, &d);
}

static void say(int64_t pane, const char *id, const char *until, const char *matchers)
{
    char text[512];

    snprintf(text, sizeof(text),
             "{\"kind\":\"silence\",\"id\":\"%s\",\"from\":\"2024-03-26T00:00:00Z\","
             "\"to\":\"2024-03-26T%sZ\",\"matchers\":{%s}}",
             id, until, matchers);
    decide(rig.p, FIRST + pane, text);
}

static bool is_silenced_by(size_t record, const char *ids)
{
    char part[128];
    struct buf text = {0};
    bool found;

    snprintf(part, sizeof(part), "\"silenced_by\":[%s]", ids);
    pipe_record_text(&rig.out, record, &text);
    found = strstr(buf_cstr(&text), part) != NULL;
    buf_deinit(&text);
    return found;
}

/* Fires at the end of pane 2, resolves at that of pane 10. */
static void silence_and_return(void)
{
    pulse_rig_pass(&rig, FIRST, FIRST + 9, false);
    pulse_rig_pane(&rig, FIRST + 10, 1, false);
    cr_assert(eq(sz, rig.out.count, 2));
}

#define ORDERS "\"source\":\"orders\""

Test(pulse_control, a_silence_marks_the_alerts_of_its_source)
{
    say(0, "b", "09:00:00", ORDERS);
    say(0, "a", "09:00:00", "\"alertname\":\"no_data\",\"severity\":\"critical\"");
    say(0, "c", "09:00:00", "\"source\":\"payments\"");
    say(0, "d", "09:00:00", ORDERS ",\"alertname\":\"data_gap\"");
    say(0, "e", "09:00:00", "\"funnel\":\"orders\"");
    silence_and_return();
    cr_expect(is_silenced_by(0, "\"a\",\"b\""));
    cr_expect(is_silenced_by(1, "\"a\",\"b\""));
}

Test(pulse_control, it_is_in_force_at_event_times_before_its_end)
{
    say(0, "short", "01:00:00", ORDERS); /* the end of pane 2 */
    say(0, "longer", "01:00:00.001", ORDERS);
    silence_and_return();
    cr_expect(is_silenced_by(0, "\"longer\""));
    cr_expect(is_silenced_by(1, ""));
}

Test(pulse_control, it_takes_effect_with_its_pane_though_all_close_in_one_step)
{
    say(3, "late", "09:00:00", ORDERS);
    say(2, "just", "09:00:00", ORDERS);
    decide(rig.p, FIRST + 10, "{\"kind\":\"expire\",\"id\":\"just\"}");
    pulse_rig_note(&rig, 0, (struct pulse_note){PULSE_EVENTS, .pane = FIRST + 10, .n = 1});
    pulse_rig_pass(&rig, FIRST, FIRST + 10, false);
    cr_assert(eq(sz, rig.out.count, 2));
    cr_expect(is_silenced_by(0, "\"just\""));
    cr_expect(is_silenced_by(1, "\"late\""));
}

Test(pulse_control, what_is_in_force_and_what_waits_is_saved)
{
    say(0, "x", "09:00:00", ORDERS);
    pulse_rig_pass(&rig, FIRST, FIRST + 1, false);
    say(5, "y", "09:00:00", ORDERS);
    pulse_rig_reload(&rig);
    pulse_rig_pass(&rig, FIRST + 2, FIRST + 9, false);
    pulse_rig_reload(&rig);
    pulse_rig_pane(&rig, FIRST + 10, 1, false);
    cr_assert(eq(sz, rig.out.count, 2));
    cr_expect(is_silenced_by(0, "\"x\""));
    cr_expect(is_silenced_by(1, "\"x\",\"y\""));
}

Test(pulse_control, interventions_are_none_of_its_business)
{
    decide(rig.p, FIRST,
           "{\"kind\":\"intervention\",\"id\":\"i\",\"at\":\"2024-03-26T00:00:00Z\","
           "\"funnel\":\"orders\"}");
    silence_and_return();
    cr_expect(eq(sz, rig.p->controls->mark_count, 0));
    cr_expect(eq(u64, rig.p->controls->marks_refused, 0));
}

Test(pulse_control, under_panes_of_another_length_silences_go_on)
{
    struct pulse_rig other;

    pulse_rig_open(&other, 1, PANE / 3, "UTC");
    say(0, "x", "09:00:00", ORDERS);
    pulse_rig_pass(&rig, FIRST, FIRST + 1, false);
    say(5, "y", "09:00:00", ORDERS);
    pulse_take_controls(other.p, rig.p);
    cr_expect(eq(sz, other.p->controls->silence_count, 1));
    cr_expect(eq(sz, rig.p->controls->silence_count, 0));
    pulse_rig_pass(&other, 3 * (FIRST + 2), 3 * (FIRST + 5) - 1, false);
    cr_expect(eq(sz, other.p->controls->silence_count, 1));
    pulse_rig_pass(&other, 3 * (FIRST + 5), 3 * (FIRST + 5), false);
    cr_expect(eq(sz, other.p->controls->silence_count, 2));
    pulse_rig_close(&other);
}

/* --- in a pipeline --- */

/* The first input's pulse is ahead of the judges, which wait for the second: what is said then comes after both. */
Test(pulse_control, no_machine_has_closed_the_pane_of_a_decision, .init = NULL, .fini = NULL)
{
    static const struct pipeline_source sources[] = {{"in", 0, 0}, {"other", 0, 1}};
    struct pipe k;
    int64_t pane = MONDAY * 15;

    pipe_open(&k,
              PIPE_KAFKA "inputs: [{topic: in}, {topic: other}]\ntime: {pane: 1m, lateness: 0s}\n"
                         "funnels: {f: {stages: [a, b]}}\n",
              1);
    pipeline_free(k.p);
    k.p = pipeline_new(k.settings, k.zone, sources, 2);
    pipe_decide(&k, 0, DECISION_ADVANCE, (pane + 9) * 60000);
    pipe_decide(&k, 1, DECISION_ADVANCE, pane * 60000);
    cr_expect(eq(i64, pipeline_next_pane(k.p), pane + 9));
    pipe_decide(&k, 1, DECISION_ADVANCE, (pane + 20) * 60000);
    cr_expect(eq(i64, pipeline_next_pane(k.p), pane + 20));
    pipeline_decide(k.p, &(struct decision){.seq = 9,
                                            .source = DECISION_JUDGES,
                                            .kind = DECISION_CONTROL,
                                            .at = pane + 20,
                                            .text = span_of("{\"kind\":\"expire\",\"id\":\"x\"}")});
    cr_expect(eq(sz, k.p->pulses[0]->controls->waiting.count, 1));
    cr_expect(eq(sz, k.p->pulses[1]->controls->waiting.count, 1));
    pipe_decide(&k, 0, DECISION_ADVANCE, (pane + 21) * 60000);
    cr_expect(eq(sz, k.p->pulses[0]->controls->waiting.count, 0));
    cr_expect(eq(sz, k.p->pulses[1]->controls->waiting.count, 1));
    pipe_close(&k);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/outbox.h"

#include <criterion/criterion.h>

#include "shell/backoff.h"
#include "shell/commit_due.h"
#include "shell/flow.h"

static void put(struct outbox *o, enum record_target target, const char *value)
{
    record_begin(&o->open, target, -1);
    record_value(&o->open, span_of(value));
}

Test(outbox, records_wait_in_one_of_two_sets)
{
    struct outbox o;

    outbox_init(&o, 3);
    cr_assert_eq(o.progress_since, -1);
    put(&o, RECORD_DEADLETTER, "d");
    outbox_note(&o, 100);
    cr_assert_eq(o.alerts, 0);
    put(&o, RECORD_ALERT, "first");
    outbox_note(&o, 200);
    outbox_note(&o, 300);
    cr_assert_eq(o.alerts, 1, "each is counted once");
    cr_assert_eq(o.progress_since, 100, "since the first");

    outbox_freeze(&o, 9);
    cr_assert(o.is_frozen);
    cr_assert_eq(o.frozen.count, 2);
    cr_assert_eq(o.point.seq, 9);
    cr_assert_eq(o.open.count, 0);
    cr_assert_eq(outbox_bytes(&o), 0);
    cr_assert_eq(o.progress_since, -1);

    put(&o, RECORD_ALERT, "second");
    outbox_note(&o, 400);
    cr_assert_eq(o.frozen.count, 2, "the frozen set does not change");
    cr_assert(span_is(record_value_of(&o.frozen, &o.frozen.items[1]), "first"));

    outbox_confirm(&o);
    outbox_freeze(&o, 10);
    cr_assert_eq(o.frozen.count, 1);
    cr_assert(span_is(record_value_of(&o.frozen, &o.frozen.items[0]), "second"));
    outbox_deinit(&o);
}

Test(outbox, a_rebuild_keeps_nothing)
{
    struct outbox o;

    outbox_init(&o, 1);
    put(&o, RECORD_ALERT, "old");
    outbox_discard(&o);
    put(&o, RECORD_DEADLETTER, "new");
    outbox_note(&o, 5);
    cr_assert_eq(o.open.count, 1);
    cr_assert_eq(o.alerts, 0);
    outbox_deinit(&o);
}

Test(outbox, alerts_have_a_largest_size)
{
    struct record r = {.target = RECORD_ALERT, .value_len = OUTBOX_ALERT_MAX};

    cr_assert(outbox_record_fits(&r));
    r.key_len = 1;
    cr_assert_not(outbox_record_fits(&r));
    r.target = RECORD_DEADLETTER; /* bounded by the core */
    cr_assert(outbox_record_fits(&r));
}

Test(commit_due, cases)
{
    static const struct {
        const char *name;
        struct commit_view view;
        int64_t due;
    } cases[] = {
        {"nothing ever", {-1, -1, -1, 0, 10, false, false, false}, COMMIT_NEVER},
        {"first progress", {-1, -1, 500, 0, 10, false, false, false}, 1500},
        {"first alert", {-1, -1, 500, 0, 10, true, false, false}, 0},
        {"alerts keep apart", {1000, 1003, 1005, 1, 10, true, false, false}, 1020},
        {"and leave a rest", {1000, 1090, 1091, 1, 10, true, false, false}, 1095},
        {"progress", {1000, 1003, 1005, 1, 10, false, false, false}, 2005},
        {"full", {1000, 1003, 1005, 10, 10, false, false, false}, 1020},
        {"busy", {1000, 900, 1005, 99, 10, true, true, true}, COMMIT_NEVER},
        {"idle: the full vector hourly", {1000, 1003, -1, 0, 10, false, false, false}, 3601003},
        {"draining, progress", {1000, 1003, 1004, 0, 10, false, false, true}, 1020},
        {"draining, nothing left", {1000, 1003, -1, 0, 10, false, false, true}, COMMIT_NEVER},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(commit_due(&cases[i].view), cases[i].due, "%s: %lld", cases[i].name,
                     (long long)commit_due(&cases[i].view));
}

Test(flow, the_gate)
{
    struct flow_view v = {.bytes = 100, .limit = 100, .busy = false, .now = 1000};

    cr_assert_eq(flow_gate_next(FLOW_OPEN, &v), FLOW_OPEN, "a full outbox is committed at once");
    v.busy = true;
    cr_assert_eq(flow_gate_next(FLOW_OPEN, &v), FLOW_SHUT);
    v.shut_since = 1000;
    v.now = 1000 + FLOW_PATIENCE_MS - 1;
    cr_assert_eq(flow_gate_next(FLOW_SHUT, &v), FLOW_SHUT);
    v.now++;
    cr_assert_eq(flow_gate_next(FLOW_SHUT, &v), FLOW_PAUSED);
    cr_assert_eq(flow_gate_next(FLOW_PAUSED, &v), FLOW_PAUSED);
    v.bytes = 60;
    cr_assert_eq(flow_gate_next(FLOW_PAUSED, &v), FLOW_PAUSED, "hysteresis");
    v.bytes = 0;
    cr_assert_eq(flow_gate_next(FLOW_PAUSED, &v), FLOW_OPEN);
    v.bytes = 100;
    v.busy = false;
    cr_assert_eq(flow_gate_next(FLOW_PAUSED, &v), FLOW_OPEN);
}

Test(flow, skew_has_hysteresis_and_never_waits_for_the_barrier)
{
    struct flow_lead l = {.ahead = true, .lead_ms = 1001, .limit_ms = 1000};

    cr_assert(flow_skewed(false, &l));
    l = (struct flow_lead){.lead_ms = 900, .limit_ms = 1000};
    cr_assert_not(flow_skewed(false, &l));
    cr_assert(flow_skewed(true, &l));
    l.lead_ms = 500;
    cr_assert_not(flow_skewed(true, &l));
    l = (struct flow_lead){.lead_ms = INT64_MAX, .limit_ms = 1000};
    cr_assert_not(flow_skewed(true, &l));
    l = (struct flow_lead){.ahead = true, .lead_ms = 5000, .limit_ms = 1000, .slowest_waits = true};
    cr_assert_not(flow_skewed(true, &l));
}

Test(backoff, doubles_up_to_its_ceiling)
{
    cr_assert_eq(backoff_ms(1), 100);
    cr_assert_eq(backoff_ms(2), 200);
    cr_assert_eq(backoff_ms(7), 6400);
    cr_assert_eq(backoff_ms(8), 10000);
    cr_assert_eq(backoff_ms(4000000000u), 10000);
}

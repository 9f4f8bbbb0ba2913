/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions in one tally: what they do to its time, its cells, its dead letters, and what the pulse hears. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY)
#define P0 (T0 / MINUTE) /* the pane of T0 */
#define HEAD \
    PIPE_KAFKA \
    "inputs: [{topic: in}]\ntime: {lateness: 10s, pane: 1m, max_jump: 10m, max_ahead: 2h, zone: UTC}\n"
#define FUNNELS \
    "funnels:\n" \
    "  f: {stages: [a, b, c], window: 1h, forget_after: 2h, overall: 1h}\n" \
    "  g: {stages: [a, b], window: 1h}\n"

/* A tally alone, whose notes and cells stay where they can be seen. */
struct rig {
    struct pipe pipe; /* for settings and funnels */
    struct tally tally;
    struct decoder *decoder;
    struct records out;
    int64_t next;
};

static void rig_open(struct rig *r)
{
    *r = (struct rig){0};
    pipe_open(&r->pipe, HEAD FUNNELS, 1);
    r->decoder = decoder_new(r->pipe.settings);
    tally_init(&r->tally, r->pipe.settings, r->pipe.p->funnels, 2, r->pipe.zone, "in", 0, 1);
}

static void rig_close(struct rig *r)
{
    tally_deinit(&r->tally);
    decoder_free(r->decoder);
    records_deinit(&r->out);
    pipe_close(&r->pipe);
}

static void rig_event(struct rig *r, const char *entity, const char *stage, int64_t at,
                      int64_t record)
{
    char text[200];
    struct message m = {.offset = r->next++, .timestamp = record};
    const struct decoded *d;
    struct tally_input in;

    snprintf(text, sizeof(text), "{\"entity_id\":\"%s\",\"stage\":\"%s\",\"ts\":%" PRId64 "}",
             entity, stage, at);
    m.value = span_of(text);
    d = decode_batch(r->decoder, &m, 1);
    in = (struct tally_input){&m, d->events, d->event_count, d->failures, d->failure_count};
    tally_step(&r->tally, &in, &r->out);
}

static void rig_decide(struct rig *r, enum decision_kind kind, int64_t value)
{
    struct decision d = {.seq = 1, .kind = kind, .at = r->next, .value = value};

    tally_decide(&r->tally, &d, &r->out);
}

/* "3 events 0, close -1, dark 0 4": panes as of T0; then forgets them. */
static const char *heard(struct rig *r)
{
    static const char *const names[] = {"events", "close", "dark", "gap", "lost", "mute", "unmute"};
    static char text[1000];
    struct pulse_notes *notes = &r->tally.pulse;
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < notes->count; i++) {
        const struct pulse_note *x = &notes->items[i];

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", n ? ", " : "");
        if (x->kind == PULSE_EVENTS || x->kind == PULSE_LOST)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%d ", (int)x->n);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", names[x->kind]);
        if (x->kind != PULSE_MUTE && x->pane != INT64_MIN)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %d", (int)(x->pane - P0));
        if (x->kind == PULSE_DARK || x->kind == PULSE_GAP)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " %d", (int)(x->to - P0));
    }
    notes->count = 0;
    return text;
}
#define EXPECT_HEARD(r, expected) \
    do { \
        const char *got = heard(r); \
        cr_expect(strcmp(got, expected) == 0, "expected %s\n     got %s", expected, got); \
    } while (0)

static int64_t closed(const struct rig *r)
{
    int64_t pane = INT64_MIN;

    for (size_t i = 0; i < r->tally.funnels[0].out.count; i++)
        if (r->tally.funnels[0].out.items[i].kind == CELL_CLOSE)
            pane = r->tally.funnels[0].out.items[i].value - P0;
    return pane;
}

Test(tally_decide, advance_releases_and_closes)
{
    struct rig r;

    rig_open(&r);
    rig_event(&r, "1", "a", T0, -1);
    rig_event(&r, "2", "a", T0 + 2 * MINUTE, -1);
    cr_expect(reorder_count(&r.tally.reorder) == 2);
    cr_expect(closed(&r) == 0);
    heard(&r);
    rig_decide(&r, DECISION_ADVANCE, T0 + 3 * MINUTE);
    cr_expect(reorder_count(&r.tally.reorder) == 0);
    cr_expect(r.tally.funnels[0].entities.count == 2);
    cr_expect(closed(&r) == 2);
    cr_expect(r.tally.watermark_ms == T0 + 3 * MINUTE);
    cr_expect(r.tally.newest_ms == T0 + 2 * MINUTE, "of the log alone");
    EXPECT_HEARD(&r, "close 2");
    rig_event(&r, "3", "a", T0 + 2 * MINUTE, -1); /* late now: it counts in the open pane */
    cr_expect(r.tally.counters.n[COUNTER_LATE] == 2, "in both funnels");
    EXPECT_HEARD(&r, "1 events 3, close 2");
    rig_close(&r);
}

Test(tally_decide, advance_never_goes_back)
{
    struct rig r;

    rig_open(&r);
    rig_event(&r, "1", "a", T0 + 5 * MINUTE, -1);
    heard(&r);
    rig_decide(&r, DECISION_DARK, T0);
    cr_expect(r.tally.watermark_ms == T0 + 5 * MINUTE - 10000);
    EXPECT_HEARD(&r, "close 3");
    rig_close(&r);
}

Test(tally_decide, advance_begins_a_partition_without_events)
{
    struct rig r;

    rig_open(&r);
    rig_decide(&r, DECISION_ADVANCE, T0 + 90000);
    cr_expect(tally_open_pane(&r.tally) == P0 + 1);
    cr_expect(closed(&r) == 0);
    EXPECT_HEARD(&r, "close 0");
    rig_close(&r);
}

Test(tally_decide, dark_says_which_panes)
{
    struct rig r;

    rig_open(&r);
    rig_event(&r, "1", "a", T0 + 30000, -1);
    EXPECT_HEARD(&r, "1 events 0, close -1");
    rig_decide(&r, DECISION_DARK, T0 + 50000); /* the same pane */
    EXPECT_HEARD(&r, "close -1");
    rig_decide(&r, DECISION_DARK, T0 + 5 * MINUTE);
    EXPECT_HEARD(&r, "dark 0 4, close 4");
    rig_decide(&r, DECISION_DARK, T0 + 6 * MINUTE);
    EXPECT_HEARD(&r, "dark 5 5, close 5");
    rig_close(&r);
}

Test(tally_decide, more_than_a_day_at_once_is_a_gap)
{
    struct rig r;

    rig_open(&r);
    rig_event(&r, "1", "a", T0 + 30000, -1);
    heard(&r);
    rig_decide(&r, DECISION_ADVANCE, T0 + DAY);
    EXPECT_HEARD(&r, "close 1439"); /* exactly a day of panes */
    rig_decide(&r, DECISION_ADVANCE, T0 + 2 * DAY + MINUTE);
    EXPECT_HEARD(&r, "gap 1440 2880, close 2880");
    rig_decide(&r, DECISION_DARK, T0 + 4 * DAY);
    EXPECT_HEARD(&r, "dark 2881 5759, gap 2881 5759, close 5759");
    rig_close(&r);
}

/* A gap of 3000 years: what time alone does to entities is done, and cells are few. */
Test(tally_decide, a_gap_costs_nothing_and_entities_age_through_it)
{
    struct rig r;

    rig_open(&r);
    rig_event(&r, "1", "a", T0, -1);
    rig_decide(&r, DECISION_ADVANCE, T0 + HOUR);
    cells_clear(&r.tally.funnels[0].out);
    rig_decide(&r, DECISION_ADVANCE, T0 + 365 * 3000 * DAY);
    cr_expect(r.tally.funnels[0].entities.count == 0, "forgotten on the next day");
    cr_expect(r.tally.funnels[0].out.count < 20);
    rig_close(&r);
}

Test(tally_decide, release_lets_a_waiting_future_in)
{
    struct rig r;

    rig_open(&r);
    rig_event(&r, "1", "a", T0, T0);
    rig_event(&r, "2", "a", T0 + 30 * MINUTE, T0 + 1000);
    EXPECT_HEARD(&r, "1 events 0, close -2, close -2");
    rig_decide(&r, DECISION_RELEASE, T0 + 30 * MINUTE);
    cr_expect(r.tally.waiting_count == 0 && r.tally.newest_ms == T0 + 30 * MINUTE);
    EXPECT_HEARD(&r, "1 events 30, close 28");
    rig_close(&r);
}

/* One entity's jump, what follows it, and another's further jump. */
static void rig_jumps(struct rig *r)
{
    rig_event(r, "1", "a", T0, T0);
    rig_event(r, "2", "a", T0 + 50 * MINUTE, T0 + 1000);
    rig_event(r, "2", "b", T0 + 2000, T0 + 2000);
    rig_event(r, "2", "b", T0 + 59 * MINUTE, T0 + 3000);
    heard(r);
}

Test(tally_decide, release_goes_by_time_and_keeps_an_entitys_order)
{
    struct rig r;

    rig_open(&r);
    rig_jumps(&r);
    cr_expect(r.tally.waiting_count == 6, "two funnels' each");
    rig_decide(&r, DECISION_RELEASE, T0 + 49 * MINUTE);
    cr_expect(r.tally.waiting_count == 6, "%zu wait: the jump, and what follows stays behind it",
              r.tally.waiting_count);
    rig_decide(&r, DECISION_RELEASE, T0 + 50 * MINUTE);
    cr_expect(r.tally.waiting_count == 0, "%zu wait: the last is no jump any more",
              r.tally.waiting_count);
    /* An event is one, however many funnels want it: that of 0:02 is late. */
    EXPECT_HEARD(&r, "close -2, 1 events 50, 1 events 49, 1 events 59, close 57");
    rig_close(&r);
}

Test(tally_decide, what_is_released_at_the_end_is_heard_once)
{
    struct rig r;

    rig_open(&r);
    rig_jumps(&r);
    tally_end(&r.tally, &r.out);
    EXPECT_HEARD(&r, "1 events 50, 1 events 49, 1 events 59, close 58");
    rig_close(&r);
}

Test(tally_decide, refused_events_are_heard_too)
{
    struct rig r;

    rig_open(&r);
    rig_event(&r, "1", "nonsense", T0, -1);
    EXPECT_HEARD(&r, ""); /* no pane is open */
    rig_event(&r, "1", "a", T0, -1);
    rig_event(&r, "1", "nonsense", T0 + DAY, -1);
    EXPECT_HEARD(&r, "1 events 0, close -2, 1 events -1, close -2"); /* in the pane open then */
    cr_expect(r.out.count == 2);
    rig_close(&r);
}

Test(tally_decide, muted_dead_letters_are_only_counted)
{
    struct rig r;

    rig_open(&r);
    tally_mute(&r.tally);
    rig_event(&r, "1", "a", T0 + 30000, -1);
    rig_event(&r, "1", "nonsense", T0 + 30000, -1);
    cr_expect(r.out.count == 0);
    cr_expect(r.tally.counters.rejects[REJECT_UNKNOWN_STAGE] == 1);
    EXPECT_HEARD(&r, "mute, 1 events 0, close -1, 1 events 0, close -1");
    rig_decide(&r, DECISION_BOOTSTRAP_END, 0);
    EXPECT_HEARD(&r, "unmute 0, close -1");
    rig_event(&r, "1", "nonsense", T0 + 30000, -1);
    cr_expect(r.out.count == 1);
    cr_expect(r.tally.counters.rejects[REJECT_UNKNOWN_STAGE] == 2);
    rig_close(&r);
}

Test(tally_decide, a_partition_without_a_past_is_published_from_its_first_pane)
{
    struct rig r;

    rig_open(&r);
    tally_mute(&r.tally);
    rig_decide(&r, DECISION_BOOTSTRAP_END, 0);
    EXPECT_HEARD(&r, "mute, unmute");
    rig_close(&r);
}

Test(tally_decide, lost_records_are_noted)
{
    struct rig r;

    rig_open(&r);
    rig_decide(&r, DECISION_GAP, 7);
    EXPECT_HEARD(&r, "7 lost");
    rig_event(&r, "1", "a", T0 + 30000, -1);
    heard(&r);
    rig_decide(&r, DECISION_GAP, 8);
    EXPECT_HEARD(&r, "8 lost 0, close -1");
    rig_close(&r);
}

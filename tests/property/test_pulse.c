/* SPDX-License-Identifier: Apache-2.0 */
/* A pulse against the same rules pane by pane, and against itself: however its notes come, in whatever steps, saved
 * and loaded in between, the same records, dark panes and stale windows. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "lib/pulse_brute.h"
#include "lib/pulse_kit.h"
#include "lib/streams.h"

#define PANE INT64_C(900000)
#define DAY 96
#define FROM (INT64_C(19791) * DAY) /* 2024-03-09 */
#define PARTS_MAX 3

/* --- a source's life, as notes of each part --- */

struct life {
    uint64_t seed;
    size_t parts, panes;
    const char *zone;
    struct pulse_notes notes[PARTS_MAX];
    struct brute_pane *truth; /* from FROM on */
    int64_t unmuted_from;
};

/* Of the whole source. QUIET: its next events close the panes; OUT: the clock does, mostly. */
enum phase { LIVE, QUIET, OUT };

static double rate_of(const struct dice *kind, int64_t pane)
{
    int64_t hour = pane % DAY / 4, day = pane / DAY % 7;
    double rate = (double)(kind->state % 3 == 0 ? 8 : kind->state % 3 == 1 ? 1 : 60);

    if (hour < 6)
        rate /= 20;
    return day < 2 ? rate / 4 : rate;
}

static void note(struct life *l, size_t part, struct pulse_note x)
{
    pulse_notes_add(&l->notes[part], x);
}

/* The clock passes panes *open to `to`, in steps that are each part's own. */
static void pass(struct life *l, struct dice *d, size_t part, int64_t *open, int64_t to)
{
    while (*open <= to) {
        int64_t step = dice_chance(d, 0.1) ? 4 * DAY : dice_chance(d, 0.5) ? 1 : dice_below(d, 20);
        int64_t end = *open + step < to ? *open + step : to;

        note(l, part, (struct pulse_note){PULSE_DARK, .pane = *open, .to = end});
        if (end - *open >= DAY)
            note(l, part, (struct pulse_note){PULSE_GAP, .pane = *open, .to = end});
        note(l, part, (struct pulse_note){PULSE_CLOSE, .pane = end});
        *open = end + 1;
    }
}

static void live_one(struct life *l, struct dice *d, const enum phase *phases, size_t part)
{
    struct dice kind = {l->seed};
    int64_t open = INT64_MIN, unmute = (int64_t)(l->panes / 5), quiet_from = INT64_MIN;

    if (l->unmuted_from != INT64_MIN)
        note(l, part, (struct pulse_note){.kind = PULSE_MUTE});
    if (dice_chance(d, 0.3))
        note(l, part, (struct pulse_note){PULSE_LOST, .pane = INT64_MIN, .n = 3});
    for (int64_t i = 0; i < (int64_t)l->panes; i++) {
        int64_t pane = FROM + i, n;

        if (phases[i] == OUT && quiet_from == INT64_MIN)
            quiet_from = pane;
        if (phases[i] != LIVE)
            continue;
        n = pulse_rig_poisson(d, rate_of(&kind, pane) / (double)l->parts);
        if (n == 0)
            continue;
        if (quiet_from != INT64_MIN && open != INT64_MIN)
            pass(l, d, part, &open, pane - 1 - dice_below(d, 2));
        quiet_from = INT64_MIN;
        note(l, part, (struct pulse_note){PULSE_EVENTS, .pane = pane, .n = n});
        note(l, part, (struct pulse_note){PULSE_CLOSE, .pane = pane - 1});
        open = pane;
        if (l->unmuted_from != INT64_MIN && i > unmute) {
            note(l, part, (struct pulse_note){PULSE_UNMUTE, .pane = open});
            l->unmuted_from = open > l->unmuted_from ? open : l->unmuted_from;
            unmute = INT64_MAX;
        }
        if (dice_chance(d, 0.002))
            note(l, part, (struct pulse_note){PULSE_LOST, .pane = open, .n = 1 + dice_below(d, 9)});
    }
    note(l, part, (struct pulse_note){PULSE_CLOSE, .pane = FROM + (int64_t)l->panes - 1});
    if (unmute != INT64_MAX && l->unmuted_from != INT64_MIN)
        l->unmuted_from = INT64_MAX;
}

static void phases_make(struct dice *d, enum phase *phases, size_t panes)
{
    for (size_t i = 0; i < panes;) {
        enum phase phase = dice_chance(d, 0.5) ? LIVE : dice_chance(d, 0.5) ? QUIET : OUT;
        int64_t days = dice_chance(d, 0.05) ? 30 : dice_chance(d, 0.2) ? 3 : 0;
        int64_t n = phase == LIVE ? dice_below(d, 10 * DAY) : days * DAY + dice_below(d, 60);

        for (int64_t k = 0; k < n && i < panes; k++)
            phases[i++] = phase;
    }
}

/* --- what is true of each pane --- */

static void truth_add(struct life *l, const struct pulse_note *x, int *clock, int *gap)
{
    for (int64_t pane = x->pane; pane <= x->to && x->kind != PULSE_CLOSE; pane++) {
        clock[pane - FROM] |= x->kind == PULSE_DARK || x->kind == PULSE_GAP;
        gap[pane - FROM] |= x->kind == PULSE_GAP;
    }
    if (x->kind == PULSE_EVENTS)
        l->truth[x->pane - FROM].events += x->n;
    if (x->kind == PULSE_LOST && x->pane != INT64_MIN)
        l->truth[x->pane - FROM].lost += x->n;
}

static int64_t truth_of_part(struct life *l, size_t part, struct brute_pane *all)
{
    int *clock = mem_zero(l->panes, sizeof(*clock)), *gap = mem_zero(l->panes, sizeof(*gap));
    int64_t early = 0;

    for (size_t i = 0; i < l->notes[part].count; i++) {
        const struct pulse_note *x = &l->notes[part].items[i];

        if (x->kind == PULSE_LOST && x->pane == INT64_MIN)
            early += x->n;
        else if (x->kind != PULSE_MUTE && x->kind != PULSE_UNMUTE)
            truth_add(l, x, clock, gap);
    }
    for (size_t i = 0; i < l->panes; i++) {
        all[i].clock &= clock[i];
        all[i].gap &= gap[i];
    }
    mem_free(clock);
    mem_free(gap);
    return early;
}

static void truth_make(struct life *l)
{
    int64_t early = 0;

    l->truth = mem_zero(l->panes, sizeof(*l->truth));
    for (size_t i = 0; i < l->panes; i++)
        l->truth[i].clock = l->truth[i].gap = true;
    for (size_t part = 0; part < l->parts; part++)
        early += truth_of_part(l, part, l->truth);
    for (size_t i = 0; i < l->panes && early > 0; i++) {
        if (l->truth[i].events == 0)
            continue;
        l->truth[i].lost += early;
        early = 0;
    }
}

static void life_make(struct life *l, uint64_t seed)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Shanghai"};
    struct dice d = {seed};
    enum phase *phases;

    *l = (struct life){.seed = seed,
                       .parts = 1 + seed % PARTS_MAX,
                       .panes = (size_t)(3 + dice_below(&d, 6)) * 7 * DAY,
                       .zone = zones[seed % 7 % 3],
                       .unmuted_from = dice_chance(&d, 0.3) ? 0 : INT64_MIN};
    phases = mem_zero(l->panes, sizeof(*phases));
    phases_make(&d, phases, l->panes);
    for (size_t part = 0; part < l->parts; part++)
        live_one(l, &d, phases, part);
    truth_make(l);
    mem_free(phases);
}

static void life_deinit(struct life *l)
{
    for (size_t part = 0; part < l->parts; part++)
        pulse_notes_deinit(&l->notes[part]);
    mem_free(l->truth);
}

/* --- ways --- */

struct answers {
    struct buf story, records;
    struct brute_pane *panes;
    size_t dark, stale;
};

/* What it has learned, and all else it goes on with, to the bit. */
static void answers_state(struct answers *a, struct pulse_rig *r)
{
    unsigned char window[64];
    struct codec_out out = {window, 0, sizeof(window), codec_flush_buf, &a->records, false};

    pulse_forget(r->p, r->p->closed);
    pulse_save(r->p, &out);
    out.flush(&out);
}

/* As a judge asks that stands some panes behind. */
static void answers_take(struct answers *a, struct pulse_rig *r, int64_t *asked, int64_t behind)
{
    int64_t to = r->p->closed == INT64_MIN ? INT64_MIN : r->p->closed - behind;

    for (int64_t pane = *asked; (pane = pulse_next_active(r->p, pane, to)) <= to; pane++) {
        a->panes[pane - FROM].active = true;
        a->panes[pane - FROM].ended_outage = pulse_was_outage(r->p, pane);
    }
    for (; *asked <= to; ++*asked) {
        struct brute_pane *x = &a->panes[*asked - FROM];

        x->dark = pulse_is_dark(r->p, *asked);
        x->stale_before = pulse_stale_before(r->p, *asked);
    }
    for (size_t i = 0; i < r->out.count; i++)
        pipe_record_text(&r->out, i, &a->records);
    if (r->out.count > 0)
        buf_fmt(&a->story, "%s%s", a->story.len > 0 ? "; " : "", pulse_rig_story(r));
}

/* way 0: part after part, in one step. Else notes of the parts in any order, in steps of any size. */
static void answers_make(struct answers *a, const struct life *l, uint64_t way)
{
    struct dice d = {l->seed * 1000 + way};
    size_t at[PARTS_MAX] = {0}, left = 0;
    int64_t asked = INT64_MIN;
    struct pulse_rig rig;

    *a = (struct answers){.panes = mem_zero(l->panes, sizeof(*a->panes))};
    pulse_rig_open(&rig, l->parts, PANE, l->zone);
    for (size_t part = 0; part < l->parts; part++)
        left += l->notes[part].count;
    while (left > 0) {
        size_t part = (size_t)dice_below(&d, (int64_t)l->parts), count, most;
        struct pulse_notes some;

        while (at[part] == l->notes[part].count)
            part = (part + 1) % l->parts;
        most = l->notes[part].count - at[part];
        count = way == 0 ? most : 1 + (size_t)dice_below(&d, dice_chance(&d, 0.1) ? 500 : 5);
        count = count < most ? count : most;
        some = (struct pulse_notes){l->notes[part].items + at[part], count, count};
        pulse_add(rig.p, part, &some);
        at[part] += count;
        left -= count;
        if (way == 1 || dice_chance(&d, 0.7) || left == 0)
            pulse_step(rig.p, &rig.out);
        if (asked == INT64_MIN)
            asked = FROM;
        answers_take(a, &rig, &asked, way > 2 && left > 0 ? dice_below(&d, 3 * DAY) : 0);
        if (dice_chance(&d, 0.1))
            pulse_forget(rig.p, asked - 1);
        if (way > 1 && dice_chance(&d, 0.01))
            pulse_rig_reload(&rig);
    }
    cr_assert_eq(asked, FROM + (int64_t)l->panes);
    answers_state(a, &rig);
    pulse_rig_close(&rig);
}

static void answers_deinit(struct answers *a)
{
    buf_deinit(&a->story);
    buf_deinit(&a->records);
    mem_free(a->panes);
}

static void same_panes(const struct life *l, const struct brute_pane *a, const struct brute_pane *b)
{
    for (size_t i = 0; i < l->panes; i++) {
        cr_assert(a[i].dark == b[i].dark, "seed %" PRIu64 ", pane %zu: dark %d", l->seed, i,
                  a[i].dark);
        cr_assert(a[i].stale_before == b[i].stale_before,
                  "seed %" PRIu64 ", pane %zu: stale before %" PRId64 ", %" PRId64, l->seed, i,
                  a[i].stale_before - FROM, b[i].stale_before - FROM);
        cr_assert(a[i].active == b[i].active && a[i].ended_outage == b[i].ended_outage,
                  "seed %" PRIu64 ", pane %zu: active %d, ended an outage %d", l->seed, i,
                  a[i].active, a[i].ended_outage);
    }
}

static void same_answers(const struct life *l, const struct answers *a, const struct answers *b)
{
    same_panes(l, a->panes, b->panes);
    cr_assert_str_eq(buf_cstr((struct buf *)&a->story), buf_cstr((struct buf *)&b->story));
    cr_assert(a->records.len == b->records.len &&
                  memcmp(a->records.data, b->records.data, a->records.len) == 0,
              "seed %" PRIu64, l->seed);
}

/* --- tests --- */

Test(pulse_property, it_is_what_the_rules_say_pane_by_pane)
{
    size_t dark = 0, stale = 0, told = 0, outages = 0, quiet = 0;

    for (uint64_t seed = 1; seed <= property_least(60); seed++) {
        struct answers a;
        struct buf story = {0};
        struct life l;
        struct zone *zone;

        life_make(&l, seed);
        answers_make(&a, &l, 0);
        zone = pipe_zone(l.zone);
        pulse_brute(l.truth, l.panes, FROM, PANE, zone, 0.05, l.unmuted_from, &story);
        zone_free(zone);
        same_panes(&l, a.panes, l.truth);
        cr_assert(strcmp(buf_cstr(&a.story), buf_cstr(&story)) == 0, "seed %" PRIu64 "\n%s\n%s",
                  seed, buf_cstr(&a.story), buf_cstr(&story));
        for (size_t i = 0; i < l.panes; i++) {
            dark += l.truth[i].dark;
            stale += l.truth[i].stale_before != INT64_MIN;
            outages += l.truth[i].ended_outage;
            quiet += i > 0 && l.truth[i].active && !l.truth[i].ended_outage &&
                     !l.truth[i - 1].active;
        }
        told += story.len;
        buf_deinit(&story);
        answers_deinit(&a);
        life_deinit(&l);
    }
    cr_expect(dark > property_least(1000) && stale > 1000 && told > property_least(3000),
              "%zu dark, %zu stale, %zu told", dark, stale, told);
    cr_expect(outages > property_least(300) && quiet > property_least(300),
              "%zu outages, %zu quiet", outages, quiet);
}

Test(pulse_property, however_it_comes_it_is_the_same)
{
    for (uint64_t seed = 101; seed < 101 + property_least(60); seed++) {
        struct answers a, b;
        struct life l;

        life_make(&l, seed);
        answers_make(&a, &l, 0);
        for (uint64_t way = 1; way < 5; way++) {
            answers_make(&b, &l, way);
            same_answers(&l, &a, &b);
            answers_deinit(&b);
        }
        answers_deinit(&a);
        life_deinit(&l);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of kind drop, rise and volume on one funnel: each says what it is there for, and nothing else. Ten days as usual,
 * then something happens. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/traffic.h"
#include "lib/turns.h"

#define BEGIN (T0 + 10 * DAY + 6 * HOUR)
#define END (BEGIN + 30 * HOUR)

static const char yaml[] = PIPE_KAFKA
    "inputs: [{topic: in, no_data: off}]\n"
    "time: {lateness: 0s, pane: 5m, zone: UTC}\n"
    "funnels: {f: {stages: [a, b], window: 2h, dims: {channel: {values: [ads, seo]}},\n"
    "  rules: [{id: drop, kind: drop}, {id: rise, kind: rise},"
    " {id: volume, kind: volume}]}}\n";

/* From BEGIN on. */
struct change {
    double entries; /* times as many */
    double ads;     /* what converts of channel=ads; 0.3 before, and elsewhere */
};

static void tell(struct pipe *k, struct change c, uint64_t seed)
{
    struct traffic_plan plan = {.seed = seed,
                                .from = T0,
                                .to = END,
                                .stages = 2,
                                .per_minute = 1,
                                .rate = 0.3,
                                .change_count = 2,
                                .changes = {{BEGIN, END, NULL, 0, c.entries, 1, 0},
                                            {BEGIN, END, "ads", 0, 1, c.ads / 0.3, 0}}};
    struct traffic t;

    traffic_make(&t, &plan);
    traffic_tell(&t, k, INT64_MAX);
    traffic_deinit(&t);
}

/* "rise ads": what has fired, and where, each once. */
static const char *fired(const struct pipe *k)
{
    static char text[TURNS_MAX * 64];
    struct turns turns;
    size_t n = 0;

    turns_take(k, &turns);
    text[0] = '\0';
    for (size_t i = 0; i < turns.count; i++) {
        const struct turn *x = &turns.items[i];

        if (strcmp(x->status, "firing") != 0)
            continue;
        cr_expect(x->at > BEGIN, "before anything happened");
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", n ? "; " : "", x->name,
                              x->where[0] ? " " : "", x->where);
    }
    return text;
}

/* A false alarm is allowed in ten weeks of usual traffic, and twenty-four seeds have two: not these. */
static void expect_fired(struct change c, const char *expected)
{
    uint64_t last = getenv("TEST_LIGHT") ? 3 : 4;

    for (uint64_t seed = 3; seed <= last; seed++) {
        struct pipe k;

        pipe_open(&k, yaml, 1);
        tell(&k, c, seed);
        cr_expect(strcmp(fired(&k), expected) == 0, "seed %d: expected '%s', got '%s'", (int)seed,
                  expected, fired(&k));
        pipe_close(&k);
    }
}

Test(detect_kinds, as_usual_is_nothing)
{
    expect_fired((struct change){1, 0.3}, "");
}

Test(detect_kinds, a_segment_that_converts_twice_as_well_is_a_rise)
{
    expect_fired((struct change){1, 0.6}, "rise ads");
}

Test(detect_kinds, a_segment_that_converts_less_is_a_drop)
{
    expect_fired((struct change){1, 0.08}, "drop ads");
}

Test(detect_kinds, fewer_entries_are_a_matter_of_volume)
{
    expect_fired((struct change){0.4, 0.3}, "volume");
}

Test(detect_kinds, more_entries_are_nothing)
{
    expect_fired((struct change){2.5, 0.3}, "");
}

/* Both at once: each rule says its part. */
Test(detect_kinds, fewer_entries_that_convert_less)
{
    struct pipe k;

    pipe_open(&k, yaml, 1);
    tell(&k, (struct change){0.4, 0}, 3);
    cr_expect(not(zero(ptr, strstr(fired(&k), "volume"))), "%s", fired(&k));
    cr_expect(not(zero(ptr, strstr(fired(&k), "drop ads"))), "%s", fired(&k));
    cr_expect(zero(ptr, strstr(fired(&k), "rise")), "%s", fired(&k));
    pipe_close(&k);
}

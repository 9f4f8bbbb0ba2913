/* SPDX-License-Identifier: Apache-2.0 */
/* However short panes are, an alert says what came since its onset: sums go back to any pane of the last days. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/detect_parts.h"
#include "lib/pipe_kit.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (INT64_C(19800) * DAY)
#define OUTAGE (T0 + 5 * HOUR + 17 * MINUTE) /* in the second half of its half hour */
#define END (OUTAGE + 11 * MINUTE)

static const char yaml[] = PIPE_KAFKA
    "inputs: [{topic: in, no_data: off}]\n"
    "time: {lateness: 0s, pane: %s, zone: UTC}\n"
    "funnels: {f: {stages: [{id: a, target: 50%%, dwell: 8s}, b], window: 1h,\n"
    "  rules: [{id: drop, kind: drop, budget: 10/week}]}}\n";

static void say(struct pipe *k, int id, const char *stage, int64_t at)
{
    char text[100];

    snprintf(text, sizeof(text), "{\"entity_id\":%d,\"stage\":\"%s\",\"ts\":%" PRId64 "}", id,
             stage, at);
    pipe_log_add(&k->log, 0, -1, text);
}

/* One enters a second; half of them convert within 16 seconds, and none from OUTAGE on. */
static void tell(struct pipe *k)
{
    struct dice d = {7};
    int64_t due[END / SECOND - T0 / SECOND + 16];
    int count = (int)((END - T0) / SECOND);

    memset(due, 0, sizeof(due));
    for (int i = 0; i < count; i++) {
        int took = 1 + (int)dice_below(&d, 15);

        say(k, i + 1, "a", T0 + i * SECOND);
        if (dice_chance(&d, 0.5) && due[i + took] == 0)
            due[i + took] = i + 1;
        if (due[i] > 0 && T0 + i * SECOND < OUTAGE)
            say(k, (int)due[i], "b", T0 + i * SECOND + 1);
    }
    pipe_feed(k);
}

static void expect(const char *pane, int64_t ms)
{
    struct pipe k;
    const struct judge *j;
    const struct detect_track *t;
    char text[600];
    size_t fired = 0;

    snprintf(text, sizeof(text), yaml, pane);
    pipe_open(&k, text, 1);
    tell(&k);
    while (fired < k.out.count && strcmp(pipe_field(&k.out, fired, NULL, "status"), "firing") != 0)
        fired++;
    cr_assert(fired < k.out.count, "pane %s: nothing was found", pane);
    cr_expect(atof(pipe_field(&k.out, fired, "observed", "entries")) > 10, "pane %s", pane);
    cr_expect(atof(pipe_field(&k.out, fired, "effect", "lost_conversions")) > 2, "pane %s", pane);
    j = pipe_judge(&k);
    t = &j->detect->tracks[0];
    for (int64_t minutes = 2; minutes < 60; minutes++) {
        int64_t from = t->fine + 1 - minutes * MINUTE / ms;
        double entries = track_since(j, t, 0, from, t->fine).entries;
        double beyond = track_since(j, t, 0, from, t->fine + 40).entries;

        cr_expect(entries > (double)(minutes - 1) * 60 && entries < (double)(minutes + 1) * 60,
                  "pane %s: %g entries in %d minutes", pane, entries, (int)minutes);
        cr_expect(eq(dbl, beyond, entries), "nothing is known of panes to come");
    }
    pipe_close(&k);
}

Test(detect_panes, sums_go_back_to_any_pane)
{
    expect("1s", SECOND);
    expect("5s", 5 * SECOND);
    expect("1m", MINUTE);
}

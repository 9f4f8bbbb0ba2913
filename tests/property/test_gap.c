/* SPDX-License-Identifier: Apache-2.0 */
/* A quiet time passed over in one jump is the same as one closed pane by pane: events that no funnel wants only
 * move the watermark through it. (To the source's pulse they are events.) */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "funnel/mem.h"
#include "lib/streams.h"

#define QUIET_BEFORE_END (12 * INT64_C(60000)) /* no late event reaches so far back into the gap */

struct ticker {
    struct dice dice;
    int64_t every; /* panes */
};

/* An event that no funnel wants, on every partition. */
static void tick(struct pipe *k, const struct stream *s, int64_t at)
{
    struct pipe_log log = {0};
    char text[160];

    snprintf(text, sizeof(text),
             "{\"entity_id\":\"tick\",\"stage\":\"a\",\"funnel\":\"nobody\",\"ts\":%" PRId64
             ",\"dims\":{\"channel\":\"tick\"}}",
             at);
    for (size_t p = 0; p < s->partitions; p++)
        pipe_log_add(&log, (uint32_t)p, -1, text);
    for (size_t i = 0; i < log.count; i++)
        pipeline_step(k->p, pipe_log_messages(&log) + i, 1, &k->out);
    pipe_log_deinit(&log);
}

static void ticks(struct pipe *k, const struct stream *s, struct ticker *t)
{
    for (int64_t at = s->gap_from_ms + s->pane_ms; at < s->gap_to_ms - QUIET_BEFORE_END;
         at += (1 + dice_below(&t->dice, t->every)) * s->pane_ms)
        tick(k, s, at);
}

/* Both runs first give every partition all its lines before the gap: ticks must not make any of them late. */
static void run(struct stream *s, const size_t *lines, size_t count, struct ticker *t,
                struct run_result *ret)
{
    const struct message *all = pipe_log_messages(&s->log);
    bool *before = mem_zero(count + 1, sizeof(*before));
    bool over[PIPE_SOURCES_MAX] = {false};
    struct pipe k;

    *ret = (struct run_result){0};
    for (size_t i = 0; i < count; i++) {
        int64_t at = stream_time(s, lines[i]);
        uint32_t p = all[lines[i]].partition;

        over[p] = over[p] || at > s->gap_to_ms - QUIET_BEFORE_END;
        before[i] = !over[p];
    }
    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    for (size_t i = 0; i < count; i++)
        if (before[i])
            pipeline_step(k.p, &all[lines[i]], 1, &k.out);
    if (t)
        ticks(&k, s, t);
    for (size_t i = 0; i < count; i++)
        if (!before[i])
            pipeline_step(k.p, &all[lines[i]], 1, &k.out);
    tick(&k, s,
         s->gap_to_ms + INT64_C(30) * 86400000); /* both end at one time, whatever is left out */
    pipe_end(&k);
    run_result_take(&k, ret);
    pipe_close(&k);
    mem_free(before);
}

static const char *gap_is_nothing(struct stream *s, const size_t *lines, size_t count,
                                  struct property_sums *sums)
{
    struct ticker each = {{s->seed}, 1}, some = {{s->seed}, 200};
    struct run_result jump, panes;
    const char *wrong = NULL;

    run(s, lines, count, NULL, &jump);
    sums->fired += jump.fired;
    sums->resolved += jump.resolved;
    for (int i = 0; !wrong && i < 2; i++) {
        run(s, lines, count, i ? &each : &some, &panes);
        /* The ticks are messages and events too, and every pane is closed one way or the other. */
        panes.counts[COUNTER_MESSAGES] = jump.counts[COUNTER_MESSAGES];
        panes.counts[COUNTER_EVENTS] = jump.counts[COUNTER_EVENTS];
        panes.counts[COUNTER_UNWANTED] = jump.counts[COUNTER_UNWANTED];
        wrong = run_result_differs(&jump, &panes);
        run_result_deinit(&panes);
    }
    run_result_deinit(&jump);
    return wrong;
}

/* To a detector, that events come, be they nobody's, and no conversions, is a sign; and what cannot be used counts
 * where the watermark stands, which ticks move: without the rules that go by either. */
Test(gap, in_one_jump_or_pane_by_pane)
{
    struct property_sums sums;
    const char *wrong = property_run(gap_is_nothing, 2001, 36, 3,
                                     STREAM_GAP | STREAM_HEARD | STREAM_STEADY, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200) && sums.resolved > property_least(100),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
}

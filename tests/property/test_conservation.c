/* SPDX-License-Identifier: Apache-2.0 */
/* SEMANTICS section 3: every step and leaf balances, at any moment; stock and risk sets are what the entity
 * tables say; and looking changes nothing. */
#include <criterion/criterion.h>

#include "lib/standings.h"
#include "lib/streams.h"

struct watcher {
    struct dice dice;
    uint64_t wrong;
    size_t looks;
};

static size_t look_and_go_on(void *user, struct pipe *k, size_t at)
{
    struct watcher *w = user;
    struct buf report = {0};

    (void)at;
    for (size_t f = 0; f < k->p->funnel_count; f++)
        w->wrong += judge_audit(&k->p->judges[f]);
    if (dice_chance(&w->dice, 0.1))
        pipe_report(k, CALENDAR_DAY, &report);
    buf_deinit(&report);
    w->looks++;
    return 1 + (size_t)dice_below(&w->dice, 60);
}

static const char *sums_hold(struct stream *s, const size_t *lines, size_t count,
                             struct property_sums *sums)
{
    struct watcher w = {.dice = {s->seed}};
    struct run_result seen, unseen;
    const struct message *all;
    const char *wrong;
    struct pipe k;

    stream_run(s, lines, count, look_and_go_on, &w, &seen);
    stream_run(s, lines, count, NULL, NULL, &unseen);
    sums->fired += seen.fired;
    sums->detected += seen.detected;
    sums->resolved += seen.resolved;
    wrong = run_result_differs(&seen, &unseen);
    if (w.wrong + seen.conservation + seen.counts[COUNTER_CONSERVATION] > 0)
        wrong = "a step does not balance";
    run_result_deinit(&seen);
    run_result_deinit(&unseen);
    if (wrong)
        return wrong;
    all = pipe_log_messages(&s->log);
    pipe_open(&k, buf_cstr(&s->yaml), s->partitions);
    for (size_t i = 0; i < count; i++)
        pipeline_step(k.p, &all[lines[i]], 1, &k.out);
    pipe_end(&k);
    wrong = standings_differ(k.p);
    pipe_close(&k);
    return wrong;
}

Test(conservation, at_any_moment)
{
    struct property_sums sums;
    const char *wrong = property_run(sums_hold, 1001, 30, 3, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200), "%zu fired", sums.fired);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

Test(conservation, over_a_gap_with_record_timestamps)
{
    struct property_sums sums;
    const char *wrong = property_run(sums_hold, 1501, 20, 3, STREAM_GAP | STREAM_TIMESTAMPS, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100), "%zu fired", sums.fired);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

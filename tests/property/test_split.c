/* SPDX-License-Identifier: Apache-2.0 */
/* Any split of the input into batches gives the same records per machine, digests, counters and report. */
#include <criterion/criterion.h>

#include "lib/streams.h"

static size_t one_by_one(void *user, struct pipe *k, size_t at)
{
    (void)user, (void)k, (void)at;
    return 1;
}

static size_t by_chance(void *user, struct pipe *k, size_t at)
{
    struct dice *d = user;

    (void)k, (void)at;
    return 1 + (size_t)dice_below(d, dice_chance(d, 0.2) ? 300 : 12);
}

static const char *splits_agree(struct stream *s, const size_t *lines, size_t count,
                                struct property_sums *sums)
{
    struct run_result whole, single, chance;
    struct dice d = {s->seed};
    const char *wrong;

    stream_run(s, lines, count, NULL, NULL, &whole);
    stream_run(s, lines, count, one_by_one, NULL, &single);
    stream_run(s, lines, count, by_chance, &d, &chance);
    sums->fired += whole.fired;
    sums->detected += whole.detected;
    sums->resolved += whole.resolved;
    wrong = run_result_differs(&whole, &single);
    if (!wrong)
        wrong = run_result_differs(&whole, &chance);
    if (!wrong && whole.conservation + whole.counts[COUNTER_CONSERVATION] > 0)
        wrong = "a step does not balance";
    run_result_deinit(&whole);
    run_result_deinit(&single);
    run_result_deinit(&chance);
    return wrong;
}

Test(split, from_a_file)
{
    struct property_sums sums;
    const char *wrong = property_run(splits_agree, 1, 30, 3, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200) && sums.resolved > property_least(100),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

Test(split, with_record_timestamps)
{
    struct property_sums sums;
    const char *wrong = property_run(splits_agree, 501, 30, 3, STREAM_TIMESTAMPS, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(50),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

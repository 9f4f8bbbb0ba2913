/* SPDX-License-Identifier: Apache-2.0 */
/* Any interleaving of the partitions, lagging ones too, gives the same alerts per judge, the same digests and
 * the same report. */
#include <criterion/criterion.h>

#include "funnel/mem.h"
#include "lib/streams.h"

static size_t small(void *user, struct pipe *k, size_t at)
{
    (void)k, (void)at;
    return 1 + (size_t)dice_below(user, 9);
}

static const char *interleavings_agree(struct stream *s, const size_t *lines, size_t count,
                                       struct property_sums *sums)
{
    size_t *order = mem_alloc((count + 1) * sizeof(*order));
    struct run_result base, other;
    struct dice d = {s->seed};
    const char *wrong = NULL;

    stream_run(s, lines, count, small, &d, &base);
    sums->fired += base.fired;
    sums->detected += base.detected;
    sums->resolved += base.resolved;
    for (uint64_t way = 0; !wrong && way < 3; way++) {
        if (way == 0)
            stream_apart(s, lines, count, order);
        else
            stream_interleave(s, lines, count, s->seed + way, order);
        stream_run(s, order, count, small, &d, &other);
        wrong = run_result_differs(&base, &other);
        run_result_deinit(&other);
    }
    run_result_deinit(&base);
    mem_free(order);
    return wrong;
}

Test(interleave, from_files)
{
    struct property_sums sums;
    const char *wrong = property_run(interleavings_agree, 1, 30, 6, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200) && sums.resolved > property_least(100),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

Test(interleave, with_record_timestamps_and_a_gap)
{
    struct property_sums sums;
    const char *wrong = property_run(interleavings_agree, 501, 20, 6,
                                     STREAM_TIMESTAMPS | STREAM_GAP, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(50),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

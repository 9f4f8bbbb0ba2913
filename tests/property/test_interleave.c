/* SPDX-License-Identifier: Apache-2.0 */
/* Any interleaving of the partitions, lagging ones too, gives the same alerts per judge, the same digests and
 * the same report. */
#include <criterion/criterion.h>

#include "funnel/mem.h"
#include "lib/streams.h"

/* How eager each partition is: once for the run, or anew from time to time. */
static void weave(const struct stream *s, const size_t *lines, size_t count, uint64_t seed,
                  size_t *ret)
{
    size_t *of[PIPE_SOURCES_MAX], left[PIPE_SOURCES_MAX] = {0}, at[PIPE_SOURCES_MAX] = {0};
    int64_t eager[PIPE_SOURCES_MAX];
    struct dice d = {seed};

    for (size_t p = 0; p < s->partitions; p++) {
        of[p] = mem_alloc((count + 1) * sizeof(size_t));
        eager[p] = 1 + dice_below(&d, 50);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t p = s->log.lines[lines[i]].partition;

        of[p][left[p]++] = lines[i];
    }
    for (size_t i = 0; i < count;) {
        size_t p = (size_t)dice_below(&d, (int64_t)s->partitions);

        if (left[p] == at[p] || dice_below(&d, 50) > eager[p])
            continue;
        ret[i++] = of[p][at[p]++];
        if (dice_chance(&d, 0.005))
            eager[p] = 1 + dice_below(&d, 50);
    }
    for (size_t p = 0; p < s->partitions; p++)
        mem_free(of[p]);
}

/* One partition after the other, the last first: the others lag by the whole log. */
static void one_after_another(const struct stream *s, const size_t *lines, size_t count,
                              size_t *ret)
{
    size_t n = 0;

    for (size_t p = s->partitions; p-- > 0;)
        for (size_t i = 0; i < count; i++)
            if (s->log.lines[lines[i]].partition == p)
                ret[n++] = lines[i];
}

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
    sums->resolved += base.resolved;
    for (uint64_t way = 0; !wrong && way < 3; way++) {
        if (way == 0)
            one_after_another(s, lines, count, order);
        else
            weave(s, lines, count, s->seed + way, order);
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
    const char *wrong = property_run(interleavings_agree, 1, 60, 6, 0, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(200) && sums.resolved > property_least(100),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
}

Test(interleave, with_record_timestamps_and_a_gap)
{
    struct property_sums sums;
    const char *wrong = property_run(interleavings_agree, 501, 40, 6,
                                     STREAM_TIMESTAMPS | STREAM_GAP, &sums);

    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && sums.resolved > property_least(50),
              "%zu fired, %zu resolved", sums.fired, sums.resolved);
}

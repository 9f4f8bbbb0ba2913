/* SPDX-License-Identifier: Apache-2.0 */
/* Saved and loaded anywhere, a pipeline goes on as if nothing had been: the same records, digests, counters and
 * report; and what was loaded is saved as the same bytes. */
#include <criterion/criterion.h>

#include "lib/saved.h"
#include "lib/streams.h"

struct cutter {
    struct dice dice;
    size_t restarts;
    const char *wrong;
};
static size_t restarts; /* in all streams */

static size_t by_chance(void *user, struct pipe *k, size_t at)
{
    struct cutter *c = user;

    (void)at;
    if (!c->wrong && dice_chance(&c->dice, c->restarts < 3 ? 0.2 : 0.01)) {
        c->wrong = saved_restart(k);
        c->restarts++;
    }
    return 1 + (size_t)dice_below(&c->dice, dice_chance(&c->dice, 0.2) ? 300 : 12);
}

static const char *restarts_agree(struct stream *s, const size_t *lines, size_t count,
                                  struct property_sums *sums)
{
    struct cutter c = {.dice = {s->seed}};
    struct run_result whole, cut;
    const char *wrong;

    stream_run(s, lines, count, NULL, NULL, &whole);
    stream_run(s, lines, count, by_chance, &c, &cut);
    sums->fired += whole.fired;
    sums->resolved += whole.resolved;
    restarts += c.restarts;
    wrong = c.wrong ? c.wrong : run_result_differs(&whole, &cut);
    run_result_deinit(&whole);
    run_result_deinit(&cut);
    return wrong;
}

static void check(uint64_t first, unsigned flags)
{
    struct property_sums sums;
    const char *wrong;

    restarts = 0;
    wrong = property_run(restarts_agree, first, 60, 3, flags, &sums);
    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && restarts > property_least(150),
              "%zu fired, %zu restarts", sums.fired, restarts);
}

Test(restart, from_a_file)
{
    check(1, 0);
}

Test(restart, with_record_timestamps)
{
    check(501, STREAM_TIMESTAMPS);
}

Test(restart, with_a_gap)
{
    check(901, STREAM_GAP | STREAM_TIMESTAMPS);
}

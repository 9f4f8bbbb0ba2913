/* SPDX-License-Identifier: Apache-2.0 */
/* Saved and loaded anywhere, a pipeline goes on as if nothing had been: the same records, digests, counters and
 * report; and what was loaded is saved as the same bytes. */
#include <criterion/criterion.h>

#include "lib/saved.h"
#include "lib/streams.h"

struct cutter {
    struct dice
        dice; /* of what both runs do: batches, and switches where there are other settings */
    struct dice where; /* of the cuts */
    bool cuts;
    const char *yamls[2];
    size_t yaml_count, switches, restarts;
    const char *wrong;
};
static size_t restarts; /* in all streams */

static size_t cut_by_chance(void *user, struct pipe *k, size_t at)
{
    struct cutter *c = user;

    (void)at;
    if (c->yaml_count > 0 && dice_chance(&c->dice, 0.02))
        pipe_switch(k, c->yamls[c->switches++ % c->yaml_count]);
    if (c->cuts && !c->wrong && dice_chance(&c->where, 0.08)) {
        c->wrong = saved_restart(k);
        c->restarts++;
    }
    return 1 + (size_t)dice_below(&c->dice, dice_chance(&c->dice, 0.2) ? 300 : 12);
}

static const char *compare(struct stream *s, const struct cutter *how, const size_t *lines,
                           size_t count, struct property_sums *sums)
{
    struct cutter plain = *how, cut = *how;
    struct run_result whole, parts;
    const char *wrong;

    plain.dice = cut.dice = (struct dice){s->seed};
    cut.where = (struct dice){s->seed ^ 99};
    cut.cuts = true;
    stream_run(s, lines, count, cut_by_chance, &plain, &whole);
    stream_run(s, lines, count, cut_by_chance, &cut, &parts);
    sums->fired += whole.fired;
    sums->detected += whole.detected;
    sums->resolved += whole.resolved;
    restarts += cut.restarts;
    wrong = cut.wrong ? cut.wrong : run_result_differs(&whole, &parts);
    run_result_deinit(&whole);
    run_result_deinit(&parts);
    return wrong;
}

static const char *restarts_agree(struct stream *s, const size_t *lines, size_t count,
                                  struct property_sums *sums)
{
    return compare(s, &(struct cutter){0}, lines, count, sums);
}

/* Limits below what is there, other windows, other shapes. */
static const char *also_between_switches(struct stream *s, const size_t *lines, size_t count,
                                         struct property_sums *sums)
{
    struct stream other;
    const char *wrong;

    stream_make(&other, s->seed + 7777, 1, 0);
    wrong = compare(
        s, &(struct cutter){.yamls = {buf_cstr(&other.yaml), buf_cstr(&s->yaml)}, .yaml_count = 2},
        lines, count, sums);
    stream_deinit(&other);
    return wrong;
}

static void check(property_fn *property, uint64_t first, unsigned flags)
{
    struct property_sums sums;
    const char *wrong;

    restarts = 0;
    wrong = property_run(property, first, 60, 3, flags, &sums);
    cr_assert(!wrong, "%s", wrong);
    cr_expect(sums.fired > property_least(100) && restarts > property_least(150),
              "%zu fired, %zu restarts", sums.fired, restarts);
    cr_expect(sums.detected > property_least(8), "%zu detected", sums.detected);
}

Test(restart, from_a_file)
{
    check(restarts_agree, 1, 0);
}

Test(restart, with_record_timestamps)
{
    check(restarts_agree, 501, STREAM_TIMESTAMPS);
}

Test(restart, with_a_gap)
{
    check(restarts_agree, 901, STREAM_GAP | STREAM_TIMESTAMPS);
}

Test(restart, between_reloads)
{
    check(also_between_switches, 1301, STREAM_TIMESTAMPS);
}

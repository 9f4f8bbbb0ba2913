/* SPDX-License-Identifier: Apache-2.0 */
/* The judge on cells made by hand: panes close when every source has closed them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/judge.h"
#include "funnel/mem.h"
#include "lib/pipe_kit.h"

struct kit {
    struct pipe pipe; /* only its settings and zone, and what it owns */
    struct judge judge;
    struct funnel *funnel;
    struct records out;
};

static void kit_open(struct kit *k, size_t sources, const char *limits)
{
    struct buf y = {0};

    buf_fmt(&y,
            PIPE_KAFKA
            "inputs: [{topic: in}]\nlimits: {%s}\nfunnels: {f: {stages: [a, b], window: 1h,"
            " dims: {ch: {top: 2}}}}\n",
            limits);
    *k = (struct kit){0};
    pipe_open(&k->pipe, buf_cstr(&y), 1);
    buf_deinit(&y);
    k->funnel = &k->pipe.p->funnels[0];
    judge_init(&k->judge, k->funnel, k->pipe.zone, sources);
}

static void kit_close(struct kit *k)
{
    judge_deinit(&k->judge);
    records_deinit(&k->out);
    pipe_close(&k->pipe);
}

/* The source's leaf `leaf` is ch=value; n enter a in the pane; the pane is closed. */
static void give(struct kit *k, size_t source, int64_t pane, uint32_t leaf, const char *value,
                 int n)
{
    struct cells c = {0};
    uint16_t len = (uint16_t)strlen(value);

    buf_add(&c.strings, &len, 2);
    buf_str(&c.strings, value);
    cells_add(&c, (struct cell){.kind = CELL_PANE, .value = pane});
    cells_add(&c, (struct cell){.kind = CELL_ENTER, .leaf = leaf, .n = n});
    cells_add(&c, (struct cell){.kind = CELL_LEAF, .leaf = leaf, .n = (int32_t)c.strings.len});
    cells_add(&c, (struct cell){.kind = CELL_CLOSE, .value = pane});
    judge_add(&k->judge, source, &c);
    judge_step(&k->judge, &k->out);
    cells_deinit(&c);
}

static int64_t entered(const struct kit *k)
{
    int64_t sum = 0;

    for (size_t i = 0; i < k->judge.leaf_count; i++)
        sum += k->judge.leaves[i].steps[0].entered;
    return sum;
}

Test(judge, a_pane_closes_when_all_have_closed_it)
{
    struct kit k;

    kit_open(&k, 2, "leaves: 100");
    give(&k, 0, 10, 1, "x", 3);
    give(&k, 0, 12, 1, "x", 5);
    cr_expect(eq(i64, entered(&k), 0));
    cr_expect(eq(int, etime_is_set(judge_reached(&k.judge)), 0));
    give(&k, 1, 11, 7, "x", 100);
    cr_expect(eq(i64, entered(&k), 103));
    cr_expect(eq(i64, judge_reached(&k.judge).ms, 12 * INT64_C(60000)));
    judge_finish(&k.judge, 12);
    cr_expect(eq(i64, entered(&k), 108));
    cr_expect(eq(i64, judge_reached(&k.judge).ms, 12 * INT64_C(60000)));
    cr_expect(eq(u64, judge_audit(&k.judge), 0));
    cr_expect(eq(sz, k.judge.leaf_count, 2)); /* one leaf, by two numbers; and __other__ */
    kit_close(&k);
}

/* Which leaf gets the last place is a matter of names, not of who spoke first. */
Test(judge, leaves_are_admitted_by_name)
{
    for (int way = 0; way < 2; way++) {
        struct kit k;

        kit_open(&k, 2, "leaves: 1");
        give(&k, (size_t)way, 10, 1, way ? "y" : "x", 1);
        give(&k, (size_t)(1 - way), 10, 1, way ? "x" : "y", 10);
        cr_assert(eq(sz, k.judge.leaf_count, 2));
        cr_expect(span_is(names_text(&k.judge.values[0], k.judge.leaves[1].value[0]), "x"));
        cr_expect(eq(u64, k.judge.leaves_refused, 1));
        cr_expect(eq(i64, entered(&k), 11));
        kit_close(&k);
    }
}

Test(judge, an_exit_of_nobody_does_not_balance)
{
    struct cells c = {0};
    struct kit k;

    kit_open(&k, 1, "leaves: 100");
    give(&k, 0, 10, 1, "x", 1);
    cells_add(&c, (struct cell){.kind = CELL_PANE, .value = 11});
    cells_add(&c, (struct cell){
                      .kind = CELL_EXIT, .cause = EXIT_ADVANCED, .leaf = 1, .n = 2, .column = 10});
    cells_add(&c, (struct cell){.kind = CELL_CLOSE, .value = 11});
    judge_add(&k.judge, 0, &c);
    judge_step(&k.judge, &k.out);
    cr_expect(k.judge.conservation_errors + judge_audit(&k.judge) > 0);
    cells_deinit(&c);
    kit_close(&k);
}

Test(judge, a_stay_nobody_hears_of_expires)
{
    struct judge_stays stays;
    struct kit k;

    kit_open(&k, 1, "leaves: 100");
    give(&k, 0, 10, 1, "x", 4);
    give(&k, 0, 10 + 60, 1, "x", 1);
    cr_expect(eq(i64, judge_step_stays(&k.judge, &k.judge.leaves[1].steps[0]).open, 5));
    give(&k, 0, 10 + 70, 1, "x", 0);
    stays = judge_step_stays(&k.judge, &k.judge.leaves[1].steps[0]);
    cr_expect(eq(i64, stays.expired, 4));
    cr_expect(eq(i64, stays.open, 1));
    kit_close(&k);
}

/* Days beyond what a cohort keeps: the oldest go, and what still comes for them is kept apart. */
Test(judge, a_cohort_keeps_its_newest_days)
{
    struct cohort c = {0};

    for (int32_t day = 0; day < 5000; day++)
        cohort_at(&c, day)->entered++;
    cr_assert(eq(sz, c.count, 4096));
    cr_expect(eq(i32, c.days[0].day, 904));
    cohort_at(&c, 3)->exits[EXIT_ADVANCED]++;
    cr_expect(eq(sz, c.count, 4096));
    cr_expect(eq(i32, c.days[0].day, 904));
    cr_expect(eq(u32, c.days[0].exits[EXIT_ADVANCED], 0));
    cr_expect(eq(u32, cohort_at(&c, 904)->entered, 1));
    mem_free(c.days);
}

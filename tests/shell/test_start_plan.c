/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/start_plan.h"

#include <string.h>

#include <criterion/criterion.h>

#include "shell/exit_codes.h"
#include "funnel/mem.h"
#include "shell/life.h"

static const struct pipeline_source sources[] = {{"a", 0, 0}, {"a", 1, 0}};
static struct start_part parts[2];
static struct start_ours ours;
static struct buf texts[2];
static struct start_plan plan;
static char why[512];

static void meta(size_t i, uint64_t instance, uint64_t seq, int64_t origin)
{
    struct commit_meta m = {.instance = instance,
                            .seq = seq,
                            .origin = origin,
                            .has_base = i == 0,
                            .machine = COMMIT_META_MACHINE,
                            .settings_hash = 1,
                            .zone_hash = 2};

    m.layout_hash = start_layout_hash(sources, 2);
    m.judge_digest = 77;
    buf_clear(&texts[i]);
    commit_meta_encode(&m, &texts[i]);
    parts[i].meta = texts[i].data;
    parts[i].meta_len = texts[i].len;
}

static void good(void)
{
    ours = (struct start_ours){1, 2, start_layout_hash(sources, 2)};
    for (size_t i = 0; i < 2; i++) {
        parts[i] = (struct start_part){.low = 0, .high = 100, .committed = 50};
        meta(i, 9, 4, 0);
    }
}

static int make(void)
{
    start_plan_deinit(&plan);
    return start_plan_make(sources, parts, 2, &ours, &plan, why);
}

static void done(void)
{
    start_plan_deinit(&plan);
    buf_deinit(&texts[0]);
    buf_deinit(&texts[1]);
}

TestSuite(start_plan, .init = good, .fini = done);

Test(start_plan, restart)
{
    cr_assert_eq(make(), EXIT_OK, "%s", why);
    cr_assert_not(plan.fresh);
    cr_assert(plan.compare);
    cr_assert_eq(plan.seq, 4);
    cr_assert_eq(plan.instance, 9);
    cr_assert_eq(plan.judge_digest, 77);
}

Test(start_plan, fresh)
{
    parts[0].committed = parts[1].committed = -1;
    parts[0].meta = parts[1].meta = NULL;
    cr_assert_eq(make(), EXIT_OK);
    cr_assert(plan.fresh);
    cr_assert_not(plan.compare);
}

Test(start_plan, refusals)
{
    parts[1].committed = -1;
    cr_assert_eq(make(), EXIT_PARTITIONS, "a partition without an offset");
    good();
    meta(1, 9, 5, 0);
    cr_assert_eq(make(), EXIT_STATE, "another transaction");
    cr_assert_not_null(strstr(why, "a/1"));
    good();
    meta(1, 8, 4, 0);
    cr_assert_eq(make(), EXIT_STATE, "another instance");
    good();
    parts[1].meta = NULL;
    parts[1].meta_len = 0;
    cr_assert_eq(make(), EXIT_STATE, "a foreign commit");
    good();
    ours.layout_hash++;
    cr_assert_eq(make(), EXIT_PARTITIONS, "another layout");
    good();
    parts[1].high = 49;
    cr_assert_eq(make(), EXIT_RESET, "the log is shorter");
    good();
    parts[0].low = 51;
    cr_assert_eq(make(), EXIT_GAP, "retention took unread events");
}

Test(start_plan, edges_that_are_fine)
{
    parts[0].low = parts[0].high = parts[0].committed =
        50; /* everything consumed, everything deleted */
    cr_assert_eq(make(), EXIT_OK, "%s", why);
    cr_assert(plan.trimmed);
    cr_assert_not(plan.compare);
    good();
    meta(0, 9, 4, 10);
    parts[0].low = 10; /* the same start as when it was first read */
    cr_assert_eq(make(), EXIT_OK);
    cr_assert(plan.compare);
    good();
    ours.settings_hash++;
    cr_assert_eq(make(), EXIT_OK);
    cr_assert(plan.changed);
    cr_assert_not(plan.compare);
}

Test(life, every_state_can_stop)
{
    for (int from = LIFE_STARTING; from < LIFE_STOPPED; from++) {
        enum life to = LIFE_STARTING;

        cr_assert(life_next((enum life)from, LIFE_FAILED, &to));
        cr_assert_eq(to, LIFE_STOPPED);
        cr_assert_not_null(life_name((enum life)from));
    }
}

Test(life, stopped_is_final_and_running_drains)
{
    enum life to = LIFE_STARTING;

    for (int event = LIFE_CONNECTED; event <= LIFE_FAILED; event++)
        cr_assert_not(life_next(LIFE_STOPPED, (enum life_event)event, &to));
    cr_assert(life_next(LIFE_RUNNING, LIFE_TERM, &to));
    cr_assert_eq(to, LIFE_DRAINING);
    cr_assert(life_next(LIFE_REBUILDING, LIFE_TERM, &to));
    cr_assert_eq(to, LIFE_STOPPED, "it has published nothing");
}

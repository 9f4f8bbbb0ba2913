/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/decision_log.h"

#include <string.h>

#include <criterion/criterion.h>

#include "funnel/clock.h"

#define DAY INT64_C(86400000)

static struct decision_log decisions;

static void begin(void)
{
    decision_log_init(&decisions, 3);
}

static void end(void)
{
    decision_log_deinit(&decisions);
}

TestSuite(decision_log, .init = begin, .fini = end);

static uint64_t add(uint32_t source, enum decision_kind kind, int64_t at, int64_t value,
                    int64_t from_ms)
{
    struct decision d = {.source = source, .kind = kind, .at = at, .value = value};

    if (kind == DECISION_CONTROL)
        d.text = span_of("{}");
    decision_log_add(&decisions, &d, from_ms);
    return d.seq;
}

/* "seq:source:kind:at:value " of what a partition's metadata would carry. */
static const char *carried(uint32_t source)
{
    static struct buf text;
    struct buf bytes = {0};
    struct codec_in in;

    decision_log_encode(&decisions, source, &bytes);
    in = (struct codec_in){.p = (const unsigned char *)bytes.data, .left = bytes.len};
    buf_clear(&text);
    while (in.left > 0) {
        struct decision d;

        decision_get(&in, &d);
        cr_assert_null(in.error);
        buf_fmt(&text, "%llu:%d:%d:%lld:%lld ", (unsigned long long)d.seq, (int)d.source,
                (int)d.kind, (long long)d.at, (long long)d.value);
    }
    buf_deinit(&bytes);
    return buf_cstr(&text);
}

Test(decision_log, numbers_rise_over_all_partitions)
{
    cr_assert_eq(add(0, DECISION_GAP, 1, 1, INT64_MIN), 1);
    cr_assert_eq(add(2, DECISION_GAP, 1, 1, INT64_MIN), 2);
    cr_assert_eq(add(0, DECISION_GAP, 2, 1, INT64_MIN), 3);
    cr_assert_str_eq(carried(0), "1:0:5:1:1 3:0:5:2:1 ");
    cr_assert_str_eq(carried(1), "");
    cr_assert_str_eq(carried(2), "2:2:5:1:1 ");
}

Test(decision_log, the_judges_go_with_the_lowest_partition)
{
    add(DECISION_JUDGES, DECISION_CONTROL, 7, 0, INT64_MIN);
    cr_assert_str_eq(carried(0), "1:-1:7:7:0 ");
    cr_assert_str_eq(carried(1), "");
}

Test(decision_log, a_quiet_night_is_one_decision)
{
    size_t bytes;

    add(1, DECISION_ADVANCE, 50, 1000, 0);
    bytes = decision_log_bytes(&decisions);
    for (int i = 2; i <= 1000; i++) {
        add(1, DECISION_ADVANCE, 50, 1000 * i, 1000 * (i - 1));
        add(2, DECISION_DARK, 9, 1000 * i, 1000 * (i - 1));
    }
    cr_assert_str_eq(carried(1), "1998:1:1:50:1000000 ");
    cr_assert_str_eq(carried(2), "1999:2:2:9:1000000 ");
    cr_assert(decision_log_bytes(&decisions) < 2 * bytes);
}

Test(decision_log, what_may_not_stand_for_another)
{
    add(0, DECISION_ADVANCE, 5, 10, 0);
    add(0, DECISION_ADVANCE, 6, 11, 10); /* another place */
    add(0, DECISION_DARK, 6, 12, 11);    /* another kind */
    add(0, DECISION_GAP, 6, 1, 12);
    add(0, DECISION_GAP, 6, 1, 12); /* not of time */
    add(0, DECISION_DARK, 6, 13, 12);
    cr_assert_str_eq(carried(0),
                     "1:0:1:5:10 2:0:1:6:11 3:0:2:6:12 4:0:5:6:1 5:0:5:6:1 6:0:2:6:13 ");
}

Test(decision_log, steps_that_were_no_gap_do_not_become_one)
{
    for (int64_t hour = 1; hour <= 72; hour++)
        add(0, DECISION_DARK, 5, hour * DAY / 24, (hour - 1) * DAY / 24);
    cr_assert_str_eq(carried(0), "24:0:2:5:86400000 48:0:2:5:172800000 72:0:2:5:259200000 ");
    add(0, DECISION_DARK, 5, 9 * DAY, 3 * DAY);
    add(0, DECISION_DARK, 5, 9 * DAY + 1, 9 * DAY);
    cr_assert_str_eq(carried(0),
                     "24:0:2:5:86400000 48:0:2:5:172800000 72:0:2:5:259200000 73:0:2:5:777600000 "
                     "74:0:2:5:777600001 ",
                     "and one that was a gap stays one");
}

Test(decision_log, trimmed_by_the_older_snapshot)
{
    for (int i = 1; i <= 4; i++)
        add(i % 2, DECISION_GAP, i, 1, INT64_MIN);
    decision_log_trim(&decisions, 2);
    cr_assert_str_eq(carried(0), "4:0:5:4:1 ");
    cr_assert_str_eq(carried(1), "3:1:5:3:1 ");
    decision_log_trim(&decisions, 4);
    cr_assert_eq(decision_log_bytes(&decisions), 0);
    cr_assert_eq(add(0, DECISION_GAP, 9, 1, INT64_MIN), 5, "numbers go on");
}

Test(decision_log, restored_with_their_numbers)
{
    struct decision d = {.seq = 40, .source = 1, .kind = DECISION_ADVANCE, .at = 5, .value = 10};

    decision_log_restore(&decisions, &d);
    /* The watermark before it is not known any more. */
    cr_assert_eq(add(1, DECISION_ADVANCE, 5, 11, 10), 41);
    cr_assert_eq(add(1, DECISION_ADVANCE, 5, 12, 11), 42);
    cr_assert_str_eq(carried(1), "40:1:1:5:10 42:1:1:5:12 ");
}

Test(decision_log, bounded)
{
    struct decision control = {.source = DECISION_JUDGES, .kind = DECISION_CONTROL};
    struct decision gap = {.kind = DECISION_GAP, .at = 9, .value = INT64_MAX};
    char text[DECISION_TEXT_MAX];
    int n = 0;

    memset(text, 'x', sizeof(text));
    control.text = (struct span){text, sizeof(text)};
    for (; decision_log_fits(&decisions, &control); n++)
        decision_log_add(&decisions, &control, INT64_MIN);
    cr_assert_eq(n, 2);
    for (n = 0; decision_log_fits(&decisions, &gap); n++)
        decision_log_add(&decisions, &gap, INT64_MIN);
    cr_assert_gt(n, 10, "small ones still fit");
    cr_assert(decision_log_bytes(&decisions) <= DECISION_LOG_MAX);
    control.text.len = 64;
    cr_assert_not(decision_log_fits(&decisions, &control));
    gap.source = 1;
    cr_assert(decision_log_fits(&decisions, &gap), "each partition has its own room");
}

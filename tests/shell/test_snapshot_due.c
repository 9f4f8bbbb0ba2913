/* SPDX-License-Identifier: Apache-2.0 */
#include "shell/snapshot_due.h"

#include <criterion/criterion.h>

#define MINUTE INT64_C(60000)

/* A daemon that has run for an hour; its last snapshot is a minute old. */
static struct snapshot_view calm(void)
{
    return (struct snapshot_view){.now = 70 * MINUTE,
                                  .since = 10 * MINUTE,
                                  .begun = 69 * MINUTE,
                                  .age = MINUTE,
                                  .interval = 5 * MINUTE,
                                  .changed = true};
}

Test(snapshot_due, by_the_interval)
{
    struct snapshot_view v = calm();
    int64_t at;

    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    cr_assert_eq(at, 74 * MINUTE);
    v.now = at - 1;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    v.now = at;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_INTERVAL);
    v.busy = true;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    cr_assert_eq(at, SNAPSHOT_NEVER);
}

Test(snapshot_due, after_a_start)
{
    struct snapshot_view v = calm();
    int64_t at;

    v.begun = -1;
    v.now = v.since + MINUTE;
    v.age = 3 * MINUTE; /* taken two minutes before the start */
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    cr_assert_eq(at, v.since + 3 * MINUTE);
    v.age = 60 * MINUTE;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_INTERVAL, "overdue");
    v.age = -1;
    v.now = v.since;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    cr_assert_eq(at, v.since + SNAPSHOT_FIRST_MS);
    v.now = at;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_FIRST);
    v.interval = 1000;
    v.now = v.since + 1000;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_FIRST, "not later than the interval");
}

Test(snapshot_due, a_failed_one_comes_again_in_its_turn)
{
    struct snapshot_view v = calm();
    int64_t at;

    v.age = 60 * MINUTE; /* none has become durable since */
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    cr_assert_eq(at, 74 * MINUTE);
    v.age = -1;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    cr_assert_eq(at, 74 * MINUTE);
}

Test(snapshot_due, metadata_forces_one)
{
    struct snapshot_view v = calm();
    int64_t at;

    v.meta_bytes = SNAPSHOT_META_BYTES - 1;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    v.meta_bytes++;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_METADATA);
    v.begun = v.now - 1;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE, "not one after another");
    cr_assert_eq(at, v.begun + SNAPSHOT_APART_MS);
    v.begun = v.age = -1;
    v.now = v.since;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_METADATA);
}

Test(snapshot_due, retention_forces_one)
{
    struct snapshot_part p[2] = {{900, 0, 1000, -1}, {900, 0, 1000, -1}};
    struct snapshot_view v = calm();
    int64_t at;

    v.parts = p;
    v.part_count = 2;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    p[1].low = 868; /* 32 before S, 132 before what is consumed */
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_RETENTION);
    p[1].low = 860; /* 40 and 140 */
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    p[1].low = 950; /* past it already */
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_RETENTION);
    p[1].low = -1;
    p[1].retention_ms = 4 * MINUTE;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE, "exactly a quarter");
    v.age++;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_RETENTION);
    v.begun = v.now - SNAPSHOT_APART_MS + 1;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
    v.age = -1;
    v.begun = -1;
    v.now = v.since;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE, "nothing to come near to");
}

Test(snapshot_due, nothing_presses_where_nothing_is_consumed)
{
    struct snapshot_part empty = {0, 0, 0, -1}, gone = {500, 500, 500, -1},
                         large = {INT64_MAX - 1, 0, INT64_MAX, -1};

    cr_assert_not(snapshot_part_presses(&empty, 1));
    cr_assert_not(snapshot_part_presses(&gone, 1));
    cr_assert_not(snapshot_part_presses(&large, INT64_MAX));
}

Test(snapshot_due, a_switch_does_not_wait_for_the_interval_nor_a_stop_for_anything)
{
    struct snapshot_view v = calm();
    int64_t at;

    v.switching = true;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_SWITCH);
    v.begun = v.now; /* and failed: the disk is full, say */
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE, "not one after another");
    cr_assert_eq(at, v.now + SNAPSHOT_APART_MS);
    v.begun = -1;
    v.age = -1;
    v.now = v.since;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_SWITCH, "a file that has changed, at a start");
    v.begun = v.now;
    v.stopping = true;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_STOP);
    v.busy = true;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE);
}

Test(snapshot_due, not_the_same_once_more)
{
    struct snapshot_part p = {500, 499, 500, MINUTE};
    struct snapshot_view v = calm();
    int64_t at;

    v.changed = false;
    v.now = 75 * MINUTE;
    v.age = 6 * MINUTE;
    v.parts = &p;
    v.part_count = 1;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_NONE, "retention does not press either");
    cr_assert_eq(at, v.now + SNAPSHOT_APART_MS);
    v.changed = true;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_RETENTION);
    v.part_count = 0;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_INTERVAL);
    v.changed = false;
    v.meta_bytes = SNAPSHOT_META_BYTES;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_METADATA, "the older one keeps decisions there");
    v.meta_bytes = 0;
    v.stopping = true;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_STOP);
    v.stopping = false;
    v.age = -1;
    cr_assert_eq(snapshot_due(&v, &at), SNAPSHOT_INTERVAL, "none is durable");
}

Test(snapshot_due, every_reason_has_a_text)
{
    cr_assert_str_eq(snapshot_reason_text(SNAPSHOT_NONE), "");
    for (int i = SNAPSHOT_NONE + 1; i <= SNAPSHOT_STOP; i++)
        cr_assert(*snapshot_reason_text((enum snapshot_reason)i));
}

/* --- the book --- */

static struct snapshot_mark mark(uint32_t generation, uint64_t seq, uint64_t decision)
{
    return (struct snapshot_mark){
        .generation = generation, .instance = 1, .txn_seq = seq, .decision_seq = decision};
}

static void take(struct snapshot_book *b, struct snapshot_mark m)
{
    snapshot_book_taken(b, &m);
}

Test(snapshot_book, durable_when_filed_and_confirmed_in_any_order)
{
    struct snapshot_book b = {0};
    uint32_t keep[SNAPSHOT_KEPT + 1];

    cr_assert_eq(snapshot_book_generation(&b), 0);
    cr_assert_eq(snapshot_book_generations(&b, keep), 0);
    take(&b, mark(1, 10, 5));
    cr_assert_not(snapshot_book_filed(&b, 1));
    cr_assert_not(snapshot_book_confirmed(&b, 9), "an earlier transaction");
    cr_assert_eq(snapshot_book_generation(&b), 0);
    cr_assert_eq(snapshot_book_generations(&b, keep), 1);
    cr_assert(snapshot_book_confirmed(&b, 10));
    cr_assert_not(snapshot_book_confirmed(&b, 11), "only once");
    cr_assert_eq(snapshot_book_generation(&b), 1);
    take(&b, mark(2, 12, 8));
    cr_assert_not(snapshot_book_confirmed(&b, 13), "not on disk yet; a later one confirms it too");
    cr_assert_not(snapshot_book_filed(&b, 1), "another one's file");
    cr_assert_eq(snapshot_book_generations(&b, keep), 2);
    cr_assert(keep[0] == 2 && keep[1] == 1);
    cr_assert(snapshot_book_filed(&b, 2));
    cr_assert_eq(snapshot_book_generation(&b), 2);
}

Test(snapshot_book, two_are_kept)
{
    struct snapshot_book b = {0};
    uint32_t keep[SNAPSHOT_KEPT + 1];

    for (uint32_t i = 1; i <= 4; i++) {
        take(&b, mark(i, 10 * i, 100 * i));
        snapshot_book_confirmed(&b, 10 * i);
        cr_assert(snapshot_book_filed(&b, i));
    }
    cr_assert_eq(snapshot_book_generations(&b, keep), 2);
    cr_assert(keep[0] == 4 && keep[1] == 3);
    cr_assert_eq(snapshot_book_decisions(&b), 300, "the older one may be needed");
    take(&b, mark(5, 50, 500));
    cr_assert_eq(snapshot_book_generations(&b, keep), 3, "the third goes when it is durable");
    snapshot_book_failed(&b, 5);
    cr_assert_eq(snapshot_book_generations(&b, keep), 2);
    cr_assert_not(snapshot_book_confirmed(&b, 50));
    cr_assert_not(snapshot_book_filed(&b, 5));
    cr_assert_eq(snapshot_book_generation(&b), 4);
}

Test(snapshot_book, found_at_start)
{
    struct snapshot_book b = {0};
    struct snapshot_mark older = mark(6, 60, 7), newer = mark(9, 90, 7);

    cr_assert_eq(snapshot_book_decisions(&b), 0);
    snapshot_book_found(&b, &older);
    cr_assert_eq(snapshot_book_decisions(&b), 7);
    snapshot_book_found(&b, &newer);
    cr_assert_eq(snapshot_book_generation(&b), 9);
    snapshot_book_failed(&b, 9);
    cr_assert_eq(snapshot_book_generation(&b), 9, "only what waits can fail");
}

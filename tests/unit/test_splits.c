/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that come in more than one partition: who is split, since when and for how long, whatever the order. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "funnel/splits.h"
#include "lib/pipe_kit.h"

#define MINUTE INT64_C(60000)
#define DAY INT64_C(1440)                  /* panes */
#define P0 (INT64_C(19800) * DAY + 9 * 60) /* 09:00 */
#define FORGET (7 * DAY * MINUTE)
#define ID(n) ((uint64_t)(n)*SPLITS_SHARE)

static struct splits_sums close_pane(struct splits *s, int64_t pane)
{
    return splits_close(s, pane, MINUTE, FORGET);
}

/* One event. */
static struct splits_sums see(struct splits *s, int64_t pane, uint64_t id, uint32_t source)
{
    splits_see(s, id, source, 1);
    return close_pane(s, pane);
}

#define EXPECT_SUMS(got, w, b, f) \
    do { \
        struct splits_sums x = (got); \
        cr_expect(x.watched == (w) && x.split == (b) && x.fresh == (f), "%d %d %d", \
                  (int)x.watched, (int)x.split, (int)x.fresh); \
    } while (0)

Test(splits, one_id_in_4096_is_watched)
{
    size_t n = 0;

    for (uint64_t x = 0; x < 1 << 16; x++)
        n += splits_watches(x);
    cr_expect(eq(sz, n, 16));
}

Test(splits, from_another_source_it_is_split_once)
{
    struct splits *s = splits_new();

    EXPECT_SUMS(see(s, P0, ID(7), 1), 1, 0, 0);
    EXPECT_SUMS(see(s, P0 + 1, ID(7), 1), 1, 0, 0);
    EXPECT_SUMS(see(s, P0 + 2, ID(8), 2), 1, 0, 0);
    EXPECT_SUMS(see(s, P0 + 3, ID(7), 2), 1, 1, 1);
    EXPECT_SUMS(see(s, P0 + 4, ID(7), 2), 1, 1, 0);
    EXPECT_SUMS(see(s, P0 + 5, ID(7), 1), 1, 1, 0);
    EXPECT_SUMS(close_pane(s, P0 + 6), 0, 0, 0);
    splits_free(s);
}

Test(splits, all_events_of_the_pane_in_which_it_is_found_count)
{
    struct splits *s = splits_new();

    splits_see(s, ID(3), 5, 4);
    splits_see(s, ID(2), 1, 10);
    splits_see(s, ID(3), 0, 2);
    EXPECT_SUMS(close_pane(s, P0), 16, 6, 1);
    splits_free(s);
}

/* A producer that is repaired is not blamed for ever. */
Test(splits, a_day_after_the_last_change_it_is_whole_again)
{
    struct splits *s = splits_new();

    see(s, P0, ID(1), 0);
    EXPECT_SUMS(see(s, P0 + 1, ID(1), 1), 1, 1, 1);
    EXPECT_SUMS(see(s, P0 + 1 + DAY, ID(1), 1), 1, 1, 0);
    EXPECT_SUMS(see(s, P0 + 2 + DAY, ID(1), 1), 1, 0, 0);
    EXPECT_SUMS(see(s, P0 + 3 + DAY, ID(1), 0), 1, 1, 0); /* counted already */
    splits_free(s);
}

Test(splits, who_is_not_heard_of_is_forgotten_when_a_day_begins)
{
    struct splits *s = splits_new();

    see(s, P0, ID(1), 0);
    see(s, P0 + DAY, ID(2), 0);
    EXPECT_SUMS(see(s, P0 + 7 * DAY, ID(3), 0), 1, 0,
                0); /* that day began less than 7 days after */
    EXPECT_SUMS(see(s, P0 + 7 * DAY + 1, ID(1), 1), 1, 1, 1);
    EXPECT_SUMS(see(s, P0 + 9 * DAY, ID(2), 1), 1, 0, 0);
    EXPECT_SUMS(see(s, P0 + 9 * DAY, ID(1), 0), 1, 1, 0);
    splits_clear(s);
    EXPECT_SUMS(see(s, P0 + 9 * DAY, ID(1), 1), 1, 0, 0);
    splits_free(s);
}

/* The same in any order: who has no room is not a matter of who came first in the pane. */
Test(splits, when_it_is_full_no_further_ids_are_watched)
{
    for (int way = 0; way < 2; way++) {
        struct splits *s = splits_new();

        see(s, P0, ID(SPLITS_MAX + 500), 0);
        for (uint64_t i = 0; i < SPLITS_MAX + 10; i++)
            splits_see(s, ID(way ? SPLITS_MAX + 9 - i : i), 0, 1);
        EXPECT_SUMS(close_pane(s, P0 + 1), SPLITS_MAX - 1, 0, 0);
        EXPECT_SUMS(see(s, P0 + 2, ID(SPLITS_MAX - 1), 1), 0, 0, 0);
        EXPECT_SUMS(see(s, P0 + 2, ID(SPLITS_MAX - 2), 1), 1, 1, 1);
        EXPECT_SUMS(see(s, P0 + 2, ID(SPLITS_MAX + 500), 1), 1, 1, 1);
        EXPECT_SUMS(see(s, P0 + 9 * DAY, ID(SPLITS_MAX - 1), 1), 1, 0, 0); /* there is room again */
        splits_free(s);
    }
}

/* --- against the plain way --- */

#define IDS 40
struct plain {
    bool known, was_split;
    uint32_t source;
    int64_t last, changed;
};

static struct splits_sums plain_pane(struct plain *ids, const uint32_t n[IDS][4], int64_t pane,
                                     int64_t *day)
{
    struct splits_sums sums = {0};

    for (int i = 0; i < IDS; i++)
        if (*day != pane / DAY && ids[i].known && (pane / DAY * DAY - ids[i].last) > 7 * DAY)
            ids[i] = (struct plain){0};
    *day = pane / DAY;
    for (int i = 0; i < IDS; i++) {
        uint32_t events = 0;
        bool other = false;

        for (uint32_t source = 0; source < 4; source++) {
            if (n[i][source] == 0)
                continue;
            other = other || (ids[i].known && source != ids[i].source);
            ids[i].known = true;
            ids[i].source = source;
            events += n[i][source];
        }
        if (events == 0)
            continue;
        ids[i].last = pane;
        ids[i].changed = other ? pane : ids[i].changed;
        sums.fresh += other && !ids[i].was_split;
        ids[i].was_split = ids[i].was_split || other;
        sums.watched += events;
        sums.split += ids[i].was_split && pane - ids[i].changed <= DAY ? events : 0;
    }
    return sums;
}

/* Tells each event alone, the pane's in an order of chance. */
static void tell(struct splits *s, struct dice *d, const uint32_t n[IDS][4])
{
    struct one {
        int id;
        uint32_t source;
    } all[IDS * 4 * 3];
    size_t count = 0;

    for (int i = 0; i < IDS; i++)
        for (uint32_t source = 0; source < 4; source++)
            for (uint32_t k = 0; k < n[i][source]; k++)
                all[count++] = (struct one){i, source};
    for (; count > 0; count--) {
        size_t k = (size_t)dice_below(d, (int64_t)count);

        splits_see(s, ID(1 + all[k].id * 7919 % 101), all[k].source, 1);
        all[k] = all[count - 1];
    }
}

static void save(const struct splits *s, struct buf *ret)
{
    unsigned char part[64];
    struct codec_out out = {
        .data = part, .cap = sizeof(part), .flush = codec_flush_buf, .context = ret};

    splits_save(s, &out);
    codec_flush_buf(&out);
}

static struct splits *load(const struct buf *bytes, size_t sources, int64_t closed,
                           const char **ret_error)
{
    struct splits *s = splits_new();
    struct codec_in in = {(const unsigned char *)bytes->data, bytes->len, NULL};

    splits_load(s, sources, closed, &in);
    *ret_error = in.error ? in.error : in.left > 0 ? "something is left over" : NULL;
    return s;
}

/* NULL: it could not be loaded as it was. */
static struct splits *restart(struct splits *s, int64_t closed)
{
    struct buf before = {0}, after = {0};
    const char *error;
    struct splits *loaded;
    bool same;

    save(s, &before);
    loaded = load(&before, 4, closed, &error);
    save(loaded, &after);
    same = !error && before.len == after.len && memcmp(before.data, after.data, after.len) == 0;
    buf_deinit(&before);
    buf_deinit(&after);
    splits_free(s);
    if (same)
        return loaded;
    splits_free(loaded);
    return NULL;
}

Test(splits, as_counted_by_hand_in_any_order_and_over_restarts)
{
    int64_t split = 0, whole = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct splits *s = splits_new();
        struct plain ids[IDS] = {0};
        struct dice d = {seed};
        int64_t pane = P0, day = -1;

        for (int turn = 0; turn < 100; turn++) {
            uint32_t n[IDS][4] = {0};
            struct splits_sums want, got;

            for (int64_t k = 1 + dice_below(&d, 20); k > 0; k--) {
                int64_t id = dice_below(&d, IDS);
                int64_t source = id < IDS / 2 || dice_chance(&d, 0.9) ? id % 4 : dice_below(&d, 4);

                n[id][source] += n[id][source] < 3;
            }
            want = plain_pane(ids, n, pane, &day);
            tell(s, &d, n);
            got = close_pane(s, pane);
            cr_assert(want.watched == got.watched && want.split == got.split &&
                          want.fresh == got.fresh,
                      "seed %d turn %d: %d %d %d, not %d %d %d", (int)seed, turn, (int)got.watched,
                      (int)got.split, (int)got.fresh, (int)want.watched, (int)want.split,
                      (int)want.fresh);
            split += got.split;
            whole += got.watched - got.split;
            s = dice_chance(&d, 0.2) ? restart(s, pane) : s;
            cr_assert(s != NULL);
            pane += 1 + dice_below(&d, dice_chance(&d, 0.03) ? 9 * DAY : DAY / 4);
        }
        splits_free(s);
    }
    cr_expect(split > 1000 && whole > 1000, "%d split, %d whole", (int)split, (int)whole);
}

/* --- what is not what it was --- */

static void put(struct codec_out *out, uint64_t id, uint64_t source, int64_t last, int64_t changed)
{
    codec_put_u64(out, id);
    codec_put_varint(out, source);
    codec_put_zigzag(out, last);
    codec_put_zigzag(out, changed);
}

/* Two ids; `count` is what is said. */
static const char *refused(uint64_t count, uint64_t a, uint64_t b, uint64_t source, int64_t last,
                           int64_t changed)
{
    unsigned char part[64];
    struct buf bytes = {0};
    struct codec_out out = {
        .data = part, .cap = sizeof(part), .flush = codec_flush_buf, .context = &bytes};
    const char *error;

    codec_put_zigzag(&out, P0 / DAY);
    codec_put_varint(&out, count);
    put(&out, a, 0, P0, INT64_MIN);
    put(&out, b, source, last, changed);
    codec_flush_buf(&out);
    splits_free(load(&bytes, 4, P0, &error));
    buf_deinit(&bytes);
    return error;
}

#define EXPECT_REFUSED(said, ...) \
    do { \
        const char *error = refused(__VA_ARGS__); \
        cr_expect(error &&strcmp(error, said) == 0, "%s", error ? error : "not refused"); \
    } while (0)

Test(splits, hostile_bytes_are_refused)
{
    cr_expect(refused(2, ID(1), ID(2), 3, P0, P0) == NULL);
    cr_expect(refused(2, ID(1), ID(2), 0, P0 - 1, INT64_MIN) == NULL);
    EXPECT_REFUSED("something is left over", 1, ID(1), ID(2), 0, P0, P0);
    EXPECT_REFUSED("a count is larger than what follows", 9, ID(1), ID(2), 0, P0, P0);
    EXPECT_REFUSED("watched ids are not in order", 2, ID(2), ID(2), 0, P0, P0);
    EXPECT_REFUSED("watched ids are not in order", 2, ID(2), ID(1), 0, P0, P0);
    EXPECT_REFUSED("an id is known that is not watched", 2, ID(1), ID(2) + 1, 0, P0, P0);
    EXPECT_REFUSED("a number is out of range", 2, ID(1), ID(2), 4, P0, P0);
    EXPECT_REFUSED("a watched id is of another time", 2, ID(1), ID(2), 0, P0 + 1, P0);
    EXPECT_REFUSED("a watched id is of another time", 2, ID(1), ID(2), 0, P0 - 1, P0);
    EXPECT_REFUSED("a watched id is of another time", 2, ID(1), ID(2), 0, INT64_MIN, INT64_MIN);
}

Test(splits, more_than_there_may_be_are_refused)
{
    unsigned char part[64];
    struct buf bytes = {0};
    struct codec_out out = {
        .data = part, .cap = sizeof(part), .flush = codec_flush_buf, .context = &bytes};
    const char *error;

    codec_put_zigzag(&out, INT64_MIN);
    codec_put_varint(&out, SPLITS_MAX + 1);
    for (uint64_t i = 0; i <= SPLITS_MAX; i++)
        put(&out, ID(i), 0, P0, INT64_MIN);
    codec_flush_buf(&out);
    splits_free(load(&bytes, 4, P0, &error));
    cr_expect(error && strcmp(error, "more ids are watched than may be") == 0);
    for (size_t len = 0; len < 200; len++) {
        struct buf part_of = {.data = bytes.data, .len = len};

        splits_free(load(&part_of, 4, P0, &error));
        cr_expect(error != NULL, "%d bytes", (int)len);
    }
    buf_deinit(&bytes);
}

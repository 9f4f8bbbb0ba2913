/* SPDX-License-Identifier: Apache-2.0 */
/* Bin j keeps its open stays in a ring of counts, one for each column of entry panes (ages.h). When pane w
 * closes, at most one column of each bin has come to its end: the one whose last pane,
 * w - e_{j+1}, has just come to the age at which bin j ends. It crosses as a whole into the column of
 * the next bin that contains it; columns nest, because their widths are powers of two and never fall.
 *
 * Worked example, H = 1440: bin 16 holds the ages [115, 157) in columns of two panes. At pane 1000 those
 * entered up to pane 843 are 157 old: column 421, the panes 842 and 843, moves to bin 17. At pane 1001 the
 * column of pane 844 is not complete yet, so nothing moves. */
#include "funnel/riskset.h"

#include <stddef.h>
#include <string.h>

#include "funnel/mem.h"

/* A jump of fewer panes is walked, a longer one looks at every live column once. */
#define ADVANCE_WALK 16

void riskset_init(struct riskset *rs, const struct ages *ages)
{
    *rs = (struct riskset){.ages = ages};
}

void riskset_deinit(struct riskset *rs)
{
    mem_free(rs->columns);
    *rs = (struct riskset){0};
}

static uint16_t riskset_slot(const struct ages *a, int bin, int64_t column)
{
    int64_t at = column % a->ring[bin];

    return (uint16_t)(a->slot[bin] + (at < 0 ? at + a->ring[bin] : at));
}

static void riskset_join(struct riskset *rs, int bin, int64_t column, uint32_t n)
{
    if (n == 0)
        return;
    if (!rs->columns)
        rs->columns = mem_zero(rs->ages->slots, sizeof(*rs->columns));
    rs->columns[riskset_slot(rs->ages, bin, column)] += n;
    rs->n[bin] += n;
    rs->open += n;
}

void riskset_moves(const struct ages *a, int64_t pane, struct riskset_moves *ret)
{
    ret->count = 0;
    for (int j = a->bins - 1; j >= 0; j--) {
        int64_t x = pane - a->edge[j + 1] + 1;
        int64_t column = (x >> a->shift[j]) - 1;
        int at = ret->count;

        if (x & ((INT64_C(1) << a->shift[j]) - 1))
            continue;
        ret->items[at].bin = (uint8_t)j;
        ret->items[at].from = riskset_slot(a, j, column);
        ret->items[at].to = 0;
        if (j + 1 < a->bins)
            ret->items[at].to = riskset_slot(
                a, j + 1, ages_column(a, j + 1, column * (INT64_C(1) << a->shift[j])));
        ret->count++;
    }
}

int64_t riskset_move(struct riskset *rs, const struct riskset_moves *moves)
{
    int64_t expired = 0;

    if (rs->open == 0)
        return 0;
    for (int i = 0; i < moves->count; i++) {
        int bin = moves->items[i].bin;
        uint32_t n = rs->columns[moves->items[i].from];

        if (n == 0)
            continue;
        rs->columns[moves->items[i].from] = 0;
        rs->n[bin] -= n;
        if (bin + 1 < rs->ages->bins) {
            rs->columns[moves->items[i].to] += n;
            rs->n[bin + 1] += n;
        } else {
            expired += n;
        }
    }
    rs->open -= expired;
    return expired;
}

void riskset_enter(struct riskset *rs, int64_t pane, uint32_t entries)
{
    riskset_join(rs, 0, ages_column(rs->ages, 0, pane), entries);
}

void riskset_close(struct riskset *rs, int64_t pane, uint32_t entries, int64_t *ret_expired)
{
    struct riskset_moves moves;

    *ret_expired = 0;
    if (rs->open > 0) {
        riskset_moves(rs->ages, pane, &moves);
        *ret_expired = riskset_move(rs, &moves);
    }
    riskset_enter(rs, pane, entries);
}

/* Moves one column, alive at pane `from`, to where it stands at pane `to`. Returns the expired. */
static int64_t riskset_carry(struct riskset *rs, int bin, int64_t column, int64_t to)
{
    const struct ages *a = rs->ages;
    int64_t entry = column * (INT64_C(1) << a->shift[bin]);
    uint16_t slot = riskset_slot(a, bin, column);
    uint32_t n = rs->columns[slot];
    int now = n ? ages_bin(a, to, entry) : bin;

    if (now == bin)
        return 0;
    rs->columns[slot] = 0;
    rs->n[bin] -= n;
    rs->open -= n;
    if (now >= a->bins)
        return n;
    riskset_join(rs, now, ages_column(a, now, entry), n);
    return 0;
}

/* The oldest bin first, as a closing does: what moved is not looked at again. */
static int64_t riskset_jump(struct riskset *rs, int64_t from, int64_t to)
{
    const struct ages *a = rs->ages;
    int64_t expired = 0;

    for (int j = a->bins - 1; j >= 0; j--) {
        int64_t first = (from + 1 - a->edge[j + 1]) >> a->shift[j];
        int64_t last = (from - a->edge[j]) >> a->shift[j];

        for (int64_t column = first; rs->n[j] > 0 && column <= last; column++)
            expired += riskset_carry(rs, j, column, to);
    }
    return expired;
}

void riskset_advance(struct riskset *rs, int64_t from, int64_t to, int64_t *ret_expired)
{
    struct riskset_moves moves;

    *ret_expired = 0;
    if (rs->open == 0 || to <= from)
        return;
    if (to - from > ADVANCE_WALK) {
        *ret_expired = riskset_jump(rs, from, to);
        return;
    }
    for (int64_t pane = from + 1; pane <= to; pane++) {
        riskset_moves(rs->ages, pane, &moves);
        *ret_expired += riskset_move(rs, &moves);
    }
}

void riskset_look(const struct riskset *rs, int64_t from, int64_t to, uint32_t ret_n[AGES_BINS],
                  int64_t *ret_expired)
{
    const struct ages *a = rs->ages;

    *ret_expired = 0;
    memcpy(ret_n, rs->n, sizeof(rs->n));
    for (int j = a->bins - 1; j >= 0 && to > from; j--) {
        int64_t last = (from - a->edge[j]) >> a->shift[j];
        int64_t column = (from + 1 - a->edge[j + 1]) >> a->shift[j];

        for (; rs->n[j] > 0 && column <= last; column++) {
            uint32_t n = rs->columns[riskset_slot(a, j, column)];
            int now = n ? ages_bin(a, to, column * (INT64_C(1) << a->shift[j])) : j;

            ret_n[j] -= n;
            if (now >= a->bins)
                *ret_expired += n;
            else
                ret_n[now] += n;
        }
    }
}

uint32_t riskset_seed(struct riskset *rs, int bin, int64_t column, uint32_t n)
{
    if (bin < 0 || bin >= rs->ages->bins)
        return n;
    riskset_join(rs, bin, column, n);
    return 0;
}

uint32_t riskset_exit(struct riskset *rs, int bin, int64_t column, uint32_t n)
{
    uint32_t there = riskset_column(rs, bin, column);
    uint32_t leave = n < there ? n : there;

    if (leave > 0) {
        rs->columns[riskset_slot(rs->ages, bin, column)] -= leave;
        rs->n[bin] -= leave;
        rs->open -= leave;
    }
    return n - leave;
}

void riskset_add(struct riskset *rs, const struct riskset *from)
{
    if (from->open == 0)
        return;
    if (!rs->columns)
        rs->columns = mem_zero(rs->ages->slots, sizeof(*rs->columns));
    for (uint32_t i = 0; i < rs->ages->slots; i++)
        rs->columns[i] += from->columns[i];
    for (int j = 0; j < rs->ages->bins; j++)
        rs->n[j] += from->n[j];
    rs->open += from->open;
}

uint32_t riskset_column(const struct riskset *rs, int bin, int64_t column)
{
    if (!rs->columns || bin < 0 || bin >= rs->ages->bins)
        return 0;
    return rs->columns[riskset_slot(rs->ages, bin, column)];
}

/* The columns with stays in them, each by its distance from the last: most are empty. */
void riskset_save(const struct riskset *rs, struct codec_out *out)
{
    uint32_t slots = rs->columns ? rs->ages->slots : 0, used = 0, next = 0;

    for (uint32_t i = 0; i < slots; i++)
        used += rs->columns[i] > 0;
    codec_put_varint(out, used);
    for (uint32_t i = 0; i < slots; i++) {
        if (rs->columns[i] == 0)
            continue;
        codec_put_varint(out, i - next);
        codec_put_varint(out, rs->columns[i]);
        next = i + 1;
    }
}

static int slot_bin(const struct ages *a, uint32_t slot)
{
    int bin = a->bins - 1;

    while (bin > 0 && slot < a->slot[bin])
        bin--;
    return bin;
}

void riskset_load(struct riskset *rs, struct codec_in *in)
{
    uint64_t used = codec_get_max(in, rs->ages->slots), slot = 0;

    if (used > 0)
        rs->columns = mem_zero(rs->ages->slots, sizeof(*rs->columns));
    for (uint64_t i = 0; i < used && !in->error; i++, slot++) {
        uint64_t gap = codec_get_max(in, rs->ages->slots), n = codec_get_max(in, UINT32_MAX);
        int bin;

        slot += gap;
        if (in->error || slot >= rs->ages->slots || n == 0) {
            codec_fail(in, "a risk set has a column that is not there");
            return;
        }
        bin = slot_bin(rs->ages, (uint32_t)slot);
        if (n > UINT32_MAX - rs->n[bin]) {
            codec_fail(in, "a risk set holds too many stays");
            return;
        }
        rs->columns[slot] = (uint32_t)n;
        rs->n[bin] += (uint32_t)n;
        rs->open += (int64_t)n;
    }
}

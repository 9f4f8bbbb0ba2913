/* SPDX-License-Identifier: Apache-2.0 */
/* A risk set against a list of stays, each of which is asked for its bin by definition; and jumps over many
 * panes against closing them one by one. */
#include "funnel/riskset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "lib/shared_file.h"

#define STAYS_MAX 4000

static uint64_t random_state;

static uint64_t random_bits(void)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static int64_t below(int64_t n)
{
    return (int64_t)(random_bits() % (uint64_t)n);
}

/* 1 .. max, small ones as likely as large ones. */
static int64_t any_size(int64_t max)
{
    int bits = 1;

    while (INT64_C(1) << bits < max)
        bits++;
    return 1 + below(INT64_C(1) << (1 + below(bits))) % max;
}

/* The reference: entry panes of the open stays. */
struct stays {
    const struct ages *ages;
    int64_t entry[STAYS_MAX];
    int count;
    int64_t expired;
};

static int stay_bin(const struct ages *a, int64_t now, int64_t entry)
{
    int bin = 0;

    for (int j = 0; j < a->bins; j++)
        bin += now >= ages_exit_pane(a, j, entry);
    return bin;
}

static void stays_expire(struct stays *s, int64_t now)
{
    int kept = 0;

    for (int i = 0; i < s->count; i++) {
        if (stay_bin(s->ages, now, s->entry[i]) < s->ages->bins)
            s->entry[kept++] = s->entry[i];
        else
            s->expired++;
    }
    s->count = kept;
}

static int stays_add(struct stays *s, int64_t entry)
{
    if (s->count == STAYS_MAX)
        return 0;
    s->entry[s->count++] = entry;
    return 1;
}

struct trial {
    struct ages ages;
    struct stays stays;
    struct riskset set;  /* closed pane by pane, or by jumps */
    struct riskset twin; /* always pane by pane, by way of moves */
    int64_t pane, expired, twin_expired;
};

static void check(const struct trial *t)
{
    uint32_t n[AGES_BINS] = {0};
    int64_t h = t->ages.window;

    for (int i = 0; i < t->stays.count; i++)
        n[stay_bin(&t->ages, t->pane, t->stays.entry[i])]++;
    cr_assert(t->set.open == t->stays.count, "H %" PRId64 " pane %" PRId64 ": open", h, t->pane);
    cr_assert(memcmp(n, t->set.n, sizeof(n)) == 0, "H %" PRId64 " pane %" PRId64 ": bins", h,
              t->pane);
    cr_assert(t->expired == t->stays.expired, "H %" PRId64 " pane %" PRId64 ": expired", h,
              t->pane);
    cr_assert(t->twin.open == t->set.open && t->twin_expired == t->expired);
    cr_assert(memcmp(t->twin.n, t->set.n, sizeof(n)) == 0);
    if (t->set.columns && t->twin.columns)
        cr_assert(
            memcmp(t->set.columns, t->twin.columns, t->ages.slots * sizeof(*t->set.columns)) == 0,
            "H %" PRId64 " pane %" PRId64 ": columns", h, t->pane);
}

/* Looking ahead shows what the list says will be, and moves nothing: check() goes on to see that. */
static void look(const struct trial *t, int64_t to)
{
    uint32_t seen[AGES_BINS], n[AGES_BINS + 1] = {0};
    int64_t expired;

    riskset_look(&t->set, t->pane, to, seen, &expired);
    for (int i = 0; i < t->stays.count; i++)
        n[stay_bin(&t->ages, to, t->stays.entry[i])]++;
    cr_assert(expired == n[t->ages.bins], "H %" PRId64 " pane %" PRId64 " looking", t->ages.window,
              t->pane);
    n[t->ages.bins] = 0;
    cr_assert(memcmp(n, seen, sizeof(seen)) == 0, "H %" PRId64 " pane %" PRId64 " looking",
              t->ages.window, t->pane);
}

static void advance(struct trial *t, int64_t to)
{
    int64_t expired;

    riskset_advance(&t->set, t->pane, to, &expired);
    t->expired += expired;
    for (int64_t w = t->pane + 1; w <= to && t->twin.open > 0; w++) {
        struct riskset_moves moves;

        riskset_moves(&t->ages, w, &moves);
        t->twin_expired += riskset_move(&t->twin, &moves);
    }
    t->pane = to;
    stays_expire(&t->stays, to);
}

static void close_pane(struct trial *t, uint32_t entries)
{
    struct riskset_moves moves;
    int64_t expired;

    t->pane++;
    riskset_close(&t->set, t->pane, entries, &expired);
    t->expired += expired;
    riskset_moves(&t->ages, t->pane, &moves);
    t->twin_expired += riskset_move(&t->twin, &moves);
    riskset_enter(&t->twin, t->pane, entries);
    stays_expire(&t->stays, t->pane);
    for (uint32_t i = 0; i < entries; i++)
        cr_assert(stays_add(&t->stays, t->pane));
}

static void seed(struct trial *t)
{
    int64_t entry = t->pane - below(t->ages.window + 1);
    int bin = stay_bin(&t->ages, t->pane, entry);

    if (bin == t->ages.bins || !stays_add(&t->stays, entry))
        return;
    cr_assert(riskset_seed(&t->set, bin, ages_column(&t->ages, bin, entry), 1) == 0);
    cr_assert(riskset_seed(&t->twin, bin, ages_column(&t->ages, bin, entry), 1) == 0);
}

static void leave(struct trial *t)
{
    int i = (int)below(t->stays.count);
    int64_t entry = t->stays.entry[i];
    int bin = ages_bin(&t->ages, t->pane, entry);

    cr_assert(bin == stay_bin(&t->ages, t->pane, entry));
    cr_assert(riskset_exit(&t->set, bin, ages_column(&t->ages, bin, entry), 1) == 0);
    cr_assert(riskset_exit(&t->twin, bin, ages_column(&t->ages, bin, entry), 1) == 0);
    t->stays.entry[i] = t->stays.entry[--t->stays.count];
}

static void one_trial(uint64_t number)
{
    static struct trial t;

    random_state = number;
    memset(&t, 0, sizeof(t));
    ages_init(&t.ages, any_size(50000));
    t.stays.ages = &t.ages;
    riskset_init(&t.set, &t.ages);
    riskset_init(&t.twin, &t.ages);
    t.pane = number % 3 == 0 ? -below(100000) : below(30000000);
    for (int i = 0; i < 250; i++) {
        int64_t room = STAYS_MAX - t.stays.count;

        look(&t, t.pane + below(2 * t.ages.window + 2));
        if (below(4) == 0)
            advance(&t, t.pane + any_size(2 * t.ages.window + 2));
        close_pane(&t, (uint32_t)below(room < 20 ? room + 1 : 20));
        for (int64_t k = below(4); k > 0; k--)
            seed(&t);
        check(&t);
        for (int64_t k = below(8); k > 0 && t.stays.count > 0; k--)
            leave(&t);
        check(&t);
    }
    riskset_deinit(&t.set);
    riskset_deinit(&t.twin);
}

Test(riskset, is_a_list_of_stays)
{
    for (uint64_t number = 0; number < 250; number++)
        one_trial(number);
}

Test(riskset, pane_by_pane_through_two_windows)
{
    for (int64_t window = 1; window < 3000; window = window * 2 + 1) {
        static struct trial t;

        random_state = (uint64_t)window;
        memset(&t, 0, sizeof(t));
        ages_init(&t.ages, window);
        t.stays.ages = &t.ages;
        riskset_init(&t.set, &t.ages);
        riskset_init(&t.twin, &t.ages);
        t.pane = 28401577;
        for (int64_t i = 0; i < 2 * window + 40; i++) {
            close_pane(&t, (uint32_t)below(3));
            for (int64_t k = below(3); k > 0 && t.stays.count > window; k--)
                leave(&t);
            check(&t);
        }
        riskset_deinit(&t.set);
        riskset_deinit(&t.twin);
    }
}

/* The entry panes of the golden file leave their bins in the panes it says. */
static void golden_stay(const struct ages *a, const cJSON *stay)
{
    int64_t entry = (int64_t)shared_number(stay, "p"), pane = entry, expired = 0;
    struct riskset rs;

    riskset_init(&rs, a);
    riskset_enter(&rs, entry, 1);
    for (int j = 0; j < a->bins; j++) {
        int64_t leaves = (int64_t)cJSON_GetArrayItem(shared_member(stay, "X"), j)->valuedouble;

        riskset_advance(&rs, pane, leaves - 1, &expired);
        cr_assert(rs.n[j] == 1 && expired == 0, "H %" PRId64 " bin %d", a->window, j);
        riskset_close(&rs, leaves, 0, &expired);
        cr_assert(rs.n[j] == 0 && expired == (j + 1 == a->bins), "H %" PRId64 " bin %d", a->window,
                  j);
        pane = leaves;
    }
    cr_assert(rs.open == 0);
    riskset_deinit(&rs);
}

Test(riskset, golden_stays)
{
    cJSON *golden = shared_json("detection-golden.json");
    const cJSON *c, *stay;

    if (!golden)
        cr_skip("no detection-golden.json: set SHARED_DIR");
    cJSON_ArrayForEach (c, shared_member(shared_member(golden, "columns"), "cases")) {
        struct ages a;

        ages_init(&a, (int64_t)shared_number(c, "window_panes"));
        cJSON_ArrayForEach (stay, shared_member(c, "stays"))
            golden_stay(&a, stay);
    }
    cJSON_Delete(golden);
}

Test(riskset, disagreement_is_counted_not_fatal)
{
    struct ages a;
    struct riskset rs;
    int64_t expired;

    ages_init(&a, 1440);
    riskset_init(&rs, &a);
    cr_assert(riskset_exit(&rs, 0, 100, 2) == 2);
    cr_assert(riskset_seed(&rs, 24, 100, 3) == 3 && riskset_seed(&rs, -1, 100, 3) == 3);
    riskset_close(&rs, 100, 5, &expired);
    cr_assert(riskset_exit(&rs, 0, 100, 7) == 2 && rs.open == 0 && rs.n[0] == 0);
    cr_assert(riskset_exit(&rs, 24, 100, 1) == 1 && riskset_column(&rs, 24, 100) == 0);
    riskset_deinit(&rs);
}

Test(riskset, an_empty_one_costs_nothing)
{
    struct ages a;
    struct riskset rs;
    int64_t expired = 9;

    ages_init(&a, 43200);
    riskset_init(&rs, &a);
    riskset_close(&rs, 5, 0, &expired);
    cr_assert(expired == 0 && !rs.columns);
    riskset_advance(&rs, 5, INT64_MAX / 4, &expired);
    cr_assert(expired == 0 && !rs.columns);
    riskset_deinit(&rs);
}

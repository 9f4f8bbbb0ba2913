/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves of a judge. Tallies name them as they come; the judge admits them where their first pane closes,
 * sorted by their text, so that numbers, caps and sums do not depend on which partition spoke first. */
#include <stdlib.h>
#include <string.h>

#include "funnel/judge.h"
#include "funnel/leaves.h"
#include "funnel/mem.h"

static size_t step_slots(const struct judge *j)
{
    return (size_t)j->funnel->overall + 1;
}

/* The text is u16 length + bytes for each dim (leaves_text). */
static void leaf_values(struct judge *j, struct span text, uint32_t *ret_values)
{
    const char *p = text.p;
    int refused = 0;

    for (int d = 0; d < j->funnel->dim_count; d++) {
        uint16_t len;

        memcpy(&len, p, sizeof(len));
        p += sizeof(len);
        ret_values[d] = names_intern(&j->values[d], (struct span){p, len}, &refused);
        p += len;
    }
}

struct judge_leaf *judge_leaf_add(struct judge *j, uint32_t combo)
{
    struct judge_leaf *leaf;

    j->leaves = mem_grow(j->leaves, j->leaf_count, &j->leaf_cap, sizeof(*j->leaves));
    leaf = &j->leaves[j->leaf_count];
    *leaf = (struct judge_leaf){.combo = combo};
    leaf->steps = mem_zero(step_slots(j), sizeof(*leaf->steps));
    leaf->stages = mem_zero((size_t)j->funnel->stage_count, sizeof(*leaf->stages));
    for (int s = 0; s <= j->funnel->overall; s++) {
        riskset_init(&leaf->steps[s].risk, &j->funnel->ages[s]);
        leaf->steps[s].risk_pane = INT64_MIN;
    }
    j->combo_leaf[combo] = (int32_t)j->leaf_count++;
    return leaf;
}

static void leaf_append(struct judge *j, uint32_t combo)
{
    struct judge_leaf *leaf = judge_leaf_add(j, combo);

    leaf_values(j, names_text(&j->combos, combo), leaf->value);
    for (int d = 0; d < j->funnel->dim_count; d++)
        series_show_new(j, d, leaf->value[d]);
    series_of_leaf(j, leaf);
}

void judge_leaves_init(struct judge *j)
{
    struct buf other = {0};
    struct span text = span_of(NAME_OTHER_TEXT);
    uint16_t len = (uint16_t)text.len;

    names_init(&j->combos, UINT32_MAX - NAME_FIRST);
    for (int d = 0; d < j->funnel->dim_count; d++) {
        names_init(&j->values[d], UINT32_MAX - NAME_FIRST);
        buf_add(&other, &len, sizeof(len));
        buf_add(&other, text.p, text.len);
    }
    leaf_append(j,
                judge_combo(j, (struct span){other.data ? other.data : "", (uint32_t)other.len}));
    buf_deinit(&other);
}

void judge_leaves_deinit(struct judge *j)
{
    for (size_t i = 0; i < j->leaf_count; i++) {
        struct judge_leaf *leaf = &j->leaves[i];

        for (size_t s = 0; s < step_slots(j); s++) {
            riskset_deinit(&leaf->steps[s].risk);
            dwell_deinit(&leaf->steps[s].dwell);
            mem_free(leaf->steps[s].cohort.days);
        }
        dwell_deinit(&leaf->cycle);
        mem_free(leaf->steps);
        mem_free(leaf->stages);
    }
    mem_free(j->leaves);
    mem_free(j->combo_leaf);
    names_deinit(&j->combos);
    for (int d = 0; d < j->funnel->dim_count; d++)
        names_deinit(&j->values[d]);
}

/* Without dims every text is empty, and a name must not be: the number is the same all the same. */
uint32_t judge_combo(struct judge *j, struct span text)
{
    int refused = 0;
    uint32_t combo = names_intern(&j->combos, text, &refused);

    judge_combos_reserve(j);
    return combo;
}

void judge_combos_reserve(struct judge *j)
{
    size_t before = j->combo_cap;

    while (j->combos.count > j->combo_cap)
        j->combo_leaf = mem_grow(j->combo_leaf, j->combo_cap, &j->combo_cap,
                                 sizeof(*j->combo_leaf));
    for (; before < j->combo_cap; before++)
        j->combo_leaf[before] = -1;
}

struct combo_text {
    uint32_t combo;
    struct span text;
};

static int combo_compare(const void *pa, const void *pb)
{
    const struct combo_text *a = pa, *b = pb;

    return span_compare(a->text, b->text);
}

static bool cell_has_leaf(const struct cell *c)
{
    return c->kind >= CELL_ENTER && c->kind <= CELL_CYCLE;
}

void judge_admit(struct judge *j, const struct cell *cells, size_t count)
{
    struct combo_text *new = NULL;
    size_t n = 0, cap = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t combo = cells[i].leaf;

        if (!cell_has_leaf(&cells[i]) || j->combo_leaf[combo] != -1)
            continue;
        j->combo_leaf[combo] = -2; /* listed */
        new = mem_grow(new, n, &cap, sizeof(*new));
        new[n++] = (struct combo_text){combo, names_text(&j->combos, combo)};
    }
    if (n == 0)
        return;
    qsort(new, n, sizeof(*new), combo_compare);
    for (size_t i = 0; i < n; i++) {
        if (j->leaf_count - 1 < (size_t)j->funnel->root->limits.leaves) {
            leaf_append(j, new[i].combo);
        } else {
            j->combo_leaf[new[i].combo] = 0;
            j->leaves_refused++;
        }
    }
    mem_free(new);
}

/* Days come nearly in order: an old entry's exit finds its day near the end. Eleven years are kept: the longest
 * window of a step (3650 days), then the longest of a rule (400), and some for rounding: COHORT_DAYS_MAX. */

/* Where `day` is, or would be inserted. Nearly always it is among the last. */
static size_t cohort_find(const struct cohort *c, int32_t day)
{
    size_t low = 0, high = c->count;

    if (high > 0 && c->days[high - 1].day <= day)
        return c->days[high - 1].day < day ? high : high - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c->days[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct cohort_day *cohort_at(struct cohort *c, int32_t day)
{
    size_t at = cohort_find(c, day);

    if (at < c->count && c->days[at].day == day)
        return &c->days[at];
    if (c->count == COHORT_DAYS_MAX && at == 0)
        return &c->gone;
    if (c->count == COHORT_DAYS_MAX) {
        memmove(&c->days[0], &c->days[1], --c->count * sizeof(*c->days));
        at--;
    }
    c->days = mem_grow(c->days, c->count, &c->cap, sizeof(*c->days));
    memmove(&c->days[at + 1], &c->days[at], (c->count - at) * sizeof(*c->days));
    c->days[at] = (struct cohort_day){.day = day};
    c->count++;
    return &c->days[at];
}

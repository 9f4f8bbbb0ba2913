/* SPDX-License-Identifier: Apache-2.0 */
/* Series: which leaves are looked at together. A dimension with `top: N` shows its N busiest values, chosen
 * anew at each day's first pane (on the first day, the first N seen); the rest is __other__. */
#include <stdlib.h>
#include <string.h>

#include "funnel/judge.h"
#include "funnel/mem.h"

static bool spec_equal(const struct segment_spec *a, const struct segment_spec *b)
{
    return a->count == b->count &&
           memcmp(a->dims, b->dims, (size_t)a->count * sizeof(a->dims[0])) == 0;
}

static int dim_index(const struct funnel *f, const char *name)
{
    for (int d = 0; d < f->dim_count; d++)
        if (strcmp(f->settings->dims.items[d].name, name) == 0)
            return d;
    return -1;
}

static int dim_compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

size_t series_spec(struct judge *j, const struct settings_strings *dims)
{
    struct segment_spec spec = {.count = 0};

    for (size_t i = 0; i < dims->count && i < DIMS_MAX; i++)
        spec.dims[spec.count++] = dim_index(j->funnel, dims->items[i]);
    qsort(spec.dims, (size_t)spec.count, sizeof(spec.dims[0]), dim_compare);
    for (size_t s = 0; s < j->spec_count; s++)
        if (spec_equal(&j->specs[s], &spec))
            return s;
    if (j->spec_count == SEGMENT_SPECS_MAX)
        return 0; /* settings_check keeps it from happening */
    j->specs[j->spec_count] = spec;
    return j->spec_count++;
}

struct series *series_add(struct judge *j, const struct series *s)
{
    struct series *new;

    j->series = mem_grow(j->series, j->series_count, &j->series_cap, sizeof(*j->series));
    new = &j->series[j->series_count++];
    *new = *s;
    new->since = INT64_MIN;
    new->windows = mem_zero(((size_t)j->funnel->overall + 1) * j->window_count,
                            sizeof(*new->windows));
    return new;
}

static uint32_t series_find(struct judge *j, const struct series *s)
{
    size_t of_spec = 0;

    for (size_t i = 0; i < j->series_count; i++) {
        if (j->series[i].spec != s->spec)
            continue;
        if (memcmp(j->series[i].value, s->value, sizeof(s->value)) == 0)
            return (uint32_t)i;
        of_spec++;
    }
    if (of_spec >= SERIES_PER_SPEC_MAX) {
        j->series_refused++;
        return j->leaves[0].series[s->spec]; /* __other__ on every dim: leaf 0 made it */
    }
    series_add(j, s);
    return (uint32_t)j->series_count - 1;
}

static uint32_t shown_value(const struct judge *j, int dim, uint32_t value)
{
    return value < j->shown_cap[dim] && j->shown[dim][value] ? value : NAME_OTHER;
}

uint32_t series_of(struct judge *j, const struct judge_leaf *leaf, size_t spec)
{
    struct series s = {.spec = (uint8_t)spec};

    for (int i = 0; i < j->specs[spec].count; i++) {
        int d = j->specs[spec].dims[i];

        s.value[d] = shown_value(j, d, leaf->value[d]);
    }
    return series_find(j, &s);
}

void series_of_leaf(struct judge *j, struct judge_leaf *leaf)
{
    for (size_t k = 0; k < j->spec_count; k++)
        leaf->series[k] = series_of(j, leaf, k);
}

void series_init(struct judge *j)
{
    const struct settings_segments *segments = &j->funnel->settings->segments;
    struct settings_strings none = {0};

    series_spec(j, &none);
    for (size_t i = 0; i < segments->count; i++)
        series_spec(j, &segments->items[i]);
    for (int d = 0; segments->count == 0 && d < j->funnel->dim_count; d++)
        series_spec(j, &(struct settings_strings){&j->funnel->settings->dims.items[d].name, 1});
}

void series_free(struct judge *j)
{
    size_t per_series = ((size_t)j->funnel->overall + 1) * j->window_count;

    for (size_t i = 0; i < j->series_count; i++) {
        for (size_t k = 0; k < per_series; k++)
            mem_free(j->series[i].windows[k]);
        mem_free(j->series[i].windows);
    }
    mem_free(j->series);
}

void series_deinit(struct judge *j)
{
    series_free(j);
    for (int d = 0; d < j->funnel->dim_count; d++) {
        mem_free(j->shown[d]);
        mem_free(j->score[d]);
    }
}

struct window *series_window(struct judge *j, uint32_t series, int step, size_t window)
{
    struct window **w = &j->series[series].windows[(size_t)step * j->window_count + window];

    if (!*w)
        *w = window_new(&j->windows[window]);
    return *w;
}

struct span series_value(const struct judge *j, const struct series *s, int dim)
{
    return names_text(&j->values[dim], s->value[dim]);
}

bool series_has(const struct judge *j, uint32_t series, uint32_t leaf)
{
    return j->leaves[leaf].series[j->series[series].spec] == series;
}

/* --- the N busiest --- */

static bool shows_all(const struct judge *j, int dim)
{
    return j->funnel->settings->dims.items[dim].values.count > 0;
}

void series_reserve(struct judge *j, int dim, uint32_t value)
{
    while (value >= j->shown_cap[dim]) {
        size_t from = j->shown_cap[dim];

        j->shown[dim] = mem_grow(j->shown[dim], from, &j->shown_cap[dim], sizeof(bool));
        j->score[dim] = mem_resize(j->score[dim], j->shown_cap[dim], sizeof(uint64_t));
        memset(j->shown[dim] + from, 0, (j->shown_cap[dim] - from) * sizeof(bool));
        memset(j->score[dim] + from, 0, (j->shown_cap[dim] - from) * sizeof(uint64_t));
    }
}

/* A value just admitted is shown while there is room; what stands for "no value" always is. */
void series_show_new(struct judge *j, int dim, uint32_t value)
{
    series_reserve(j, dim, value);
    if (j->shown[dim][value] || value == NAME_OTHER)
        return;
    if (value == NAME_NONE || shows_all(j, dim)) {
        j->shown[dim][value] = true;
    } else if (j->shown_count[dim] < (uint32_t)j->funnel->settings->dims.items[dim].top) {
        j->shown[dim][value] = true;
        j->shown_count[dim]++;
    }
}

struct busy_value {
    uint64_t score;
    struct span text;
    uint32_t value;
};

static int busy_compare(const void *pa, const void *pb)
{
    const struct busy_value *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return span_compare(a->text, b->text);
}

static void choose_top(struct judge *j, int dim, int64_t days)
{
    uint32_t count = j->values[dim].count, top = (uint32_t)j->funnel->settings->dims.items[dim].top;
    struct busy_value *all = mem_zero(count, sizeof(*all));
    uint32_t n = 0;

    for (uint32_t v = NAME_FIRST; v < count; v++) {
        series_reserve(j, dim, v);
        /* As if every day between had chosen, and halved, for itself. */
        j->score[dim][v] = days <= 64 ? j->score[dim][v] >> (days - 1) : 0;
        all[n++] = (struct busy_value){j->score[dim][v], names_text(&j->values[dim], v), v};
        j->shown[dim][v] = false;
        j->score[dim][v] >>= 1;
    }
    qsort(all, n, sizeof(*all), busy_compare);
    j->shown_count[dim] = n < top ? n : top;
    for (uint32_t i = 0; i < j->shown_count[dim]; i++)
        j->shown[dim][all[i].value] = true;
    mem_free(all);
}

/* A leaf that moves from one series to another leaves a hole in both: entries before, conversions after. */
static void leaf_moves(struct judge *j, struct judge_leaf *leaf, int64_t pane)
{
    uint32_t before[SEGMENT_SPECS_MAX];

    memcpy(before, leaf->series, sizeof(before));
    series_of_leaf(j, leaf);
    for (size_t k = 0; k < j->spec_count; k++)
        if (before[k] != leaf->series[k])
            j->series[before[k]].since = j->series[leaf->series[k]].since = pane;
}

void series_new_day(struct judge *j, int64_t days, int64_t pane)
{
    for (int d = 0; d < j->funnel->dim_count; d++)
        if (!shows_all(j, d))
            choose_top(j, d, days);
    for (size_t i = 0; i < j->leaf_count; i++)
        leaf_moves(j, &j->leaves[i], pane);
}

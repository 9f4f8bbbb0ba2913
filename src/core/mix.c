/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule of kind mix adds up: entries by value and hour. */
#include "funnel/mix.h"

#include <string.h>

#include "funnel/mem.h"
#include "funnel/names.h"
#include "funnel/stats.h"
#include "funnel/units.h"

#define DAY_HOURS 24
#define WEEK_HOURS (MIX_DAYS * DAY_HOURS)
#define CHANCE_MOST 0.05 /* of one test, however large the budget */

static size_t row_width(const struct mix *m)
{
    return (size_t)m->dims * MIX_VALUES;
}

struct mix *mix_new(const struct settings_window *window, const struct funnel *f, double min_effect)
{
    struct mix *m = mem_zero(1, sizeof(*m));
    int64_t hours = (window->ms + UNITS_HOUR - 1) / UNITS_HOUR;

    m->pane_ms = f->pane_ms;
    m->dims = f->dim_count;
    m->effect = min_effect > 0 ? min_effect : MIX_EFFECT;
    m->head = INT64_MIN;
    m->def = (struct window_def){.calendar = -1,
                                 .panes = hours * UNITS_HOUR / f->pane_ms,
                                 .slot_panes = UNITS_HOUR / f->pane_ms,
                                 .slots = hours,
                                 .ring = hours + WEEK_HOURS + 1,
                                 .busy = INT64_MIN,
                                 .since = INT64_MIN};
    m->n = mem_zero((size_t)m->def.ring * row_width(m), sizeof(*m->n));
    return m;
}

void mix_free(struct mix *m)
{
    if (!m)
        return;
    mem_free(m->n);
    mem_free(m);
}

double mix_threshold(const struct mix *m, double budget)
{
    double chance = budget / (WEEK_HOURS * (m->dims > 0 ? m->dims : 1));

    return stats_significance_z(chance < CHANCE_MOST ? chance : CHANCE_MOST);
}

/* --- entries --- */

static uint32_t *row_at(const struct mix *m, int64_t hour)
{
    int64_t i = hour % m->def.ring;

    return m->n + (size_t)(i < 0 ? i + m->def.ring : i) * row_width(m);
}

/* The row to write, all between it and the last one emptied. */
static uint32_t *row_reach(struct mix *m, int64_t hour)
{
    bool far = m->head == INT64_MIN || hour - m->head > m->def.ring;

    for (int64_t i = far ? hour - m->def.ring + 1 : m->head + 1; i <= hour; i++)
        memset(row_at(m, i), 0, row_width(m) * sizeof(*m->n));
    m->head = hour;
    return row_at(m, hour);
}

void mix_add(struct mix *m, int64_t pane, const uint32_t *values, uint32_t n)
{
    uint32_t *row;

    m->def.busy = floor_div(pane, m->def.slot_panes);
    row = row_reach(m, m->def.busy);
    for (int d = 0; d < m->dims; d++)
        row[(size_t)d * MIX_VALUES + (values[d] < MIX_VALUES ? values[d] : NAME_OTHER)] += n;
}

/* --- reading --- */

/* Adds one dimension's values of hours `from` to `to`, as far as they are there. */
static void sum_hours(const struct mix *m, int64_t from, int64_t to, int dim, uint64_t *sum)
{
    if (m->head == INT64_MIN)
        return;
    from = from < m->head - m->def.ring + 1 ? m->head - m->def.ring + 1 : from;
    to = to < m->head ? to : m->head;
    for (int64_t hour = from; hour <= to; hour++) {
        const uint32_t *row = row_at(m, hour) + (size_t)dim * MIX_VALUES;

        for (int v = 0; v < MIX_VALUES; v++)
            sum[v] += row[v];
    }
}

int64_t mix_since(const struct mix *m, int64_t last)
{
    return (last - m->def.slots + 1 - WEEK_HOURS) * UNITS_HOUR;
}

/* Of the window that begins with hour `first`. */
static void week_read(const struct mix *m, int64_t first, int dim, struct mix_week *ret)
{
    int64_t hours = m->def.slots < DAY_HOURS ? m->def.slots : DAY_HOURS;

    ret->blocks = (size_t)(DAY_HOURS / hours);
    memset(ret->n, 0, ret->blocks * sizeof(*ret->n));
    for (size_t b = 0; b < ret->blocks; b++) {
        for (int d = 0; d < MIX_DAYS; d++) {
            int64_t from = first - (d + 1) * DAY_HOURS + (int64_t)b * hours;

            sum_hours(m, from, from + hours - 1, dim, ret->n[b][d]);
        }
    }
}

void mix_read(const struct mix *m, int64_t last, double z, struct mix_shift *ret)
{
    struct mix_week week = {.n = mem_alloc(DAY_HOURS * sizeof(*week.n))};
    int64_t first = last - m->def.slots + 1;
    double plain = 0;

    *ret = (struct mix_shift){.dim = -1};
    for (int d = 0; d < m->dims; d++) {
        uint64_t now[MIX_VALUES] = {0};
        struct mix_shift x;

        sum_hours(m, first, last, d, now);
        week_read(m, first, d, &week);
        if (!mix_compare(now, &week, z, m->effect, &x)) {
            ret->entries = x.entries;
            continue;
        }
        plain = x.plain > plain ? x.plain : plain;
        if (ret->dim < 0 || x.strength > ret->strength) {
            *ret = x;
            ret->dim = d;
        }
    }
    ret->plain = plain;
    mem_free(week.n);
}

/* --- saved --- */

void mix_save(const struct mix *m, struct codec_out *out)
{
    codec_put_zigzag(out, m->def.since);
    codec_put_zigzag(out, m->head);
    for (size_t i = 0; m->head != INT64_MIN && i < (size_t)m->def.ring * row_width(m); i++)
        codec_put_varint(out, m->n[i]);
}

void mix_load(struct mix *m, struct codec_in *in)
{
    m->def.since = codec_get_pane(in);
    m->def.busy = m->head = codec_get_pane(in);
    for (size_t i = 0; m->head != INT64_MIN && !in->error && i < (size_t)m->def.ring * row_width(m);
         i++)
        m->n[i] = (uint32_t)codec_get_max(in, UINT32_MAX);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What came and what was expected by age, of the last four days: more than the detector needs and too much for a daemon,
 * so it is kept only where somebody has asked to look. */
#include <string.h>

#include "funnel/detect_parts.h"
#include "funnel/mem.h"

#define LOOK_SERIES_MAX 512 /* of a track, the first ones: 50 kB each */

struct look_slot {
    int64_t at; /* pane or block; what is of another is over */
    float n[AGES_BINS], e[AGES_BINS];
};
struct look_series {
    struct look_slot fine[DETECT_FINE], coarse[DETECT_COARSE];
};
struct look {
    struct look_series *series[LOOK_SERIES_MAX]; /* NULL: nothing yet */
};

void detect_look(struct judge *j)
{
    for (size_t i = 0; j->detect && i < j->detect->track_count; i++)
        if (!j->detect->tracks[i].look)
            j->detect->tracks[i].look = mem_zero(1, sizeof(struct look));
}

void look_free(struct look *l)
{
    for (size_t i = 0; l && i < LOOK_SERIES_MAX; i++)
        mem_free(l->series[i]);
    mem_free(l);
}

static struct look_slot *slot_at(struct look_slot *ring, int64_t size, int64_t at)
{
    return &ring[(at % size + size) % size];
}

static void slot_add(struct look_slot *s, int64_t at, const struct detect_pane *p, int bins)
{
    if (s->at != at)
        *s = (struct look_slot){.at = at};
    for (int bin = 0; bin < bins; bin++) {
        s->n[bin] += (float)(p->n[bin] + p->fn[bin]);
        s->e[bin] += (float)(p->e[bin] + p->fe[bin]);
    }
}

static struct look_series *look_open(struct look *l, size_t series)
{
    struct look_series *s = l->series[series];

    if (s)
        return s;
    s = l->series[series] = mem_zero(1, sizeof(*s));
    for (int i = 0; i < DETECT_FINE; i++)
        s->fine[i].at = INT64_MIN;
    for (int i = 0; i < DETECT_COARSE; i++)
        s->coarse[i].at = INT64_MIN;
    return s;
}

void look_add(const struct judge *j, const struct detect_track *t, size_t series, int64_t pane)
{
    int64_t block = floor_div(pane, track_coarse_panes(j));
    int64_t minute = floor_div(pane, track_fine_panes(j));
    struct look_series *s;

    if (series >= LOOK_SERIES_MAX)
        return;
    s = look_open(t->look, series);
    slot_add(slot_at(s->fine, DETECT_FINE, minute), minute, &t->pane[series], t->bins);
    slot_add(slot_at(s->coarse, DETECT_COARSE, block), block, &t->pane[series], t->bins);
}

static void slot_sum(const struct look_slot *s, int64_t at, struct look_sums *ret)
{
    for (int bin = 0; s->at == at && bin < AGES_BINS; bin++) {
        ret->n[bin] += (double)s->n[bin];
        ret->e[bin] += (double)s->e[bin];
    }
}

bool look_since(const struct judge *j, const struct detect_track *t, uint32_t series, int64_t from,
                int64_t to, struct look_sums *ret)
{
    struct look_series *s = t->look && series < LOOK_SERIES_MAX ? t->look->series[series] : NULL;
    int64_t per = track_coarse_panes(j), first = floor_div(from + per / 2, per);
    int64_t last = floor_div(to, per), unit = track_fine_panes(j);
    int64_t fine = floor_div(from + unit / 2, unit), fine_last = floor_div(to, unit);

    *ret = (struct look_sums){.from = from};
    if (!s)
        return false;
    if (fine_last - fine < DETECT_FINE) {
        ret->from = fine * unit;
        for (int64_t at = fine; at <= fine_last; at++)
            slot_sum(slot_at(s->fine, DETECT_FINE, at), at, ret);
        return true;
    }
    if (last - first >= DETECT_COARSE)
        first = last - DETECT_COARSE + 1;
    ret->from = first * per;
    for (int64_t block = first; block <= last; block++)
        slot_sum(slot_at(s->coarse, DETECT_COARSE, block), block, ret);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A batch that comes late brings old entries, which are applied as if they began now: for as long as they take to
 * convert, more seems to be at risk than is, and what of them has converted comes all at once. A detector that believed it would
 * see drops and slow-downs that are none. So while much of what comes is late, and until most of those stays are through, it
 * neither tests nor learns. (The rule of kind data_quality is there to say so.) */
#include "funnel/detect_parts.h"
#include "funnel/fmath.h"

#define HALF_LIFE_MS 1800000.0
#define LATE_LEAST 30.0 /* events */
#define LATE_SHARE 0.2
#define THROUGH 0.8 /* of the conversions that come at all */
#define BLIND_LEAST_MS INT64_C(3600000)
#define BLIND_MOST_MS INT64_C(43200000)

/* The age by which most conversions have come, of the slowest step; panes. */
static int64_t blind_panes(const struct judge *j)
{
    int64_t most = BLIND_MOST_MS / j->funnel->pane_ms, least = BLIND_LEAST_MS / j->funnel->pane_ms;

    for (size_t i = 0; i < j->detect->track_count; i++) {
        const struct detect_track *t = &j->detect->tracks[i];
        int bin = 0;

        if (t->volume || !t->known)
            continue;
        while (bin < t->bins - 1 && t->pool.f[bin + 1] < THROUGH)
            bin++;
        if (t->ages->edge[bin + 1] > least)
            least = t->ages->edge[bin + 1];
    }
    return least < most ? least : most;
}

static void fade(struct detect *d, int64_t panes, int64_t pane_ms)
{
    double by = fm_exp(-FM_LN2 * (double)panes * (double)pane_ms / HALF_LIFE_MS);

    d->late *= by;
    d->events *= by;
}

bool detect_late(struct judge *j, int64_t pane)
{
    struct detect *d = j->detect;
    int64_t late = j->counts[COUNT_LATE], events = j->counts[COUNT_EVENTS];

    if (d->late_pane != INT64_MIN && pane > d->late_pane)
        fade(d, pane - d->late_pane, j->funnel->pane_ms);
    d->late_pane = pane;
    d->late += (double)(late - d->late_counted);
    d->events += (double)(events - d->events_counted);
    d->late_counted = late;
    d->events_counted = events;
    if (d->late < LATE_LEAST || d->late < LATE_SHARE * d->events)
        return false;
    d->blind_to = pane + blind_panes(j);
    return true;
}

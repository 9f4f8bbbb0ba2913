/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of kind data_quality: the share of a funnel's events that were late, or dead letters, in a rolling window; and
 * of the events of the ids that are watched for it, the share of split ids. */
#ifndef FUNNEL_QUALITY_H
#define FUNNEL_QUALITY_H

#include <stdint.h>

#include "funnel/codec.h"
#include "funnel/rules.h"
#include "funnel/window.h"

/* One rule's own sums: the judge's windows hold entries. */
struct quality {
    struct window_def def;
    struct window *window; /* owned; entries: events, conversions: bad ones */
    struct window *sample; /* owned; entries: events of watched ids, conversions: of split ones */
};

/* Events of a pane. */
struct quality_pane {
    int64_t events, bad;
    int64_t watched, split; /* splits.h */
};

struct quality *quality_new(const struct window_def *def);
void quality_free(struct quality *q); /* accepts NULL */
/* None earlier than the last one's. events > 0. */
void quality_add(struct quality *q, int64_t pane, const struct quality_pane *x);
/* What a reading of entries (events), conversions (bad ones), watched and split says; fills in expected and statistic.
 * Where the sample says worse than all events do, the reading is turned into one of the sample. */
enum alert_verdict quality_judge(const struct rule *r, struct reading *x);
void quality_save(const struct quality *q, struct codec_out *out);
void quality_load(struct quality *q,
                  struct codec_in *in); /* into a new one of the same definition */

#endif

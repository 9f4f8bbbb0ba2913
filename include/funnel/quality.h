/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of kind data_quality: the share of a funnel's events that were late, or dead letters, in a rolling window. */
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
};

struct quality *quality_new(const struct window_def *def);
void quality_free(struct quality *q); /* accepts NULL */
/* Of a pane; none earlier than the last one's. events > 0. */
void quality_add(struct quality *q, int64_t pane, int64_t events, int64_t bad);
/* What a reading of entries (events) and conversions (bad ones) says; fills in expected and statistic. */
enum alert_verdict quality_judge(const struct rule *r, struct reading *x);
void quality_save(const struct quality *q, struct codec_out *out);
void quality_load(struct quality *q,
                  struct codec_in *in); /* into a new one of the same definition */

#endif

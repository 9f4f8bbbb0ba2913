/* SPDX-License-Identifier: Apache-2.0 */
/* What sentences are made of: each appends its piece in the alert's language. */
#ifndef FUNNEL_SENTENCE_PARTS_H
#define FUNNEL_SENTENCE_PARTS_H

#include "funnel/alert.h"
#include "funnel/buf.h"

int sentence_is_zh(const struct alert *a);
const char *sentence_say(const struct alert *a, const char *en, const char *zh);

double sentence_magnitude(double x); /* |x| */
/* A name in running text: clipped, and nothing in it breaks the line or turns it around. */
void sentence_name(struct buf *out, struct span name);
/* x >= 0, without asking the locale for its decimal point. */
void sentence_fixed(struct buf *out, double x, int decimals);
/* With as many decimals as the observed and the expected rate need; "n/a" where it is not known. */
void sentence_percent(struct buf *out, const struct alert *a, double rate);
/* An estimate, x >= 0: whole numbers from 10 on. */
void sentence_about(struct buf *out, double x);
/* Money that is an estimate: whole units from 100 on. */
void sentence_amount(struct buf *out, int64_t minor, int decimals);

/* "2026-03-02 01:00", with seconds only where there are some; the day only where it differs from `before`'s. */
void sentence_moment(struct buf *out, struct etime at, struct etime before);
/* From one moment to another, in UTC and saying so. */
void sentence_range(struct buf *out, const struct alert *a, struct etime from, struct etime to);
/* "1 h 30 min": the two largest units. */
void sentence_length(struct buf *out, const struct alert *a, int64_t ms);

/* "channel=ads, region=east" */
void sentence_dims(struct buf *out, const struct alert *a);
/* The value of a dimension, or what funneld calls it. */
void sentence_value(struct buf *out, const struct alert *a, struct span value);
/* The dims between two texts; nothing where there are none. */
void sentence_scope(struct buf *out, const struct alert *a, const char *before, const char *after);
/* "Checkout → Paid in sales", "sales 漏斗 结账→支付" */
void sentence_step(struct buf *out, const struct alert *a);
/* The window's counts, rate and interval: the first sentence of every description. */
void sentence_observed(struct buf *out, const struct alert *a);
/* A sentence each: the rule's budget, the onset, how and when the alert ended; nothing where it has none. */
void sentence_budget(struct buf *out, const struct alert *a);
void sentence_onset(struct buf *out, const struct alert *a);
void sentence_end(struct buf *out, const struct alert *a);
/* Resolved because it is over, and for no other reason. */
bool sentence_is_recovered(const struct alert *a);
/* What may still change the numbers: the last one. */
void sentence_open_ends(struct buf *out, const struct alert *a);

/* sentence_detect.c: of RULE_DROP to RULE_DATA_QUALITY. False, with nothing appended, where what it says is what any
 * rule says: that a conversion's alert was closed. */
bool sentence_is_detection(const struct alert *a);
bool sentence_detection(struct buf *out, const struct alert *a);
void sentence_detection_more(struct buf *out, const struct alert *a);

/* sentence_quality.c: of RULE_DATA_QUALITY while it fires; the description's first sentence. */
void sentence_quality(struct buf *out, const struct alert *a);
void sentence_quality_more(struct buf *out, const struct alert *a);

/* sentence_source.c: of alerts about a source. */
void sentence_source(struct buf *out, const struct alert *a);
void sentence_source_more(struct buf *out, const struct alert *a);

/* sentence_intervention.c: of ALERT_KIND_INTERVENTION. */
void sentence_intervention(struct buf *out, const struct alert *a);
void sentence_intervention_more(struct buf *out, const struct alert *a);

#endif

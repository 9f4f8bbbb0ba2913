/* SPDX-License-Identifier: Apache-2.0 */
/* What explain's files share: its words for a watch, and the part of it that is about the detector's rules. */
#ifndef EXPLAIN_PARTS_H
#define EXPLAIN_PARTS_H

#include <stdbool.h>

#include "funnel/clock.h"
#include "funnel/explain.h"
#include "funnel/rules.h"

/* Like canon_rfc3339(); "-" where there is none. */
void explain_put_time(struct buf *out, struct etime t);
/* Funnel, step, values and fingerprint of a watch, which need not be one of the rule's. */
void explain_put_name(const struct judge *j, const struct rule *r, const struct watch *w,
                      struct buf *out);
void explain_put_alert(const struct watch *w, struct buf *out);
/* Its step and rule are those asked for. */
bool explain_step_fits(const struct explain_query *q, const struct judge *j, int step);
bool explain_rule_fits(const struct explain_query *q, const struct rule *r);
/* It has the values asked for, among others. */
bool explain_dims_fit(const struct explain_query *q, const struct judge *j, const struct watch *w);

/* explain_detect.c: a rule that detect_is_kind(). A block for each step's series asked for, or the whole, and for those
 * an alert is about; the risk sets are settled. Returns how many blocks. */
size_t explain_detect(const struct judge *j, size_t rule, const struct explain_query *q,
                      struct buf *out);

#endif

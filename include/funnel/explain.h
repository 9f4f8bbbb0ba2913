/* SPDX-License-Identifier: Apache-2.0 */
/* Why a rule fires or does not: what it saw at its last look, what it expected, and what its alert does. For
 * people; the alert record has the same numbers for machines. */
#ifndef FUNNEL_EXPLAIN_H
#define FUNNEL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/alert.h"
#include "funnel/buf.h"
#include "funnel/pipeline.h"

/* NULL, 0: any. */
struct explain_query {
    const char *funnel, *step, *rule;
    const struct alert_dim *dims; /* these values; a watch may have others beside them */
    size_t dim_count;
    uint64_t fingerprint;
    bool all_tests; /* of the detector's rules: not only the fullest */
};

/* From here on counts by age are kept for it, of the detector's rules; without it they are not shown. What the machines
 * put out is the same. */
void explain_begin(struct pipeline *p);
/* As of the last pane closed. Appends a block of lines for each watch; returns how many. */
size_t explain_write(const struct pipeline *p, const struct explain_query *q, struct buf *out);

#endif

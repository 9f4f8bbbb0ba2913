/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "funnel/judge.h"

/* One line; the judge's risk sets are settled. cohort: CALENDAR_*, -1: none. */
void report_json(struct judge *j, int cohort, struct buf *out);

#endif

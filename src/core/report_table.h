/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "funnel/judge.h"

/* The risk sets are settled. */
void report_table(const struct judge *j, struct buf *out);
void report_csv_head(struct buf *out);
void report_csv(const struct judge *j, struct buf *out); /* RFC 4180, one line a step and segment */

#endif

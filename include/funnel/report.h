/* SPDX-License-Identifier: Apache-2.0 */
/* What the funnels look like now, as data and as the table sales managers use. */
#ifndef FUNNEL_REPORT_H
#define FUNNEL_REPORT_H

#include "funnel/buf.h"
#include "funnel/pipeline.h"

enum report_format { REPORT_JSON, REPORT_TABLE, REPORT_CSV };

struct report_options {
    enum report_format format;
    int cohort;         /* CALENDAR_DAY, _WEEK or _MONTH; -1: no cohorts */
    const char *funnel; /* only this one; NULL: all */
};

/* JSON: one object a funnel, one a line. Floats to 9 significant digits. */
void report_write(const struct pipeline *p, const struct report_options *options, struct buf *out);

#endif

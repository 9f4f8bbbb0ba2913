/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/report.h"

#include <string.h>

#include "funnel/pipeline_parts.h"
#include "report_json.h"
#include "report_table.h"

void report_write(const struct pipeline *p, const struct report_options *options, struct buf *out)
{
    if (options->format == REPORT_CSV)
        report_csv_head(out);
    for (size_t i = 0; i < p->funnel_count; i++) {
        struct judge *j = &p->judges[i];

        if (options->funnel && strcmp(options->funnel, j->funnel->name) != 0)
            continue;
        if (options->format == REPORT_JSON)
            report_json(j, options->cohort, out);
        else if (options->format == REPORT_CSV)
            report_csv(j, out);
        else
            report_table(j, out);
    }
}

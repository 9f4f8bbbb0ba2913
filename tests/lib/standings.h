/* SPDX-License-Identifier: Apache-2.0 */
/* What the judges say stands where and is open, against a recount of the entity tables. */
#ifndef TESTS_STANDINGS_H
#define TESTS_STANDINGS_H

#include "funnel/pipeline_parts.h"

/* NULL, or where they differ. Every pane is closed: after pipeline_end(). */
const char *standings_differ(const struct pipeline *p);
/* NULL, or the first place where risk sets and entities differ (audit.h): at any moment between steps. */
const char *audit_differs(const struct pipeline *p);

#endif

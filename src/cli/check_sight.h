/* SPDX-License-Identifier: Apache-2.0 */
/* What check says of the rules: how small a change each can see, and after how long. */
#ifndef CLI_CHECK_SIGHT_H
#define CLI_CHECK_SIGHT_H

#include "funnel/pipeline.h"

#define SIGHT_PER_DAY 1000
#define SIGHT_PER_DAY_MAX 1000000000

/* Of each rule of each funnel, to stdout. per_day: entries of the first stage; 0: from what the pipeline has seen.
 * assumed: nobody gave per_day. */
void check_sight(const struct pipeline *p, long long per_day, bool assumed);

#endif

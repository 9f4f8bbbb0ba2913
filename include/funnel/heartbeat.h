/* SPDX-License-Identifier: Apache-2.0 */
/* A record on the alert topic that says funneld is alive, so that its own death can page. */
#ifndef FUNNEL_HEARTBEAT_H
#define FUNNEL_HEARTBEAT_H

#include <stdint.h>

#include "funnel/record.h"

/* Appends a CloudEvents 1.0 binary-mode record: key heartbeat/<group>, ce_type io.funneld.heartbeat, ce_id of group
 * and time. The only record that is of the wall clock: it belongs to no machine, no digest and no replay. now_ms,
 * in ptime's sense, and every_ms, when the next is due, are the caller's; group and version are borrowed. */
void heartbeat_put(struct records *out, const char *group, int64_t now_ms, int64_t every_ms,
                   const char *version);

#endif

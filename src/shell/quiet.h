/* SPDX-License-Identifier: Apache-2.0 */
/* When a partition is quiet, and which decision that calls for (PROTOCOL section 3, 1 to 3). Pure: clocks go in
 * as numbers, decisions come out.
 *
 * Caught up: the partition's last event was its end, at or past the cached high watermark, and a probe of the
 * broker begun after the last message and not long ago says that the log ends there too. A broker that does not
 * answer leaves nobody caught up. Quiet: caught up, and nothing heard for idle_after. Everything else is live. */
#ifndef SHELL_QUIET_H
#define SHELL_QUIET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "funnel/clock.h"
#include "funnel/decision.h"
#include "funnel/settings.h"

#define QUIET_PROBE_MAX_AGE_MS 15000
#define QUIET_JUMP_MS 60000     /* the wall clock against the loop's, between two calls */
#define QUIET_DISTRUST_MS 60000 /* so long it is not believed after a jump ahead */

struct quiet_part {
    uint16_t input;      /* index into settings.inputs: the topic */
    int64_t next;        /* the next offset to take */
    int64_t high;        /* cached high watermark; -1: not known */
    bool at_end;         /* the last event was the end of the partition, at `next` */
    bool paused;         /* for any reason: it counts as live */
    int64_t probed_high; /* end of the log as the last probe saw it; -1: never probed */
    int64_t probed_at;   /* ms of the loop's clock when that probe was begun */
    int64_t heard_at;    /* the same, of the last message; where there was none, of the start */
    struct etime watermark;
    struct etime waits_for; /* the first event that waits as a jump; ETIME_NONE: none */
};

struct quiet_view {
    const struct quiet_part *parts;
    size_t count;
    int64_t now_ms;  /* the loop's clock */
    int64_t wall_ms; /* since 1970 */
    const struct settings_time *time;
};

/* Between two calls; a zeroed one is new. */
struct quiet {
    bool begun;
    int64_t now_ms, wall_ms; /* of the last call */
    int64_t distrust_until;  /* of the loop's clock */
};

struct quiet_decision {
    size_t part;
    enum decision_kind kind; /* ADVANCE, DARK or RELEASE */
    int64_t value; /* ms; of an ADVANCE or DARK the start of a pane, beyond the watermark */
};

/* At most one decision per partition, into out[v->count], in the order of the partitions; returns how many.
 * A partition that others' decisions would let follow waits for the next call, with new watermarks.
 * *ret_jumped: the wall clock has jumped ahead just now, and DARK and RELEASE rest for QUIET_DISTRUST_MS. */
size_t quiet_decide(struct quiet *q, const struct quiet_view *v, struct quiet_decision *out,
                    bool *ret_jumped);

/* It only lacks a fresh probe, or will soon, to be quiet: probe now and then. */
bool quiet_is_candidate(const struct quiet_view *v, size_t part);
bool quiet_is_quiet(const struct quiet_view *v, size_t part);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong in a simulated stream, when and where; parsed from `key=value,...`.
 *
 *   kind=loss (default)  a conversion that would happen now is lost with the chance `loss`
 *   kind=cohort          who enters the step now converts with a chance lower by the share `loss`
 *   kind=slow            dwell runs slower by `factor` (2), from now on for all who stand in the step
 *   kind=mix             the share of the one named value is multiplied by `factor` (4)
 *   kind=volume          arrivals are multiplied by `factor`
 *   kind=outage          the events of the period are never written
 *   kind=late_batch      they are written after it, one after another within `over` (1h), with their own times
 *
 * at, for: since the stream's start and how long (30d6h). step: 1 is the first; none is every step.
 * channel, device, region: only these. loss 0 to 1. */
#ifndef SIM_INCIDENT_H
#define SIM_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dims.h"

enum incident_kind {
    INCIDENT_LOSS,
    INCIDENT_COHORT,
    INCIDENT_SLOW,
    INCIDENT_MIX,
    INCIDENT_VOLUME,
    INCIDENT_OUTAGE,
    INCIDENT_LATE_BATCH,
    INCIDENT_KINDS
};

struct incident {
    enum incident_kind kind;
    int64_t from_ms, to_ms; /* since the stream's start; [from, to) */
    int step;               /* from 0; -1: every step */
    int values[DIMS];       /* -1: every value */
    double loss, factor;
    int64_t over_ms;
};

#define INCIDENTS_MAX 512

struct incidents {
    struct incident items[INCIDENTS_MAX]; /* by kind, then as given */
    size_t first[INCIDENT_KINDS + 1];     /* of each kind; the last is the count */
};

/* Milliseconds of 90s, 1d12h, 0; -1 where it is none. */
int64_t incident_duration(const char *text);

/* Adds one. false: wrong, and why on stderr. */
bool incidents_add(struct incidents *all, const char *text);

/* What is left of a chance at t: Π (1 − loss) over those of the kind that hold there. */
double incidents_keep(const struct incidents *all, enum incident_kind kind, int step, int leaf,
                      int64_t t);

/* The product of the factors that hold at t. *ret_until is lowered to where that changes. */
double incidents_factor(const struct incidents *all, enum incident_kind kind, int step, int leaf,
                        int64_t t, int64_t *ret_until);

/* The one that holds at t, or NULL. */
const struct incident *incidents_find(const struct incidents *all, enum incident_kind kind,
                                      int leaf, int64_t t);

void incidents_print(const struct incidents *all, FILE *out); /* a JSON list */

#endif

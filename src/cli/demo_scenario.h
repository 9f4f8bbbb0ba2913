/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's script: what shop it is, how well its steps convert, and what goes wrong when. Pure. */
#ifndef CLI_DEMO_SCENARIO_H
#define CLI_DEMO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/demo_words.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

#define DEMO_FUNNEL "shop"
#define DEMO_EXIT "cancelled"

enum { SHOP_STAGES = 4, SHOP_STEPS = SHOP_STAGES - 1 };
enum { SHOP_CHANNELS = 3, SHOP_DEVICES = 2, SHOP_OWNERS = 4, SHOP_REASONS = 3 };
enum { SHOP_EXIT = SHOP_STAGES }; /* stage number of the exit */

extern const char *const shop_stage_ids[SHOP_STAGES + 1];
extern const char *const shop_channels[SHOP_CHANNELS];
extern const char *const shop_devices[SHOP_DEVICES];
extern const char *const shop_owners[SHOP_OWNERS];
extern const char *const shop_reasons[SHOP_REASONS];

/* Something that goes wrong in one step, for the visitors of one channel or device. */
struct incident_kind {
    int step;                  /* 0: visit>cart, … */
    int channel, device;       /* -1: all of them */
    double rate;               /* what the step's rate falls to */
    enum demo_word story;      /* what happened, in words */
    const char *rule;          /* the rule whose alert has to find it */
    const char *label, *value; /* and its dimension */
};

struct incident {
    int64_t number; /* from 0 */
    int64_t from_ms, to_ms;
    const struct incident_kind *kind;
};

/* The start of the script: a midnight (UTC) four weeks before now_ms, so that the hours of a day and
 * everything that follows from the seed are the same at every run. */
int64_t scenario_start(int64_t now_ms);
int64_t scenario_live(int64_t start_ms); /* the end of the history that is produced in one burst */
struct incident scenario_incident(int64_t start_ms, int64_t number);
/* The incident going on at that time. */
bool scenario_current(int64_t start_ms, int64_t at_ms, struct incident *ret);

/* "visit>cart" */
void scenario_step(int step, char *ret, size_t size);
/* Chance that a visitor who enters the step's first stage now goes on to the next one. */
double scenario_rate(int64_t start_ms, int64_t at_ms, int step, int channel, int device);
/* The same while nothing is wrong. */
double scenario_usual(int step, int channel);
/* Visits per millisecond at this hour of the day, and the most they can be. */
double scenario_arrivals(int64_t at_ms);
double scenario_arrivals_max(void);

#endif
